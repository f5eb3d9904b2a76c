/**
 * How a call ends that is not answered: the error of the embedding process's handles, and of those that a handler has. It is
 * here because both have it.
 */
import { HeirloomError } from '@heirloom/tables';

/** How a call that was not answered ended. `none`: it changed nothing. `unknown`: it may have changed something. */
export type CallOutcome = 'none' | 'unknown';

/** One call, or one thing that a handler asks of another worker. */
export type CallErrorCode =
  /** The handler threw; the cause is its error. Nothing was changed, but what it called or wrote in other workers: then the outcome is unknown. */
  | 'ERR_CALL_THREW'
  /** The worker has no such call. */
  | 'ERR_CALL_UNKNOWN'
  /** An argument is not a value that can be sent. */
  | 'ERR_CALL_ARGUMENTS'
  /** The time ran out. */
  | 'ERR_CALL_TIMEOUT'
  /** The caller's signal was aborted. */
  | 'ERR_CALL_ABORTED'
  /** Too many calls wait for the worker, or too many casts of the sender were not run yet. */
  | 'ERR_CALL_OVERLOADED'
  /** The worker died whenever it ran this call, which is a dead letter now. */
  | 'ERR_CALL_POISONED'
  /** The worker died; the call left no trace and must not be run again. */
  | 'ERR_CALL_NOT_RETRIED'
  /** The worker or the runtime ended before the call was answered. */
  | 'ERR_CALL_STOPPED'
  /** A handler asks a worker that waits for this one, or its own; details.workers names them in order. */
  | 'ERR_CALL_CYCLE'
  /** A handler that was run again asks for something else than the first time. */
  | 'ERR_CALL_DIVERGED'
  /** There is no such dead letter. */
  | 'ERR_CALL_LETTER_UNKNOWN'
  /** The dead letter is being run or deleted already. */
  | 'ERR_CALL_LETTER_BUSY'
  /** A handler has asked for more than can be kept for when it is run again. */
  | 'ERR_CALL_KEPT_LIMIT'
  /** The idempotency key was given to another call before, or to this one with other arguments. */
  | 'ERR_CALL_KEY_REUSED'
  /** No more outcomes can be kept under idempotency keys, so the call was not made. */
  | 'ERR_CALL_KEY_LIMIT';

export class CallError extends HeirloomError<CallErrorCode> {
  override readonly name: string = 'CallError';
  /** Whether the call may have changed something. */
  readonly outcome: CallOutcome;

  constructor(
    code: CallErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> & { readonly outcome?: CallOutcome } = {},
    options?: { cause?: unknown },
  ) {
    super(code, message, details, options);
    // Details that are too large do not travel.
    this.outcome = details.outcome ?? 'unknown';
  }
}
