/**
 * The management of one supervisor of a running runtime: OTP's functions, with references in place of child specs.
 *
 * What is added to a supervisor is lost when that supervisor is restarted, and with the runtime, unless it keeps its children
 * (kept-children.ts); what its workers have stored is not, and is theirs again when they are started under the same names.
 */
import type { ChildCounts, ChildListing, StartedChild, SupervisorHandle } from '@heirloom/supervisor';
import { checkChildSpecs } from '@heirloom/supervisor';
import { invariant } from '@heirloom/tables';
import type { AnyWorkerDefinition } from '@heirloom/worker';
import { rootCause } from './errors.js';
import type { KeptChildren } from './kept-children.js';
import { isKeeping } from './kept-children.js';
import { wrongOption } from './option-check.js';
import type { ChildReference, SupervisorReference, WorkerReference } from './reference.js';
import { argsOf, instanceOf, isReference, makeWorker, specOf } from './reference.js';
import type { ChildStart, TreePath, TreeRegistry } from './tree-registry.js';
import type { InstanceArgs } from './worker-args.js';

/**
 * A supervisor of a running runtime. Everything here rejects, or throws, with SupervisorError: ERR_SUPERVISOR_NOT_FOUND for
 * what is no child of it, ERR_SUPERVISOR_STOPPED while it is down, and what is said at each function.
 */
export interface SupervisorManagement {
  /** Its own id, or the one that was made for it. */
  readonly id: string;
  /**
   * Adds a worker, or a supervisor with all its children, after the other children, and starts it. Resolves when it is up, or
   * when its `init` chose not to run: then `incarnation` is undefined, and it is kept unless it is temporary.
   * Rejects with ERR_SUPERVISOR_ALREADY_STARTED, ERR_SUPERVISOR_ALREADY_PRESENT, ERR_SUPERVISOR_MAX_CHILDREN,
   * ERR_SUPERVISOR_SPEC, ERR_WORKER_DUPLICATE, or as `startRuntime` does when it does not start; it is forgotten then.
   */
  startChild(child: ChildReference): Promise<StartedChild>;
  /**
   * Starts an instance of the template of a simple_one_for_one supervisor, as a worker of this name. Resolves with its
   * reference when it is up, or when its `init` chose not to run: then it is forgotten, and calls to it are rejected with
   * ERR_CALL_STOPPED. Its arguments are those of the template and then these. Rejects like `startChild`, with ERR_RUNTIME_OPTION, or with ERR_SUPERVISOR_SIMPLE_ONE_FOR_ONE for another supervisor.
   */
  startInstance<Definition extends AnyWorkerDefinition = AnyWorkerDefinition>(
    name: string,
    ...args: InstanceArgs<Definition>
  ): Promise<WorkerReference<Definition>>;
  /**
   * Stops a child and keeps it down, also one that is being restarted. A temporary one and an instance are forgotten. Calls
   * to it are rejected with ERR_CALL_STOPPED; its tables can be read.
   */
  terminateChild(child: ChildReference): Promise<void>;
  /**
   * Starts a child that is down. Resolves like `startChild`. Rejects with ERR_SUPERVISOR_RUNNING, ERR_SUPERVISOR_RESTARTING, or
   * as `startRuntime` does.
   */
  restartChild(child: ChildReference): Promise<StartedChild>;
  /** Forgets a child that is down. Rejects with ERR_SUPERVISOR_RUNNING, ERR_SUPERVISOR_RESTARTING. What it stored stays. */
  deleteChild(child: ChildReference): Promise<void>;
  /** The children as they are now, the newest first. */
  whichChildren(): readonly ChildListing[];
  /** How many children there are, and how many are alive. */
  countChildren(): ChildCounts;
  /** The reference of the child of this id: a worker's name, or a supervisor's id. */
  getChildSpec(id: string): ChildReference;
  /** Throws ERR_SUPERVISOR_SPEC when these could not be children of it; starts nothing. */
  checkChildSpecs(children: readonly ChildReference[]): void;
}

/** Makes the management of the supervisor that is at `path` in the tree. */
export function createManagement(
  reference: SupervisorReference,
  path: TreePath,
  handle: SupervisorHandle<ChildStart>,
  registry: TreeRegistry,
  kept: KeptChildren,
): SupervisorManagement {
  const { strategy, autoShutdown } = reference.options;
  const idOf = (child: ChildReference): string => {
    if (!isReference(child)) throw wrongOption('child', child, 'must be made by worker(…) or supervisor(…)');
    return child.kind === 'worker' ? child.name : registry.idOf(child);
  };
  const start = async (child: ChildReference, run: () => Promise<StartedChild>): Promise<StartedChild> => {
    const id = idOf(child);
    // What is there already is refused by the supervisor, in its own words.
    const isPresent = handle.whichChildren().some((present) => present.id === id);
    const undo = isPresent ? () => {} : admit(id, child);
    try {
      return await answered(run());
    } catch (error) {
      undo();
      throw rootCause(error);
    }
  };
  const admit = (id: string, child: ChildReference): (() => void) => {
    kept.check(reference, id, child);
    const undo = registry.admit(child, path, isKeeping(reference) ? registry.addedTo(reference) : path);
    const undoAll = (): void => {
      undo();
      registry.deleted([...path, id]);
    };
    try {
      kept.restoreBelow(child, [...path, id]);
    } catch (error) {
      undoAll();
      throw error;
    }
    return undoAll;
  };
  /** What a supervisor that keeps its children has answered is stored before anyone is told. */
  const answered = async <Answer>(asked: Promise<Answer>): Promise<Answer> => {
    const answer = await asked;
    if (isKeeping(reference)) await kept.settled();
    return answer;
  };
  return {
    id: registry.idOf(reference),
    startChild: (child) => start(child, () => handle.startChild(specOf(child, registry.idOf))),
    startInstance: async <Definition extends AnyWorkerDefinition>(name: string, ...args: readonly unknown[]) => {
      const [template] = reference.children;
      const isWorker = strategy === 'simple_one_for_one' && template?.kind === 'worker';
      // Another supervisor has no template, which it says itself.
      const instance = isWorker
        ? instanceOf<Definition>(template, name, args)
        : makeWorker<Definition>(name, new URL(import.meta.url), { args });
      const own = argsOf(instance).slice(argsOf(instance).length - args.length);
      await start(instance, () => handle.startInstance(name, own));
      return instance;
    },
    terminateChild: async (child) => answered(handle.terminateChild(idOf(child))),
    restartChild: async (child) => {
      try {
        return await answered(handle.restartChild(idOf(child)));
      } catch (error) {
        throw rootCause(error);
      }
    },
    deleteChild: async (child) => {
      const id = idOf(child);
      await handle.deleteChild(id);
      registry.deleted([...path, id]);
      await answered(Promise.resolve());
    },
    whichChildren: () => handle.whichChildren(),
    countChildren: () => handle.countChildren(),
    getChildSpec: (id) => {
      handle.getChildSpec(id);
      const child = registry.referenceAt([...path, id]);
      invariant(child !== undefined, `The child ${id} is in the tree and not in its registry.`);
      return child;
    },
    checkChildSpecs: (children) => {
      for (const child of children) idOf(child);
      checkChildSpecs(
        children.map((child) => specOf(child, registry.idOf)),
        autoShutdown ?? 'never',
        path,
      );
    },
  };
}
