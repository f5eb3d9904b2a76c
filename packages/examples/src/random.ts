/** A source of numbers from 0 to below 1. */
export type Random = () => number;

/** Seeds are whole numbers below this, so that they fit what `seededRandom` mixes. */
export const SEED_LIMIT = 2 ** 32;

/** A small generator (mulberry32): one seed always gives the same numbers, so a run's kills can be repeated. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / SEED_LIMIT;
  };
}
