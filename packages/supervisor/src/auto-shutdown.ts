/**
 * Auto-shutdown: whether a supervisor ends because a significant child has ended (supervisor:auto_shutdown()).
 *
 * It is asked only when a child ended by itself and is not restarted: never for one that its supervisor stopped, as a
 * bystander of a restart or because somebody asked for it (S27, N45).
 */
import type { AutoShutdown } from './child-spec.js';

/** What is looked at of each child that is left. */
export interface SignificantSibling {
  readonly significant: boolean;
  /** Whether it runs, or is on its way up or down, or waits to be restarted. */
  readonly isActive: boolean;
}

/** Says whether the end of a child ends its supervisor, which has these other children. */
export function endsSupervisor(
  autoShutdown: AutoShutdown,
  isSignificant: boolean,
  others: readonly SignificantSibling[],
): boolean {
  if (!isSignificant || autoShutdown === 'never') return false;
  return autoShutdown === 'any_significant' || !others.some((other) => other.significant && other.isActive);
}
