/**
 * The calls to one worker that have no answer yet: which may be sent, and which are run again after a death. Pure: it sends
 * nothing and answers nobody, it says what to do.
 *
 *   offer ──▶ waiting ──▶ sent ──▶ settled            an answer came
 *                ▲          │
 *                └── died ──┴──▶ suspects ──▶ alone ──▶ settled
 *                                    ▲          │
 *                                    └── died ──┴──▶ poisoned
 *
 * Invariants
 * 1. A call is in exactly one of waiting, suspects, sent; `alone` is the one call in sent while suspects are tried.
 * 2. G3: a call is only put back by `died`, which is called after the epoch was closed and every reply of it was taken; so what
 *    is still in sent then left no trace.
 * 3. Calls run again in their first order, before new ones.
 * 4. While there are suspects, at most one call is sent at a time. A death then is that call's doing: it counts as a try of
 *    the call and not as a restart of the worker. Only a call that is known to be the culprit, because it ran alone or the
 *    worker could say so, is ever poisoned.
 * 5. A cancelled call that was sent is never run again; its caller was told that its outcome is unknown.
 * 6. G9: waiting holds at most `waitingMax` calls of `waitingBytesMax` bytes besides those that are run again and those that are
 *    bounded by who admits them; sent holds at
 *    most `sentMax` calls, and `sentBytesMax` bytes and one call more.
 */
import { invariant } from '@heirloom/tables';

/** What happens to a call that left no trace when its worker died. */
export type RetryPolicy = 'if_no_trace' | 'never';

export interface QueuedCall {
  readonly callId: number;
  readonly retry: RetryPolicy;
  /** The size of its arguments. */
  readonly bytes: number;
  /** How many runs of it may have killed the worker. */
  tries: number;
  cancelled: boolean;
}

export interface CallQueueLimits {
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
  readonly sentMax: number;
  readonly sentBytesMax: number;
  /** A call is rejected as poisoned when this many runs of it ended with the worker's death, the last one by its doing. */
  readonly triesMax: number;
  /** At most this many calls can have run since the worker last wrote to its journal, so the killer is among the first of them. */
  readonly suspectWindow: number;
}

/**
 * What is known of a worker's death: a call that was running and was not answered, that it was no call's doing (its `init`, an
 * error outside of handlers, an ordered stop), or nothing.
 */
export type Suspicion = { readonly running: number } | 'nobody' | 'unknown';

interface Charge<Call> {
  readonly culprit: Call | undefined;
  /** How many of the lost calls, from the first on, are run again one at a time. */
  readonly suspects: number;
  readonly charged: (call: Call, index: number) => boolean;
}

/** What a death means for the calls. */
export interface DeathVerdict<Call> {
  /** Whether the death counts against the worker's restart intensity. */
  readonly counted: boolean;
  /** The call that was running, where that is known. */
  readonly running: Call | undefined;
  /** Calls that are run again. */
  readonly rerun: number;
  /** Calls that killed the worker too often. */
  readonly poisoned: readonly Call[];
  /** Calls that left no trace and must not be run again, by their callers' wish. */
  readonly abandoned: readonly Call[];
  /** Calls that left no trace and whose callers have given up. */
  readonly cancelled: readonly Call[];
}

export class CallQueue<Call extends QueuedCall> {
  readonly #limits: CallQueueLimits;
  #waiting: Call[] = [];
  #waitingHead = 0;
  #suspects: Call[] = [];
  readonly #sent = new Map<number, Call>();
  #alone: Call | undefined;
  #waitingBytes = 0;
  #sentBytes = 0;

  constructor(limits: CallQueueLimits) {
    this.#limits = limits;
  }

  get waitingCount(): number {
    return this.#waiting.length - this.#waitingHead;
  }

  get sentCount(): number {
    return this.#sent.size;
  }

  /** Whether everything was sent. */
  get isAllSent(): boolean {
    return this.waitingCount === 0 && this.#suspects.length === 0;
  }

  /** Takes a new call; false when the queue is full. */
  offer(call: Call): boolean {
    const { waitingMax, waitingBytesMax } = this.#limits;
    if (this.waitingCount >= waitingMax || this.#waitingBytes + call.bytes > waitingBytesMax) return false;
    this.admit(call);
    return true;
  }

  /** Takes a call whose number is bounded elsewhere. */
  admit(call: Call): void {
    this.#waiting.push(call);
    this.#waitingBytes += call.bytes;
  }

  /** Takes the next calls to send out of the queue, in order; an empty list when none may be sent now. */
  takeSendable(): Call[] {
    if (this.#alone !== undefined) return [];
    if (this.#suspects.length === 0) return this.#takeWaiting();
    if (this.#sent.size > 0) return [];
    this.#alone = this.#suspects.shift();
    return this.#alone === undefined ? [] : [this.#markSent(this.#alone)];
  }

  #takeWaiting(): Call[] {
    const { sentMax, sentBytesMax } = this.#limits;
    const calls: Call[] = [];
    while (this.#sent.size < sentMax && this.#sentBytes < sentBytesMax) {
      const call = this.#waiting[this.#waitingHead];
      if (call === undefined) break;
      this.#waitingHead++;
      this.#waitingBytes -= call.bytes;
      calls.push(this.#markSent(call));
    }
    if (this.#waitingHead === this.#waiting.length) this.#setWaiting([]);
    else if (this.#waitingHead >= 1024 && this.#waitingHead * 2 >= this.#waiting.length) {
      this.#setWaiting(this.#waiting.slice(this.#waitingHead));
    }
    return calls;
  }

  #setWaiting(calls: Call[]): void {
    this.#waiting = calls;
    this.#waitingHead = 0;
  }

  #markSent(call: Call): Call {
    this.#sent.set(call.callId, call);
    this.#sentBytes += call.bytes;
    return call;
  }

  /** Takes the call that was answered out of the queue; undefined when it is not there: a second answer. */
  settle(callId: number): Call | undefined {
    const call = this.#sent.get(callId);
    if (call === undefined) return undefined;
    this.#sent.delete(callId);
    this.#sentBytes -= call.bytes;
    if (this.#alone === call) this.#alone = undefined;
    return call;
  }

  /** Takes back a call whose caller gave up. `none`: it was never sent, and is gone. `unknown`: it was sent. */
  cancel(call: Call): 'none' | 'unknown' {
    call.cancelled = true;
    if (this.#sent.has(call.callId)) return 'unknown';
    this.#suspects = this.#suspects.filter((other) => other !== call);
    const index = this.#waiting.indexOf(call, this.#waitingHead);
    if (index >= 0) {
      this.#waiting.splice(index, 1);
      this.#waitingBytes -= call.bytes;
    }
    return 'none';
  }

  /** Sorts out the calls that were sent when the worker died and that left no trace. */
  died(suspicion: Suspicion): DeathVerdict<Call> {
    const alone = this.#alone;
    const lost = [...this.#sent.values()];
    this.#clearSent();
    invariant(alone === undefined || lost.length === 1, 'a suspect was not alone');
    const charge = this.#charge(lost, alone, suspicion);
    const poisoned: Call[] = [];
    const abandoned: Call[] = [];
    const cancelled: Call[] = [];
    const suspects: Call[] = [];
    const others: Call[] = [];
    for (const [index, call] of lost.entries()) {
      if (charge.charged(call, index)) call.tries++;
      if (call.cancelled) cancelled.push(call);
      else if (call.retry === 'never') abandoned.push(call);
      else if (call === charge.culprit && call.tries >= this.#limits.triesMax) poisoned.push(call);
      else (index < charge.suspects ? suspects : others).push(call);
    }
    this.#putBack(suspects, others);
    const counted = alone === undefined || charge.culprit !== alone;
    // Of one call alone it is known also when nobody could say so.
    const running = charge.culprit ?? (suspicion === 'unknown' && lost.length === 1 ? lost[0] : undefined);
    return { counted, running, rerun: suspects.length + others.length, poisoned, abandoned, cancelled };
  }

  /** Whom a death is charged to: at most one call is known to be the culprit, and only a culprit is ever poisoned. */
  #charge(lost: readonly Call[], alone: Call | undefined, suspicion: Suspicion): Charge<Call> {
    const nobody: Charge<Call> = { culprit: undefined, suspects: alone === undefined ? 0 : 1, charged: () => false };
    if (suspicion === 'nobody') return nobody;
    if (alone !== undefined) return { culprit: alone, suspects: 1, charged: () => true };
    if (suspicion === 'unknown') {
      const suspects = Math.min(lost.length, this.#limits.suspectWindow);
      return { culprit: undefined, suspects, charged: (_call, index) => index < suspects };
    }
    const running = lost.findIndex((call) => call.callId === suspicion.running);
    const culprit = lost[running];
    // Those before it did not run to their end; they go first, one at a time, but are not to blame.
    return culprit === undefined ? nobody : { culprit, suspects: running + 1, charged: (call) => call === culprit };
  }

  #putBack(suspects: readonly Call[], others: readonly Call[]): void {
    if (suspects.length > 0) this.#suspects = [...suspects, ...this.#suspects];
    if (others.length === 0) return;
    this.#setWaiting([...others, ...this.#waiting.slice(this.#waitingHead)]);
    for (const { bytes } of others) this.#waitingBytes += bytes;
  }

  #clearSent(): void {
    this.#sent.clear();
    this.#sentBytes = 0;
    this.#alone = undefined;
  }

  /** Empties the queue for good: the runtime is over. What was sent has an unknown outcome. */
  drain(): { readonly unsent: readonly Call[]; readonly sent: readonly Call[] } {
    const sent = [...this.#sent.values()];
    const unsent = [...this.#suspects, ...this.#waiting.slice(this.#waitingHead)];
    this.#clearSent();
    this.#suspects = [];
    this.#setWaiting([]);
    this.#waitingBytes = 0;
    return { unsent, sent };
  }
}
