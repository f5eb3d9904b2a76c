/**
 * References: how a program names its workers and arranges them in a tree.
 *
 * A reference is plain data and carries the type of the worker's definition, so that handles made from it are typed from the
 * worker's own module without loading that module here.
 */
import { DEPTH_MAX } from '@heirloom/supervisor';
import type {
  AnySpec,
  AutoShutdown,
  Backoff,
  ChildSpec,
  RestartType,
  Shutdown,
  Strategy,
  SupervisorSpec,
} from '@heirloom/supervisor';
import type { AnyWorkerDefinition, ArgsOf, Partition } from '@heirloom/worker';
import { partitionIn, partitionName } from '@heirloom/worker/process-url';
import { fileURLToPath } from 'node:url';
import { checkHeartbeat, HEARTBEAT_TIMEOUT_DEFAULT_MS } from './heartbeat.js';
import type { HeartbeatSettings } from './heartbeat.js';
import type { HeartbeatOptions } from './heartbeat-monitor.js';
import { checkOptionNames, trueOrFalse, wrongOption } from './option-check.js';
import type { ArgsOption, FirstArgs } from './worker-args.js';
import { encodeArgs } from './worker-args.js';
import { checkDriver, checkDriverOptions, checkResourceLimits } from './worker-driver.js';
import type { WorkerDriver, WorkerResourceLimits } from './worker-driver.js';

/** How a worker is run and supervised. All times are in milliseconds. */
export interface WorkerOptions {
  /** What it runs in. Default: the runtime's `driver`, which is `'process'` by default. */
  readonly driver?: WorkerDriver;
  /** Whether it is restarted after an exit: always, only after one that is not clean, or never. Default `'permanent'`. */
  readonly restart?: RestartType;
  /** Whether its supervisor may end when it ends by itself and is not restarted; see `autoShutdown`. Default false. */
  readonly significant?: boolean;
  /** How its restarts are spread out when it dies again and again. Default: as its supervisor says. */
  readonly backoff?: Backoff | 'none';
  /** How long an orderly stop may take before SIGKILL. Default 5,000. */
  readonly shutdown?: Shutdown;
  /** How long a start may take, loading of the module and `init` included. Default 30,000. */
  readonly startTimeoutMs?: number | 'infinity';
  /** Whether a started process with the module loaded waits to take over. Default true, under `'inline'` false; without it a restart takes a process start longer. */
  readonly standby?: boolean;
  /** Options for Node in the worker's process, such as `['--max-old-space-size=512']`. The program's own are not inherited. */
  readonly execArgv?: readonly string[];
  /** Limits on the memory of a worker with the driver `'thread'`. Default: Node's. */
  readonly resourceLimits?: WorkerResourceLimits;
  /** Environment variables of the worker's process besides the program's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** How it is noticed that the worker hangs outside of its handlers; false for not at all. Default: what the runtime's says. */
  readonly heartbeat?: HeartbeatSettings | false;
}

declare const definitionType: unique symbol;

/** Names a worker of the tree: its place as a child, and the key for `runtime.worker`. */
export interface WorkerReference<Definition extends AnyWorkerDefinition = AnyWorkerDefinition> {
  readonly kind: 'worker';
  readonly name: string;
  readonly module: URL;
  readonly options: WorkerOptions & { readonly args?: FirstArgs<Definition> };
  /** Only a type: the definition that the module exports by default. */
  readonly [definitionType]?: Definition;
}

/** How a supervisor treats its children. */
export interface SupervisorOptions {
  /**
   * Who is restarted when one of its children is: that one alone; all; it and those after it. A `'simple_one_for_one'` has one
   * child, a template, which is not started: its instances are, at run time, with `startInstance`.
   */
  readonly strategy: Strategy;
  /** How many restarts are allowed within `periodMs`; one more and the supervisor gives up. Default 1. */
  readonly intensity?: number;
  /** Default 5,000. */
  readonly periodMs?: number;
  /**
   * How restarts of its children are spread out when they die again and again: the first is at once, the next ones wait, longer and
   * longer. A wait counts against `intensity` when it begins. Default `'none'`: all are at once, as in OTP.
   */
  readonly backoff?: Backoff | 'none';
  /** What its own supervisor does when it ends. Default `'permanent'`. */
  readonly restart?: RestartType;
  /** How long it may take to stop its children before they are killed. Default `'infinity'`: each has a time of its own. */
  readonly shutdown?: Shutdown;
  /** Whether its own supervisor may end when it ends by itself and is not restarted. Default false. */
  readonly significant?: boolean;
  /** Whether it ends, with all its children, when the first or the last significant one has ended. Default `'never'`. */
  readonly autoShutdown?: AutoShutdown;
  /** The most children that it may have, those that were added included. Default 10,000. */
  readonly childrenMax?: number;
  /**
   * Whether what is asked of it at run time outlasts the program, and itself: children that were added, and instances, are
   * started again with it in their order, without those that are temporary; what was terminated stays down, also of the code's
   * children, and what was deleted away. Beyond OTP; default false. It is kept under `id`, which must be given and be the only
   * one of its kind in the tree. `{ without }` drops what is kept of children of these ids.
   */
  readonly keepChildren?: boolean | { readonly without: readonly string[] };
  /** Distinguishes supervisors in events and messages. Default: its place, as in `supervisor-2`. */
  readonly id?: string;
}

/** A supervisor of the tree with its children in start order. */
export interface SupervisorReference {
  readonly kind: 'supervisor';
  readonly options: SupervisorOptions;
  readonly children: readonly ChildReference[];
}

export type ChildReference = WorkerReference | SupervisorReference;

const WORKER_OPTIONS = [
  'driver',
  'restart',
  'significant',
  'backoff',
  'shutdown',
  'startTimeoutMs',
  'standby',
  'execArgv',
  'resourceLimits',
  'env',
  'heartbeat',
  'args',
];
const SUPERVISOR_OPTIONS = [
  'strategy',
  'intensity',
  'periodMs',
  'backoff',
  'restart',
  'shutdown',
  'significant',
  'autoShutdown',
  'childrenMax',
  'keepChildren',
  'id',
];
/** The longest id of a supervisor that keeps children: it is in each of their records. */
const KEPT_ID_CHARS_MAX = 256;
/** Every reference that was made here: the tree is made of nothing else, so it has no cycles. */
const references = new WeakSet<object>();
const argsOfWorkers = new WeakMap<WorkerReference, readonly Uint8Array[]>();

/** Workers have names that are short, printable and can be part of a process title. */
const WORKER_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}$/;

/**
 * Names a worker: `worker<typeof bankWorker>('bank', new URL('./bank.worker.js', import.meta.url))`.
 *
 * @param name unique in the tree; its tables in the store belong to this name.
 * @param module the file URL of the module whose default export is the definition. Where only the `.ts` of a `.js` exists, that is loaded.
 * @param options how it is run, and `args`: what its definition's `args` says, up to 64 KiB, which every life of it finds in the
 * context of its `init` and its handlers. Those of a template may be the first ones only: its instances bring the others.
 * @throws RuntimeError ERR_RUNTIME_OPTION.
 */
export function worker<Definition extends AnyWorkerDefinition>(
  name: string,
  module: URL,
  ...[options]: [] extends ArgsOf<Definition>
    ? [options?: WorkerOptions & ArgsOption<Definition>]
    : [options: WorkerOptions & ArgsOption<Definition>]
): WorkerReference<Definition> {
  checkNoPartition(name);
  return makeWorker(name, module, options ?? {});
}

/** As `worker`, of a definition whose arguments are not known here. */
export function makeWorker<Definition extends AnyWorkerDefinition>(
  name: string,
  module: URL,
  options: WorkerReference['options'],
): WorkerReference<Definition> {
  if (typeof name !== 'string' || !WORKER_NAME.test(name)) {
    const what = 'must have 1 to 64 letters, digits and _ . : - with a letter, digit or _ first';
    throw wrongOption('name of a worker', name, what);
  }
  return workerReference(name, module, options);
}

/** Only partitions have names of partitions. */
function checkNoPartition(name: unknown): void {
  if (typeof name !== 'string' || partitionIn(name) === undefined) return;
  throw wrongOption('name of a worker', name, 'is that of a partition: make it with partitioned(…)');
}

/** Names one partition of a worker. Throws as `worker` does. */
export function partitionReference<Definition extends AnyWorkerDefinition>(
  partition: Partition,
  module: URL,
  options: WorkerReference['options'],
): WorkerReference<Definition> {
  const name = partitionName(partition);
  if (typeof partition.of !== 'string' || !WORKER_NAME.test(name)) {
    const what = `must be the name of a worker, with room for ${name.length - partition.of.length} more characters`;
    throw wrongOption('name of partitions', partition.of, what);
  }
  return workerReference(name, module, options);
}

function workerReference<Definition extends AnyWorkerDefinition>(
  name: string,
  module: URL,
  options: WorkerReference['options'],
): WorkerReference<Definition> {
  checkModule(name, module);
  checkWorkerOptions(name, options);
  const args = encodeArgs(name, options.args ?? []);
  const reference = registerReference({
    kind: 'worker' as const,
    name,
    module,
    options: Object.freeze({ ...options }),
  });
  argsOfWorkers.set(reference, args);
  return reference as WorkerReference<Definition>; // The arguments are those of `worker`, or of an instance.
}

/** Freezes a reference and lets it be part of a tree. */
export function registerReference<Reference extends ChildReference>(reference: Reference): Reference {
  references.add(Object.freeze(reference));
  return reference;
}

/** What a worker is given, as it was when its reference was made. */
export function argsOf(reference: WorkerReference): readonly Uint8Array[] {
  return argsOfWorkers.get(reference) ?? [];
}

function checkModule(name: string, module: URL): void {
  const option = `module of worker ${name}`;
  const advice = `must be the URL of a file: pass new URL('./${name}.worker.js', import.meta.url)`;
  if (!(module instanceof URL) || module.protocol !== 'file:') throw wrongOption(option, module, advice);
  try {
    fileURLToPath(module);
  } catch {
    // It has a host, or an encoded slash.
    throw wrongOption(option, module.href, advice);
  }
}

/** What the supervision tree does not check of a worker's options. */
function checkWorkerOptions(name: string, options: WorkerOptions): void {
  checkOptionNames(`worker ${name}`, options, WORKER_OPTIONS);
  const { driver, standby, execArgv = [], resourceLimits, env = {} } = options;
  checkDriver(`driver of worker ${name}`, driver);
  if (driver !== undefined) checkDriverOptions(name, driver, { ...options });
  checkResourceLimits(name, resourceLimits);
  trueOrFalse(`standby of worker ${name}`, standby, true);
  heartbeatOf(name, options.heartbeat);
  if (!Array.isArray(execArgv) || !execArgv.every(isArgument)) {
    throw wrongOption(
      `execArgv of worker ${name}`,
      execArgv,
      "must be an array of strings, as ['--max-old-space-size=512']",
    );
  }
  // Whatever it is, its properties may be listed.
  const isRecord = typeof env === 'object' && (env as unknown) !== null && !Array.isArray(env);
  if (isRecord && Object.values(env).every((value: unknown) => value === undefined || isArgument(value))) return;
  throw wrongOption(`env of worker ${name}`, env, 'must be an object of strings');
}

/** What a worker says of its own heartbeat; undefined for none. Throws RuntimeError ERR_RUNTIME_OPTION. */
export function heartbeatOf(name: string, settings: WorkerOptions['heartbeat']): HeartbeatOptions | undefined {
  return checkHeartbeat(`heartbeat of worker ${name}`, settings, HEARTBEAT_TIMEOUT_DEFAULT_MS);
}

/** The operating system ends arguments and variables at a zero byte. */
function isArgument(value: unknown): boolean {
  return typeof value === 'string' && !value.includes('\0');
}

/** Arranges children under a supervisor, in start order. They are stopped in the opposite order. */
export function supervisor(options: SupervisorOptions, children: readonly ChildReference[]): SupervisorReference {
  checkOptionNames('supervisor', options, SUPERVISOR_OPTIONS);
  if (!Array.isArray(children)) throw wrongOption('children of a supervisor', children, 'must be an array');
  const wrong = children.find((child: unknown) => !references.has(child as object));
  if (wrong !== undefined || children.includes(undefined)) {
    throw wrongOption('children of a supervisor', wrong, 'must all be made by worker(…) or supervisor(…)');
  }
  checkKeepChildren(options);
  if (options.strategy === 'simple_one_for_one' && children.some((child) => child.kind === 'supervisor')) {
    throw wrongOption(
      'children of a simple_one_for_one supervisor',
      'a supervisor',
      'must be one worker, the template',
    );
  }
  const reference: SupervisorReference = {
    kind: 'supervisor',
    options: Object.freeze({ ...options }),
    children: Object.freeze([...(children as readonly ChildReference[])]), // All of them were just found to be references.
  };
  if (depthOf(reference) > DEPTH_MAX - 1) {
    throw wrongOption('children of a supervisor', `${DEPTH_MAX} levels`, `must have at most ${DEPTH_MAX - 1} levels`);
  }
  return registerReference(reference);
}

function checkKeepChildren({ keepChildren = false, id }: SupervisorOptions): void {
  const { without } = (typeof keepChildren === 'object' ? (keepChildren ?? {}) : { without: [] }) as {
    without?: unknown;
  };
  const isSound = typeof keepChildren === 'boolean' || typeof keepChildren === 'object';
  if (!isSound || !Array.isArray(without) || !without.every((child: unknown) => typeof child === 'string')) {
    throw wrongOption(
      'keepChildren of a supervisor',
      keepChildren,
      "must be true, false or { without: ['the id of a child'] }",
    );
  }
  if (keepChildren === false || (typeof id === 'string' && id !== '' && id.length <= KEPT_ID_CHARS_MAX)) return;
  throw wrongOption(
    'id of a supervisor with keepChildren',
    id,
    `must have 1 to ${KEPT_ID_CHARS_MAX} characters: its children are kept under it`,
  );
}

/** Whether a value came from `worker` or `supervisor`. */
export function isReference(value: unknown): value is ChildReference {
  // A WeakSet may be asked for anything.
  return references.has(value as object);
}

/** Whether a value came from `supervisor`. */
export function isSupervisorReference(value: unknown): value is SupervisorReference {
  return isReference(value) && value.kind === 'supervisor';
}

function depthOf({ children }: SupervisorReference): number {
  return (
    1 + children.reduce((deepest, child) => Math.max(deepest, child.kind === 'supervisor' ? depthOf(child) : 0), 0)
  );
}

/** How long a worker's start may take unless its reference says otherwise: a large module and a long `init` included. */
export const START_TIMEOUT_DEFAULT_MS = 30_000;

/** A child as the supervisor package takes it; `start` of each worker is its reference, and `idOf` names supervisors. */
export function specOf(
  child: ChildReference,
  idOf: (reference: SupervisorReference) => string,
): AnySpec<WorkerReference> {
  return child.kind === 'supervisor' ? supervisorSpec(child, idOf) : workerSpec(child);
}

/** A supervisor with all that is below it, as the supervisor package takes it. */
export function supervisorSpec(
  reference: SupervisorReference,
  idOf: (reference: SupervisorReference) => string,
): SupervisorSpec<WorkerReference> {
  const { id: _id, keepChildren: _keep, ...options } = reference.options;
  const id = idOf(reference);
  return { type: 'supervisor', ...options, id, children: reference.children.map((child) => specOf(child, idOf)) };
}

function workerSpec(reference: WorkerReference): ChildSpec<WorkerReference> {
  const { restart, significant, backoff, shutdown, startTimeoutMs = START_TIMEOUT_DEFAULT_MS } = reference.options;
  return {
    type: 'worker',
    id: reference.name,
    ...(restart === undefined ? {} : { restart }),
    ...(significant === undefined ? {} : { significant }),
    ...(backoff === undefined ? {} : { backoff }),
    ...(shutdown === undefined ? {} : { shutdown }),
    startTimeoutMs,
    // A worker that does not die of SIGKILL is fenced by its epoch, so that its replacement may start.
    canAbandon: true,
    args: argsOf(reference),
    start: reference,
  };
}

/** Every worker of a child, in start order. A template is none: only its instances are. */
export function workersOf(child: ChildReference): WorkerReference[] {
  if (child.kind === 'worker') return [child];
  return child.options.strategy === 'simple_one_for_one' ? [] : child.children.flatMap(workersOf);
}

/** The templates below a child. */
export function templatesOf(child: ChildReference): WorkerReference[] {
  if (child.kind === 'worker') return [];
  if (child.options.strategy !== 'simple_one_for_one') return child.children.flatMap(templatesOf);
  return child.children.flatMap((template) => (template.kind === 'worker' ? [template] : []));
}

/** An instance of a template: under its own name, with its own arguments behind the template's. Throws as `worker` does. */
export function instanceOf<Definition extends AnyWorkerDefinition>(
  { module, options }: WorkerReference,
  name: string,
  args: readonly unknown[],
): WorkerReference<Definition> {
  checkNoPartition(name);
  return makeWorker<Definition>(name, module, { ...options, args: [...(options.args ?? []), ...args] });
}
