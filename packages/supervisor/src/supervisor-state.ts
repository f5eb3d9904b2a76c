/**
 * What one supervisor remembers, what happens to it and what is to be done for it: the vocabulary of supervisor-core.ts.
 * All of it is plain data but for the children's opaque `start`, the errors and the index, which follows from the rest.
 */
import { NO_RESTARTS, type RestartRow } from './backoff.js';
import type { ChildExit } from './child-exit.js';
import { ChildIndex } from './child-index.js';
import { newChild, type ChildEvent, type ChildLifecycle, type ChildTimer } from './child-machine.js';
import type { ChildReply, ChildRequest } from './child-operation.js';
import {
  childPolicy,
  instanceSpec,
  INTENSITY_DEFAULT,
  PERIOD_DEFAULT_MS,
  type AnySpec,
  type SupervisorSpec,
} from './child-spec.js';
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
  /** Its restarts in a row, for its backoff. */
  readonly row: RestartRow;
}

/** Why a start failed. */
export interface StartFailure {
  readonly exit: ChildExit;
  readonly error: SupervisorError;
}

/** The wait before a start, which ends with the child's `retry`. */
export interface Pause {
  /** The child that is restarting. */
  readonly id: string;
  /** The last incarnation of the child when the wait is one of backoff, and ends only with that one's retry. */
  readonly incarnation: number | undefined;
  /** Why its last start failed, when this is not its first try: the next one is counted when it is made. */
  readonly failure: StartFailure | undefined;
}

/** Stops, then starts, that are still to be done; while there is a pause, no start is made. */
export interface Round extends RestartPlan {
  readonly kind: 'start_up' | 'restart' | 'shutdown' | 'request';
  readonly pause?: Pause;
  /** The wait that begins when the stops are done. */
  readonly backoff?: { readonly id: string; readonly delayMs: number };
  /** For a round of the kind `request`: what is answered when it is done. */
  readonly request?: ChildRequest;
}

/** Everything a supervisor remembers. */
export interface SupervisorState<S> {
  readonly spec: SupervisorSpec<S>;
  readonly killWaitMs: number;
  /** What the random parts of its children's waits follow from, with their ids and incarnations. */
  readonly seed: string;
  /** The last incarnation that a child of this id has had, asked when one is added: that may be long after it was asked for. */
  readonly lastIncarnation: (id: string) => number;
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
  /** The whole tree gives up: only its root gets this. */
  | { readonly type: 'give_up'; readonly error: SupervisorError }
  | { readonly type: 'child'; readonly id: string; readonly event: ChildEvent }
  | { readonly type: 'retry'; readonly id: string; readonly incarnation: number | undefined }
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
  /** `retry` is to be posted with this id and incarnation: behind what waits, or after the delay. */
  | {
      readonly type: 'post_retry';
      readonly id: string;
      readonly incarnation: number | undefined;
      readonly delayMs: number;
    }
  | { readonly type: 'reply'; readonly request: number; readonly reply: ChildReply }
  | { readonly type: 'emit'; readonly event: LocalEvent }
  /** The restart limit of the whole tree is exceeded. */
  | { readonly type: 'give_up_tree'; readonly error: SupervisorError }
  | { readonly type: 'up' }
  | { readonly type: 'ended'; readonly error?: SupervisorError };

/** What a supervisor is told about its surroundings when it is made. */
export interface SupervisorOptions {
  /** How long an exit may take after a kill before it is reported as overdue, in milliseconds. */
  readonly killWaitMs: number;
  /** The last incarnation that a child of this id has had, 0 if none. */
  readonly lastIncarnation?: (id: string) => number;
  /** What random parts of waits follow from. Default ''. */
  readonly seed?: string;
}

/** Gives back a supervisor that has not been started. The template of simple_one_for_one is no child. */
export function newSupervisor<S>(spec: SupervisorSpec<S>, options: SupervisorOptions): SupervisorState<S> {
  const { killWaitMs, lastIncarnation = () => 0, seed = '' } = options;
  const instances = (spec.instances ?? []).map((instance) => instanceSpec(spec, instance));
  const specs = spec.strategy === 'simple_one_for_one' ? instances : spec.children;
  const children = specs.map((child) => newRecord(child, killWaitMs, lastIncarnation(child.id)));
  const window = emptyWindow(spec.intensity ?? INTENSITY_DEFAULT, spec.periodMs ?? PERIOD_DEFAULT_MS);
  return {
    spec,
    killWaitMs,
    seed,
    lastIncarnation,
    phase: 'idle',
    children,
    index: new ChildIndex(),
    rounds: [],
    waiting: [],
    window,
  };
}

/** Gives back a child that has not been started. */
export function newRecord<S>(spec: AnySpec<S>, killWaitMs: number, lastIncarnation: number): ChildRecord<S> {
  const wait = spec.type === 'supervisor' ? 'infinity' : killWaitMs;
  return { spec, lifecycle: newChild(childPolicy(spec), wait, lastIncarnation), wasUp: false, row: NO_RESTARTS };
}
