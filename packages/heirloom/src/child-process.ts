/**
 * One process of the runtime, keeper or worker, or what stands for one (worker-driver.ts): spawned with a bootstrap and a lifeline,
 * known by its token once it connects.
 *
 * Invariants
 * 1. `connected` settles: with the connection that presented the process's token, or with an error when the process ended first,
 *    behind `logged`, so that the error has its last lines.
 * 2. `died` settles once, after the process is gone and its lifeline was read to its end, so that what it said last is known.
 */
import { KeeperError } from '@heirloom/keeper/process-url';
import type { ChildExit, ChildHandle, ProcessPort } from '@heirloom/supervisor';
import type { HeirloomError } from '@heirloom/tables';
import type { Connection, Role } from '@heirloom/wire';
import { frameBootstrap, LIFELINE_BEAT } from '@heirloom/wire';
import { createDeferred } from './deferred.js';
import { WorkerReferenceError } from './errors.js';
import { Heartbeat } from './heartbeat.js';
import type { HeartbeatOptions } from './heartbeat-monitor.js';
import type { TokenDesk } from './token-desk.js';
import type { Logger } from './process-log.js';
import { ProcessLog } from './process-log.js';
import type { WorkerResourceLimits } from './worker-driver.js';

/** How long the lifeline may stay open after the exit; a grandchild that inherited it must not delay a recovery. */
const LIFELINE_GRACE_MS = 100;
/** Besides the signs of life a line `{"overrun":callId}` comes on the lifeline; more than this is not read. */
const LIFELINE_CHARS_MAX = 1_024;

/**
 * How long a process may stay after it has closed its lifeline or its connection, or has said that it crashes. An exit is
 * quick, but user code can run in it, or have closed descriptors that are not its own.
 */
const END_GRACE_MS = 1_000;

export interface ProcessPlan {
  readonly role: Extract<Role, 'calls' | 'control'>;
  readonly title: string;
  readonly module: URL;
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string>> | undefined;
  /** How it is watched; undefined for not at all. */
  readonly heartbeat: HeartbeatOptions | undefined;
  readonly resourceLimits?: WorkerResourceLimits | undefined;
  /** What the process is told first, with the token it is to present. */
  readonly bootstrap: (token: Uint8Array) => Uint8Array;
}

export interface ProcessDeath {
  readonly code: number | null;
  readonly signal: string | null;
  /** The call whose handler exceeded its time, when that is what the process died of. */
  readonly overrun: number | undefined;
  /** Whether it was killed because it gave no sign of life. */
  readonly wasSilent: boolean;
  /** What it died of, where its driver knows. */
  readonly error?: Error | undefined;
}

export class ChildProcess {
  readonly handle: ChildHandle;
  readonly log: ProcessLog;
  readonly connected: Promise<Connection>;
  readonly died: Promise<ProcessDeath>;
  /** Settles after `died`, when what the process had written is logged; see ProcessLog.whenRead. */
  readonly logged: Promise<void>;
  #connection: Connection | undefined;
  #isGone = false;
  #endTimer: NodeJS.Timeout | undefined;

  constructor(port: ProcessPort, desk: TokenDesk, plan: ProcessPlan, logger: Logger) {
    const connected = createDeferred<Connection>();
    this.connected = connected.promise;
    let wasSilent = false;
    const heartbeat =
      plan.heartbeat &&
      new Heartbeat(plan.heartbeat, () => {
        wasSilent = true;
        logger.error({ pid: this.pid, ...plan.heartbeat }, 'a process gave no sign of life and is killed');
        this.kill();
      });
    const token = desk.issue(plan.role, (connection) => {
      // The first sign of life.
      heartbeat?.beat();
      this.#connection = connection;
      connected.resolve(connection);
    });
    const bootstrap = frameBootstrap(plan.bootstrap(token));
    const { title, module, execArgv, resourceLimits } = plan;
    const env = { ...withoutNodeOptions(process.env), ...plan.env };
    const limits = resourceLimits === undefined ? {} : { resourceLimits };
    this.handle = port.spawn({ title, module, execArgv, env, bootstrap, ...limits });
    const source = plan.role === 'control' ? 'keeper' : 'worker';
    const { pid, stdout, stderr } = this.handle;
    this.log = new ProcessLog(logger.child({ pid }), source, stdout, stderr);
    this.logged = this.handle.exited.then(() => this.log.whenRead());
    // Before the exit, which follows at once: this error says why.
    this.handle.spawned.catch((error: Error) => connected.reject(error));
    const lifeline = readLifeline(this.handle, () => heartbeat?.beat());
    // G10: without it the process would outlive this one.
    this.handle.lifeline.once('end', () => this.endSoon());
    this.died = this.handle.exited.then(async ({ code, signal, error }) => {
      this.#isGone = true;
      heartbeat?.stop();
      clearTimeout(this.#endTimer);
      desk.withdraw(token);
      void this.logged.then(() => connected.reject(endedEarly(plan, code, signal, this.log.lastLines)));
      return { code, signal, overrun: await lifeline, wasSilent, error };
    });
  }

  get pid(): number | undefined {
    return this.handle.pid;
  }

  get threadId(): number | undefined {
    return this.handle.threadId;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  kill(): void {
    this.handle.kill('SIGKILL');
  }

  /** Kills the process if it is still there after END_GRACE_MS. */
  endSoon(): void {
    if (!this.#isGone) this.#endTimer ??= setTimeout(() => this.kill(), END_GRACE_MS);
  }

  /** Ends the connection for good: nothing that this process still sends is heard. */
  cutOff(): void {
    this.#connection?.destroy();
  }
}

function endedEarly(
  { role, title }: ProcessPlan,
  code: number | null,
  signal: string | null,
  lastLines: readonly string[],
): HeirloomError {
  const how = signal === null ? `with code ${code}` : `by ${signal}`;
  const message = `The process "${title}" ended ${how} before it was ready. Its last log lines say why.`;
  const details = { title, code, signal, lastLines };
  return role === 'control'
    ? new KeeperError('ERR_KEEPER_START', message, details)
    : new WorkerReferenceError('ERR_WORKER_START', message, details);
}

function withoutNodeOptions(environment: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const { NODE_OPTIONS: _, ...rest } = environment;
  return rest;
}

function readLifeline(handle: ChildHandle, onBeat: () => void): Promise<number | undefined> {
  let text = '';
  handle.lifeline.on('data', (chunk: Buffer) => {
    if (chunk.includes(LIFELINE_BEAT)) onBeat();
    const words = chunk.filter((byte) => byte !== LIFELINE_BEAT);
    if (text.length < LIFELINE_CHARS_MAX) text += Buffer.from(words).toString('latin1');
  });
  const ended = new Promise<void>((resolve) => {
    handle.lifeline.once('close', () => resolve());
    handle.lifeline.once('end', () => resolve());
  });
  return handle.exited.then(async () => {
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LIFELINE_GRACE_MS);
    });
    await Promise.race([ended, grace]);
    clearTimeout(timer);
    handle.lifeline.destroy();
    return overrunIn(text);
  });
}

function overrunIn(text: string): number | undefined {
  const digits = /"overrun":(\d{1,15})\}/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** How a process's end looks to its supervisor. */
export function exitOf({ code, signal }: ProcessDeath, isStopping: boolean, error: Error | undefined): ChildExit {
  const isClean = code === 0 && signal === null;
  const reason = isClean ? (isStopping ? 'shutdown' : 'normal') : signal === 'SIGKILL' ? 'killed' : 'crash';
  return { reason, code, signal, ...(error === undefined ? {} : { error }) };
}
