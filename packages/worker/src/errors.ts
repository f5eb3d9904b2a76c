/**
 * The errors of what runs inside a worker.
 *
 * Grouped by phase: while a worker is defined and loaded, while it runs calls and asks other workers, and while it talks to the
 * other processes.
 */
import { HeirloomError } from '@heirloom/tables';

export type WorkerErrorCode =
  // Definition and loading.
  | 'ERR_WORKER_DEFINITION' // an option of defineWorker is malformed
  | 'ERR_WORKER_MODULE' // the module does not load, or its default export is not a worker's definition
  | 'ERR_WORKER_MIGRATION' // a stored row, or the worker, cannot be made one of the declared version; nothing was changed
  | 'ERR_WORKER_VERSION' // the worker is stored with a higher version, or with a lower one that it cannot migrate
  // Calls.
  | 'ERR_WORKER_CALL_UNKNOWN' // the worker has no call of this name
  | 'ERR_WORKER_RESULT' // what a handler returned cannot be given to its caller exactly
  | 'ERR_WORKER_RESULT_LIMIT' // what a handler returned is over RESULT_BYTES_MAX
  | 'ERR_WORKER_TABLE_UNKNOWN' // the worker has no table of this name
  // Timers and continuations.
  | 'ERR_WORKER_CONTINUE' // a handler cannot continue so, or cannot continue at all
  | 'ERR_WORKER_TIMER' // what a timer is started or named with is wrong
  | 'ERR_WORKER_TIMER_LIMIT' // more timers, or larger arguments of one, than there may be
  // What handlers ask of other workers.
  | 'ERR_WORKER_REFERENCE' // what is given to workerRef or remote names no worker
  | 'ERR_WORKER_OPTION' // an option of with() has a wrong value
  | 'ERR_WORKER_NO_CALL' // init, tableTransferred and timers cannot call other workers or write to their tables
  // The other processes.
  | 'ERR_WORKER_MAILBOX' // more calls arrived than the router may send
  | 'ERR_WORKER_PROTOCOL' // a message that does not belong here and now
  | 'ERR_WORKER_LOST' // the connection to the embedding process is gone
  | 'ERR_WORKER_FENCED'; // this incarnation is superseded

/** A failure inside of a worker; `code` says which. */
export class WorkerError extends HeirloomError<WorkerErrorCode> {
  override readonly name: string = 'WorkerError';
}
