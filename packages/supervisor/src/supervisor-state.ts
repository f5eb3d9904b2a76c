/**
 * What one supervisor remembers, what happens to it and what is to be done for it: the vocabulary of supervisor-core.ts.
 * All of it is plain data but for the children's opaque `start` and the errors.
 */
import { newChild, type ChildEvent, type ChildLifecycle, type ChildTimer } from './child-machine.js';
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
}

/** Stops, then starts, that are still to be done; while paused, the first start awaits its `retry`. */
export interface Round extends RestartPlan {
  readonly kind: 'start_up' | 'restart' | 'shutdown';
  readonly isPaused: boolean;
}

/** Everything a supervisor remembers. */
export interface SupervisorState<S> {
  readonly spec: SupervisorSpec<S>;
  readonly phase: SupervisorPhase;
  /** In start order. */
  readonly children: readonly ChildRecord<S>[];
  readonly rounds: readonly Round[];
  readonly window: RestartWindow;
  /** Why it stops, when nobody told it to. */
  readonly error?: SupervisorError;
}

/** What happens to a supervisor. */
export type SupervisorEvent =
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  | { readonly type: 'kill' }
  | { readonly type: 'child'; readonly id: string; readonly event: ChildEvent }
  | { readonly type: 'retry'; readonly id: string; readonly incarnation: number };

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
  | { readonly type: 'post_retry'; readonly id: string; readonly incarnation: number }
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

/** Gives back a supervisor that has not been started. */
export function newSupervisor<S>(spec: SupervisorSpec<S>, options: SupervisorOptions): SupervisorState<S> {
  const children = spec.children.map((child) => {
    const killWaitMs = child.type === 'supervisor' ? 'infinity' : options.killWaitMs;
    return {
      spec: child,
      lifecycle: newChild(childPolicy(child), killWaitMs, options.lastIncarnation?.(child.id) ?? 0),
    };
  });
  const window = emptyWindow(spec.intensity ?? INTENSITY_DEFAULT, spec.periodMs ?? PERIOD_DEFAULT_MS);
  return { spec, phase: 'idle', children, rounds: [], window };
}
