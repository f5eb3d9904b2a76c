/**
 * The log of a worker: one line of JSON each, on its process's standard output or what stands for that, written before the call
 * returns (output-write.ts).
 *
 *   {"level":"info","time":1700000000000,"msg":"…", fields…}
 *
 * Nothing is thrown, whatever is logged. A line is never longer than LOG_LINE_BYTES_MAX: long messages are cut, and fields that do
 * not fit are named in `fieldsLost`.
 */
import type { WorkerLog } from './handler-context.js';
import { cutString, loggable } from './log-value.js';
import { writeWhole } from './output-write.js';
import type { OutputWrite } from './output-write.js';

/** The longest message, in characters. */
export const LOG_MESSAGE_CHARS_MAX = 65_536;
/** The longest line, in bytes: what the embedding process takes as one. A message of six bytes a character fits. */
export const LOG_LINE_BYTES_MAX = 524_288;

type Fields = Readonly<Record<string, unknown>>;

/** Makes a log that writes to a file descriptor, or to what \`write\` has for it. */
export function logTo(descriptor: number, write: OutputWrite = writeWhole): WorkerLog {
  const writer =
    (level: string) =>
    (message: string, fields?: Fields): void => {
      write(descriptor, Buffer.from(formatLine(level, message, fields)));
    };
  return Object.freeze({ debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') });
}

/** One line of the log, with its end. */
export function formatLine(level: string, message: unknown, fields?: Fields): string {
  const head = { level, time: Date.now(), msg: cutString(wordsOf(message), LOG_MESSAGE_CHARS_MAX) };
  const plain = fields === undefined ? {} : loggable(fields);
  // What a line is known by comes last, so that no field can replace it.
  const body = typeof plain === 'object' ? { ...head, ...plain, ...head } : { ...head, fields: plain };
  const line = `${JSON.stringify(body)}\n`;
  if (line.length * 3 <= LOG_LINE_BYTES_MAX || Buffer.byteLength(line) <= LOG_LINE_BYTES_MAX) return line;
  const names = Object.keys(plain as object).slice(0, 20); // Only fields make it so long.
  return `${JSON.stringify({ ...head, fieldsLost: names.map((name) => cutString(name, 64)) })}\n`;
}

function wordsOf(message: unknown): string {
  try {
    return String(message);
  } catch {
    return '[a message that is no string]';
  }
}
