/**
 * How a worker's module names the partitions of a worker: by a key, which says the one that it belongs to.
 *
 * How many there are is the program's to say, and is found in the names of its workers where the reference is used.
 */
import { showValue } from '@heirloom/tables';
import type { TableKey } from '@heirloom/tables';
import type { AnyWorkerDefinition } from './definition.js';
import { WorkerError } from './errors.js';
import { partitionHash, partitionIn, partitionName } from './partition.js';
import type { WorkerRef } from './worker-ref.js';

/** Names the partitions of a worker; made by `partitionedRef`. */
export interface PartitionedRef<Definition extends AnyWorkerDefinition = AnyWorkerDefinition> {
  readonly kind: 'partitioned_ref';
  readonly name: string;
  /** The partition that a key belongs to. Throws TableError ERR_TABLE_VALUE or ERR_TABLE_LIMIT for what is no key. */
  of(key: TableKey): WorkerRef<Definition>;
}

/**
 * Names the partitions that the program has made by `partitioned`: `const sessions = partitionedRef<typeof sessionWorker>('sessions')`,
 * and in a handler `remote(sessions.of(id)).tables`.
 *
 * @throws WorkerError ERR_WORKER_REFERENCE for what is no name.
 */
export function partitionedRef<Definition extends AnyWorkerDefinition>(name: string): PartitionedRef<Definition> {
  if (typeof name !== 'string' || name === '') {
    const message = `Partitions are named by a string, not ${showValue(name)}. Give the name that the program has given them.`;
    throw new WorkerError('ERR_WORKER_REFERENCE', message);
  }
  return Object.freeze({
    kind: 'partitioned_ref' as const,
    name,
    of: (key: TableKey): WorkerRef<Definition> =>
      Object.freeze({ kind: 'worker_ref', name, partitionHash: partitionHash(key) }),
  });
}

/** The worker that is the partition of a hash; undefined when none of `workers` is a partition of this name. */
export function partitionAmong(workers: ReadonlySet<string>, name: string, hash: number): string | undefined {
  // Partition 0 says how many there are.
  for (const worker of workers) {
    const partition = worker.startsWith(`${name}:0of`) ? partitionIn(worker) : undefined;
    if (partition !== undefined) return partitionName({ ...partition, number: hash % partition.count });
  }
  return undefined;
}
