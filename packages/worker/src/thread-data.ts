/**
 * What the embedding process gives to a thread that a worker runs in, and how the thread's log gets out of it.
 *
 * Lines of the log are posted at once, so that those of a thread that is ended in an endless loop are there. At most LOG_ROOM_CHARS
 * wait for the embedding process to take them (G9): a line that has no room waits LOG_TRIES_MAX milliseconds, and is then given up and
 * counted (log-line.ts).
 */
import type { MessagePort } from 'node:worker_threads';
import { LOG_TRIES_MAX } from './log-line.js';

/** As a shell says of a process that SIGKILL ended: 128 + 9. */
export const THREAD_KILLED_CODE = 137;
/** Some lines of the longest kind, or some thousand usual ones. */
export const LOG_ROOM_CHARS: number = 512 * 1024;

export interface ThreadData {
  /** Framed, as it is for a process. */
  readonly bootstrap: Uint8Array;
  /** The memory of a HandlerDeadline. */
  readonly deadline: Float64Array;
  /** Takes lines as strings. */
  readonly log: MessagePort;
  /** [0]: how many characters were posted and not taken. */
  readonly logChars: Int32Array;
}

/** The writer of a thread's log: false for a line that was given up. */
export function logPortWriter({ log, logChars }: Pick<ThreadData, 'log' | 'logChars'>): (line: string) => boolean {
  return (line) => {
    for (let tries = 0; ; tries++) {
      const waiting = Atomics.load(logChars, 0);
      if (waiting + line.length <= LOG_ROOM_CHARS) break;
      if (tries === LOG_TRIES_MAX) return false;
      Atomics.wait(logChars, 0, waiting, 1);
    }
    Atomics.add(logChars, 0, line.length);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread, not a window
    log.postMessage(line);
    return true;
  };
}

/** Takes note, in the embedding process, that a line was taken. */
export function logLineTaken(logChars: Int32Array, line: string): void {
  Atomics.sub(logChars, 0, line.length);
  Atomics.notify(logChars, 0);
}
