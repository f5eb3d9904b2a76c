/**
 * How a worker's module names another worker, to call it or ask for its tables inside a handler.
 *
 * It is plain data with the type of the other worker's definition, so that handles are typed without loading that module. The
 * references of the embedding program (`worker` of heirloom) also say where a module is and how it is run, which is not for other
 * workers to say.
 */
import { showValue } from '@heirloom/tables';
import type { AnyWorkerDefinition } from './definition.js';
import { WorkerError } from './errors.js';

declare const definitionType: unique symbol;

/** Names another worker of the runtime; made by `workerRef`. */
export interface WorkerRef<Definition extends AnyWorkerDefinition = AnyWorkerDefinition> {
  readonly kind: 'worker_ref';
  readonly name: string;
  /** Only a type: the definition that the worker's module exports by default. */
  readonly [definitionType]?: Definition;
}

/**
 * Names a worker of the same runtime: `const audit = workerRef<typeof auditWorker>('audit')`, with
 * `import type auditWorker from './audit.worker.js'`. Where two modules name each other, the handlers that use the reference
 * must declare what they return, or each type would be inferred from the other.
 *
 * @param name the name that the program has given the worker. Whether there is one is found out where it is used.
 * @throws WorkerError ERR_WORKER_REFERENCE for what is no name.
 */
export function workerRef<Definition extends AnyWorkerDefinition>(name: string): WorkerRef<Definition> {
  if (typeof name !== 'string' || name === '') {
    const message = `A worker is named by a string, not ${showValue(name)}. Give the name that the program has given it.`;
    throw new WorkerError('ERR_WORKER_REFERENCE', message);
  }
  return Object.freeze({ kind: 'worker_ref', name });
}

/** The name of the worker that a reference is of. Throws ERR_WORKER_REFERENCE for what is no reference, or of none of `workers`. */
export function referredWorker(reference: unknown, workers: ReadonlySet<string>): string {
  const { kind, name } = (reference ?? {}) as Partial<WorkerRef>; // Anything but undefined and null may be asked for its fields.
  if (kind !== 'worker_ref' || typeof name !== 'string') {
    const message = `remote(…) takes what workerRef('name') gives, not ${showValue(reference)}.`;
    throw new WorkerError('ERR_WORKER_REFERENCE', message);
  }
  if (workers.has(name)) return name;
  const message = `There is no worker ${showValue(name)} in this runtime. It has: ${[...workers].join(', ')}.`;
  throw new WorkerError('ERR_WORKER_REFERENCE', message, { worker: name });
}
