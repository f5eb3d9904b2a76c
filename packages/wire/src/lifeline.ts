/**
 * The child's end of the lifeline: the socket on descriptor 3 that ties a worker or keeper to the embedding process.
 *
 * Invariants
 * 1. G10: when the other end closes, for whatever reason, this process dies by SIGKILL, also when its main thread is in an
 *    endless loop. So a thread of its own watches the descriptor.
 * 2. Before it dies of that, a process that was given the directory of the runtime's sockets removes it: the embedding
 *    process can no longer do it.
 * 3. A handler that exceeds its time is reported on the lifeline before this process kills itself, so that the embedding
 *    process knows which call it was.
 * 4. Watching costs nothing while no handler runs, but for one wake-up every WATCH_INTERVAL_MS.
 * 5. The thread gives a sign of life at the interval of the heartbeat, if there is one: while this process loads, while a handler runs,
 *    which is judged by its own time, and whenever the main thread has turned its event loop since the last one. So a main
 *    thread in an endless loop outside of handlers, and a process that is stopped, fall silent.
 * 6. Under a debugger no handler exceeds its time, and nothing falls silent but a process that is stopped as a whole.
 *
 * Format: the parent first writes the bootstrap, u32 BE length and that many bytes, which the main thread reads before the
 * thread starts. After that the parent writes nothing. The child writes the byte LIFELINE_BEAT for each sign of life, and
 * may write one line of JSON, `{"overrun":callId}`, which has no such byte.
 *
 * The memory that the two threads share is described in handler-deadline.ts.
 */
import { readSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { WireError } from './errors.js';
import { HandlerDeadline, WATCH_INTERVAL_MS } from './handler-deadline.js';

export const LIFELINE_DESCRIPTOR = 3;
/** The sign of life: a full stop. */
export const LIFELINE_BEAT = 0x2e;
/** How often the main thread shows that it turns, where there is no heartbeat: then only the debugger is looked for. */
const TURN_DEFAULT_MS = 500;
/** A bootstrap is a few paths, tokens and options. */
export const BOOTSTRAP_BYTES_MAX = 1_048_576;

export interface Lifeline {
  /** Arms the deadline of the handler that now begins; `timeoutMs` 0 for none. */
  handlerBegins(callId: number, timeoutMs: number): void;
  handlerEnded(): void;
  /** Everything is loaded: from now on the main thread has to turn its event loop. */
  loaded(): void;
}

export interface LifelineOptions {
  /** Removed when the embedding process is gone. */
  readonly socketDirectory?: string;
  /** How often to give a sign of life; 0 for never. */
  readonly heartbeatMs: number;
}

/** Reads what the parent has to say before anything else. Blocks; the parent writes it right after the start. */
export function readBootstrap(): Uint8Array {
  const length = Buffer.from(readExactly(4)).readUInt32BE(0);
  if (length > BOOTSTRAP_BYTES_MAX) {
    throw new WireError(
      'ERR_WIRE_FRAME',
      `A bootstrap of ${length} bytes is over the limit of ${BOOTSTRAP_BYTES_MAX}.`,
    );
  }
  return readExactly(length);
}

/** What the parent writes into the lifeline: the bootstrap behind its length. */
export function frameBootstrap(bootstrap: Uint8Array): Uint8Array {
  const framed = Buffer.alloc(4 + bootstrap.length);
  framed.writeUInt32BE(bootstrap.length, 0);
  framed.set(bootstrap, 4);
  return framed;
}

/** What is behind the length of a bootstrap that came whole, as it comes to a thread. */
export function unframeBootstrap(framed: Uint8Array): Uint8Array {
  return framed.subarray(4);
}

function readExactly(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  let filled = 0;
  while (filled < count) {
    const got = readSome(bytes, filled);
    if (got === 0) process.kill(process.pid, 'SIGKILL'); // The parent is gone before it said anything.
    filled += got;
  }
  return bytes;
}

function readSome(bytes: Uint8Array, offset: number): number {
  for (;;) {
    try {
      return readSync(LIFELINE_DESCRIPTOR, bytes, offset, bytes.length - offset, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Starts the thread that watches the lifeline from now on. */
export function watchLifeline({ socketDirectory, heartbeatMs }: LifelineOptions): Lifeline {
  const deadline = new HandlerDeadline();
  const { shared } = deadline;
  const thread = new Worker(new URL('./lifeline-thread.js', import.meta.url), {
    workerData: {
      shared,
      descriptor: LIFELINE_DESCRIPTOR,
      intervalMs: WATCH_INTERVAL_MS,
      socketDirectory,
      heartbeatMs,
    },
    // Loaders of the main thread, such as one for TypeScript, have no business in this one.
    execArgv: [],
    env: {},
  });
  thread.unref();
  shared[4] = isDebugged() ? 1 : 0;
  return {
    handlerBegins: (callId, timeoutMs) => deadline.handlerBegins(callId, timeoutMs),
    handlerEnded: () => deadline.handlerEnded(),
    loaded() {
      shared[3] = 1;
      // Twice for each sign of life, so that none is missed for being late by a little.
      const turnMs = heartbeatMs === 0 ? TURN_DEFAULT_MS : Math.ceil(heartbeatMs / 2);
      setInterval(() => {
        shared[3] = (shared[3] ?? 0) + 1;
        shared[4] = isDebugged() ? 1 : 0;
      }, turnMs).unref();
    },
  };
}

function isDebugged(): boolean {
  return process.features.inspector && process.getBuiltinModule('node:inspector').url() !== undefined;
}
