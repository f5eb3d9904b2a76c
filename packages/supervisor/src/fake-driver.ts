/** A driver for tests: its children live in memory and do what the test tells them. */
import type { ChildDriver, StartContext, StartingChild } from './child-driver.js';
import type { ChildExit } from './child-exit.js';
import type { ChildSpec } from './child-spec.js';

/** How a fake child behaves when nobody tells it otherwise. */
export interface FakeBehaviour {
  /** Whether it becomes ready by itself. Default true. */
  readonly isReady?: boolean;
  /** Whether it exits with `shutdown` when asked to stop. Default true. */
  readonly stops?: boolean;
  /** Whether it exits with `killed` when killed. Default true. */
  readonly dies?: boolean;
}

/** One incarnation of a fake child. */
export class FakeChild implements StartingChild {
  readonly id: string;
  readonly context: StartContext;
  readonly ready: Promise<void>;
  readonly exited: Promise<ChildExit>;
  /** What the supervisor has asked of it, in order. */
  readonly asked: ('stop' | 'kill')[] = [];
  readonly #behaviour: FakeBehaviour;
  #isAlive = true;
  #resolveReady: () => void = () => {};
  #rejectReady: (error: Error) => void = () => {};
  #resolveExited: (exit: ChildExit) => void = () => {};

  constructor(id: string, context: StartContext, behaviour: FakeBehaviour) {
    this.id = id;
    this.context = context;
    this.#behaviour = behaviour;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.exited = new Promise((resolve) => {
      this.#resolveExited = resolve;
    });
    if (behaviour.isReady ?? true) this.up();
  }

  /** Whether it has not exited. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Becomes ready. */
  up(): void {
    this.#resolveReady();
  }

  /** Reports that its start failed; it is still alive. */
  failStart(error: Error): void {
    this.#rejectReady(error);
  }

  /** Ends, once; later calls do nothing. */
  exit(exit: ChildExit): void {
    this.#isAlive = false;
    this.#resolveExited(exit);
  }

  stop(): void {
    this.asked.push('stop');
    if (this.#behaviour.stops ?? true) this.exit({ reason: 'shutdown' });
  }

  kill(): void {
    this.asked.push('kill');
    if (this.#behaviour.dies ?? true) this.exit({ reason: 'killed', signal: 'SIGKILL' });
  }
}

/** Starts fake children and keeps every one of them. */
export class FakeDriver<S = unknown> implements ChildDriver<S> {
  /** Every incarnation that was started, in order. */
  readonly children: FakeChild[] = [];
  readonly #behaviourOf: (spec: ChildSpec<S>, context: StartContext) => FakeBehaviour;

  /** `behaviourOf` says how each incarnation behaves; what it throws is a failed start. */
  constructor(behaviourOf: (spec: ChildSpec<S>, context: StartContext) => FakeBehaviour = () => ({})) {
    this.#behaviourOf = behaviourOf;
  }

  start(spec: ChildSpec<S>, context: StartContext): StartingChild {
    const child = new FakeChild(spec.id, context, this.#behaviourOf(spec, context));
    this.children.push(child);
    return child;
  }

  /** The last incarnation of the child of this id; throws when there was none. */
  last(id: string): FakeChild {
    const child = this.children.findLast((candidate) => candidate.id === id);
    if (child === undefined) throw new Error(`No child "${id}" was started.`);
    return child;
  }

  /** The incarnations that have not exited. */
  get alive(): readonly FakeChild[] {
    return this.children.filter((child) => child.isAlive);
  }
}
