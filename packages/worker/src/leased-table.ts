/**
 * A worker's tables as lent to one handler: they work until the handler settles and never again.
 *
 * 1. Every operation first asks its lease, also each step of an iterator, so a timer or a floating promise of one handler
 *    cannot write into the transaction of another (TableError ERR_TABLE_CLOSED).
 * 2. Only the operations of an owner are there; transactions and loading are the worker's own.
 * 3. A table that the worker has given away, or never got back, refuses everything (ERR_TABLE_OWNER).
 */
import { TABLE_OPERATIONS, TableError } from '@heirloom/tables';
import type { AnyTableDefinition, Table, TableOperation, TableOperationName } from '@heirloom/tables';
import { failpoint } from '@heirloom/wire';
import type { InheritedTables, OwnerTables, TableDefinitions } from './handler-context.js';

/** Asks for another name of a table, that a worker declares, in the name of one handler. */
export type TableRename = (table: { readonly worker: string; readonly table: string }, name: unknown) => Promise<void>;

/** What one handler has its tables by, until `isOpen` is set to false. */
export interface Lease {
  isOpen: boolean;
  readonly rename: TableRename;
}

/** What a handler can do to the ownership of a table that it was lent. */
export interface TableHold {
  /** Throws unless the table is here. */
  readonly check: (operation: string) => void;
  readonly giveAway: (to: unknown, data: unknown) => void;
  readonly setOptions: (options: unknown) => void;
  readonly rename: (name: unknown, lease: Lease) => Promise<void>;
}

/** A table as it is lent: by name, with its hold if it can have another owner. */
export type LentTable = readonly [name: string, table: Table<AnyTableDefinition>, hold?: TableHold];

type Operation = Exclude<TableOperationName, 'size'>;

/** The owner's operations that change nothing. */
export const READ_OPERATIONS: readonly Operation[] = operationsWhere((operation) => operation.class !== 'write');
/** The owner's operations that may change rows. */
export const WRITE_OPERATIONS: readonly Operation[] = operationsWhere((operation) => operation.class === 'write');

function operationsWhere(isWanted: (operation: TableOperation) => boolean): readonly Operation[] {
  // The keys of a record are its names.
  const names = Object.keys(TABLE_OPERATIONS) as TableOperationName[];
  return names.filter((name): name is Operation => name !== 'size' && isWanted(TABLE_OPERATIONS[name]));
}

type AnyOperation = (this: unknown, ...operands: unknown[]) => unknown;

/** One table, lent. Its operations are made from the lists above. */
class LeasedTable {
  readonly #table: Table<AnyTableDefinition>;
  readonly #lease: Lease;
  readonly #hold: TableHold | undefined;

  constructor(table: Table<AnyTableDefinition>, lease: Lease, hold: TableHold | undefined) {
    this.#table = table;
    this.#lease = lease;
    this.#hold = hold;
  }

  static {
    for (const name of READ_OPERATIONS) {
      define(name, function (this: LeasedTable, ...operands) {
        this.#check(name);
        return this.#call(name, operands);
      });
    }
    for (const name of WRITE_OPERATIONS) {
      define(name, function (this: LeasedTable, ...operands) {
        this.#check(name);
        const result = this.#call(name, operands);
        failpoint('worker.handler:change');
        return result;
      });
    }
    function define(name: string, value: (this: LeasedTable, ...operands: unknown[]) => unknown): void {
      Object.defineProperty(LeasedTable.prototype, name, { value });
    }
  }

  get size(): number {
    this.#check('size');
    return this.#table.size;
  }

  keys(): IterableIterator<unknown> {
    this.#check('keys');
    return this.#guarded('keys', this.#table.keys());
  }

  [Symbol.iterator](): IterableIterator<unknown> {
    this.#check('iterator');
    return this.#guarded('iterator', this.#table);
  }

  giveAway(to: unknown, data: unknown): void {
    this.#check('giveAway');
    this.#hold?.giveAway(to, data);
  }

  setOptions(options: unknown): void {
    this.#check('setOptions');
    this.#hold?.setOptions(options);
  }

  async rename(name: unknown): Promise<void> {
    this.#check('rename');
    await this.#hold?.rename(name, this.#lease);
  }

  #call(name: Operation, operands: unknown[]): unknown {
    // The lists above hold names of operations only, and the operation itself checks its operands.
    return Reflect.apply(this.#table[name] as AnyOperation, this.#table, operands);
  }

  *#guarded(operation: string, items: Iterable<unknown>): IterableIterator<unknown> {
    for (const item of items) {
      this.#check(operation);
      yield item;
    }
  }

  #check(operation: string): void {
    if (this.#lease.isOpen) return this.#hold?.check(operation);
    throw new TableError(
      'ERR_TABLE_CLOSED',
      `'${operation}' was called on a table after the handler that it was lent to had settled. ` +
        `Await everything that uses tables before the handler returns, or do it in a call of its own.`,
      { operation },
    );
  }
}

/** Lends tables to one handler. */
export function leaseTables(tables: readonly LentTable[], lease: Lease): OwnerTables<TableDefinitions> {
  const leased: Record<string, unknown> = {};
  for (const [name, table, hold] of tables) leased[name] = new LeasedTable(table, lease, hold);
  // Each has the operations of an OwnerTable; they are made at run time, which the compiler cannot see.
  return leased as OwnerTables<TableDefinitions>;
}

const NONE_INHERITED: InheritedTables = Object.freeze({ size: 0, names: () => [], get: () => undefined });

/** Lends the tables of other workers that this one owns. */
export function leaseInherited(tables: readonly LentTable[], lease: Lease): InheritedTables {
  if (tables.length === 0) return NONE_INHERITED;
  const leased = new Map<string, unknown>();
  for (const [name, table, hold] of tables) leased.set(name, new LeasedTable(table, lease, hold));
  const inherited = { size: leased.size, names: () => [...leased.keys()], get: (name: string) => leased.get(name) };
  // As above; what rows it has is for the handler to say.
  return inherited as InheritedTables;
}
