/**
 * One registry of names (Elixir's Registry): which lives of workers have entered themselves under which keys. Pure, and in memory
 * only: it is about processes, and none of them outlives the program.
 *
 * 1. An entry belongs to the life that made it, and is gone with it; `ended` comes as soon as the end is seen, before anybody is told
 *    of it, so nobody finds a dead one. Only its own life changes or removes it.
 * 2. In a unique registry a key has one entry at most. In a duplicate one it has any number, several of one life too, in the order in
 *    which they were made.
 * 3. Keys are those of tables, and the same by the rule of a set: `1` and `1n` are two.
 * 4. Values are copied in and out (G7).
 * 5. G9: REGISTRY_ENTRIES_MAX entries of REGISTRY_BYTES_MAX in all, each value of at most REGISTRY_VALUE_BYTES_MAX. What is refused
 *    has changed nothing.
 */
import { compileWhere, decodeKey, encodeKey, row, showValue } from '@heirloom/tables';
import type { AnyTableDefinition, TableKey, Where } from '@heirloom/tables';
import { decodeValue, encodeValue } from '@heirloom/wire';
import { WorkerError } from '@heirloom/worker';
import type { RegisteredName, RegistryEntry, RegistrySelection } from '@heirloom/worker';

/** Whether a key of a registry is one worker's or many workers'. */
export type RegistryKind = 'unique' | 'duplicate';

/** The most entries of a registry: as many names as a program of this size has things that are named. */
export const REGISTRY_ENTRIES_MAX = 100_000;
/** The largest value, encoded: what says where something is, and not the thing. */
export const REGISTRY_VALUE_BYTES_MAX: number = 64 * 1024;
/** The most bytes of keys and values in a registry: they are in the memory of the program. */
export const REGISTRY_BYTES_MAX: number = 64 * 1024 * 1024;

interface Entry {
  readonly worker: string;
  readonly keyBytes: Uint8Array;
  value: Uint8Array;
}

/** What conditions of a selection are about: an entry as a row. */
const ENTRIES: AnyTableDefinition = {
  kind: 'table',
  row: row<unknown>(),
  type: 'duplicate_bag',
  key: 'key',
  access: 'protected',
  survives: 'nothing',
  name: undefined,
  version: 1,
  keepBytes: 0,
};

export class NameRegistry {
  readonly name: string;
  readonly kind: RegistryKind;
  /** By the bytes of the key. */
  readonly #entries = new Map<string, Set<Entry>>();
  readonly #byWorker = new Map<string, Set<Entry>>();
  #count = 0;
  #bytes = 0;

  constructor(name: string, kind: RegistryKind) {
    this.name = name;
    this.kind = kind;
  }

  get count(): number {
    return this.#count;
  }

  /** What keys and values take, encoded. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Enters a life. Throws ERR_WORKER_REGISTERED for a unique key that is taken, ERR_WORKER_LIMIT; TableError for what is no key. */
  register(worker: string, key: TableKey, value: unknown): void {
    const keyBytes = encodeKey(key, true);
    const id = idOf(keyBytes);
    const present = this.#entries.get(id) ?? new Set();
    const [holder] = present;
    if (this.kind === 'unique' && holder !== undefined) throw this.#taken(key, holder.worker);
    const entry = { worker, keyBytes, value: encodeValue(value) };
    this.#checkRoom(entry.value.length, keyBytes.length + entry.value.length);
    this.#entries.set(id, present.add(entry));
    const own = this.#byWorker.get(worker) ?? new Set();
    this.#byWorker.set(worker, own.add(entry));
    this.#count++;
    this.#bytes += sizeOf(entry);
  }

  /** Takes out the entries of a life under a key; false when there are none. */
  unregister(worker: string, key: TableKey): boolean {
    const own = this.#own(worker, encodeKey(key, true));
    for (const entry of own) this.#drop(entry);
    return own.length > 0;
  }

  /** Gives the entry of a life under a unique key another value; false when there is none. Throws as `register` does. */
  updateValue(worker: string, key: TableKey, value: unknown): boolean {
    if (this.kind !== 'unique') {
      const message = `Registry ${this.name} has duplicate keys, so which entry is meant is not said. Unregister, and register anew.`;
      throw new WorkerError('ERR_WORKER_REGISTRY', message, { registry: this.name });
    }
    const [entry] = this.#own(worker, encodeKey(key, true));
    if (entry === undefined) return false;
    const bytes = encodeValue(value);
    this.#checkRoom(bytes.length, bytes.length - entry.value.length, 0);
    this.#bytes += bytes.length - entry.value.length;
    entry.value = bytes;
    return true;
  }

  /** The entries of a key, in the order in which they were made. */
  lookup(key: TableKey): readonly RegistryEntry[] {
    const entries = this.#entries.get(idOf(encodeKey(key, true))) ?? [];
    return Array.from(entries, ({ worker, value }) => ({ worker, value: decodeValue(value) }));
  }

  /** The keys of a life, in the order in which it entered itself; a key is there once for each entry. */
  keys(worker: string): readonly TableKey[] {
    return Array.from(this.#byWorker.get(worker) ?? [], ({ keyBytes }) => decodeKey(keyBytes));
  }

  /** The entries that meet a condition, as of rows with the fields `key`, `worker` and `value`. Throws TableError ERR_TABLE_ARGUMENT. */
  select({ where }: RegistrySelection = {}): readonly RegisteredName[] {
    // Its fields are those of an entry as a row, which no definition has typed.
    const { matches } = compileWhere(ENTRIES, where as Where<AnyTableDefinition> | undefined);
    const found: RegisteredName[] = [];
    for (const entries of this.#entries.values()) {
      for (const { worker, keyBytes, value } of entries) {
        const name = { key: decodeKey(keyBytes), worker, value: decodeValue(value) };
        if (matches(name)) found.push(name);
      }
    }
    return found;
  }

  /** The life of a worker is over. */
  ended(worker: string): void {
    for (const entry of this.#byWorker.get(worker) ?? []) this.#drop(entry);
  }

  #own(worker: string, keyBytes: Uint8Array): readonly Entry[] {
    return [...(this.#entries.get(idOf(keyBytes)) ?? [])].filter((entry) => entry.worker === worker);
  }

  #drop(entry: Entry): void {
    const id = idOf(entry.keyBytes);
    const present = this.#entries.get(id);
    if (present?.delete(entry) === true && present.size === 0) this.#entries.delete(id);
    const own = this.#byWorker.get(entry.worker);
    if (own?.delete(entry) === true && own.size === 0) this.#byWorker.delete(entry.worker);
    this.#count--;
    this.#bytes -= sizeOf(entry);
  }

  #checkRoom(valueBytes: number, addedBytes: number, added: number = 1): void {
    const limits: readonly (readonly [what: string, wanted: number, limit: number])[] = [
      ['bytes in a value', valueBytes, REGISTRY_VALUE_BYTES_MAX],
      ['entries', this.#count + added, REGISTRY_ENTRIES_MAX],
      ['bytes of keys and values', this.#bytes + addedBytes, REGISTRY_BYTES_MAX],
    ];
    for (const [what, wanted, limit] of limits) {
      if (wanted <= limit) continue;
      const message = `Registry ${this.name} would have ${wanted} ${what}; ${limit} are the most. Keep what is large in a table.`;
      throw new WorkerError('ERR_WORKER_LIMIT', message, { registry: this.name, wanted, limit });
    }
  }

  #taken(key: TableKey, holder: string): WorkerError {
    const message = `The key ${showValue(key)} of registry ${this.name} is taken by worker ${holder}. It is free when that one gives it back or ends.`;
    return new WorkerError('ERR_WORKER_REGISTERED', message, { registry: this.name, key, worker: holder });
  }
}

function idOf(keyBytes: Uint8Array): string {
  return Buffer.from(keyBytes).toString('latin1');
}

function sizeOf({ keyBytes, value }: Entry): number {
  return keyBytes.length + value.length;
}
