import { describe, expect, it } from 'vitest';
import { RecoveryWatch } from '../src/recovery-watch.js';

describe('RecoveryWatch', () => {
  it('ends a recovery at the first answer of a later incarnation, not of the dead one', () => {
    let now = 0;
    const recoveries = new RecoveryWatch(() => now);
    const ended: number[] = [];
    recoveries.begin('a', 3, 100, (ms) => ended.push(ms));
    now = 102;
    recoveries.answered('a', 3);
    recoveries.answered('b', 9);
    expect(ended).toEqual([]);
    now = 107;
    recoveries.answered('a', 4);
    now = 120;
    recoveries.answered('a', 4);
    expect(ended).toEqual([7]);
    expect(recoveries.quantileMs(0.5)).toBe(7);
  });

  it('gives the nearest rank, and null without a recovery', () => {
    let now = 0;
    const recoveries = new RecoveryWatch(() => now);
    expect(recoveries.quantileMs(0.5)).toBeNull();
    for (now = 100; now >= 1; now -= 1) {
      recoveries.begin('a', 1, 0, () => {});
      recoveries.answered('a', 2);
    }
    expect([0, 0.5, 0.99, 1].map((quantile) => recoveries.quantileMs(quantile))).toEqual([1, 50, 99, 100]);
  });
});
