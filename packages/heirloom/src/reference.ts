/**
 * References: how a program names its workers and arranges them in a tree.
 *
 * A reference is plain data and carries the type of the worker's definition, so that handles made from it are typed from the
 * worker's own module without loading that module here.
 */
import { DEPTH_MAX } from '@heirloom/supervisor';
import type { AnySpec, ChildSpec, RestartType, Shutdown, SupervisorSpec } from '@heirloom/supervisor';
import type { AnyWorkerDefinition } from '@heirloom/worker';
import { fileURLToPath } from 'node:url';
import { checkOptionNames, trueOrFalse, wrongOption } from './option-check.js';

/** How a worker is run and supervised. All times are in milliseconds. */
export interface WorkerOptions {
  /** Whether it is restarted after an exit. Default `'permanent'`. */
  readonly restart?: RestartType;
  /** How long an orderly stop may take before SIGKILL. Default 5,000. */
  readonly shutdown?: Shutdown;
  /** How long a start may take, loading of the module and `init` included. Default 30,000. */
  readonly startTimeoutMs?: number | 'infinity';
  /** Whether a started process with the module loaded waits to take over. Default true; without it a restart takes a process start longer. */
  readonly standby?: boolean;
  /** Options for Node in the worker's process, such as `['--max-old-space-size=512']`. The program's own are not inherited. */
  readonly execArgv?: readonly string[];
  /** Environment variables of the worker's process besides the program's own. */
  readonly env?: Readonly<Record<string, string>>;
}

declare const definitionType: unique symbol;

/** Names a worker of the tree: its place as a child, and the key for `runtime.worker`. */
export interface WorkerReference<Definition extends AnyWorkerDefinition = AnyWorkerDefinition> {
  readonly kind: 'worker';
  readonly name: string;
  readonly module: URL;
  readonly options: WorkerOptions;
  /** Only a type: the definition that the module exports by default. */
  readonly [definitionType]?: Definition;
}

/** How a supervisor treats its children. */
export interface SupervisorOptions {
  readonly strategy: 'one_for_one';
  /** How many restarts are allowed within `periodMs`; one more and the supervisor gives up. Default 1. */
  readonly intensity?: number;
  /** Default 5,000. */
  readonly periodMs?: number;
  /** What its own supervisor does when it ends. Default `'permanent'`. */
  readonly restart?: RestartType;
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

const WORKER_OPTIONS = ['restart', 'shutdown', 'startTimeoutMs', 'standby', 'execArgv', 'env'];
const SUPERVISOR_OPTIONS = ['strategy', 'intensity', 'periodMs', 'restart', 'id'];
/** Every reference that was made here: the tree is made of nothing else, so it has no cycles. */
const references = new WeakSet<object>();

/** Workers have names that are short, printable and can be part of a process title. */
const WORKER_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}$/;

/**
 * Names a worker: `worker<typeof bankWorker>('bank', new URL('./bank.worker.js', import.meta.url))`.
 *
 * @param name unique in the tree; its tables in the store belong to this name.
 * @param module the file URL of the module whose default export is the definition. Where only the `.ts` of a `.js` exists, that is loaded.
 * @throws RuntimeError ERR_RUNTIME_OPTION.
 */
export function worker<Definition extends AnyWorkerDefinition>(
  name: string,
  module: URL,
  options: WorkerOptions = {},
): WorkerReference<Definition> {
  if (typeof name !== 'string' || !WORKER_NAME.test(name)) {
    const what = 'must have 1 to 64 letters, digits and _ . : - with a letter, digit or _ first';
    throw wrongOption('name of a worker', name, what);
  }
  checkModule(name, module);
  checkWorkerOptions(name, options);
  const reference = Object.freeze({ kind: 'worker' as const, name, module, options: Object.freeze({ ...options }) });
  references.add(reference);
  return reference;
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
  const { standby, execArgv = [], env = {} } = options;
  trueOrFalse(`standby of worker ${name}`, standby, true);
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
  const reference = Object.freeze({
    kind: 'supervisor' as const,
    options: Object.freeze({ ...options }),
    children: Object.freeze([...(children as readonly ChildReference[])]), // All of them were just found to be references.
  });
  if (depthOf(reference) > DEPTH_MAX - 1) {
    throw wrongOption('children of a supervisor', `${DEPTH_MAX} levels`, `must have at most ${DEPTH_MAX - 1} levels`);
  }
  references.add(reference);
  return reference;
}

/** Whether a value came from `supervisor`. */
export function isSupervisorReference(value: unknown): value is SupervisorReference {
  // A WeakSet may be asked for anything.
  return references.has(value as object) && (value as ChildReference).kind === 'supervisor';
}

function depthOf({ children }: SupervisorReference): number {
  return (
    1 + children.reduce((deepest, child) => Math.max(deepest, child.kind === 'supervisor' ? depthOf(child) : 0), 0)
  );
}

/** How long a worker's start may take unless its reference says otherwise: a large module and a long `init` included. */
export const START_TIMEOUT_DEFAULT_MS = 30_000;

/** The tree as the supervisor package takes it; `start` of each worker is its reference. */
export function treeSpec(root: SupervisorReference): SupervisorSpec<WorkerReference> {
  let supervisors = 0;
  const ofSupervisor = (reference: SupervisorReference): SupervisorSpec<WorkerReference> => {
    const { id, ...options } = reference.options;
    const ownId = id ?? `supervisor-${++supervisors}`;
    return { type: 'supervisor', ...options, id: ownId, children: reference.children.map(ofChild) };
  };
  const ofChild = (reference: ChildReference): AnySpec<WorkerReference> =>
    reference.kind === 'supervisor' ? ofSupervisor(reference) : ofWorker(reference);
  return ofSupervisor(root);
}

function ofWorker(reference: WorkerReference): ChildSpec<WorkerReference> {
  const { restart, shutdown, startTimeoutMs = START_TIMEOUT_DEFAULT_MS } = reference.options;
  return {
    type: 'worker',
    id: reference.name,
    ...(restart === undefined ? {} : { restart }),
    ...(shutdown === undefined ? {} : { shutdown }),
    startTimeoutMs,
    // A worker that does not die of SIGKILL is fenced by its epoch, so that its replacement may start.
    canAbandon: true,
    start: reference,
  };
}

/** Every worker below a supervisor, in start order. */
export function workersOf(root: SupervisorReference): WorkerReference[] {
  return root.children.flatMap((child) => (child.kind === 'worker' ? [child] : workersOf(child)));
}
