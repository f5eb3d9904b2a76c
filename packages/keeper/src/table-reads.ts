/**
 * What others than its owner read of one stored table, as it is at one moment or in a snapshot.
 *
 * 1. Order is that of key bytes, which in an ordered set is key order; rows of one key come in order of insertion. `reverse` is
 *    for ordered sets and changes nothing elsewhere, as in the owner.
 * 2. `selectPage` answers one page. The selections (`select`, `selectReverse`, `match`, `matchObject`, `tab2list`) answer all
 *    that was asked for, in as many pages as it takes, each of which says where the next one goes on.
 * 3. G9: what passes many rows is a generator that yields where others may have a turn. One slice (row-walk.ts) is in memory
 *    beside the page; no cursor of LMDB is open while it yields.
 *
 * What fails: ERR_TABLE_ARGUMENT, ERR_TABLE_VALUE, ERR_TABLE_BADKEY, ERR_TABLE_POSITION, ERR_TABLE_LIMIT, ERR_TABLE_CURSOR,
 * ERR_KEEPER_CURSOR;
 * anything else that is thrown is of rows that cannot be read.
 */
import {
  SELECT_PAGE_ROWS_DEFAULT,
  Table,
  TableError,
  bytesAfter,
  compileWhere,
  cursorAt,
  decodeKey,
  encodeKey,
  explainAccess,
  keyReader,
  parseSelection,
  placeOf,
  showValue,
} from '@heirloom/tables';
import type {
  AnyTableDefinition,
  Explanation,
  ReleasedInfo,
  ReleasedPosition,
  SelectCursor,
  TableKey,
} from '@heirloom/tables';
import { KeeperError } from './errors.js';
import { isBag } from './layout.js';
import type { RawRow, SortedRows } from './row-scan.js';
import { RowWalk } from './row-walk.js';
import type { PlaceRange, RowPlace } from './row-walk.js';
import type { Continuation, Query } from './selection-query.js';
import { definitionOf, infoOf } from './table-catalog.js';
import type { StoredTable } from './table-catalog.js';
import { Turn } from './turn.js';

/** Rows in one page: a page stays small against a frame, and the next one is one message away. */
export const READ_PAGE_ROWS_MAX = 1_000;
/** Bytes of rows in one page or of one key, at which it ends; well below the longest frame, of which one row takes a quarter at most. */
export const READ_PAGE_BYTES_MAX: number = 16 * 1024 * 1024;
/** A read that yields where others may have a turn. */
export type InTurns<T> = Generator<undefined, T, undefined>;

/** A page; its cursor is good in this timeline of the store. */
interface Page {
  readonly rows: readonly unknown[];
  readonly after: (SelectCursor & { readonly timeline: number }) | undefined;
}

/** Rows, and the last one's place if more follow. */
interface PlacedPage {
  readonly rows: readonly unknown[];
  readonly after: RowPlace | undefined;
}

/** A page of a selection; `after` goes into the request for the next one. */
interface SelectionPage {
  readonly rows: readonly unknown[];
  readonly after: Continuation | undefined;
}

interface PageQuery extends Omit<Query, 'limit'> {
  readonly after: RowPlace | undefined;
  readonly rowsMax: number;
  /** Whether it matters if a further row matches. */
  readonly looksAhead: boolean;
}

interface KeyedRows {
  readonly key: TableKey;
  readonly rows: readonly unknown[];
}

type Operation = (reads: TableReads, ...parameters: readonly unknown[]) => unknown;

type LongOperation = (reads: TableReads, operand: unknown) => InTurns<unknown>;

/** The operations that take several turns, of one moment. */
export const LONG_READS: ReadonlyMap<string, LongOperation> = new Map<string, LongOperation>([
  ['selectPage', (reads, options) => reads.selectPage(options)],
  ['selectCount', (reads, where) => reads.selectCount(where)],
]);

/** The operations that are answered at once. */
export const SHORT_READS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['lookup', (reads, key) => reads.lookup(key)],
  ['lookupElement', (reads, key, field, options) => reads.lookupElement(key, field, options)],
  ['member', (reads, key) => reads.walk.hasRow(reads.keyBytes(key))],
  ['size', (reads) => reads.size],
  ['first', (reads) => reads.keyAt({})],
  ['last', (reads) => reads.keyAt({ reverse: true })],
  ['next', (reads, key) => reads.keyAt(reads.behind(key))],
  ['prev', (reads, key) => reads.keyAt(reads.before(key))],
  ['firstLookup', (reads) => reads.lookupAt({})],
  ['lastLookup', (reads) => reads.lookupAt({ reverse: true })],
  ['nextLookup', (reads, key) => reads.lookupAt(reads.behind(key))],
  ['prevLookup', (reads, key) => reads.lookupAt(reads.before(key))],
  ['explain', (reads, where) => reads.explain(where)],
  ['info', (reads) => reads.info()],
]);

/** Who has a table, as `info` says it. */
export type ReleasedOwners = Pick<ReleasedInfo, 'owner' | 'heir' | 'publicName'>;

const NO_OWNERS: ReleasedOwners = { owner: undefined, heir: undefined, publicName: undefined };

export class TableReads {
  readonly walk: RowWalk;
  private readonly table: StoredTable;
  private readonly position: ReleasedPosition;
  private readonly owners: ReleasedOwners;
  private readonly definition: AnyTableDefinition;
  private readonly isOrdered: boolean;
  private readonly isBag: boolean;

  /** Where the rows lie is as of now; a table that is cleared moves, so several turns need a copy of it. */
  constructor(
    rows: SortedRows,
    table: StoredTable,
    { timeline, lsn }: ReleasedPosition,
    owners: ReleasedOwners = NO_OWNERS,
  ) {
    this.owners = owners;
    this.walk = new RowWalk(rows, table.extent, table.declaration.type);
    this.table = table;
    this.position = { timeline, lsn };
    this.definition = definitionOf(table);
    this.isOrdered = table.declaration.type === 'ordered_set';
    this.isBag = isBag(table.declaration.type);
  }

  get size(): number {
    return this.table.size;
  }

  info(): ReleasedInfo {
    return { ...infoOf(this.table), ...this.owners, position: this.position };
  }

  keyBytes(key: unknown): Uint8Array {
    return encodeKey(key as TableKey, !this.isOrdered); // What is no key is refused by the encoder.
  }

  behind(key: unknown): PlaceRange {
    return { from: bytesAfter(this.keyBytes(key)) };
  }

  before(key: unknown): PlaceRange {
    return { to: this.keyBytes(key), reverse: true };
  }

  lookup(key: unknown): unknown {
    const rows = this.rowsOf(this.keyBytes(key));
    return this.isBag ? rows : rows[0];
  }

  /** As the owner does it: on a table that has only the rows of this key. */
  lookupElement(key: unknown, field: unknown, options: unknown): unknown {
    const table = new Table(this.definition);
    for (const row of this.rowsOf(this.keyBytes(key))) table.insert(row as never); // It was stored as a row of this table.
    // Any string or number can be asked for; whatever the options are, the table takes or refuses them.
    const [name, given] = [field as never, options as { readonly default: unknown } | undefined];
    return given === undefined
      ? table.lookupElement(key as never, name)
      : table.lookupElement(key as never, name, given);
  }

  /** How a selection would find its rows. */
  explain(where: unknown): Explanation {
    return explainAccess(compileWhere(this.definition, where as never), this.isOrdered); // It checks what it gets.
  }

  /** The key of the first row of a range. */
  keyAt(range: PlaceRange): TableKey | undefined {
    const raw = this.walk.first(range);
    return raw === undefined ? undefined : this.keyOf(raw);
  }

  /** The same with every row of this key. */
  lookupAt(range: PlaceRange): KeyedRows | undefined {
    const raw = this.walk.first(range);
    return raw === undefined ? undefined : { key: this.keyOf(raw), rows: this.rowsOf(raw.keyBytes) };
  }

  /** Every row of a key, decoded. A bag's may be too many for one answer: ERR_TABLE_LIMIT. */
  private rowsOf(keyBytes: Uint8Array): unknown[] {
    const found: unknown[] = [];
    let bytes = 0;
    for (const raw of this.walk.rowsOfKey(keyBytes, {})) {
      if (bytes >= READ_PAGE_BYTES_MAX) {
        const message = `The key has more than ${READ_PAGE_BYTES_MAX} bytes of rows. Read them in pages, with selectPage or rows.`;
        throw new TableError('ERR_TABLE_LIMIT', message, { bytesMax: READ_PAGE_BYTES_MAX });
      }
      found.push(this.decode(raw));
      bytes += raw.rowBytes.length;
    }
    return found;
  }

  /** The key as the row has it: in an ordered set, bytes do not tell a number from a bigint. */
  private keyOf(raw: RawRow): TableKey {
    return this.isOrdered ? keyReader(this.definition.key)(this.decode(raw)) : decodeKey(raw.keyBytes);
  }

  /** A page, as the owner's `selectPage` gives it. */
  *selectPage(options: unknown): InTurns<Page> {
    const {
      where,
      limit = SELECT_PAGE_ROWS_DEFAULT,
      after: given,
      ...selection
    } = parseSelection(this.definition, 'selectPage', options);
    const after = placeOf(this.definition, given);
    this.checkTimeline(given);
    const compiled = compileWhere(this.definition, where as never); // It checks what it gets.
    const page = yield* this.page({ ...selection, after, compiled, rowsMax: limit, looksAhead: true });
    const { timeline } = this.position;
    return { rows: page.rows, after: page.after && { ...cursorAt(this.definition, page.after), timeline } };
  }

  /** The next page of a selection. */
  *selection(query: Query, before: Continuation | undefined, rowsMax: number): InTurns<SelectionPage> {
    const delivered = before?.count ?? 0;
    const left = query.limit - delivered;
    const looksAhead = left > Math.min(rowsMax, READ_PAGE_ROWS_MAX);
    const { rows, after } = yield* this.page({ ...query, after: before, rowsMax: Math.min(left, rowsMax), looksAhead });
    return { rows, after: after && { ...after, count: delivered + rows.length } };
  }

  /** How many rows match. */
  *selectCount(where: unknown): InTurns<number> {
    const compiled = compileWhere(this.definition, where as never); // It checks what it gets.
    if (compiled.isTotal) return this.size;
    const turn = new Turn();
    let count = 0;
    for (const raw of this.walk.matching(compiled.access, undefined, false)) {
      if (turn.isOver) {
        yield;
        turn.begin();
      }
      if (compiled.matches(this.decode(raw))) count++;
    }
    return count;
  }

  private *page({ compiled, after, reverse, project, rowsMax, looksAhead }: PageQuery): InTurns<PlacedPage> {
    const fullRows = Math.min(rowsMax, READ_PAGE_ROWS_MAX);
    const rows: unknown[] = [];
    const turn = new Turn();
    let bytes = 0;
    let last: RawRow | undefined;
    for (const raw of this.walk.matching(compiled.access, after, reverse)) {
      if (turn.isOver) {
        yield;
        turn.begin();
      }
      const row = this.decode(raw);
      if (!compiled.matches(row)) continue;
      // A page that is full ends when a further row is found, so that the last page is known to be the last.
      if (last !== undefined && (rows.length >= fullRows || bytes >= READ_PAGE_BYTES_MAX)) {
        return { rows, after: { keyBytes: last.keyBytes, sequence: last.sequence } };
      }
      rows.push(project(row));
      bytes += raw.rowBytes.length;
      last = raw;
      if (!looksAhead && rows.length === fullRows) break;
    }
    return { rows, after: undefined };
  }

  private decode({ rowBytes }: RawRow): unknown {
    return this.table.codec.decodeRow(rowBytes);
  }

  /** What the owner gave names no timeline. */
  private checkTimeline(after: unknown): void {
    const { timeline } = (after ?? {}) as { readonly timeline?: unknown }; // It was found to be a cursor, or undefined.
    if (timeline === undefined || timeline === this.position.timeline) return;
    const message = `The page began in timeline ${showValue(timeline)} of the store, which is now in ${this.position.timeline}. Begin again.`;
    throw new KeeperError('ERR_KEEPER_CURSOR', message, { timeline, current: this.position.timeline });
  }
}
