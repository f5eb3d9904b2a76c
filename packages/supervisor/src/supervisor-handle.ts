/**
 * The management of one supervisor of a running tree (OTP's supervisor module), as promises that reject with typed errors.
 *
 * | error                              | OTP's                 | what it says                                            |
 * |------------------------------------|-----------------------|---------------------------------------------------------|
 * | ERR_SUPERVISOR_ALREADY_STARTED     | already_started       | a child of this id is alive                             |
 * | ERR_SUPERVISOR_ALREADY_PRESENT     | already_present       | there is a spec of this id, and no process              |
 * | ERR_SUPERVISOR_NOT_FOUND           | not_found             | there is no child of this id                            |
 * | ERR_SUPERVISOR_RUNNING             | running               | the child is alive; terminate it first                  |
 * | ERR_SUPERVISOR_RESTARTING          | restarting            | its restart failed and is about to be tried again       |
 * | ERR_SUPERVISOR_SIMPLE_ONE_FOR_ONE  | simple_one_for_one    | the operation is for the other kind of supervisor       |
 * | ERR_SUPERVISOR_MAX_CHILDREN        | max_children (Elixir) | it has as many children as it may                       |
 * | ERR_SUPERVISOR_STOPPED             | noproc                | the supervisor stops, has ended or is being restarted   |
 * | ERR_SUPERVISOR_CHILD_START, …_START_TIMEOUT | the start's error | the child did not start; it is not tried again      |
 * | ERR_SUPERVISOR_SPEC                | faulty specs          | refused before anything was started                     |
 *
 * A handle stays good when its supervisor is restarted. The children that were added to it are gone then, as in OTP.
 */
import type { ChildOperation, ChildRefusal, ChildReply } from './child-operation.js';
import { countChildren, getChildSpec, whichChildren, type ChildCounts, type ChildListing } from './child-report.js';
import type { AnySpec, ChildPolicy } from './child-spec.js';
import { SupervisorError, type SupervisorErrorCode } from './errors.js';
import { countedWithin, type RestartCount } from './restart-window.js';
import { checkChildSpecs } from './spec-check.js';
import type { SupervisorState } from './supervisor-state.js';

/** A child that was started, or that chose not to run. */
export interface StartedChild {
  readonly id: string;
  /** The number of its incarnation; undefined when it chose not to run. */
  readonly incarnation: number | undefined;
}

/** What a handle needs of the tree. */
export interface SupervisorPort<S> {
  /** The supervisor's state; undefined while there is no such supervisor alive. */
  state(): SupervisorState<S> | undefined;
  /** The last incarnation of its child of this id in this tree, 0 if there was none. */
  lastIncarnation(id: string): number;
  ask(operation: ChildOperation<S>): Promise<ChildReply>;
  now(): number;
}

/** One supervisor of a running tree, by its path. */
export class SupervisorHandle<S> {
  /** The ids from the root to the supervisor. */
  readonly path: readonly string[];
  readonly #port: SupervisorPort<S>;

  constructor(path: readonly string[], port: SupervisorPort<S>) {
    this.path = path;
    this.#port = port;
  }

  /** Adds a child after the others and starts it. When that fails its spec is forgotten (supervisor:start_child/2). */
  async startChild(spec: AnySpec<S>): Promise<StartedChild> {
    checkChildSpecs([spec], this.#state().spec.autoShutdown ?? 'never', this.path);
    return this.#start({ type: 'start_child', spec, lastIncarnation: this.#port.lastIncarnation(spec.id) });
  }

  /** Starts an instance of a simple_one_for_one supervisor; its arguments follow those of the template. */
  async startInstance(id: string, args: readonly unknown[] = []): Promise<StartedChild> {
    checkChildSpecs([{ type: 'worker', id, start: undefined }], 'never', this.path);
    return this.#start({ type: 'start_instance', id, args, lastIncarnation: this.#port.lastIncarnation(id) });
  }

  /**
   * Stops a child, in its shutdown time. Its spec is kept, unless it is temporary or an instance; it is not restarted until
   * somebody asks for it, or the restart of a sibling sweeps it up (supervisor:terminate_child/2).
   */
  async terminateChild(id: string): Promise<void> {
    const hasLived = this.#port.lastIncarnation(id) > 0;
    await this.#ask({ type: 'terminate_child', id, hasLived });
  }

  /** Starts a child that is stopped. When that fails its spec is kept (supervisor:restart_child/2). */
  async restartChild(id: string): Promise<StartedChild> {
    return this.#start({ type: 'restart_child', id });
  }

  /** Forgets the spec of a child that is stopped (supervisor:delete_child/2). */
  async deleteChild(id: string): Promise<void> {
    await this.#ask({ type: 'delete_child', id });
  }

  /** Its children as they are now, the newest first (supervisor:which_children/1). Throws ERR_SUPERVISOR_STOPPED. */
  whichChildren(): readonly ChildListing[] {
    return whichChildren(this.#state());
  }

  /** How many children it has (supervisor:count_children/1). Throws ERR_SUPERVISOR_STOPPED. */
  countChildren(): ChildCounts {
    return countChildren(this.#state());
  }

  /** How many restarts it has counted within its period, against those it may; undefined while it is not alive. */
  restartCount(): RestartCount | undefined {
    const window = this.#port.state()?.window;
    return window && countedWithin(window, this.#port.now());
  }

  /** The spec of a child with all defaults (supervisor:get_childspec/2). Throws ERR_SUPERVISOR_NOT_FOUND or _STOPPED. */
  getChildSpec(id: string): AnySpec<S> & ChildPolicy {
    const spec = getChildSpec(this.#state(), id);
    if (spec === undefined) throw this.#refusal(id, 'not_found');
    return spec;
  }

  #state(): SupervisorState<S> {
    const state = this.#port.state();
    if (state === undefined) throw this.#refusal(undefined, 'stopped');
    return state;
  }

  async #start(operation: ChildOperation<S>): Promise<StartedChild> {
    const reply = await this.#ask(operation);
    if (reply.type === 'started') return { id: reply.id, incarnation: reply.incarnation };
    return { id: operation.type === 'start_child' ? operation.spec.id : operation.id, incarnation: undefined };
  }

  async #ask(operation: ChildOperation<S>): Promise<ChildReply> {
    this.#state();
    const reply = await this.#port.ask(operation);
    if (reply.type === 'start_failed') throw reply.error;
    if (reply.type !== 'refused') return reply;
    throw this.#refusal(operation.type === 'start_child' ? operation.spec.id : operation.id, reply.reason);
  }

  #refusal(child: string | undefined, reason: ChildRefusal): SupervisorError {
    const supervisor = this.path.join('/');
    const [code, words] = REFUSALS[reason];
    const message = `The supervisor "${supervisor}" ${words(`"${String(child)}"`)}`;
    return new SupervisorError(code, message, { supervisor, ...(child === undefined ? {} : { child }) });
  }
}

const REFUSALS: Readonly<Record<ChildRefusal, readonly [SupervisorErrorCode, (child: string) => string]>> = {
  already_started: [
    'ERR_SUPERVISOR_ALREADY_STARTED',
    (child) => `has a child ${child} that is alive. Use that one, or give the new one another id.`,
  ],
  already_present: [
    'ERR_SUPERVISOR_ALREADY_PRESENT',
    (child) => `has a child ${child} that is not alive. Restart it, or delete it before another one takes its id.`,
  ],
  max_children: [
    'ERR_SUPERVISOR_MAX_CHILDREN',
    (child) => `has as many children as it may, so ${child} was not started. Raise childrenMax, or terminate one.`,
  ],
  not_found: [
    'ERR_SUPERVISOR_NOT_FOUND',
    (child) => `has no child ${child}. Look at whichChildren() for those it has.`,
  ],
  running: ['ERR_SUPERVISOR_RUNNING', (child) => `has a child ${child} that is alive. Terminate it first.`],
  restarting: [
    'ERR_SUPERVISOR_RESTARTING',
    (child) => `is about to restart its child ${child} once more. Terminate it first, which ends the tries.`,
  ],
  simple_one_for_one: [
    'ERR_SUPERVISOR_SIMPLE_ONE_FOR_ONE',
    (child) =>
      `is simple_one_for_one, and ${child} would need a spec of its own. Start and terminate instances instead.`,
  ],
  not_simple_one_for_one: [
    'ERR_SUPERVISOR_SIMPLE_ONE_FOR_ONE',
    (child) => `is not simple_one_for_one, so ${child} has no template. Start a child with a spec instead.`,
  ],
  stopped: [
    'ERR_SUPERVISOR_STOPPED',
    () => 'stops, has ended or is being restarted, and does nothing for its children. Ask again when it is up.',
  ],
};
