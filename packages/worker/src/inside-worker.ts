/**
 * Whether this process is a worker's: no runtime may be started inside of one.
 * The mark is on the global object, so that it also holds if the package is there twice.
 */
const MARK = Symbol.for('heirloom.insideWorkerProcess');

export function markWorkerProcess(): void {
  Object.defineProperty(globalThis, MARK, { value: true });
}

/** Whether the calling code runs inside of a worker's process. */
export function isInsideWorkerProcess(): boolean {
  return MARK in globalThis;
}
