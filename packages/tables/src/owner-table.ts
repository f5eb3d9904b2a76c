/**
 * The operations of a table as types for its owner, who has it in memory; those of everybody else, who asks for it, are in
 * remote-table.ts, and the same names mean the same thing. What selects rows has two forms: without `fields` it gives rows, also
 * where D is a type parameter, with `fields` what is left of them.
 */
import type { AnyTableDefinition, FieldOf, KeyOf, RowOf } from './definition.js';
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
  TableInfo,
} from './table-operands.js';
import type { OwnerWhere } from './where.js';

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
