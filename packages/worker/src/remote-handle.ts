/**
 * Makes the handles of other workers that handlers are given: every operation, and every call, is a question of the handler's session.
 *
 * An iteration asks for its first page by what it selects, and for each next one by the number of that first question. Where it is
 * left, the router is told, as a snapshot is held for it.
 */
import { showValue } from '@heirloom/tables';
import type { AskSession } from './ask-session.js';
import { byName } from './by-name.js';
import type { AnyWorkerDefinition, CallsOf, TablesOf } from './definition.js';
import { WorkerError } from './errors.js';
import type { AskedTables, AskOptions, CastsOf, RemoteWorker } from './remote-worker.js';
import { isRemoteWrite } from './table-call-names.js';

/** The longest timeout of a question: Node fires longer timers at once. */
export const ASK_TIMEOUT_MAX_MS = 2_147_483_647;
const OPTIONS = ['timeoutMs', 'signal'];

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
  const tables = byName((table) =>
    byName((operation) => operationOf(session, { worker: name, table }, operation, options)),
  );
  const cast = byName(
    (call) =>
      (...castArguments: unknown[]) =>
        session.cast(name, call, castArguments),
  );
  const call = byName(
    (operation) =>
      (...operands: unknown[]) =>
        session.ask({ worker: name, table: undefined, operation }, operands, options),
  );
  return {
    name,
    cast: cast as CastsOf<Definition>, // Every name gives a function; what the receiver does not have becomes a dead letter.
    call: call as CallsOf<Definition>, // Every name gives a function; the other worker refuses calls that it does not have.
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
  if (typeof given !== 'object' || given === null)
    throw wrongOption('…', given, `an object with ${OPTIONS.join(', ')}`);
  const unknown = Object.keys(given).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined)
    throw wrongOption(unknown, options[unknown as keyof AskOptions], `only ${OPTIONS.join(', ')}`);
  const { timeoutMs, signal } = options;
  const isTime =
    timeoutMs === undefined ||
    timeoutMs === 'infinity' ||
    (typeof timeoutMs === 'number' && timeoutMs >= 1 && timeoutMs <= ASK_TIMEOUT_MAX_MS);
  if (!isTime) throw wrongOption('timeoutMs', timeoutMs, `a number from 1 to ${ASK_TIMEOUT_MAX_MS}, or 'infinity'`);
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrongOption('signal', signal, 'an AbortSignal');
  return options;
}

function wrongOption(option: string, value: unknown, what: string): WorkerError {
  const message = `The option '${option}' of a remote worker is ${showValue(value)}: give ${what}.`;
  return new WorkerError('ERR_WORKER_OPTION', message, { option });
}
