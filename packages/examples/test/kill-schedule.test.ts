import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlannedKill } from '../src/kill-schedule.js';
import { KEEPER, planKills } from '../src/kill-schedule.js';
import { seededRandom } from '../src/random.js';

const WORKERS = ['a', 'b', 'c'];

function plan(flights: number, seed: number, workerKills = 66, keeperKills = 6): readonly PlannedKill[] {
  return planKills({ flights, workers: WORKERS, workerKills, keeperKills, random: seededRandom(seed) });
}

describe('planKills', () => {
  it('has every kill, in order, before the last flight, whatever the number of flights', () => {
    fc.assert(
      fc.property(fc.nat(30_000), fc.nat(), fc.nat(80), fc.nat(10), (flights, seed, workerKills, keeperKills) => {
        const kills = plan(flights, seed, workerKills, keeperKills);
        expect(kills.filter(({ victim }) => victim === KEEPER)).toHaveLength(keeperKills);
        expect(kills.filter(({ victim }) => WORKERS.includes(victim))).toHaveLength(workerKills);
        expect(kills.map(({ after }) => after)).toEqual(kills.map(({ after }) => after).sort((x, y) => x - y));
        expect(kills.every(({ after }) => after >= 0 && (after < flights || flights === 0))).toBe(true);
      }),
    );
  });

  it('spreads the kills evenly over the flights, and the keeper kills too', () => {
    const kills = plan(7_200, 1);
    for (const [turn, { after }] of kills.entries()) {
      expect(after).toBeGreaterThanOrEqual(turn * 100);
      expect(after).toBeLessThan((turn + 1) * 100);
    }
    const keeperTurns = kills.flatMap(({ victim }, turn) => (victim === KEEPER ? [turn] : []));
    expect(keeperTurns).toEqual([6, 18, 30, 42, 54, 66]);
  });

  it('is the same for the same seed and another for another, and spares no worker', () => {
    expect(plan(1_000, 5)).toEqual(plan(1_000, 5));
    expect(plan(1_000, 5)).not.toEqual(plan(1_000, 6));
    expect(new Set(plan(1_000, 5).map(({ victim }) => victim))).toEqual(new Set([...WORKERS, KEEPER]));
  });
});
