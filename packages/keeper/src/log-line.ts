/** Log lines of a process, as newline-delimited JSON on its standard output, written before the call returns. */
import { writeSync } from 'node:fs';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Writes one line: its level, what happened, and fields that say to what. */
export type LogLine = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Tries on a full pipe before a line is given up: about 50 ms, as a log must not hold up commits for long. */
export const LOG_TRIES_MAX = 50;

/** Makes a writer of log lines to a file descriptor. A line is lost when nobody reads the pipe; nothing is thrown. */
export function logLinesTo(descriptor: number): LogLine {
  return (level, message, fields) => {
    writeAll(descriptor, Buffer.from(`${JSON.stringify({ level, time: Date.now(), msg: message, ...fields })}\n`));
  };
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  let rest = bytes;
  for (let tries = 0; rest.length > 0 && tries < LOG_TRIES_MAX; tries++) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return; // The reader is gone.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
