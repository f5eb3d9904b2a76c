/**
 * What a handler and `init` are given: the types of their first argument.
 *
 * 1. `tables` is valid until the handler settles; a timer or floating promise that uses it later gets TableError
 *    ERR_TABLE_CLOSED.
 * 2. What a handler does outside of `tables` (files, network, logs) may happen again when the call is run again.
 */
import type { AnyTableDefinition, OwnerTable } from '@heirloom/tables';

/** The tables that a worker defines, by name. */
export type TableDefinitions = Readonly<Record<string, AnyTableDefinition>>;

/**
 * What type parameters for tables are bounded by. It does not name the type and access of a table: as the expected type of a
 * `table({ … })` it would widen those that the author has left at their defaults.
 */
export type NamedTables = Readonly<Record<string, { readonly kind: 'table' }>>;

/** A worker's tables as its handlers use them. */
export type OwnerTables<Tables extends NamedTables> = {
  readonly [Name in keyof Tables]: Tables[Name] extends AnyTableDefinition ? OwnerTable<Tables[Name]> : never;
};

/** Writes one line to the runtime's log, with fields as plain data. */
export type LogWrite = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** The log of a worker. Each line is written before the function returns. */
export interface WorkerLog {
  readonly debug: LogWrite;
  readonly info: LogWrite;
  readonly warn: LogWrite;
  readonly error: LogWrite;
}

/** Which worker this is, and which of its lives. */
export interface WorkerIdentity {
  readonly name: string;
  /** The epoch: it only grows, and no two lives of a worker share one. */
  readonly incarnation: number;
}

/** What every handler gets before the arguments of its call. */
export interface HandlerContext<Tables extends NamedTables> {
  readonly tables: OwnerTables<Tables>;
  /** The time in milliseconds since 1970. */
  readonly now: () => number;
  readonly log: WorkerLog;
  /** The call that is run: `id` is the same when it is run again. */
  readonly call: { readonly id: number };
  readonly worker: WorkerIdentity;
}

/** What `init` gets. */
export interface InitContext<Tables extends NamedTables> {
  readonly tables: OwnerTables<Tables>;
  /** Whether `init` committed once before; then the tables are as the last life of the worker left them. */
  readonly restarted: boolean;
  readonly now: () => number;
  readonly log: WorkerLog;
  readonly worker: WorkerIdentity;
}
