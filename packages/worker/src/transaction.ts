/**
 * One handler's transaction over all tables of its worker.
 *
 * 1. G2: `commit` gives every table's changes; `rollback` leaves every table as it was at `begin`. There is one transaction
 *    at a time.
 * 2. G9: what the changes may take, encoded, is summed over all tables before each change is made; the operation that would
 *    pass BATCH_BYTES_MAX throws TableError ERR_TABLE_LIMIT in the handler, and changes nothing.
 * 3. Tables that survive nothing are part of the transaction and never of its result: nobody inherits them.
 */
import { Table, TableError, invariant } from '@heirloom/tables';
import type { AnyTableDefinition, RowChange } from '@heirloom/tables';
import { FRAME_BYTES_MAX } from '@heirloom/wire';
import type { OwnerTables, TableDefinitions } from './handler-context.js';
import { leaseTables } from './leased-table.js';
import type { Lease } from './leased-table.js';

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

const NOTHING: readonly TableCommit[] = Object.freeze([]);

export class Transaction {
  readonly tables: ReadonlyMap<string, Table<AnyTableDefinition>>;
  private readonly list: readonly (readonly [string, Table<AnyTableDefinition>])[];
  private readonly definitions: TableDefinitions;
  private lease: Lease | undefined;
  private pendingBytes = 0;

  constructor(definitions: TableDefinitions) {
    this.definitions = definitions;
    const onPending = (bytes: number): void => this.charge(bytes);
    this.list = Object.entries(definitions).map(([name, definition]) => [
      name,
      new Table(definition, { name, transactional: true, onPending }),
    ]);
    this.tables = new Map(this.list);
  }

  /** Begins, and lends the tables until `commit` or `rollback`. */
  begin(): OwnerTables<TableDefinitions> {
    invariant(this.lease === undefined, 'a handler begins while another runs');
    this.pendingBytes = 0;
    this.lease = { isOpen: true };
    for (const [, table] of this.list) table.begin();
    return leaseTables(this.list, this.lease);
  }

  /** Ends the transaction; returns what it changed in tables that have an heir. */
  commit(): readonly TableCommit[] {
    this.endLease();
    let commits: TableCommit[] | undefined;
    for (const [name, table] of this.list) {
      const changes = table.commit();
      if (changes.length === 0 || this.definitions[name]?.survives === 'nothing') continue;
      (commits ??= []).push({ name, table, changes });
    }
    return commits ?? NOTHING;
  }

  /** Ends the transaction and undoes it. */
  rollback(): void {
    this.endLease();
    for (const [, table] of this.list) table.rollback();
  }

  private endLease(): void {
    invariant(this.lease !== undefined, 'no handler runs');
    this.lease.isOpen = false;
    this.lease = undefined;
  }

  private charge(bytes: number): void {
    const total = this.pendingBytes + bytes;
    if (total > BATCH_BYTES_MAX) {
      throw new TableError(
        'ERR_TABLE_LIMIT',
        `The changes of one handler would take up to ${total} bytes; ${BATCH_BYTES_MAX} are the most. Spread them over several calls.`,
        { bytes: total, limit: BATCH_BYTES_MAX },
      );
    }
    this.pendingBytes = total;
  }
}
