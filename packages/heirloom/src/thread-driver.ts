/**
 * The `thread` driver of the process port: a worker_thread of this process, with a heap and an event loop of its own.
 *
 * To router and keeper it is a process like any other: the same sockets, tokens and epochs. So all guarantees hold when the thread
 * ends at any instruction, be it by an error, by its memory limit, or by `terminate`, which is its SIGKILL and works in an endless
 * loop. The bootstrap comes with the thread, and the lifeline is a stream in memory: it carries the call whose handler exceeded its time,
 * which this side watches (handler-watch.ts), and ends with the thread.
 *
 * What a thread cannot do, as it is part of this process:
 *
 *   1. Survive it, or be survived by it in every case: a crash in native code, or one allocation that is far too large, ends both.
 *   2. Get a signal: it has no pid of its own. `kill` is `terminate`, whatever the signal; it does not interrupt a native call.
 *   3. Have a working directory, or V8's options of its own; such in `execArgv` are refused (ERR_RUNTIME_OPTION). Its memory has
 *      `resourceLimits`, its environment is a copy.
 *   4. Keep what it printed by itself a moment before it was ended: Node hands that over between turns. What it logged through its
 *      context is there (thread-data.ts in @heirloom/worker).
 *   5. Be ended for a handler that takes too long while this process's event loop is blocked.
 */
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { unstartedChild } from '@heirloom/supervisor';
import type { ChildHandle, ProcessExit, ProcessPort, SpawnOptions } from '@heirloom/supervisor';
import { HandlerDeadline } from '@heirloom/wire';
import { logLineTaken, THREAD_KILLED_CODE } from '@heirloom/worker/process-url';
import type { ThreadData } from '@heirloom/worker/process-url';
import { watchHandlers } from './handler-watch.js';
import { wrongOption } from './option-check.js';

/** Starts threads of this process. */
export const threadPort: ProcessPort = {
  spawn(options) {
    try {
      return spawnThread(options);
    } catch (thrown) {
      return unstartedChild(options, reasonOf(options, thrown as Error & { readonly code?: string })); // Node throws nothing else.
    }
  },
};

function reasonOf({ title, execArgv }: SpawnOptions, error: Error & { readonly code?: string }): Error {
  if (error.code !== 'ERR_WORKER_INVALID_EXEC_ARGV') return error;
  const what = "has options that belong to a whole process: a thread's memory has resourceLimits";
  return wrongOption(`execArgv of ${title}`, execArgv, what);
}

function spawnThread(options: SpawnOptions): ChildHandle {
  const { bootstrap, execArgv, env, resourceLimits, title, module } = options;
  const deadline = new HandlerDeadline();
  const { port1, port2 } = new MessageChannel();
  const logChars = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const data: ThreadData = { bootstrap, deadline: deadline.shared, log: port2, logChars };
  const thread = new Worker(module, {
    workerData: data,
    transferList: [port2],
    execArgv: [...execArgv],
    env: { ...env },
    name: title,
    stdout: true,
    stderr: true,
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
  });
  const { threadId } = thread;
  const log = new LogReader(port1, logChars, thread.stdout);
  const stderr = new PassThrough();
  thread.stderr.pipe(stderr, { end: false });
  const lifeline = new PassThrough();
  let isKilled = false;
  const kill = (): boolean => {
    if (isKilled) return false;
    isKilled = true;
    void thread.terminate();
    return true;
  };
  const unwatch = watchHandlers(deadline.shared, (overrun) => {
    if (!isKilled) lifeline.write(`${JSON.stringify({ overrun })}\n`);
    kill();
  });
  let failure: Error | undefined;
  thread.on('error', (error: Error) => {
    failure = error;
    stderr.write(`${error.stack ?? error.message}\n`);
  });
  const exited = new Promise<ProcessExit>((resolve) => {
    thread.once('exit', (code) => {
      unwatch();
      log.end();
      lifeline.end();
      // What has died of an error has not died of a kill that came meanwhile.
      const wasKilled = failure === undefined && (isKilled || code === THREAD_KILLED_CODE);
      isKilled = true;
      const how = wasKilled ? ({ code: null, signal: 'SIGKILL' } as const) : { code, signal: null };
      resolve(failure === undefined ? how : { ...how, error: failure });
    });
  });
  const closed = exited.then(async () => {
    await ended(thread.stderr);
    stderr.end();
    await ended(log.stdout);
  });
  return {
    pid: undefined,
    threadId,
    lifeline,
    stdout: log.stdout,
    stderr,
    kill,
    spawned: Promise.resolve(),
    exited,
    closed,
  };
}

/** One stream of what a thread logs and what it prints: lines that are logged do not come in between the parts of a printed one. */
class LogReader {
  readonly stdout: PassThrough = new PassThrough();
  readonly #port: MessagePort;
  readonly #logChars: Int32Array;
  readonly #printed: Readable;
  /** What was printed without an end of line, up to PART_BYTES_MAX. */
  #part: Buffer = Buffer.alloc(0);

  constructor(port: MessagePort, logChars: Int32Array, printed: Readable) {
    this.#port = port;
    this.#logChars = logChars;
    this.#printed = printed;
    port.on('message', (line: string) => this.#logged(line));
    printed.on('data', (chunk: Buffer) => this.#print(chunk));
  }

  /** Takes what is left, once the thread has ended. */
  end(): void {
    // What was posted before the end may not have come as an event yet.
    for (let message = receiveMessageOnPort(this.#port); message !== undefined;) {
      this.#logged(message.message as string); // It posts lines only.
      message = receiveMessageOnPort(this.#port);
    }
    this.#port.close();
    void ended(this.#printed).then(() => this.stdout.end(this.#part));
  }

  #logged(line: string): void {
    logLineTaken(this.#logChars, line);
    this.stdout.write(line);
  }

  #print(chunk: Buffer): void {
    const bytes = Buffer.concat([this.#part, chunk]);
    const end = bytes.length > PART_BYTES_MAX ? bytes.length : bytes.lastIndexOf('\n') + 1;
    if (end > 0) this.stdout.write(bytes.subarray(0, end));
    this.#part = bytes.subarray(end);
  }
}

/** A longer line is passed on in pieces. */
const PART_BYTES_MAX: number = 64 * 1024;

function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.readableEnded || stream.destroyed) return resolve();
    stream.once('end', resolve);
    stream.once('close', resolve);
  });
}
