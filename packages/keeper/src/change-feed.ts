/**
 * The feed of a watched table: its released changes, batch by batch, as they are kept for those who watch it.
 *
 * Invariants
 * 1. The changes of a batch are written in the transaction that writes its rows, so there is no moment at which the one is stored
 *    and the other is not.
 * 2. Every change behind `afterLsn` is there; up to it there is none. A feed begins at the LSN at which its table was first
 *    declared with `watch`, and a table that is declared without it loses its feed: no feed has a gap. Rows that were migrated are
 *    other rows, so the feed of such a table begins anew.
 * 3. G9: what is kept takes `keepBytes` at most, or the changes of one group if those alone take more. The oldest go first.
 */
import { KEEP_BYTES_MAX } from '@heirloom/tables';
import { encodeChangeRecord } from '@heirloom/wire';
import type { CommitGroup } from './commit-group.js';
import { doomExtent } from './extent-sweeper.js';
import { changeKey, readU64, u32Key } from './layout.js';
import type { Store, StoreWriter } from './store.js';
import type { Feed, StoredTable } from './table-catalog.js';

/** What a change record takes in the store besides itself: its key, and what LMDB keeps of it in a page. */
export const RECORD_OVERHEAD_BYTES = 32;
/**
 * Records of one feed that are deleted with one group, twice as many as come with one: so a feed whose limit was lowered is
 * shortened bit by bit, and no group takes long.
 */
export const FEED_TRIM_MAX = 8_192;

/** Begins or ends the feed of a table as it is declared now, inside of a transaction. */
export function alignFeed(store: Store, writer: StoreWriter, table: StoredTable): void {
  const { tableId, declaration, feed } = table;
  if (feed === undefined && declaration.keepBytes !== undefined) {
    beginFeed(store, writer, table, store.state.lsn);
  } else if (feed !== undefined && declaration.keepBytes === undefined) {
    table.feed = undefined;
    writer.remove('feeds', u32Key(tableId));
    doomExtent(store, writer, feed.id);
  }
}

/** Begins the feed of a table anew, if it has one, behind the batch that is written next, inside of its transaction. */
export function restartFeed(store: Store, writer: StoreWriter, table: StoredTable): void {
  const { feed } = table;
  if (feed === undefined) return;
  doomExtent(store, writer, feed.id);
  beginFeed(store, writer, table, store.state.lsn + 1, feed.isAwaited);
}

function beginFeed(store: Store, writer: StoreWriter, table: StoredTable, afterLsn: number, isAwaited = false): void {
  table.feed = { id: store.takeExtent(writer), afterLsn, bytes: 0, isAwaited };
  store.putFeed(writer, table.tableId, table.feed);
}

/** Writes what the batches of a group changed in watched tables, inside of its transaction; returns these tables. */
export function writeFeeds(store: Store, writer: StoreWriter, group: CommitGroup): StoredTable[] {
  const watched = [...group.tables.values()].flatMap(({ table }) => (table.feed === undefined ? [] : [table]));
  if (watched.length === 0) return watched;
  const { lsn } = store.state;
  for (const [index, { batch }] of group.received.entries()) {
    for (const changes of batch.tables) {
      const feed = store.catalog.byId.get(changes.tableId)?.feed;
      if (feed === undefined) continue;
      const record = encodeChangeRecord(changes);
      writer.put('changes', changeKey(feed.id, lsn + index + 1), record);
      feed.bytes += record.length + RECORD_OVERHEAD_BYTES;
    }
  }
  for (const { tableId, feed, declaration } of watched) {
    if (feed === undefined) continue;
    trimFeed(store, writer, feed, Math.min(declaration.keepBytes ?? 0, KEEP_BYTES_MAX));
    store.putFeed(writer, tableId, feed);
  }
  return watched;
}

/** Deletes the oldest changes of earlier groups until what is left takes `keepBytes`. */
function trimFeed(store: Store, writer: StoreWriter, feed: Feed, keepBytes: number): void {
  if (feed.bytes <= keepBytes) return;
  const range = { start: changeKey(feed.id, 0), end: changeKey(feed.id, store.state.lsn + 1), limit: FEED_TRIM_MAX };
  const doomed: Buffer[] = [];
  for (const { key, value } of store.changes.getRange(range)) {
    doomed.push(key);
    feed.bytes -= value.length + RECORD_OVERHEAD_BYTES;
    feed.afterLsn = readU64(key, 4);
    if (feed.bytes <= keepBytes) break;
  }
  for (const key of doomed) writer.remove('changes', key);
}

/** Of tables that were changed, those whose changes somebody waits for; they are awaited no more. */
export function takeAwaited(tables: readonly StoredTable[]): { worker: string; table: string }[] {
  return tables.flatMap(({ worker, declaration, feed }) => {
    if (feed?.isAwaited !== true) return [];
    feed.isAwaited = false;
    return [{ worker, table: declaration.name }];
  });
}
