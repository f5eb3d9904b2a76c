/**
 * A table: ETS's operations on rows in memory, with transactions for the worker that lends it to handlers.
 *
 * 1. Every write validates all of its arguments before it changes anything (G2), and stores copies (G7).
 * 2. Before a write changes anything, `onPending` hears an upper bound of the bytes that it adds to the batch; if it
 *    throws, the table is unchanged (G9).
 * 3. A transaction is between `begin` and `commit` or `rollback` (`row-storage.ts`). A table that is not `transactional`
 *    may also be changed outside of one, at once and for good: that is for tests and benchmarks.
 * 4. While it hydrates, a table answers as if it had all rows (`hydration.ts`).
 */
import { runCounterOperations } from './counter.js';
import type { CounterOperation } from './counter.js';
import type { AnyTableDefinition, FieldOf, KeyOf, RowOf } from './definition.js';
import { isEqual } from './equality.js';
import { TableError } from './errors.js';
import type { RowSource } from './hydration.js';
import { KEY_BYTES_MAX, keyIdentity } from './key-codec.js';
import { cutAt } from './key-range.js';
import type { KeyCut } from './key-range.js';
import { copyKey } from './key.js';
import type { TableKey } from './key.js';
import type {
  CounterFieldOf,
  CounterOperationOf,
  CounterOptions,
  CounterValue,
  DefaultRow,
  ElementResult,
  InputRowOf,
  LookupResult,
  OwnerTable,
  Patch,
  SelectOptions,
  StoredRowOf,
  TableInfo,
} from './owner-table.js';
import { RowGate } from './row-gate.js';
import type { AdmittedRow } from './row-gate.js';
import { keyParts, keyReader, withFields, withKey } from './row-key.js';
import type { AnyRow } from './row-key.js';
import { RowStorage } from './row-storage.js';
import type { RowChange } from './row-storage.js';
import { checkSelectOptions } from './select-options.js';
import { showValue } from './shown-value.js';
import { adoptRow, readRow } from './value.js';
import { compileWhere } from './where.js';
import type { Where } from './where.js';

/** How a table is constructed. */
export interface TableConstructionOptions {
  /** The name that errors and `info` give; default: the definition's. */
  readonly name?: string;
  /** Whether writes outside a transaction throw `ERR_TABLE_CLOSED`; default false. */
  readonly transactional?: boolean;
  /** Hears, before each write of a transaction, how many bytes it may add to the batch; may throw to refuse it. */
  readonly onPending?: (bytes: number) => void;
}

/** Bytes of a change besides its key and row: kind, lengths and sequence. */
const CHANGE_BYTES = 32;
const SELECT_OPTIONS: readonly string[] = ['where', 'limit', 'reverse'];

/** An upper bound of the bytes of one change without its row. */
function changeBytes(key: TableKey): number {
  if (typeof key === 'string') return CHANGE_BYTES + Math.min(key.length * 3 + 2, KEY_BYTES_MAX);
  return CHANGE_BYTES + (typeof key === 'number' ? 16 : KEY_BYTES_MAX);
}

/** A table in memory; see the header, and `OwnerTable` for its operations. */
export class Table<D extends AnyTableDefinition> implements OwnerTable<D> {
  readonly definition: D;
  readonly name: string | undefined;
  readonly #storage: RowStorage;
  readonly #gate: RowGate;
  readonly #isTransactional: boolean;
  readonly #onPending: ((bytes: number) => void) | undefined;
  #pendingBytes = 0;
  /** Whether the table ever held a row that has to be copied for readers. */
  #hasCopiedRows = false;

  constructor(definition: D, options: TableConstructionOptions = {}) {
    this.definition = definition;
    this.name = options.name ?? definition.name;
    this.#isTransactional = options.transactional ?? false;
    this.#onPending = options.onPending;
    this.#storage = new RowStorage({
      type: definition.type,
      keyOf: keyReader(definition.key),
      adopt: (row) => {
        if (!adoptRow(row)) this.#hasCopiedRows = true;
      },
    });
    this.#gate = new RowGate(definition, this.#storage.exact);
  }

  // Transactions and hydration: for the worker, not for handlers.

  /** Begins a transaction; there is one at a time. */
  begin(): void {
    this.#storage.begin();
    this.#pendingBytes = 0;
  }

  /** Ends the transaction and returns its net changes, `clear` first, at most one for each key and sequence. */
  commit(): readonly RowChange[] {
    this.#pendingBytes = 0;
    return this.#storage.commit();
  }

  /** Ends the transaction and restores what `begin` found. */
  rollback(): void {
    this.#pendingBytes = 0;
    this.#storage.rollback();
  }

  /** An upper bound of the encoded bytes of this transaction's changes so far. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** The sequence of the next row of a bag; it only grows, and is stored with the table. */
  get nextSequence(): number {
    return this.#storage.nextSequence;
  }

  /** Opens an empty table on committed rows, to be read when they are needed or by `hydrate`. */
  hydrateFrom(source: RowSource, state: { readonly size: number; readonly nextSequence: number }): void {
    this.#storage.hydrateFrom(source, state);
  }

  /** Loads about `rowsMax` more rows in key order; true when everything is in memory and the source is let go. */
  hydrate(rowsMax: number): boolean {
    return this.#storage.hydrate(rowsMax);
  }

  /** Whether everything is in memory. Rolling back a `deleteAllObjects` can make it false again. */
  get isHydrated(): boolean {
    return this.#storage.isHydrated;
  }

  // Operations: documented in `OwnerTable`.

  get size(): number {
    return this.#storage.size;
  }

  insert(row: InputRowOf<D>): void {
    this.#checkOpen();
    if (this.#isStored(row)) return;
    const admitted = this.#admit(row);
    this.#reserve(admitted.bytes);
    this.#put(admitted);
  }

  insertMany(rows: Iterable<InputRowOf<D>>): void {
    this.#checkOpen();
    this.#putAll(this.#admitAll(rows));
  }

  insertNew(row: InputRowOf<D>): boolean {
    return this.insertNewMany([row]);
  }

  insertNewMany(rows: Iterable<InputRowOf<D>>): boolean {
    this.#checkOpen();
    const admitted = this.#admitAll(rows);
    if (admitted.some(({ key }) => this.#storage.rowsOf(key).length > 0)) return false;
    this.#putAll(admitted);
    return true;
  }

  lookup(key: KeyOf<D>): LookupResult<D> {
    const rows = this.#storage.rowsOf(this.#key(key));
    return this.#lookupResult(this.#storage.isBag ? rows.map((row) => this.#out(row)) : this.#out(rows[0]));
  }

  member(key: KeyOf<D>): boolean {
    return this.#storage.rowsOf(this.#key(key)).length > 0;
  }

  lookupElement<Field extends FieldOf<RowOf<D>>>(key: KeyOf<D>, field: Field): ElementResult<D, Field>;
  lookupElement<Field extends FieldOf<RowOf<D>>, Default>(
    key: KeyOf<D>,
    field: Field,
    options: { readonly default: Default },
  ): ElementResult<D, Field> | Default;
  lookupElement(key: KeyOf<D>, field: string | number, options?: { readonly default: unknown }): unknown {
    const rows = this.#storage.rowsOf(this.#key(key));
    if (rows.length === 0) {
      if (options !== undefined) return options.default;
      throw this.#noRow(key);
    }
    const values = rows.map((row) => this.#element(row, field));
    return this.#storage.isBag ? values : values[0];
  }

  delete(key: KeyOf<D>): boolean {
    this.#checkOpen();
    return this.#remove(this.#key(key)).length > 0;
  }

  deleteObject(row: StoredRowOf<D>): number {
    this.#checkOpen();
    const key = this.#gate.keyOf(row);
    if (!this.#storage.isBag) {
      if (!isEqual(this.#storage.row(key), row)) return 0;
      return this.#remove(key).length;
    }
    const rows = this.#storage.bag(key);
    const rest = rows?.without(row);
    if (rows === undefined || rest === undefined) return 0;
    const removed = rows.rows.length - rest.rows.length;
    this.#reserve(removed * changeBytes(key));
    this.#storage.setBag(key, rest);
    return removed;
  }

  take(key: KeyOf<D>): LookupResult<D> {
    this.#checkOpen();
    const rows = this.#remove(this.#key(key));
    return this.#lookupResult(this.#storage.isBag ? rows.map((row) => this.#out(row)) : this.#out(rows[0]));
  }

  updateCounter<Field extends CounterFieldOf<D>>(
    key: KeyOf<D>,
    field: Field,
    by?: CounterValue<D, Field>,
    options?: CounterOptions<D, CounterValue<D, Field>>,
  ): CounterValue<D, Field>;
  updateCounter(
    key: KeyOf<D>,
    operations: readonly CounterOperationOf<D>[],
    options?: DefaultRow<D>,
  ): readonly (number | bigint)[];
  updateCounter(
    key: KeyOf<D>,
    target: string | number | readonly CounterOperation[],
    byOrOptions?: unknown,
    options?: CounterOptions<D, number | bigint>,
  ): unknown {
    if (typeof target === 'object') {
      // The second overload.
      return this.#count(key, target, byOrOptions as DefaultRow<D> | undefined);
    }
    const operation = {
      field: target,
      // The first overload; whatever it is, the counter checks it.
      ...(byOrOptions === undefined ? {} : { by: byOrOptions as number | bigint }),
      ...(options?.threshold === undefined ? {} : { threshold: options.threshold }),
      ...(options?.setValue === undefined ? {} : { setValue: options.setValue }),
    };
    return this.#count(key, [operation], options)[0];
  }

  updateElement(key: KeyOf<D>, patch: Patch<D>, options?: DefaultRow<D>): boolean {
    const { row, tableKey } = this.#rowToUpdate('updateElement', key, options);
    if (row === undefined) return false;
    this.#replace(tableKey, withFields(row, this.#gate.patchFields(row, patch)));
    return true;
  }

  first(): KeyOf<D> | undefined {
    const { isOrdered } = this.#storage;
    return this.#keyResult(isOrdered ? this.#storage.firstKey(undefined) : this.#storage.keyFollowing(undefined));
  }

  last(): KeyOf<D> | undefined {
    return this.#storage.isOrdered ? this.#keyResult(this.#storage.lastKey(undefined)) : this.first();
  }

  next(key: KeyOf<D>): KeyOf<D> | undefined {
    if (this.#storage.isOrdered) return this.#keyResult(this.#storage.firstKey(this.#cut(key, 'after')));
    const tableKey = this.#key(key);
    if (this.#storage.rowsOf(tableKey).length === 0) throw this.#noRow(key);
    return this.#keyResult(this.#storage.keyFollowing(tableKey));
  }

  prev(key: KeyOf<D>): KeyOf<D> | undefined {
    if (!this.#storage.isOrdered) return this.next(key);
    return this.#keyResult(this.#storage.lastKey(this.#cut(key, 'before')));
  }

  select(options: SelectOptions<D> = {}): StoredRowOf<D>[] {
    checkSelectOptions(options, SELECT_OPTIONS);
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    if (limit !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(limit) && limit > 0)) {
      throw new TableError('ERR_TABLE_ARGUMENT', `The limit is ${showValue(limit)}. Give a positive integer.`, {
        limit,
      });
    }
    const selected: StoredRowOf<D>[] = [];
    for (const row of this.#matching(options.where, options.reverse ?? false)) {
      selected.push(this.#rowResult(row));
      if (selected.length >= limit) break;
    }
    return selected;
  }

  selectCount(where?: Where<D>): number {
    let count = 0;
    for (const _ of this.#matching(where, false)) count++;
    return count;
  }

  selectDelete(where?: Where<D>): number {
    this.#checkOpen();
    if (where === undefined || Object.keys(where).length === 0) {
      const count = this.size;
      this.deleteAllObjects();
      return count;
    }
    const rows = [...this.#matching(where, false)];
    this.#reserve(rows.reduce<number>((bytes, row) => bytes + changeBytes(this.#gate.keyOf(row)), 0));
    const isRemoved = new Set(rows);
    for (const row of rows) {
      const key = this.#gate.keyOf(row);
      if (this.#storage.isBag) this.#removeFromBag(key, row, isRemoved);
      else this.#storage.setRow(key, undefined);
    }
    return rows.length;
  }

  deleteAllObjects(): void {
    this.#checkOpen();
    this.#reserve(CHANGE_BYTES);
    this.#storage.clear();
  }

  tab2list(): StoredRowOf<D>[] {
    return [...this];
  }

  *keys(): IterableIterator<KeyOf<D>> {
    for (const key of this.#storage.keys()) {
      // A stored row's key is of the key's type.
      yield copyKey(key) as KeyOf<D>;
    }
  }

  *[Symbol.iterator](): IterableIterator<StoredRowOf<D>> {
    for (const row of this.#storage.rows({}, false)) yield this.#rowResult(row);
  }

  info(): TableInfo {
    const { type, key, access, survives, version } = this.definition;
    return { name: this.name, type, key, access, survives, version, size: this.size };
  }

  // Writing.

  #checkOpen(): void {
    if (!this.#isTransactional || this.#storage.isInTransaction) return;
    throw new TableError(
      'ERR_TABLE_CLOSED',
      `The table${this.#named()} was changed outside its handler. A table is valid until the handler settles: await ` +
        'everything that uses it.',
      { table: this.name },
    );
  }

  #named(): string {
    return this.name === undefined ? '' : ` '${this.name}'`;
  }

  #reserve(bytes: number): void {
    if (!this.#storage.isInTransaction) return;
    this.#onPending?.(bytes);
    this.#pendingBytes += bytes;
  }

  /** Whether this very row is in a set already, so that inserting it changes nothing. */
  #isStored(row: unknown): boolean {
    return !this.#storage.isBag && Object.isFrozen(row) && this.#storage.row(this.#gate.keyOf(row)) === row;
  }

  #admit(row: unknown): AdmittedRow {
    const admitted = this.#gate.admit(row);
    if (!admitted.isFrozen) this.#hasCopiedRows = true;
    return { ...admitted, bytes: admitted.bytes + changeBytes(admitted.key) };
  }

  #admitAll(rows: Iterable<unknown>): readonly AdmittedRow[] {
    // Whatever it is, asking for its iterator is harmless.
    if (typeof (rows as { [Symbol.iterator]?: unknown } | null | undefined)?.[Symbol.iterator] !== 'function') {
      const message = `The rows are ${showValue(rows)}. Give an array of rows, or another iterable.`;
      throw new TableError('ERR_TABLE_ARGUMENT', message);
    }
    return Array.from(rows, (row) => this.#admit(row));
  }

  #putAll(admitted: readonly AdmittedRow[]): void {
    this.#reserve(admitted.reduce((bytes, row) => bytes + row.bytes, 0));
    for (const row of admitted) this.#put(row);
  }

  #put({ key, row }: AdmittedRow): void {
    if (!this.#storage.isBag) this.#storage.setRow(key, row);
    else if (this.definition.type === 'duplicate_bag' || this.#storage.bag(key)?.find(row) === undefined) {
      this.#storage.appendRow(key, row);
    }
  }

  #remove(key: TableKey): readonly unknown[] {
    const rows = this.#storage.rowsOf(key);
    if (rows.length === 0) return rows;
    this.#reserve(rows.length * changeBytes(key));
    if (this.#storage.isBag) this.#storage.setBag(key, undefined);
    else this.#storage.setRow(key, undefined);
    return rows;
  }

  #removeFromBag(key: TableKey, row: unknown, isRemoved: ReadonlySet<unknown>): void {
    const rows = this.#storage.bag(key);
    // The first row of a key removes the others with it.
    if (rows === undefined || !rows.rows.includes(row)) return;
    this.#storage.setBag(
      key,
      rows.withoutWhere((stored) => isRemoved.has(stored)),
    );
  }

  /** The row that an update starts from: the key's, or the default under this key. */
  #rowToUpdate(
    operation: string,
    key: KeyOf<D>,
    options: DefaultRow<D> | undefined,
  ): { readonly tableKey: TableKey; readonly row: unknown } {
    this.#checkOpen();
    if (this.#storage.isBag) {
      throw new TableError(
        'ERR_TABLE_TYPE',
        `${operation} needs a table of one row a key; the table${this.#named()} is a ${this.definition.type}.`,
        { operation, type: this.definition.type },
      );
    }
    const tableKey = this.#key(key);
    const fallback = options?.default;
    // Checked also when it is not needed, so that a bad default shows at once.
    if (fallback !== undefined) this.#gate.checkRow(fallback);
    const row = this.#storage.row(tableKey);
    if (row !== undefined || fallback === undefined) return { tableKey, row };
    return { tableKey, row: withKey(this.definition.key, fallback, tableKey) };
  }

  #count(
    key: KeyOf<D>,
    operations: readonly CounterOperation[],
    options: DefaultRow<D> | undefined,
  ): readonly (number | bigint)[] {
    const { row, tableKey } = this.#rowToUpdate('updateCounter', key, options);
    if (row === undefined) throw this.#noRow(key);
    const counted = runCounterOperations(this.definition.key, row, operations);
    this.#replace(tableKey, counted.row);
    return counted.results;
  }

  #replace(key: TableKey, row: unknown): void {
    const admitted = this.#admit(row);
    this.#gate.checkSameKey(key, admitted.key);
    this.#reserve(admitted.bytes);
    this.#storage.setRow(key, admitted.row);
  }

  // Reading.

  *#matching(where: Where<D> | undefined, reverse: boolean): Generator<unknown, void, undefined> {
    const { access, matches } = compileWhere(this.definition, where);
    if (access.kind === 'range') {
      for (const row of this.#storage.rows(access.range, reverse)) if (matches(row)) yield row;
      return;
    }
    const keys = reverse && this.#storage.isOrdered ? access.keys.toReversed() : access.keys;
    for (const key of keys) yield* this.#storage.rowsOf(key).filter(matches);
  }

  #element(row: unknown, field: string | number): unknown {
    // Rows are objects or arrays.
    if (Object.hasOwn(row as object, field)) return (this.#out(row) as AnyRow)[field];
    throw new TableError('ERR_TABLE_POSITION', `A row of the key has no field '${field}'. Name one that it has.`, {
      field,
    });
  }

  #noRow(key: unknown): TableError {
    return new TableError(
      'ERR_TABLE_BADKEY',
      `The table${this.#named()} has no row with this key. Insert one first, or give a default where the operation takes one.`,
      { table: this.name, key, keyFields: keyParts(this.definition.key) },
    );
  }

  #out(row: unknown): unknown {
    return this.#hasCopiedRows && row !== undefined ? readRow(row) : row;
  }

  /** The key as the engine takes it; what is no key is refused by the first look into the storage. */
  #key(key: KeyOf<D>): TableKey {
    // A definition's key type is made of key types.
    return key as TableKey;
  }

  /** A cut at a key of an ordered set; as nothing else looks the key up, it is checked here. */
  #cut(key: KeyOf<D>, side: KeyCut['side']): KeyCut {
    const tableKey = this.#key(key);
    keyIdentity(tableKey, this.#storage.exact);
    return cutAt(tableKey, side);
  }

  #rowResult(row: unknown): StoredRowOf<D> {
    // Only rows of the definition's type are stored.
    return this.#out(row) as StoredRowOf<D>;
  }

  #lookupResult(result: unknown): LookupResult<D> {
    // A row or undefined in set types, an array in bags, as the type says.
    return result as LookupResult<D>;
  }

  #keyResult(key: TableKey | undefined): KeyOf<D> | undefined {
    // A stored row's key is of the key's type.
    return key === undefined ? undefined : (copyKey(key) as KeyOf<D>);
  }
}
