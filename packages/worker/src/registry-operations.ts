/** What a worker asks of a registry: which operations there are, and which of them change what others see. */
import type { AskTarget } from './ask-target.js';
import { ROUTER } from './life-operations.js';

const WRITES = ['registry.register', 'registry.unregister', 'registry.updateValue'] as const;
const READS = ['registry.lookup', 'registry.keys', 'registry.count', 'registry.select'] as const;

/** An operation on the registry of a name. */
export interface RegistryTarget {
  /** The name of the registry. */
  readonly worker: string;
  readonly table: typeof ROUTER;
  readonly operation: (typeof WRITES | typeof READS)[number];
}

export function isRegistryWrite(target: AskTarget): target is RegistryTarget & typeof target {
  return isOneOf(WRITES, target);
}

export function isRegistryRead(target: AskTarget): target is RegistryTarget & typeof target {
  return isOneOf(READS, target);
}

function isOneOf(operations: readonly string[], { table, operation }: AskTarget): boolean {
  return table === ROUTER && operations.includes(operation);
}
