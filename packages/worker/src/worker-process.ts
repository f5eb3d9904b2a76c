/**
 * The shell of a worker's process: carries frames between its connections and its incarnation, and ends the process. What
 * "process" is here is its host's to say (worker-host.ts).
 *
 *   loading ──ready──▶ standby ──activate──▶ incarnation (incarnation.ts)
 *      └─loadFailed, exit 1
 *
 * How the process ends, and what the embedding process sees:
 *
 *   stopped, exit 0       everything that had arrived was done and released
 *   loadFailed, exit 1    the module does not load
 *   initFailed, exit 1    `init` threw; nothing of it was sent
 *   ignored, exit 0       `init` chose not to run; nothing of it was sent
 *   crash, exit 70        an uncaught error, a bug, or an error in a worker with onError 'crash'
 *   SIGKILL               fenced by the keeper, the embedding process is gone, or a handler overran (whoever watches its time)
 *
 * 1. Nothing of a half-done handler is in any buffer, so an exit at any point sends whole handlers or nothing of them (G2).
 * 2. A frame that does not belong here ends the process: the embedding process and the worker are of one version.
 */
import { InvariantError, TableError } from '@heirloom/tables';
import {
  FrameKind,
  activate,
  active,
  adopt,
  ask,
  connect,
  continued,
  crash,
  decodeControl,
  decodeDelivery,
  decodeReply,
  encodeError,
  ignored,
  initFailed,
  keeper,
  keeperLost,
  leave,
  loadFailed,
  ready,
  registerErrorClass,
  sendControl,
  stop,
  stopped,
  timerDue,
  writeOutcome,
} from '@heirloom/wire';
import type { CloseReason, Connection, KeeperMessage } from '@heirloom/wire';
import { KeeperError, openStoreReader } from '@heirloom/keeper/reader';
import type { StoreReader } from '@heirloom/keeper/reader';
import { CallError } from './call-error.js';
import { isWorkerDefinition } from './definition.js';
import type { AnyWorkerDefinition } from './definition.js';
import { WorkerError } from './errors.js';
import type { WorkerLog } from './handler-context.js';
import { Incarnation } from './incarnation.js';
import type { IncarnationPorts } from './incarnation-ports.js';
import { Journal } from './journal.js';
import { OutputGate } from './output-gate.js';
import { rehearse } from './rehearsal.js';
import { declareTables } from './table-declaration.js';
import type { WorkerBootstrap } from './worker-bootstrap.js';
import type { WorkerHost } from './worker-host.js';

/** The exit code of a crash: EX_SOFTWARE of sysexits. */
export const CRASH_EXIT_CODE = 70;

const CALLS_KINDS: ReadonlySet<number> = new Set([
  FrameKind.activate,
  FrameKind.call,
  FrameKind.keeper,
  FrameKind.stop,
  FrameKind.adopt,
  FrameKind.answer,
  FrameKind.delivery,
]);

export class WorkerProcess {
  private readonly bootstrap: WorkerBootstrap;
  private readonly host: WorkerHost;
  private readonly log: WorkerLog;
  private readonly gate: OutputGate = new OutputGate();
  private readonly journal: Journal;
  private calls: Connection | undefined;
  private incarnation: Incarnation | undefined;
  private storePath: string | undefined;
  private alarm: NodeJS.Timeout | undefined;
  /** Set when the process is about to end by itself. */
  private exitCode: number | undefined;
  private isCutOff = false;

  constructor(bootstrap: WorkerBootstrap, host: WorkerHost) {
    this.bootstrap = bootstrap;
    this.host = host;
    this.log = host.log;
    this.journal = new Journal({
      gate: this.gate,
      onRelease: (number) => this.incarnation?.release(number),
      onConsumed: (totals) => this.incarnation?.consumed(totals),
      onFenced: (reason) => this.kill('ERR_WORKER_FENCED', `this incarnation is superseded: ${reason}`),
      onLost: (socketPath) => {
        if (this.calls?.isOpen === true) sendControl(this.calls, keeperLost, { socketPath });
      },
      onNotice: (message, fields) => this.log.debug(message, fields),
    });
  }

  /** Loads the worker's module, connects, and says so. */
  async start(): Promise<void> {
    const { routerSocketPath, callsToken, module } = this.bootstrap;
    const [definition, calls] = await Promise.all([
      loadDefinition(module).catch((error: unknown) => asWorkerError(error, module)),
      connect(routerSocketPath, {
        hello: { role: 'calls', token: callsToken },
        kinds: CALLS_KINDS,
        onFrame: (kind, body) => this.receive(kind, body),
        onClose: (reason) => this.callsClosed(reason),
        onDrain: () => this.incarnation?.resume(),
        // At once, so that an error that nobody catches while the module loads can be reported.
      }).then((connection) => (this.calls = connection)),
    ]);
    if (this.isCutOff) return calls.destroy();
    if (definition instanceof WorkerError) {
      sendControl(calls, loadFailed, { error: encodeError(definition) });
      return this.exitAfterSending(1);
    }
    this.prepare(definition, calls);
    this.host.lifeline.loaded();
    const tables = declareTables(definition);
    const { handlers, trapExit: trapsExits } = definition;
    sendControl(calls, ready, { pid: process.pid, calls: Object.keys(handlers), tables, trapsExits });
    if (!this.host.rehearses) return;
    rehearse(
      () => this.incarnation?.isNew !== true,
      () => this.openReader(),
    );
  }

  /** Reports an uncaught error, as far as that can be done at once, and ends the process. */
  crash(error: unknown): void {
    if (this.isCutOff) return;
    const callId = this.incarnation?.runningCallId;
    this.log.error('the worker crashed', { error, callId });
    try {
      if (this.calls !== undefined) {
        sendControl(this.calls, crash, { error: encodeError(error), callId });
        this.calls.flushNow();
      }
    } finally {
      this.host.exit(CRASH_EXIT_CODE);
    }
  }

  /** Ends what does not end with a host: the connections, and the use of tables. Nothing that is done later has an effect. */
  cutOff(): void {
    this.isCutOff = true;
    clearTimeout(this.alarm);
    this.incarnation?.cutOff();
    this.journal.cutOff();
    this.calls?.destroy();
  }

  /** Runs a task behind the frames that are being delivered, where its errors are the worker's. */
  private defer(task: () => void): void {
    process.nextTick(() => {
      if (this.isCutOff) return;
      try {
        task();
      } catch (error) {
        this.crash(error);
      }
    });
  }

  private prepare(definition: AnyWorkerDefinition, calls: Connection): void {
    const { journal, log, gate } = this;
    const { lifeline } = this.host;
    const ports: IncarnationPorts = {
      reply: (outcome) => void calls.send(FrameKind.reply, (writer) => writeOutcome(writer, outcome)),
      ask: (message) => sendControl(calls, ask, message),
      leave: (message) => sendControl(calls, leave, message),
      timerDue: (message) => sendControl(calls, timerDue, message),
      setAlarm: (delayMs, task) => {
        clearTimeout(this.alarm);
        this.alarm = delayMs === undefined ? undefined : setTimeout(() => this.defer(task), delayMs);
      },
      flush: () => {
        journal.flush();
        calls.flushNow();
      },
      isCongested: () => calls.isCongested,
      defer: (task) => this.defer(task),
      handlerBegins: (callId, timeoutMs) => lifeline.handlerBegins(callId, timeoutMs),
      handlerEnded: () => lifeline.handlerEnded(),
      now: Date.now,
      log,
      reader: () => this.openReader(),
      onActive: (isContinuing) => {
        sendControl(calls, active, { isContinuing });
        // Before any call begins: a death from now on is not the doing of `init`.
        calls.flushNow();
      },
      onContinued: () => {
        sendControl(calls, continued, {});
        calls.flushNow();
      },
      onInitFailed: (error) => {
        sendControl(calls, initFailed, { error: encodeError(error) });
        this.exitAfterSending(1);
      },
      onIgnored: () => {
        sendControl(calls, ignored, {});
        this.exitAfterSending(0);
      },
      onStopped: () => {
        sendControl(calls, stopped, {});
        this.exitAfterSending(0);
      },
      onBug: (error) => this.crash(error),
      onCrash: (error, callId) => {
        this.log.error('the worker crashes because a handler threw', { error, callId });
        sendControl(calls, crash, { error: encodeError(error), callId });
        this.exitAfterSending(CRASH_EXIT_CODE);
      },
    };
    this.incarnation = new Incarnation({ name: this.bootstrap.worker, definition, gate, ports });
  }

  private receive(kind: number, body: Uint8Array): void {
    const { incarnation } = this;
    if (incarnation === undefined) {
      throw new WorkerError('ERR_WORKER_PROTOCOL', `A frame of kind ${kind} came before the worker was ready.`);
    }
    if (kind === FrameKind.call) incarnation.receive(body);
    else if (kind === FrameKind.delivery) incarnation.receive({ ...decodeDelivery(body), length: body.length });
    // At once: a call that comes behind it must find the table there.
    else if (kind === FrameKind.adopt) incarnation.adopt(decodeControl(adopt, body));
    else if (kind === FrameKind.answer) incarnation.answered(decodeReply(body));
    else if (kind === FrameKind.keeper) this.attach(decodeControl(keeper, body));
    // User code runs outside of the connection's frame handler, where its errors are its own.
    else if (kind === FrameKind.stop) {
      decodeControl(stop, body);
      this.defer(() => incarnation.stop());
    } else this.activate(incarnation, body);
  }

  private activate(incarnation: Incarnation, body: Uint8Array): void {
    const message = decodeControl(activate, body);
    this.host.entitle(`heirloom worker ${this.bootstrap.worker}#${message.epoch}`);
    this.journal.activate(message.epoch);
    this.defer(() => incarnation.activate(message));
  }

  /** Connects to the keeper. */
  private attach(message: KeeperMessage): void {
    this.storePath = message.storePath;
    void this.journal.attach(message);
  }

  private openReader(): StoreReader {
    if (this.storePath === undefined) throw new InvariantError('a worker is activated that knows no store');
    return openStoreReader(this.storePath);
  }

  private exitAfterSending(code: number): void {
    this.exitCode = code;
    if (this.calls?.isOpen === true) this.calls.close();
    else this.host.exit(code);
  }

  private callsClosed({ kind, error }: CloseReason): void {
    if (this.isCutOff) return;
    if (this.exitCode !== undefined) return this.host.exit(this.exitCode);
    const why = error === undefined ? kind : `${kind}: ${error.message}`;
    if (error?.cause instanceof Error && kind === 'failed' && error.code === 'ERR_WIRE_HANDLER') {
      return this.crash(error.cause);
    }
    this.kill('ERR_WORKER_LOST', `the connection to the embedding process is over (${why})`);
  }

  private kill(code: 'ERR_WORKER_FENCED' | 'ERR_WORKER_LOST', reason: string): void {
    this.log.error('the worker ends', { code, reason });
    this.host.kill();
  }
}

async function loadDefinition(module: string): Promise<AnyWorkerDefinition | WorkerError> {
  const namespace = (await import(module)) as { readonly default?: unknown }; // A module's namespace is an object.
  if (isWorkerDefinition(namespace.default)) return namespace.default;
  const message = `The default export of ${module} is not a worker. Write: export default defineWorker({ … }).`;
  return new WorkerError('ERR_WORKER_MODULE', message, { module });
}

function asWorkerError(cause: unknown, module: string): WorkerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new WorkerError(
    'ERR_WORKER_MODULE',
    `The worker's module ${module} does not load: ${reason}`,
    { module },
    { cause },
  );
}

// What other workers answer with is of the class that it had there.
registerErrorClass('ERR_CALL_', CallError);
registerErrorClass('ERR_KEEPER_', KeeperError);
registerErrorClass('ERR_TABLE_', TableError);
registerErrorClass('ERR_WORKER_', WorkerError);
