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
 *   4. Be ended for a handler that takes too long while this process's event loop is blocked.
 */
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { unstartedChild } from '@heirloom/supervisor';
import type { ChildHandle, ProcessExit, ProcessPort, SpawnOptions } from '@heirloom/supervisor';
import { HandlerDeadline } from '@heirloom/wire';
import { outputTaken, THREAD_KILLED_CODE } from '@heirloom/worker/process-url';
import type { ThreadData, ThreadOutput } from '@heirloom/worker/process-url';
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
  const { bootstrap } = options;
  const deadline = new HandlerDeadline();
  const output = new OutputReader();
  const { port, outputBytes } = output;
  const data: ThreadData = { bootstrap, deadline: deadline.shared, output: port, outputBytes };
  let thread: Worker;
  try {
    thread = newThread(options, data);
  } catch (error) {
    output.end();
    throw error;
  }
  const { threadId } = thread;
  const { stdout, stderr } = output;
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
      output.end();
      lifeline.end();
      // What has died of an error has not died of a kill that came meanwhile.
      const wasKilled = failure === undefined && (isKilled || code === THREAD_KILLED_CODE);
      isKilled = true;
      const how = wasKilled ? ({ code: null, signal: 'SIGKILL' } as const) : { code, signal: null };
      resolve(failure === undefined ? how : { ...how, error: failure });
    });
  });
  const closed = exited.then(() => Promise.all([finished(stdout), finished(stderr)])).then(() => {});
  return { pid: undefined, threadId, lifeline, stdout, stderr, kill, spawned: Promise.resolve(), exited, closed };
}

function newThread({ module, title, execArgv, env, resourceLimits }: SpawnOptions, data: ThreadData): Worker {
  const thread = new Worker(module, {
    workerData: data,
    transferList: [data.output],
    execArgv: [...execArgv],
    env: { ...env },
    name: title,
    // What it writes comes by its port; nothing of it is to be in this process's own output.
    stdout: true,
    stderr: true,
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
  });
  thread.stdout.resume();
  thread.stderr.resume();
  return thread;
}

/** What a thread writes, as two streams. */
class OutputReader {
  readonly stdout: PassThrough = new PassThrough();
  readonly stderr: PassThrough = new PassThrough();
  /** The thread's end. */
  readonly port: MessagePort;
  readonly outputBytes: Int32Array = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #port: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port = port2;
    this.#port = port1;
    port1.on('message', (output: ThreadOutput) => this.#take(output));
  }

  /** Takes what is left, once the thread has ended. */
  end(): void {
    // What was posted before the end may not have come as an event yet.
    for (;;) {
      const message = receiveMessageOnPort(this.#port);
      if (message === undefined) break;
      this.#take(message.message as ThreadOutput); // It posts nothing else.
    }
    this.#port.close();
    this.stdout.end();
    this.stderr.end();
  }

  #take(output: ThreadOutput): void {
    outputTaken(this.outputBytes, output);
    const [descriptor, bytes] = output;
    (descriptor === 1 ? this.stdout : this.stderr).write(bytes);
  }
}
