/** The limits of a keeper, each with its reason. All can be lowered for tests and raised by operators. */
import { OUTCOMES_BYTES_MAX, OUTCOMES_MAX } from './outcome-store.js';

export interface KeeperLimits {
  /** How long a start waits for the directory's former holder to end, in milliseconds. */
  readonly lockWaitMs: number;
  /** The most batches that one transaction commits. */
  readonly groupBatchesMax: number;
  /** The same in bytes of their frames; one larger batch goes alone. */
  readonly groupBytesMax: number;
  /** How long a connection may take to say whose it is, in milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** Announced tokens that nobody has presented; at the limit the oldest is forgotten. */
  readonly expectationsMax: number;
  /** Reads that wait for their turn; one more is refused with ERR_KEEPER_BUSY. */
  readonly readsMax: number;
  /** Snapshots that are held for iterations between two of their pages; one more is refused with ERR_KEEPER_BUSY. */
  readonly snapshotsMax: number;
  /** How long a snapshot is held when no page is asked for, in milliseconds; then its iteration ends with ERR_KEEPER_SNAPSHOT. */
  readonly snapshotIdleMs: number;
  /** The same counted from its beginning, however often it is asked. */
  readonly snapshotAgeMaxMs: number;
  /** Bytes of journal records that the router has not confirmed; over the limit journals are not read. */
  readonly unconfirmedBytesMax: number;
  /** Outcomes that are kept under idempotency keys; a call with a new key is refused then. */
  readonly outcomesMax: number;
  /** The same in bytes. */
  readonly outcomeBytesMax: number;
  /** Dead letters that are stored; what is not stored then stays what it was, and the log says so. */
  readonly lettersMax: number;
  /** What they may take. */
  readonly lettersBytesMax: number;
}

export const KEEPER_LIMITS: KeeperLimits = {
  // A killed keeper is gone within milliseconds; a runtime that is closing flushes first.
  lockWaitMs: 3_000,
  // Past a few thousand batches a group gains nothing and only makes the next one wait.
  groupBatchesMax: 4_096,
  // What a disk takes in well under a second.
  groupBytesMax: 16 * 1024 * 1024,
  // A worker sends its greeting with its first write.
  handshakeTimeoutMs: 5_000,
  // Two for each process of the largest supervisor, and its standby.
  expectationsMax: 65_536,
  // What waits is a request, and the router has no more of them open at a time.
  readsMax: 1_024,
  // Half of the reader slots of the store.
  snapshotsMax: 64,
  // While a snapshot is held nothing that is deleted or replaced gives its room back to the store.
  snapshotIdleMs: 60_000,
  // A table of a hundred million rows is read in less, if somebody reads.
  snapshotAgeMaxMs: 3_600_000,
  // All of them, and the group that goes over the limit, are sent again at once by the next keeper, on a connection that
  // takes SEND_BYTES_MAX, 256 MiB.
  unconfirmedBytesMax: 64 * 1024 * 1024,
  outcomesMax: OUTCOMES_MAX,
  outcomeBytesMax: OUTCOMES_BYTES_MAX,
  // More than people look through.
  lettersMax: 10_000,
  // The largest arguments several times.
  lettersBytesMax: 256 * 1024 * 1024,
};
