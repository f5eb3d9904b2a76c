import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Harness, bankDefinition, settled } from './incarnation-harness.js';

/** What one step does: a call of the bank, or a release of some more batches. */
type Step =
  { readonly call: 'deposit' | 'balance' | 'hit' | 'everythingThenThrow' | 'sizes' } | { readonly release: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ call: fc.constantFrom('deposit', 'balance', 'hit', 'everythingThenThrow', 'sizes') }),
  },
  { weight: 2, arbitrary: fc.record({ release: fc.nat({ max: 5 }) }) },
);

/** The bank without batches, gates or transactions. */
class Model {
  private balance: number | undefined;
  private entries = 0;
  private hits = 0;

  answer(call: string): unknown {
    if (call === 'deposit') {
      this.entries++;
      return (this.balance = (this.balance ?? 0) + 1);
    }
    if (call === 'hit') return ++this.hits;
    if (call === 'balance') return this.balance;
    if (call === 'sizes') return [this.balance === undefined ? 0 : 1, this.entries, this.hits === 0 ? 0 : 1];
    return 'no';
  }
}

test('answers each call once, as if calls ran one by one, and nothing before what it rests on (G2, G3, G4)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
      const harness = new Harness(bankDefinition());
      harness.activate();
      harness.releaseAll();
      const model = new Model();
      const expected: unknown[] = [];
      /** For each call, the number of the last batch when it had run: what a direct reply rests on. */
      const restsOn: number[] = [];
      const direct = new Set<number>();
      const check = (): void => {
        for (const { callId } of harness.replies.slice(direct.size)) {
          expect(restsOn[callId - 1]).toBeLessThanOrEqual(harness.gate.released);
          direct.add(callId);
        }
      };
      for (const each of steps) {
        if ('call' in each) {
          harness.call(each.call, ...(each.call === 'deposit' ? ['a', 1] : ['a']));
          await settled();
          expected.push(model.answer(each.call));
          restsOn.push(harness.gate.lastNumber);
        } else {
          harness.incarnation.release(Math.min(harness.journal.length, harness.gate.released + each.release));
        }
        check();
      }
      harness.releaseAll();
      check();
      const journalled = harness.journal.flatMap(({ outcomes }) => outcomes.map(({ callId }) => callId));
      expect([...journalled, ...direct].sort((a, b) => a - b)).toEqual(expected.map((_, index) => index + 1));
      const seen = expected.map((_, index) => harness.outcome(index + 1));
      expect(seen.map((outcome) => outcome?.error?.message ?? outcome?.value)).toEqual(expected);
      expect(harness.journal.map(({ number }) => number)).toEqual(harness.journal.map((_, index) => index + 1));
    }),
    { numRuns: 60 },
  );
});
