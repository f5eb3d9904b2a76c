/**
 * What a handler and `init` are given: the types of their first argument.
 *
 * 1. `tables` is valid until the handler settles; a timer or floating promise that uses it later gets TableError
 *    ERR_TABLE_CLOSED.
 * 2. What a handler does outside of `tables` and `remote` (files, network, logs) may happen again when the call is run again.
 */
import type { AnyTableDefinition, OwnerTable } from '@heirloom/tables';
import type { AnyWorkerDefinition } from './definition.js';
import type { RemoteWorker } from './remote-worker.js';
import type { WorkerTimers } from './timer.js';
import type { WorkerRef } from './worker-ref.js';

/** The tables that a worker defines, by name. */
export type TableDefinitions = Readonly<Record<string, AnyTableDefinition>>;

/**
 * What type parameters for tables are bounded by. It does not name the type and access of a table: as the expected type of a
 * `table({ … })` it would widen those that the author has left at their defaults.
 */
export type NamedTables = Readonly<Record<string, { readonly kind: 'table' }>>;

/** A worker's tables as its handlers use them. */
export type OwnerTables<Tables extends NamedTables> = {
  readonly [Name in keyof Tables]: Tables[Name] extends AnyTableDefinition ? OwnedTable<Tables[Name]> : never;
};

/** What `setOptions` takes. */
export interface HeirOptions {
  /** The worker that inherits the table; undefined for the keeper alone. */
  readonly heir: string | undefined;
  /** What the heir is told when it inherits; up to 64 KiB encoded. */
  readonly heirData?: unknown;
}

/**
 * A table of this worker: ETS's operations, and who is to own it. Every operation throws TableError ERR_TABLE_OWNER while
 * another worker has the table, and when it has come back with rows of a lower version, until this worker is started again.
 */
export interface OwnedTable<D extends AnyTableDefinition> extends OwnerTable<D> {
  /**
   * Gives the table to another worker, with the batch of this handler (ets:give_away/3); from here on it is not to be used.
   * The new owner is told `data`, a value of up to 64 KiB, in its `tableTransferred`; one that is dead now gets it in its next
   * life. Throws TableError ERR_TABLE_PROCESS for what is no worker of the runtime, ERR_TABLE_OWNER for this worker,
   * ERR_TABLE_VALUE or ERR_TABLE_LIMIT for the data, ERR_TABLE_TYPE for a table that survives nothing.
   */
  giveAway(to: string, data?: unknown): void;
  /** Says which worker inherits the table, with the batch of this handler (ets:setopts/2). Throws as `giveAway` does. */
  setOptions(options: HeirOptions): void;
  /**
   * Gives the table another runtime-wide name (ets:rename/2), under which the runtime's `whereis` finds it. As only the keeper
   * knows all names, it is asked, and the name is there when the promise resolves, also if this handler throws later. Rejects with
   * TableError ERR_TABLE_NAME for a name that a table has, its own among them, ERR_TABLE_ARGUMENT for what is no name,
   * ERR_TABLE_TYPE for a table that survives nothing; with WorkerError ERR_WORKER_NO_CALL in `init` and `tableTransferred`.
   */
  rename(name: string): Promise<void>;
}

/** Tables of other workers that this one owns, by `worker/table`. */
export interface InheritedTables {
  readonly size: number;
  names(): readonly string[];
  /** The table, undefined when this worker does not own it. The type of its definition is given by the caller. */
  get<D extends AnyTableDefinition>(name: string): OwnedTable<D> | undefined;
}

/** How a worker is told of a table that is its own now. */
export interface TableTransfer {
  /** Which one: `worker/table`, where the worker is the one that declares it. */
  readonly table: string;
  /** The worker that had it. */
  readonly from: string;
  /** What was given with it, or with the heir. */
  readonly data: unknown;
}

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

/** Asks for what is to run next. */
export type ContinueWith = (argument?: unknown) => void;

/** Gives a handler the other workers. */
export type RemoteWorkers = <Definition extends AnyWorkerDefinition>(
  reference: WorkerRef<Definition>,
) => RemoteWorker<Definition>;

/** The call that a handler runs. */
export interface RunningCall {
  /** The same when it is run again in this run of the program. */
  readonly id: number;
  /** What its caller named it by, also when the program repeats it after a new start; undefined when it did not. */
  readonly idempotencyKey: string | undefined;
}

/** What every handler gets before the arguments of its call. */
export interface HandlerContext<Tables extends NamedTables, Args extends readonly unknown[] = readonly unknown[]> {
  readonly tables: OwnerTables<Tables>;
  readonly inherited: InheritedTables;
  /**
   * Another worker, by what `workerRef` gives, until this handler settles. What is cast goes with this handler's batch. What is
   * called or written there happens at once, and stays also if this handler throws; when this handler is run again, it gets the
   * answers that it got. Throws WorkerError ERR_WORKER_REFERENCE for a worker that there is not.
   */
  readonly remote: RemoteWorkers;
  /** What the worker will do later by itself: it runs one of the definition's `timers`. */
  readonly timers: WorkerTimers;
  /**
   * Has `handleContinue` run next, with this argument, before anything that waits: as a batch of its own, if and only if this
   * handler's is stored, and once, whatever is killed between the two. Throws WorkerError ERR_WORKER_CONTINUE when the definition
   * has none, for a second one in the same handler, and for an argument that is no value or over 1 MiB.
   */
  readonly continueWith: ContinueWith;
  /** The time in milliseconds since 1970. */
  readonly now: () => number;
  readonly log: WorkerLog;
  /** What the program has given this worker, the same in every life; frozen. An instance has its template's first. */
  readonly args: Readonly<Args>;
  /** The call that is run. */
  readonly call: RunningCall;
  readonly worker: WorkerIdentity;
}

/**
 * What `tableTransferred` gets behind the transfer, and what a timer gets before its arguments; with `remote` they can only read, as
 * they are no calls.
 */
export type TransferContext<Tables extends NamedTables, Args extends readonly unknown[] = readonly unknown[]> = Omit<
  HandlerContext<Tables, Args>,
  'call'
>;

/** What `init` gets. */
export interface InitContext<Tables extends NamedTables, Args extends readonly unknown[] = readonly unknown[]> {
  readonly tables: OwnerTables<Tables>;
  readonly inherited: InheritedTables;
  /** The declared tables that other workers own, with their owners; using them throws TableError ERR_TABLE_OWNER. */
  readonly elsewhere: ReadonlyMap<string, string>;
  /** Whether `init` committed once before; then the tables are as the last life of the worker left them. */
  readonly restarted: boolean;
  /** Other workers, to read from: calls and writes are refused with WorkerError ERR_WORKER_NO_CALL, as they could happen twice. */
  readonly remote: RemoteWorkers;
  readonly timers: WorkerTimers;
  /** As in handlers: `handleContinue` runs when the worker is up, and before its first call, so that a start is quick. */
  readonly continueWith: ContinueWith;
  /** What the program has given this worker; see HandlerContext. */
  readonly args: Readonly<Args>;
  readonly now: () => number;
  readonly log: WorkerLog;
  readonly worker: WorkerIdentity;
}
