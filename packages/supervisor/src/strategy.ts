/**
 * Strategies: which children are stopped and which are started when one has to be restarted.
 *
 * | strategy           | stopped                      | started                                   |
 * |--------------------|------------------------------|-------------------------------------------|
 * | one_for_one        | nobody                       | the child                                 |
 * | simple_one_for_one | nobody                       | the child                                 |
 * | rest_for_one       | all after it                 | it and all after it, but no temporary one |
 * | one_for_all        | all others                   | all, but no temporary one                 |
 *
 * 1. `stop` is in reverse start order and never holds the exited child, which is down already.
 * 2. `start` is in start order and holds the exited child.
 * 3. A plan names only children that the supervisor has, whether they run or not: so a transient child that had finished and
 *    one that was terminated by hand come back with the others (N40).
 * 4. Temporary children are never started: the exited child is none, as nobody restarts them (S22).
 */
import { invariant } from '@heirloom/tables';
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

/** Whether each child's restart is its own affair, so that several can go on side by side. */
export function isIndependent(strategy: Strategy): boolean {
  return strategy === 'one_for_one' || strategy === 'simple_one_for_one';
}

/** Gives back what to stop and what to start when the child `exitedId` has to be restarted. */
export function planRestart(strategy: Strategy, children: readonly StrategyChild[], exitedId: string): RestartPlan {
  const place = children.findIndex((child) => child.id === exitedId);
  invariant(place !== -1, `A restart was planned for "${exitedId}", which is not a child.`);
  if (isIndependent(strategy)) return { stop: [], start: [exitedId] };
  const affected = strategy === 'one_for_all' ? children : children.slice(place);
  return {
    stop: affected.flatMap(({ id }) => (id === exitedId ? [] : [id])).toReversed(),
    start: affected.flatMap(({ id, restart }) => (restart === 'temporary' ? [] : [id])),
  };
}
