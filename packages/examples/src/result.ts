/** What a run found out, as `--json` prints it. */
import type { TableComparison } from './comparison.js';

/** Times in ms; null when nothing was measured. */
export interface RecoveryTimes {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** The outcome of a whole run. */
export interface FlightBoardResult {
  /** Whether every table is as the ledger says, every call was answered and every planned kill took place. */
  readonly ok: boolean;
  /** Flights of the file that every worker has acknowledged. */
  readonly flights: number;
  /** Malformed lines. */
  readonly skipped: number;
  readonly calls: number;
  readonly failedCalls: number;
  /** Workers that died of our SIGKILL. */
  readonly kills: number;
  readonly killsByWorker: Readonly<Record<string, number>>;
  readonly keeperKills: number;
  /** Deaths that we did not cause. */
  readonly otherCrashes: number;
  /** Records missing from the tables, duplicated in them, and rows that differ, over all tables. */
  readonly lost: number;
  readonly duplicated: number;
  readonly mismatches: number;
  /** Calls that a dead worker left without a trace and the next incarnation ran again. */
  readonly rerun: number;
  /** From a worker's SIGKILL to its next answered call. */
  readonly recoveryMs: RecoveryTimes;
  readonly elapsedMs: number;
  readonly seed: number;
  readonly tables: readonly TableComparison[];
  /** The first failed calls and differences, a sentence each. */
  readonly problems: readonly string[];
}
