/**
 * What a handler asks of another worker: an operation on one of its tables, or one of its calls. The worker that asks and the
 * router, which has it done, name it and refuse it by the same words.
 *
 * A call may change something, so it counts as a write.
 */
import { CallError } from './call-error.js';
import type { CallErrorCode, CallOutcome } from './call-error.js';
import { isRemoteWrite } from './table-call-names.js';

export interface AskTarget {
  readonly worker: string;
  /** The table of an operation; undefined for a call. */
  readonly table: string | undefined;
  /** The name of the operation, or of the call. */
  readonly operation: string;
}

/** Whether it may change something; undefined for what nobody can ask. Names that begin with `$` are no calls of a definition. */
export function isAskedWrite({ table, operation }: AskTarget): boolean | undefined {
  if (table !== undefined) return isRemoteWrite(operation);
  return operation.startsWith('$') ? undefined : true;
}

/** As its caller writes it. */
export function targetName({ worker, table, operation }: AskTarget): string {
  return table === undefined ? `${worker}.call.${operation}` : `${worker}.tables.${table}.${operation}`;
}

/** What an error says of it as data. */
export function targetDetails({ worker, table, operation }: AskTarget): Readonly<Record<string, string>> {
  return table === undefined ? { worker, call: operation } : { worker, table, operation };
}

/** The error of something that was asked and not answered. `what` goes on behind its name. */
export function askError(
  code: CallErrorCode,
  outcome: CallOutcome,
  target: AskTarget,
  what: string,
  cause?: unknown,
): CallError {
  const became = outcome === 'none' ? 'It changed nothing.' : 'Whether it changes anything is not known.';
  const details = { ...targetDetails(target), outcome };
  return new CallError(
    code,
    `${targetName(target)} ${what}. ${became}`,
    details,
    cause === undefined ? undefined : { cause },
  );
}
