/**
 * A worker in several partitions: so many workers of one definition, each with the rows of the keys that belong to it.
 *
 * In the tree it is a supervisor of its own, one_for_one, whose id is the name and whose children are the partitions, number 0
 * first. Which partition a key belongs to, and what partitions are named, is in @heirloom/worker (partition.ts).
 */
import { PARTITIONS_MAX } from '@heirloom/worker/process-url';
import type { AnyWorkerDefinition } from '@heirloom/worker';
import type { ArgsOption } from './worker-args.js';
import { wholeNumber, wrongOption } from './option-check.js';
import type { SupervisorOptions, SupervisorReference, WorkerOptions, WorkerReference } from './reference.js';
import { partitionReference, registerReference, supervisor } from './reference.js';

/** How the partitions of a worker are run: the options of each, how many there are, and how they are supervised. */
export interface PartitionedOptions extends WorkerOptions {
  /** How many, from 1 to 1,024. Another number is another place for each key: see `partitioned`. */
  readonly partitions: number;
  /** Of the supervisor of the partitions, such as its `intensity`. */
  readonly supervisor?: Omit<SupervisorOptions, 'strategy' | 'id'>;
}

declare const definitionType: unique symbol;

/** Names the partitions of a worker: their place as a child, and the key for `runtime.partitioned` and `runtime.supervisor`. */
export interface PartitionedReference<
  Definition extends AnyWorkerDefinition = AnyWorkerDefinition,
> extends SupervisorReference {
  readonly name: string;
  /** The partitions, number 0 first. */
  readonly children: readonly WorkerReference<Definition>[];
  /** Only a type: the definition that the module exports by default. */
  readonly [definitionType]?: Definition;
}

/**
 * Names the partitions of a worker: `partitioned<typeof sessionWorker>('sessions', new URL(…), { partitions: 8 })`.
 *
 * They are the workers `sessions:0of8` to `sessions:7of8`, and their tables in the store belong to these names. A start with
 * another number would not find the rows of most keys, so it is refused with ERR_WORKER_PARTITIONS while there are any.
 *
 * @throws RuntimeError ERR_RUNTIME_OPTION.
 */
export function partitioned<Definition extends AnyWorkerDefinition>(
  name: string,
  module: URL,
  options: PartitionedOptions & ArgsOption<Definition>,
): PartitionedReference<Definition> {
  if (typeof options !== 'object' || (options as unknown) === null) {
    throw wrongOption(`options of ${name}`, options, 'must be an object, as { partitions: 8 }');
  }
  // Without the type of the arguments, which the caller has kept to.
  const given: PartitionedOptions & WorkerReference['options'] = options;
  const { partitions, supervisor: supervision = {}, ...workerOptions } = given;
  const count = wholeNumber(`partitions of worker ${name}`, partitions, Number.NaN, 1, PARTITIONS_MAX);
  if (Number.isNaN(count)) throw wrongOption(`partitions of worker ${name}`, partitions, 'must be given, as 8');
  const children = Array.from({ length: count }, (_, number) =>
    partitionReference<Definition>({ of: name, number, count }, module, workerOptions),
  );
  const tree = supervisor({ ...supervision, strategy: 'one_for_one', id: name }, children);
  return registerReference({ ...tree, name, children: Object.freeze(children) });
}
