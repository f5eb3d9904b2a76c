/**
 * A running supervision tree: the thin shell around the decisions of supervisor-core.ts, over a driver and a clock.
 *
 * 1. The specs are checked once, before anything is started.
 * 2. `start` resolves when every child is up. When it rejects, everything that it had started is gone again.
 * 3. `stop` resolves when every child is gone, in reverse start order; each has its own shutdown time.
 * 4. When the root gives up, `tree_failed` is emitted and `onFailure` called, once, after every child is gone. When it ends
 *    because its significant children have ended, `onShutdown` is called instead.
 * 5. A broken rule (a driver or a listener that throws, a failed invariant) kills every child at once and fails the tree
 *    with ERR_SUPERVISOR_BUG, without awaiting their exits. It never throws into a timer and never ends the process.
 * 6. Whatever was asked of a supervisor is answered, at the latest when the tree ends.
 * 7. A tree that has ended cannot be started again: make another one.
 */
import { checkSpec } from './spec-check.js';
import type { ChildDriver } from './child-driver.js';
import type { ChildStateName } from './child-machine.js';
import { DURATION_MS_MAX, INTENSITY_MAX, type SupervisorSpec } from './child-spec.js';
import { realClock, type Clock } from './clock.js';
import type { ChildOperation, ChildReply } from './child-operation.js';
import { asError, SupervisorError } from './errors.js';
import { emptyTally, type RestartLimit } from './restart-limit.js';
import { SupervisorHandle } from './supervisor-handle.js';
import { SupervisorNode, type TreeContext } from './supervisor-node.js';
import type { SupervisorEvent, SupervisorPhase } from './supervisor-state.js';
import type { TreeEvent } from './tree-event.js';

/** How long a killed child may take to exit before it is reported: SIGKILL takes milliseconds, unless a disk hangs. */
export const KILL_WAIT_DEFAULT_MS = 2_000;

/** What a tree runs with. */
export interface TreeOptions<S> {
  readonly driver: ChildDriver<S>;
  /** Default: the clock of this process. */
  readonly clock?: Clock;
  /** How long an exit may take after a kill before `kill_overdue`, in milliseconds. Default 2000. */
  readonly killWaitMs?: number;
  /** How many restarts the whole tree may have before it gives up. Default: no limit, as in OTP. */
  readonly restartLimit?: RestartLimit | undefined;
  /** What the random parts of backoff follow from, with each child's path and incarnation. Default 0. */
  readonly seed?: number;
  /** Called with everything that happens, in the turn in which it happens; it must be quick and must not throw. */
  readonly onEvent?: (event: TreeEvent) => void;
  /** Gives the spec that a supervisor at `path` is started with, first or again; what it adds has been checked. Default: its own. */
  readonly specOf?: (spec: SupervisorSpec<S>, path: readonly string[]) => SupervisorSpec<S>;
  /** Called with every answer to a request, in the turn in which it is answered, before whoever has asked; it must not throw. */
  readonly onReply?: (path: readonly string[], operation: ChildOperation<S>, reply: ChildReply) => void;
  /** Called once when the tree has failed after it was up: its root gave up, or it broke a rule. It must not throw. */
  readonly onFailure?: (error: SupervisorError) => void;
  /** Called once when the tree has ended by an auto-shutdown of its root, after every child is gone. It must not throw. */
  readonly onShutdown?: () => void;
}

/** Where one child of a tree is in its life, and its children when it is a supervisor that is alive. */
export interface ChildStatus {
  readonly id: string;
  readonly type: 'worker' | 'supervisor';
  readonly state: ChildStateName;
  readonly incarnation: number;
  readonly children?: readonly ChildStatus[];
}

const STOPPED: ChildReply = { type: 'refused', reason: 'stopped' };

interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: SupervisorError): void;
}

/** Runs a tree of supervisors and workers. */
export class SupervisionTree<S> {
  readonly #context: TreeContext<S>;
  readonly #root: SupervisorNode<S>;
  readonly #rootId: string;
  readonly #options: TreeOptions<S>;
  readonly #queue: { node: SupervisorNode<S>; event: SupervisorEvent<S> }[] = [];
  readonly #started: Deferred = deferred();
  readonly #ended: Deferred = deferred();
  readonly #asked = new Map<number, (reply: ChildReply) => void>();
  #requests = 0;
  #isTaking = false;
  #isUp = false;
  #isReported = false;
  #isAskedToEnd = false;
  #failure: SupervisorError | undefined;

  /** Checks the specs and the options (ERR_SUPERVISOR_SPEC); starts nothing. */
  constructor(root: SupervisorSpec<S>, options: TreeOptions<S>) {
    checkSpec(root);
    const killWaitMs = options.killWaitMs ?? KILL_WAIT_DEFAULT_MS;
    if (!isWhole(killWaitMs, 0, DURATION_MS_MAX)) {
      const message = `killWaitMs is ${String(killWaitMs)}; use whole milliseconds from 0 to ${DURATION_MS_MAX}.`;
      throw new SupervisorError('ERR_SUPERVISOR_SPEC', message, { field: 'killWaitMs', value: killWaitMs });
    }
    this.#options = options;
    this.#rootId = root.id;
    this.#context = {
      driver: options.driver,
      clock: options.clock ?? realClock,
      killWaitMs,
      seed: options.seed ?? 0,
      tally: options.restartLimit === undefined ? undefined : emptyTally(checkLimit(options.restartLimit)),
      incarnations: new Map(),
      post: (node, event) => this.#post(node, event),
      reply: (request, reply) => this.#reply(request, reply),
      emit: (event) => options.onEvent?.(event),
      giveUp: (error) => this.#post(this.#root, { type: 'give_up', error }),
      specOf: (spec, path) => options.specOf?.(spec, path) ?? spec,
      fail: (bug) => this.#fail(bug),
    };
    this.#root = new SupervisorNode(root, [root.id], this.#context, {
      up: () => {
        this.#isUp = true;
        this.#started.resolve();
      },
      ended: (error) => this.#onEnded(error),
    });
  }

  /** The phase of the root. */
  get phase(): SupervisorPhase {
    return this.#failure?.code === 'ERR_SUPERVISOR_BUG' ? 'ended' : this.#root.state.phase;
  }

  /** The children of the root as they are now, in start order, with theirs. */
  children(): readonly ChildStatus[] {
    return statusOf(this.#root);
  }

  /** The management of one of its supervisors, by the ids from the root to it, whether it is alive at the moment or not. */
  supervisor(path: readonly string[]): SupervisorHandle<S> {
    const incarnations = this.#context.incarnations;
    return new SupervisorHandle(path, {
      state: () => (this.phase === 'ended' ? undefined : this.#find(path)?.state),
      now: () => this.#context.clock.now(),
      lastIncarnation: (id) => incarnations.get(JSON.stringify([...path, id])) ?? 0,
      ask: (operation) =>
        new Promise((resolve) => {
          const node = this.#find(path);
          if (node === undefined) return resolve(STOPPED);
          const request = (this.#requests += 1);
          this.#asked.set(request, (reply) => {
            this.#options.onReply?.(path, operation, reply);
            resolve(reply);
          });
          this.#post(node, { type: 'request', request, operation });
        }),
    });
  }

  #find([root, ...ids]: readonly string[]): SupervisorNode<S> | undefined {
    const first = root === this.#rootId ? this.#root : undefined;
    return ids.reduce<SupervisorNode<S> | undefined>((node, id) => node?.nested(id), first);
  }

  #reply(request: number, reply: ChildReply): void {
    const resolve = this.#asked.get(request);
    this.#asked.delete(request);
    resolve?.(reply);
  }

  /**
   * Starts every child, left to right. Resolves when all are up. Rejects with ERR_SUPERVISOR_START (its cause says which
   * child failed and why), or ERR_SUPERVISOR_STOPPED when the tree was stopped meanwhile or had ended before.
   */
  start(): Promise<void> {
    if (this.#root.state.phase === 'idle' && this.#failure === undefined) this.#post(this.#root, { type: 'start' });
    if (this.#isUp && this.phase === 'ended') return Promise.reject(startRejection(this.#rootId, undefined));
    return this.#started.promise;
  }

  /** Stops every child, right to left, each in its own shutdown time. Resolves when all are gone; never rejects. */
  stop(): Promise<void> {
    return this.#end({ type: 'stop' });
  }

  /** Kills every worker at once. Resolves when all are gone; never rejects. */
  kill(): Promise<void> {
    return this.#end({ type: 'kill' });
  }

  /** Kills the child at this path with all that is below it, at once. It is not restarted; where there is none, nothing happens. */
  killChild(path: readonly string[]): void {
    const parent = this.#find(path.slice(0, -1));
    const id = path.at(-1);
    if (parent !== undefined && id !== undefined) this.#post(parent, { type: 'child', id, event: { type: 'KILL' } });
  }

  /** Kills everything below the supervisor at this path, at once, so that it ends: for the reason that it had, if it had one. */
  killBelow(path: readonly string[]): void {
    const node = this.#find(path);
    if (node !== undefined) this.#post(node, { type: 'kill' });
  }

  #end(event: { readonly type: 'stop' | 'kill' }): Promise<void> {
    this.#isAskedToEnd = true;
    this.#post(this.#root, event);
    return this.#ended.promise;
  }

  #post(node: SupervisorNode<S>, event: SupervisorEvent<S>): void {
    this.#queue.push({ node, event });
    if (this.#isTaking) return;
    this.#isTaking = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        if (this.#failure?.code !== 'ERR_SUPERVISOR_BUG') next.node.take(next.event);
      }
    } catch (bug) {
      this.#fail(asError(bug));
    } finally {
      this.#isTaking = false;
    }
  }

  #onEnded(error: Error | undefined): void {
    if (!this.#isUp) this.#started.reject(startRejection(this.#rootId, error));
    this.#ended.resolve();
    if (!this.#isUp) return;
    if (error === undefined) {
      if (!this.#isAskedToEnd) this.#options.onShutdown?.();
      return;
    }
    // Only this package's own errors end a supervisor; the type of a nested one's error is wider than what occurs.
    this.#report(error as SupervisorError);
  }

  #report(error: SupervisorError): void {
    this.#failure = error;
    this.#context.emit({ type: 'tree_failed', path: this.#root.path, error });
    this.#isReported = true;
    this.#options.onFailure?.(error);
  }

  #fail(bug: Error): void {
    if (this.#failure?.code === 'ERR_SUPERVISOR_BUG') return;
    const message =
      `The supervision tree "${this.#rootId}" broke one of its rules and killed its children: ${bug.message} ` +
      'Please report it, unless your own driver or listener threw.';
    const error = new SupervisorError('ERR_SUPERVISOR_BUG', message, { tree: this.#rootId }, { cause: bug });
    const isDue = this.#isUp && !this.#isReported;
    this.#failure = error;
    this.#isReported = true;
    this.#queue.length = 0;
    for (const request of this.#asked.keys()) this.#reply(request, STOPPED);
    this.#started.reject(error);
    this.#ended.resolve();
    const lastActs = [
      () => this.#root.killAll(),
      () => this.#context.emit({ type: 'tree_failed', path: this.#root.path, error }),
      () => (isDue ? this.#options.onFailure?.(error) : undefined),
    ];
    for (const act of lastActs) {
      try {
        act();
      } catch {
        // It may be what broke the rule in the first place; that is reported already, and the other acts must be done.
      }
    }
  }
}

function checkLimit(limit: RestartLimit): RestartLimit {
  const { intensity, periodMs } = limit;
  if (isWhole(intensity, 0, INTENSITY_MAX) && isWhole(periodMs, 1, DURATION_MS_MAX)) return limit;
  const message =
    `restartLimit is ${String(intensity)} restarts in ${String(periodMs)} ms; use whole numbers, at most ${INTENSITY_MAX} ` +
    `restarts and from 1 to ${DURATION_MS_MAX} ms.`;
  throw new SupervisorError('ERR_SUPERVISOR_SPEC', message, { field: 'restartLimit', value: { intensity, periodMs } });
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

function startRejection(rootId: string, error: Error | undefined): SupervisorError {
  if (error === undefined) {
    const message = `The supervision tree "${rootId}" was stopped. Make a new tree to start again.`;
    return new SupervisorError('ERR_SUPERVISOR_STOPPED', message, { tree: rootId });
  }
  const message = `The supervision tree "${rootId}" did not start. ${error.message}`;
  return new SupervisorError('ERR_SUPERVISOR_START', message, { tree: rootId }, { cause: error });
}

function statusOf<S>(node: SupervisorNode<S>): readonly ChildStatus[] {
  return node.state.children.map(({ spec, lifecycle }) => {
    const status = { id: spec.id, type: spec.type, state: lifecycle.state, incarnation: lifecycle.context.incarnation };
    const nested = node.nested(spec.id);
    return nested === undefined ? status : { ...status, children: statusOf(nested) };
  });
}

function deferred(): Deferred {
  let resolve: () => void = () => {};
  let reject: (error: SupervisorError) => void = () => {};
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Whoever calls start() is told; a tree that is stopped before anybody called it must not end the process.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
