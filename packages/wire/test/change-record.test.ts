import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeChangeRecord, encodeChangeRecord } from '@heirloom/wire';
import type { ChangeRecord } from '@heirloom/wire';

const bytes = fc.uint8Array({ minLength: 1, maxLength: 30 });
const change = fc.record({
  keyBytes: bytes,
  sequence: fc.maxSafeNat(),
  rowBytes: fc.option(bytes, { nil: undefined }),
});
const record: fc.Arbitrary<ChangeRecord> = fc.record({
  cleared: fc.boolean(),
  changes: fc.array(change, { maxLength: 6 }),
});

/** With arrays of one class, as views come back as that of the buffer. */
function plain({ cleared, changes }: ChangeRecord): ChangeRecord {
  const copied = changes.map(({ keyBytes, sequence, rowBytes }) => {
    return {
      keyBytes: new Uint8Array(keyBytes),
      sequence,
      rowBytes: rowBytes === undefined ? undefined : new Uint8Array(rowBytes),
    };
  });
  return { cleared, changes: copied };
}

describe('a change record', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(record, (written) => {
        expect(plain(decodeChangeRecord(encodeChangeRecord(written)))).toEqual(written);
      }),
    );
  });

  it('is refused when it is cut off, has more behind it, or another version or flags', () => {
    fc.assert(
      fc.property(record, fc.nat(), (written, at) => {
        const encoded = Uint8Array.from(encodeChangeRecord(written));
        const more = Uint8Array.from([...encoded, 0]);
        const [version, flags] = [Uint8Array.from(encoded), Uint8Array.from(encoded)];
        version[0] = 2;
        flags[1] = 2;
        for (const wrong of [encoded.subarray(0, at % encoded.length), more, version, flags]) {
          expect(() => decodeChangeRecord(wrong)).toThrow(expect.objectContaining({ code: 'ERR_WIRE_DECODE' }));
        }
      }),
    );
  });
});
