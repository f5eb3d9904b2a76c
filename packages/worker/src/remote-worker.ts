/**
 * Another worker as a handler sees it: its tables, asked for through the router.
 *
 * 1. The operations are those of the embedding process's handles, under the same names and with the same answers, without
 *    `watch`: an iteration without end makes no sense inside of one handler.
 * 2. Reads are of released state. Writes to public tables happen when they are made, in the owner, as batches of their own, also
 *    if the handler that made them throws later; once, also if it is run again (ask-session.ts).
 */
import { showValue } from '@heirloom/tables';
import type { AccessOf, AnyTableDefinition, PrivateTable, ReadableTable, WritableTable } from '@heirloom/tables';
import type { AskOptions, AskSession } from './ask-session.js';
import { byName } from './by-name.js';
import type { AnyWorkerDefinition, TablesOf } from './definition.js';
import { WorkerError } from './errors.js';
import { isRemoteWrite } from './table-call-names.js';

/** The longest timeout of a question: Node fires longer timers at once. */
export const ASK_TIMEOUT_MAX_MS = 2_147_483_647;
const OPTIONS = ['timeoutMs', 'signal'];

/** A table of another worker inside a handler: its access decides what can be done. */
export type AskedTable<D extends AnyTableDefinition> =
  AccessOf<D> extends 'private'
    ? PrivateTable
    : AccessOf<D> extends 'public'
      ? Omit<WritableTable<D>, 'watch'>
      : Omit<ReadableTable<D>, 'watch'>;

/** The tables of another worker inside a handler: private ones only by their `info`. */
export type AskedTables<Tables extends Readonly<Record<string, AnyTableDefinition>>> = {
  readonly [Name in keyof Tables]: AskedTable<Tables[Name]>;
};

/**
 * Another worker, until the handler that it was given to settles; then everything rejects with TableError ERR_TABLE_CLOSED.
 * Await what you ask: answers that come later are dropped, and a write that nobody waits for is lost if the worker dies first.
 *
 * Beside the errors of the operations themselves, asking rejects with CallError ERR_CALL_CYCLE when the other worker waits for
 * this one, ERR_CALL_DIVERGED when a handler that is run again asks for something else than before it wrote, ERR_CALL_KEPT_LIMIT
 * when it has asked for more than can be kept for that, ERR_CALL_OVERLOADED for too much at a time, ERR_CALL_TIMEOUT,
 * ERR_CALL_ABORTED, ERR_CALL_ARGUMENTS, ERR_CALL_POISONED, ERR_CALL_STOPPED; with WorkerError ERR_WORKER_NO_CALL for a write in
 * `init` or `tableTransferred`.
 */
export interface RemoteWorker<Definition extends AnyWorkerDefinition> {
  readonly name: string;
  /** Its tables: reads of released state, writes to public ones. */
  readonly tables: AskedTables<TablesOf<Definition>>;
  /** The same worker with other options. Throws WorkerError ERR_WORKER_OPTION for a wrong one. */
  with(options: AskOptions): RemoteWorker<Definition>;
}

interface RowsPage {
  readonly rows: readonly unknown[];
  /** What to ask for the next page with; undefined behind the last one. */
  readonly iteration: number | undefined;
}

/** Makes the handle of a worker for one handler. */
export function remoteWorker<Definition extends AnyWorkerDefinition>(
  session: AskSession,
  name: string,
  options: AskOptions,
): RemoteWorker<Definition> {
  const tables = byName((table) => byName((operation) => operationOf(session, { worker: name, table }, operation, options)));
  return {
    name,
    tables: tables as AskedTables<TablesOf<Definition>>, // Every name gives a table; the router refuses those that there are not.
    with: (more) => remoteWorker(session, name, { ...options, ...checkOptions(more) }),
  };
}

interface Target {
  readonly worker: string;
  readonly table: string;
}

function operationOf(session: AskSession, target: Target, operation: string, options: AskOptions): unknown {
  if (operation === 'rows') return (selection: unknown) => rows(session, target, selection, options);
  if (operation.includes('.') || isRemoteWrite(operation) === undefined) return undefined;
  return (...operands: unknown[]) => session.ask({ ...target, operation }, operands, options);
}

async function* rows(session: AskSession, target: Target, selection: unknown, options: AskOptions): AsyncGenerator {
  let isOver = false;
  let iteration: number | undefined;
  try {
    do {
      const [operation, operand] = iteration === undefined ? ['rows', selection] : ['rows.next', iteration];
      const page = (await session.ask({ ...target, operation }, [operand], options)) as RowsPage; // The router's answer.
      if (iteration === undefined && page.iteration !== undefined) session.iterates(page.iteration);
      ({ iteration } = page);
      yield* page.rows;
    } while (iteration !== undefined);
    isOver = true;
  } finally {
    if (!isOver && iteration !== undefined) session.leave(iteration);
  }
}

/** Throws ERR_WORKER_OPTION. */
function checkOptions(options: AskOptions): AskOptions {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) throw wrongOption('…', given, `an object with ${OPTIONS.join(', ')}`);
  const unknown = Object.keys(given).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) throw wrongOption(unknown, options[unknown as keyof AskOptions], `only ${OPTIONS.join(', ')}`);
  const { timeoutMs, signal } = options;
  const isTime = timeoutMs === undefined || timeoutMs === 'infinity' || (timeoutMs >= 1 && timeoutMs <= ASK_TIMEOUT_MAX_MS);
  if (!isTime) throw wrongOption('timeoutMs', timeoutMs, `a number from 1 to ${ASK_TIMEOUT_MAX_MS}, or 'infinity'`);
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrongOption('signal', signal, 'an AbortSignal');
  return options;
}

function wrongOption(option: string, value: unknown, what: string): WorkerError {
  const message = `The option '${option}' of a remote worker is ${showValue(value)}: give ${what}.`;
  return new WorkerError('ERR_WORKER_OPTION', message, { option });
}
