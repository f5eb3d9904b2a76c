/**
 * The output gate (G4): the batches that are not released yet, and the replies and questions that must wait for them. Pure.
 *
 * 1. Batches are numbered from 1 without gaps, in the order in which handlers settled.
 * 2. A batch is kept, encoded, until it is released: a new keeper may have to be given it again.
 * 3. A reply that is held leaves when every batch before it is released, in the order of the handlers.
 * 4. Releases only grow. One of a batch that does not exist is a violation (ERR_WORKER_PROTOCOL).
 * 5. At UNRELEASED_BATCHES_MAX or UNRELEASED_BYTES_MAX the gate is full, and no handler begins until a release. The handler
 *    that makes it full may exceed the bytes by one batch.
 * 6. At most HELD_REPLIES_MAX replies are held, and no further one once they have HELD_BYTES_MAX. A held reply leaves no trace
 *    outside of this process, and when the worker dies, those without a trace are suspected of it; so further ones go through
 *    the journal as batches without tables.
 * 7. What a handler asks of another worker and may change something there is held like a reply. How many questions there are is
 *    bounded by who asks (ask-session.ts).
 */
import { invariant } from '@heirloom/tables';
import type { Outcome } from '@heirloom/wire';
import { WorkerError } from './errors.js';

/** Enough for the keeper's largest groups to overlap with work, and for a restart of the keeper at a usual rate of calls. */
export const UNRELEASED_BATCHES_MAX = 16_384;
/** What a worker may hold for the keeper in memory: a few large batches. */
export const UNRELEASED_BYTES_MAX: number = 64 * 1024 * 1024;
/**
 * How many handled calls may have left no trace on a socket. When a worker dies, the one that killed it is among the first so
 * many of those in flight without a trace.
 */
export const SUSPECT_WINDOW = 64;
/** Half of the window; the other half is for calls whose frames were not handed to a socket yet. */
export const HELD_REPLIES_MAX: number = SUSPECT_WINDOW / 2;
/** Held replies leave all at once, so they must be far fewer bytes than a connection takes. */
export const HELD_BYTES_MAX: number = 16 * 1024 * 1024;

interface HeldReply {
  readonly outcome: Outcome;
  readonly behind: number;
}

interface HeldAsk {
  readonly requestId: number;
  readonly behind: number;
}

export class OutputGate {
  /** Encoded batches; `batches[head]` has the number `released + 1`. */
  private batches: (Uint8Array | undefined)[] = [];
  private head = 0;
  private releasedNumber = 0;
  private bytes = 0;
  private held: HeldReply[] = [];
  private heldBytes = 0;
  private asks: HeldAsk[] = [];

  /** The number of the last batch, 0 before the first. */
  get lastNumber(): number {
    return this.releasedNumber + this.unreleasedCount;
  }

  /** Every batch up to this one is released. */
  get released(): number {
    return this.releasedNumber;
  }

  get unreleasedCount(): number {
    return this.batches.length - this.head;
  }

  get unreleasedBytes(): number {
    return this.bytes;
  }

  /** Whether everything is released: then a reply may leave at once. */
  get isOpen(): boolean {
    return this.head === this.batches.length;
  }

  /** Whether no handler may begin. */
  get isFull(): boolean {
    return this.unreleasedCount >= UNRELEASED_BATCHES_MAX || this.bytes >= UNRELEASED_BYTES_MAX;
  }

  get heldCount(): number {
    return this.held.length;
  }

  /** Whether one more reply may be held. */
  get canHold(): boolean {
    return this.held.length < HELD_REPLIES_MAX && this.heldBytes < HELD_BYTES_MAX;
  }

  /** Takes the batch numbered `lastNumber + 1`. */
  append(encoded: Uint8Array): void {
    this.batches.push(encoded);
    this.bytes += encoded.length;
  }

  /** Keeps a reply until every batch that there is now is released. */
  hold(outcome: Outcome): void {
    invariant(!this.isOpen, 'a reply is held although nothing is unreleased');
    invariant(this.canHold, 'a reply is held although the limits do not allow another');
    this.heldBytes += outcome.payload.length;
    this.held.push({ outcome, behind: this.lastNumber });
  }

  /** Keeps a question, by its number, until every batch that there is now is released. */
  holdAsk(requestId: number): void {
    invariant(!this.isOpen, 'a question is held although nothing is unreleased');
    this.asks.push({ requestId, behind: this.lastNumber });
  }

  /** Takes out the questions that may leave now. */
  takeAsks(): readonly number[] {
    const leaving = takeFree(this.asks, this.releasedNumber);
    return leaving.map(({ requestId }) => requestId);
  }

  /** The encoded batch of a number that is not released. */
  batch(number: number): Uint8Array {
    const encoded = this.batches[this.head + number - this.releasedNumber - 1];
    invariant(encoded !== undefined, `batch ${number} is not one of the unreleased`);
    return encoded;
  }

  /** Forgets the batches up to `number`, and returns the replies that may leave now. */
  release(number: number): readonly Outcome[] {
    if (number > this.lastNumber) {
      const message = `Batch ${number} was released, but the last one is ${this.lastNumber}.`;
      throw new WorkerError('ERR_WORKER_PROTOCOL', message, { released: number, lastNumber: this.lastNumber });
    }
    while (this.releasedNumber < number) this.forgetFirst();
    if (this.head === this.batches.length || (this.head >= 1024 && this.head * 2 >= this.batches.length)) {
      this.batches.splice(0, this.head);
      this.head = 0;
    }
    return this.takeHeld();
  }

  private forgetFirst(): void {
    this.bytes -= this.batches[this.head]?.length ?? 0;
    this.batches[this.head] = undefined;
    this.head++;
    this.releasedNumber++;
  }

  private takeHeld(): readonly Outcome[] {
    const leaving = takeFree(this.held, this.releasedNumber);
    for (const { outcome } of leaving) this.heldBytes -= outcome.payload.length;
    return leaving.map(({ outcome }) => outcome);
  }
}

/** Takes the first entries out that wait for no later batch than this one. */
function takeFree<Held extends { readonly behind: number }>(held: Held[], released: number): readonly Held[] {
  const still = held.findIndex(({ behind }) => behind > released);
  return still === 0 ? [] : held.splice(0, still === -1 ? held.length : still);
}
