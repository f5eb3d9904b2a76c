/**
 * Reads of released tables for others than their owner: the embedding process asks, and gets committed state (G4, G8).
 *
 * What can be read here is flushed (store.ts), so reads need no gate, and they do not ask the owner. Operations and their
 * arguments, as a list:
 *
 *   lookup(key) member(key) size() first() last() next(key) prev(key) select({ where, limit, after }) selectCount(where) info()
 *
 * Order is that of key bytes: key order in an ordered set. Rows of one key in a bag come in order of insertion.
 *
 * A read that passes many rows works in slices of SLICE_ROWS, and lets commits happen in between; like a traversal of ETS
 * without fixation, it shows each row as of some moment of the read. No cursor of LMDB is open between slices.
 *
 * What fails: ERR_TABLE_UNKNOWN, ERR_TABLE_ACCESS (private tables tell only their info), ERR_TABLE_ARGUMENT, ERR_TABLE_VALUE,
 * ERR_KEEPER_CURSOR; ERR_STORE_DAMAGED for rows that cannot be read.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { InvariantError, TableError, bytesAfter, compileWhere, cutBytes, decodeKey, encodeKey } from '@heirloom/tables';
import type { CompiledWhere, TableInfo, TableKey } from '@heirloom/tables';
import { KeeperError } from './errors.js';
import { isBag } from './layout.js';
import { placeOf, rowsOfKey, scanRows } from './row-scan.js';
import type { Extent, RawRow, RowRange } from './row-scan.js';
import type { Store } from './store.js';
import { damaged } from './store-file.js';
import { definitionOf, isStored } from './table-catalog.js';
import type { StoredTable } from './table-catalog.js';
import { ownershipInfo } from './table-ownership.js';

/** Rows in one page: a page stays small against a frame, and the next one is one message away. */
export const READ_PAGE_ROWS_MAX = 1_000;
/** Bytes of rows in one page, at which it ends early; well below the longest frame, of which one row takes a quarter at most. */
export const READ_PAGE_BYTES_MAX: number = 16 * 1024 * 1024;
/** Rows read in one turn of the event loop: about a millisecond. */
export const SLICE_ROWS = 1_000;

export interface ReadRequest {
  readonly worker: string;
  readonly table: string;
  readonly operation: string;
  readonly arguments: unknown;
}

interface Page {
  readonly rows: readonly unknown[];
  readonly after: { readonly keyBytes: Uint8Array; readonly sequence: number; readonly timeline: number } | undefined;
}

type Operation = (reader: TableReads, ...parameters: readonly unknown[]) => unknown;

/** Reads one table. Rejects with the errors of the header. */
export async function readReleased(store: Store, request: ReadRequest): Promise<unknown> {
  const table = store.catalog.get(request.worker, request.table);
  if (table === undefined || !isStored(table.declaration)) {
    const message = `Worker '${request.worker}' has no stored table '${request.table}'. Check the name, and that the worker was started once.`;
    throw new KeeperError('ERR_TABLE_UNKNOWN', message, { worker: request.worker, table: request.table });
  }
  const operation = OPERATIONS.get(request.operation);
  if (operation === undefined || !Array.isArray(request.arguments)) {
    const message = `A table cannot be read with '${request.operation}'. Use ${[...OPERATIONS.keys()].join(', ')}.`;
    throw new TableError('ERR_TABLE_ARGUMENT', message, { operation: request.operation });
  }
  if (table.declaration.access === 'private' && request.operation !== 'info') {
    const message = `Table '${request.table}' of worker '${request.worker}' is private: only its owner reads it. Declare it protected.`;
    throw new TableError('ERR_TABLE_ACCESS', message, { worker: request.worker, table: request.table });
  }
  try {
    return await operation(new TableReads(store, table), ...(request.arguments as readonly unknown[]));
  } catch (error) {
    if (error instanceof TableError || error instanceof KeeperError || error instanceof InvariantError) throw error;
    // Whatever LMDB or the codec say of rows that were stored once.
    throw damaged(store.path, `rows of table '${request.table}' of worker '${request.worker}' cannot be read`, error);
  }
}

const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['lookup', (reads, key) => reads.lookup(key)],
  ['member', (reads, key) => reads.rowsOf(key).length > 0],
  ['size', (reads) => reads.size],
  ['first', (reads) => reads.keyAt({ limit: 1 })],
  ['last', (reads) => reads.keyAt({ limit: 1, reverse: true })],
  ['next', (reads, key) => reads.keyAt({ limit: 1, from: bytesAfter(reads.keyBytes(key)) })],
  ['prev', (reads, key) => reads.keyAt({ limit: 1, to: reads.keyBytes(key), reverse: true })],
  ['select', (reads, options) => reads.select(options)],
  ['selectCount', (reads, where) => reads.selectCount(where)],
  ['info', (reads) => reads.info()],
]);

class TableReads {
  private readonly store: Store;
  private readonly table: StoredTable;
  private readonly isExact: boolean;

  constructor(store: Store, table: StoredTable) {
    this.store = store;
    this.table = table;
    this.isExact = table.declaration.type !== 'ordered_set';
  }

  get size(): number {
    return this.table.size;
  }

  /** Where the rows lie at this moment; a table that is cleared moves. */
  private get place(): Extent {
    return { extent: this.table.extent, type: this.table.declaration.type };
  }

  info(): TableInfo {
    const { name, type, access, survives, version } = this.table.declaration;
    const { key } = this.table.declaration;
    const owners = ownershipInfo(this.store, this.table);
    return { name, type, key, access, survives, version, size: this.size, ...owners };
  }

  keyBytes(key: unknown): Uint8Array {
    return encodeKey(key as TableKey, this.isExact); // What is no key is refused by the encoder.
  }

  rowsOf(key: unknown): RawRow[] {
    return rowsOfKey(this.store.rows, this.place, this.keyBytes(key));
  }

  lookup(key: unknown): unknown {
    const rows = this.rowsOf(key).map((row) => this.decode(row));
    return isBag(this.table.declaration.type) ? rows : rows[0];
  }

  /** The key of the first row of a range. */
  keyAt(range: RowRange): TableKey | undefined {
    const [row] = scanRows(this.store.rows, this.place, range);
    return row === undefined ? undefined : this.keyOf(row);
  }

  /** The key as the row has it: in an ordered set, bytes do not tell a number from a bigint. */
  private keyOf(raw: RawRow): TableKey {
    const spec = this.table.declaration.key;
    const decoded = decodeKey(raw.keyBytes);
    if (this.isExact || (typeof spec !== 'object' && Array.isArray(decoded))) return decoded;
    const row = this.decode(raw) as Readonly<Record<string | number, TableKey>>; // It was stored under its key.
    const part = (field: string | number): TableKey => (row[field] === 0 ? 0 : (row[field] as TableKey));
    return typeof spec === 'object' ? spec.map(part) : part(spec);
  }

  async select(options: unknown): Promise<Page> {
    const { where, limit, after } = selectOptions(options);
    this.checkCursor(after);
    const rows: unknown[] = [];
    const rowsMax = Math.min(limit ?? READ_PAGE_ROWS_MAX, READ_PAGE_ROWS_MAX);
    const compiled = this.compile(where);
    let bytes = 0;
    let last: RawRow | undefined;
    for await (const slice of this.slices(compiled, after)) {
      for (const raw of slice) {
        // A page that is full ends before the next match, so that its cursor is that of its last row.
        if (last !== undefined && (rows.length >= rowsMax || bytes >= READ_PAGE_BYTES_MAX)) {
          return {
            rows,
            after: { keyBytes: last.keyBytes, sequence: last.sequence, timeline: this.store.state.timeline },
          };
        }
        const row = this.decode(raw);
        if (!compiled.matches(row)) continue;
        rows.push(row);
        bytes += raw.rowBytes.length;
        last = raw;
      }
    }
    return { rows, after: undefined };
  }

  async selectCount(where: unknown): Promise<number> {
    if (where === undefined) return this.size;
    const compiled = this.compile(where);
    let count = 0;
    for await (const slice of this.slices(compiled, undefined)) {
      for (const raw of slice) if (compiled.matches(this.decode(raw))) count++;
    }
    return count;
  }

  private compile(where: unknown): CompiledWhere {
    return compileWhere(definitionOf(this.table), where as never); // It checks what it gets.
  }

  /** The rows that can match, in order, in slices of one turn each. */
  private async *slices(compiled: CompiledWhere, after: Cursor | undefined): AsyncGenerator<readonly RawRow[]> {
    const { access } = compiled;
    const start = after === undefined ? undefined : bytesBehind(after);
    if (access.kind === 'keys') {
      yield* this.keySlices(access.keys, start);
      return;
    }
    const { from, to } = access.range;
    const lower = from === undefined ? undefined : cutBytes(from, this.isExact);
    const upper = to === undefined ? undefined : cutBytes(to, this.isExact);
    let next = start !== undefined && (lower === undefined || Buffer.compare(start, lower) > 0) ? start : lower;
    for (;;) {
      const slice = scanRows(this.store.rows, this.place, { from: next, to: upper, limit: SLICE_ROWS });
      yield slice;
      const last = slice.at(-1);
      if (last === undefined || slice.length < SLICE_ROWS) return;
      next = bytesBehind(last);
      await nextTurn();
    }
  }

  private async *keySlices(
    keys: readonly TableKey[],
    start: Uint8Array | undefined,
  ): AsyncGenerator<readonly RawRow[]> {
    const sorted = keys.map((key) => this.keyBytes(key)).sort((left, right) => Buffer.compare(left, right));
    for (const [index, keyBytes] of sorted.entries()) {
      const rows = rowsOfKey(this.store.rows, this.place, keyBytes);
      yield start === undefined ? rows : rows.filter((row) => Buffer.compare(placeOf(row), start) >= 0);
      if (index % SLICE_ROWS === SLICE_ROWS - 1) await nextTurn();
    }
  }

  private decode({ rowBytes }: RawRow): unknown {
    return this.table.codec.decodeRow(rowBytes);
  }

  private checkCursor(after: Cursor | undefined): void {
    const { timeline } = this.store.state;
    if (after?.timeline === undefined || after.timeline === timeline) return;
    const message = `The page began in timeline ${after.timeline} of the store, which is now in ${timeline}. Begin again.`;
    throw new KeeperError('ERR_KEEPER_CURSOR', message, { timeline: after.timeline, current: timeline });
  }
}

interface Cursor {
  readonly keyBytes: Uint8Array;
  readonly sequence: number;
  readonly timeline?: number | undefined;
}

interface Selection {
  readonly where: unknown;
  readonly limit: number | undefined;
  readonly after: Cursor | undefined;
}

/** The first bytes behind a row. */
function bytesBehind(row: Pick<Cursor, 'keyBytes' | 'sequence'>): Uint8Array {
  return placeOf({ keyBytes: row.keyBytes, sequence: row.sequence + 1 });
}

function selectOptions(options: unknown): Selection {
  if (options !== undefined && (typeof options !== 'object' || options === null))
    throw badOption('options', 'an object');
  const { where, limit, after } = (options ?? {}) as Readonly<Record<string, unknown>>; // Any object can be read by name.
  if (limit !== undefined && !(typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 1)) {
    throw badOption('limit', 'a whole number from 1');
  }
  if (after !== undefined && !isCursor(after)) throw badOption('after', 'the `after` of an earlier page');
  return { where, limit, after };
}

function isCursor(value: unknown): value is Cursor {
  if (typeof value !== 'object' || value === null) return false;
  const { keyBytes, sequence, timeline } = value as Readonly<Record<string, unknown>>; // Any object can be read by name.
  const isTimeline = timeline === undefined || typeof timeline === 'number';
  return keyBytes instanceof Uint8Array && Number.isSafeInteger(sequence) && (sequence as number) >= 0 && isTimeline;
}

function badOption(name: string, expected: string): TableError {
  return new TableError('ERR_TABLE_ARGUMENT', `The option '${name}' of select is not ${expected}.`, { option: name });
}
