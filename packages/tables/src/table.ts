/**
 * A table: ETS's operations on rows in memory, with transactions for the worker that lends it to handlers.
 *
 * What holds is said in `table-core.ts`. The operations that read are in `table-reads.ts`, those that select by conditions in
 * `table-queries.ts`, those that write here.
 */
import type { BagRows } from './bag-rows.js';
import { runCounterOperations } from './counter.js';
import type { CounterOperation } from './counter.js';
import type { AnyTableDefinition, KeyOf } from './definition.js';
import { isEqual } from './equality.js';
import { TableError } from './errors.js';
import type { TableKey } from './key.js';
import type { OwnerTable } from './owner-table.js';
import type {
  CounterFieldOf,
  CounterOperationOf,
  CounterOptions,
  CounterValue,
  DefaultRow,
  InputRowOf,
  LookupResult,
  Patch,
  StoredRowOf,
} from './table-operands.js';
import type { AdmittedRow } from './row-gate.js';
import { withFields, withKey } from './row-key.js';
import type { Pattern } from './selection.js';
import { showValue } from './shown-value.js';
import { CHANGE_BYTES, changeBytes } from './table-core.js';
import { TableQueries } from './table-queries.js';
import { compilePattern } from './where.js';
import type { CompiledWhere, OwnerWhere } from './where.js';

/** A table in memory; see the header, and `OwnerTable` for its operations. */
export class Table<D extends AnyTableDefinition> extends TableQueries<D> implements OwnerTable<D> {
  insert(row: InputRowOf<D>): void {
    this.checkOpen();
    if (this.#isStored(row)) return;
    const admitted = this.admit(row);
    this.reserve(admitted.bytes);
    this.#put(admitted);
  }

  insertMany(rows: Iterable<InputRowOf<D>>): void {
    this.checkOpen();
    this.#putAll(this.#admitAll(rows));
  }

  insertNew(row: InputRowOf<D>): boolean {
    return this.insertNewMany([row]);
  }

  insertNewMany(rows: Iterable<InputRowOf<D>>): boolean {
    this.checkOpen();
    const admitted = this.#admitAll(rows);
    if (admitted.some(({ key }) => this.storage.rowsOf(key).length > 0)) return false;
    this.#putAll(admitted);
    return true;
  }

  delete(key: KeyOf<D>): boolean {
    this.checkOpen();
    return this.#remove(this.key(key)).length > 0;
  }

  deleteObject(row: StoredRowOf<D>): number {
    this.checkOpen();
    const key = this.gate.keyOf(row);
    if (!this.storage.isBag) {
      if (!isEqual(this.storage.row(key), row)) return 0;
      return this.#remove(key).length;
    }
    const rows = this.storage.bag(key);
    const rest = rows?.without(row);
    if (rows === undefined || rest === undefined) return 0;
    const removed = rows.rows.length - rest.rows.length;
    this.reserve(removed * changeBytes(key));
    this.storage.setBag(key, rest);
    return removed;
  }

  take(key: KeyOf<D>): LookupResult<D> {
    this.checkOpen();
    const rows = this.#remove(this.key(key));
    return this.lookupResult(this.storage.isBag ? rows.map((row) => this.out(row)) : this.out(rows[0]));
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
    this.#replace(tableKey, withFields(row, this.gate.patchFields(row, patch)));
    return true;
  }

  selectDelete(where?: OwnerWhere<D>): number {
    this.checkOpen();
    return this.#deleteMatching(this.compile(where));
  }

  matchDelete(pattern: Pattern<D>): number {
    this.checkOpen();
    return this.#deleteMatching(compilePattern(this.definition, pattern));
  }

  selectReplace(where: OwnerWhere<D>, change: Patch<D> | ((row: StoredRowOf<D>) => StoredRowOf<D>)): number {
    this.checkOpen();
    const compiled = this.compile(where);
    const changed = this.#changer(change);
    let bytes = 0;
    const rows = [...this.matching(compiled, false)];
    const replacements = rows.map((row) => {
      const replacement = this.admit(changed(row));
      this.gate.checkSameKey(this.gate.keyOf(row), replacement.key);
      // In a bag, it may also make another row of its key go.
      bytes += replacement.bytes + (this.storage.isBag ? changeBytes(replacement.key) : 0);
      return replacement;
    });
    this.reserve(bytes);
    if (this.storage.isBag) this.#replaceInBags(rows, replacements);
    else for (const { key, row } of replacements) this.storage.setRow(key, row);
    return rows.length;
  }

  deleteAllObjects(): void {
    this.checkOpen();
    this.reserve(CHANGE_BYTES);
    this.storage.clear();
  }

  /** Whether this very row is in a set already, so that inserting it changes nothing. */
  #isStored(row: unknown): boolean {
    return !this.storage.isBag && Object.isFrozen(row) && this.storage.row(this.gate.keyOf(row)) === row;
  }

  #admitAll(rows: Iterable<unknown>): readonly AdmittedRow[] {
    // Whatever it is, asking for its iterator is harmless.
    if (typeof (rows as { [Symbol.iterator]?: unknown } | null | undefined)?.[Symbol.iterator] !== 'function') {
      const message = `The rows are ${showValue(rows)}. Give an array of rows, or another iterable.`;
      throw new TableError('ERR_TABLE_ARGUMENT', message);
    }
    return Array.from(rows, (row) => this.admit(row));
  }

  #putAll(admitted: readonly AdmittedRow[]): void {
    this.reserve(admitted.reduce((bytes, row) => bytes + row.bytes, 0));
    // A bag takes a list from its end, as ETS does (`OwnerTable.insertMany`).
    for (const row of this.definition.type === 'bag' ? admitted.toReversed() : admitted) this.#put(row);
  }

  #put({ key, row }: AdmittedRow): void {
    if (!this.storage.isBag) this.storage.setRow(key, row);
    else if (this.definition.type === 'duplicate_bag' || this.storage.bag(key)?.find(row) === undefined) {
      this.storage.appendRow(key, row);
    }
  }

  #remove(key: TableKey): readonly unknown[] {
    const rows = this.storage.rowsOf(key);
    if (rows.length === 0) return rows;
    this.reserve(rows.length * changeBytes(key));
    if (this.storage.isBag) this.storage.setBag(key, undefined);
    else this.storage.setRow(key, undefined);
    return rows;
  }

  /** What makes the new row of a stored one: a function, or a patch, whose key fields are refused even if no row matches. */
  #changer(change: Patch<D> | ((row: StoredRowOf<D>) => StoredRowOf<D>)): (row: unknown) => unknown {
    if (typeof change === 'function') return (row) => change(this.rowResult(row));
    this.gate.patchFields(undefined, change);
    return (row) => withFields(row, this.gate.patchFields(row, change));
  }

  #replaceInBags(rows: readonly unknown[], replacements: readonly AdmittedRow[]): void {
    const isDistinct = this.definition.type === 'bag';
    for (const { bag, start, end } of this.#runs(rows)) {
      const byRow = new Map<unknown, unknown>();
      for (let index = start; index < end; index++) byRow.set(rows[index], replacements[index]?.row);
      this.storage.setBag(
        bag.key,
        bag.replaced((row) => byRow.get(row) ?? row, isDistinct),
      );
    }
  }

  /** The bags that rows are in, each with the run of its rows: what matches comes key by key. */
  *#runs(rows: readonly unknown[]): Generator<{ readonly bag: BagRows; readonly start: number; readonly end: number }> {
    for (let start = 0, end = 0; start < rows.length; start = end) {
      const bag = this.storage.bag(this.gate.keyOf(rows[start]));
      for (end = start + 1; end < rows.length && bag === this.storage.bag(this.gate.keyOf(rows[end]));) end++;
      if (bag !== undefined) yield { bag, start, end };
    }
  }

  #deleteMatching(compiled: CompiledWhere): number {
    if (compiled.isTotal) {
      const count = this.size;
      this.deleteAllObjects();
      return count;
    }
    const rows = [...this.matching(compiled, false)];
    this.reserve(rows.reduce<number>((bytes, row) => bytes + changeBytes(this.gate.keyOf(row)), 0));
    if (this.storage.isBag) {
      for (const { bag, start, end } of this.#runs(rows)) {
        const isRemoved = new Set(rows.slice(start, end));
        this.storage.setBag(
          bag.key,
          bag.withoutWhere((row) => isRemoved.has(row)),
        );
      }
    } else {
      for (const row of rows) this.storage.setRow(this.gate.keyOf(row), undefined);
    }
    return rows.length;
  }

  /** The row that an update starts from: the key's, or the default under this key. */
  #rowToUpdate(
    operation: string,
    key: KeyOf<D>,
    options: DefaultRow<D> | undefined,
  ): { readonly tableKey: TableKey; readonly row: unknown } {
    this.checkOpen();
    if (this.storage.isBag) {
      throw new TableError(
        'ERR_TABLE_TYPE',
        `${operation} needs a table of one row a key; the table${this.named()} is a ${this.definition.type}.`,
        { operation, type: this.definition.type },
      );
    }
    const tableKey = this.key(key);
    const fallback = options?.default;
    // Checked also when it is not needed, so that a bad default shows at once.
    if (fallback !== undefined) this.gate.checkRow(fallback);
    const row = this.storage.row(tableKey);
    if (row !== undefined || fallback === undefined) return { tableKey, row };
    return { tableKey, row: withKey(this.definition.key, fallback, tableKey) };
  }

  #count(
    key: KeyOf<D>,
    operations: readonly CounterOperation[],
    options: DefaultRow<D> | undefined,
  ): readonly (number | bigint)[] {
    const { row, tableKey } = this.#rowToUpdate('updateCounter', key, options);
    if (row === undefined) throw this.noRow(key);
    const counted = runCounterOperations(this.definition.key, row, operations);
    this.#replace(tableKey, counted.row);
    return counted.results;
  }

  #replace(key: TableKey, row: unknown): void {
    const admitted = this.admit(row);
    this.gate.checkSameKey(key, admitted.key);
    this.reserve(admitted.bytes);
    this.storage.setRow(key, admitted.row);
  }
}
