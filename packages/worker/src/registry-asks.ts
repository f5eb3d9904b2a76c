/** Makes the handles of registries that handlers are given: everything is a question of the handler's session. */
import type { AskSession } from './ask-session.js';
import { ROUTER } from './life-operations.js';
import type { RegistryTarget } from './registry-operations.js';
import type { Registry } from './registry.js';

/** Makes the handle of a registry for one handler. */
export function registryOf<Value>(session: AskSession, name: string): Registry<Value> {
  const ask = <Answer>(operation: RegistryTarget['operation'], ...operands: readonly unknown[]): Promise<Answer> =>
    session.ask({ worker: name, table: ROUTER, operation }, operands, {}) as Promise<Answer>; // The router's answer.
  return {
    name,
    register: (key, value) => ask('registry.register', key, value),
    unregister: (key) => ask('registry.unregister', key),
    updateValue: (key, value) => ask('registry.updateValue', key, value),
    lookup: (key) => ask('registry.lookup', key),
    keys: (worker) => ask('registry.keys', worker),
    count: () => ask('registry.count'),
    select: (selection) => ask('registry.select', selection),
  };
}
