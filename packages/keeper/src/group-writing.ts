/**
 * Writes a group inside of a transaction of the store.
 *
 * 1. A group is committed as a whole, in one transaction, with one journal record.
 * 2. The rows of a table that was cleared begin in a new extent; the old one is deleted bit by bit.
 * 3. Rows come first, then migrations, which make other rows of them, then feeds, and then tables that go to another owner: with
 *    everything that their owner did to them.
 * 4. Casts and dead letters change with the rows of the handlers that made or ran them (cast-store.ts).
 * 5. Outcomes that are kept under idempotency keys are written with what their handlers did (outcome-store.ts).
 */
import type { OutcomesByWorker } from '@heirloom/wire';
import { writeFeeds } from './change-feed.js';
import type { MailNews } from './cast-store.js';
import type { CommitGroup, StagedTable } from './commit-group.js';
import { NO_EPOCH, advance } from './epochs.js';
import { doomExtent } from './extent-sweeper.js';
import { encodeJournalRecord, outcomesByWorker } from './journal-record.js';
import type { JournalBatch } from './journal-record.js';
import { u64Key } from './layout.js';
import type { Store, StoreWriter } from './store.js';
import { writeRows } from './stored-rows.js';
import { applySteps } from './table-ownership.js';
import type { StoredTable } from './table-catalog.js';
import { writeMigration } from './table-migration.js';

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
  /** What became of casts and dead letters. */
  readonly mail: MailNews;
}

export interface Progress {
  readonly epoch: number;
  readonly lastBatch: number;
  readonly hasInit: boolean;
}

/** Confirmed journal records deleted with one group: more than come up between two groups, unless the router was away. */
export const TRIM_RECORDS_MAX = 1_000;

const NOTHING = new Uint8Array();

/** Writes a group, inside of a transaction. */
export function writeGroup(
  store: Store,
  writer: StoreWriter,
  group: CommitGroup,
  { confirmedLsn, now }: { readonly confirmedLsn: number; readonly now: number },
): ReleasedGroup {
  for (const staged of group.tables.values()) writeTable(store, writer, staged);
  const flipped = group.received.flatMap(({ worker, batch }) => {
    return batch.migration === undefined ? [] : writeMigration(store, writer, worker, batch.migration);
  });
  // Who waits for changes of a table that has other rows now is told, too: its position is not good any more.
  const watched = [...flipped, ...writeFeeds(store, writer, group)];
  const mail = writeMail(store, writer, group);
  const moved = group.received.flatMap(({ worker, batch }) => applySteps(store, writer, worker, batch.steps ?? []));
  // Submissions alone are no batches, and get no LSN.
  if (group.received.length === 0) return nothingBut(store.state.lsn, mail);
  for (const { worker, batch } of group.received) {
    const [outcome] = batch.outcomes;
    if (batch.keeping !== undefined && outcome !== undefined)
      store.outcomes.put(writer, worker, batch.keeping, outcome, now);
  }
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
  return { lsn: lastLsn, outcomes: outcomesByWorker(batches), progress, watched, moved, mail };
}

function nothingBut(lsn: number, mail: MailNews): ReleasedGroup {
  return { lsn, outcomes: new Map(), progress: new Map(), watched: [], moved: [], mail };
}

/** Writes what the batches and submissions of a group do to casts and dead letters, each after the other. */
function writeMail({ mail }: Store, writer: StoreWriter, group: CommitGroup): MailNews {
  const news: MailNews = { receivers: new Set(), consumedOf: new Set(), hasLetters: false, refused: 0 };
  for (const { worker, batch } of group.received) {
    const { casts = [], ending, outcomes } = batch;
    if (ending !== undefined) mail.end(writer, news, worker, ending, outcomes[0]?.payload ?? NOTHING);
    for (const cast of casts) mail.put(writer, news, worker, cast);
  }
  for (const { number, submission } of group.submissions) mail.submit(writer, news, number, submission);
  mail.finish(writer);
  return news;
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
