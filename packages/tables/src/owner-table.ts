/**
 * The operations of a table as types: for its owner, who has it in memory (`OwnerTable`), and for everybody else, who
 * asks for it (`RemoteTable`). The same names mean the same thing.
 */
import type { CounterOperation } from './counter.js';
import type {
  AccessOf,
  Access,
  AnyTableDefinition,
  FieldOf,
  FieldValue,
  KeyOf,
  KeySpec,
  NumericFieldOf,
  OtherFieldOf,
  RowOf,
  Survives,
  TableType,
  TypeOf,
} from './definition.js';
import type { Where } from './where.js';

/** A row as it is read: nobody can change the table through it. */
export type StoredRowOf<D extends AnyTableDefinition> = Readonly<RowOf<D>>;

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
  readonly default?: StoredRowOf<D>;
}

/** One step of an `updateCounter` with several. */
export type CounterOperationOf<D extends AnyTableDefinition> = CounterOperation<CounterFieldOf<D>>;

/** New values of fields that are not part of the key. */
export type Patch<D extends AnyTableDefinition> = {
  readonly [Field in OtherFieldOf<D> & keyof RowOf<D>]?: RowOf<D>[Field];
};

/** What `select` takes. */
export interface SelectOptions<D extends AnyTableDefinition> {
  readonly where?: Where<D>;
  /** The most rows to return, a positive integer. */
  readonly limit?: number;
  /** From the last key to the first; in hash types it changes nothing. */
  readonly reverse?: boolean;
}

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
  insert(row: StoredRowOf<D>): void;
  /** Inserts rows in order, all or none. */
  insertMany(rows: Iterable<StoredRowOf<D>>): void;
  /** Inserts a row if its key has none; false otherwise. */
  insertNew(row: StoredRowOf<D>): boolean;
  /** Inserts rows if none of their keys has a row yet; false otherwise, and then inserts none. */
  insertNewMany(rows: Iterable<StoredRowOf<D>>): boolean;
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
  /** The rows that match, in key order in an ordered set and in order of insertion within a key. */
  select(options?: SelectOptions<D>): StoredRowOf<D>[];
  /** How many rows match. */
  selectCount(where?: Where<D>): number;
  /** Removes the rows that match; how many. */
  selectDelete(where?: Where<D>): number;
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

/** Where a page of rows ended: a plain value that may be kept, sent, and used more than once. */
export interface SelectCursor {
  readonly keyBytes: Uint8Array;
  readonly sequence: number;
}

/** A page of rows. */
export interface SelectPage<D extends AnyTableDefinition> {
  readonly rows: readonly StoredRowOf<D>[];
  /** Where the next page begins; undefined when there is none. */
  readonly after: SelectCursor | undefined;
}

/** What is known of any table, whatever its access. */
export interface PrivateTable {
  /** What the table is, and its size. */
  info(): Promise<TableInfo>;
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
  /** A page of the rows that match. */
  select(options?: SelectOptions<D> & { readonly after?: SelectCursor }): Promise<SelectPage<D>>;
  /** How many rows match. */
  selectCount(where?: Where<D>): Promise<number>;
  /** The rows that match, read page by page; each page shows the released state of its moment. */
  rows(options?: { readonly where?: Where<D>; readonly pageRows?: number }): AsyncIterable<StoredRowOf<D>>;
}

/** A public table: reads as `ReadableTable`, and writes that run in the owner, each as a batch of its own. */
export interface WritableTable<D extends AnyTableDefinition> extends ReadableTable<D> {
  insert(row: StoredRowOf<D>): Promise<void>;
  insertMany(rows: Iterable<StoredRowOf<D>>): Promise<void>;
  insertNew(row: StoredRowOf<D>): Promise<boolean>;
  insertNewMany(rows: Iterable<StoredRowOf<D>>): Promise<boolean>;
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
  deleteAllObjects(): Promise<void>;
  /** Gives it another runtime-wide name (ets:rename/2). `ERR_TABLE_NAME` for one that a table has. */
  rename(name: string): Promise<void>;
}

/** A table as everybody but its owner has it: its access decides what can be done. */
export type RemoteTable<D extends AnyTableDefinition> =
  AccessOf<D> extends 'private' ? PrivateTable : AccessOf<D> extends 'public' ? WritableTable<D> : ReadableTable<D>;
