/**
 * Calls that were made and are not answered: their promises, timers and signals.
 *
 * Invariants
 * 1. A call's promise settles exactly once; a second answer finds no call.
 * 2. An error says what became of the call: `outcome: 'none'` only when it is certain that it changed nothing and never will.
 * 3. Arguments are encoded when the call is made, so that later changes to them do not matter, also when it is run again.
 */
import { showValue } from '@heirloom/tables';
import type { Delivery, Outcome, OutcomeKey } from '@heirloom/wire';
import {
  ARGUMENT_BYTES_MAX,
  KEEP_OUTCOME_MS_MAX,
  OUTCOME_KEY_BYTES_MAX,
  decodeError,
  decodeValue,
  encodeValue,
} from '@heirloom/wire';
import { NAME_CHARS_MAX } from '@heirloom/worker';
import { onAbort } from '@heirloom/worker/process-url';
import type { QueuedCall, RetryPolicy } from './call-queue.js';
import type { CallErrorCode, CallOutcome } from './errors.js';
import { CallError, RuntimeError } from './errors.js';
import { createDeferred } from './deferred.js';
import { checkOptionNames } from './option-check.js';
import type { WorkerSlot } from './worker-slot.js';

/** How long a call may take unless `with({ timeoutMs })` says otherwise: that of gen_server:call/2. */
export const CALL_TIMEOUT_DEFAULT_MS = 5_000;
/** The longest timeout: Node fires longer timers at once. */
export const CALL_TIMEOUT_MAX_MS = 2_147_483_647;

/** What can be said about a call, a read or a write when it is made. */
export interface CallOptions {
  /** In milliseconds, or `'infinity'`. Default 5,000. */
  readonly timeoutMs?: number | 'infinity' | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What happens when the worker dies and the call left no trace: run it again (default), or reject it. */
  readonly retry?: RetryPolicy | undefined;
  /**
   * Names the call, so that making it again gives the outcome of the first time, also after a new start of the program: 1 to 512
   * bytes, unique among the calls of the worker for as long as the outcome is kept. For calls only, not for tables.
   */
  readonly idempotencyKey?: string | undefined;
  /** How long the outcome of a call with a key is kept, in milliseconds; at most a year of 366 days. Default a day. */
  readonly keepOutcomeMs?: number | undefined;
}

const CALL_OPTIONS = ['timeoutMs', 'signal', 'retry', 'idempotencyKey', 'keepOutcomeMs'];
/** What UTF-8 cannot tell apart. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Checks options once, where they are given. Throws RuntimeError ERR_RUNTIME_OPTION. */
export function checkCallOptions(options: CallOptions): void {
  checkOptionNames('a call', options, CALL_OPTIONS);
  const { timeoutMs, signal, retry } = options;
  if (timeoutMs !== undefined && timeoutMs !== 'infinity') {
    const isRight = Number.isFinite(timeoutMs) && timeoutMs >= 1 && timeoutMs <= CALL_TIMEOUT_MAX_MS;
    if (!isRight) throw wrong('timeoutMs', timeoutMs, `a number from 1 to ${CALL_TIMEOUT_MAX_MS}, or 'infinity'`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrong('signal', signal, 'an AbortSignal');
  if (retry !== undefined && retry !== 'if_no_trace' && retry !== 'never') {
    throw wrong('retry', retry, "'if_no_trace' or 'never'");
  }
  checkKeyOptions(options);
}

function checkKeyOptions({ idempotencyKey, keepOutcomeMs }: CallOptions): void {
  if (idempotencyKey !== undefined) {
    const isText = typeof idempotencyKey === 'string' && idempotencyKey !== '' && !LONE_SURROGATE.test(idempotencyKey);
    if (!isText || Buffer.byteLength(idempotencyKey) > OUTCOME_KEY_BYTES_MAX) {
      const what = `a text of 1 to ${OUTCOME_KEY_BYTES_MAX} bytes in UTF-8, without lone surrogates`;
      throw wrong('idempotencyKey', idempotencyKey, what);
    }
  }
  if (keepOutcomeMs === undefined) return;
  if (!Number.isSafeInteger(keepOutcomeMs) || keepOutcomeMs < 1 || keepOutcomeMs > KEEP_OUTCOME_MS_MAX) {
    throw wrong('keepOutcomeMs', keepOutcomeMs, `a whole number of milliseconds from 1 to ${KEEP_OUTCOME_MS_MAX}`);
  }
}

function wrong(option: string, value: unknown, what: string): RuntimeError {
  return new RuntimeError(
    'ERR_RUNTIME_OPTION',
    `The option ${option} of a call is ${showValue(value)}: give ${what}.`,
    {
      option,
      value: showValue(value),
    },
  );
}

/** What is run: a stored cast, or a dead letter. */
export interface StoredRun extends Pick<Delivery, 'id' | 'kind'> {
  /** Called once, when it is not run again. */
  readonly settled: () => void;
}

export interface PendingCall extends QueuedCall {
  readonly slot: WorkerSlot;
  readonly name: string;
  readonly argumentBytes: Uint8Array;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  timer: NodeJS.Timeout | undefined;
  stopWaiting: (() => void) | undefined;
  readonly signal: AbortSignal | undefined;
  /** Whether the caller has its answer; a call that was sent stays here until its worker answered it or died. */
  isAnswered: boolean;
  /** Under which its outcome is kept; undefined for a call without a key. */
  readonly outcomeKey?: OutcomeKey | undefined;
  /** Undefined for what is stored nowhere. */
  readonly delivery: StoredRun | undefined;
}

/** A call that several callers may wait for; see keyed-calls.ts. */
export interface SharedCall {
  readonly answer: Promise<unknown>;
  /**
   * Nobody waits for it any more. One that was not sent is gone. One that was may run, and `answer` is settled in the end; if it leaves
   * no trace, it is not run again.
   */
  leave(): { readonly outcome: CallOutcome; readonly isGone: boolean };
  /** Somebody waits for it again. */
  rejoin(): void;
}

/** What a call is made of. */
interface NewCall
  extends
    Pick<PendingCall, 'slot' | 'name' | 'argumentBytes' | 'resolve' | 'reject' | 'delivery'>,
    Pick<PendingCall, 'outcomeKey'> {
  readonly options: CallOptions;
}

export class PendingCalls {
  readonly #onSettled: (callId: number) => boolean;
  readonly #calls = new Map<number, PendingCall>();
  #lastCallId = 0;
  #refusal: Error | undefined;
  #failure: Error | undefined;

  /**
   * `onSettled` is told of each call that is settled for good: it has its outcome, or left no trace and is not run again. It says
   * whether the call's handler has written to other workers, which stays whatever becomes of the call.
   */
  constructor(onSettled: (callId: number) => boolean = () => false) {
    this.#onSettled = onSettled;
  }

  /** Whether this is a call of the worker that may be running, or may still be run. */
  isOpen(worker: string, callId: number): boolean {
    return this.#calls.get(callId)?.slot.name === worker;
  }

  /**
   * Makes a call to a worker. Rejects with CallError, or RuntimeError when the runtime is over. A nested one is made for a handler
   * that is running, and is taken also when the runtime only finishes what it has.
   */
  call(
    slot: WorkerSlot,
    name: string,
    callArguments: readonly unknown[],
    options: CallOptions,
    isNested: boolean = false,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const refusal = isNested ? this.#failure : this.#refusal;
      if (refusal !== undefined) throw refusal;
      checkCallName(slot.name, name);
      const argumentBytes = encodeArguments(slot.name, name, callArguments);
      this.#begin(this.#newCall({ slot, name, argumentBytes, resolve, reject, options, delivery: undefined }), options);
    });
  }

  /** Has a dead letter run again, like a call. */
  runLetter(
    slot: WorkerSlot,
    name: string,
    argumentBytes: Uint8Array,
    options: CallOptions,
    delivery: StoredRun,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      try {
        this.checkOpen();
        this.#begin(this.#newCall({ slot, name, argumentBytes, resolve, reject, options, delivery }), options);
      } catch (error) {
        delivery.settled();
        throw error;
      }
    });
  }

  /** Has a stored cast run by a worker that takes calls: nobody waits for it, and there is no time for it. */
  deliver(slot: WorkerSlot, name: string, argumentBytes: Uint8Array, delivery: StoredRun): void {
    const nobody = { resolve: () => {}, reject: () => {}, options: {} };
    const call = this.#newCall({ slot, name, argumentBytes, delivery, ...nobody });
    this.#calls.set(call.callId, call);
    slot.admit(call);
  }

  /** Throws what refuses calls of the program, once the runtime closes. */
  checkOpen(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  #newCall({ slot, name, argumentBytes, resolve, reject, delivery, options, outcomeKey }: NewCall): PendingCall {
    const { signal, retry = 'if_no_trace' } = options;
    return {
      callId: ++this.#lastCallId,
      slot,
      name,
      argumentBytes,
      bytes: argumentBytes.length,
      resolve,
      reject,
      retry,
      tries: 0,
      cancelled: false,
      timer: undefined,
      stopWaiting: undefined,
      signal,
      isAnswered: false,
      delivery,
      outcomeKey,
    };
  }

  /** Takes a call of the program or of a handler. Throws CallError for one that is refused at once. */
  #begin(call: PendingCall, { timeoutMs = CALL_TIMEOUT_DEFAULT_MS }: CallOptions): void {
    const { slot, signal } = call;
    if (slot.isFinished) throw callFailure(call, 'ERR_CALL_STOPPED', 'none', 'was refused, as its worker has ended');
    if (signal?.aborted === true)
      throw callFailure(call, 'ERR_CALL_ABORTED', 'none', 'was aborted before it was sent', signal.reason);
    this.#calls.set(call.callId, call);
    if (timeoutMs !== 'infinity') call.timer = setTimeout(() => this.#timedOut(call, timeoutMs), timeoutMs);
    if (signal !== undefined) this.#listen(call, signal);
    if (slot.offer(call)) return;
    const advice = 'was refused, as too many calls wait for the worker. Send fewer at a time';
    this.fail(call, 'ERR_CALL_OVERLOADED', 'none', advice);
  }

  /** Makes a call without a time or signal of its own, whose outcome is kept. Throws as `call` rejects. */
  shared(
    slot: WorkerSlot,
    name: string,
    argumentBytes: Uint8Array,
    { retry }: CallOptions,
    outcomeKey: OutcomeKey,
  ): SharedCall {
    this.checkOpen();
    const answer = createDeferred<unknown>();
    const call = this.#newCall({
      slot,
      name,
      argumentBytes,
      resolve: (value) => answer.resolve(value),
      reject: (error) => answer.reject(error),
      options: { retry },
      delivery: undefined,
      outcomeKey,
    });
    this.#begin(call, { timeoutMs: 'infinity' });
    return {
      answer: answer.promise,
      leave: () => this.#withdraw(call),
      rejoin: () => void (call.cancelled = false),
    };
  }

  #withdraw(call: PendingCall): ReturnType<SharedCall['leave']> {
    if (call.slot.cancel(call) === 'unknown') return { outcome: 'unknown', isGone: false };
    const outcome = this.#forget(call) ? 'unknown' : 'none';
    this.#reject(call, callFailure(call, 'ERR_CALL_ABORTED', outcome, 'was given up'));
    return { outcome, isGone: true };
  }

  #listen(call: PendingCall, signal: AbortSignal): void {
    call.stopWaiting = onAbort(signal, () => this.#giveUp(call, 'ERR_CALL_ABORTED', 'was aborted', signal.reason));
  }

  #timedOut(call: PendingCall, timeoutMs: number): void {
    this.#giveUp(call, 'ERR_CALL_TIMEOUT', `was not answered within ${timeoutMs} ms`);
  }

  #giveUp(call: PendingCall, code: CallErrorCode, what: string, cause?: unknown): void {
    const outcome = call.slot.cancel(call);
    const hasWritten = outcome === 'none' && this.#forget(call);
    this.#reject(call, callFailure(call, code, hasWritten ? 'unknown' : outcome, what, cause));
  }

  /** Answers the calls that these outcomes are of. A worker answers only the calls that were made to it (G12). */
  settle(worker: string, outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      const call = this.#calls.get(outcome.callId);
      if (call?.slot.name === worker) this.#answer(call, outcome);
    }
  }

  #answer(call: PendingCall, outcome: Outcome): void {
    const hasWritten = this.#forget(call);
    call.slot.settled(call);
    if (call.isAnswered) return;
    try {
      if (outcome.threw)
        this.#reject(call, thrownError(call.slot.name, call.name, hasWritten, decodeValue(outcome.payload)));
      else this.#resolve(call, decodeValue(outcome.payload));
    } catch (cause) {
      this.#reject(call, callFailure(call, 'ERR_CALL_THREW', 'unknown', 'had an answer that cannot be decoded', cause));
    }
  }

  /**
   * Rejects a call that is in no queue any more; one that its caller gave up is only forgotten. What its handler has written to
   * other workers is not undone: then it cannot be said that nothing was changed.
   */
  fail(call: PendingCall, code: CallErrorCode, outcome: CallOutcome, what: string, cause?: unknown): void {
    const hasWritten = this.#forget(call);
    this.#reject(call, callFailure(call, code, hasWritten ? 'unknown' : outcome, what, cause));
  }

  /** Whether its handler has written to other workers. */
  #forget({ callId, delivery }: PendingCall): boolean {
    if (!this.#calls.delete(callId)) return false;
    const hasWritten = this.#onSettled(callId);
    delivery?.settled();
    return hasWritten;
  }

  #resolve(call: PendingCall, value: unknown): void {
    this.#release(call);
    call.resolve(value);
  }

  #reject(call: PendingCall, error: Error): void {
    if (call.isAnswered) return;
    this.#release(call);
    call.reject(error);
  }

  #release(call: PendingCall): void {
    call.isAnswered = true;
    if (call.timer !== undefined) clearTimeout(call.timer);
    call.stopWaiting?.();
  }

  /** Refuses every call from now on, but for those that handlers need. Those that were made are still answered. */
  close(error: RuntimeError): void {
    this.#refusal ??= error;
  }

  /** Refuses every call from now on: nobody will answer. */
  end(error: RuntimeError): void {
    this.close(error);
    this.#failure ??= error;
  }
}

/** A longer name than a worker can define is not worth sending. */
export function checkCallName(worker: string, name: string): void {
  if (name.length <= NAME_CHARS_MAX) return;
  const message = `The worker '${worker}' has no call ${showValue(name)}: names have at most ${NAME_CHARS_MAX} characters.`;
  throw new CallError('ERR_CALL_UNKNOWN', message, { worker, outcome: 'none' });
}

/** Throws ERR_CALL_ARGUMENTS. */
export function encodeArguments(worker: string, name: string, callArguments: readonly unknown[]): Uint8Array {
  const details = { worker, call: name, outcome: 'none' } as const;
  let bytes: Uint8Array;
  try {
    bytes = encodeValue(callArguments);
  } catch (cause) {
    // A Proxy among the arguments may throw anything.
    const reason = cause instanceof Error ? cause.message : `reading it threw ${showValue(cause)}`;
    const message = `An argument of ${worker}.${name} cannot be sent: ${reason}`;
    throw new CallError('ERR_CALL_ARGUMENTS', message, details, { cause });
  }
  if (bytes.length <= ARGUMENT_BYTES_MAX) return bytes;
  const message = `The arguments of ${worker}.${name} have ${bytes.length} bytes, over the limit of ${ARGUMENT_BYTES_MAX}. Send less at a time.`;
  throw new CallError('ERR_CALL_ARGUMENTS', message, { ...details, bytes: bytes.length });
}

/** The error of a call whose handler threw; or of one that the worker does not have. */
export function thrownError(worker: string, name: string, hasWritten: boolean, encoded: unknown): CallError {
  const cause = decodeError(encoded);
  if ((cause as { code?: unknown }).code === 'ERR_WORKER_CALL_UNKNOWN') {
    return new CallError('ERR_CALL_UNKNOWN', cause.message, { worker, call: name, outcome: 'none' }, { cause });
  }
  return new CallError(
    'ERR_CALL_THREW',
    `${worker}.${name} threw, and changed nothing${hasWritten ? ', but what it asked of other workers' : ''}: ${cause.message}`,
    { worker, call: name, outcome: hasWritten ? 'unknown' : 'none' },
    { cause },
  );
}

/** The error of a call that was not answered. */
export function callFailure(
  call: PendingCall,
  code: CallErrorCode,
  outcome: CallOutcome,
  what: string,
  cause?: unknown,
): CallError {
  const became = outcome === 'none' ? 'It changed nothing.' : 'Whether it changed anything is not known.';
  return new CallError(
    code,
    `The call ${call.slot.name}.${call.name} ${what}. ${became}`,
    { worker: call.slot.name, call: call.name, callId: call.callId, outcome },
    cause === undefined ? undefined : { cause },
  );
}
