/**
 * Deletes kept outcomes that are over, a bounded number in each transaction.
 *
 * What is over is not found any more in any case (outcome-store.ts), so nothing waits for this but room. As the wall clock may be set
 * while a timer waits, the clock is looked at again after SWEEP_WAIT_MAX_MS at the latest. Sweeping waits while batches do, but not for
 * ever: a piece is due after SWEEP_POSTPONED_MAX tries.
 */
import { SWEEP_POSTPONED_MAX } from './extent-sweeper.js';
import type { Store } from './store.js';

/** Outcomes deleted in one transaction: a few milliseconds. */
export const OUTCOMES_PER_SWEEP = 1_000;
/** How long to wait before a piece when batches wait, or when outcomes are over one after the other. */
export const SWEEP_WAIT_MIN_MS = 100;
export const SWEEP_WAIT_MAX_MS = 60_000;

export interface OutcomeSweeperOptions {
  /** The wall clock. */
  readonly now: () => number;
  /** Whether batches wait, so that sweeping should too. */
  readonly isBusy: () => boolean;
  readonly onFailed: (error: unknown) => void;
}

export class OutcomeSweeper {
  private readonly store: Store;
  private readonly options: OutcomeSweeperOptions;
  private timer: NodeJS.Timeout | undefined;
  private postponed = 0;
  private isStopped = false;

  constructor(store: Store, options: OutcomeSweeperOptions) {
    this.store = store;
    this.options = options;
  }

  /** To be called at the start and after each group. */
  wake(): void {
    if (this.isStopped || this.timer !== undefined || this.store.outcomes.totals.count === 0) return;
    const { nextExpiry } = this.store.outcomes;
    if (nextExpiry === undefined) return;
    const waitMs = Math.min(Math.max(nextExpiry - this.options.now(), SWEEP_WAIT_MIN_MS), SWEEP_WAIT_MAX_MS);
    this.timer = setTimeout(() => this.run(), waitMs);
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private run(): void {
    this.timer = undefined;
    if (this.store.hasFailed) return;
    const isDue = !this.options.isBusy() || this.postponed >= SWEEP_POSTPONED_MAX;
    this.postponed = isDue ? 0 : this.postponed + 1;
    try {
      if (isDue) this.sweep();
    } catch (error) {
      this.options.onFailed(error);
      return;
    }
    this.wake();
  }

  private sweep(): void {
    const now = this.options.now();
    const { outcomes } = this.store;
    if ((outcomes.nextExpiry ?? Infinity) > now) return;
    this.store.transaction((writer) => outcomes.sweepSome(writer, now, OUTCOMES_PER_SWEEP));
  }
}
