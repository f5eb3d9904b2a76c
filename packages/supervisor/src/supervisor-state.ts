/**
 * What one supervisor remembers, what happens to it and what is to be done for it: the vocabulary of supervisor-core.ts.
 * All of it is plain data but for the children's opaque `start`, the errors and the index, which follows from the rest.
 */
import type { ChildExit } from './child-exit.js';
import { ChildIndex } from './child-index.js';
import { newChild, type ChildEvent, type ChildLifecycle, type ChildTimer } from './child-machine.js';
import type { ChildReply, ChildRequest } from './child-operation.js';
import { childPolicy, INTENSITY_DEFAULT, PERIOD_DEFAULT_MS, type AnySpec, type SupervisorSpec } from './child-spec.js';
import type { SupervisorError } from './errors.js';
import { emptyWindow, type RestartWindow } from './restart-window.js';
import type { RestartPlan } from './strategy.js';
import type { LocalEvent } from './tree-event.js';

/** Where a supervisor is in its life. */
export type SupervisorPhase = 'idle' | 'starting' | 'running' | 'stopping' | 'ended';

/** One child: its spec and where it is in its life. */
export interface ChildRecord<S> {
  readonly spec: AnySpec<S>;
  readonly lifecycle: ChildLifecycle;
  /** Whether it has been up under this supervisor, or chose not to run: then a failed start of it is a failed restart. */
  readonly wasUp: boolean;
  /** Why its last restart failed, which is counted when the restart is tried again. */
  readonly failure?: StartFailure;
}

/** Why a start failed. */
export interface StartFailure {
  readonly exit: ChildExit;
  readonly error: SupervisorError;
}

/** Stops, then starts, that are still to be done; while paused, the first start awaits its `retry`. */
export interface Round extends RestartPlan {
  readonly kind: 'start_up' | 'restart' | 'shutdown' | 'request';
  readonly isPaused: boolean;
  /** For a round of the kind `request`: what is answered when it is done. */
  readonly request?: ChildRequest;
}

/** Everything a supervisor remembers. */
export interface SupervisorState<S> {
  readonly spec: SupervisorSpec<S>;
  readonly killWaitMs: number;
  readonly phase: SupervisorPhase;
  /** In start order. */
  readonly children: readonly ChildRecord<S>[];
  /** Where children are in the list; it follows from the list, and states share it. */
  readonly index: ChildIndex;
  readonly rounds: readonly Round[];
  /** Requests that have to wait, in the order in which they came. */
  readonly waiting: readonly ChildRequest<S>[];
  readonly window: RestartWindow;
  /** Set when an auto-shutdown is due as soon as it is up. */
  readonly shutdownDue?: { readonly error: SupervisorError | undefined };
  /** Why it stops, when nobody told it to. */
  readonly error?: SupervisorError;
}

/** What happens to a supervisor. */
export type SupervisorEvent<S = unknown> =
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  | { readonly type: 'kill' }
  | { readonly type: 'child'; readonly id: string; readonly event: ChildEvent }
  | { readonly type: 'retry'; readonly id: string }
  | ({ readonly type: 'request' } & ChildRequest<S>);

/** What is to be done for a supervisor, in order. */
export type SupervisorEffect<S> =
  | { readonly type: 'start_child'; readonly spec: AnySpec<S>; readonly incarnation: number }
  | { readonly type: 'stop_child' | 'kill_child' | 'disarm'; readonly id: string }
  | {
      readonly type: 'arm';
      readonly id: string;
      readonly incarnation: number;
      readonly timer: ChildTimer;
      readonly delayMs: number;
    }
  | { readonly type: 'release_child'; readonly id: string }
  | { readonly type: 'post_retry'; readonly id: string }
  | { readonly type: 'reply'; readonly request: number; readonly reply: ChildReply }
  | { readonly type: 'emit'; readonly event: LocalEvent }
  | { readonly type: 'up' }
  | { readonly type: 'ended'; readonly error?: SupervisorError };

/** What a supervisor is told about its surroundings when it is made. */
export interface SupervisorOptions {
  /** How long an exit may take after a kill before it is reported as overdue, in milliseconds. */
  readonly killWaitMs: number;
  /** The last incarnation that a child of this id has had, 0 if none. */
  readonly lastIncarnation?: (id: string) => number;
}

/** Gives back a supervisor that has not been started. The template of simple_one_for_one is no child. */
export function newSupervisor<S>(spec: SupervisorSpec<S>, options: SupervisorOptions): SupervisorState<S> {
  const { killWaitMs, lastIncarnation = () => 0 } = options;
  const specs = spec.strategy === 'simple_one_for_one' ? [] : spec.children;
  const children = specs.map((child) => newRecord(child, killWaitMs, lastIncarnation(child.id)));
  const window = emptyWindow(spec.intensity ?? INTENSITY_DEFAULT, spec.periodMs ?? PERIOD_DEFAULT_MS);
  return { spec, killWaitMs, phase: 'idle', children, index: new ChildIndex(), rounds: [], waiting: [], window };
}

/** Gives back a child that has not been started. */
export function newRecord<S>(spec: AnySpec<S>, killWaitMs: number, lastIncarnation: number): ChildRecord<S> {
  const wait = spec.type === 'supervisor' ? 'infinity' : killWaitMs;
  return { spec, lifecycle: newChild(childPolicy(spec), wait, lastIncarnation), wasUp: false };
}
