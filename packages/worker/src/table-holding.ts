/**
 * One table of a worker: where it stands, and what the running handler does to its ownership.
 *
 *   here ──giveAway, committed──▶ elsewhere ──adopted again──▶ here
 *     └─ giveAway ──▶ leaving ──rollback──▶ here
 *
 * 1. A table that is leaving or elsewhere refuses every operation (TableError ERR_TABLE_OWNER, `details.owner` says who has it).
 *    So does one that is here in the form of another version, which is migrated at the beginning of the worker's next life.
 * 2. Nothing has happened before the handler's batch is committed: `rollback` takes every step back (G2).
 */
import { TableError, showValue } from '@heirloom/tables';
import type { AnyTableDefinition, Table } from '@heirloom/tables';
import { decodeValue, encodeValue, TRANSFER_DATA_BYTES_MAX } from '@heirloom/wire';
import type { OwnershipStep } from '@heirloom/wire';
import type { HeirOptions } from './handler-context.js';

/** The worker that the holdings belong to, and the others. */
export interface HoldingWorker {
  readonly name: string;
  /** The workers of the runtime. */
  readonly workers: ReadonlySet<string>;
}

export class TableHolding {
  /** How handlers name it: the name of a declared table, `worker/table` for one of another worker. */
  readonly key: string;
  definition: AnyTableDefinition;
  table: Table<AnyTableDefinition>;
  /** The number in the store; undefined for a table that survives nothing. */
  tableId: number | undefined;
  /** Who has it, if not this worker. */
  elsewhere: string | undefined;
  /** The version of its rows, if it is here and they are of another than the declared one. */
  private otherVersion: number | undefined;
  private readonly steps: OwnershipStep[] = [];
  private leavingTo: string | undefined;

  constructor(key: string, definition: AnyTableDefinition, table: Table<AnyTableDefinition>) {
    this.key = key;
    this.definition = definition;
    this.table = table;
  }

  /** Throws ERR_TABLE_OWNER unless the table is here. */
  check(operation: string): void {
    const owner = this.leavingTo ?? this.elsewhere;
    if (owner === undefined) return;
    if (this.otherVersion !== undefined) throw this.notMigrated(operation, owner, this.otherVersion);
    const message = `'${operation}' is for the owner of table ${showValue(this.key)}, which is worker ${showValue(owner)} now. Ask it, or have it give the table back.`;
    throw new TableError('ERR_TABLE_OWNER', message, { table: this.key, operation, owner });
  }

  /** Takes note that the table is here, but in the form of another version. */
  refuse(owner: string, version: number): void {
    this.elsewhere = owner;
    this.otherVersion = version;
  }

  /** Takes the table in, empty, to be loaded. */
  take(table: Table<AnyTableDefinition>, tableId: number): void {
    this.table = table;
    this.tableId = tableId;
    this.elsewhere = undefined;
    this.otherVersion = undefined;
  }

  /** Gives the table to another worker with this handler's batch; returns the bytes that it adds. */
  giveAway(worker: HoldingWorker, to: unknown, data: unknown): number {
    const tableId = this.stored('giveAway');
    const receiver = this.known(worker, to, 'given to');
    if (receiver === worker.name) {
      const message = `Table ${showValue(this.key)} cannot be given to ${showValue(receiver)}, which owns it. Give it to another worker.`;
      throw new TableError('ERR_TABLE_OWNER', message, { table: this.key, owner: receiver });
    }
    const encoded = this.encode(data);
    this.steps.push({ kind: 'give', tableId, to: receiver, data: decodeValue(encoded) });
    this.leavingTo = receiver;
    return encoded.length;
  }

  /** Names another heir with this handler's batch; returns the bytes that it adds. */
  setOptions(worker: HoldingWorker, options: unknown): number {
    const tableId = this.stored('setOptions');
    const { heir, heirData } = checkOptions(options);
    const to = heir === undefined ? undefined : this.known(worker, heir, 'inherited by');
    const encoded = this.encode(heirData);
    this.steps.push({ kind: 'heir', tableId, to, data: decodeValue(encoded) });
    return encoded.length;
  }

  /** Whether the committed handler has given it away. */
  get isLeaving(): boolean {
    return this.leavingTo !== undefined;
  }

  /** Ends the handler's transaction; what it did to the ownership, in order. */
  commit(): readonly OwnershipStep[] {
    if (this.leavingTo !== undefined) this.elsewhere = this.leavingTo;
    this.leavingTo = undefined;
    return this.steps.splice(0);
  }

  rollback(): void {
    this.steps.length = 0;
    this.leavingTo = undefined;
  }

  private notMigrated(operation: string, owner: string, stored: number): TableError {
    const { key } = this;
    const declared = this.definition.version;
    const message = `'${operation}' cannot be done yet: table ${showValue(key)} has come back with rows of version ${stored}, and worker ${showValue(owner)} declares version ${declared}. They are migrated when that worker is started again.`;
    return new TableError('ERR_TABLE_OWNER', message, { table: key, operation, owner, stored, declared });
  }

  /** Throws ERR_TABLE_OWNER unless the table is here, and ERR_TABLE_TYPE if it survives nothing. */
  checkStored(operation: string): void {
    this.stored(operation);
  }

  private stored(operation: string): number {
    this.check(operation);
    if (this.tableId !== undefined) return this.tableId;
    const message = `'${operation}' is for tables with an heir, and ${showValue(this.key)} survives nothing. Declare what it survives.`;
    throw new TableError('ERR_TABLE_TYPE', message, { table: this.key, operation });
  }

  private known({ workers }: HoldingWorker, name: unknown, what: string): string {
    if (typeof name === 'string' && workers.has(name)) return name;
    const message = `Table ${showValue(this.key)} cannot be ${what} ${showValue(name)}, which is no worker of this runtime. It has: ${[...workers].join(', ')}.`;
    throw new TableError('ERR_TABLE_PROCESS', message, { table: this.key, process: name });
  }

  private encode(data: unknown): Uint8Array {
    let encoded: Uint8Array;
    try {
      encoded = encodeValue(data);
    } catch (cause) {
      // A Proxy may throw anything.
      const reason = cause instanceof Error ? cause.message : showValue(cause);
      const message = `What is given with table ${showValue(this.key)} cannot be sent: ${reason}`;
      throw new TableError('ERR_TABLE_VALUE', message, { table: this.key }, { cause });
    }
    if (encoded.length <= TRANSFER_DATA_BYTES_MAX) return encoded;
    const message = `What is given with table ${showValue(this.key)} has ${encoded.length} bytes; ${TRANSFER_DATA_BYTES_MAX} are the most. Put it into the table.`;
    throw new TableError('ERR_TABLE_LIMIT', message, { bytes: encoded.length, limit: TRANSFER_DATA_BYTES_MAX });
  }
}

function checkOptions(options: unknown): HeirOptions {
  const isRecord = typeof options === 'object' && options !== null;
  const names = isRecord ? Object.keys(options) : [];
  if (isRecord && names.includes('heir') && names.every((name) => name === 'heir' || name === 'heirData')) {
    return options as HeirOptions; // Its fields are checked where they are used.
  }
  const message = `setOptions takes { heir, heirData }, not ${showValue(options)}. Give the name of a worker as the heir, or undefined.`;
  throw new TableError('ERR_TABLE_ARGUMENT', message);
}
