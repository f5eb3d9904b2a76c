/**
 * The `inline` driver of the process port: the worker runs in this process, on its event loop. For unit tests and debuggers.
 *
 * Each life is an object with connections of its own: to router and keeper it is a process like any other, with the same sockets,
 * tokens and epochs. Killing it cuts it off: its connections are destroyed, what its handler still does is dropped, and tables refuse
 * it. So a handler's changes, its reply and what it asks of others are there whole and once, or not at all, as everywhere. It takes four
 * file descriptors here, and two in the keeper.
 *
 * What it cannot do, as it is the program itself:
 *
 *   1. Outlive it, block alone, or have a memory of its own: a handler in an endless loop blocks the program, also its timeouts, and one
 *      without memory ends it. A handler that waits is ended at its time like any other (handler-watch.ts).
 *   2. Be cut off in the middle of what it does without waiting: `kill` takes effect behind it.
 *   3. Catch what nobody catches: an error in a timer of a worker, or a promise that it does not await, is the program's own, as its
 *      `process.exit` is. Errors of handlers, and of Heirloom's code, are the worker's.
 *   4. Load its module anew: modules are loaded once in a program, so what one keeps outside of its tables outlives its crashes. What
 *      loads modules is what the program has; nothing is added for TypeScript.
 *   5. Have its printed output in the log of the runtime: what it prints is the program's. What it logs is in the log.
 *   6. Have options for Node or an environment of its own (ERR_RUNTIME_OPTION), or armed failpoints.
 *   7. Start a runtime only to be refused: nothing here knows from where it is called.
 *
 * It has no standby unless it is told to: there is no process to be started, and its code is loaded already.
 */
import { PassThrough } from 'node:stream';
import type { ChildHandle, ProcessExit, ProcessPort, SpawnOptions } from '@heirloom/supervisor';
import { HandlerDeadline } from '@heirloom/wire';
import type { InlineWorker } from '@heirloom/worker/inline';
import { createDeferred } from './deferred.js';
import { watchHandlers } from './handler-watch.js';

/** Starts workers in this process. */
export const inlinePort: ProcessPort = {
  spawn: (options) => new InlineLife(options).handle,
};

class InlineLife {
  readonly handle: ChildHandle;
  readonly #stdout = new PassThrough();
  readonly #stderr = new PassThrough();
  readonly #lifeline = new PassThrough();
  readonly #exited = createDeferred<ProcessExit>();
  readonly #unwatch: () => void;
  #worker: InlineWorker | undefined;
  #isOver = false;

  constructor(options: SpawnOptions) {
    const deadline = new HandlerDeadline();
    this.#unwatch = watchHandlers(deadline.shared, (overrun) => {
      this.#lifeline.write(`${JSON.stringify({ overrun })}\n`);
      this.#end(KILLED);
    });
    this.handle = {
      pid: undefined,
      lifeline: this.#lifeline,
      stdout: this.#stdout,
      stderr: this.#stderr,
      kill: () => this.#kill(),
      spawned: Promise.resolve(),
      exited: this.#exited.promise,
      closed: this.#exited.promise.then(() => {}),
    };
    void this.#start(options, deadline.shared);
  }

  async #start({ bootstrap }: SpawnOptions, deadline: Float64Array): Promise<void> {
    try {
      // What runs inside of a worker is loaded by programs that run one here.
      const { startInline } = await import('@heirloom/worker/inline');
      if (this.#isOver) return;
      this.#worker = startInline(bootstrap, {
        deadline,
        write: (_descriptor, bytes) => {
          if (!this.#isOver) this.#stdout.write(bytes);
        },
        exit: (code) => this.#end({ code, signal: null }),
        kill: () => this.#end(KILLED),
      });
    } catch (error) {
      this.#end({ code: 1, signal: null, error: error as Error }); // Neither Node nor the bootstrap throws anything else.
    }
  }

  /** Behind what runs now, which may be a handler of this very worker. */
  #kill(): boolean {
    if (this.#isOver) return false;
    process.nextTick(() => this.#end(KILLED));
    return true;
  }

  #end(exit: ProcessExit): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unwatch();
    this.#worker?.cutOff();
    this.#stdout.end();
    this.#stderr.end();
    this.#lifeline.end();
    this.#exited.resolve(exit);
  }
}

const KILLED: ProcessExit = { code: null, signal: 'SIGKILL' };
