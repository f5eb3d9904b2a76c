/**
 * The output of a child process as lines of the runtime's log, each with what the runtime knows of the process.
 *
 * 1. Whatever was written is logged, also what is still on its way when the process is gone, and what its own children write
 *    later. Empty lines alone are skipped.
 * 2. Lines of one stream are in the order in which they were written. Between the two streams there is no order that
 *    could be known.
 * 3. What is read is logged in the same turn, so nothing piles up here: the pipes fill instead, and the writer waits.
 * 4. `whenRead` resolves when everything of a process that is gone was read, at the latest after READ_GRACE_MS: a grandchild that
 *    keeps the streams open must not hold up a report. From then on the streams no longer keep this process alive.
 */
import type { Readable } from 'node:stream';
import { LineSplitter } from './line-splitter.js';
import type { LineSource, OutputStream } from './log-entry.js';
import { readLine } from './log-entry.js';

/** The part of a pino logger that the runtime uses. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(bindings: Record<string, unknown>): Logger;
}

/** How many of the last lines an exit report has. */
export const LAST_LINES_MAX = 20;
/** How much of each, in characters. */
export const LAST_LINE_CHARS_MAX = 2_048;
/** How long the streams of a process that is gone may stay open before its report is made without more of them. */
export const READ_GRACE_MS = 500;

export class ProcessLog {
  #logger: Logger;
  readonly #source: LineSource;
  readonly #last: string[] = [];
  readonly #streams: readonly Readable[];
  readonly #closed: Promise<unknown>;
  readonly #splitters: Readonly<Record<OutputStream, LineSplitter>> = {
    stdout: new LineSplitter(),
    stderr: new LineSplitter(),
  };

  constructor(logger: Logger, source: LineSource, stdout: Readable, stderr: Readable) {
    this.#logger = logger;
    this.#source = source;
    this.#streams = [stdout, stderr];
    this.#closed = Promise.all([this.#read(stdout, 'stdout'), this.#read(stderr, 'stderr')]);
  }

  /** Adds to what every later line is logged with. */
  label(bindings: Record<string, unknown>): void {
    this.#logger = this.#logger.child(bindings);
  }

  /** The last lines, the oldest first. */
  get lastLines(): readonly string[] {
    return [...this.#last];
  }

  /** To be called when the process is gone. */
  async whenRead(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), READ_GRACE_MS);
    });
    const isClosed = await Promise.race([this.#closed.then(() => true), grace]);
    clearTimeout(timer);
    if (isClosed) return;
    // The process has ended its last line as much as it ever will.
    this.#finish('stdout');
    this.#finish('stderr');
    for (const stream of this.#streams) (stream as { unref?: () => void }).unref?.(); // Pipes of processes are sockets.
  }

  #read(stream: Readable, name: OutputStream): Promise<void> {
    stream.on('data', (chunk: Buffer) => {
      for (const line of this.#splitters[name].push(chunk)) this.#write(readLine(line, name, this.#source));
    });
    return new Promise((resolve) => {
      stream.once('close', () => {
        this.#finish(name);
        resolve();
      });
    });
  }

  #finish(name: OutputStream): void {
    for (const line of this.#splitters[name].end()) this.#write(readLine(line, name, this.#source));
  }

  #write({ level, fields, message }: ReturnType<typeof readLine>): void {
    this.#last.push(message.slice(0, LAST_LINE_CHARS_MAX));
    if (this.#last.length > LAST_LINES_MAX) this.#last.shift();
    this.#logger[level](fields, message);
  }
}
