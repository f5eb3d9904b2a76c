/** What the supervisor of a worker is told that was ended by a link. */
import { WorkerReferenceError } from './errors.js';
import type { EndedLife } from './lives.js';

export function linkError(worker: string, { worker: linked, epoch, reason, error }: EndedLife): WorkerReferenceError {
  const why = error === undefined ? reason : `${reason}: ${error.message}`;
  const message = `Worker ${worker} was ended, as worker ${linked}, to which it was linked, has ended (${why}).`;
  const options = error === undefined ? undefined : { cause: error };
  return new WorkerReferenceError('ERR_WORKER_LINKED', message, { worker, linked, epoch, reason }, options);
}
