/**
 * A group: the batches that are committed together, with the changes of each table collapsed to what is there after the last.
 *
 * Invariants
 * 1. A group is committed as a whole, in one transaction, with one journal record; batches keep their order of arrival.
 * 2. Of several changes to one (key, sequence) only the last is written. A batch that clears its table takes everything back
 *    that earlier batches of the group did to it; the table's rows then begin in a new extent.
 *
 * The group is pure until `writeGroup`, which runs inside of the store's transaction.
 */
import { Buffer } from 'node:buffer';
import type { Batch, Change, Outcome, OutcomesByWorker, StoredShape, TableChanges } from '@heirloom/wire';
import { writeFeeds } from './change-feed.js';
import { NO_EPOCH, advance } from './epochs.js';
import { doomExtent } from './extent-sweeper.js';
import { encodeJournalRecord } from './journal-record.js';
import type { JournalBatch } from './journal-record.js';
import { isBag, u64Key } from './layout.js';
import type { Store, StoreWriter } from './store.js';
import { writeRows } from './stored-rows.js';
import { applySteps } from './table-ownership.js';
import type { StoredTable } from './table-catalog.js';
import { writeMigration } from './table-migration.js';

/** A batch that was found good, with where it came from. */
export interface ReceivedBatch {
  readonly worker: string;
  readonly epoch: number;
  readonly batch: Batch;
  /** The size of its frame. */
  readonly bytes: number;
}

/** What a committed group lets out. */
export interface ReleasedGroup {
  readonly lsn: number;
  readonly outcomes: OutcomesByWorker;
  /** The last batch by worker. */
  readonly progress: ReadonlyMap<string, Progress>;
  /** The watched tables that it changed. */
  readonly watched: readonly StoredTable[];
  /** Tables that have another owner now. */
  readonly moved: readonly StoredTable[];
}

export interface Progress {
  readonly epoch: number;
  readonly lastBatch: number;
  readonly hasInit: boolean;
}

/** Confirmed journal records deleted with one group: more than come up between two groups, unless the router was away. */
export const TRIM_RECORDS_MAX = 1_000;

class StagedTable {
  readonly table: StoredTable;
  readonly shapes: StoredShape[] = [];
  size = 0;
  nextSequence = 0;
  isCleared = false;
  /** The changes of the only batch so far, whose changes are distinct by themselves. */
  private only: readonly Change[] | undefined;
  private merged: Map<string, Change> | undefined;

  constructor(table: StoredTable) {
    this.table = table;
  }

  add(changes: TableChanges): void {
    this.size = changes.size;
    this.nextSequence = changes.nextSequence;
    this.shapes.push(...changes.shapes);
    if (changes.cleared) {
      this.isCleared = true;
      this.only = undefined;
      this.merged = undefined;
    }
    if (this.only === undefined && this.merged === undefined) {
      this.only = changes.changes;
      return;
    }
    const hasSequence = isBag(this.table.declaration.type);
    this.merged ??= mergeInto(new Map(), this.only ?? [], hasSequence);
    this.only = undefined;
    mergeInto(this.merged, changes.changes, hasSequence);
  }

  changes(): Iterable<Change> {
    return this.merged?.values() ?? this.only ?? [];
  }
}

type Merged = Map<string, Change>;

function mergeInto(merged: Merged, changes: readonly Change[], hasSequence: boolean): Merged {
  for (const change of changes) {
    const { keyBytes, sequence } = change;
    const key = Buffer.from(keyBytes.buffer, keyBytes.byteOffset, keyBytes.length).toString('latin1');
    // A sequence is digits, so what stands before the last '#' is the key.
    merged.set(hasSequence ? `${key}#${sequence}` : key, change);
  }
  return merged;
}

export class CommitGroup {
  readonly received: ReceivedBatch[] = [];
  readonly tables: Map<number, StagedTable> = new Map();
  bytes = 0;

  add(received: ReceivedBatch, tables: readonly StoredTable[]): void {
    this.received.push(received);
    this.bytes += received.bytes;
    for (const [index, changes] of received.batch.tables.entries()) {
      const table = tables[index] as StoredTable; // One for each, by the check of the batch.
      const staged = this.tables.get(table.tableId) ?? new StagedTable(table);
      if (!this.tables.has(table.tableId)) this.tables.set(table.tableId, staged);
      staged.add(changes);
    }
  }
}

/** Writes a group, inside of a transaction. */
export function writeGroup(store: Store, writer: StoreWriter, group: CommitGroup, confirmedLsn: number): ReleasedGroup {
  for (const staged of group.tables.values()) writeTable(store, writer, staged);
  const flipped = group.received.flatMap(({ worker, batch }) => {
    return batch.migration === undefined ? [] : writeMigration(store, writer, worker, batch.migration);
  });
  // Who waits for changes of a table that has other rows now is told, too: its position is not good any more.
  const watched = [...flipped, ...writeFeeds(store, writer, group)];
  // Behind the rows: a table goes with everything that its owner did to it.
  const moved = group.received.flatMap(({ worker, batch }) => applySteps(store, writer, worker, batch.steps ?? []));
  const progress = progressOf(group);
  for (const [worker, { lastBatch, hasInit }] of progress) {
    store.putEpoch(writer, worker, advance(store.epochs.get(worker) ?? NO_EPOCH, lastBatch, hasInit));
  }
  const { lsn } = store.state;
  const batches: JournalBatch[] = group.received.map(({ worker, epoch, batch }, index) => {
    return { lsn: lsn + index + 1, worker, epoch, number: batch.number, outcomes: batch.outcomes };
  });
  const lastLsn = lsn + batches.length;
  const record = encodeJournalRecord({ instance: store.state.instance, batches });
  writer.put('journal', u64Key(lastLsn), record);
  store.unconfirmed.push({ lsn: lastLsn, bytes: record.length });
  store.unconfirmedBytes += record.length;
  trimJournal(store, writer, confirmedLsn);
  store.putState(writer, { lsn: lastLsn, confirmedLsn });
  return { lsn: lastLsn, outcomes: outcomesByWorker(batches), progress, watched, moved };
}

/** What the batches answer, by the worker whose connection they came from; in order for each. */
export function outcomesByWorker(batches: readonly JournalBatch[]): OutcomesByWorker {
  const byWorker = new Map<string, Outcome[]>();
  for (const { worker, outcomes } of batches) {
    if (outcomes.length === 0) continue;
    const ofWorker = byWorker.get(worker);
    if (ofWorker === undefined) byWorker.set(worker, [...outcomes]);
    else for (const outcome of outcomes) ofWorker.push(outcome);
  }
  return byWorker;
}

function progressOf(group: CommitGroup): Map<string, Progress> {
  const progress = new Map<string, Progress>();
  for (const { worker, epoch, batch } of group.received) {
    const hasInit = batch.isInit || (progress.get(worker)?.hasInit ?? false);
    progress.set(worker, { epoch, lastBatch: batch.number, hasInit });
  }
  return progress;
}

function writeTable(store: Store, writer: StoreWriter, staged: StagedTable): void {
  const { table } = staged;
  if (staged.isCleared) moveToNewExtent(store, writer, table);
  writeRows(writer, { extent: table.extent, type: table.declaration.type }, staged.changes());
  for (const shape of staged.shapes) store.putShape(writer, table.tableId, shape);
  table.size = staged.size;
  table.nextSequence = staged.nextSequence;
  store.putCounts(writer, table);
}

function moveToNewExtent(store: Store, writer: StoreWriter, table: StoredTable): void {
  doomExtent(store, writer, table.extent);
  table.extent = store.takeExtent(writer);
  store.putTable(writer, table);
}

function trimJournal(store: Store, writer: StoreWriter, confirmedLsn: number): void {
  for (let trimmed = 0; trimmed < TRIM_RECORDS_MAX; trimmed++) {
    const [oldest] = store.unconfirmed;
    if (oldest === undefined || oldest.lsn > confirmedLsn) return;
    writer.remove('journal', u64Key(oldest.lsn));
    store.unconfirmed.shift();
    store.unconfirmedBytes -= oldest.bytes;
  }
}
