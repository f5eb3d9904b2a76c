/**
 * Deletes the rows of extents, and the changes of feeds, that no table has any more, a bounded number in each transaction.
 *
 * The list of doomed extents is in the store, written in the transaction that moved the table away, so a restart goes on
 * where the last run stopped. Sweeping waits while batches do, but not for ever: after SWEEP_POSTPONED_MAX groups a piece is
 * due.
 */
import { rowKey, u32Key, extentEnd } from './layout.js';
import type { Store, StoreWriter } from './store.js';

/** Rows deleted in one transaction: a few milliseconds. */
export const DOOMED_ROWS_PER_SWEEP = 2_000;
/** Groups that may go before a piece of sweeping. */
export const SWEEP_POSTPONED_MAX = 64;

const NO_KEY = new Uint8Array(0);
const NO_VALUE = Uint8Array.of(0);

/** Lets the rows of an extent be deleted that no table has any more, inside of a transaction. */
export function doomExtent(store: Store, writer: StoreWriter, extent: number): void {
  writer.put('doomed', u32Key(extent), NO_VALUE);
  store.doomed.push(extent);
}

/** Deletes some rows of the first doomed extent, inside of a transaction. */
export function sweepSome(store: Store, writer: StoreWriter, rowsMax: number = DOOMED_ROWS_PER_SWEEP): void {
  const [extent] = store.doomed;
  if (extent === undefined) return;
  const start = rowKey(extent, NO_KEY);
  const range = { start, end: extentEnd(extent), limit: rowsMax };
  // The number is that of an extent or of a feed, so one of them is empty.
  for (const database of ['rows', 'changes'] as const) {
    const keys = Array.from(store[database].getKeys(range));
    for (const key of keys) writer.remove(database, key);
    if (keys.length === rowsMax) return;
  }
  writer.remove('doomed', u32Key(extent));
  store.doomed.shift();
}

export interface ExtentSweeperOptions {
  /** Whether batches wait, so that sweeping should too. */
  readonly isBusy: () => boolean;
  readonly onFailed: (error: unknown) => void;
}

export class ExtentSweeper {
  private readonly store: Store;
  private readonly options: ExtentSweeperOptions;
  private timer: NodeJS.Immediate | undefined;
  private postponed = 0;

  constructor(store: Store, options: ExtentSweeperOptions) {
    this.store = store;
    this.options = options;
  }

  /** To be called at the start and after each group. */
  wake(): void {
    if (this.store.doomed.length === 0) return;
    this.timer ??= setImmediate(() => this.run());
  }

  stop(): void {
    if (this.timer !== undefined) clearImmediate(this.timer);
    this.timer = undefined;
  }

  private run(): void {
    this.timer = undefined;
    if (this.store.hasFailed) return;
    if (this.options.isBusy() && this.postponed < SWEEP_POSTPONED_MAX) {
      this.postponed++; // The group that waits wakes the sweeper again.
      return;
    }
    this.postponed = 0;
    try {
      this.store.transaction((writer) => sweepSome(this.store, writer));
    } catch (error) {
      this.options.onFailed(error);
      return;
    }
    this.wake();
  }
}
