/**
 * The beginning and the end of a keeper's run on a store, and what one keeper finds of another's.
 *
 * A run begins with a flushed marker. After an end that was not clean, with another boot of the system or one that cannot be
 * told, what was visible may have been rolled back; LSNs of the time before then belong to an older timeline.
 *
 * A new instance of the runtime has none of the processes of the former: every epoch is closed, and stored replies, whose
 * callers are gone, are dropped.
 */
import { readBootId } from './boot-id.js';
import { closeEpoch } from './epochs.js';
import { decodeJournalRecord, outcomesByWorker } from './journal-record.js';
import { u64Key } from './layout.js';
import type { Store } from './store.js';
import type { ReleasedGroup } from './group-writing.js';

/** Begins a run: `instance` is the runtime's, or 0 for one that is new. Throws StoreError. */
export function beginRun(store: Store, instance: number): void {
  const { state } = store;
  const bootId = readBootId();
  const isRolledBack = !state.isClean && (bootId === '' || bootId !== state.bootId);
  const isNewInstance = instance === 0;
  store.transaction((writer) => {
    store.putState(writer, {
      timeline: state.timeline + (isRolledBack ? 1 : 0),
      generation: state.generation + 1,
      instance: isNewInstance ? state.instance + 1 : instance,
      bootId,
      isClean: false,
    });
    if (!isNewInstance) return;
    for (const { lsn } of store.unconfirmed) writer.remove('journal', u64Key(lsn));
    for (const [worker, record] of store.epochs) {
      if (record.isOpen) store.putEpoch(writer, worker, closeEpoch(record));
    }
    store.unconfirmed.length = 0;
    store.unconfirmedBytes = 0;
  });
}

/** Ends a run cleanly. Throws StoreError. */
export function endRun(store: Store, confirmedLsn: number): void {
  store.transaction((writer) => store.putState(writer, { isClean: true, confirmedLsn }));
}

/** The replies of every stored group behind an LSN, in order. Throws StoreError ERR_STORE_DAMAGED. */
export function* storedReplies(store: Store, seenLsn: number): Generator<Pick<ReleasedGroup, 'lsn' | 'outcomes'>> {
  for (const { lsn } of store.unconfirmed) {
    if (lsn <= seenLsn) continue;
    const bytes = store.journalRecord(u64Key(lsn));
    if (bytes === undefined) continue;
    const { instance, batches } = decodeJournalRecord(bytes);
    if (instance !== store.state.instance) continue;
    const outcomes = outcomesByWorker(batches);
    if (outcomes.size > 0) yield { lsn, outcomes };
  }
}
