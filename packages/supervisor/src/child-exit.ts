/**
 * How a child ended, and what its restart type makes of that (supervisor:restart_type()):
 *
 * | restart   | normal, shutdown | crash, killed |
 * |-----------|------------------|---------------|
 * | permanent | restart          | restart       |
 * | transient | keep the spec    | restart       |
 * | temporary | forget the spec  | forget the spec |
 */
import type { RestartType } from './child-spec.js';

/** How a child ended: of its own will, as it was told, by a failure of its own, or by a signal it could not refuse. */
export type ExitReason = 'normal' | 'shutdown' | 'crash' | 'killed';

/** The end of one incarnation, as its driver reports it. */
export interface ChildExit {
  readonly reason: ExitReason;
  readonly code?: number | null;
  readonly signal?: string | null;
  readonly error?: Error;
  /** False for a death that counts as a try of a poisoned call and so not against the intensity. Default true. */
  readonly counted?: boolean;
  /** True when the process was killed but not seen to exit, and was given up; only its epoch's fence holds it off. */
  readonly abandoned?: boolean;
  /** True when it chose not to run, before it was up: OTP's `ignore`. That is no failed start. */
  readonly ignored?: boolean;
}

/** What becomes of a child that exited by itself. */
export type ExitVerdict = 'restart' | 'keep' | 'forget';

/** Says what becomes of a child of this restart type after this exit. */
export function exitVerdict(restart: RestartType, exit: ChildExit): ExitVerdict {
  if (restart === 'temporary') return 'forget';
  if (restart === 'permanent') return 'restart';
  return exit.reason === 'normal' || exit.reason === 'shutdown' ? 'keep' : 'restart';
}
