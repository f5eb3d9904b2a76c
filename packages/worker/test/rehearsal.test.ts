import { armFailpoints } from '@heirloom/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { rehearse } from '../src/rehearsal.js';

/** Resolves once the rehearsal has asked as often as that; it never does when it does not go on. */
async function askedTimes(count: number, asked: () => number): Promise<void> {
  while (asked() < count) await new Promise<void>((resolve) => void setImmediate(resolve));
}

describe('rehearse', () => {
  afterEach(() => armFailpoints([]));

  it('plays its acts without an error and without hitting failpoints', async () => {
    armFailpoints([{ point: 'worker.handler:start', hit: 1, action: 'EIO' }]);
    let asked = 0;
    rehearse(() => {
      asked++;
      return false;
    });
    await askedTimes(11, () => asked);
  });

  it('stops when there is no time for it any more', async () => {
    let asked = 0;
    rehearse(() => ++asked > 1);
    await askedTimes(2, () => asked);
    let others = 0;
    // A later rehearsal has come to its end, so this one has not gone on.
    rehearse(() => ++others > 5);
    await askedTimes(6, () => others);
    expect(asked).toBe(2);
  });
});
