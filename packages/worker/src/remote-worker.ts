/**
 * Another worker as a handler sees it: its calls and its tables, asked for through the router.
 *
 * 1. The operations are those of the embedding process's handles, under the same names and with the same answers, without
 *    `watch`: an iteration without end makes no sense inside of one handler.
 * 2. Reads are of released state. Calls, and writes to public tables, happen when they are made, in the other worker, as batches
 *    of their own, also if the handler that made them throws later; once, also if it is run again (ask-session.ts).
 */
import type { AccessOf, AnyTableDefinition, PrivateTable, ReadableTable, WritableTable } from '@heirloom/tables';
import type { AnyWorkerDefinition, CallsOf, TablesOf } from './definition.js';

/** What can be said about what a handler asks of another worker. */
export interface AskOptions {
  /** In milliseconds, or `'infinity'`. Default 5,000. The handler's own time (`handlerTimeoutMs`) runs on meanwhile. */
  readonly timeoutMs?: number | 'infinity' | undefined;
  readonly signal?: AbortSignal | undefined;
}

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

/** The calls of a worker as casts: with their arguments, and without an answer. */
export type CastsOf<Definition extends AnyWorkerDefinition> = {
  readonly [Name in keyof CallsOf<Definition>]: (...args: Parameters<CallsOf<Definition>[Name]>) => void;
};

/**
 * Another worker, until the handler that it was given to settles; then everything rejects with TableError ERR_TABLE_CLOSED.
 * Await what you ask: answers that come later are dropped, and a call or a write that nobody waits for is lost if the worker dies,
 * or the handler throws, before it has left.
 *
 * Beside the errors of the operations themselves, asking rejects with CallError ERR_CALL_CYCLE when the other worker waits for
 * this one, ERR_CALL_DIVERGED when a handler that is run again asks for something else than before it wrote, ERR_CALL_KEPT_LIMIT
 * when it has asked for more than can be kept for that, ERR_CALL_OVERLOADED for too much at a time, ERR_CALL_TIMEOUT,
 * ERR_CALL_ABORTED, ERR_CALL_ARGUMENTS, ERR_CALL_POISONED, ERR_CALL_STOPPED; with WorkerError ERR_WORKER_NO_CALL for a call
 * or a write in `init` or `tableTransferred`.
 */
export interface RemoteWorker<Definition extends AnyWorkerDefinition> {
  readonly name: string;
  /**
   * Its calls. Each is run by the other worker when it is made, and what it does stays, also if this handler throws later. A
   * promise resolves when what the call changed is released; it rejects with CallError ERR_CALL_THREW when the other handler threw,
   * and ERR_CALL_UNKNOWN when there is no such call. `outcome` says whether it may have changed something.
   */
  readonly call: CallsOf<Definition>;
  /** Its tables: reads of released state, writes to public ones. */
  readonly tables: AskedTables<TablesOf<Definition>>;
  /**
   * The worker's calls, to be run there once, without an answer: a cast is stored with the batch of this handler and is dropped
   * when the handler throws. It outlives every process, the whole runtime too. Casts from here to there run in the order in which
   * they are made, this worker may cast to itself, and `init` and `tableTransferred` may cast. One whose handler throws,
   * or kills its worker again and again, becomes a dead letter (`runtime.deadLetters`).
   *
   * It never waits. Throws CallError: ERR_CALL_OVERLOADED when 16,384 casts of this worker, or 64 MiB of them, were not run
   * yet; ERR_CALL_ARGUMENTS for what cannot be sent, or more than 32 MiB; ERR_CALL_UNKNOWN for what can be no call's name. Throws
   * TableError ERR_TABLE_LIMIT when the handler has done too much for one batch.
   */
  readonly cast: CastsOf<Definition>;
  /** The same worker with other options. Throws WorkerError ERR_WORKER_OPTION for a wrong one. */
  with(options: AskOptions): RemoteWorker<Definition>;
}
