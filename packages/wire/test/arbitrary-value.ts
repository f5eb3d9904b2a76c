/** Arbitraries for the whole domain of the value codec, and the comparison that the round trip must survive. */
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';

const string = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc
    .string({ unit: 'binary', maxLength: 80 })
    .map((text) => (text as unknown as { toWellFormed(): string }).toWellFormed()), // ES2024
  fc.string({ unit: fc.constantFrom('a', 'é', 'ÿ', 'Ā', '語', '😀'), minLength: 55, maxLength: 75 }),
  fc.constantFrom('x'.repeat(21_845), 'x'.repeat(21_846), 'é'.repeat(21_845), '語'.repeat(21_846), '\ufeff', '\0'),
);
const key = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom('__proto__', 'constructor', '0', '10', '-1', 'toString', '', '語'),
);
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(
    -0,
    0,
    127,
    128,
    -1,
    -0x8000,
    0x7fff,
    0x8000,
    -0x8001,
    2 ** 31,
    -(2 ** 31),
    2 ** 31 - 1,
    2 ** 53,
    NaN,
    Infinity,
  ),
);
const bigint = fc.oneof(
  fc.bigInt(),
  fc.constantFrom(0n, 2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 4000n, -(2n ** 4001n)),
);
const bytes = fc.uint8Array({ maxLength: 40 });
const binary = fc.oneof(
  bytes,
  fc.int8Array(),
  fc.uint8ClampedArray(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
  bytes.map((array) => new Uint8Array(array).buffer),
  bytes.map((array) => new DataView(new Uint8Array(array).buffer)),
  bytes.map((array) => new Uint8Array([0, ...array]).subarray(1)),
);
const regexp = fc
  .tuple(
    fc.constantFrom('a+', '[/]', '', '語', '(?<n>x)\\k<n>', 'a\nb'),
    fc.constantFrom('', 'g', 'gimsuy', 'd'),
    fc.nat(),
  )
  .map(([source, flags, lastIndex]) => Object.assign(new RegExp(source, flags), { lastIndex }));

function plainObject(entries: readonly (readonly [string, unknown])[], prototype: object | null): object {
  const object: object = Object.create(prototype) as object; // A new object is an object.
  for (const [name, value] of entries) {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  }
  return object;
}

export const arbitraryValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown; entries: [string, unknown][] }>(
  (tie) => ({
    entries: fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }),
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.oneof(
        string,
        number,
        bigint,
        binary,
        regexp,
        fc.boolean(),
        fc.constantFrom(undefined, null),
        fc.date({ noInvalidDate: true }),
      ),
      fc.array(tie('value'), { maxLength: 5 }),
      tie('entries').map((entries) => plainObject(entries, Object.prototype)),
      tie('entries').map((entries) => plainObject(entries, null)),
      fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((pairs) => new Map(pairs)),
      fc.array(tie('value'), { maxLength: 4 }).map((elements) => new Set(elements)),
    ),
  }),
).value;

export const arbitraryRow: fc.Arbitrary<object> = fc
  .array(fc.tuple(key, arbitraryValue), { maxLength: 6 })
  .map((entries) => plainObject(entries, Object.prototype));

/** The order of keys and entries at every depth, which deep equality does not look at. */
function order(value: unknown): unknown {
  if (value instanceof Map) return [...value].map(([name, element]) => [order(name), order(element)]);
  if (value instanceof Set) return [...value].map(order);
  if (Array.isArray(value)) return value.map(order);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.entries(value).map(([name, element]) => [name, order(element)]);
}

/** True if nothing tells the two values apart: classes, -0, NaN, bytes, flags, lastIndex, and the order of keys. */
export function isSame(left: unknown, right: unknown): boolean {
  return isDeepStrictEqual(left, right) && isDeepStrictEqual(order(left), order(right));
}
