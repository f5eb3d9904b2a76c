import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextRestart, NO_RESTARTS, notUp, problemOf, upAt, type Backoff, type RestartRow } from '../src/backoff.js';
import { randomOf } from '../src/seeded-random.js';

/** The waits of a child that dies as soon as it is up, without randomness. */
function waits(policy: Backoff, count: number, random = 0): number[] {
  let row: RestartRow = NO_RESTARTS;
  return Array.from({ length: count }, () => {
    const next = nextRestart(policy, upAt(notUp(row), 0), 0, random);
    row = next.row;
    return next.delayMs;
  });
}

describe('the waits of a row of restarts', () => {
  test('are none, then minMs, then factor times as long each, up to maxMs', () => {
    expect(waits({ minMs: 100, maxMs: 1_000, factor: 3 }, 6)).toEqual([0, 100, 300, 900, 1_000, 1_000]);
  });

  test('are shorter by up to the jitter', () => {
    expect(waits({ minMs: 100, maxMs: 400, factor: 2, jitter: 0.5 }, 4, 0.5)).toEqual([0, 75, 150, 300]);
  });

  test('stay at maxMs however long the row', () => {
    expect(waits({ minMs: 1, maxMs: 2_000_000_000, factor: 1_000 }, 2_000).at(-1)).toBe(2_000_000_000);
  });

  test('begin anew once the child was up for resetMs, and not a millisecond before', () => {
    const policy = { minMs: 100, maxMs: 1_000, resetMs: 500, jitter: 0 };
    const second: RestartRow = { restarts: 2, upSince: 1_000 };
    expect(nextRestart(policy, second, 1_499, 0)).toMatchObject({ delayMs: 200, row: { restarts: 3 } });
    expect(nextRestart(policy, second, 1_500, 0)).toMatchObject({ delayMs: 0, row: { restarts: 1 } });
    expect(nextRestart(policy, { ...second, upSince: undefined }, 9_999, 0)).toMatchObject({ delayMs: 200 });
  });

  test('never leave their bounds', () => {
    const policies = fc.record({
      minMs: fc.integer({ min: 1, max: 1_000 }),
      maxMs: fc.integer({ min: 1_000, max: 60_000 }),
      factor: fc.double({ min: 1, max: 1_000, noNaN: true }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(policies, fc.nat({ max: 999 }), fc.integer({ min: 1, max: 200 }), (policy, thousandths, restarts) => {
        const { delayMs } = nextRestart(policy, { restarts, upSince: undefined }, 0, thousandths / 1_000);
        expect(delayMs).toBeGreaterThanOrEqual(Math.floor(policy.minMs * (1 - policy.jitter)));
        expect(delayMs).toBeLessThanOrEqual(policy.maxMs);
      }),
    );
  });
});

test('refuses a policy that makes no sense, and says which field', () => {
  const fieldOf = (policy: unknown): string | undefined => problemOf(policy)?.field;
  expect(fieldOf({})).toBeUndefined();
  expect(fieldOf('none')).toBeUndefined();
  expect(fieldOf({ minMs: 60_000 })).toBeUndefined();
  expect(fieldOf({ minMs: 0 })).toBe('backoff.minMs');
  expect(fieldOf({ minMs: 10, maxMs: 9 })).toBe('backoff.maxMs');
  expect(fieldOf({ factor: 0.5 })).toBe('backoff.factor');
  expect(fieldOf({ factor: Number.NaN })).toBe('backoff.factor');
  expect(fieldOf({ jitter: 1.1 })).toBe('backoff.jitter');
  expect(fieldOf({ resetMs: 0.5 })).toBe('backoff.resetMs');
  expect(fieldOf({ max: 3 })).toBe('backoff.max');
  expect(fieldOf(true)).toBe('backoff');
  expect(fieldOf(null)).toBe('backoff');
});

test('random numbers follow from their text, and are spread evenly, also for texts that hardly differ', () => {
  expect(randomOf('7/a#1')).toBe(randomOf('7/a#1'));
  const numbers = Array.from({ length: 10_000 }, (_, index) => randomOf(`[1,"root"]/worker#${index}`));
  const tenths = Array.from({ length: 10 }, (_, tenth) => numbers.filter((x) => Math.floor(x * 10) === tenth).length);
  for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(120);
  const following = numbers.slice(1).map((x, index) => x * (numbers[index] ?? 0));
  expect(following.reduce((sum, x) => sum + x, 0) / following.length).toBeCloseTo(0.25, 1);
});
