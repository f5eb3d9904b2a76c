/**
 * The operations of a table as types: for its owner, who has it in memory (`OwnerTable`), and for everybody else, who
 * asks for it (`RemoteTable`). The same names mean the same thing. What selects rows has two forms: without `fields` it gives
 * rows, also where D is a type parameter, with `fields` what is left of them.
 */
import type { CounterOperation } from './counter.js';
import type {
  AccessOf,
  Access,
  AnyTableDefinition,
  FieldOf,
  FieldValue,
  InputOf,
  KeyOf,
  KeySpec,
  NumericFieldOf,
  OtherFieldOf,
  RowOf,
  Survives,
  TableType,
  TypeOf,
} from './definition.js';
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
import type { OwnerWhere, Where } from './where.js';

/** A row as it is read: nobody can change the table through it. */
export type StoredRowOf<D extends AnyTableDefinition> = Readonly<RowOf<D>>;

/** A row as it is inserted: what a schema takes, or the row itself. */
export type InputRowOf<D extends AnyTableDefinition> = Readonly<InputOf<D>>;

/** What a key has: its row or undefined in sets, its rows in order of insertion in bags. */
export type LookupResult<D extends AnyTableDefinition> =
  TypeOf<D> extends 'set' | 'ordered_set' ? StoredRowOf<D> | undefined : readonly StoredRowOf<D>[];

/** One field of what a key has: its value in sets, the values of its rows in bags. */
export type ElementResult<D extends AnyTableDefinition, Field> =
  TypeOf<D> extends 'set' | 'ordered_set' ? FieldValue<RowOf<D>, Field> : readonly FieldValue<RowOf<D>, Field>[];

/** The counters of a table; bags have none. */
export type CounterFieldOf<D extends AnyTableDefinition> =
  TypeOf<D> extends 'set' | 'ordered_set' ? NumericFieldOf<D> & (string | number) : never;

/** A counter's value: number or bigint, as its field is. */
export type CounterValue<D extends AnyTableDefinition, Field> =
  FieldValue<RowOf<D>, Field> extends bigint ? bigint : number;

/** Options of `updateCounter` for a single field. */
export interface CounterOptions<D extends AnyTableDefinition, N> extends DefaultRow<D> {
  readonly threshold?: N;
  readonly setValue?: N;
}

/** What an update inserts first when the key has no row; its key fields are replaced by the key. */
export interface DefaultRow<D extends AnyTableDefinition> {
  readonly default?: InputRowOf<D>;
}

/** One step of an `updateCounter` with several. */
export type CounterOperationOf<D extends AnyTableDefinition> = CounterOperation<CounterFieldOf<D>>;

/** New values of fields that are not part of the key. */
export type Patch<D extends AnyTableDefinition> = {
  readonly [Field in OtherFieldOf<D> & keyof RowOf<D>]?: RowOf<D>[Field];
};

/** What a table is, for people and tools. */
export interface TableInfo {
  readonly name: string | undefined;
  readonly type: TableType;
  readonly key: KeySpec;
  readonly access: Access;
  readonly survives: Survives;
  readonly version: number;
  /** How many rows there are. */
  readonly size: number;
  /** The worker that owns it, as others are told; undefined while the keeper has it for a worker that is dead. */
  readonly owner?: string | undefined;
  /** The worker that inherits it, as others are told; undefined for the keeper. */
  readonly heir?: string | undefined;
  /** The runtime-wide name, as others are told. */
  readonly publicName?: string | undefined;
}

/**
 * A table as its owner has it, inside a handler: synchronous, and changed only if the handler commits.
 *
 * Every write is checked in full before anything changes: rows outside the domain throw `ERR_TABLE_VALUE`, rows that the
 * schema refuses `ERR_TABLE_SCHEMA`, rows or keys that are too large `ERR_TABLE_LIMIT`. Rows that are read are frozen or
 * copies. After the handler has settled, every operation throws `ERR_TABLE_CLOSED`.
 */
export interface OwnerTable<D extends AnyTableDefinition> {
  /** How many rows there are; O(1). */
  readonly size: number;
  /** Inserts a row: sets replace the row of its key, a bag ignores an equal row, a duplicate bag adds always. */
  insert(row: InputRowOf<D>): void;
  /**
   * Inserts rows in order, all or none. Of several rows with one key a set keeps the last. A duplicate bag keeps them in the
   * order given; a bag takes them from the last to the first, behind those that it has, as ETS does: both of them and
   * `insertNewMany` follow what OTP 25.3 was recorded doing. For another order in a bag, insert row by row.
   */
  insertMany(rows: Iterable<InputRowOf<D>>): void;
  /** Inserts a row if its key has none; false otherwise. */
  insertNew(row: InputRowOf<D>): boolean;
  /** Inserts rows as `insertMany` does if none of their keys has a row yet; false otherwise, and then inserts none. */
  insertNewMany(rows: Iterable<InputRowOf<D>>): boolean;
  /** What the key has: a row or undefined in sets, an array in bags. */
  lookup(key: KeyOf<D>): LookupResult<D>;
  /** Whether the key has a row. */
  member(key: KeyOf<D>): boolean;
  /** One field of what the key has; `ERR_TABLE_BADKEY` without a row and a default, `ERR_TABLE_POSITION` without the field. */
  lookupElement<Field extends FieldOf<RowOf<D>>>(key: KeyOf<D>, field: Field): ElementResult<D, Field>;
  lookupElement<Field extends FieldOf<RowOf<D>>, Default>(
    key: KeyOf<D>,
    field: Field,
    options: { readonly default: Default },
  ): ElementResult<D, Field> | Default;
  /** Removes what the key has; whether there was something. */
  delete(key: KeyOf<D>): boolean;
  /** Removes every row that equals this one; how many. */
  deleteObject(row: StoredRowOf<D>): number;
  /** Looks a key up and removes what it has. */
  take(key: KeyOf<D>): LookupResult<D>;
  /**
   * Adds `by` (default 1) to a number or bigint field and returns the new value. Sets only (`ERR_TABLE_TYPE`).
   * `ERR_TABLE_BADKEY` without a row and a default, `ERR_TABLE_KEYPOS` for a key field, `ERR_TABLE_VALUE` for what is no
   * integer, `ERR_TABLE_LIMIT` where a number would leave the safe integers.
   */
  updateCounter<Field extends CounterFieldOf<D>>(
    key: KeyOf<D>,
    field: Field,
    by?: CounterValue<D, Field>,
    options?: CounterOptions<D, CounterValue<D, Field>>,
  ): CounterValue<D, Field>;
  /** Runs several counter operations in order, all or none; their results. */
  updateCounter(
    key: KeyOf<D>,
    operations: readonly CounterOperationOf<D>[],
    options?: DefaultRow<D>,
  ): readonly (number | bigint)[];
  /** Replaces some fields of the key's row; false without a row and a default. Sets only (`ERR_TABLE_TYPE`). */
  updateElement(key: KeyOf<D>, patch: Patch<D>, options?: DefaultRow<D>): boolean;
  /** The first key, or undefined in an empty table. Only ordered sets have an order; elsewhere it is any key. */
  first(): KeyOf<D> | undefined;
  /** The last key; in hash types the same as `first`. */
  last(): KeyOf<D> | undefined;
  /** The key behind this one. In hash types the key must be present (`ERR_TABLE_BADKEY`). */
  next(key: KeyOf<D>): KeyOf<D> | undefined;
  /** The key before this one; in hash types the same as `next`. */
  prev(key: KeyOf<D>): KeyOf<D> | undefined;
  /** The first key with its rows, or undefined in an empty table; `lastLookup`, `nextLookup` and `prevLookup` likewise. */
  firstLookup(): KeyedRows<D> | undefined;
  lastLookup(): KeyedRows<D> | undefined;
  nextLookup(key: KeyOf<D>): KeyedRows<D> | undefined;
  prevLookup(key: KeyOf<D>): KeyedRows<D> | undefined;
  /** The rows that match, in key order in an ordered set and in order of insertion within a key. */
  select(options?: SelectOptions<D, never, OwnerWhere<D>>): StoredRowOf<D>[];
  select<const Fields extends FieldsOf<D>>(options: SelectOptions<D, Fields, OwnerWhere<D>>): SelectedRow<D, Fields>[];
  /** `select` from the last key to the first; in hash types the same as `select`. */
  selectReverse(options?: ReverseOptions<D, never, OwnerWhere<D>>): StoredRowOf<D>[];
  selectReverse<const Fields extends FieldsOf<D>>(
    options: ReverseOptions<D, Fields, OwnerWhere<D>>,
  ): SelectedRow<D, Fields>[];
  /**
   * A page of the rows that match, in key order in an ordered set and in the order of key bytes in hash types, with the place
   * where the next one begins. Whatever is inserted or deleted between two pages, a row that stays is in exactly one of them;
   * one that comes is seen if it lies ahead in an ordered set, and may be in hash types.
   */
  selectPage(options?: PageOptions<D, never, OwnerWhere<D>>): SelectPage<D>;
  selectPage<const Fields extends FieldsOf<D>>(options: PageOptions<D, Fields, OwnerWhere<D>>): SelectPage<D, Fields>;
  /** How many rows match. */
  selectCount(where?: OwnerWhere<D>): number;
  /** Removes the rows that match; how many. */
  selectDelete(where?: OwnerWhere<D>): number;
  /**
   * Replaces each row that matches, by a patch or by what a function makes of it; how many. The key must stay
   * (`ERR_TABLE_KEYPOS`), and every new row is checked before the first is written. In bags, which ETS refuses, a row keeps its place, and a `bag`
   * drops a row that has become equal to another of its key.
   */
  selectReplace(where: OwnerWhere<D>, change: Patch<D> | ((row: StoredRowOf<D>) => StoredRowOf<D>)): number;
  /** The values of some fields of every row that equals the pattern in each field that it names. */
  match<const Fields extends FieldsOf<D>>(
    pattern: Pattern<D>,
    fields: Fields,
    options?: MatchOptions,
  ): MatchedValues<D, Fields>[];
  /** The rows that equal the pattern in each field that it names; `{}` matches all. */
  matchObject(pattern: Pattern<D>, options?: MatchObjectOptions<D>): StoredRowOf<D>[];
  matchObject<const Fields extends FieldsOf<D>>(
    pattern: Pattern<D>,
    options: MatchObjectOptions<D, Fields>,
  ): SelectedRow<D, Fields>[];
  /** Removes the rows that equal the pattern in each field that it names; how many. */
  matchDelete(pattern: Pattern<D>): number;
  /** How a selection would find its rows. */
  explain(where?: OwnerWhere<D>): Explanation;
  /** What `step` makes of all rows one after the other, beginning with `initial`: in key order in an ordered set. */
  foldl<Accumulated>(
    step: (accumulated: Accumulated, row: StoredRowOf<D>) => Accumulated,
    initial: Accumulated,
  ): Accumulated;
  /** `foldl` from the last key to the first; in hash types the same as `foldl`. */
  foldr<Accumulated>(
    step: (accumulated: Accumulated, row: StoredRowOf<D>) => Accumulated,
    initial: Accumulated,
  ): Accumulated;
  /** Removes every row. */
  deleteAllObjects(): void;
  /** All rows. While the table is loading this waits for the rest, as everything that needs all rows does. */
  tab2list(): StoredRowOf<D>[];
  /** The keys, each once; safe while the table changes. */
  keys(): IterableIterator<KeyOf<D>>;
  /** The rows; safe while the table changes. */
  [Symbol.iterator](): IterableIterator<StoredRowOf<D>>;
  /** What the table is, and its size. */
  info(): TableInfo;
}

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
