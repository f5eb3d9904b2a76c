import { describe, expect, it } from 'vitest';
import { KeeperLink, OPEN_READS_MAX, REQUEST_BYTES_MAX } from '../src/keeper-link.js';

const read = (key: unknown) =>
  ({ type: 'read', worker: 'w', table: 't', operation: 'lookup', arguments: [key] }) as const;

describe('KeeperLink', () => {
  it('refuses a read when as many are open as may, until one is given up (G9)', async () => {
    const link = new KeeperLink(() => {});
    const open = Array.from({ length: OPEN_READS_MAX }, (_, key) => link.ask(read(key)));
    for (const { answer } of open) answer.catch(() => {});
    await expect(link.request(read('more'))).rejects.toMatchObject({ code: 'ERR_CALL_OVERLOADED', outcome: 'none' });
    // What the router needs for a recovery is asked all the same.
    const barrier = link.request({ type: 'barrier' });
    open[0]?.giveUp();
    const taken = link.request(read('more'));
    const failure = new Error('There is no further keeper.');
    link.fail(failure);
    await expect(barrier).rejects.toBe(failure);
    await expect(taken).rejects.toBe(failure);
  });

  it('refuses a request that cannot be encoded or is too large', async () => {
    const link = new KeeperLink(() => {});
    for (const key of [() => 1, 'x'.repeat(REQUEST_BYTES_MAX)]) {
      await expect(link.request(read(key))).rejects.toMatchObject({ code: 'ERR_CALL_ARGUMENTS', outcome: 'none' });
    }
  });
});
