/**
 * The process port: how an operating-system process is started and watched, real or fake, or what stands for one.
 *
 * 1. `exited` settles exactly once and never rejects, also when nothing could be started.
 * 2. The child gets no Node IPC channel: a malformed message on one throws in the parent. File descriptor 3 is the
 *    *lifeline*, a socket pair, whose first bytes are the bootstrap and whose end tells either side that the other is gone.
 * 3. Errors of the lifeline and of the output streams never throw in the parent: that the child is gone is `exited`'s to say.
 */
import type { Duplex, Readable } from 'node:stream';
import type { ResourceLimits } from 'node:worker_threads';

/** The most bytes of a bootstrap: it is held in memory until the child reads it, and is meant for addresses and tokens. */
export const BOOTSTRAP_BYTES_MAX: number = 1024 * 1024;

/** What to start. */
export interface SpawnOptions {
  /** What a person reads in `ps`; the child finds it in its first argument and sets `process.title` to it. */
  readonly title: string;
  /** The entry file, a `file:` URL. */
  readonly module: URL;
  /** Node's own options, before the entry file. */
  readonly execArgv: readonly string[];
  /** Default: this process's environment without NODE_OPTIONS, whose debugger ports and preloads are not the child's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: this process's working directory. */
  readonly cwd?: string;
  /** The first bytes that the child reads from file descriptor 3; at most BOOTSTRAP_BYTES_MAX. */
  readonly bootstrap: Uint8Array;
  /** Limits on the memory of a thread; a process has its own in `execArgv`. */
  readonly resourceLimits?: ResourceLimits;
}

/** How a process ended: one of the two is set, neither when it was never started. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it died of, where the driver knows. */
  readonly error?: Error;
}

/** A process that was started, or that could not be. */
export interface ChildHandle {
  /** Undefined when it could not be started, and when it has no process of its own. */
  readonly pid: number | undefined;
  /** Of a thread of this process. */
  readonly threadId?: number | undefined;
  /** The parent's end of the child's file descriptor 3. */
  readonly lifeline: Duplex;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Sends a signal, SIGTERM by default; false when the process is gone already. */
  kill(signal?: NodeJS.Signals): boolean;
  /** Resolves when the process exists; rejects with ERR_PROCESS_SPAWN when it could not be started. */
  readonly spawned: Promise<void>;
  /** Settles when the process is gone; output may still be on its way. */
  readonly exited: Promise<ProcessExit>;
  /** Resolves when, after the exit, output and lifeline have been read to their ends. A grandchild can delay it. */
  readonly closed: Promise<void>;
}

/** Starts processes. */
export interface ProcessPort {
  /** Returns at once; a process that cannot be started is reported by `spawned` and `exited`, never thrown. */
  spawn(options: SpawnOptions): ChildHandle;
}
