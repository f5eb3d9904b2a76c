/**
 * A map of several segments is one map in order of insertion, whatever comes and goes.
 *
 * Mutations that make it fail, each tried: earlier segments not looked at by `get`, or by `set`; segments joined in the wrong
 * order, or never; the walk kept after segments were joined, or when it has come to the end; a walk that ends with its segment.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LargeMap } from '../src/large-map.js';

/** Large enough that segments are often small enough to be joined. */
const SEGMENT_MAX = 8;

type Step =
  { readonly do: 'set' | 'delete' | 'get'; readonly key: number } | { readonly do: 'walk' | 'first' | 'snapshot' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('set', 'set', 'delete', 'delete', 'get'), key: fc.integer({ min: 0, max: 40 }) }),
  fc.record({ do: fc.constantFrom('walk', 'walk', 'walk', 'first', 'snapshot') }),
);

/** A map whose segments are small, beside a `Map`, and a walk through both. */
class Twins {
  readonly map = new LargeMap<number, object>(SEGMENT_MAX);
  readonly model = new Map<number, object>();
  #at: number | undefined;

  take(one: Step, value: object): void {
    switch (one.do) {
      case 'set':
        this.map.set(one.key, value);
        this.model.set(one.key, value);
        break;
      case 'delete':
        expect(this.map.delete(one.key)).toBe(this.model.delete(one.key));
        if (this.#at === one.key) this.#at = undefined;
        break;
      case 'get':
        expect([this.map.get(one.key), this.map.has(one.key)]).toEqual([
          this.model.get(one.key),
          this.model.has(one.key),
        ]);
        break;
      case 'first':
        this.#at = undefined;
        break;
      case 'walk':
        this.walk();
        break;
      default:
        expect(this.map.snapshot().flat()).toEqual([...this.model.keys()]);
    }
  }

  walk(): void {
    const keys = [...this.model.keys()];
    const next = keys[this.#at === undefined ? 0 : keys.indexOf(this.#at) + 1];
    expect(this.map.keyAfter(this.#at)).toBe(next);
    this.#at = next;
  }
}

describe('a map of several segments', () => {
  it('is a map in order of insertion, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 400, size: 'max' }), (steps) => {
        const twins = new Twins();
        for (const [index, one] of steps.entries()) twins.take(one, { index });
        expect([...twins.map.entries()]).toEqual([...twins.model]);
      }),
      { numRuns: 150 },
    );
  });

  it('has no more segments than its entries need, so that a lookup does not get slower as keys come and go', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 200, maxLength: 500 }), (keys) => {
        const map = new LargeMap<number, true>(24);
        const live = new Set<number>();
        for (const key of keys) {
          if (live.delete(key)) map.delete(key);
          else map.set(key, true);
          if (map.has(key)) live.add(key);
          const segments = map.snapshot();
          expect(segments.length).toBeLessThanOrEqual((4 * live.size) / 24 + 2);
          expect(Math.max(...segments.map((segment) => segment.length))).toBeLessThanOrEqual(24);
        }
      }),
    );
  });

  it('works as a queue: the oldest keys go, new ones come', () => {
    const map = new LargeMap<number, true>(SEGMENT_MAX);
    for (let key = 0; key < 1000; key++) {
      map.set(key, true);
      expect(map.delete(key - 10)).toBe(key >= 10);
      expect(map.keyAfter(undefined)).toBe(Math.max(0, key - 9));
    }
    expect(map.snapshot().length).toBeLessThanOrEqual(5);
  });

  it.each([
    ['the last segment, which is full', SEGMENT_MAX],
    ['the last segment, which takes more', SEGMENT_MAX / 2],
  ])('walks on to keys that come after it had reached the end of %s', (_name, size) => {
    const map = new LargeMap<number, true>(SEGMENT_MAX);
    const last = size - 1;
    for (let key = 0; key <= last; key++) map.set(key, true);
    for (let key = 0; key < last; key++) expect(map.keyAfter(key)).toBe(key + 1);
    expect(map.keyAfter(last)).toBe(undefined);
    map.set(size, true);
    expect(map.keyAfter(last)).toBe(size);
    expect(() => map.keyAfter(77)).toThrow(expect.objectContaining({ code: 'ERR_INVARIANT' }));
  });
});
