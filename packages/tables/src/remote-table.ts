/**
 * The operations of a table as types for everybody but its owner: what its access allows, each answered with a promise. The same
 * names mean the same thing as for the owner (owner-table.ts).
 */
import type { AccessOf, AnyTableDefinition, FieldOf, KeyOf, RowOf } from './definition.js';
import type { ReleasedBatch, ReleasedInfo, WatchOptions } from './released-change.js';
import type {
  Explanation,
  FieldsOf,
  KeyedRows,
  MatchObjectOptions,
  MatchOptions,
  MatchedValues,
  PageOptions,
  Pattern,
  ReverseOptions,
  SelectOptions,
  SelectPage,
  SelectedRow,
} from './selection.js';
import type {
  StoredRowOf,
  InputRowOf,
  LookupResult,
  ElementResult,
  CounterFieldOf,
  CounterValue,
  CounterOptions,
  DefaultRow,
  CounterOperationOf,
  Patch,
} from './table-operands.js';
import type { Where } from './where.js';

/** What is known of any table, whatever its access. */
export interface PrivateTable {
  /** What the table is, its size, and the position in the store's history at which it had that. */
  info(): Promise<ReleasedInfo>;
}

/**
 * A table as other workers and the embedding process read it: its released state, whether or not its owner lives.
 * `first`, `next` and pages go by key order in an ordered set, and by the order of key bytes in the other types.
 */
export interface ReadableTable<D extends AnyTableDefinition> extends PrivateTable {
  /** What the key has: a row or undefined in sets, an array in bags. */
  lookup(key: KeyOf<D>): Promise<LookupResult<D>>;
  /** Whether the key has a row. */
  member(key: KeyOf<D>): Promise<boolean>;
  /** One field of what the key has; `ERR_TABLE_BADKEY` without a row and a default, `ERR_TABLE_POSITION` without the field. */
  lookupElement<Field extends FieldOf<RowOf<D>>>(key: KeyOf<D>, field: Field): Promise<ElementResult<D, Field>>;
  lookupElement<Field extends FieldOf<RowOf<D>>, Default>(
    key: KeyOf<D>,
    field: Field,
    options: { readonly default: Default },
  ): Promise<ElementResult<D, Field> | Default>;
  /** How many rows there are. */
  size(): Promise<number>;
  /** The first key, or undefined in an empty table. */
  first(): Promise<KeyOf<D> | undefined>;
  /** The last key, or undefined in an empty table. */
  last(): Promise<KeyOf<D> | undefined>;
  /** The first key behind this one, which need not be present. */
  next(key: KeyOf<D>): Promise<KeyOf<D> | undefined>;
  /** The last key before this one, which need not be present. */
  prev(key: KeyOf<D>): Promise<KeyOf<D> | undefined>;
  /** The first key with its rows, or undefined in an empty table; `lastLookup`, `nextLookup` and `prevLookup` likewise. */
  firstLookup(): Promise<KeyedRows<D> | undefined>;
  lastLookup(): Promise<KeyedRows<D> | undefined>;
  nextLookup(key: KeyOf<D>): Promise<KeyedRows<D> | undefined>;
  prevLookup(key: KeyOf<D>): Promise<KeyedRows<D> | undefined>;
  /** The rows that match. */
  select(options?: SelectOptions<D>): Promise<StoredRowOf<D>[]>;
  select<const Fields extends FieldsOf<D>>(options: SelectOptions<D, Fields>): Promise<SelectedRow<D, Fields>[]>;
  /** `select` from the last key to the first. */
  selectReverse(options?: ReverseOptions<D>): Promise<StoredRowOf<D>[]>;
  selectReverse<const Fields extends FieldsOf<D>>(
    options: ReverseOptions<D, Fields>,
  ): Promise<SelectedRow<D, Fields>[]>;
  /** A page of the rows that match, and where the next one begins. */
  selectPage(options?: PageOptions<D>): Promise<SelectPage<D>>;
  selectPage<const Fields extends FieldsOf<D>>(options: PageOptions<D, Fields>): Promise<SelectPage<D, Fields>>;
  /** How many rows match. */
  selectCount(where?: Where<D>): Promise<number>;
  /** The values of some fields of every row that equals the pattern in each field that it names. */
  match<const Fields extends FieldsOf<D>>(
    pattern: Pattern<D>,
    fields: Fields,
    options?: MatchOptions,
  ): Promise<MatchedValues<D, Fields>[]>;
  /** The rows that equal the pattern in each field that it names. */
  matchObject(pattern: Pattern<D>, options?: MatchObjectOptions<D>): Promise<StoredRowOf<D>[]>;
  matchObject<const Fields extends FieldsOf<D>>(
    pattern: Pattern<D>,
    options: MatchObjectOptions<D, Fields>,
  ): Promise<SelectedRow<D, Fields>[]>;
  /** How a selection would find its rows. */
  explain(where?: Where<D>): Promise<Explanation>;
  /** All rows. */
  tab2list(): Promise<StoredRowOf<D>[]>;
  /**
   * The rows that match, read page by page, all of one moment: what is changed, deleted or cleared meanwhile does not show. The
   * snapshot is held until the iteration ends or is left. An iteration that outlives it is rejected with ERR_KEEPER_SNAPSHOT: when
   * the keeper was replaced, or after a minute between two pages, an hour in all; ERR_KEEPER_BUSY when 64 are held. The time of
   * `with({ timeoutMs })` is that of a page. A table that survives nothing is read whole, in one call.
   */
  rows(options?: RowsOptions<D>): AsyncIterable<StoredRowOf<D>>;
  rows<const Fields extends FieldsOf<D>>(options: RowsOptions<D, Fields>): AsyncIterable<SelectedRow<D, Fields>>;
  /**
   * The released changes of a table that is declared with `watch`, batch by batch, in order, each once and with none left out,
   * whatever dies meanwhile. It waits for changes without end: `break`, `return()` or the signal end it, and so does the end of
   * the runtime. It asks for changes when they are asked of it, so a consumer may be slow, until those it has not seen are more
   * than the table keeps.
   *
   * Throws `ERR_TABLE_UNWATCHED` for a table that keeps no changes, `ERR_TABLE_ARGUMENT` for wrong options. Iterating rejects
   * with KeeperError `ERR_KEEPER_CHANGES` when changes behind `from` are not kept any more (begin from `'start'`), and
   * `ERR_KEEPER_CURSOR` when `from` belongs to another history of the store; with CallError `ERR_CALL_ABORTED` after an abort.
   */
  watch(options?: WatchOptions): AsyncIterableIterator<ReleasedBatch<D>>;
}

/** What `rows` takes. */
export interface RowsOptions<D extends AnyTableDefinition, Fields extends FieldsOf<D> = never> {
  readonly where?: Where<D>;
  /** Only these fields of each row. */
  readonly fields?: Fields;
  /** How many rows are asked for at a time, 1 to 1,000; default 500. */
  readonly pageRows?: number;
  /**
   * Whether all rows are of one moment, the default. Else each page is of its own, and nothing is held between two of them; a
   * migration in between ends the iteration with `ERR_TABLE_CURSOR`.
   */
  readonly isStable?: boolean;
}

/** A public table: reads as `ReadableTable`, and writes that run in the owner, each as a batch of its own. */
export interface WritableTable<D extends AnyTableDefinition> extends ReadableTable<D> {
  insert(row: InputRowOf<D>): Promise<void>;
  insertMany(rows: Iterable<InputRowOf<D>>): Promise<void>;
  insertNew(row: InputRowOf<D>): Promise<boolean>;
  insertNewMany(rows: Iterable<InputRowOf<D>>): Promise<boolean>;
  delete(key: KeyOf<D>): Promise<boolean>;
  deleteObject(row: StoredRowOf<D>): Promise<number>;
  take(key: KeyOf<D>): Promise<LookupResult<D>>;
  updateCounter<Field extends CounterFieldOf<D>>(
    key: KeyOf<D>,
    field: Field,
    by?: CounterValue<D, Field>,
    options?: CounterOptions<D, CounterValue<D, Field>>,
  ): Promise<CounterValue<D, Field>>;
  updateCounter(
    key: KeyOf<D>,
    operations: readonly CounterOperationOf<D>[],
    options?: DefaultRow<D>,
  ): Promise<readonly (number | bigint)[]>;
  updateElement(key: KeyOf<D>, patch: Patch<D>, options?: DefaultRow<D>): Promise<boolean>;
  selectDelete(where?: Where<D>): Promise<number>;
  selectReplace(where: Where<D>, patch: Patch<D>): Promise<number>;
  matchDelete(pattern: Pattern<D>): Promise<number>;
  deleteAllObjects(): Promise<void>;
  /** Gives it another runtime-wide name (ets:rename/2). `ERR_TABLE_NAME` for one that a table has. */
  rename(name: string): Promise<void>;
}

/** A table as everybody but its owner has it: its access decides what can be done. */
export type RemoteTable<D extends AnyTableDefinition> =
  AccessOf<D> extends 'private' ? PrivateTable : AccessOf<D> extends 'public' ? WritableTable<D> : ReadableTable<D>;
