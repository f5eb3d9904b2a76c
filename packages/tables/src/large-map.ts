/**
 * A map of any size, in order of insertion: several `Map`s in a row, each of which V8 can still grow.
 *
 * A `Map` of V8 ends at 2^24 entries, among which it counts deleted ones. When those places are used up it only starts
 * over if at least half of them are deleted; so one with more than 2^23 entries fails sooner or later as its keys come
 * and go, with "Map maximum size exceeded".
 *
 * 1. A key is in one segment. Iteration goes through the segments in turn, which is the order of insertion; setting a key
 *    that is present leaves it in its place, as in a `Map`.
 * 2. Only the last segment takes new keys, and at most `SEGMENT_ENTRIES_MAX`. So a map of fewer entries has one segment and
 *    costs what a `Map` does; a larger one looks at its segments one after the other, the last one first.
 * 3. Two neighbours that together fill no more than half of one become one, in order. So there are at most
 *    4 n / SEGMENT_ENTRIES_MAX + 2 segments for n entries, whatever came and went.
 */
import { invariant } from './errors.js';

/**
 * The most entries of one segment: half of what V8 can keep growing (above), as one more doubling stops everything for
 * long. On a busy machine it took 1.8 s at 2^23 entries and 0.5 s at 2^22.
 */
export const SEGMENT_ENTRIES_MAX: number = 2 ** 22;

interface Walk<Key> {
  readonly keys: Iterator<Key>;
  readonly segment: number;
  readonly last: Key;
}

/** A map of any size; see the header. Values are never undefined. */
export class LargeMap<Key, Value extends object | true> {
  readonly #segmentMax: number;
  #last = new Map<Key, Value>();
  /** The segments before the last one, in order; none in most maps. */
  #earlier: Map<Key, Value>[] | undefined;
  /** Where the last `keyAfter` stopped. */
  #walk: Walk<Key> | undefined;

  /** `segmentMax` is there for tests. */
  constructor(segmentMax: number = SEGMENT_ENTRIES_MAX) {
    this.#segmentMax = segmentMax;
  }

  get(key: Key): Value | undefined {
    const value = this.#last.get(key);
    return value !== undefined || this.#earlier === undefined ? value : this.#getEarlier(this.#earlier, key);
  }

  has(key: Key): boolean {
    return this.get(key) !== undefined;
  }

  set(key: Key, value: Value): void {
    const last = this.#last;
    if (this.#earlier !== undefined || last.size >= this.#segmentMax) this.#segmentFor(key).set(key, value);
    else last.set(key, value);
  }

  delete(key: Key): boolean {
    const earlier = this.#earlier;
    if (earlier === undefined) return this.#last.delete(key);
    if (this.#last.delete(key)) {
      this.#compact(earlier, earlier.length);
      return true;
    }
    const at = earlier.findIndex((segment) => segment.delete(key));
    if (at < 0) return false;
    this.#compact(earlier, at);
    return true;
  }

  /**
   * The key behind one that is present, or the first; O(1) along a walk, also while keys come and go. A key that was removed
   * and set again since the walk came to it is taken for where it was.
   */
  keyAfter(key: Key | undefined): Key | undefined {
    const known = this.#walk;
    let { keys, segment } = key !== undefined && known?.last === key ? known : this.#walkFrom(key);
    // An exhausted iterator would not see keys that come later.
    this.#walk = undefined;
    for (;;) {
      const next = keys.next();
      if (next.done !== true) {
        this.#walk = { keys, segment, last: next.value };
        return next.value;
      }
      const following = this.#segments()[++segment];
      if (following === undefined) return undefined;
      keys = following.keys();
    }
  }

  /** The keys of this moment, in order and in pieces that arrays can hold. */
  snapshot(): readonly (readonly Key[])[] {
    return this.#segments().map((segment) => Array.from(segment.keys()));
  }

  *values(): Generator<Value, void, undefined> {
    for (const segment of this.#segments()) yield* segment.values();
  }

  *entries(): Generator<readonly [Key, Value], void, undefined> {
    for (const segment of this.#segments()) yield* segment.entries();
  }

  #segments(): readonly Map<Key, Value>[] {
    return this.#earlier === undefined ? [this.#last] : [...this.#earlier, this.#last];
  }

  #getEarlier(earlier: readonly Map<Key, Value>[], key: Key): Value | undefined {
    for (let at = earlier.length - 1; at >= 0; at--) {
      const value = earlier[at]?.get(key);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** The segment that has the key, or else the one that takes it. */
  #segmentFor(key: Key): Map<Key, Value> {
    if (this.#last.has(key)) return this.#last;
    const holder = this.#earlier?.find((segment) => segment.has(key));
    if (holder !== undefined) return holder;
    if (this.#last.size >= this.#segmentMax) {
      (this.#earlier ??= []).push(this.#last);
      this.#last = new Map();
    }
    return this.#last;
  }

  #walkFrom(key: Key | undefined): Pick<Walk<Key>, 'keys' | 'segment'> {
    const segments = this.#segments();
    const segment = key === undefined ? 0 : segments.findIndex((one) => one.has(key));
    const keys = segments[segment]?.keys();
    invariant(keys !== undefined, 'a walk goes on from a key that is present');
    if (key !== undefined) while (keys.next().value !== key);
    return { keys, segment };
  }

  /** Joins the segment at `at`, which has become smaller, with a neighbour if both are small enough. */
  #compact(earlier: Map<Key, Value>[], at: number): void {
    for (const left of [at - 1, at]) {
      const into = earlier[left];
      const from = earlier[left + 1] ?? this.#last;
      if (into === undefined || into.size + from.size > this.#segmentMax / 2) continue;
      for (const [key, value] of from) into.set(key, value);
      // What was joined takes the place of the second.
      if (from === this.#last) this.#last = into;
      else earlier[left + 1] = into;
      earlier.splice(left, 1);
      if (earlier.length === 0) this.#earlier = undefined;
      // The walk may stand in a segment that is no more.
      this.#walk = undefined;
      return;
    }
  }
}
