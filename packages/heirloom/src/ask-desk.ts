/**
 * What handlers ask of other workers: carried out here, in the router, as the program's own handles do it, and answered to the
 * process that asked.
 *
 *   take ──▶ new ──▶ open ──▶ answered ──▶ kept until the call that asked is settled
 *     └────▶ asked before: waits for the open one, or gets the kept answer
 *
 * 1. G12: who asks is the worker of the connection; a question names one of its own calls, or none.
 * 2. G6: only a process whose epoch is open is heard.
 * 3. G3: a question of a call that is run again is not carried out again (kept-answers.ts). An open one goes on when its asker
 *    dies, and the next run waits for it. If the call has written nothing, what it read is forgotten with the process.
 * 4. G9: while a question waits for another worker's mailbox, there is an edge in the graph of who waits for whom, from the
 *    worker that asks to the one that is called, or owns the table at the moment; one that would close a circle is refused
 *    (wait-graph.ts).
 *    The edge goes with the answer, with the process that asked, when its handler goes on without the answer, and when its call
 *    is settled: then nobody waits any more.
 * 5. A worker has at most one call that has only read and whose answers are kept: it runs one at a time, and a handler whose first
 *    question is a read comes behind all that has left. Calls that have written are as many as have outcomes on their way.
 * 6. A call is made as the program makes it, with an id of its own, and counts as a write: its answer is kept, and it is in
 *    the callee's queue, run again and poisoned as every call, whatever becomes of the worker that asked.
 * 7. A question of a call that is settled, which its handler did not wait for, is carried out and not kept.
 *
 * Nothing that a worker sends throws out of here: what makes no sense is answered with an error.
 */
import { TableError } from '@heirloom/tables';
import { decodeValue, encodeError, encodeValue, FrameKind, writeOutcome } from '@heirloom/wire';
import type { AskMessage, LeaveMessage } from '@heirloom/wire';
import { ASKS_OPEN_MAX, askError, isAskedWrite, targetDetails, targetName } from '@heirloom/worker/process-url';
import { createHash } from 'node:crypto';
import { cycleError, DIVERGED, KEPT_LIMIT } from './ask-refusal.js';
import { AskScope } from './ask-scope.js';
import type { OpenAsk } from './ask-scope.js';
import { WorkerReferenceError } from './errors.js';
import type { CallErrorCode, CallOutcome } from './errors.js';
import type { Answer } from './kept-answers.js';
import { CALL_TIMEOUT_MAX_MS } from './pending-call.js';
import type { Router } from './router.js';
import { TableClient } from './table-client.js';
import { WaitGraph } from './wait-graph.js';
import type { WorkerProcess } from './worker-source.js';

/** The largest answer to a read: as much as a handler may return. */
export const ANSWER_BYTES_MAX: number = 16 * 1024 * 1024;
/** What may wait to be sent to a worker before answers to reads are refused: a few of the largest. */
export const ANSWERS_QUEUED_MAX: number = 4 * ANSWER_BYTES_MAX;

export class AskDesk {
  readonly #router: Router;
  readonly #waits = new WaitGraph();
  /** What was asked by calls that are not settled, by the call. */
  readonly #calls = new Map<number, AskScope>();
  /** What was asked by `init` and `tableTransferred`. */
  readonly #lives = new Map<WorkerProcess, AskScope>();
  /** By worker: the call whose scope began last. */
  readonly #latest = new Map<string, number>();
  readonly #open = new Map<WorkerProcess, Set<OpenAsk>>();

  constructor(router: Router) {
    this.#router = router;
  }

  /** Takes a question. */
  take(process: WorkerProcess, message: AskMessage): void {
    if (process.liveEpoch === undefined) return;
    const { requestId, ordinal } = message;
    const isWrite = isAskedWrite(message);
    const refuse = (code: CallErrorCode, what: string): void => {
      send(process, requestId, thrown(askError(code, 'none', message, what)));
    };
    if (isWrite === undefined) return refuse('ERR_CALL_UNKNOWN', 'is nothing that can be asked');
    if (isWrite && message.callId === undefined)
      return refuse('ERR_CALL_UNKNOWN', 'changes something, and belongs to no call');
    if ((this.#open.get(process)?.size ?? 0) >= ASKS_OPEN_MAX)
      return refuse('ERR_CALL_OVERLOADED', 'is too much at a time');
    const scope = this.#scope(process, message.callId, isWrite);
    const admission = scope.kept?.admit(ordinal, { isWrite, digest: digestOf(message) }) ?? { kind: 'new' };
    if (admission.kind === 'answered') return send(process, requestId, admission.answer);
    if (admission.kind === 'diverged') return refuse('ERR_CALL_DIVERGED', DIVERGED);
    if (admission.kind === 'refused') return refuse('ERR_CALL_KEPT_LIMIT', KEPT_LIMIT);
    const pending = admission.kind === 'pending' ? scope.open.get(ordinal) : undefined;
    if (pending !== undefined) return this.#wait(pending, process, requestId);
    const ask: OpenAsk = { scope, message, isWrite, asker: undefined, target: undefined, hasEdge: false };
    scope.open.set(ordinal, ask);
    this.#wait(ask, process, requestId);
    void this.#run(ask);
  }

  /** The handler goes on without the answer to a question, or wants no further page of the iteration that it began. */
  leave(process: WorkerProcess, { callId, ordinal }: LeaveMessage): void {
    const scope = callId === undefined ? this.#lives.get(process) : this.#calls.get(callId);
    if (scope?.worker !== process.worker) return;
    const ask = scope.open.get(ordinal);
    if (ask?.asker?.process === process) {
      this.#removeEdge(ask);
      ask.asker.isWaiting = false;
    }
    scope.leave(ordinal);
  }

  /** A call is settled for good: it is not run again. Returns whether its handler has written to other workers. */
  settled(callId: number): boolean {
    const scope = this.#calls.get(callId);
    if (scope !== undefined) this.#close(callId, scope);
    return scope?.hasWritten ?? false;
  }

  /** A process asks nothing more, and hears nothing more. */
  gone(process: WorkerProcess): void {
    for (const ask of this.#open.get(process) ?? []) {
      this.#removeEdge(ask);
      ask.asker = undefined;
    }
    this.#open.delete(process);
    this.#lives.get(process)?.close();
    this.#lives.delete(process);
    for (const [callId, scope] of this.#calls) {
      if (scope.worker === process.worker && !scope.hasWritten) this.#close(callId, scope);
    }
  }

  #scope(process: WorkerProcess, callId: number | undefined, isWrite: boolean): AskScope {
    const { worker } = process;
    if (callId === undefined) {
      const scope = this.#lives.get(process) ?? AskScope.unkept(worker);
      this.#lives.set(process, scope);
      return scope;
    }
    const known = this.#calls.get(callId);
    if (known?.worker === worker) return known;
    const scope = AskScope.kept(worker);
    if (!this.#router.calls.isOpen(worker, callId)) {
      scope.close();
      return scope;
    }
    const latest = this.#latest.get(worker);
    const before = latest === undefined ? undefined : this.#calls.get(latest);
    // A write may be one that was held, of a handler that is over, and says nothing of where its worker is.
    if (!isWrite && latest !== undefined && before?.hasWritten === false) this.#close(latest, before);
    this.#latest.set(worker, callId);
    this.#calls.set(callId, scope);
    return scope;
  }

  #close(callId: number, scope: AskScope): void {
    for (const ask of scope.open.values()) this.#removeEdge(ask);
    scope.close();
    this.#calls.delete(callId);
    if (this.#latest.get(scope.worker) === callId) this.#latest.delete(scope.worker);
  }

  /** Has the answer given to this process. One that would close a circle by waiting is told so, and the question goes on. */
  #wait(ask: OpenAsk, process: WorkerProcess, requestId: number): void {
    this.#forgetAsker(ask);
    ask.asker = { process, requestId, isWaiting: true };
    try {
      this.#addEdge(ask, 'unknown');
    } catch (error) {
      ask.asker = undefined;
      return send(process, requestId, thrown(error));
    }
    const open = this.#open.get(process) ?? new Set();
    this.#open.set(process, open.add(ask));
  }

  #forgetAsker(ask: OpenAsk): void {
    this.#removeEdge(ask);
    if (ask.asker !== undefined) this.#open.get(ask.asker.process)?.delete(ask);
    ask.asker = undefined;
  }

  async #run(ask: OpenAsk): Promise<void> {
    const { scope, message } = ask;
    let answer: Answer;
    try {
      answer = this.#returned(ask, await this.#perform(ask));
    } catch (error) {
      answer = thrown(error);
    }
    if (scope.open.get(message.ordinal) === ask) scope.open.delete(message.ordinal);
    // Made only where it is needed, as most answers are kept as they are.
    const refusal = (): Answer => thrown(askError('ERR_CALL_KEPT_LIMIT', 'none', message, KEPT_LIMIT));
    if (!scope.isClosed && scope.kept?.answered(message.ordinal, answer, refusal) === false) answer = refusal();
    const { asker } = ask;
    this.#forgetAsker(ask);
    if (asker !== undefined) send(asker.process, asker.requestId, answer);
  }

  async #perform(ask: OpenAsk): Promise<unknown> {
    const { scope, message } = ask;
    const { table, operation } = message;
    const operands = decodeOperands(message);
    if (operation === 'rows.next') return scope.nextPage(operands[0], ask);
    const slot = this.#router.tables.slot(message.worker);
    if (slot === undefined) throw this.#unknownWorker(message.worker);
    const timeoutMs =
      message.timeoutMs === undefined ? 'infinity' : Math.min(Math.max(1, message.timeoutMs), CALL_TIMEOUT_MAX_MS);
    // The next pages are read by the same client for other questions.
    const waiting = { ask };
    const waits = (worker: string): (() => void) => this.#waitFor(waiting.ask, worker);
    if (table === undefined) {
      const done = waits(slot.name);
      return this.#router.calls.call(slot, operation, operands, { timeoutMs }, true).finally(done);
    }
    const asker = { worker: scope.worker, waits, takes: (bytes: number) => checkAnswer(message, bytes) };
    const client = new TableClient(this.#router, slot, table, { timeoutMs }, asker);
    if (operation === 'rows') return scope.firstPage(Object.assign(waiting, { pages: client.pages(operands[0]) }));
    return client.operation(operation)?.(...operands);
  }

  /** The question waits for the mailbox of a worker, until the function that comes back is called. Throws ERR_CALL_CYCLE. */
  #waitFor(ask: OpenAsk, owner: string): () => void {
    ask.target = owner;
    this.#addEdge(ask, 'none');
    return () => {
      this.#removeEdge(ask);
      ask.target = undefined;
    };
  }

  #addEdge(ask: OpenAsk, outcome: CallOutcome): void {
    const { scope, target, message } = ask;
    if (ask.asker?.isWaiting !== true || target === undefined || scope.isClosed) return;
    const circle = this.#waits.wait(scope.worker, target);
    if (circle !== undefined) throw cycleError(outcome, message, circle);
    ask.hasEdge = true;
  }

  #removeEdge(ask: OpenAsk): void {
    if (ask.hasEdge && ask.target !== undefined) this.#waits.done(ask.scope.worker, ask.target);
    ask.hasEdge = false;
  }

  #returned({ isWrite, message, asker }: OpenAsk, result: unknown): Answer {
    const payload = encodeValue(result);
    // The owner has bounded the answer to a write.
    if (!isWrite) checkAnswer(message, payload.length);
    const queued = asker?.process.connection?.queuedBytes ?? 0;
    if (!isWrite && queued + payload.length > ANSWERS_QUEUED_MAX) {
      const advice = `is too much at a time: ${queued} bytes of other answers wait to be read. Ask for less at a time`;
      throw askError('ERR_CALL_OVERLOADED', 'none', message, advice);
    }
    return { threw: false, payload };
  }

  #unknownWorker(name: string): WorkerReferenceError {
    const message = `There is no worker ${JSON.stringify(name)} in this runtime. It has: ${this.#router.tables.workers.join(', ')}.`;
    return new WorkerReferenceError('ERR_WORKER_UNKNOWN', message, { worker: name });
  }
}

function digestOf({ worker, table, operation, arguments: bytes }: AskMessage): string {
  const head = JSON.stringify([worker, table ?? null, operation]);
  return createHash('sha256').update(head).update('\0').update(bytes).digest('base64');
}

function decodeOperands(message: AskMessage): readonly unknown[] {
  let operands: unknown;
  try {
    operands = decodeValue(message.arguments);
  } catch (cause) {
    throw askError('ERR_CALL_ARGUMENTS', 'none', message, 'has arguments that cannot be decoded', cause);
  }
  if (Array.isArray(operands)) return operands;
  throw askError('ERR_CALL_ARGUMENTS', 'none', message, 'has arguments that are no list');
}

/** Throws ERR_TABLE_LIMIT. */
function checkAnswer(message: AskMessage, bytes: number): void {
  if (bytes <= ANSWER_BYTES_MAX) return;
  const problem = `What ${targetName(message)} asks for has ${bytes} bytes or more; ${ANSWER_BYTES_MAX} are the most. Ask for less, or in pages: selectPage, or rows.`;
  throw new TableError('ERR_TABLE_LIMIT', problem, { ...targetDetails(message), bytes, limit: ANSWER_BYTES_MAX });
}

function send({ connection }: WorkerProcess, requestId: number, answer: Answer): void {
  connection?.send(FrameKind.answer, (writer) => writeOutcome(writer, { callId: requestId, ...answer }));
}

function thrown(error: unknown): Answer {
  return { threw: true, payload: encodeValue(encodeError(error)) };
}
