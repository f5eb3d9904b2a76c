/**
 * The restart window of one supervisor: how many restarts lie in the last period.
 *
 * 1. A restart that is exactly one period old still counts; one that is older does not.
 * 2. N restarts within the period are allowed; the next one exceeds the intensity.
 * 3. At most intensity + 1 times are remembered.
 *
 * This is OTP's algorithm (supervisor:add_restart/1) with milliseconds for whole seconds, so it forgets up to one second
 * earlier than OTP. Times are monotonic milliseconds.
 */

/** The restarts that still count, oldest first. */
export interface RestartWindow {
  readonly intensity: number;
  readonly periodMs: number;
  readonly times: readonly number[];
}

/** Gives back a window in which nothing has happened. */
export function emptyWindow(intensity: number, periodMs: number): RestartWindow {
  return { intensity, periodMs, times: [] };
}

/** Counts one restart at `now` and says whether the intensity is exceeded by it. */
export function countRestart(window: RestartWindow, now: number): { window: RestartWindow; isExceeded: boolean } {
  const recent = window.times.filter((time) => time >= now - window.periodMs);
  const times = [...recent, now];
  return { window: { ...window, times }, isExceeded: times.length > window.intensity };
}

/** How many restarts a supervisor has counted within its period, and how many it may. */
export interface RestartCount {
  readonly count: number;
  readonly intensity: number;
  readonly periodMs: number;
}

/** The restarts that still count at `now`. */
export function countedWithin({ intensity, periodMs, times }: RestartWindow, now: number): RestartCount {
  return { count: times.filter((time) => time >= now - periodMs).length, intensity, periodMs };
}
