/**
 * What the embedding process gives to a thread that a worker runs in, and how what it logs and prints gets out of it.
 *
 * 1. What is written is posted before the write returns, so that it is read although the thread is ended in the next instruction.
 * 2. At most OUTPUT_ROOM_BYTES, or one larger write, wait for the embedding process to take them (G9): a worker that writes faster than
 *    that turns its event loop is slowed down, as by a full pipe.
 */
import type { MessagePort } from 'node:worker_threads';
import type { OutputWrite } from './output-write.js';

/** As a shell says of a process that SIGKILL ended: 128 + 9. */
export const THREAD_KILLED_CODE = 137;
/** Some thousand usual lines, and twice the longest. */
export const OUTPUT_ROOM_BYTES: number = 1024 * 1024;

export interface ThreadData {
  /** Framed, as it is for a process. */
  readonly bootstrap: Uint8Array;
  /** The memory of a HandlerDeadline. */
  readonly deadline: Float64Array;
  /** Takes what is written, as ThreadOutput. */
  readonly output: MessagePort;
  /** [0]: how many bytes were posted and not taken. */
  readonly outputBytes: Int32Array;
}

/** A descriptor, and what is written to it. */
export type ThreadOutput = readonly [descriptor: number, bytes: Uint8Array];

/** Writes the output of a thread. */
export function threadOutput({ output, outputBytes }: Pick<ThreadData, 'output' | 'outputBytes'>): OutputWrite {
  return (descriptor, bytes) => {
    for (;;) {
      const waiting = Atomics.load(outputBytes, 0);
      if (waiting === 0 || waiting + bytes.length <= OUTPUT_ROOM_BYTES) break;
      Atomics.wait(outputBytes, 0, waiting);
    }
    Atomics.add(outputBytes, 0, bytes.length);
    const message: ThreadOutput = [descriptor, bytes];
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread, not a window
    output.postMessage(message);
  };
}

/** Takes note, in the embedding process, that output was taken. */
export function outputTaken(outputBytes: Int32Array, [, bytes]: ThreadOutput): void {
  Atomics.sub(outputBytes, 0, bytes.length);
  Atomics.notify(outputBytes, 0);
}
