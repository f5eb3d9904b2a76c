/**
 * The log of a worker: one line of JSON each, on its process's standard output, written before the call returns. A worker without a
 * process of its own writes the same lines elsewhere.
 *
 *   {"level":"info","time":1700000000000,"msg":"…", fields…}
 *
 * A line waits for a full pipe only LOG_TRIES_MAX milliseconds, as a reader that is stuck must not stop the worker. Lines that
 * are given up are counted, and the next line that is written says how many (`linesLost`). Nothing is thrown.
 */
import { writeSync } from 'node:fs';
import type { WorkerLog } from './handler-context.js';

/** How often a full pipe is tried again, with a millisecond between. */
export const LOG_TRIES_MAX = 100;
/** The longest line, in characters; a longer one is cut to its message. */
export const LOG_LINE_CHARS_MAX = 65_536;

type Fields = Readonly<Record<string, unknown>>;

/** Makes a log that writes to a file descriptor. */
export function logTo(descriptor: number): WorkerLog {
  return logThrough((line) => writeAll(descriptor, Buffer.from(line)));
}

/** Makes a log whose lines, each with its end, go to `write`, which says whether it took them. */
export function logThrough(write: (line: string) => boolean): WorkerLog {
  let linesLost = 0;
  const writer =
    (level: string) =>
    (message: string, fields?: Fields): void => {
      const line = formatLine(level, message, linesLost > 0 ? { ...fields, linesLost } : fields);
      if (write(line)) linesLost = 0;
      else linesLost++;
    };
  return Object.freeze({ debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') });
}

/** One line of the log, with its end. */
export function formatLine(level: string, message: unknown, fields?: Fields): string {
  const head = { level, time: Date.now(), msg: String(message).slice(0, LOG_LINE_CHARS_MAX) };
  let line: string;
  try {
    // What a line is known by comes last, so that no field can replace it.
    line = JSON.stringify({ ...head, ...fields, ...head }, plain);
  } catch (error) {
    line = JSON.stringify({ ...head, fieldsLost: String(error) });
  }
  if (line.length > LOG_LINE_CHARS_MAX)
    line = JSON.stringify({ ...head, fieldsLost: `the line has ${line.length} characters` });
  return `${line}\n`;
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  const { code } = value as { code?: unknown }; // Errors of Node and of Heirloom have one.
  return { name, message, code, stack, cause };
}

function writeAll(descriptor: number, bytes: Uint8Array): boolean {
  let rest = bytes;
  for (let tries = 0; rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || ++tries > LOG_TRIES_MAX) return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
  return true;
}
