/**
 * The overall deadline of a shutdown: how it ends although something does not stop.
 *
 *   open ── deadline ──▶ workers killed ── KEEPER_GRACE_MS ──▶ keeper killed ── GIVE_UP_MS ──▶ given up
 *     └───────────────────── ended, from wherever it is ──────────────────────────────▶ over
 *
 * 1. G1 does not depend on it: what is acknowledged is stored, whoever is killed.
 * 2. Workers are killed first and all at once, also those whose `shutdown` is `'infinity'` and those that are stopped (SIGSTOP).
 *    The keeper reads what they had handed over, so that each open call gets its reply, or is known to have left no trace.
 * 3. A keeper that has not closed their epochs and its store within its grace is killed too. What became of the calls that were
 *    still open is unknown then, and their errors say so.
 * 4. A process that not even SIGKILL ends, as it hangs in the kernel, is not waited for. The lock of the directory is its own
 *    until it ends, so no other keeper writes beside it (G5).
 * 5. The earliest deadline that was asked for counts.
 */

/** How long the keeper may take behind the deadline: far longer than it takes to read what workers left, unless it hangs. */
export const KEEPER_GRACE_MS = 2_000;
/** How long processes may take to end of a SIGKILL: as long as the supervision tree waits before it says so. */
const GIVE_UP_MS = 2_000;

/** What is done at the deadline. */
export interface ShutdownActs {
  killWorkers(): void;
  killKeeper(): void;
}

export class ShutdownDeadline {
  /** Resolves when whatever is left is not to be waited for. */
  readonly givenUp: Promise<void>;
  readonly #acts: ShutdownActs;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #isOver = false;
  #giveUp: () => void = () => {};

  constructor(acts: ShutdownActs) {
    this.#acts = acts;
    this.givenUp = new Promise((resolve) => {
      this.#giveUp = resolve;
    });
  }

  /** The shutdown is to end within so many milliseconds from now; undefined asks for nothing. */
  arm(deadlineMs: number | undefined): void {
    if (deadlineMs === undefined || this.#isOver) return;
    const dueAt = performance.now() + deadlineMs;
    if (dueAt >= this.#dueAt) return;
    this.#dueAt = dueAt;
    this.#then(deadlineMs, () => this.#expired());
  }

  /** The shutdown has ended: nothing is done any more. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #expired(): void {
    // No later deadline may begin this anew.
    this.#dueAt = Number.NEGATIVE_INFINITY;
    this.#then(KEEPER_GRACE_MS, () => {
      this.#then(GIVE_UP_MS, this.#giveUp);
      this.#acts.killKeeper();
    });
    this.#acts.killWorkers();
  }

  #then(delayMs: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, delayMs);
  }
}
