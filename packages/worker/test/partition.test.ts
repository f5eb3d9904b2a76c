/**
 * Which partition a key belongs to, for ever, and how partitions are named.
 *
 * The vectors were computed by another program from the layout of keys and SHA-256. A change of one moves every user's rows out of
 * reach: it must not happen.
 */
import type { TableKey } from '@heirloom/tables';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PARTITIONS_MAX, partitionHash, partitionIn, partitionName, partitionNumber } from '../src/partition.js';
import { partitionAmong, partitionedRef } from '../src/partitioned-ref.js';
import { referredWorker } from '../src/worker-ref.js';

const VECTORS: readonly (readonly [key: TableKey, hash: number, ofEight: number, ofFive: number])[] = [
  [null, 241625008242943, 7, 3],
  [false, 9139372210552, 0, 2],
  [true, 251984058813520, 0, 0],
  [0, 152426858143329, 1, 4],
  [1, 90629439696094, 6, 4],
  [-2.5, 163526172070449, 1, 4],
  [1e15, 45432421189363, 3, 3],
  ['', 132638169422406, 6, 1],
  ['alice', 154424650730149, 5, 4],
  ['Zoë 🦩', 214962446427719, 7, 4],
  [new Date(0), 263000716682441, 1, 1],
  [Uint8Array.of(0, 1, 255), 156019901967730, 2, 0],
  [['acme', 7], 152669709449708, 4, 3],
];

describe('the partition of a key', () => {
  it.each(VECTORS)('%o', (key, hash, ofEight, ofFive) => {
    expect([partitionHash(key), partitionNumber(key, 8), partitionNumber(key, 5)]).toEqual([hash, ofEight, ofFive]);
  });

  it('is one for keys that some table takes for the same', () => {
    expect(partitionHash(-0)).toBe(partitionHash(0));
    expect(partitionHash(1n)).toBe(partitionHash(1));
    expect(partitionHash([2n ** 70n])).not.toBe(partitionHash([2n ** 70n + 1n]));
  });

  it('spreads them evenly', () => {
    const numbers = Array.from({ length: 8_000 }, (_, key) => partitionNumber(key, 8));
    const counts = Array.from({ length: 8 }, (_, number) => numbers.filter((each) => each === number).length);
    expect(Math.min(...counts)).toBeGreaterThan(850);
  });

  it('is of keys only', () => {
    for (const key of [undefined, {}, Number.NaN]) {
      expect(() => partitionHash(key as TableKey)).toThrow(expect.objectContaining({ code: 'ERR_TABLE_VALUE' }));
    }
  });
});

describe('the name of a partition', () => {
  it('says which one it is', () => {
    const partition = fc
      .record({
        of: fc.stringMatching(/^[a-z][a-z0-9_.:-]{0,20}$/),
        count: fc.integer({ min: 1, max: PARTITIONS_MAX }),
      })
      .chain(({ of, count }) =>
        fc.record({ of: fc.constant(of), number: fc.nat(count - 1), count: fc.constant(count) }),
      );
    fc.assert(
      fc.property(partition, (each) => {
        expect(partitionIn(partitionName(each))).toEqual(each);
      }),
    );
  });

  it('is that of no other worker', () => {
    const names = [
      'a',
      'a:1of1',
      'a:01of2',
      'a:1of02',
      'a:-1of2',
      ':0of1',
      'a:0of0',
      'a:0of1025',
      'a:0of2x',
      'a:0 of2',
    ];
    expect(names.map(partitionIn)).toEqual(names.map(() => undefined));
  });
});

describe('a reference to a partition', () => {
  const workers = new Set(['a', 'a:0of5', 'a:1of5', 'a:4of5', 'b:0of2x', 'a:b:0of2', 'a:b:1of2']);

  it('is found among the workers that there are', () => {
    expect(referredWorker(partitionedRef('a').of('alice'), workers)).toBe('a:4of5');
    expect(referredWorker(partitionedRef('a:b').of('alice'), workers)).toMatch(/^a:b:[01]of2$/);
    expect(partitionAmong(workers, 'b', 7)).toBeUndefined();
  });

  it('is refused where there is none', () => {
    const refused = expect.objectContaining({ code: 'ERR_WORKER_REFERENCE' }) as Error;
    expect(() => referredWorker(partitionedRef('b').of('alice'), workers)).toThrow(refused);
    // The worker of the same number that is not there.
    expect(() => referredWorker(partitionedRef('a').of(null), workers)).toThrow(refused);
    expect(() => partitionedRef('')).toThrow(refused);
    expect(() => partitionedRef(7 as never)).toThrow(refused);
  });
});
