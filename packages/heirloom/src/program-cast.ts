/**
 * A cast of the program: stored by the keeper before it resolves, and run once.
 *
 * An error says what became of it: `outcome: 'none'` when it was refused or never left, `'unknown'` when it left and nobody waited
 * for the keeper's word. Over the death of a keeper the next one is asked, and stores it once.
 */
import { KeeperError } from '@heirloom/keeper/process-url';
import type { AnyWorkerDefinition, CallsOf } from '@heirloom/worker';
import { checkCastName, encodeCastArguments, onAbort } from '@heirloom/worker/process-url';
import type { CallErrorCode } from './errors.js';
import { CallError } from './errors.js';
import type { Submitted } from './keeper-link.js';
import type { CallOptions } from './pending-call.js';
import { CALL_TIMEOUT_DEFAULT_MS } from './pending-call.js';
import type { Router } from './router.js';

/** The calls of a worker as casts of the program: each resolves when it is stored. */
export type ProgramCastsOf<Definition extends AnyWorkerDefinition> = {
  readonly [Name in keyof CallsOf<Definition>]: (...args: Parameters<CallsOf<Definition>[Name]>) => Promise<void>;
};

/** Casts. Rejects with CallError, or RuntimeError when the runtime is over. */
export async function castFromProgram(
  router: Router,
  worker: string,
  name: string,
  castArguments: readonly unknown[],
  { timeoutMs = CALL_TIMEOUT_DEFAULT_MS, signal }: CallOptions,
): Promise<void> {
  router.calls.checkOpen();
  checkCastName(worker, name);
  const bytes = encodeCastArguments(worker, name, castArguments);
  const failed = (code: CallErrorCode, what: string, isSent: boolean, cause?: unknown): CallError => {
    const became = isSent ? 'Whether it was stored is not known.' : 'It was not stored.';
    const details = { worker, call: name, outcome: isSent ? 'unknown' : 'none' } as const;
    const options = cause === undefined ? undefined : { cause };
    return new CallError(code, `The cast ${worker}.${name} ${what}. ${became}`, details, options);
  };
  if (signal?.aborted === true) throw failed('ERR_CALL_ABORTED', 'was aborted before it left', false, signal.reason);
  const submitted = router.link.submit({ kind: 'cast', to: worker, name, arguments: bytes });
  try {
    await withinTime(submitted, timeoutMs, signal, (code, what, cause) => failed(code, what, submitted.isSent, cause));
  } catch (error) {
    if (error instanceof CallError) throw error;
    const isRefused = error instanceof KeeperError && error.code === 'ERR_KEEPER_OUTBOX';
    if (isRefused) throw failed('ERR_CALL_OVERLOADED', `was refused: ${error.message}`, false, error);
    throw failed('ERR_CALL_STOPPED', 'was open when its runtime ended', submitted.isSent, error);
  }
}

/** Waits for the keeper's word. */
function withinTime(
  submitted: Submitted,
  timeoutMs: number | 'infinity',
  signal: AbortSignal | undefined,
  failed: (code: CallErrorCode, what: string, cause?: unknown) => CallError,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const giveUp = (error: CallError): void => {
      submitted.giveUp();
      finish();
      reject(error);
    };
    const onTime = (): void => giveUp(failed('ERR_CALL_TIMEOUT', `was not stored within ${timeoutMs} ms`));
    const timer = timeoutMs === 'infinity' ? undefined : setTimeout(onTime, timeoutMs);
    const stopWaiting = onAbort(signal, () => giveUp(failed('ERR_CALL_ABORTED', 'was aborted', signal?.reason)));
    const finish = (): void => {
      clearTimeout(timer);
      stopWaiting();
    };
    submitted.answer.then(resolve, reject).finally(finish);
  });
}
