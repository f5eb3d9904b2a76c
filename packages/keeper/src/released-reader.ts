/**
 * Reads of released tables for others than their owner: the embedding process asks, and gets committed state (G4, G8).
 *
 * What can be read here is flushed (store.ts), so reads need no gate, and they do not ask the owner. The operations are those
 * of table-reads.ts, by the names and with the arguments that they have everywhere; a selection comes in pages.
 *
 * 1. Every answer shows one moment, and so do all pages of one selection: what takes several turns of the event loop is read
 *    from a snapshot. Commits happen in between.
 * 2. G12: a private table tells only what it is. That is judged before anything is read.
 *
 * What fails: ERR_TABLE_UNKNOWN, ERR_TABLE_ACCESS, ERR_KEEPER_SNAPSHOT, ERR_KEEPER_BUSY, what table-reads.ts says;
 * ERR_STORE_DAMAGED for rows that cannot be read.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { InvariantError, TABLE_OPERATIONS, TableError } from '@heirloom/tables';
import type { SnapshotPage } from '@heirloom/wire';
import { KeeperError } from './errors.js';
import { RowsSnapshot } from './rows-snapshot.js';
import { SELECTIONS, checkContinuation, parseQuery } from './selection-query.js';
import type { SnapshotDesk, TableSnapshot } from './snapshot-desk.js';
import type { Store } from './store.js';
import { damaged } from './store-file.js';
import { definitionOf, isStored, unknownTable } from './table-catalog.js';
import type { StoredTable } from './table-catalog.js';
import { ownershipInfo } from './table-ownership.js';
import { LONG_READS, SHORT_READS, TableReads } from './table-reads.js';
import type { InTurns } from './table-reads.js';

export interface ReadRequest {
  readonly worker: string;
  readonly table: string;
  readonly operation: string;
  readonly arguments: unknown;
  readonly snapshot?: SnapshotPage | undefined;
}

/** Reads one table. Rejects with the errors of the header. */
export async function readReleased(store: Store, snapshots: SnapshotDesk, request: ReadRequest): Promise<unknown> {
  const table = storedTable(store, request);
  checkAccess(table, request.operation);
  try {
    return await perform(store, snapshots, table, request);
  } catch (error) {
    if (error instanceof TableError || error instanceof KeeperError || error instanceof InvariantError) throw error;
    // Whatever LMDB or the codec say of rows that were stored once.
    const { worker, table: name } = request;
    throw damaged(store.path, `rows of table '${name}' of worker '${worker}' cannot be read`, error);
  }
}

function storedTable(store: Store, { worker, table: name }: ReadRequest): StoredTable {
  const table = store.catalog.visible(worker, name);
  if (table !== undefined && isStored(table.declaration)) return table;
  throw unknownTable(worker, name);
}

function checkAccess({ worker, declaration }: StoredTable, operation: string): void {
  if (declaration.access !== 'private' || classOf(operation) === 'info') return;
  const message = `Table '${declaration.name}' of worker '${worker}' is private: only its owner reads it. Declare it protected.`;
  throw new TableError('ERR_TABLE_ACCESS', message, { worker, table: declaration.name });
}

function classOf(operation: string): string | undefined {
  // By the list that there is for everybody; a name that is not in it is refused later.
  const operations: Readonly<Record<string, { readonly class: string }>> = TABLE_OPERATIONS;
  return Object.hasOwn(operations, operation) ? operations[operation]?.class : undefined;
}

async function perform(
  store: Store,
  snapshots: SnapshotDesk,
  table: StoredTable,
  { operation, arguments: operands, snapshot }: ReadRequest,
): Promise<unknown> {
  if (Array.isArray(operands)) {
    const short = SHORT_READS.get(operation);
    if (short !== undefined) {
      const reads = new TableReads(store.rows, table, store.state, ownershipInfo(store, table));
      return short(reads, ...(operands as unknown[]));
    }
    const long = LONG_READS.get(operation);
    if (long !== undefined) return await atOneMoment(store, table, (reads) => long(reads, operands[0]));
    if (SELECTIONS.has(operation) && snapshot !== undefined) {
      return await selectionPage(store, snapshots, table, operation, operands, snapshot);
    }
  }
  const names = [...SHORT_READS.keys(), ...LONG_READS.keys(), ...SELECTIONS.keys()].join(', ');
  const message = `A table cannot be read with '${operation}' in this way. Use ${names}.`;
  throw new TableError('ERR_TABLE_ARGUMENT', message, { operation });
}

/** Reads from a snapshot that goes with the answer. */
async function atOneMoment<T>(store: Store, table: StoredTable, read: (reads: TableReads) => InTurns<T>): Promise<T> {
  const rows = new RowsSnapshot(store.rows);
  try {
    // A copy, as the table may be cleared meanwhile, and moves then.
    return await inTurns(read(new TableReads(rows, { ...table }, store.state)));
  } finally {
    rows.close();
  }
}

/** Reads a page of a selection from its snapshot, which is held when there is a further page. */
async function selectionPage(
  store: Store,
  snapshots: SnapshotDesk,
  table: StoredTable,
  operation: string,
  operands: readonly unknown[],
  { id, after, rowsMax }: SnapshotPage,
): Promise<unknown> {
  const moment: TableSnapshot = after === undefined ? snapshots.begin(id, table) : snapshots.take(id, table);
  let hasMore = false;
  try {
    const reads = new TableReads(moment.rows, moment.table, store.state);
    const query = parseQuery(definitionOf(moment.table), operation, operands);
    const page = await inTurns(reads.selection(query, checkContinuation(after), rowsMax));
    hasMore = page.after !== undefined;
    return page;
  } finally {
    snapshots.release(id, hasMore);
  }
}

async function inTurns<T>(read: InTurns<T>): Promise<T> {
  for (;;) {
    const step = read.next();
    if (step.done === true) return step.value;
    await nextTurn();
  }
}
