/**
 * What the handler of one call has asked of other workers, and was answered: kept until the call is settled for good, so that a
 * handler that is run again gets the same answers, and its writes happen once (G3). Pure.
 *
 *   asked ──▶ pending ──▶ answered          at the same ordinal again: the same pending question, or the kept answer
 *
 * 1. A question is known by its ordinal. One that is asked again must say the same; else the handler has diverged, and what it
 *    would do now does not fit to what it has done. So has one that asks for a new write before one that it asked for: writes
 *    leave in their order, so that one was refused where it was made when the handler ran before, and it has gone on from there.
 * 2. Reads are kept as writes may follow from them. Without a write nothing depends on them, and the next run reads anew.
 * 3. G9: at most KEPT_ANSWERS_MAX questions are kept, of KEPT_BYTES_MAX. When reads alone are more, keeping ends: then reads go
 *    on, and writes are refused. Behind a write whatever would be more is refused. Answers of writes that were open then may
 *    exceed the bytes, as they have to be kept.
 */
import { invariant } from '@heirloom/tables';
import type { Outcome } from '@heirloom/wire';

/** The most questions of one handler: more are better asked as one selection, or in several calls. */
export const KEPT_ANSWERS_MAX = 16_384;
/** The most bytes of answers: the largest selection that can be one answer. */
export const KEPT_BYTES_MAX: number = 16 * 1024 * 1024;

/** How an answer is carried: an outcome without the number of a question. */
export type Answer = Pick<Outcome, 'threw' | 'payload'>;

/** What is asked, as far as it has to be compared. */
export interface Question {
  readonly isWrite: boolean;
  /** The same for the same question, and for no other. */
  readonly digest: string;
}

/**
 * What becomes of a question: it is to be carried out (`new`), was answered, is being carried out (`pending`), is another than
 * before (`diverged`), or would be too much (`refused`).
 */
export type Admission =
  | { readonly kind: 'new' | 'pending' | 'diverged' | 'refused' }
  | { readonly kind: 'answered'; readonly answer: Answer };

interface Kept extends Question {
  answer: Answer | undefined;
}

export class KeptAnswers {
  readonly #kept = new Map<number, Kept>();
  #bytes = 0;
  /** The ordinal of the last write that was asked for, -1 before the first. */
  #lastWrite = -1;
  #isKeeping = true;

  /** Whether a write was asked for. From then on nothing may be forgotten. */
  get hasWritten(): boolean {
    return this.#lastWrite >= 0;
  }

  get count(): number {
    return this.#kept.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes note of a question. */
  admit(ordinal: number, question: Question): Admission {
    const kept = this.#kept.get(ordinal);
    if (kept !== undefined) {
      if (kept.digest !== question.digest) return { kind: 'diverged' };
      return kept.answer === undefined ? { kind: 'pending' } : { kind: 'answered', answer: kept.answer };
    }
    if (question.isWrite && ordinal < this.#lastWrite) return { kind: 'diverged' };
    const isFull = this.#kept.size >= KEPT_ANSWERS_MAX || this.#bytes >= KEPT_BYTES_MAX;
    if (isFull && !this.hasWritten) this.#stopKeeping();
    if (question.isWrite ? isFull || !this.#isKeeping : isFull && this.hasWritten) return { kind: 'refused' };
    if (question.isWrite) this.#lastWrite = ordinal;
    if (this.#isKeeping) this.#kept.set(ordinal, { ...question, answer: undefined });
    return { kind: 'new' };
  }

  /** Keeps the answer to a question. False when it is one of a read that is too large: then a refusal is kept in its place. */
  answered(ordinal: number, answer: Answer, refusal: () => Answer): boolean {
    const kept = this.#kept.get(ordinal);
    if (kept === undefined) return true; // Nothing is kept any more.
    invariant(kept.answer === undefined, `question ${ordinal} is answered twice`);
    const isOver = this.#bytes + answer.payload.length > KEPT_BYTES_MAX;
    if (isOver && !this.hasWritten) {
      this.#stopKeeping();
      return true;
    }
    const isRefused = isOver && !kept.isWrite;
    kept.answer = isRefused ? refusal() : answer;
    this.#bytes += kept.answer.payload.length;
    return !isRefused;
  }

  #stopKeeping(): void {
    this.#isKeeping = false;
    this.#kept.clear();
    this.#bytes = 0;
  }
}
