/** A process port for tests: its processes are scripted, and the child's end of each lifeline is the test's. */
import { duplexPair, PassThrough, type Duplex } from 'node:stream';
import { SupervisorError } from './errors.js';
import type { ChildHandle, ProcessExit, ProcessPort, SpawnOptions } from './process-port.js';

/** A process that exists only in memory. It dies of every signal that it does not ignore. */
export class FakeProcess implements ChildHandle {
  readonly pid: number;
  readonly options: SpawnOptions;
  readonly lifeline: Duplex;
  /** The child's file descriptor 3; the bootstrap is the first that can be read from it. */
  readonly childLifeline: Duplex;
  readonly stdout: PassThrough = new PassThrough();
  readonly stderr: PassThrough = new PassThrough();
  readonly spawned: Promise<void>;
  readonly exited: Promise<ProcessExit>;
  readonly closed: Promise<void>;
  /** Every signal that was sent to it, in order. */
  readonly signals: NodeJS.Signals[] = [];
  /** The signals that it ignores; with SIGKILL among them it hangs in the kernel. */
  readonly ignored: Set<NodeJS.Signals> = new Set();
  #isAlive = true;
  #resolveExited: (exit: ProcessExit) => void = () => {};

  constructor(pid: number, options: SpawnOptions) {
    this.pid = pid;
    this.options = options;
    [this.lifeline, this.childLifeline] = duplexPair();
    this.lifeline.write(options.bootstrap);
    this.spawned = Promise.resolve();
    this.exited = new Promise((resolve) => {
      this.#resolveExited = resolve;
    });
    this.closed = this.exited.then(() => {});
  }

  /** Whether it has not exited. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Ends it, once; its output and its lifeline end with it. */
  exit(code: number | null, signal: NodeJS.Signals | null = null): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.stdout.end();
    this.stderr.end();
    this.childLifeline.end();
    this.#resolveExited({ code, signal });
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    if (!this.#isAlive) return false;
    this.signals.push(signal);
    if (!this.ignored.has(signal)) this.exit(null, signal);
    return true;
  }
}

/** Starts fake processes and keeps every one of them. */
export class FakeProcessPort implements ProcessPort {
  /** Every process that was started, in order. */
  readonly processes: FakeProcess[] = [];
  /** When set, the next spawn fails with this cause. */
  nextFailure: Error | undefined;
  readonly #script: (process: FakeProcess) => void;

  /** `script` is called with each process as it is started. */
  constructor(script: (process: FakeProcess) => void = () => {}) {
    this.#script = script;
  }

  spawn(options: SpawnOptions): ChildHandle {
    const process = new FakeProcess(this.processes.length + 1, options);
    const cause = this.nextFailure;
    if (cause !== undefined) {
      this.nextFailure = undefined;
      process.exit(null);
      const failure = new SupervisorError('ERR_PROCESS_SPAWN', cause.message, { title: options.title }, { cause });
      const spawned = Promise.reject<void>(failure);
      spawned.catch(() => {});
      const { lifeline, stdout, stderr, exited, closed } = process;
      return { pid: undefined, lifeline, stdout, stderr, kill: () => false, spawned, exited, closed };
    }
    this.processes.push(process);
    this.#script(process);
    return process;
  }
}
