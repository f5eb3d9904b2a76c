/** Whether a handler gave back something to wait for. */

/** Throws what an accessor for `then` throws: that is an error of the handler, too. */
export function isThenable(value: unknown): boolean {
  // A row or another plain value has no `then`; asking runs no code of its own unless it is made to.
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
