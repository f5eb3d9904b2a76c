/**
 * The driver port: how the supervision tree starts, stops and kills a worker, whatever it runs in.
 *
 * 1. `start` returns at once; what it started may be stopped and killed before it is ready.
 * 2. `exited` settles exactly once and never rejects, only when the process is really gone and nothing of its incarnation
 *    is still to come, also when the start failed.
 * 3. `stop` and `kill` may be called more than once, in any order, and after the exit; they do not throw.
 *
 * A driver that throws from `start` has started nothing: that is a failed start. A driver that breaks another rule fails
 * the whole tree with ERR_SUPERVISOR_BUG, since the tree can no longer say what is alive.
 */
import type { ChildExit } from './child-exit.js';
import type { ChildSpec } from './child-spec.js';

/** What a driver is told about the incarnation that it starts. */
export interface StartContext {
  /** Grows with every start of this child in this tree, also across restarts of its supervisors; the first is 1. */
  readonly incarnation: number;
  /** The ids from the root to the child. */
  readonly path: readonly string[];
  /** Whether this tree has started the child before. */
  readonly isRestart: boolean;
  /** Aborted as soon as the child is to go, so that a start in progress can be given up. */
  readonly signal: AbortSignal;
}

/** One incarnation of a child, from its start to its exit. */
export interface StartingChild {
  /** Resolves when the child is up; rejects when its start failed, after which it is killed and its exit awaited. */
  readonly ready: Promise<void>;
  /** Settles when the child is really gone. */
  readonly exited: Promise<ChildExit>;
  /** Asks the child to terminate in an orderly way. */
  stop(): void;
  /** Ends the child with SIGKILL or its like. */
  kill(): void;
}

/** Starts workers; one driver serves a whole tree. */
export interface ChildDriver<S = unknown> {
  start(spec: ChildSpec<S>, context: StartContext): StartingChild;
}
