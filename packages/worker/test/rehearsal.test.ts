import { armFailpoints } from '@heirloom/wire';
import { afterEach, describe, expect, it } from 'vitest';
import type { RowSource } from '@heirloom/tables';
import type { RowReader } from '../src/hydration.js';
import { rehearse } from '../src/rehearsal.js';

const noStore = (): RowReader => {
  throw new Error('there is no store');
};

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
    }, noStore);
    await askedTimes(11, () => asked);
  });

  it('reads the store where it has no rows, and closes it', async () => {
    const extents = new Set<number>();
    let opened = 0;
    let asked = 0;
    const reader = (): RowReader => {
      opened++;
      const source = (extent: number): RowSource => {
        extents.add(extent);
        return { rowsOf: () => [], scan: () => [] };
      };
      return { source, close: () => void opened-- };
    };
    rehearse(() => ++asked > 3, reader);
    await askedTimes(4, () => asked);
    expect(opened).toBe(0);
    expect([...extents]).toEqual([0]);
  });

  it('stops when there is no time for it any more', async () => {
    let asked = 0;
    rehearse(() => ++asked > 1, noStore);
    await askedTimes(2, () => asked);
    let others = 0;
    // A later rehearsal has come to its end, so this one has not gone on.
    rehearse(() => ++others > 5, noStore);
    await askedTimes(6, () => others);
    expect(asked).toBe(2);
  });
});
