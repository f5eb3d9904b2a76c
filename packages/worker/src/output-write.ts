/**
 * Writing to the standard output and error of a worker's process: at once, whole, and in order.
 *
 * 1. When a write returns, the kernel has all of it, so it is read although the process is killed in the next instruction.
 * 2. A full pipe is waited for: the embedding process reads whenever it turns its event loop, and a worker that logs faster than that
 *    is slowed down. Nothing is given up, and nothing is kept in this process's memory.
 * 3. A pipe that nobody reads any more ends the write in silence: the embedding process is gone, and this one is about to be (G10).
 *
 * Node's own streams would keep what does not fit into the pipe (some 200 KiB) in memory: it would be lost with the process, and
 * the lines of the log would be written into the middle of it. So `captureOutput` has them write here; `console`, user code and
 * threads of the worker all go through these streams. What is written by native code goes to the same descriptors, which are blocking
 * for it. A child of the worker that shares them may make them non-blocking, whereupon a write here is tried again.
 */
import { writeSync } from 'node:fs';

/** How long a full pipe that does not block is left alone before it is tried again: the precision of a sleep. */
const RETRY_MS = 1;

/** Takes what is written to descriptor 1 or 2. */
export type OutputWrite = (descriptor: number, bytes: Uint8Array) => unknown;

/** Writes all of it; gives back false when nobody reads. */
export function writeWhole(descriptor: number, bytes: Uint8Array): boolean {
  for (let rest = bytes; rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EINTR') continue;
      if (code !== 'EAGAIN') return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
  return true;
}

/** What is replaced of a stream of Node's. */
interface OutputStream {
  _write: (chunk: Uint8Array | string, encoding: BufferEncoding, done: (error?: Error | null) => void) => void;
  _writev: unknown;
  readonly _handle?: { readonly setBlocking?: (isBlocking: boolean) => void } | null;
}

/** Makes `process.stdout` and `process.stderr` write whole and at once. */
export function captureOutput(write: OutputWrite = writeWhole): void {
  capture(process.stdout, 1, write);
  capture(process.stderr, 2, write);
}

function capture(standard: NodeJS.WriteStream, descriptor: number, write: OutputWrite): void {
  const stream = standard as unknown as OutputStream; // Every writable has these; the types of tty say less.
  // The streams have made the descriptors non-blocking.
  stream._handle?.setBlocking?.(true);
  stream._writev = null;
  stream._write = (chunk, encoding, done) => {
    write(descriptor, typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    done();
  };
}
