/**
 * Registries of names as handlers see them: entries of lives of workers under keys, in the router (Elixir's Registry).
 *
 * 1. What a worker enters belongs to its life (life-operations.ts): it happens when it is made, stays if the handler throws later, and
 *    goes with the life; the next one enters itself anew, in `init`.
 * 2. What is read is kept for the call, as everything that is read: a handler that is run again gets the same answers.
 */
import type { Condition, TableKey } from '@heirloom/tables';

/** Who has entered itself under a key, and with what. */
export interface RegistryEntry<Value = unknown> {
  readonly worker: string;
  readonly value: Value;
}

/** An entry with its key. */
export interface RegisteredName<Value = unknown> extends RegistryEntry<Value> {
  readonly key: TableKey;
}

/** Which entries are wanted: by conditions as on rows of a table, all of which are to hold. */
export interface RegistrySelection {
  readonly where?: {
    readonly key?: Condition<TableKey>;
    readonly worker?: Condition<string>;
    /** A value that is an object may be asked for its fields. */
    readonly value?: unknown;
  };
}

/**
 * A registry of the runtime, until the handler that it was given to settles. Everything rejects with WorkerError
 * ERR_WORKER_REGISTRY when the runtime has no registry of this name, with TableError ERR_TABLE_VALUE or ERR_TABLE_LIMIT for what is no
 * key of a table, and as every question does.
 */
export interface Registry<Value = unknown> {
  readonly name: string;
  /**
   * Enters this worker under a key, for the time of its life. Rejects with WorkerError ERR_WORKER_REGISTERED when the registry is
   * unique and the key is taken, which names who has it (this worker, too); ERR_WORKER_LIMIT for more than 100,000 entries, more than
   * 64 KiB of a value, or more than 64 MiB in all.
   */
  register(key: TableKey, value?: Value): Promise<void>;
  /** Takes this worker's entries under a key out. False when there are none. */
  unregister(key: TableKey): Promise<boolean>;
  /** Gives this worker's entry under a unique key another value. False when there is none. Rejects as `register` does. */
  updateValue(key: TableKey, value: Value): Promise<boolean>;
  /** The entries of a key, in the order in which they were made. */
  lookup(key: TableKey): Promise<readonly RegistryEntry<Value>[]>;
  /** The keys of a worker, by default of this one. */
  keys(worker?: string): Promise<readonly TableKey[]>;
  /** How many entries there are. */
  count(): Promise<number>;
  /** The entries that meet a condition. Rejects with TableError ERR_TABLE_ARGUMENT for what is none. */
  select(selection?: RegistrySelection): Promise<readonly RegisteredName<Value>[]>;
}
