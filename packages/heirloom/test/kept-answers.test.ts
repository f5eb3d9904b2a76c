/**
 * Mutations that make this fail, each tried: a question is known by its ordinal alone; a write may come before one that was made; reads are not kept; the answer of a write is
 * dropped when it is too large; keeping goes on behind the limit; a write is taken although reads were dropped.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEPT_ANSWERS_MAX, KEPT_BYTES_MAX, KeptAnswers } from '../src/kept-answers.js';
import type { Answer } from '../src/kept-answers.js';

const answer = (length: number, fill: number = 0): Answer => ({
  threw: false,
  payload: new Uint8Array(length).fill(fill),
});
const refusal: Answer = { threw: true, payload: new Uint8Array(1) };
const read = (digest: string) => ({ isWrite: false, digest });
const write = (digest: string) => ({ isWrite: true, digest });

describe('what a handler was answered (G3)', () => {
  it('is given again to the same question, waits if it is open, and is refused to another', () => {
    const kept = new KeptAnswers();
    expect(kept.admit(0, read('r'))).toEqual({ kind: 'new' });
    expect(kept.admit(0, read('r'))).toEqual({ kind: 'pending' });
    expect(kept.answered(0, answer(3), () => refusal)).toBe(true);
    expect(kept.hasWritten).toBe(false);
    expect(kept.admit(2, write('w'))).toEqual({ kind: 'new' });
    expect(kept.hasWritten).toBe(true);
    expect(kept.admit(0, read('r'))).toEqual({ kind: 'answered', answer: answer(3) });
    expect(kept.admit(0, read('other'))).toEqual({ kind: 'diverged' });
    expect(kept.admit(2, write('other'))).toEqual({ kind: 'diverged' });
    expect(kept.admit(1, read('r'))).toEqual({ kind: 'new' });
  });

  it('is no place for a write before those that were made, as it was refused before it left then', () => {
    const kept = new KeptAnswers();
    kept.admit(0, write('first'));
    // The question 1 timed out in its worker, say, and the handler went on.
    kept.admit(2, write('third'));
    expect(kept.admit(0, write('first'))).toEqual({ kind: 'pending' });
    expect(kept.admit(1, write('second'))).toEqual({ kind: 'diverged' });
    expect(kept.admit(2, write('third'))).toEqual({ kind: 'pending' });
    // Reads overtake writes that are held.
    expect(kept.admit(1, read('second'))).toEqual({ kind: 'new' });
    expect(kept.admit(3, write('fourth'))).toEqual({ kind: 'new' });
  });

  it('is the same in a second run, whatever is asked and answered in whatever order', () => {
    const question = fc.record({ isWrite: fc.boolean(), digest: fc.constantFrom('a', 'b', 'c') });
    fc.assert(
      fc.property(fc.array(question, { maxLength: 30 }), fc.infiniteStream(fc.nat(9)), (questions, order) => {
        const kept = new KeptAnswers();
        for (const [ordinal, each] of questions.entries()) expect(kept.admit(ordinal, each).kind).toBe('new');
        const open = [...questions.keys()];
        const given = new Map<number, Answer>();
        // Some are answered, in any order; the others are still open.
        for (const choice of order) {
          if (open.length < 3) break;
          const [ordinal = 0] = open.splice(choice % open.length, 1);
          given.set(ordinal, answer(4, ordinal));
          kept.answered(ordinal, answer(4, ordinal), () => refusal);
        }
        for (const [ordinal, each] of questions.entries()) {
          const known = given.get(ordinal);
          expect(kept.admit(ordinal, each)).toEqual(
            known === undefined ? { kind: 'pending' } : { kind: 'answered', answer: known },
          );
          expect(kept.admit(ordinal, { ...each, digest: 'd' }).kind).toBe('diverged');
        }
      }),
    );
  });
});

describe('what is kept is bounded (G9)', () => {
  it('when reads alone are too many, it is dropped, reads go on and writes are refused', () => {
    const kept = new KeptAnswers();
    for (let ordinal = 0; ordinal < KEPT_ANSWERS_MAX; ordinal++) kept.admit(ordinal, read('r'));
    expect(kept.count).toBe(KEPT_ANSWERS_MAX);
    expect(kept.admit(KEPT_ANSWERS_MAX, read('r'))).toEqual({ kind: 'new' });
    expect(kept.count).toBe(0);
    expect(kept.answered(3, answer(3), () => refusal)).toBe(true);
    expect([kept.count, kept.bytes]).toEqual([0, 0]);
    expect(kept.admit(KEPT_ANSWERS_MAX + 1, write('w'))).toEqual({ kind: 'refused' });
    expect(kept.hasWritten).toBe(false);
  });

  it('when their answers are too large, likewise', () => {
    const kept = new KeptAnswers();
    for (const ordinal of [0, 1, 2]) kept.admit(ordinal, read('r'));
    expect(kept.answered(0, answer(KEPT_BYTES_MAX), () => refusal)).toBe(true);
    expect(kept.bytes).toBe(KEPT_BYTES_MAX);
    expect(kept.answered(1, answer(1), () => refusal)).toBe(true);
    expect([kept.count, kept.bytes]).toEqual([0, 0]);
    expect(kept.admit(3, write('w'))).toEqual({ kind: 'refused' });
  });

  it('when it is full, a write is refused before it happens', () => {
    const kept = new KeptAnswers();
    kept.admit(0, read('r'));
    kept.answered(0, answer(KEPT_BYTES_MAX), () => refusal);
    expect(kept.admit(1, write('w'))).toEqual({ kind: 'refused' });
    expect(kept.hasWritten).toBe(false);
  });

  it('behind a write what is too much is refused, and nothing is dropped', () => {
    const kept = new KeptAnswers();
    kept.admit(0, write('w'));
    kept.admit(1, read('r'));
    kept.admit(2, write('w'));
    expect(kept.answered(1, answer(KEPT_BYTES_MAX + 1), () => refusal)).toBe(false);
    expect(kept.admit(1, read('r'))).toEqual({ kind: 'answered', answer: refusal });
    // It has happened, so its answer is kept whatever it takes.
    expect(kept.answered(0, answer(KEPT_BYTES_MAX), () => refusal)).toBe(true);
    expect(kept.answered(2, answer(5), () => refusal)).toBe(true);
    expect(kept.bytes).toBe(KEPT_BYTES_MAX + 6);
    for (const question of [read('more'), write('more')]) expect(kept.admit(3, question)).toEqual({ kind: 'refused' });
    expect(kept.admit(2, write('w'))).toEqual({ kind: 'answered', answer: answer(5) });
  });
});
