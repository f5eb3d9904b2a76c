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
  // The whole tree gave up, because its children needed more restarts than its limit allows; the details count them.
  | 'ERR_SUPERVISOR_RESTART_LIMIT'
  // A supervisor shut itself down, because a significant supervisor below it gave up. The cause is that one's error.
  | 'ERR_SUPERVISOR_SIGNIFICANT'
  // The tree was stopped or killed while it was starting, or was to be started again after it had ended; or a supervisor
  // was asked for something while it stopped, or when it had ended.
  | 'ERR_SUPERVISOR_STOPPED'
  // A supervisor was asked for something that it does not do as things stand: supervisor-handle.ts lists them.
  | 'ERR_SUPERVISOR_ALREADY_STARTED'
  | 'ERR_SUPERVISOR_ALREADY_PRESENT'
  | 'ERR_SUPERVISOR_NOT_FOUND'
  | 'ERR_SUPERVISOR_RUNNING'
  | 'ERR_SUPERVISOR_RESTARTING'
  | 'ERR_SUPERVISOR_SIMPLE_ONE_FOR_ONE'
  | 'ERR_SUPERVISOR_MAX_CHILDREN'
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
