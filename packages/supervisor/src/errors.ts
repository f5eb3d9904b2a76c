import { HeirloomError } from '@heirloom/tables';

/** What went wrong, by phase: checking a spec, starting, running, stopping, and the process port. */
export type SupervisorErrorCode =
  // A spec or an option was refused before anything started.
  | 'ERR_SUPERVISOR_SPEC'
  // The tree did not come up; what had been started was stopped again. The cause is the failed child's error.
  | 'ERR_SUPERVISOR_START'
  // A child did not become ready: it exited first, or it reported a failure.
  | 'ERR_SUPERVISOR_CHILD_START'
  // A child was not ready within its start timeout.
  | 'ERR_SUPERVISOR_START_TIMEOUT'
  // A supervisor gave up, because its children needed more restarts than its intensity allows.
  | 'ERR_SUPERVISOR_INTENSITY'
  // The tree was stopped or killed while it was starting, or was to be started again after it had ended.
  | 'ERR_SUPERVISOR_STOPPED'
  // The supervision tree broke one of its own rules, or its driver or listener threw.
  | 'ERR_SUPERVISOR_BUG'
  // The operating system did not start a process.
  | 'ERR_PROCESS_SPAWN';

/** The one error class of this package; `code` says which failure it is and `details` names the values. */
export class SupervisorError extends HeirloomError<SupervisorErrorCode> {
  override readonly name: string = 'SupervisorError';
}

/** Gives back an Error for whatever was thrown, so that it can be a cause and has a message. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
