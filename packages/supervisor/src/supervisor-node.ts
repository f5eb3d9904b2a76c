/**
 * The shell of one supervisor: it carries the effects of supervisor-core.ts out, and turns what drivers, timers and nested
 * supervisors report into events.
 *
 * 1. Events of the whole tree pass through one queue (`TreeContext.post`), so a step is never begun within another; they
 *    are taken in the turn in which they are posted, so a restart's `driver.start` is called in the turn in which
 *    `exited` settled, without a timer or a promise in between.
 * 2. A nested supervisor is a child like a worker: it is up when all its children are, and it exits with 'shutdown'.
 * 3. What a driver reports carries the incarnation that it was started as, so the core can tell what is stale.
 * 4. Incarnations of a child only grow, also when its supervisor is made anew: their last numbers are the tree's.
 * 5. Once it has ended, none of its timers is left.
 */
import type { ChildDriver, StartingChild } from './child-driver.js';
import type { ChildExit } from './child-exit.js';
import type { ChildEvent } from './child-machine.js';
import type { ChildReply } from './child-operation.js';
import type { AnySpec, ChildSpec, SupervisorSpec } from './child-spec.js';
import type { Clock, Timer } from './clock.js';
import { asError, type SupervisorError } from './errors.js';
import type { RestartTally } from './restart-limit.js';
import { stepSupervisor } from './supervisor-core.js';
import {
  newSupervisor,
  type SupervisorEffect,
  type SupervisorEvent,
  type SupervisorState,
} from './supervisor-state.js';
import type { TreeEvent } from './tree-event.js';

/** What the nodes of one tree share. */
export interface TreeContext<S> {
  readonly driver: ChildDriver<S>;
  readonly clock: Clock;
  readonly killWaitMs: number;
  /** What everything random in the tree follows from. */
  readonly seed: number;
  /** The last incarnation of each child, by its path as JSON. */
  readonly incarnations: Map<string, number>;
  /** The restarts of the whole tree, when it has a limit. */
  tally: RestartTally | undefined;
  /** Queues an event and, unless one is being taken, takes all that are queued. */
  post(node: SupervisorNode<S>, event: SupervisorEvent<S>): void;
  /** Hands out the answer to a request. */
  reply(request: number, reply: ChildReply): void;
  emit(event: TreeEvent): void;
  /** Has the root give up. */
  giveUp(error: SupervisorError): void;
  /** The spec that a supervisor is started with, first or again. */
  specOf(spec: SupervisorSpec<S>, path: readonly string[]): SupervisorSpec<S>;
  /** Ends the tree, because a rule was broken that it relies on. */
  fail(bug: Error): void;
}

/** Whom a supervisor reports to: its parent's node, or the tree. */
export interface NodeOwner {
  up(): void;
  ended(error?: Error): void;
}

/** A child that is alive, as far as the shell is concerned. */
interface LiveChild<S> {
  /** Set when it is a supervisor. */
  readonly node?: SupervisorNode<S>;
  stop(): void;
  kill(): void;
  timer?: Timer;
}

/** One supervisor of a running tree. */
export class SupervisorNode<S> {
  readonly path: readonly string[];
  readonly #tree: TreeContext<S>;
  readonly #owner: NodeOwner;
  readonly #live = new Map<string, LiveChild<S>>();
  /** Tries of restarts that are posted and not taken yet. */
  readonly #tries = new Set<Timer>();
  /** The waits before restarts, by child. */
  readonly #waits = new Map<string, Timer>();
  #state: SupervisorState<S>;

  constructor(spec: SupervisorSpec<S>, path: readonly string[], tree: TreeContext<S>, owner: NodeOwner) {
    this.path = path;
    this.#tree = tree;
    this.#owner = owner;
    this.#state = newSupervisor(tree.specOf(spec, path), {
      killWaitMs: tree.killWaitMs,
      seed: JSON.stringify([tree.seed, ...path]),
      lastIncarnation: (id) => tree.incarnations.get(JSON.stringify([...path, id])) ?? 0,
    });
  }

  /** The state that the last step left. */
  get state(): SupervisorState<S> {
    return this.#state;
  }

  /** The node of a nested supervisor that is alive. */
  nested(id: string): SupervisorNode<S> | undefined {
    return this.#live.get(id)?.node;
  }

  /** Takes one event; only the tree's queue calls it. */
  take(event: SupervisorEvent<S>): void {
    const { state, effects, tally } = stepSupervisor(this.#state, event, this.#tree.clock.now(), this.#tree.tally);
    this.#state = state;
    this.#tree.tally = tally;
    for (const effect of effects) this.#carryOut(effect);
  }

  /** Kills whatever is alive below, without a decision: the last resort after a bug. */
  killAll(): void {
    this.#clearRetries();
    for (const child of this.#live.values()) {
      child.timer?.clear();
      if (child.node === undefined) child.kill();
      else child.node.killAll();
    }
  }

  #carryOut(effect: SupervisorEffect<S>): void {
    switch (effect.type) {
      case 'start_child':
        this.#start(effect.spec, effect.incarnation);
        return;
      case 'stop_child':
        this.#live.get(effect.id)?.stop();
        return;
      case 'kill_child':
        this.#live.get(effect.id)?.kill();
        return;
      case 'arm':
        this.#arm(effect);
        return;
      case 'disarm':
        this.#live.get(effect.id)?.timer?.clear();
        return;
      case 'release_child':
        this.#live.delete(effect.id);
        return;
      case 'post_retry':
        this.#postRetry(effect);
        return;
      case 'reply':
        this.#tree.reply(effect.request, effect.reply);
        return;
      case 'emit':
        this.#emit(effect.event);
        return;
      case 'give_up_tree':
        this.#tree.giveUp(effect.error);
        return;
      case 'up':
        this.#owner.up();
        return;
      case 'ended':
        this.#clearRetries();
        this.#tree.emit(
          effect.error === undefined
            ? { type: 'supervisor_stopped', path: this.path }
            : { type: 'supervisor_stopped', path: this.path, error: effect.error },
        );
        this.#owner.ended(effect.error);
    }
  }

  #emit(event: Extract<SupervisorEffect<S>, { type: 'emit' }>['event']): void {
    if (event.type === 'supervisor_gave_up' || event.type === 'supervisor_auto_shutdown') {
      this.#tree.emit({ ...event, path: this.path });
      return;
    }
    const { id, ...rest } = event;
    this.#tree.emit({ ...rest, path: [...this.path, id] });
  }

  #arm({ id, incarnation, timer, delayMs }: Extract<SupervisorEffect<S>, { type: 'arm' }>): void {
    const child = this.#live.get(id);
    if (child === undefined) return;
    child.timer?.clear();
    const event: ChildEvent = { type: 'TIMER', incarnation, timer };
    child.timer = this.#tree.clock.setTimer(delayMs, () => this.#child(id, event));
  }

  #postRetry({ id, incarnation, delayMs }: Extract<SupervisorEffect<S>, { type: 'post_retry' }>): void {
    const timer = this.#tree.clock.setTimer(delayMs, () => {
      this.#tries.delete(timer);
      this.#tree.post(this, { type: 'retry', id, incarnation });
    });
    // Without a delay each is heard, whichever it was posted for (N35); of a child's waits only the latest counts.
    if (delayMs === 0) return void this.#tries.add(timer);
    this.#waits.get(id)?.clear();
    this.#waits.set(id, timer);
  }

  #clearRetries(): void {
    for (const timer of [...this.#tries, ...this.#waits.values()]) timer.clear();
    this.#tries.clear();
    this.#waits.clear();
  }

  #child(id: string, event: ChildEvent): void {
    this.#tree.post(this, { type: 'child', id, event });
  }

  #start(spec: AnySpec<S>, incarnation: number): void {
    const path = [...this.path, spec.id];
    this.#tree.incarnations.set(JSON.stringify(path), incarnation);
    if (spec.type === 'supervisor') this.#startSupervisor(spec, path, incarnation);
    else this.#startWorker(spec, path, incarnation);
  }

  #startSupervisor(spec: SupervisorSpec<S>, path: readonly string[], incarnation: number): void {
    const node: SupervisorNode<S> = new SupervisorNode(spec, path, this.#tree, {
      up: () => this.#child(spec.id, { type: 'READY', incarnation }),
      ended: (error) => {
        const exit: ChildExit = error === undefined ? { reason: 'shutdown' } : { reason: 'shutdown', error };
        this.#child(spec.id, { type: 'EXITED', incarnation, exit });
      },
    });
    this.#live.set(spec.id, {
      node,
      stop: () => this.#tree.post(node, { type: 'stop' }),
      kill: () => this.#tree.post(node, { type: 'kill' }),
    });
    this.#tree.post(node, { type: 'start' });
  }

  #startWorker(spec: ChildSpec<S>, path: readonly string[], incarnation: number): void {
    const { id } = spec;
    const abort = new AbortController();
    let child: StartingChild;
    try {
      const context = { incarnation, path, isRestart: incarnation > 1, signal: abort.signal };
      child = this.#tree.driver.start(spec, context);
    } catch (thrown) {
      // Nothing was started, so there is nothing to kill and no exit to await.
      const exit: ChildExit = { reason: 'crash', error: asError(thrown) };
      this.#child(id, { type: 'EXITED', incarnation, exit });
      return;
    }
    this.#live.set(id, {
      stop: () => {
        abort.abort();
        child.stop();
      },
      kill: () => {
        abort.abort();
        child.kill();
      },
    });
    child.ready.then(
      () => this.#child(id, { type: 'READY', incarnation }),
      (error: unknown) => this.#child(id, { type: 'START_FAILED', incarnation, error: asError(error) }),
    );
    child.exited.then(
      (exit) => this.#child(id, { type: 'EXITED', incarnation, exit }),
      (error: unknown) => this.#tree.fail(asError(error)),
    );
  }
}
