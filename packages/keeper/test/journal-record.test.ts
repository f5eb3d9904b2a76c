import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeJournalRecord, encodeJournalRecord } from '../src/journal-record.js';
import type { JournalRecord } from '../src/journal-record.js';

const outcome = fc.record({ callId: fc.maxSafeNat(), threw: fc.boolean(), payload: fc.uint8Array({ maxLength: 30 }) });
const batch = fc.record({
  lsn: fc.maxSafeNat(),
  worker: fc.string({ unit: 'grapheme' }),
  epoch: fc.maxSafeNat(),
  number: fc.maxSafeNat(),
  outcomes: fc.array(outcome, { maxLength: 4 }),
});
const record: fc.Arbitrary<JournalRecord> = fc.record({
  instance: fc.maxSafeNat(),
  batches: fc.array(batch, { maxLength: 5 }),
});

describe('a journal record', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(record, (written) => {
        const { instance, batches } = decodeJournalRecord(encodeJournalRecord(written));
        // Payloads come back as views of whatever class the buffer has.
        const plain = batches.map((decoded) => {
          return {
            ...decoded,
            outcomes: decoded.outcomes.map((one) => ({ ...one, payload: new Uint8Array(one.payload) })),
          };
        });
        expect({ instance, batches: plain }).toEqual(written);
      }),
    );
  });

  it('is refused when any byte of it is another', () => {
    fc.assert(
      fc.property(record, fc.nat(), fc.integer({ min: 1, max: 255 }), (written, at, difference) => {
        const bytes = Uint8Array.from(encodeJournalRecord(written));
        const index = at % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ difference;
        expect(() => decodeJournalRecord(bytes)).toThrow(expect.objectContaining({ code: 'ERR_STORE_DAMAGED' }));
      }),
    );
  });

  it('is refused when it is cut off', () => {
    const bytes = encodeJournalRecord({ instance: 1, batches: [] });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeJournalRecord(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'ERR_STORE_DAMAGED' }),
      );
    }
  });
});
