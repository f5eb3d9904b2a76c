/**
 * The hidden top supervisor: the keeper on one side, the user's tree on the other.
 *
 *   heirloom (intensity 0, any_significant) ─┬─ keeper-supervisor (its own intensity) ── keeper
 *                                            └─ the user's root (transient, significant)
 *
 * 1. The keeper is up before the first worker is started, and stopped after the last worker is gone.
 * 2. Restarts of the keeper are not counted against the user's tree, nor the other way round, and neither restarts the other.
 *    The same holds for the restart limit of the whole tree, which is the program's.
 * 3. When either gives up, the other one is stopped and the tree fails: a restart of the keeper's supervisor is one more than
 *    intensity 0 allows, and the user's root is significant.
 * 4. When the user's root shuts itself down, as its significant children have ended, the keeper is stopped and the tree ends
 *    without a failure. (Restart type, shutdown and significance of the user's root are therefore set here.)
 */
import type { ChildSpec, SupervisorSpec } from './child-spec.js';

/** The id of the hidden top supervisor. */
export const TOP_ID = 'heirloom';
/** The id of the supervisor of the keeper alone. */
export const KEEPER_SUPERVISOR_ID = 'keeper-supervisor';

/** What the hidden top supervisor is made of. */
export interface TopOptions<S> {
  readonly keeper: ChildSpec<S>;
  /** How many restarts of the keeper are tolerated within its period. */
  readonly keeperIntensity: number;
  /** In milliseconds. */
  readonly keeperPeriodMs: number;
  readonly root: SupervisorSpec<S>;
}

/** Gives back the spec of the whole tree; checked, like any spec, when the tree is made. */
export function topSupervisor<S>(options: TopOptions<S>): SupervisorSpec<S> {
  const keeperSupervisor: SupervisorSpec<S> = {
    type: 'supervisor',
    id: KEEPER_SUPERVISOR_ID,
    strategy: 'one_for_one',
    intensity: options.keeperIntensity,
    periodMs: options.keeperPeriodMs,
    countsInTree: false,
    children: [{ ...options.keeper, restart: 'permanent' }],
  };
  return {
    type: 'supervisor',
    id: TOP_ID,
    strategy: 'one_for_one',
    intensity: 0,
    autoShutdown: 'any_significant',
    children: [keeperSupervisor, { ...options.root, restart: 'transient', significant: true, shutdown: 'infinity' }],
  };
}
