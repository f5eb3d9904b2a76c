/**
 * What every operation of a table stands on: its rows, its gate, its transactions, and how rows and keys leave it.
 *
 * 1. Every write validates all of its arguments before it changes anything (G2), and stores copies (G7).
 * 2. Before a write changes anything, `onPending` hears an upper bound of the bytes that it adds to the batch; if it
 *    throws, the table is unchanged (G9).
 * 3. A transaction is between `begin` and `commit` or `rollback` (`row-storage.ts`). A table that is not `transactional`
 *    may also be changed outside of one, at once and for good: that is for tests and benchmarks.
 * 4. While it hydrates, a table answers as if it had all rows (`hydration.ts`).
 */
import type { AnyTableDefinition, KeyOf } from './definition.js';
import { TableError } from './errors.js';
import type { RowSource } from './hydration.js';
import { KEY_BYTES_MAX } from './key-codec.js';
import { copyKey } from './key.js';
import type { TableKey } from './key.js';
import type { LookupResult, StoredRowOf } from './table-operands.js';
import { RowGate } from './row-gate.js';
import type { AdmittedRow } from './row-gate.js';
import { keyParts, keyReader } from './row-key.js';
import { RowStorage } from './row-storage.js';
import type { RowChange } from './row-storage.js';
import { adoptRow, readRow } from './value.js';

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
export const CHANGE_BYTES = 32;

/** An upper bound of the bytes of one change without its row. */
export function changeBytes(key: TableKey): number {
  if (typeof key === 'string') return CHANGE_BYTES + Math.min(key.length * 3 + 2, KEY_BYTES_MAX);
  return CHANGE_BYTES + (typeof key === 'number' ? 16 : KEY_BYTES_MAX);
}

/** The base of a table; see the header. */
export class TableCore<D extends AnyTableDefinition> {
  readonly definition: D;
  readonly name: string | undefined;
  protected readonly storage: RowStorage;
  protected readonly gate: RowGate;
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
    this.storage = new RowStorage({
      type: definition.type,
      keyOf: keyReader(definition.key),
      adopt: (row) => {
        if (!adoptRow(row)) this.#hasCopiedRows = true;
      },
    });
    this.gate = new RowGate(definition, this.storage.exact);
  }

  // Transactions and hydration: for the worker, not for handlers.

  /** Begins a transaction; there is one at a time. */
  begin(): void {
    this.storage.begin();
    this.#pendingBytes = 0;
  }

  /** Ends the transaction and returns its net changes, `clear` first, at most one for each key and sequence. */
  commit(): readonly RowChange[] {
    this.#pendingBytes = 0;
    return this.storage.commit();
  }

  /** Ends the transaction and restores what `begin` found. */
  rollback(): void {
    this.#pendingBytes = 0;
    this.storage.rollback();
  }

  /** An upper bound of the encoded bytes of this transaction's changes so far. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** The sequence of the next row of a bag; it only grows, and is stored with the table. */
  get nextSequence(): number {
    return this.storage.nextSequence;
  }

  /** Opens an empty table on committed rows, to be read when they are needed or by `hydrate`. */
  hydrateFrom(source: RowSource, state: { readonly size: number; readonly nextSequence: number }): void {
    this.storage.hydrateFrom(source, state);
  }

  /** Loads about `rowsMax` more rows in key order; true when everything is in memory and the source is let go. */
  hydrate(rowsMax: number): boolean {
    return this.storage.hydrate(rowsMax);
  }

  /** Whether everything is in memory. Rolling back a `deleteAllObjects` can make it false again. */
  get isHydrated(): boolean {
    return this.storage.isHydrated;
  }

  // Writing.

  protected checkOpen(): void {
    if (!this.#isTransactional || this.storage.isInTransaction) return;
    throw new TableError(
      'ERR_TABLE_CLOSED',
      `The table${this.named()} was changed outside its handler. A table is valid until the handler settles: await ` +
        'everything that uses it.',
      { table: this.name },
    );
  }

  protected named(): string {
    return this.name === undefined ? '' : ` '${this.name}'`;
  }

  protected reserve(bytes: number): void {
    if (!this.storage.isInTransaction) return;
    this.#onPending?.(bytes);
    this.#pendingBytes += bytes;
  }

  protected admit(row: unknown): AdmittedRow {
    const admitted = this.gate.admit(row);
    if (!admitted.isFrozen) this.#hasCopiedRows = true;
    return { ...admitted, bytes: admitted.bytes + changeBytes(admitted.key) };
  }

  // Reading.

  protected noRow(key: unknown): TableError {
    return new TableError(
      'ERR_TABLE_BADKEY',
      `The table${this.named()} has no row with this key. Insert one first, or give a default where the operation takes one.`,
      { table: this.name, key, keyFields: keyParts(this.definition.key) },
    );
  }

  protected out(row: unknown): unknown {
    return this.#hasCopiedRows && row !== undefined ? readRow(row) : row;
  }

  /** The key as the engine takes it; what is no key is refused by the first look into the storage. */
  protected key(key: KeyOf<D>): TableKey {
    // A definition's key type is made of key types.
    return key as TableKey;
  }

  protected rowResult(row: unknown): StoredRowOf<D> {
    // Only rows of the definition's type are stored.
    return this.out(row) as StoredRowOf<D>;
  }

  protected lookupResult(result: unknown): LookupResult<D> {
    // A row or undefined in set types, an array in bags, as the type says.
    return result as LookupResult<D>;
  }

  protected keyResult(key: TableKey | undefined): KeyOf<D> | undefined {
    // A stored row's key is of the key's type.
    return key === undefined ? undefined : (copyKey(key) as KeyOf<D>);
  }
}
