/**
 * Strategies: which children are stopped and which are started when one has to be restarted.
 *
 * 1. `stop` is in reverse start order and never holds the exited child, which is down already.
 * 2. `start` is in start order and holds the exited child.
 * 3. A plan names only children that the supervisor has.
 */
import { InvariantError, invariant } from '@heirloom/tables';
import type { RestartType, Strategy } from './child-spec.js';

/** What a strategy may look at: the children in start order. */
export interface StrategyChild {
  readonly id: string;
  readonly restart: RestartType;
}

/** What a restart does, in order: first every stop, then every start. */
export interface RestartPlan {
  readonly stop: readonly string[];
  readonly start: readonly string[];
}

/** Gives back what to stop and what to start when the child `exitedId` has to be restarted. */
export function planRestart(strategy: Strategy, children: readonly StrategyChild[], exitedId: string): RestartPlan {
  invariant(
    children.some((child) => child.id === exitedId),
    `A restart was planned for "${exitedId}", which is not a child.`,
  );
  switch (strategy) {
    case 'one_for_one':
      return { stop: [], start: [exitedId] };
    default:
      // A spec with another strategy was refused when the tree was made.
      throw new InvariantError(`The strategy ${String(strategy)} is not known.`);
  }
}
