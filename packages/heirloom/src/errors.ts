/**
 * The errors that a program which embeds Heirloom meets, by the phase in which they occur. Every one has a stable `code`.
 *
 * CallError is in @heirloom/worker, as handlers meet it too. Errors of the parts come through as they are: StoreError
 * (ERR_STORE_…) and KeeperError from the keeper, TableError (ERR_TABLE_…), TabfileError (ERR_TABFILE_…), WorkerError
 * (ERR_WORKER_…) from inside a worker, SupervisorError (ERR_SUPERVISOR_…).
 */
import { KeeperError, StoreError } from '@heirloom/keeper/process-url';
import { SupervisorError } from '@heirloom/supervisor';
import { TabfileError } from '@heirloom/tabfile';
import { HeirloomError, TableError } from '@heirloom/tables';
import { registerErrorClass } from '@heirloom/wire';
import { CallError, WorkerError } from '@heirloom/worker';

export { CallError } from '@heirloom/worker';
export type { CallErrorCode, CallOutcome } from '@heirloom/worker';

/** Starting, running and closing a runtime. */
export type RuntimeErrorCode =
  /** An option has a wrong value. */
  | 'ERR_RUNTIME_OPTION'
  /** This platform is not supported. */
  | 'ERR_RUNTIME_PLATFORM'
  /** The working directory or the directory for temporary files cannot be used; the cause says why. */
  | 'ERR_RUNTIME_START'
  /** The runtime is closing or closed. */
  | 'ERR_RUNTIME_CLOSED'
  /** The supervision tree gave up; the cause says why. Nothing acknowledged is lost: start again on the same directory. */
  | 'ERR_RUNTIME_FAILED'
  /** A child that was kept from an earlier run cannot be started again, or no more can be kept. */
  | 'ERR_RUNTIME_KEPT'
  /** startRuntime was called inside a worker. */
  | 'ERR_RUNTIME_NESTED';

export class RuntimeError extends HeirloomError<RuntimeErrorCode> {
  override readonly name: string = 'RuntimeError';
}

/** Finding, starting and naming workers. */
export type WorkerReferenceErrorCode =
  /** The reference is not part of this runtime's tree. */
  | 'ERR_WORKER_UNKNOWN'
  /** Two workers of one tree have the same name. */
  | 'ERR_WORKER_DUPLICATE'
  /** The worker's module does not exist. */
  | 'ERR_WORKER_NOT_FOUND'
  /** The worker is written in TypeScript and nothing here can load it. */
  | 'ERR_WORKER_TYPESCRIPT'
  /** The worker's `init` threw; the cause is its error. */
  | 'ERR_WORKER_INIT'
  /** The worker is stored with a higher version than it declares, or with a lower one that it does not migrate. */
  | 'ERR_WORKER_VERSION'
  /** What is stored cannot be made of the declared version; the cause is the worker's error, and nothing was changed by it. */
  | 'ERR_WORKER_MIGRATION'
  /** The worker's process ended before it was ready. */
  | 'ERR_WORKER_START';

export class WorkerReferenceError extends HeirloomError<WorkerReferenceErrorCode> {
  override readonly name: string = 'WorkerReferenceError';
}

/** What really went wrong, below the supervisors that report it. */
export function rootCause(error: unknown): Error {
  let found = error;
  while (found instanceof SupervisorError && found.cause instanceof Error) found = found.cause;
  return found as Error; // Everything that is thrown here is an Error.
}

// Errors that come from another process are of the class that they had there.
registerErrorClass('ERR_CALL_', CallError);
registerErrorClass('ERR_TABLE_', TableError);
registerErrorClass('ERR_TABFILE_', TabfileError);
registerErrorClass('ERR_WORKER_', WorkerError);
registerErrorClass('ERR_STORE_', StoreError);
registerErrorClass('ERR_KEEPER_', KeeperError);
