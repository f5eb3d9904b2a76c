/**
 * One handler's transaction over all tables of its worker.
 *
 * 1. G2: `commit` gives every table's changes; `rollback` leaves every table as it was at `begin`. There is one transaction
 *    at a time.
 * 2. G9: what the changes may take, encoded, is summed over all tables, and casts, before each is made; the operation that would
 *    pass BATCH_BYTES_MAX throws TableError ERR_TABLE_LIMIT in the handler, and changes nothing.
 * 3. Tables that survive nothing are part of the transaction and never of its result: nobody inherits them.
 * 4. Tables come and go between transactions: those of other workers that this one has got, and its own that others have.
 */
import { Table, TableError, invariant } from '@heirloom/tables';
import type { AnyTableDefinition, RowChange } from '@heirloom/tables';
import { FRAME_BYTES_MAX } from '@heirloom/wire';
import type { OwnershipStep } from '@heirloom/wire';
import type { InheritedTables, OwnerTables, TableDefinitions } from './handler-context.js';
import { leaseInherited, leaseTables } from './leased-table.js';
import type { Lease, LentTable, TableRename } from './leased-table.js';
import { TableHolding } from './table-holding.js';
import type { HoldingWorker } from './table-holding.js';

/** The most that a handler may return, encoded; as much as a row may take. */
export const RESULT_BYTES_MAX: number = 16 * 1024 * 1024;
/** For the heads of a batch and of the frame that it travels in. */
const BATCH_SLACK_BYTES = 1024 * 1024;
/** The most that one handler may change, in encoded bytes: its batch has to fit in a frame together with its result. */
export const BATCH_BYTES_MAX: number = FRAME_BYTES_MAX - RESULT_BYTES_MAX - BATCH_SLACK_BYTES;

/** What a transaction did to one table that has an heir. */
export interface TableCommit {
  readonly name: string;
  readonly table: Table<AnyTableDefinition>;
  readonly changes: readonly RowChange[];
}

/** What a handler is lent. */
export interface LentTables {
  readonly tables: OwnerTables<TableDefinitions>;
  readonly inherited: InheritedTables;
}

const NOTHING: readonly TableCommit[] = Object.freeze([]);
const NO_STEPS: readonly OwnershipStep[] = Object.freeze([]);

export class Transaction {
  private readonly declared = new Map<string, TableHolding>();
  private readonly inherited = new Map<string, TableHolding>();
  /** Of the worker, and lent to no handler. */
  private readonly hidden: TableHolding[] = [];
  /** All of them, and as they are lent; made anew when a table comes or goes, as every handler needs them. */
  private all: readonly TableHolding[] = [];
  private lentDeclared: readonly LentTable[] = [];
  private lentInherited: readonly LentTable[] = [];
  private worker: HoldingWorker = { name: '', workers: new Set() };
  private lease: Lease | undefined;
  private pendingBytes = 0;
  private hasSteps = false;
  private readonly onPending = (bytes: number): void => this.charge(bytes);

  constructor(definitions: TableDefinitions) {
    for (const [name, definition] of Object.entries(definitions)) {
      this.declared.set(name, new TableHolding(name, definition, this.newTable(name, definition)));
    }
    this.changed();
  }

  /** The declared tables by name. */
  get tables(): ReadonlyMap<string, Table<AnyTableDefinition>> {
    return new Map(Array.from(this.declared, ([name, { table }]) => [name, table]));
  }

  /** Says whose tables these are. */
  belongsTo(worker: HoldingWorker): void {
    this.worker = worker;
  }

  /** The holding of a declared table, or of one of another worker by `worker/table`. */
  holding(key: string): TableHolding | undefined {
    return this.declared.get(key) ?? this.inherited.get(key);
  }

  /** Takes a table in, empty, to be loaded: a declared one that comes back, or one of another worker. */
  adopt(key: string, definition: AnyTableDefinition, tableId: number): Table<AnyTableDefinition> {
    invariant(this.lease === undefined, 'a table comes while a handler runs');
    const own = this.declared.get(key);
    const table = this.newTable(key, own?.definition ?? definition);
    const holding = own ?? new TableHolding(key, definition, table);
    if (own === undefined) this.inherited.set(key, holding);
    holding.take(table, tableId);
    this.changed();
    return table;
  }

  /** Takes one more table of the worker, empty, which is lent to no handler. */
  addHidden(name: string, definition: AnyTableDefinition): Table<AnyTableDefinition> {
    invariant(this.lease === undefined, 'a hidden table comes while a handler runs');
    const table = this.newTable(name, definition);
    this.hidden.push(new TableHolding(name, definition, table));
    this.changed();
    return table;
  }

  /** Begins, and lends the tables until `commit` or `rollback`; `rename` is what the handler renames them by. */
  begin(rename: TableRename): LentTables {
    invariant(this.lease === undefined, 'a handler begins while another runs');
    this.pendingBytes = 0;
    this.lease = { isOpen: true, rename };
    for (const { table } of this.all) table.begin();
    return {
      tables: leaseTables(this.lentDeclared, this.lease),
      inherited: leaseInherited(this.lentInherited, this.lease),
    };
  }

  /** Ends the transaction; returns what it changed in tables that have an heir. */
  commit(): readonly TableCommit[] {
    this.endLease();
    let commits: TableCommit[] | undefined;
    for (const holding of this.all) {
      const { key, table, definition } = holding;
      const changes = table.commit();
      if (changes.length > 0 && definition.survives !== 'nothing') (commits ??= []).push({ name: key, table, changes });
    }
    return commits ?? NOTHING;
  }

  /** What the committed transaction did to the ownership of tables; those that went are let go, and handed to `onGone`. */
  takeSteps(onGone: (table: Table<AnyTableDefinition>) => void): readonly OwnershipStep[] {
    if (!this.hasSteps) return NO_STEPS;
    this.hasSteps = false;
    const steps: OwnershipStep[] = [];
    for (const holding of this.all) {
      const { isLeaving, table } = holding;
      steps.push(...holding.commit());
      if (!isLeaving) continue;
      onGone(table);
      if (!this.inherited.delete(holding.key)) holding.table = this.newTable(holding.key, holding.definition);
    }
    this.changed();
    return steps;
  }

  /** Ends the transaction and undoes it. */
  rollback(): void {
    this.endLease();
    this.hasSteps = false;
    for (const holding of this.all) {
      holding.table.rollback();
      holding.rollback();
    }
  }

  private changed(): void {
    this.all = [...this.declared.values(), ...this.inherited.values(), ...this.hidden];
    this.lentDeclared = Array.from(this.declared.values(), (holding) => this.lent(holding));
    this.lentInherited = Array.from(this.inherited.values(), (holding) => this.lent(holding));
  }

  private lent(holding: TableHolding): LentTable {
    const step = (bytes: number): void => {
      this.hasSteps = true;
      this.charge(bytes);
    };
    return [
      holding.key,
      holding.table,
      {
        check: (operation) => holding.check(operation),
        giveAway: (to, data) => step(holding.giveAway(this.worker, to, data)),
        setOptions: (options) => step(holding.setOptions(this.worker, options)),
        rename: (name, lease) => lease.rename(this.identity(holding), name),
      },
    ];
  }

  private identity(holding: TableHolding): { readonly worker: string; readonly table: string } {
    holding.checkStored('rename');
    const { key } = holding;
    if (!this.inherited.has(key)) return { worker: this.worker.name, table: key };
    // No worker's name has a slash.
    const slash = key.indexOf('/');
    return { worker: key.slice(0, slash), table: key.slice(slash + 1) };
  }

  private newTable(name: string, definition: AnyTableDefinition): Table<AnyTableDefinition> {
    return new Table(definition, { name, transactional: true, onPending: this.onPending });
  }

  private endLease(): void {
    invariant(this.lease !== undefined, 'no handler runs');
    this.lease.isOpen = false;
    this.lease = undefined;
  }

  /** Takes account of what goes into the handler's batch. Throws ERR_TABLE_LIMIT. */
  charge(bytes: number): void {
    const total = this.pendingBytes + bytes;
    if (total > BATCH_BYTES_MAX) {
      throw new TableError(
        'ERR_TABLE_LIMIT',
        `The changes and casts of one handler would take up to ${total} bytes; ${BATCH_BYTES_MAX} are the most. Spread them over several calls.`,
        { bytes: total, limit: BATCH_BYTES_MAX },
      );
    }
    this.pendingBytes = total;
  }
}
