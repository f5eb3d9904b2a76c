/**
 * One incarnation of the keeper as a child of the supervision tree, and the standby that takes over from it.
 *
 *   spawned ─▶ connected ─(resume)─▶ ready ─▶ gone
 *                 └── as a standby it waits here, with its code loaded, until the keeper before it is gone
 *
 * G5: `resume` is what makes a keeper open the store, and it is only sent after the exit of the one before was seen.
 */
import { encodeBootstrap, keeperProcess } from '@heirloom/keeper/process-url';
import type { ChildExit, StartingChild } from '@heirloom/supervisor';
import type { CloseReason, Connection } from '@heirloom/wire';
import {
  decodeControl,
  decodeError,
  FrameKind,
  keeperFailed,
  keeperReady,
  resume,
  sendControl,
  shutdown,
} from '@heirloom/wire';
import { join } from 'node:path';
import type { ProcessDeath } from './child-process.js';
import { ChildProcess, exitOf } from './child-process.js';
import { closeWords, isViolation } from './close-reason.js';
import type { HeartbeatOptions } from './heartbeat-monitor.js';
import type { Router } from './router.js';
import { STANDBY_RETRY_MS } from './worker-source.js';

const KEEPER_FRAMES: ReadonlySet<number> = new Set([
  FrameKind.keeperReady,
  FrameKind.keeperFailed,
  FrameKind.response,
  FrameKind.replies,
  FrameKind.violated,
  FrameKind.changed,
  FrameKind.moved,
  FrameKind.mail,
]);

export interface KeeperOptions {
  readonly directory: string;
  readonly lockWaitMs: number;
  readonly standby: boolean;
  readonly heartbeat: HeartbeatOptions | undefined;
}

/** Starts keepers, one after the other. */
export class KeeperSource {
  readonly #router: Router;
  readonly #options: KeeperOptions;
  #standby: ChildProcess | undefined;
  #processCount = 0;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  #lostAt: number | undefined;
  #current: ChildProcess | undefined;

  constructor(router: Router, options: KeeperOptions) {
    this.#router = router;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#current?.isGone === false ? this.#current.pid : undefined;
  }

  start(): StartingChild {
    const process = this.#takeStandby() ?? this.#spawn();
    this.#current = process;
    let isStopping = false;
    let isUp = false;
    let failure: Error | undefined;
    const ready = this.#bringUp(process, (error) => {
      failure = error;
    }).then(() => {
      isUp = true;
    });
    const exited = process.died.then(async (death): Promise<ChildExit> => {
      // A failed start is reported with what the process said of it.
      if (!isUp) await process.logged;
      if (!isStopping) this.#crashed(process, death);
      return exitOf(death, isStopping, failure);
    });
    return {
      ready,
      exited,
      stop: () => {
        isStopping = true;
        void process.connected.then((connection) => sendControl(connection, shutdown, {})).catch(() => process.kill());
      },
      kill: () => process.kill(),
    };
  }

  /** Starts the standby, unless there is one or the runtime closes. */
  prepare(): void {
    if (this.#standby !== undefined || this.#isClosed || !this.#options.standby) return;
    const standby = this.#spawn();
    this.#standby = standby;
    void standby.died.then(() => {
      if (this.#standby !== standby) return;
      this.#standby = undefined;
      if (!this.#isClosed) this.#timer = setTimeout(() => this.prepare(), STANDBY_RETRY_MS);
    });
  }

  /** Ends the standby for good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const standby = this.#standby;
    this.#standby = undefined;
    standby?.kill();
    await standby?.died;
  }

  #takeStandby(): ChildProcess | undefined {
    const standby = this.#standby;
    this.#standby = undefined;
    return standby?.isGone === false ? standby : undefined;
  }

  #spawn(): ChildProcess {
    const { ports, desk, logger, socketPath, socketDirectory } = this.#router;
    const processNumber = ++this.#processCount;
    return new ChildProcess(
      ports.processes,
      desk,
      {
        role: 'control',
        title: 'heirloom keeper',
        module: keeperProcess,
        execArgv: [],
        env: undefined,
        heartbeat: this.#options.heartbeat,
        bootstrap: (controlToken) =>
          encodeBootstrap({
            role: 'keeper',
            directory: this.#options.directory,
            socketPath: join(socketDirectory, `keeper-${processNumber}.sock`),
            routerSocketPath: socketPath,
            controlToken,
            heartbeatMs: this.#options.heartbeat?.intervalMs ?? 0,
            faults: ports.faults({ kind: 'keeper', worker: undefined, processNumber }),
            limits: { lockWaitMs: this.#options.lockWaitMs },
          }),
      },
      logger.child({ keeper: processNumber }),
    );
  }

  async #bringUp(process: ChildProcess, onFailure: (error: Error) => void): Promise<void> {
    const connection = await process.connected;
    const { link, tables } = this.#router;
    await new Promise<void>((resolve, reject) => {
      const onFrame = (kind: number, body: Uint8Array): void => {
        if (kind === FrameKind.keeperReady) {
          link.connected(connection, decodeControl(keeperReady, body));
          resolve();
        } else if (kind === FrameKind.keeperFailed) {
          const error = decodeError(decodeControl(keeperFailed, body).error);
          this.#router.logger.error({ err: error }, 'the keeper failed');
          onFailure(error);
          reject(error);
        } else link.take(connection, kind, body);
      };
      const onClose = (reason: CloseReason): void => this.#connectionClosed(process, connection, reason);
      connection.start({ kinds: KEEPER_FRAMES, onFrame, onClose });
      const { instance, seenLsn, live } = link;
      sendControl(connection, resume, { instance, seenLsn, live, workers: tables.introduce() });
      void process.died.then(() => reject(new Error('The keeper ended before it was ready.')));
    });
    if (this.#lostAt !== undefined) {
      const ms = performance.now() - this.#lostAt;
      this.#router.logger.info({ pid: process.pid, ms: Math.round(ms) }, 'the keeper is up again');
      this.#router.events.emit('keeper_recovered', { pid: process.pid ?? 0, ms });
      this.#lostAt = undefined;
    }
    setImmediate(() => this.prepare());
  }

  #connectionClosed(process: ChildProcess, connection: Connection, reason: CloseReason): void {
    this.#router.link.disconnected(connection);
    if (!isViolation(reason)) return;
    this.#router.logger.error(closeWords(reason), 'the connection to the keeper broke; it is replaced');
    process.kill();
  }

  #crashed(process: ChildProcess, { code, signal, wasSilent }: ProcessDeath): void {
    this.#lostAt = performance.now();
    const { lastLines } = process.log;
    this.#router.logger.error({ pid: process.pid, code, signal, wasSilent, lastLines }, 'the keeper is gone');
    this.#router.events.emit('keeper_crash', { pid: process.pid, code, signal, wasSilent });
  }
}
