/**
 * The hidden top supervisor: the keeper on one side, the user's tree on the other.
 *
 *   heirloom (intensity 0) ─┬─ keeper-supervisor (its own intensity) ── keeper
 *                           └─ the user's root
 *
 * 1. The keeper is up before the first worker is started, and stopped after the last worker is gone.
 * 2. Restarts of the keeper are not counted against the user's tree, nor the other way round, and neither restarts the other.
 * 3. When either gives up, the other one is stopped and the tree fails: a restart of either as a whole is one more than
 *    intensity 0 allows. (Restart type and shutdown of the user's root are therefore set here.)
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
    children: [{ ...options.keeper, restart: 'permanent' }],
  };
  return {
    type: 'supervisor',
    id: TOP_ID,
    strategy: 'one_for_one',
    intensity: 0,
    children: [keeperSupervisor, { ...options.root, restart: 'permanent', shutdown: 'infinity' }],
  };
}
