/**
 * The handle of the partitions of a worker: the handles of all, and of the one that a key belongs to.
 */
import type { TableKey } from '@heirloom/tables';
import type { AnyWorkerDefinition } from '@heirloom/worker';
import { partitionNumber } from '@heirloom/worker/process-url';
import { invariant } from '@heirloom/tables';
import type { CallOptions } from './pending-call.js';
import { checkCallOptions } from './pending-call.js';
import type { PartitionedReference } from './partitioned-reference.js';
import type { WorkerReference } from './reference.js';
import type { WorkerHandle } from './worker-handle.js';

/** The partitions of a worker of a running runtime. What goes to all is said with `all`, as in `Promise.all(sessions.all.map(…))`. */
export interface PartitionedHandle<Definition extends AnyWorkerDefinition> {
  readonly name: string;
  /** How many partitions there are. */
  readonly count: number;
  /** The partitions, number 0 first. */
  readonly all: readonly WorkerHandle<Definition>[];
  /** The partition that a key belongs to. Throws TableError ERR_TABLE_VALUE or ERR_TABLE_LIMIT for what is no key of a table. */
  of(key: TableKey): WorkerHandle<Definition>;
  /** The number of that partition, from 0. Throws as `of` does. */
  partitionOf(key: TableKey): number;
  /** The same partitions with other options for calls, reads and writes. Throws RuntimeError ERR_RUNTIME_OPTION for a wrong one. */
  with(options: CallOptions): PartitionedHandle<Definition>;
}

/** `handleOf` gives the handle of one worker. */
export function createPartitionedHandle<Definition extends AnyWorkerDefinition>(
  { name, children }: PartitionedReference<Definition>,
  handleOf: (reference: WorkerReference<Definition>) => WorkerHandle<Definition>,
  options: CallOptions,
): PartitionedHandle<Definition> {
  const count = children.length;
  const partitionOf = (key: TableKey): number => partitionNumber(key, count);
  const handle = (child: WorkerReference<Definition>): WorkerHandle<Definition> => handleOf(child).with(options);
  return {
    name,
    count,
    get all() {
      return children.map(handle);
    },
    of: (key) => {
      const child = children[partitionOf(key)];
      invariant(child !== undefined, `${name} has no partition for a key`);
      return handle(child);
    },
    partitionOf,
    with: (more) => {
      checkCallOptions(more);
      return createPartitionedHandle({ name, children } as PartitionedReference<Definition>, handleOf, {
        ...options,
        ...more,
      });
    },
  };
}
