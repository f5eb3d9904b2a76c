import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { countRestart, emptyWindow, type RestartWindow } from '../src/restart-window.js';

function countAll(window: RestartWindow, times: readonly number[]): boolean[] {
  let current = window;
  return times.map((time) => {
    const counted = countRestart(current, time);
    current = counted.window;
    return counted.isExceeded;
  });
}

test('allows as many restarts in the period as the intensity says, and not one more', () => {
  expect(countAll(emptyWindow(2, 5_000), [0, 1, 2])).toEqual([false, false, true]);
});

test('an intensity of 0 is exceeded by the first restart (N39)', () => {
  expect(countAll(emptyWindow(0, 5_000), [7])).toEqual([true]);
});

test('a restart exactly one period old still counts, one a millisecond older does not', () => {
  expect(countAll(emptyWindow(1, 1_000), [0, 1_000])).toEqual([false, true]);
  expect(countAll(emptyWindow(1, 1_000), [0, 1_001])).toEqual([false, false]);
});

test('survives intensity 1 in 1000 ms with a crash every 2100 ms (S23)', () => {
  expect(countAll(emptyWindow(1, 1_000), [0, 2_100, 4_200, 6_300])).toEqual([false, false, false, false]);
});

test('agrees with a count over all times and remembers no more than intensity + 1 of them', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 1, max: 100 }),
      gaps,
      (intensity, periodMs, gapsMs) => {
        let window = emptyWindow(intensity, periodMs);
        const times: number[] = [];
        let now = 0;
        for (const gapMs of gapsMs) {
          now += gapMs;
          times.push(now);
          const counted = countRestart(window, now);
          const inPeriod = times.filter((time) => now - time <= periodMs).length;
          expect(counted.isExceeded).toBe(inPeriod > intensity);
          if (counted.isExceeded) return;
          window = counted.window;
          expect(window.times.length).toBeLessThanOrEqual(intensity + 1);
        }
      },
    ),
  );
});
