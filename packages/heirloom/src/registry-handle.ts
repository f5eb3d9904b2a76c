/** A registry as the program sees it: what is in it at the moment. Only workers enter themselves. */
import type { TableKey } from '@heirloom/tables';
import type { AnyWorkerDefinition, RegisteredName, RegistryEntry, RegistrySelection } from '@heirloom/worker';
import type { NameRegistry, RegistryKind } from './name-registry.js';
import { wrongOption } from './option-check.js';
import type { WorkerReference } from './reference.js';
import type { WorkerHandle } from './worker-handle.js';

/** A registry of a running runtime. It is in this process, so what it says is said at once. */
export interface RegistryHandle {
  readonly name: string;
  readonly kind: RegistryKind;
  /** How many entries there are. */
  readonly count: number;
  /** The entries of a key, in the order in which they were made. Throws TableError ERR_TABLE_VALUE or ERR_TABLE_LIMIT for no key. */
  lookup(key: TableKey): readonly RegistryEntry[];
  /**
   * The handle of the worker that has entered itself under a key of a unique registry; undefined when there is none. The type of
   * its definition is given by the caller. Throws as `lookup` does, and RuntimeError ERR_RUNTIME_OPTION for duplicate keys.
   */
  whereis<Definition extends AnyWorkerDefinition = AnyWorkerDefinition>(
    key: TableKey,
  ): WorkerHandle<Definition> | undefined;
  /** The keys under which a worker has entered itself. */
  keys(worker: WorkerReference): readonly TableKey[];
  /** The entries that meet a condition on their `key`, `worker` and `value`. Throws TableError ERR_TABLE_ARGUMENT. */
  select(selection?: RegistrySelection): readonly RegisteredName[];
}

/** `handleOf` gives the handle of the worker of a name. */
export function createRegistryHandle(
  registry: NameRegistry,
  handleOf: (worker: string) => WorkerHandle<AnyWorkerDefinition> | undefined,
): RegistryHandle {
  const { name, kind } = registry;
  return {
    name,
    kind,
    get count() {
      return registry.count;
    },
    lookup: (key) => registry.lookup(key),
    whereis: <Definition extends AnyWorkerDefinition>(key: TableKey) => {
      if (kind !== 'unique') throw wrongOption('registry', name, 'has duplicate keys: look them up');
      const [entry] = registry.lookup(key);
      // The definition is what the caller says.
      return entry && (handleOf(entry.worker) as WorkerHandle<Definition> | undefined);
    },
    keys: (worker) => registry.keys(worker.name),
    select: (selection) => registry.select(selection),
  };
}
