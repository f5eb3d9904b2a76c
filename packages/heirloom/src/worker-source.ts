/**
 * Where the processes of one worker come from: spawned, connected, their module loaded, introduced to the keeper. One of them
 * waits as a standby so that a crash costs no process start.
 */
import { HeirloomError } from '@heirloom/tables';
import { encodeWorkerBootstrap } from '@heirloom/worker/process-url';
import type { CloseReason, Connection, KeeperMessage, Outcome, ReadyMessage } from '@heirloom/wire';
import type { ActiveMessage, CrashMessage } from '@heirloom/wire';
import {
  active,
  ask,
  continued,
  crash,
  decodeControl,
  decodeError,
  decodeReply,
  FrameKind,
  ignored,
  initFailed,
  keeper,
  keeperLost,
  leave,
  loadFailed,
  ready,
  sendControl,
  stopped,
  timerDue,
} from '@heirloom/wire';
import { ChildProcess } from './child-process.js';
import type { ProcessDeath } from './child-process.js';
import { closeWords, isViolation } from './close-reason.js';
import type { Deferred } from './deferred.js';
import { createDeferred } from './deferred.js';
import { WorkerReferenceError } from './errors.js';
import type { Attached } from './keeper-link.js';
import { START_TIMEOUT_DEFAULT_MS } from './reference.js';
import type { WorkerReference } from './reference.js';
import type { HeartbeatOptions } from './heartbeat-monitor.js';
import { heartbeatOf } from './reference.js';
import type { Router } from './router.js';
import { checkDriverOptions, driverEntry } from './worker-driver.js';
import type { WorkerDriver } from './worker-driver.js';
import { resolveWorkerModule, threadExecArgv, workerFile } from './worker-module.js';
import type { WorkerModule } from './worker-module.js';

const WORKER_FRAMES: ReadonlySet<number> = new Set([
  FrameKind.ready,
  FrameKind.loadFailed,
  FrameKind.active,
  FrameKind.continued,
  FrameKind.initFailed,
  FrameKind.ignored,
  FrameKind.reply,
  FrameKind.stopped,
  FrameKind.crash,
  FrameKind.keeperLost,
  FrameKind.ask,
  FrameKind.leave,
  FrameKind.timerDue,
]);

/** How long what a process said last may take to be read, once it is gone; it is there already, unless this process is busy. */
const LAST_WORDS_MS = 1_000;
/** How long after a takeover the next standby is started, so that its start does not compete with the recovery. */
export const STANDBY_DELAY_MS = 100;
/** How long after a standby's own death the next one is started: one whose module fails to load must not spin. */
export const STANDBY_RETRY_MS = 1_000;

/** A process of a worker from its start on; it is an incarnation once it has an epoch. */
export class WorkerProcess implements Attached {
  readonly process: ChildProcess;
  readonly worker: string;
  readonly attachment: number;
  liveEpoch: number | undefined;
  /** Whether its `init` is done, so that calls may have begun. */
  wasActive = false;
  /** Whether it has something left to do before its first call: until `onContinued` no call is sent to it. */
  isContinuing = false;
  onContinued: () => void = () => {};
  /** Whether its `init` chose not to run: then it never becomes active, and ends. */
  hasIgnored = false;
  /** What it said of the error that it is dying of. */
  lastWords: CrashMessage | undefined;
  onReply: (outcome: Outcome) => void = () => {};
  onDrain: () => void = () => {};
  #connection: Connection | undefined;
  #hasStopped = false;
  readonly #router: Router;
  readonly #ready: Deferred<ReadyMessage> = createDeferred();
  readonly #active: Deferred<unknown> = createDeferred();
  readonly #heardOut: Deferred<void> = createDeferred();
  /** Settles once the process is gone and everything that it said was heard. */
  readonly gone: Promise<ProcessDeath>;

  constructor(router: Router, process: ChildProcess, worker: string) {
    this.#router = router;
    this.process = process;
    this.worker = worker;
    this.attachment = router.nextAttachment();
    process.connected.then(
      (connection) => this.#start(connection),
      (error: Error) => {
        this.#heardOut.resolve();
        this.#fail(error);
      },
    );
    this.gone = process.died.then(async (death) => {
      router.link.detach(this.attachment);
      const timer = setTimeout(() => this.#heardOut.resolve(), LAST_WORDS_MS);
      await this.#heardOut.promise;
      clearTimeout(timer);
      return death;
    });
    void this.gone.then(async ({ code, signal }) => {
      // That it chose not to run is no failure of its start: its exit says so.
      if (this.hasIgnored) return;
      if (!this.wasActive) await process.logged;
      this.#fail(
        new WorkerReferenceError(
          'ERR_WORKER_START',
          `A process of worker ${worker} ended (${signal ?? `code ${code}`}) before it was up. Its last log lines say why.`,
          { worker, code, signal, lastLines: process.log.lastLines },
        ),
      );
    });
  }

  /** What its module defines; rejects when the module does not load or the process ends first. */
  get ready(): Promise<ReadyMessage> {
    return this.#ready.promise;
  }

  /** Resolves when it was activated and its `init` is done; rejects when that failed, and does neither when it chose not to run. */
  get active(): Promise<unknown> {
    return this.#active.promise;
  }

  /** Undefined for what has no process of its own. */
  get pid(): number | undefined {
    return this.process.pid;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  keeperIs(message: KeeperMessage): void {
    if (this.#connection !== undefined) sendControl(this.#connection, keeper, message);
  }

  brokeProtocol(reason: string): void {
    const { worker, pid } = this;
    this.#router.logger.error({ worker, pid, problem: reason }, 'a worker broke the protocol; it is replaced');
    this.process.kill();
  }

  unreachable(): void {
    const details = { worker: this.worker, pid: this.pid };
    this.#router.logger.error(details, 'a worker cannot reach the keeper; the worker is replaced');
    this.process.kill();
  }

  #start(connection: Connection): void {
    this.#connection = connection;
    connection.start({
      kinds: WORKER_FRAMES,
      onFrame: (kind, body) => this.#take(kind, body),
      onClose: (reason) => this.#closed(reason),
      onDrain: () => this.onDrain(),
    });
  }

  #take(kind: number, body: Uint8Array): void {
    if (kind === FrameKind.reply) this.onReply(decodeReply(body));
    else if (kind === FrameKind.ask) this.#router.asks.take(this, decodeControl(ask, body));
    else if (kind === FrameKind.leave) this.#router.asks.leave(this, decodeControl(leave, body));
    else if (kind === FrameKind.timerDue) this.#router.timers.due(this, decodeControl(timerDue, body));
    else if (kind === FrameKind.ready) this.#ready.resolve(decodeControl(ready, body));
    else if (kind === FrameKind.active) this.#becomeActive(decodeControl(active, body));
    else if (kind === FrameKind.continued) this.#continued(decodeControl(continued, body));
    else if (kind === FrameKind.loadFailed) this.#fail(decodeError(decodeControl(loadFailed, body).error));
    else if (kind === FrameKind.initFailed) this.#fail(this.#initError(decodeControl(initFailed, body).error));
    else if (kind === FrameKind.ignored) this.#ignores(decodeControl(ignored, body));
    else if (kind === FrameKind.crash) this.#crashes(decodeControl(crash, body));
    else if (kind === FrameKind.keeperLost) this.#router.link.lost(this, decodeControl(keeperLost, body).socketPath);
    else {
      decodeControl(stopped, body);
      this.#hasStopped = true;
    }
  }

  #crashes(lastWords: CrashMessage): void {
    this.lastWords = lastWords;
    this.process.endSoon();
  }

  #ignores(_message: Record<string, never>): void {
    this.hasIgnored = true;
    this.process.endSoon();
  }

  #initError(encoded: unknown): Error {
    const { worker } = this;
    const cause = decodeError(encoded);
    if (cause instanceof HeirloomError && cause.code === 'ERR_WORKER_MIGRATION') {
      const problem = `What is stored of worker ${worker} cannot be migrated. ${cause.message} Correct it and start again.`;
      return new WorkerReferenceError('ERR_WORKER_MIGRATION', problem, { ...cause.details, worker }, { cause });
    }
    if (cause instanceof HeirloomError && cause.code === 'ERR_WORKER_VERSION') {
      return new WorkerReferenceError('ERR_WORKER_VERSION', cause.message, { ...cause.details, worker }, { cause });
    }
    const message = `The init of worker ${worker} threw: ${cause.message} What it had changed was undone.`;
    return new WorkerReferenceError('ERR_WORKER_INIT', message, { worker }, { cause });
  }

  #becomeActive(message: ActiveMessage): void {
    this.wasActive = true;
    this.isContinuing = message.isContinuing === true;
    this.#active.resolve(message);
  }

  #continued(_message: unknown): void {
    this.isContinuing = false;
    this.onContinued();
  }

  #fail(error: Error): void {
    this.#ready.reject(error);
    this.#active.reject(error);
  }

  #closed(reason: CloseReason): void {
    this.#heardOut.resolve();
    // How long an orderly stop may take is its supervisor's to say.
    if (!isViolation(reason)) return this.#hasStopped ? undefined : this.process.endSoon();
    this.#router.logger.error(
      { worker: this.worker, pid: this.pid, ...closeWords(reason) },
      'the connection to a worker broke; the worker is replaced',
    );
    this.process.kill();
  }
}

export class WorkerSource {
  readonly #router: Router;
  readonly #reference: WorkerReference;
  readonly #driver: WorkerDriver;
  readonly #standbyEnabled: boolean;
  #standby: WorkerProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #processCount = 0;
  #isClosed = false;

  /** Throws RuntimeError ERR_RUNTIME_OPTION for options that mean nothing under the worker's driver. */
  constructor(router: Router, reference: WorkerReference) {
    this.#router = router;
    this.#reference = reference;
    this.#driver = reference.options.driver ?? router.driver;
    checkDriverOptions(reference.name, this.#driver, { ...reference.options });
    this.#standbyEnabled = reference.options.standby ?? this.#driver !== 'inline';
  }

  /** A process to activate: the standby, if it is alive, or a new one. Throws WorkerReferenceError when the module is not found. */
  take(): WorkerProcess {
    const standby = this.#standby;
    this.#standby = undefined;
    return standby?.process.isGone === false ? standby : this.#spawn();
  }

  /** Starts the standby after a while, unless there is one. */
  prepareSoon(delayMs: number = STANDBY_DELAY_MS): void {
    if (this.#isClosed || !this.#standbyEnabled || this.#standby !== undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#prepare();
    }, delayMs);
  }

  #prepare(): void {
    if (this.#isClosed || this.#standby !== undefined) return;
    let standby: WorkerProcess;
    try {
      standby = this.#spawn();
    } catch (error) {
      // The module was there when the worker was started; a restart will report that it is gone.
      this.#router.logger.warn({ worker: this.#reference.name, err: error }, 'a standby cannot be started');
      return;
    }
    this.#standby = standby;
    this.#limitLoading(standby);
    standby.ready.catch((error: Error) => {
      if (this.#isClosed || this.#standby !== standby) return;
      this.#router.logger.warn(
        { worker: this.#reference.name, err: error },
        'a standby failed; a restart would start a process',
      );
      standby.process.kill();
    });
    void standby.process.died.then(() => {
      if (this.#standby !== standby) return;
      this.#standby = undefined;
      this.prepareSoon(STANDBY_RETRY_MS);
    });
  }

  /** One that hangs while it loads would hold up the recovery that takes it. */
  #limitLoading(standby: WorkerProcess): void {
    const { name, options } = this.#reference;
    const { startTimeoutMs = START_TIMEOUT_DEFAULT_MS } = options;
    if (startTimeoutMs === 'infinity') return;
    const timer = setTimeout(() => {
      // Once it was taken, its start is its supervisor's to limit.
      if (this.#standby !== standby) return;
      this.#router.logger.warn({ worker: name, startTimeoutMs }, 'a standby does not load; it is killed');
      standby.process.kill();
    }, startTimeoutMs);
    const clear = (): void => clearTimeout(timer);
    standby.ready.then(clear, clear);
  }

  /** Ends the standby for good. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.rest();
  }

  /** Ends the standby until the worker is started again. */
  async rest(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const standby = this.#standby;
    this.#standby = undefined;
    standby?.process.kill();
    await standby?.process.died;
  }

  #module(): WorkerModule {
    const { name, module, options } = this.#reference;
    // The program loads it, however it does that.
    if (this.#driver === 'inline') return { url: workerFile(name, module), execArgv: [] };
    const resolved = resolveWorkerModule(name, module, options.execArgv);
    return this.#driver === 'thread' ? { ...resolved, execArgv: threadExecArgv(resolved.execArgv) } : resolved;
  }

  /** A thread or the program itself has no lifeline, and a loop in it no other remedy than that of its handlers. */
  #heartbeat(): HeartbeatOptions | undefined {
    if (this.#driver !== 'process') return undefined;
    const { name, options } = this.#reference;
    return options.heartbeat === undefined ? this.#router.heartbeat : heartbeatOf(name, options.heartbeat);
  }

  #spawn(): WorkerProcess {
    const { ports, desk, logger, socketPath, link } = this.#router;
    const { name, options } = this.#reference;
    const resolved = this.#module();
    const heartbeat = this.#heartbeat();
    const processNumber = ++this.#processCount;
    const entry = driverEntry(this.#driver, ports.processes);
    const process = new ChildProcess(
      entry.port,
      desk,
      {
        role: 'calls',
        title: `heirloom standby ${name}`,
        module: entry.module,
        execArgv: resolved.execArgv,
        env: options.env,
        heartbeat,
        resourceLimits: options.resourceLimits,
        bootstrap: (callsToken) =>
          encodeWorkerBootstrap({
            role: 'worker',
            worker: name,
            module: resolved.url.href,
            routerSocketPath: socketPath,
            callsToken,
            heartbeatMs: heartbeat?.intervalMs ?? 0,
            faults: ports.faults({ kind: 'worker', worker: name, processNumber }),
          }),
      },
      logger.child({ worker: name, process: processNumber }),
    );
    const workerProcessOf = new WorkerProcess(this.#router, process, name);
    workerProcessOf.ready.then(
      () => {
        if (!process.isGone) link.attach(workerProcessOf);
      },
      () => {},
    );
    return workerProcessOf;
  }
}
