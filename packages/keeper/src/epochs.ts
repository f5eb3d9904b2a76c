/**
 * Epochs: which incarnation of a worker may write, decided by pure functions over one small record for each worker.
 *
 * Invariants
 * 1. An epoch only grows, and is used once.
 * 2. At most one epoch of a worker is open, and only an open one accepts batches (G6).
 * 3. The batches of an epoch are accepted in the order 1, 2, 3, …; one that was accepted is not accepted again (G3).
 *
 * The record is written and flushed before anyone is told of a change.
 */

/** What the store keeps of a worker. */
export interface EpochRecord {
  readonly epoch: number;
  readonly isOpen: boolean;
  /** The last committed batch of this epoch, 0 for none. */
  readonly lastBatch: number;
  /** Whether the batch of an `init` was ever committed. */
  readonly isInitialized: boolean;
}

export const NO_EPOCH: EpochRecord = { epoch: 0, isOpen: false, lastBatch: 0, isInitialized: false };

/** The next epoch of a worker, open. */
export function openNextEpoch(record: EpochRecord): EpochRecord {
  return { epoch: record.epoch + 1, isOpen: true, lastBatch: 0, isInitialized: record.isInitialized };
}

/** How an epoch stands that is asked to be closed; `unknown` is one that was never opened. */
export function judgeClose(record: EpochRecord, epoch: number): 'open' | 'closed' | 'superseded' | 'unknown' {
  if (epoch > record.epoch || epoch < 1) return 'unknown';
  if (epoch < record.epoch) return 'superseded';
  return record.isOpen ? 'open' : 'closed';
}

export function closeEpoch(record: EpochRecord): EpochRecord {
  return { ...record, isOpen: false };
}

/** Whether an incarnation that connects again is still the one that may write. */
export function isCurrent(record: EpochRecord, epoch: number): boolean {
  return record.isOpen && record.epoch === epoch;
}

/** What becomes of a batch by its number, when `lastReceived` is the last one of its epoch that was accepted. */
export function judgeBatch(lastReceived: number, number: number): 'next' | 'repeated' | 'gap' {
  if (number <= lastReceived) return 'repeated';
  return number === lastReceived + 1 ? 'next' : 'gap';
}

/** The record after batches up to `lastBatch` were committed. */
export function advance(record: EpochRecord, lastBatch: number, hasInit: boolean): EpochRecord {
  return { ...record, lastBatch, isInitialized: record.isInitialized || hasInit };
}
