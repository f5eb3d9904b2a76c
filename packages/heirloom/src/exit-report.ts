/**
 * The report on the end of one life of a worker: what is known of it, made once. Pure.
 *
 * 1. There is one report for each start of a worker by its supervisor, however it ended: also for one that never came up, and for a
 *    process that was killed and given up without its exit being seen.
 * 2. It is made after the supervisor has decided, after the epoch was closed, and after the output of the process was read to
 *    its end, so it can come after the next life has begun.
 */
import type { RestartCount } from '@heirloom/supervisor';
import { HeirloomError } from '@heirloom/tables';
import type { ProcessDeath } from './child-process.js';
import { exitOf } from './child-process.js';
import type { Logger } from './process-log.js';

/**
 * Why a life ended, in OTP's words where it has one:
 *
 * | reason            | it ended                                                                   |
 * |-------------------|----------------------------------------------------------------------------|
 * | `normal`          | by its own will, with code 0                                               |
 * | `shutdown`        | as it was told, in its time                                                |
 * | `ignore`          | because its `init` chose not to run                                        |
 * | `crash`           | by a failure of its own: an error, an exit code, a signal such as SIGSEGV  |
 * | `killed`          | by SIGKILL: from outside, for breaking the protocol, or past a deadline    |
 * | `handler_timeout` | because a handler took longer than its `handlerTimeoutMs`                  |
 * | `heartbeat`       | because its process gave no sign of life: it was stopped, or in a loop     |
 */
export type ExitReason = 'normal' | 'shutdown' | 'ignore' | 'crash' | 'killed' | 'handler_timeout' | 'heartbeat';

/** How far a life had come: not up yet, up, or told to stop. */
export type ExitPhase = 'starting' | 'running' | 'stopping';

/** How one life of a worker ended. */
export interface ExitReport {
  readonly worker: string;
  /** The number of the incarnation; undefined when it did not get as far as that. */
  readonly epoch: number | undefined;
  /** Undefined when no process could be started. */
  readonly pid: number | undefined;
  readonly reason: ExitReason;
  readonly phase: ExitPhase;
  readonly code: number | null;
  readonly signal: string | null;
  /** What the worker could still say, or why it did not start. */
  readonly error: Error | undefined;
  /** The call that was running, as far as that is known: of several that a worker had when it was killed from outside it is not. */
  readonly call: { readonly name: string; readonly id: number } | undefined;
  /** How many calls left no trace and are run again. */
  readonly rerun: number;
  /** Everything that this life had released is stored at or before this LSN; undefined when its epoch is not closed. */
  readonly lsn: number | undefined;
  /** Whether its supervisor starts it again. */
  readonly willRestart: boolean;
  /** Of its supervisor, this end included if it counts; undefined when the supervisor is no more. */
  readonly restarts: RestartCount | undefined;
  /** Whether it was killed and its exit was not seen: then it is only held off by its fence. */
  readonly isAbandoned: boolean;
  /** When it ended, in milliseconds since 1970. */
  readonly endedAt: number;
  /** From the start of this life, or of the wait for its process, to its end. */
  readonly uptimeMs: number;
  /** The last lines that it logged or printed, the oldest first. */
  readonly lastLines: readonly string[];
}

/** What a life knows of its end. */
export interface ExitFacts {
  readonly worker: string;
  readonly epoch: number | undefined;
  readonly pid: number | undefined;
  readonly phase: ExitPhase;
  /** Undefined when its exit was not seen, or nothing was started. */
  readonly death: ProcessDeath | undefined;
  readonly hasIgnored: boolean;
  readonly error: Error | undefined;
  readonly call: { readonly name: string; readonly id: number } | undefined;
  readonly rerun: number;
  readonly lsn: number | undefined;
  readonly endedAt: number;
  readonly uptimeMs: number;
  readonly lastLines: readonly string[];
}

/** What its supervisor has made of it. */
export interface ExitVerdict {
  readonly willRestart: boolean;
  readonly isAbandoned: boolean;
  /** Why it did not start. */
  readonly startError: Error | undefined;
  readonly restarts: RestartCount | undefined;
}

export function exitReport(facts: ExitFacts, { startError, ...verdict }: ExitVerdict): ExitReport {
  const { death, hasIgnored: _hasIgnored, error, ...known } = facts;
  const { code = null, signal = null } = death ?? {};
  return {
    ...known,
    ...verdict,
    reason: reasonOf(facts, verdict.isAbandoned, startError),
    code,
    signal,
    error: error ?? startError,
  };
}

function reasonOf(
  { death, hasIgnored, phase, error }: ExitFacts,
  isAbandoned: boolean,
  startError: Error | undefined,
): ExitReason {
  if (hasIgnored) return 'ignore';
  // It said why it could not start: that its supervisor may have killed it then, before it ended, is of no interest.
  if (isItsOwn(startError)) return 'crash';
  if (death === undefined) return isAbandoned ? 'killed' : 'crash';
  if (death.wasSilent) return 'heartbeat';
  if (death.overrun !== undefined) return 'handler_timeout';
  return exitOf(death, phase === 'stopping', error).reason;
}

/** Whether an error of a start is one that the worker's process has told: of its module, its tables or its `init`. */
function isItsOwn(error: Error | undefined): boolean {
  if (!(error instanceof HeirloomError)) return false;
  return error.code.startsWith('ERR_WORKER_') && error.code !== 'ERR_WORKER_START';
}

/** Writes a report as one line: what is wrong as an error, what is not as its weight is. */
export function logExit(logger: Logger, report: ExitReport): void {
  const { epoch, error, lastLines, ...rest } = report;
  const isOrderly = report.reason === 'normal' || report.reason === 'shutdown' || report.reason === 'ignore';
  const fields = { ...rest, incarnation: epoch, uptimeMs: Math.round(rest.uptimeMs), err: error };
  if (isOrderly && error === undefined)
    return logger[report.reason === 'normal' ? 'info' : 'debug'](fields, 'a worker has ended');
  logger.error({ ...fields, lastLines }, wordsOf(report.phase));
}

function wordsOf(phase: ExitPhase): string {
  if (phase === 'starting') return 'a worker did not start';
  return phase === 'stopping' ? 'a worker did not stop as it was told' : 'a worker is gone';
}
