/**
 * How a worker is told that its life ends, as gen_server's terminate.
 *
 * 1. It runs when everything before it is done and released, as a batch of its own, and its process exits when that is released.
 * 2. It is told of an orderly stop, and of a handler that threw if the worker crashes then. What ends by a signal, by an uncaught error or
 *    in its `init` is not told.
 * 3. It is bounded: in an orderly stop by its supervisor's shutdown time, always by the time of a handler, and in a crash, where
 *    nobody waits with a clock, by TERMINATE_TIMEOUT_MS if handlers have no limit. What takes longer is killed.
 */
import { showValue } from '@heirloom/tables';

/** How long `terminate` may take in a crash if handlers may take for ever: OTP's default shutdown time. */
export const TERMINATE_TIMEOUT_MS = 5_000;

/** Why a life ends: its supervisor wants it, or a handler threw this. */
export type TerminateReason = 'shutdown' | Error;

/** The reason as `terminate` gets it; what was thrown and is no error comes as the cause of one. */
export function terminateReason(death: { readonly error: unknown } | undefined): TerminateReason {
  if (death === undefined) return 'shutdown';
  const { error } = death;
  return error instanceof Error ? error : new Error(`A handler threw ${showValue(error)}.`, { cause: error });
}

/** How long it may take, 0 for as long as the supervisor waits. */
export function terminateTimeoutMs(
  { handlerTimeoutMs }: { readonly handlerTimeoutMs: number },
  isCrash: boolean,
): number {
  return handlerTimeoutMs === 0 && isCrash ? TERMINATE_TIMEOUT_MS : handlerTimeoutMs;
}
