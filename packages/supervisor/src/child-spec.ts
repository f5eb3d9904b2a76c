/**
 * Child specs and supervisor specs: what a program asks for, and the same with every default filled in.
 *
 * Defaults are OTP's (supervisor:child_spec(), supervisor:sup_flags()): permanent, 5000 ms for workers and infinity for
 * supervisors, intensity 1 in 5000 ms, not significant, no auto-shutdown. A start timeout is beyond OTP and off by default;
 * so are backoff (backoff.ts) and a maximum of children, which is Elixir's (DynamicSupervisor's max_children).
 */
import type { Backoff } from './backoff.js';

/** Whether a child that exited is started again: always, only after an abnormal exit, or never. */
export type RestartType = 'permanent' | 'transient' | 'temporary';

/** How a child is stopped: killed at once, asked and killed after so many milliseconds, or asked and awaited for ever. */
export type Shutdown = 'brutal_kill' | 'infinity' | number;

/**
 * Which siblings share a child's fate: none; all; those that were started after it; or none, with children that are all
 * instances of one template and are started at run time.
 */
export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one' | 'simple_one_for_one';

/** The strategies that can be asked for. */
export const STRATEGIES: readonly Strategy[] = ['one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'];

/** Whether a supervisor ends when significant children have ended by themselves: never, with the first, with the last. */
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant';

/** The kinds of auto-shutdown that can be asked for. */
export const AUTO_SHUTDOWNS: readonly AutoShutdown[] = ['never', 'any_significant', 'all_significant'];

/** How long a worker may take to stop when its spec does not say: OTP's 5 seconds. */
export const WORKER_SHUTDOWN_DEFAULT_MS = 5_000;
/** How many restarts a supervisor allows in its period when its spec does not say: OTP's 1. */
export const INTENSITY_DEFAULT = 1;
/** The period in which restarts are counted when the spec does not say: OTP's 5 seconds. */
export const PERIOD_DEFAULT_MS = 5_000;

/** The longest duration that can be asked for: Node fires a timer longer than this at once instead of late. */
export const DURATION_MS_MAX = 2_147_483_647;
/** The highest intensity: every restart in the period is remembered, so this bounds a supervisor's memory. */
export const INTENSITY_MAX = 10_000;
/** The most children of one supervisor: each event copies the list of children, so more belong under nested supervisors. */
export const CHILDREN_MAX = 10_000;
/** The most levels of supervisors: stopping and reporting walk the tree by recursion; no sane tree comes near this. */
export const DEPTH_MAX = 64;

/** A worker's place in the tree: how it is started, restarted and stopped. */
export interface ChildSpec<S = unknown> {
  readonly type: 'worker';
  /** Unique among its siblings. */
  readonly id: string;
  /** Default `'permanent'`. */
  readonly restart?: RestartType;
  /** Default 5000 ms. */
  readonly shutdown?: Shutdown;
  /** How long it may take to become ready before it is killed and its start has failed. Default `'infinity'`. */
  readonly startTimeoutMs?: number | 'infinity';
  /** Whether a replacement may start although the killed process was not seen to exit in time. Default false. */
  readonly canAbandon?: boolean;
  /** Whether its end may end its supervisor, as `autoShutdown` there says. Default false. */
  readonly significant?: boolean;
  /** How its restarts are spread out. Default: as its supervisor says. */
  readonly backoff?: Backoff | 'none';
  /** Whether it is not started with its supervisor, only when somebody asks or a restart of its siblings sweeps it up. Default false. */
  readonly startsDown?: boolean;
  /** Arguments of an instance of simple_one_for_one: the template's, then its own. The supervisor does not look at them. */
  readonly args?: readonly unknown[];
  /** What the driver needs to start it; the supervisor does not look at it. */
  readonly start: S;
}

/** A supervisor's place in the tree, and its children in start order. */
export interface SupervisorSpec<S = unknown> {
  readonly type: 'supervisor';
  /** Unique among its siblings. */
  readonly id: string;
  readonly strategy: Strategy;
  /** How many restarts within the period are tolerated; the next one makes the supervisor give up. Default 1. */
  readonly intensity?: number;
  /** The period in which restarts are counted, in milliseconds. Default 5000. */
  readonly periodMs?: number;
  /** Default `'permanent'`. */
  readonly restart?: RestartType;
  /** Default `'infinity'`: its children have shutdown times of their own. */
  readonly shutdown?: Shutdown;
  /** Whether its end may end its own supervisor. Default false. */
  readonly significant?: boolean;
  /**
   * How restarts of its children are spread out, where they do not say it themselves. Default `'none'`, as in OTP: at once. It is
   * not how its own are; that is for its supervisor's to say.
   */
  readonly backoff?: Backoff | 'none';
  /** Default `'never'`. */
  readonly autoShutdown?: AutoShutdown;
  /** The most children it may have, those that are restarting included. Default CHILDREN_MAX. */
  readonly childrenMax?: number;
  /** Whether restarts of its children count against the restart limit of the whole tree. Default true. */
  readonly countsInTree?: boolean;
  /** Whether it is not started with its own supervisor; see ChildSpec. */
  readonly startsDown?: boolean;
  /** Instances of simple_one_for_one that are started with it, in their order. Default none. */
  readonly instances?: readonly InstanceSpec[];
  /** In start order; for simple_one_for_one the template alone. */
  readonly children: readonly AnySpec<S>[];
}

/** An instance of simple_one_for_one. */
export interface InstanceSpec {
  readonly id: string;
  /** Appended to the template's. */
  readonly args: readonly unknown[];
}

/** The spec of an instance of a simple_one_for_one supervisor. */
export function instanceSpec<S>({ children }: SupervisorSpec<S>, { id, args }: InstanceSpec): AnySpec<S> {
  const template = children[0] as AnySpec<S>; // The check of specs has seen to it that there is exactly one.
  if (template.type === 'supervisor') return { ...template, id };
  return { ...template, id, args: [...(template.args ?? []), ...args] };
}

/** A worker or a supervisor. */
export type AnySpec<S = unknown> = ChildSpec<S> | SupervisorSpec<S>;

/** What the lifecycle of one child depends on, with every default filled in. */
export interface ChildPolicy {
  readonly restart: RestartType;
  readonly shutdown: Shutdown;
  readonly startTimeoutMs: number | 'infinity';
  readonly canAbandon: boolean;
  readonly significant: boolean;
}

/** Gives back the policy of a child, with OTP's defaults where its spec is silent. */
export function childPolicy(spec: AnySpec): ChildPolicy {
  const restart = spec.restart ?? 'permanent';
  const significant = spec.significant ?? false;
  if (spec.type === 'supervisor') {
    const shutdown = spec.shutdown ?? 'infinity';
    return { restart, shutdown, startTimeoutMs: 'infinity', canAbandon: false, significant };
  }
  return {
    restart,
    significant,
    shutdown: spec.shutdown ?? WORKER_SHUTDOWN_DEFAULT_MS,
    startTimeoutMs: spec.startTimeoutMs ?? 'infinity',
    canAbandon: spec.canAbandon ?? false,
  };
}
