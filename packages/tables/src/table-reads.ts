/**
 * The operations that read a table by key, key by key, or whole; documented in `OwnerTable`.
 */
import type { AnyTableDefinition, FieldOf, KeyOf, RowOf } from './definition.js';
import { TableError } from './errors.js';
import { keyIdentity } from './key-codec.js';
import { cutAt } from './key-range.js';
import type { KeyCut } from './key-range.js';
import { copyKey } from './key.js';
import { showValue } from './shown-value.js';
import type { ElementResult, LookupResult, StoredRowOf, TableInfo } from './owner-table.js';
import type { AnyRow } from './row-key.js';
import type { KeyedRows } from './selection.js';
import { TableCore } from './table-core.js';

/** A table that can be read; see the header. */
export class TableReads<D extends AnyTableDefinition> extends TableCore<D> {
  get size(): number {
    return this.storage.size;
  }

  lookup(key: KeyOf<D>): LookupResult<D> {
    const rows = this.storage.rowsOf(this.key(key));
    return this.lookupResult(this.storage.isBag ? rows.map((row) => this.out(row)) : this.out(rows[0]));
  }

  member(key: KeyOf<D>): boolean {
    return this.storage.rowsOf(this.key(key)).length > 0;
  }

  lookupElement<Field extends FieldOf<RowOf<D>>>(key: KeyOf<D>, field: Field): ElementResult<D, Field>;
  lookupElement<Field extends FieldOf<RowOf<D>>, Default>(
    key: KeyOf<D>,
    field: Field,
    options: { readonly default: Default },
  ): ElementResult<D, Field> | Default;
  lookupElement(key: KeyOf<D>, field: string | number, options?: { readonly default: unknown }): unknown {
    const rows = this.storage.rowsOf(this.key(key));
    if (rows.length === 0) {
      if (options !== undefined) return options.default;
      throw this.noRow(key);
    }
    const values = rows.map((row) => this.#element(row, field));
    return this.storage.isBag ? values : values[0];
  }

  first(): KeyOf<D> | undefined {
    const { isOrdered } = this.storage;
    return this.keyResult(isOrdered ? this.storage.firstKey(undefined) : this.storage.keyFollowing(undefined));
  }

  last(): KeyOf<D> | undefined {
    return this.storage.isOrdered ? this.keyResult(this.storage.lastKey(undefined)) : this.first();
  }

  next(key: KeyOf<D>): KeyOf<D> | undefined {
    if (this.storage.isOrdered) return this.keyResult(this.storage.firstKey(this.#cut(key, 'after')));
    const tableKey = this.key(key);
    if (this.storage.rowsOf(tableKey).length === 0) throw this.noRow(key);
    return this.keyResult(this.storage.keyFollowing(tableKey));
  }

  prev(key: KeyOf<D>): KeyOf<D> | undefined {
    if (!this.storage.isOrdered) return this.next(key);
    return this.keyResult(this.storage.lastKey(this.#cut(key, 'before')));
  }

  firstLookup(): KeyedRows<D> | undefined {
    return this.#withRows(this.first());
  }

  lastLookup(): KeyedRows<D> | undefined {
    return this.#withRows(this.last());
  }

  nextLookup(key: KeyOf<D>): KeyedRows<D> | undefined {
    return this.#withRows(this.next(key));
  }

  prevLookup(key: KeyOf<D>): KeyedRows<D> | undefined {
    return this.#withRows(this.prev(key));
  }

  foldl<Accumulated>(
    step: (accumulated: Accumulated, row: StoredRowOf<D>) => Accumulated,
    initial: Accumulated,
  ): Accumulated {
    return this.#fold(step, initial, false);
  }

  foldr<Accumulated>(
    step: (accumulated: Accumulated, row: StoredRowOf<D>) => Accumulated,
    initial: Accumulated,
  ): Accumulated {
    return this.#fold(step, initial, true);
  }

  tab2list(): StoredRowOf<D>[] {
    return [...this];
  }

  *keys(): IterableIterator<KeyOf<D>> {
    for (const key of this.storage.keys()) {
      // A stored row's key is of the key's type.
      yield copyKey(key) as KeyOf<D>;
    }
  }

  *[Symbol.iterator](): IterableIterator<StoredRowOf<D>> {
    for (const row of this.storage.rows({}, false)) yield this.rowResult(row);
  }

  info(): TableInfo {
    const { type, key, access, survives, version } = this.definition;
    return { name: this.name, type, key, access, survives, version, size: this.size };
  }

  #fold<Accumulated>(
    step: (accumulated: Accumulated, row: StoredRowOf<D>) => Accumulated,
    initial: Accumulated,
    reverse: boolean,
  ): Accumulated {
    if (typeof step !== 'function') {
      const message = 'What a fold does at each row is no function. Give (accumulated, row) => accumulated.';
      throw new TableError('ERR_TABLE_ARGUMENT', message);
    }
    let accumulated = initial;
    for (const row of this.storage.rows({}, reverse)) accumulated = step(accumulated, this.rowResult(row));
    return accumulated;
  }

  #withRows(key: KeyOf<D> | undefined): KeyedRows<D> | undefined {
    if (key === undefined) return undefined;
    return { key, rows: this.storage.rowsOf(this.key(key)).map((row) => this.rowResult(row)) };
  }

  #element(row: unknown, field: string | number): unknown {
    // Asking for anything else would run its code, or find the length of a tuple.
    const isName = typeof field === 'number' || (typeof field === 'string' && !Array.isArray(row));
    // Rows are objects or arrays.
    if (isName && Object.hasOwn(row as object, field)) return (this.out(row) as AnyRow)[field];
    const message = `A row of the key has no field ${showValue(field)}. Name one that it has.`;
    throw new TableError('ERR_TABLE_POSITION', message, isName ? { field } : {});
  }

  /** A cut at a key of an ordered set; as nothing else looks the key up, it is checked here. */
  #cut(key: KeyOf<D>, side: KeyCut['side']): KeyCut {
    const tableKey = this.key(key);
    keyIdentity(tableKey, this.storage.exact);
    return cutAt(tableKey, side);
  }
}
