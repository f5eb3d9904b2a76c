/**
 * Calls with an idempotency key: whoever makes one again gets its outcome, and it is run once.
 *
 *   call ──▶ open already? ──▶ joins it
 *     └────▶ asks the keeper ──▶ kept: answered        ──▶ full: refused
 *                          └───▶ none: made ──▶ answered, and kept by the keeper
 *
 * 1. G3: of a key there is at most one call at a time. It is made only when the keeper has no outcome of it, and until it is
 *    settled, everybody who makes it again joins it. It is settled when its outcome is stored, or when it left no trace and is not run
 *    again; so there is no moment in between at which it could be made a second time. The embedding process does not outlive its
 *    keeper's workers, so after a new start the store alone knows.
 * 2. What is stored is an outcome: what the handler returned or threw. A call that was refused, withdrawn, poisoned or not retried is
 *    none, and may be made again.
 * 3. A key belongs to one call name and one list of arguments (ERR_CALL_KEY_REUSED), as long as its call is open or its outcome kept.
 * 4. Each caller has its own time and signal. When none waits any more, a call that was not sent is withdrawn, and one that was sent is
 *    not run again if it left no trace; unless somebody joins it before that is found out.
 * 5. G9: at most KEYED_CALLS_MAX calls with keys, of KEYED_BYTES_MAX bytes, are open; one more is refused (ERR_CALL_OVERLOADED).
 *    This is also by how much the outcomes that are kept may exceed their limits.
 * 6. As the keeper is asked first, a call with a key may be overtaken by one without. Those with keys keep their order.
 */
import { decodeValue, encodeValue } from '@heirloom/wire';
import type { KeptOutcome, OutcomeFinding, OutcomeKey } from '@heirloom/wire';
import { onAbort } from '@heirloom/worker/process-url';
import { createHash } from 'node:crypto';
import type { CallErrorCode, CallOutcome } from './errors.js';
import { CallError } from './errors.js';
import type { KeeperLink, Question } from './keeper-link.js';
import { CALL_TIMEOUT_DEFAULT_MS, checkCallName, encodeArguments, thrownError } from './pending-call.js';
import type { CallOptions, PendingCalls, SharedCall } from './pending-call.js';
import type { WorkerSlot } from './worker-slot.js';

/** How long an outcome is kept unless `with({ keepOutcomeMs })` says otherwise: a day. */
export const KEEP_OUTCOME_DEFAULT_MS: number = 24 * 60 * 60 * 1000;
/** The most callers that wait for calls with keys. */
export const KEYED_CALLS_MAX = 16_384;
/** The most bytes of the arguments of such calls: a few of the largest. */
export const KEYED_BYTES_MAX: number = 256 * 1024 * 1024;

/** A caller that waits. */
interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Stops listening to signal and clock. */
  readonly release: () => void;
}

/** A call of a key that is not settled. */
interface KeyedCall {
  readonly id: string;
  readonly slot: WorkerSlot;
  readonly name: string;
  readonly argumentBytes: Uint8Array;
  readonly outcomeKey: OutcomeKey;
  readonly options: CallOptions;
  readonly waiters: Set<Waiter>;
  question: Question | undefined;
  /** Undefined until the keeper has said that there is no outcome. */
  call: SharedCall | undefined;
}

export class KeyedCalls {
  readonly #calls: PendingCalls;
  readonly #link: Pick<KeeperLink, 'ask'>;
  readonly #open = new Map<string, KeyedCall>();
  #waiterCount = 0;
  #bytes = 0;

  constructor(calls: PendingCalls, link: Pick<KeeperLink, 'ask'>) {
    this.#calls = calls;
    this.#link = link;
  }

  /** How many calls are not settled. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Makes a call with the key in its options, or joins it, or gives its kept outcome. Rejects as PendingCalls.call does. */
  call(
    slot: WorkerSlot,
    key: string,
    name: string,
    operands: readonly unknown[],
    options: CallOptions,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      checkCallName(slot.name, name);
      const argumentBytes = encodeArguments(slot.name, name, operands);
      const { signal, timeoutMs = CALL_TIMEOUT_DEFAULT_MS, keepOutcomeMs = KEEP_OUTCOME_DEFAULT_MS } = options;
      const digest = digestOf(name, argumentBytes);
      const outcomeKey = { key, digest, keepMs: keepOutcomeMs };
      const keyed = this.#keyed({ slot, name, argumentBytes, outcomeKey, options });
      if (signal?.aborted === true) {
        throw keyedError(keyed, 'ERR_CALL_ABORTED', 'none', 'was aborted before it was sent', signal.reason);
      }
      this.#checkRoom(keyed);
      const giveUp = (code: CallErrorCode, what: string, cause?: unknown): void => {
        const outcome = this.#leave(keyed, waiter);
        const advice = outcome === 'none' ? '' : '. Make it again with the same key to learn of its outcome';
        reject(keyedError(keyed, code, outcome, `${what}${advice}`, cause));
      };
      const onTime = (): void => giveUp('ERR_CALL_TIMEOUT', `was not answered within ${timeoutMs} ms`);
      const timer = timeoutMs === 'infinity' ? undefined : setTimeout(onTime, timeoutMs);
      const stopListening = onAbort(signal, () => giveUp('ERR_CALL_ABORTED', 'was aborted', signal?.reason));
      const release = (): void => {
        clearTimeout(timer);
        stopListening();
      };
      const waiter: Waiter = { resolve, reject, release };
      this.#join(keyed, waiter);
    });
  }

  /** The open call of a key, or a new one. Throws ERR_CALL_KEY_REUSED. */
  #keyed(parts: Pick<KeyedCall, 'slot' | 'name' | 'argumentBytes' | 'outcomeKey' | 'options'>): KeyedCall {
    const id = JSON.stringify([parts.slot.name, parts.outcomeKey.key]);
    const fresh: KeyedCall = { ...parts, id, waiters: new Set(), question: undefined, call: undefined };
    const open = this.#open.get(id);
    if (open === undefined) return fresh;
    if (!isSame(open.outcomeKey.digest, parts.outcomeKey.digest)) throw reusedError(fresh);
    return open;
  }

  #checkRoom(keyed: KeyedCall): void {
    const isOpen = this.#open.has(keyed.id);
    const hasRoom = this.#waiterCount < KEYED_CALLS_MAX && this.#open.size < KEYED_CALLS_MAX;
    if (hasRoom && (isOpen || this.#bytes + keyed.argumentBytes.length <= KEYED_BYTES_MAX)) return;
    const what = `was refused, as ${this.#waiterCount} calls with keys, of ${this.#bytes} bytes, wait for their outcomes. Send fewer at a time`;
    throw keyedError(keyed, 'ERR_CALL_OVERLOADED', 'none', what);
  }

  #join(keyed: KeyedCall, waiter: Waiter): void {
    keyed.waiters.add(waiter);
    this.#waiterCount++;
    if (this.#open.has(keyed.id)) return keyed.call?.rejoin();
    this.#open.set(keyed.id, keyed);
    this.#bytes += keyed.argumentBytes.length;
    void this.#run(keyed);
  }

  /** A caller does not wait any more. Returns what can be said of the call then. */
  #leave(keyed: KeyedCall, waiter: Waiter): CallOutcome {
    this.#forget(keyed, waiter);
    if (keyed.waiters.size > 0) return 'unknown';
    keyed.question?.giveUp();
    const { outcome, isGone } = keyed.call?.leave() ?? { outcome: 'none', isGone: true };
    if (isGone) this.#close(keyed);
    return outcome;
  }

  async #run(keyed: KeyedCall): Promise<void> {
    try {
      const { slot, outcomeKey } = keyed;
      keyed.question = this.#link.ask({ type: 'outcome', worker: slot.name, key: outcomeKey.key });
      const found = (await keyed.question.answer) as OutcomeFinding; // The keeper's answer to it.
      if (this.#open.get(keyed.id) !== keyed) return; // Everybody has given up.
      if (found.kind === 'kept') return this.#answerKept(keyed, found.outcome);
      if (found.kind === 'full') throw fullError(keyed, found);
      keyed.call = this.#calls.shared(slot, keyed.name, keyed.argumentBytes, keyed.options, outcomeKey);
      const value = await keyed.call.answer;
      this.#settle(keyed, ({ resolve }, isFirst) => resolve(isFirst ? value : decodeValue(encodeValue(value))));
    } catch (error) {
      this.#settle(keyed, ({ reject }) => reject(error as Error)); // Whatever is thrown here is an Error.
    }
  }

  #answerKept(keyed: KeyedCall, { digest, threw, hasWritten, payload }: KeptOutcome): void {
    if (!isSame(digest, keyed.outcomeKey.digest)) throw reusedError(keyed);
    const { slot, name } = keyed;
    this.#settle(keyed, ({ resolve, reject }) => {
      if (threw) reject(thrownError(slot.name, name, hasWritten, decodeValue(payload)));
      else resolve(decodeValue(payload));
    });
  }

  #settle(keyed: KeyedCall, answer: (waiter: Waiter, isFirst: boolean) => void): void {
    this.#close(keyed);
    let isFirst = true;
    for (const waiter of keyed.waiters) {
      this.#forget(keyed, waiter);
      try {
        answer(waiter, isFirst);
      } catch (error) {
        waiter.reject(error as Error); // A WireError: a payload that cannot be decoded.
      }
      isFirst = false;
    }
  }

  #forget(keyed: KeyedCall, waiter: Waiter): void {
    if (keyed.waiters.delete(waiter)) this.#waiterCount--;
    waiter.release();
  }

  #close(keyed: KeyedCall): void {
    if (this.#open.get(keyed.id) !== keyed) return;
    this.#open.delete(keyed.id);
    this.#bytes -= keyed.argumentBytes.length;
  }
}

function digestOf(name: string, argumentBytes: Uint8Array): Uint8Array {
  // No name has a NUL behind which arguments could begin twice: the length of the name is part of what is hashed.
  return createHash('sha256').update(`${name.length} ${name}`).update(argumentBytes).digest();
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function keyedError(
  { slot, name, outcomeKey }: Pick<KeyedCall, 'slot' | 'name' | 'outcomeKey'>,
  code: CallErrorCode,
  outcome: CallOutcome,
  what: string,
  cause?: unknown,
): CallError {
  const became = outcome === 'none' ? 'It changed nothing.' : 'Whether it changed anything is not known.';
  const details = { worker: slot.name, call: name, idempotencyKey: outcomeKey.key, outcome };
  const text = `The call ${slot.name}.${name} with the key ${JSON.stringify(outcomeKey.key)} ${what}. ${became}`;
  return new CallError(code, text, details, cause === undefined ? undefined : { cause });
}

function reusedError(keyed: Pick<KeyedCall, 'slot' | 'name' | 'outcomeKey'>): CallError {
  const what =
    'was refused, as the key was given to another call of this worker, or to this one with other arguments. Give each call a ' +
    'key of its own, and each repetition the same arguments, with their fields in the same order';
  return keyedError(keyed, 'ERR_CALL_KEY_REUSED', 'none', what);
}

function fullError(keyed: KeyedCall, { count, bytes }: Extract<OutcomeFinding, { kind: 'full' }>): CallError {
  const what = `was refused, as ${count} outcomes of ${bytes} bytes are kept, which is the most. Keep them for less long`;
  return keyedError(keyed, 'ERR_CALL_KEY_LIMIT', 'none', what);
}
