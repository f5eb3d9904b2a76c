/**
 * Measures recoveries: from a worker's SIGKILL to its next answer.
 *
 * 1. An answer ends a recovery only if a later incarnation than the killed one gave it. What the dead one had committed
 *    is answered too, by the keeper, and would make the time too short.
 * 2. A kill without an answer has no time; it is never counted as fast.
 */

interface Recovery {
  readonly killedAtMs: number;
  readonly incarnation: number;
  readonly done: (ms: number) => void;
}

/** The recoveries of one run. */
export class RecoveryWatch {
  readonly #now: () => number;
  readonly #open = new Map<string, Recovery>();
  readonly #timesMs: number[] = [];

  /** `now` gives milliseconds that only grow. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Begins a recovery: `incarnation` of `worker` was killed at `killedAtMs`; `done` hears of its end. */
  begin(worker: string, incarnation: number, killedAtMs: number, done: (ms: number) => void): void {
    this.#open.set(worker, { killedAtMs, incarnation, done });
  }

  /** Notes that `incarnation` of `worker` answered a call. */
  answered(worker: string, incarnation: number): void {
    const recovery = this.#open.get(worker);
    if (recovery === undefined || incarnation <= recovery.incarnation) return;
    this.#open.delete(worker);
    // To a hundredth: the clock gives more digits than it knows.
    const ms = Math.round((this.#now() - recovery.killedAtMs) * 100) / 100;
    this.#timesMs.push(ms);
    recovery.done(ms);
  }

  /** The recovery time that the share `quantile` (0 to 1) of all recoveries did not exceed, in ms; null without any. */
  quantileMs(quantile: number): number | null {
    const sorted = this.#timesMs.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? null;
  }
}
