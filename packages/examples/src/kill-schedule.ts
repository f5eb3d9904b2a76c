/**
 * When who is killed: a plan by points of progress, made before the run.
 *
 * 1. The plan has exactly the kills asked for, whatever the number of flights: with fewer flights than kills several
 *    share a point, with none all stand at 0.
 * 2. The points never fall, and each lies before the last flight is acknowledged, so that calls are under way.
 * 3. The kills are spread evenly, at a random place within each one's share; the keeper's lie evenly among them.
 * 4. One seed gives one plan.
 */
import type { Random } from './random.js';

/** The victim's name for a kill of the keeper; no worker is called so. */
export const KEEPER = 'keeper';

/** One kill: `victim` is due once `after` flights are acknowledged. */
export interface PlannedKill {
  readonly after: number;
  /** The name of a worker, or `KEEPER`. */
  readonly victim: string;
}

/** What a plan is made of. */
export interface KillScheduleOptions {
  readonly flights: number;
  readonly workers: readonly string[];
  readonly workerKills: number;
  readonly keeperKills: number;
  readonly random: Random;
}

/** Makes the plan, in the order in which it is to be carried out. */
export function planKills(options: KillScheduleOptions): readonly PlannedKill[] {
  const { flights, workers, workerKills, keeperKills, random } = options;
  const kills = workerKills + keeperKills;
  const keeperTurns = new Set<number>();
  for (let turn = 0; turn < keeperKills; turn += 1) {
    keeperTurns.add(Math.floor(((turn + 0.5) * kills) / keeperKills));
  }
  return Array.from({ length: kills }, (_, turn) => ({
    after: Math.floor(((turn + random()) * flights) / kills),
    victim: keeperTurns.has(turn) ? KEEPER : (workers[Math.floor(random() * workers.length)] ?? KEEPER),
  }));
}
