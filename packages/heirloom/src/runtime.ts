/**
 * The runtime: the supervision tree, the router and the keeper, started and stopped together.
 *
 *   starting ─▶ running ─▶ closing ─▶ closed
 *                  └─▶ failed (the tree gave up) ─▶ closed
 *
 * Invariants
 * 1. When `startRuntime` resolves, every worker is up; when it rejects, nothing that it started is left.
 * 2. After `close` has resolved no process, socket or temporary file of the runtime is left.
 * 3. Every call is answered or rejected, at the latest when the runtime is closed or has failed.
 * 4. Nothing here touches the process it runs in: no global handlers, no exit.
 */
import type {
  ChildDriver,
  ProcessPort,
  StartingChild,
  SupervisorError,
  SupervisorSpec,
  TreeEvent,
} from '@heirloom/supervisor';
import { KEEPER_SUPERVISOR_ID, processPort, SupervisionTree, TOP_ID, topSupervisor } from '@heirloom/supervisor';
import type { AnyWorkerDefinition } from '@heirloom/worker';
import { isInsideWorkerProcess } from '@heirloom/worker';
import { SUSPECT_WINDOW } from '@heirloom/worker/process-url';
import type { TableIdentity } from '@heirloom/keeper/process-url';
import type { TableDeclaration } from '@heirloom/wire';
import { invariant } from '@heirloom/tables';
import type { AnyTableDefinition, RemoteTable, TableInfo } from '@heirloom/tables';
import { rm } from 'node:fs/promises';
import { DeadLetterDesk } from './dead-letters.js';
import type { DeadLetters } from './dead-letters.js';
import { rootCause, RuntimeError, WorkerReferenceError } from './errors.js';
import { checkOptionNames, wrongOption } from './option-check.js';
import type { RuntimeEvents } from './events.js';
import { EventHub } from './events.js';
import { KeeperSource } from './keeper-life.js';
import { KeptChildren } from './kept-children.js';
import type { CheckedOptions, RuntimeOptions } from './options.js';
import { checkDeadline, checkOptions } from './options.js';
import type { PartitionedHandle } from './partitioned-handle.js';
import { createPartitionedHandle } from './partitioned-handle.js';
import type { PartitionedReference } from './partitioned-reference.js';
import type { SupervisorReference, WorkerReference } from './reference.js';
import { supervisorSpec } from './reference.js';
import { Registries } from './registries.js';
import type { RegistryHandle } from './registry-handle.js';
import { createRegistryHandle } from './registry-handle.js';
import type { RuntimePorts } from './router.js';
import { Router } from './router.js';
import { ShutdownDeadline } from './shutdown-deadline.js';
import { createSocketDirectory } from './socket-directory.js';
import type { WorkerHandle } from './worker-handle.js';
import { createHandle, createTable } from './worker-handle.js';
import { ReadDeadline } from './read-deadline.js';
import type { CallOptions } from './pending-call.js';
import { checkCallOptions } from './pending-call.js';
import type { WorkerDown } from './lives.js';
import { monitorWorker } from './program-monitor.js';
import type { SupervisorManagement } from './supervisor-management.js';
import { createManagement } from './supervisor-management.js';
import type { ChildStart, TreePath } from './tree-registry.js';
import { TreeRegistry } from './tree-registry.js';
import { logTreeEvent } from './tree-log.js';
import { WorkerLife } from './worker-life.js';

/** The most bytes of arguments that wait to be sent to one worker: what a program can be expected to have in memory for it. */
const WAITING_BYTES_MAX: number = 256 * 1024 * 1024;
/** The most bytes of arguments that are with one worker, and one call more: well below what its mailbox takes. */
const SENT_BYTES_MAX: number = 64 * 1024 * 1024;
/** How long the keeper may take to commit what it has and close the store. */
const KEEPER_SHUTDOWN_MS = 30_000;
/** How long the keeper's start may take: the lock's wait comes on top. */
const KEEPER_START_TIMEOUT_MS = 60_000;
/** How long the journal of a process that does not die is read. */
const DRAIN_TIMEOUT_MS = 1_000;

const realPorts: RuntimePorts = {
  processes: processPort,
  faults: () => [],
  killWaitMs: undefined,
  drainTimeoutMs: DRAIN_TIMEOUT_MS,
};

/** A table of the runtime: the worker that declares it, its name there, and what it is. */
export interface TableListing {
  readonly worker: string;
  readonly table: string;
  readonly info: TableInfo;
}

/** How a runtime is closed. */
export interface CloseOptions {
  /** How long it may take, in milliseconds. Default: the runtime's `shutdownDeadlineMs`. */
  readonly deadlineMs?: number;
}

/** A running runtime. */
export interface Runtime extends AsyncDisposable {
  /** The handle of a worker of the tree. Throws WorkerReferenceError ERR_WORKER_UNKNOWN for a reference that is not in it. */
  worker<Definition extends AnyWorkerDefinition>(reference: WorkerReference<Definition>): WorkerHandle<Definition>;
  /** The handles of the partitions of a worker of the tree. Throws WorkerReferenceError ERR_WORKER_UNKNOWN for what is not in it. */
  partitioned<Definition extends AnyWorkerDefinition>(
    reference: PartitionedReference<Definition>,
  ): PartitionedHandle<Definition>;
  /** The management of a supervisor of the tree. Throws WorkerReferenceError ERR_WORKER_UNKNOWN for one that is not in it. */
  supervisor(reference: SupervisorReference): SupervisorManagement;
  /**
   * The table that has a runtime-wide name, whoever owns it at the moment (ets:whereis/1); undefined when there is none. The
   * type of its definition is given by the caller, as `typeof accounts`. Rejects like a read.
   */
  whereis<Definition extends AnyTableDefinition = AnyTableDefinition>(
    name: string,
    options?: CallOptions,
  ): Promise<RemoteTable<Definition> | undefined>;
  /** Every table that has an heir, of all workers (ets:all/0), in the order in which they came to their owners. */
  tables(options?: CallOptions): Promise<readonly TableListing[]>;
  /**
   * Tells a listener of the end of each life of a worker from now on, those that are followed by a restart included, and at once,
   * with the reason `'noproc'`, of a worker that is down. The function that comes back ends that. A listener that throws is logged.
   * Throws WorkerReferenceError ERR_WORKER_UNKNOWN.
   */
  monitor(reference: WorkerReference, listener: (down: WorkerDown) => void): () => void;
  /** A registry of names. Throws WorkerError ERR_WORKER_REGISTRY for one that the option `registries` does not name. */
  registry(name: string): RegistryHandle;
  /** The calls and casts that were given up. */
  readonly deadLetters: DeadLetters;
  /** Subscribes to an event; the function that comes back unsubscribes. A listener that throws is logged. */
  on<Event extends keyof RuntimeEvents>(event: Event, listener: (event: RuntimeEvents[Event]) => void): () => void;
  /** The process of the keeper; `pid` is undefined while there is none. */
  readonly keeper: { readonly pid: number | undefined };
  /**
   * Stops the workers in reverse start order, each after it has finished the calls it has, then the keeper. Calls made from now
   * on are rejected with ERR_RUNTIME_CLOSED. Resolves when nothing of the runtime is left, also when it is called again.
   *
   * With a deadline, whatever is left of it then is killed: the workers first, also those whose `shutdown` is `'infinity'`, then the
   * keeper. Nothing acknowledged is lost; calls that were still open are rejected, and their `outcome` says what is known of them.
   * A later call with an earlier deadline shortens it. Rejects with ERR_RUNTIME_OPTION for a deadline that is none.
   */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Starts a runtime: opens the store, starts the keeper and every worker of the tree, and gives each its tables back.
 *
 * Rejects with RuntimeError or WorkerReferenceError for wrong options and modules; with the keeper's StoreError when the store
 * cannot be opened (ERR_STORE_LOCKED, ERR_STORE_DIRECTORY, ERR_STORE_DAMAGED, ERR_STORE_DISK_FULL, ERR_STORE_VERSION,
 * ERR_STORE_TABLE_MISMATCH); with ERR_WORKER_MODULE or ERR_WORKER_INIT, and the worker's own
 * error as the cause, when its module or its `init` throws; with ERR_SUPERVISOR_START_TIMEOUT when that takes too long.
 */
export function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  return startRuntimeWith(options, {});
}

/** Starts a runtime with other ports than the real ones, for tests. */
export async function startRuntimeWith(options: RuntimeOptions, ports: Partial<RuntimePorts>): Promise<Runtime> {
  if (isInsideWorkerProcess()) {
    throw new RuntimeError(
      'ERR_RUNTIME_NESTED',
      'A worker cannot start a runtime: it would write to a store of its own.',
    );
  }
  const checked = checkOptions(options);
  const allPorts = { ...realPorts, ...ports };
  const processes = inDirectory(allPorts.processes, workingDirectory());
  const socketDirectory = await createSocketDirectory();
  let runtime: HeirloomRuntime;
  try {
    runtime = new HeirloomRuntime(checked, { ...allPorts, processes }, socketDirectory);
  } catch (error) {
    await rm(socketDirectory, { recursive: true, force: true });
    throw error;
  }
  await runtime.start();
  return runtime;
}

function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    const message = 'The working directory of this program is gone. Change to one that exists before startRuntime.';
    throw new RuntimeError('ERR_RUNTIME_START', message, {}, { cause });
  }
}

/** Starts processes where the runtime was started, also when the program has changed its working directory since. */
function inDirectory(port: ProcessPort, cwd: string): ProcessPort {
  return { spawn: (options) => port.spawn({ cwd, ...options }) };
}

class HeirloomRuntime implements Runtime {
  readonly #events: EventHub;
  readonly #router: Router;
  readonly #keepers: KeeperSource;
  readonly #registry: TreeRegistry;
  readonly #kept: KeptChildren;
  readonly #tree: SupervisionTree<ChildStart>;
  readonly deadLetters: DeadLetters;
  readonly #rootPath: TreePath;
  /** The significant child whose end ends the runtime. */
  #lastSignificant = '';
  #closing: Promise<void> | undefined;
  readonly #shutdownDeadlineMs: number | undefined;
  readonly #deadline: ShutdownDeadline = new ShutdownDeadline({
    killWorkers: () => this.#killWorkers(),
    killKeeper: () => this.#killKeeper(),
  });

  constructor(options: CheckedOptions, ports: RuntimePorts, socketDirectory: string) {
    const { logger, limits, seed } = options;
    logger.info({ seed }, 'the runtime starts; with this seed the waits before restarts are the same');
    this.#events = new EventHub((event, err) => logger.error({ event, err }, 'a listener threw'));
    const { driver, heartbeat } = options;
    const registries = new Registries(options.registries);
    this.#router = new Router(socketDirectory, ports, logger, this.#events, driver, heartbeat, registries);
    this.deadLetters = new DeadLetterDesk(this.#router);
    this.#keepers = new KeeperSource(this.#router, { directory: options.directory, ...options.keeper });
    this.#registry = new TreeRegistry(this.#router, {
      waitingMax: limits.waitingCallsMax,
      waitingBytesMax: WAITING_BYTES_MAX,
      sentMax: limits.sentCallsMax,
      sentBytesMax: SENT_BYTES_MAX,
      triesMax: limits.callTriesMax,
      suspectWindow: SUSPECT_WINDOW,
    });
    this.#registry.admit(options.root, [TOP_ID]);
    this.#shutdownDeadlineMs = options.shutdownDeadlineMs;
    this.#kept = new KeptChildren(this.#router, this.#registry);
    this.#rootPath = [TOP_ID, this.#registry.idOf(options.root)];
    this.#tree = new SupervisionTree<ChildStart>(wholeTree(options, this.#registry), {
      driver: this.#driver(),
      seed,
      restartLimit: options.restartLimit,
      ...(ports.killWaitMs === undefined ? {} : { killWaitMs: ports.killWaitMs }),
      onEvent: (event) => this.#observe(event),
      specOf: this.#kept.specOf,
      onReply: this.#kept.answered,
      onFailure: (error) => this.#failed(error),
      onShutdown: () => this.#ended(),
    });
  }

  get keeper(): { readonly pid: number | undefined } {
    return { pid: this.#keepers.pid };
  }

  async start(): Promise<void> {
    try {
      await this.#router.open();
      await this.#tree.start();
    } catch (error) {
      this.#closing = this.#tearDown();
      await this.#closing;
      throw rootCause(error);
    }
  }

  worker<Definition extends AnyWorkerDefinition>(reference: WorkerReference<Definition>): WorkerHandle<Definition> {
    const name = (reference as WorkerReference | undefined)?.name;
    const registered = this.#registry.worker(String(name));
    if (registered !== undefined && this.#kept.standsFor(registered.reference, reference))
      return createHandle(this.#router, registered.slot, {});
    const names = this.#registry.workers.map((worker) => worker.reference.name).join(', ');
    throw new WorkerReferenceError(
      'ERR_WORKER_UNKNOWN',
      `Worker ${String(name)} is not in this runtime's tree, which has ${names}. ` +
        'Use the reference that the tree was made from, or that it was added by.',
      { worker: name },
    );
  }

  partitioned<Definition extends AnyWorkerDefinition>(
    reference: PartitionedReference<Definition>,
  ): PartitionedHandle<Definition> {
    const isKnown = this.#registry.supervisor(reference) !== undefined && Object.hasOwn(reference, 'name');
    if (isKnown) return createPartitionedHandle(reference, (child) => this.worker(child), {});
    const message = "These partitions are not in the runtime's tree. Use the reference that partitioned(…) gave.";
    throw new WorkerReferenceError('ERR_WORKER_UNKNOWN', message);
  }

  supervisor(reference: SupervisorReference): SupervisorManagement {
    const path = this.#registry.supervisor(reference);
    if (path !== undefined)
      return createManagement(reference, path, this.#tree.supervisor(path), this.#registry, this.#kept);
    throw new WorkerReferenceError(
      'ERR_WORKER_UNKNOWN',
      "This supervisor is not in the runtime's tree. Use the reference that the tree was made from, or that it was added by.",
      {},
    );
  }

  async whereis<Definition extends AnyTableDefinition = AnyTableDefinition>(
    name: string,
    options: CallOptions = {},
  ): Promise<RemoteTable<Definition> | undefined> {
    checkCallOptions(options);
    if (typeof name !== 'string') throw wrongOption('name of a table', name, 'must be a string');
    const question = this.#router.link.ask({ type: 'whereis', name });
    // The keeper's answer to whereis.
    const found = (await new ReadDeadline('runtime.whereis', options).wait(question)) as TableIdentity | undefined;
    const { worker, table } = found ?? this.#unstored(name) ?? {};
    const slot = worker === undefined ? undefined : this.#router.tables.slot(worker);
    if (slot === undefined || table === undefined) return undefined;
    // Every operation is there; the definition is what the caller says.
    return createTable(this.#router, slot, table, options) as RemoteTable<Definition>;
  }

  /** The keeper knows nothing of tables that survive nothing. */
  #unstored(name: string): TableIdentity | undefined {
    for (const { slot } of this.#registry.workers) {
      const isNamed = ({ publicName, survives }: TableDeclaration): boolean =>
        publicName === name && survives === 'nothing';
      const declaration = slot.definition?.tables.find(isNamed);
      if (declaration !== undefined) return { worker: slot.name, table: declaration.name };
    }
    return undefined;
  }

  async tables(options: CallOptions = {}): Promise<readonly TableListing[]> {
    checkCallOptions(options);
    const question = this.#router.link.ask({ type: 'tables' });
    // The keeper's answer to tables.
    return (await new ReadDeadline('runtime.tables', options).wait(question)) as readonly TableListing[];
  }

  monitor(reference: WorkerReference, listener: (down: WorkerDown) => void): () => void {
    return monitorWorker(this.#events, this.#router.lives, this.worker(reference).name, listener);
  }

  registry(name: string): RegistryHandle {
    return createRegistryHandle(this.#router.registries.registry(name), (worker) => {
      const slot = this.#router.tables.slot(worker);
      return slot && createHandle(this.#router, slot, {});
    });
  }

  on<Event extends keyof RuntimeEvents>(event: Event, listener: (event: RuntimeEvents[Event]) => void): () => void {
    return this.#events.on(event, listener);
  }

  async close(options: CloseOptions = {}): Promise<void> {
    checkOptionNames('close', options, ['deadlineMs']);
    const deadlineMs = checkDeadline('deadlineMs', options.deadlineMs) ?? this.#shutdownDeadlineMs;
    this.#closing ??= this.#close();
    this.#deadline.arm(deadlineMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** How the supervision tree starts its children. */
  #driver(): ChildDriver<ChildStart> {
    return {
      start: ({ id, start, args }, context) => {
        if (start.kind === 'keeper') return this.#startKeeper();
        // An instance has its own name, and the reference of its template.
        const worker = this.#registry.worker(id);
        invariant(worker !== undefined, `worker ${id} is in the tree but was not prepared`);
        const { slot, source, life } = worker;
        // References have encoded them; an instance has its template's first.
        const given = (args ?? []) as readonly Uint8Array[];
        worker.life = new WorkerLife(this.#router, slot, source, context, life, given);
        return worker.life;
      },
    };
  }

  /** The first keeper is up when what is kept of the tree was read, before the program's root is started. */
  #startKeeper(): StartingChild {
    const keeper = this.#keepers.start();
    const { ready, exited } = keeper;
    return { ready: ready.then(() => this.#kept.load()), exited, stop: () => keeper.stop(), kill: () => keeper.kill() };
  }

  #observe(event: TreeEvent): void {
    if (!this.#isReported(event)) logTreeEvent(this.#router.logger, event);
    // With the root the whole runtime ends, which is said to open calls when it is known why.
    const isBelowRoot = event.path.length > this.#rootPath.length;
    if (event.type === 'child_ended' && event.isForgotten && isBelowRoot) this.#kept.forgotten(event.path);
    if (event.type === 'child_ended' && isBelowRoot) this.#registry.ended(event.path, event.isForgotten);
    // Handlers of workers that are stopped later may still ask it for something.
    if (event.type === 'child_exited' && isBelowRoot && this.#router.isClosing) this.#registry.ended(event.path, false);
    if (event.type === 'supervisor_stopped' && !this.#router.isClosing) this.#registry.supervisorStopped(event.path);
    if (event.type === 'supervisor_auto_shutdown') this.#shutsDown(event.path, event.child);
    const isOfAll = event.type === 'supervisor_gave_up' || event.type === 'supervisor_auto_shutdown';
    if (isOfAll && !isBelowRoot) this.#deadline.arm(this.#shutdownDeadlineMs);
    if (event.type !== 'supervisor_gave_up') return;
    // The whole path, as a supervisor of the program may have the same id.
    if (event.path.length !== 2 || event.path[1] !== KEEPER_SUPERVISOR_ID) return;
    // Without a keeper to come, whatever waits for one would wait for ever, and with it the stop of the workers.
    this.#router.link.fail(rootCause(event.error));
    this.#endCalls(failureOf(event.error));
    for (const { life } of this.#registry.workers) life?.kill();
  }

  /** Ends of workers' lives have reports of their own. */
  #isReported(event: TreeEvent): boolean {
    if (event.type !== 'child_exited' && event.type !== 'child_start_failed') return false;
    const restarts = this.#tree.supervisor(event.path.slice(0, -1)).restartCount();
    return this.#router.exits.ended(event, restarts);
  }

  #shutsDown(path: TreePath, child: string): void {
    if (path.length !== this.#rootPath.length) return;
    // The whole runtime ends, so no table goes to an heir.
    this.#lastSignificant = child;
    this.#router.isClosing = true;
  }

  /** The deadline of the shutdown is over. */
  #killWorkers(): void {
    const workers = this.#registry.workers.flatMap(({ life, reference }) =>
      life?.isGone === false ? reference.name : [],
    );
    this.#router.logger.error(
      { workers },
      'the shutdown has exceeded its deadline; the workers that are left are killed',
    );
    // It ends for the reason that it has; without one it must have been told to.
    if (this.#closing !== undefined) void this.#tree.stop();
    this.#tree.killBelow(this.#rootPath);
  }

  /** The keeper has not ended behind the workers, or hangs, so that they cannot. */
  #killKeeper(): void {
    this.#router.logger.error({ pid: this.#keepers.pid }, 'the keeper does not end; it is killed');
    this.#router.link.fail(
      new RuntimeError('ERR_RUNTIME_CLOSED', 'The runtime was closed before its keeper answered.'),
    );
    this.#tree.killChild([TOP_ID, KEEPER_SUPERVISOR_ID]);
  }

  /** The root has shut itself down. */
  #ended(): void {
    this.#events.emit('ended', { child: this.#lastSignificant });
    this.close().catch((err: unknown) => this.#router.logger.error({ err }, 'the runtime could not be closed'));
  }

  #failed(error: SupervisorError): void {
    this.#deadline.end();
    const failure = failureOf(error);
    this.#endCalls(failure);
    this.#router.link.fail(failure);
    this.#router.logger.error({ err: failure }, 'the runtime has failed');
    this.#events.emit('failed', { error: failure });
  }

  #endCalls(failure: RuntimeError): void {
    this.#router.calls.end(failure);
    this.#rejectOpenCalls(failure);
  }

  async #close(): Promise<void> {
    this.#router.isClosing = true;
    this.#router.calls.close(new RuntimeError('ERR_RUNTIME_CLOSED', 'The runtime is closed: it takes no more calls.'));
    // Standbys first, so that none takes over while everything stops.
    await Promise.all(this.#registry.workers.map(({ source }) => source.close()));
    try {
      await Promise.race([this.#tree.stop(), this.#deadline.givenUp]);
    } finally {
      this.#deadline.end();
      await this.#tearDown();
    }
  }

  async #tearDown(): Promise<void> {
    const closed = new RuntimeError('ERR_RUNTIME_CLOSED', 'The runtime was closed.');
    await Promise.all(this.#registry.workers.map(({ source }) => source.close()));
    await this.#keepers.close();
    this.#router.calls.end(closed);
    this.#rejectOpenCalls(closed);
    this.#router.link.fail(closed);
    await this.#router.exits.settled();
    await this.#router.close();
    await rm(this.#router.socketDirectory, { recursive: true, force: true });
  }

  #rejectOpenCalls(cause: Error): void {
    const { calls } = this.#router;
    for (const { slot } of this.#registry.workers) {
      const { unsent, sent } = slot.queue.drain();
      for (const call of unsent)
        calls.fail(call, 'ERR_CALL_STOPPED', 'none', 'was not run before its runtime ended', cause);
      for (const call of sent)
        calls.fail(call, 'ERR_CALL_STOPPED', 'unknown', 'was open when its runtime ended', cause);
    }
  }
}

function wholeTree(options: CheckedOptions, { idOf }: TreeRegistry): SupervisorSpec<ChildStart> {
  const { intensity, periodMs, lockWaitMs } = options.keeper;
  return topSupervisor<ChildStart>({
    keeper: {
      type: 'worker',
      id: 'keeper',
      shutdown: KEEPER_SHUTDOWN_MS,
      startTimeoutMs: KEEPER_START_TIMEOUT_MS + lockWaitMs,
      start: { kind: 'keeper' },
    },
    keeperIntensity: intensity,
    keeperPeriodMs: periodMs,
    root: supervisorSpec(options.root, idOf),
  });
}

function failureOf(error: unknown): RuntimeError {
  const cause = rootCause(error);
  const message = `The runtime has failed, as its supervision tree gave up: ${cause.message} Nothing acknowledged is lost; start it again.`;
  return new RuntimeError('ERR_RUNTIME_FAILED', message, {}, { cause });
}
