/**
 * The limit on restarts over a whole tree (beyond OTP, where what a tree tolerates multiplies with each level of supervisors).
 *
 * 1. Every restart that counts against its supervisor's intensity counts here too, of workers and of supervisors, but for those
 *    under a supervisor whose spec says `countsInTree: false`.
 * 2. As in restart-window.ts, a restart that is exactly one period old still counts, and one more than the limit exceeds it.
 * 3. Once exceeded it stays so: whatever would be restarted while the tree ends is not.
 *
 * Beyond the limit the whole tree gives up; it does not slow down. Restarts that are too many for the tree and not for any one
 * supervisor have a cause that they share, such as memory, a disk or another service, and restarting more does not mend that; a
 * tree that slows down would hide it. Who wants restarts to be slower gives the children a backoff.
 */
import { SupervisorError } from './errors.js';

/** How many restarts a tree may have within a period. */
export interface RestartLimit {
  /** How many are tolerated; the next one makes the whole tree give up. */
  readonly intensity: number;
  /** In milliseconds. */
  readonly periodMs: number;
}

/** The restarts that still count, oldest first. */
export interface RestartTally extends RestartLimit {
  readonly restarts: readonly { readonly at: number; readonly child: string }[];
  readonly isExceeded: boolean;
}

/** Gives back a tally in which nothing has happened. */
export function emptyTally({ intensity, periodMs }: RestartLimit): RestartTally {
  return { intensity, periodMs, restarts: [], isExceeded: false };
}

/** Counts one restart of `child` at `now`. */
export function countInTree(tally: RestartTally, child: string, now: number): RestartTally {
  if (tally.isExceeded) return tally;
  const recent = tally.restarts.filter(({ at }) => at >= now - tally.periodMs);
  const restarts = [...recent, { at: now, child }];
  return { ...tally, restarts, isExceeded: restarts.length > tally.intensity };
}

/** How many children a message names: those that were restarted most often say where to look. */
const NAMED_MAX = 5;

/** The error with which a tree gives up. `details.counts` has every child with its restarts in the period. */
export function limitError({ intensity, periodMs, restarts }: RestartTally): SupervisorError {
  const counts = new Map<string, number>();
  for (const { child } of restarts) counts.set(child, (counts.get(child) ?? 0) + 1);
  const most = [...counts].sort(([, a], [, b]) => b - a);
  const named = most.slice(0, NAMED_MAX).map(([child, count]) => `${child} (${count})`);
  const others = most.length > NAMED_MAX ? ` and ${most.length - NAMED_MAX} more` : '';
  return new SupervisorError(
    'ERR_SUPERVISOR_RESTART_LIMIT',
    `${restarts.length} children had to be restarted within ${periodMs} ms, and the whole tree allows ${intensity}: ` +
      `${named.join(', ')}${others}. Find out what they have in common, or raise the limit.`,
    { intensity, periodMs, restarts: restarts.length, counts: Object.fromEntries(most) },
  );
}
