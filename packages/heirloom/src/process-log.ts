/**
 * Turns what a child process prints into lines of the runtime's log.
 *
 * Lines of stdout that are JSON objects with a `level` and a `msg` are what the process logged through its context, and keep
 * their level and fields. Everything else is logged as it is: stdout at info, stderr at warn. Nothing is dropped; a line over
 * LINE_CHARS_MAX is logged in pieces. The last lines are kept for the report of a crash.
 */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** The part of a pino logger that the runtime uses. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(bindings: Record<string, unknown>): Logger;
}

type Level = 'debug' | 'info' | 'warn' | 'error';

/** A longer line is logged in pieces, so that a process that prints without line ends fills no memory. */
export const LINE_CHARS_MAX = 65_536;
/** How many of the last lines a crash report has. */
export const LAST_LINES_MAX = 20;

export class ProcessLog {
  #logger: Logger;
  readonly #last: string[] = [];

  constructor(logger: Logger, stdout: Readable, stderr: Readable) {
    this.#logger = logger;
    this.#read(stdout, (line) => this.#stdoutLine(line));
    this.#read(stderr, (line) => this.#write('warn', { stream: 'stderr' }, line));
  }

  /** Adds to what every later line is logged with. */
  label(bindings: Record<string, unknown>): void {
    this.#logger = this.#logger.child(bindings);
  }

  /** The last lines, the oldest first. */
  get lastLines(): readonly string[] {
    return [...this.#last];
  }

  #read(stream: Readable, onLine: (line: string) => void): void {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    const take = (text: string): void => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') onLine(line);
      while (rest.length > LINE_CHARS_MAX) {
        onLine(rest.slice(0, LINE_CHARS_MAX));
        rest = rest.slice(LINE_CHARS_MAX);
      }
    };
    stream.on('data', (chunk: Buffer) => take(decoder.write(chunk)));
    stream.on('close', () => {
      rest += decoder.end();
      if (rest !== '') onLine(rest);
      rest = '';
    });
  }

  #stdoutLine(line: string): void {
    const entry = parsed(line);
    if (entry === undefined) this.#write('info', { stream: 'stdout' }, line);
    else this.#write(entry.level, entry.fields, entry.message);
  }

  #write(level: Level, fields: Record<string, unknown>, message: string): void {
    this.#last.push(message);
    if (this.#last.length > LAST_LINES_MAX) this.#last.shift();
    this.#logger[level](fields, message);
  }
}

function parsed(line: string): { level: Level; fields: Record<string, unknown>; message: string } | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { level, msg, time: _time, ...fields } = JSON.parse(line) as Record<string, unknown>; // An object, as it starts with a brace.
    if (typeof msg !== 'string' || !isLevel(level)) return undefined;
    return { level, fields, message: msg };
  } catch {
    return undefined;
  }
}

function isLevel(level: unknown): level is Level {
  return level === 'debug' || level === 'info' || level === 'warn' || level === 'error';
}
