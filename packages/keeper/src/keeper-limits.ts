/** The limits of a keeper, each with its reason. All can be lowered for tests and raised by operators. */
export interface KeeperLimits {
  /** How long a start waits for the directory's former holder to end, in milliseconds. */
  readonly lockWaitMs: number;
  readonly groupBatchesMax: number;
  readonly groupBytesMax: number;
  readonly handshakeTimeoutMs: number;
  readonly expectationsMax: number;
  readonly readsMax: number;
  readonly unconfirmedBytesMax: number;
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
  // Two for each process of the largest runtime, several times over.
  expectationsMax: 4_096,
  // Reads in slices hold memory for one page each.
  readsMax: 1_024,
  // Replies that the router has not confirmed; beyond this, journals are not read. All of them, and the group that goes over
  // the limit, are sent again at once to a new router connection, which takes SEND_BYTES_MAX, 256 MiB.
  unconfirmedBytesMax: 64 * 1024 * 1024,
};
