/**
 * What the handlers of an incarnation ask of other workers, by way of the router.
 *
 *   made ──▶ held (a write, while batches are unreleased) ──▶ sent ──▶ answered
 *     └────────────────────── a read ──────────────────────────┘
 *
 * 1. G4: a write, which every call is, leaves when every batch is released that was there when it was made, as what it says may
 *    depend on them (output-gate.ts). A read leaves at once: it changes nothing.
 * 2. A question is named by its call and its ordinal, which counts what the handler asks, refused or not. So a handler that is run
 *    again and does the same gives the same names, and the router the same answers. Its effect is there once (G3).
 * 3. Only the handler that asks hears: behind its end every new question is refused (ERR_TABLE_CLOSED), and answers are dropped. A
 *    write that it did not wait for happens all the same, if this process lives until it has left; but if the handler throws,
 *    what is held then leaves never, as its caller is told that nothing was changed.
 *    Of what has left and is not waited for any more, the router is told: it waits for nobody, and reads no further page.
 * 4. G9: at most ASKS_OPEN_MAX questions of ASKS_OPEN_BYTES_MAX are unanswered, of all handlers of this process; one more is
 *    refused (ERR_CALL_OVERLOADED). A question whose asker gave up counts until its answer comes.
 * 5. Without a call there is nothing by which a write could be known again, so `init`, `tableTransferred` and timers, which outlive
 *    the embedding process, only read (ERR_WORKER_NO_CALL).
 */
import { TableError, showValue } from '@heirloom/tables';
import { decodeError, decodeValue, encodeValue, failpoint } from '@heirloom/wire';
import type { AskMessage, LeaveMessage, Outcome } from '@heirloom/wire';
import { onAbort } from './abort-waiters.js';
import { askError, isAskedWrite, targetDetails, targetName } from './ask-target.js';
import type { AskTarget } from './ask-target.js';
import type { CallErrorCode } from './call-error.js';
import { WorkerError } from './errors.js';
import type { OutputGate } from './output-gate.js';
import type { AskOptions } from './remote-worker.js';

/** How long an answer may take unless `with({ timeoutMs })` says otherwise: as that of a call. */
export const ASK_TIMEOUT_DEFAULT_MS = 5_000;
/** The most questions of one process without an answer: enough to hide the way to the keeper and back. */
export const ASKS_OPEN_MAX = 256;
/** The most bytes of what they say, encoded: as much as the arguments of one call. */
export const ASKS_OPEN_BYTES_MAX: number = 32 * 1024 * 1024;

export interface AskPorts {
  readonly gate: OutputGate;
  readonly ask: (message: AskMessage) => void;
  readonly leave: (message: LeaveMessage) => void;
  /** Makes a cast of the handler that runs; throws CallError. */
  readonly cast: (worker: string, name: string, castArguments: readonly unknown[]) => void;
}

interface OpenAsk {
  readonly message: AskMessage;
  readonly isWrite: boolean;
  /** When the time is over, by `performance.now`. */
  readonly endsAt: number;
  isSent: boolean;
  /** Undefined once nobody waits any more. */
  waiter: Waiter | undefined;
}

interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Stops listening to signal and clock. */
  readonly release: () => void;
}

/** The open questions of one process. */
export class Asks {
  readonly ports: AskPorts;
  private readonly open = new Map<number, OpenAsk>();
  private openBytes = 0;
  private lastRequestId = 0;

  constructor(ports: AskPorts) {
    this.ports = ports;
  }

  /** What a handler asks with, until it is closed. */
  session(callId: number | undefined): AskSession {
    return new AskSession(this, callId);
  }

  nextRequestId(): number {
    return ++this.lastRequestId;
  }

  /** Takes a question; it leaves at once or when the gate lets it. Throws ERR_CALL_OVERLOADED. */
  add(ask: OpenAsk): void {
    const { requestId, arguments: bytes } = ask.message;
    if (this.open.size >= ASKS_OPEN_MAX || this.openBytes + bytes.length > ASKS_OPEN_BYTES_MAX) {
      const advice = `${this.open.size} questions of ${this.openBytes} bytes are unanswered, and ${ASKS_OPEN_MAX} of ${ASKS_OPEN_BYTES_MAX} are the most. Ask for less at a time`;
      throw askError('ERR_CALL_OVERLOADED', 'none', ask.message, `was refused. ${advice}`);
    }
    this.open.set(requestId, ask);
    this.openBytes += bytes.length;
    const { gate } = this.ports;
    if (ask.isWrite && !gate.isOpen) gate.holdAsk(requestId);
    else this.send(ask);
  }

  /** Sends what the gate does not hold any more. */
  released(): void {
    for (const requestId of this.ports.gate.takeAsks()) {
      const ask = this.open.get(requestId);
      if (ask !== undefined) this.send(ask);
    }
  }

  /** Takes an answer. One to a question that nobody waits for is dropped. */
  answered({ callId: requestId, threw, payload }: Outcome): void {
    failpoint('worker.answer:before');
    const waiter = this.open.get(requestId)?.waiter;
    this.remove(requestId);
    if (waiter === undefined) return;
    waiter.release();
    try {
      const value = decodeValue(payload);
      if (threw) waiter.reject(decodeError(value));
      else waiter.resolve(value);
    } catch (cause) {
      waiter.reject(cause as Error); // A WireError: decoding throws nothing else.
    }
  }

  /** Its asker does not wait any more. What has not left and is not wanted leaves never; of what has, the router is told. */
  giveUp(ask: OpenAsk, isWanted: boolean): void {
    const { requestId, callId, ordinal } = ask.message;
    ask.waiter?.release();
    ask.waiter = undefined;
    if (ask.isSent) this.ports.leave({ callId, ordinal });
    else if (!isWanted) this.remove(requestId);
  }

  private send(ask: OpenAsk): void {
    failpoint('worker.ask:before');
    ask.isSent = true;
    const left = ask.endsAt - performance.now();
    const timeoutMs = ask.endsAt === Infinity ? undefined : Math.max(1, Math.ceil(left));
    this.ports.ask({ ...ask.message, timeoutMs });
  }

  private remove(requestId: number): void {
    const ask = this.open.get(requestId);
    if (ask === undefined || !this.open.delete(requestId)) return;
    this.openBytes -= ask.message.arguments.length;
  }
}

/** The questions of one handler. */
export class AskSession {
  private readonly asks: Asks;
  private readonly callId: number | undefined;
  private nextOrdinal = 0;
  private isOpen = true;
  private waiting: Set<OpenAsk> | undefined;
  private iterations: Set<number> | undefined;
  private isWriting = false;

  constructor(asks: Asks, callId: number | undefined) {
    this.asks = asks;
    this.callId = callId;
  }

  /** Whether anything was asked for that may have changed something elsewhere. */
  get hasWritten(): boolean {
    return this.isWriting;
  }

  /** Resolves with the answer; rejects as RemoteWorker says. */
  async ask(target: AskTarget, operands: readonly unknown[], options: AskOptions): Promise<unknown> {
    this.check(target);
    const requestId = this.asks.nextRequestId();
    // Without a call nothing is asked again, and the number of the question tells iterations apart.
    const ordinal = this.callId === undefined ? requestId : this.nextOrdinal++;
    const isWrite = isAskedWrite(target);
    if (isWrite === undefined) throw askError('ERR_CALL_UNKNOWN', 'none', target, 'is nothing that can be asked');
    if (isWrite && this.callId === undefined) throw noCall(target);
    if (isWrite) this.isWriting = true;
    if (options.signal?.aborted === true) {
      throw askError('ERR_CALL_ABORTED', 'none', target, 'was aborted before it was sent', options.signal.reason);
    }
    const message = {
      ...target,
      requestId,
      callId: this.callId,
      ordinal,
      arguments: encodeOperands(target, operands),
      timeoutMs: undefined,
    };
    const { timeoutMs = ASK_TIMEOUT_DEFAULT_MS } = options;
    const endsAt = timeoutMs === 'infinity' ? Infinity : performance.now() + timeoutMs;
    return this.wait({ message, isWrite, endsAt, isSent: false, waiter: undefined }, timeoutMs, options.signal);
  }

  /** Makes a cast. Throws CallError, and TableError ERR_TABLE_CLOSED behind the end of the handler. */
  cast(worker: string, name: string, castArguments: readonly unknown[]): void {
    if (!this.isOpen) {
      const message = `'cast.${name}' was asked of worker ${showValue(worker)} after the handler had settled that the handle was given to. Cast before the handler returns.`;
      throw new TableError('ERR_TABLE_CLOSED', message, { operation: 'cast', worker, call: name });
    }
    this.asks.ports.cast(worker, name, castArguments);
  }

  /** An iteration goes on behind its first page. */
  iterates(ordinal: number): void {
    if (this.isOpen) (this.iterations ??= new Set()).add(ordinal);
  }

  /** No further page of an iteration is wanted. */
  leave(ordinal: number): void {
    if (this.iterations?.delete(ordinal) === true) this.asks.ports.leave({ callId: this.callId, ordinal });
  }

  /** The handler has settled. If it threw, what has not left leaves never: its caller is told that nothing was changed. */
  close(hasThrown: boolean): void {
    this.isOpen = false;
    for (const ordinal of this.iterations ?? []) this.leave(ordinal);
    for (const ask of this.waiting ?? []) this.asks.giveUp(ask, ask.isWrite && !hasThrown);
    this.waiting = undefined;
  }

  private wait(ask: OpenAsk, timeoutMs: number | 'infinity', signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const giveUp = (code: CallErrorCode, what: string, cause?: unknown): void => {
        const outcome = ask.isSent && ask.isWrite ? 'unknown' : 'none';
        this.asks.giveUp(ask, false);
        this.waiting?.delete(ask);
        reject(askError(code, outcome, ask.message, what, cause));
      };
      const stopListening = onAbort(signal, () => giveUp('ERR_CALL_ABORTED', 'was aborted', signal?.reason));
      const onTime = (): void => {
        // The router says so of what was sent, as only it can say the same when the handler is run again.
        if (!ask.isSent)
          giveUp(
            'ERR_CALL_TIMEOUT',
            `could not be sent within ${timeoutMs} ms, as what this worker did before is not stored`,
          );
      };
      const timer = ask.isWrite && timeoutMs !== 'infinity' ? setTimeout(onTime, timeoutMs) : undefined;
      const release = (): void => {
        clearTimeout(timer);
        stopListening();
        this.waiting?.delete(ask);
      };
      ask.waiter = { resolve, reject, release };
      try {
        this.asks.add(ask);
        (this.waiting ??= new Set()).add(ask);
      } catch (error) {
        release();
        throw error;
      }
    });
  }

  private check(target: AskTarget): void {
    if (this.isOpen) return;
    const message =
      `${targetName(target)} was asked after the handler had settled that the handle was given to. ` +
      'Await everything that uses it before the handler returns.';
    throw new TableError('ERR_TABLE_CLOSED', message, targetDetails(target));
  }
}

function encodeOperands(target: AskTarget, operands: readonly unknown[]): Uint8Array {
  try {
    return encodeValue(operands);
  } catch (cause) {
    // A Proxy among them may throw anything.
    const reason = cause instanceof Error ? cause.message : `reading it threw ${showValue(cause)}`;
    throw askError('ERR_CALL_ARGUMENTS', 'none', target, `has an argument that cannot be sent: ${reason}`, cause);
  }
}

function noCall(target: AskTarget): WorkerError {
  const message =
    `${targetName(target)} is done by others, and init, tableTransferred and timers can ask them for reads only, as it could ` +
    'happen again in the next life. Do it in a call.';
  return new WorkerError('ERR_WORKER_NO_CALL', message, targetDetails(target));
}
