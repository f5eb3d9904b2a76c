/** The registries of a runtime, by name: what handlers ask of them, and what is left of a life that is over, which is nothing. */
import type { TableKey } from '@heirloom/tables';
import { WorkerError } from '@heirloom/worker';
import type { RegistryTarget } from '@heirloom/worker/process-url';
import type { RegistryKind } from './name-registry.js';
import { NameRegistry } from './name-registry.js';

export class Registries {
  readonly #registries: ReadonlyMap<string, NameRegistry>;

  constructor(kinds: Readonly<Record<string, RegistryKind>>) {
    this.#registries = new Map(Object.entries(kinds).map(([name, kind]) => [name, new NameRegistry(name, kind)]));
  }

  /** The registry of a name. Throws WorkerError ERR_WORKER_REGISTRY. */
  registry(name: string): NameRegistry {
    const registry = this.#registries.get(name);
    if (registry !== undefined) return registry;
    const known = [...this.#registries.keys()].join(', ') || 'none';
    const message = `This runtime has no registry ${name}. Name it in the option registries of startRuntime; there are: ${known}.`;
    throw new WorkerError('ERR_WORKER_REGISTRY', message, { registry: name });
  }

  /** The life of a worker is over. */
  ended(worker: string): void {
    for (const registry of this.#registries.values()) registry.ended(worker);
  }

  /** Does what a worker asks of a registry. The operands are what it sent: each function throws for what makes no sense to it. */
  perform(worker: string, { worker: name, operation }: RegistryTarget, operands: readonly unknown[]): unknown {
    const registry = this.registry(name);
    const [first, second] = operands;
    const key = first as TableKey; // Refused by the codec of keys if it is none.
    switch (operation) {
      case 'registry.register':
        return registry.register(worker, key, second);
      case 'registry.unregister':
        return registry.unregister(worker, key);
      case 'registry.updateValue':
        return registry.updateValue(worker, key, second);
      case 'registry.lookup':
        return registry.lookup(key);
      case 'registry.keys':
        return registry.keys(typeof first === 'string' ? first : worker);
      case 'registry.count':
        return registry.count;
      default:
        return registry.select(first ?? {}); // Refused by the compiler of conditions if it is none.
    }
  }
}
