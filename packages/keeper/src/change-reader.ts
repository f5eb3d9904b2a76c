/**
 * Reads of a watched table for those who follow it: its changes behind a position, and the rows that a copy begins with.
 *
 * Invariants
 * 1. A page of changes has whole batches, in order, without a gap between it and the position that was asked for; a position
 *    whose next change may be missing is refused.
 * 2. Each page is read in one turn, so that it is of one moment, and says of which.
 * 3. G9: a page has a bounded number of batches or rows and PAGE_BYTES_MAX bytes, or one batch or row that is larger. Nothing is
 *    kept between two pages.
 *
 * A copy that begins with the rows of all image pages, whatever changed in between, and then applies every change behind the
 * position of the first, is the table as of the position of the last once it has come that far: each change says what is there
 * after it.
 *
 * What fails: ERR_TABLE_UNKNOWN, ERR_TABLE_ACCESS, ERR_TABLE_UNWATCHED, ERR_KEEPER_CURSOR, ERR_KEEPER_CHANGES.
 */
import { TableError } from '@heirloom/tables';
import { encodeChangeRecord } from '@heirloom/wire';
import type { Change, ChangesPage, ImagePage, KeeperRequest, RowForm } from '@heirloom/wire';
import { KeeperError } from './errors.js';
import { changeKey, extentEnd, readU64 } from './layout.js';
import { placeOf, scanRows } from './row-scan.js';
import type { Store } from './store.js';
import { unknownTable } from './table-catalog.js';
import type { Feed, StoredTable } from './table-catalog.js';

type ChangesRequest = Extract<KeeperRequest, { type: 'changes' }>;
type ImageRequest = Extract<KeeperRequest, { type: 'image' }>;

/** Batches or rows in one page: one to two milliseconds. */
export const PAGE_ITEMS_MAX = 1_000;
/** Bytes of batches or rows in one page, behind which it ends: little against what a connection queues. */
export const PAGE_BYTES_MAX: number = 1024 * 1024;
/** Rows that are read at a time, so that a page of large rows is not read many times over. */
const CHUNK_ROWS = 32;

/** Changes behind a position; without one, the present position. Throws the errors of the header. */
export function readChanges(store: Store, request: ChangesRequest): ChangesPage {
  const { table, feed } = watchedTable(store, request);
  const { timeline, lsn: present } = store.state;
  const { shapes } = table;
  const form = formOf(table);
  if (request.lsn === undefined) return { timeline, lsn: present, batches: [], form, shapes: [] };
  checkPosition(store, feed, request, request.lsn);
  const batches: { lsn: number; record: Uint8Array }[] = [];
  let bytes = 0;
  const range = { start: changeKey(feed.id, request.lsn + 1), end: extentEnd(feed.id) };
  for (const { key, value: record } of store.changes.getRange(range)) {
    const isFull = batches.length === PAGE_ITEMS_MAX || bytes + record.length > PAGE_BYTES_MAX;
    const last = batches.at(-1);
    if (isFull && last !== undefined) return { timeline, lsn: last.lsn, batches, form, shapes };
    bytes += record.length;
    batches.push({ lsn: readU64(key, 4), record });
  }
  if (batches.length === 0) feed.isAwaited = true;
  return { timeline, lsn: present, batches, form, shapes };
}

/** Rows behind a place, or from the first on. Throws the errors of the header. */
export function readImage(store: Store, request: ImageRequest): ImagePage {
  const { table } = watchedTable(store, request);
  const { timeline, lsn } = store.state;
  const place = { extent: table.extent, type: table.declaration.type };
  const changes: Change[] = [];
  let bytes = 0;
  let after = request.after;
  while (changes.length < PAGE_ITEMS_MAX && bytes < PAGE_BYTES_MAX) {
    const rows = scanRows(store.rows, place, { from: after, limit: CHUNK_ROWS });
    changes.push(...rows);
    bytes = rows.reduce((sum, { rowBytes }) => sum + rowBytes.length, bytes);
    const last = rows.at(-1);
    after = last === undefined ? undefined : placeOf({ ...last, sequence: last.sequence + 1 });
    if (rows.length === CHUNK_ROWS) continue;
    after = undefined;
    break;
  }
  const record = encodeChangeRecord({ cleared: false, changes });
  return { timeline, lsn, record, after, form: formOf(table), shapes: table.shapes };
}

/** As the rows are stored: one that waits for its migration is declared in another form already. */
function formOf({ declaration: { type, key } }: StoredTable): RowForm {
  return { type, key };
}

function watchedTable(
  store: Store,
  { worker, table: name }: Pick<ChangesRequest, 'worker' | 'table'>,
): { table: StoredTable; feed: Feed } {
  const table = store.catalog.visible(worker, name);
  if (table === undefined) throw unknownTable(worker, name);
  if (table.declaration.access === 'private') {
    const message = `Table '${name}' of worker '${worker}' is private: only its owner sees its changes. Declare it protected.`;
    throw new TableError('ERR_TABLE_ACCESS', message, { worker, table: name });
  }
  const { feed } = table;
  if (feed !== undefined) return { table, feed };
  const message = `Table '${name}' of worker '${worker}' keeps no changes. Declare it with watch: true.`;
  throw new TableError('ERR_TABLE_UNWATCHED', message, { worker, table: name });
}

function checkPosition(store: Store, feed: Feed, request: ChangesRequest, lsn: number): void {
  const { timeline, lsn: present } = store.state;
  const { worker, table } = request;
  if ((request.timeline ?? timeline) !== timeline || lsn > present) {
    const message = `LSN ${lsn} of timeline ${request.timeline ?? timeline} is not in this store, which is at LSN ${present} of timeline ${timeline}. Read the table anew: watch it from 'start'.`;
    throw new KeeperError('ERR_KEEPER_CURSOR', message, { worker, table, timeline: request.timeline, lsn, present });
  }
  if (lsn >= feed.afterLsn) return;
  const message = `The changes of table '${table}' of worker '${worker}' behind LSN ${lsn} are not kept any more; those behind ${feed.afterLsn} are. Read the table and begin from its LSN: watch it from 'start'. Raise keepBytes if this happens often.`;
  throw new KeeperError('ERR_KEEPER_CHANGES', message, { worker, table, lsn, afterLsn: feed.afterLsn });
}
