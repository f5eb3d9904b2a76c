import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKeys, cutAt } from '@heirloom/tables';
import type { TableKey } from '@heirloom/tables';
import { OrderedMap } from '../src/ordered-map.js';

const kinds: Record<string, (n: number) => TableKey> = {
  numbers: (n) => n,
  strings: (n) => String(n),
  high: (n) => String.fromCodePoint(0xd000 + n * 40 + (n * 40 >= 0x800 ? 0x800 : 0)),
  mixed: (n) => (n % 3 === 0 ? n : n % 3 === 1 ? BigInt(n) : `s${n}`),
};

describe.each(Object.entries(kinds))('an ordered map of %s', (_, keyOf) => {
  it('is a sorted map, through splits and merges of its leaves', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 0, max: 2000 })), fc.boolean(), (stream, ascending) => {
        const map = new OrderedMap<number>();
        const model = new Map<number, number>();
        const next = (): number => stream.next().value as number;
        for (let n = 0; n < 700; n++) {
          const chosen = ascending ? n : next();
          map.set(keyOf(chosen), n);
          model.set(chosen, n);
        }
        for (let n = 0; n < 900; n++) {
          const chosen = n < 500 ? n : next();
          expect(map.delete(keyOf(chosen))).toBe(model.delete(chosen));
        }
        const sorted = [...model]
          .map(([n, value]) => ({ key: keyOf(n), value }))
          .sort((a, b) => compareKeys(a.key, b.key));
        expect(map.size).toBe(model.size);
        expect([...map.entries({}, false)]).toEqual(sorted);
        expect([...map.entries({}, true)]).toEqual(sorted.toReversed());
        for (let n = 0; n < 50; n++) {
          const key = keyOf(next());
          expect(map.get(key)).toBe(sorted.find((entry) => compareKeys(entry.key, key) === 0)?.value);
          expect(map.after(cutAt(key, 'after'))).toEqual(sorted.find((entry) => compareKeys(entry.key, key) > 0));
          expect(map.before(cutAt(key, 'before'))).toEqual(sorted.findLast((entry) => compareKeys(entry.key, key) < 0));
          const range = { from: cutAt(key, 'before'), to: cutAt(keyOf(next()), 'after') };
          const inside = sorted.filter(
            (entry) => compareKeys(entry.key, key) >= 0 && compareKeys(entry.key, range.to.key) <= 0,
          );
          expect([...map.entries(range, false)]).toEqual(inside);
          expect([...map.entries(range, true)]).toEqual(inside.toReversed());
        }
      }),
      { numRuns: 10 },
    );
  });
});
