/** What the runtime makes of the end of a connection to one of its processes. */
import type { CloseReason } from '@heirloom/wire';

/** Whether a connection is over for a reason other than the end of its peer: a process that is killed may leave a reset. */
export function isViolation({ kind, error }: CloseReason): boolean {
  return kind !== 'ended' && kind !== 'closed' && error?.code !== 'ERR_WIRE_SOCKET';
}

/** Words for the log about why a connection is over. */
export function closeWords({ kind, error, partialBytes }: CloseReason): Record<string, unknown> {
  return { reason: kind, partialBytes, ...(error === undefined ? {} : { code: error.code, problem: error.message }) };
}
