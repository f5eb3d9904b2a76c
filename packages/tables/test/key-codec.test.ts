import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY_BYTES_MAX, bytesAfter, compareKeys, decodeKey, encodeKey, encodeKeyPrefix } from '@heirloom/tables';
import type { TableKey } from '@heirloom/tables';
import { keyIdentity } from '../src/key-codec.js';

const awkwardUnit = fc.constantFrom(
  '\u0000',
  '\u0001',
  '\u0002',
  '\u0004',
  '\u007f',
  '\u0080',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
  'a',
  'b',
);
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: awkwardUnit, maxLength: 5 }),
  fc.string({ unit: awkwardUnit, minLength: 60, maxLength: 68 }),
);
const number = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.constantFrom(0, -0, 2 ** 53, -(2 ** 53), Number.MAX_VALUE, Number.MIN_VALUE, Infinity, -Infinity),
);
const bigint = fc.oneof(
  fc.bigInt(),
  fc.integer().map(BigInt),
  fc
    .tuple(fc.integer({ min: 50, max: 1100 }), fc.integer({ min: -3, max: 3 }), fc.boolean())
    .map(([bits, off, negative]) => {
      const magnitude = 2n ** BigInt(bits) + BigInt(off);
      return negative ? -magnitude : magnitude;
    }),
);
const scalar: fc.Arbitrary<TableKey> = fc.oneof(
  fc.constantFrom(null, false, true),
  number,
  bigint,
  text,
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 12 }),
  fc.array(fc.constantFrom(0, 1, 2, 255), { maxLength: 4 }).map((bytes) => new Uint8Array(bytes)),
);
const key = fc.letrec<{ key: TableKey }>((tie) => ({
  key: fc.oneof({ maxDepth: 3, withCrossShrink: true }, scalar, fc.array(tie('key'), { maxLength: 4 })),
})).key;

const sign = (order: number): number => Math.sign(order);
const isSame = (a: TableKey, b: TableKey): boolean => Object.is(keyIdentity(a, true), keyIdentity(b, true));
/** -0 folds to 0; nothing else changes. */
const normal = (value: TableKey): TableKey => (Array.isArray(value) ? value.map(normal) : value === 0 ? 0 : value);
const startsWith = (whole: Uint8Array, start: Uint8Array): boolean =>
  Buffer.compare(whole.subarray(0, start.length), start) === 0;

describe('key bytes', () => {
  it('come back as the same key of the same class', () => {
    fc.assert(
      fc.property(key, (a) => {
        expect(decodeKey(encodeKey(a, true))).toEqual(normal(a));
      }),
      { numRuns: 1000 },
    );
  });

  it('have the order of compareKeys', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(sign(Buffer.compare(encodeKey(a, false), encodeKey(b, false)))).toBe(sign(compareKeys(a, b)));
        expect(sign(compareKeys(b, a))).toBe(-sign(compareKeys(a, b)) + 0);
      }),
      { numRuns: 2000 },
    );
  });

  it('keep number and bigint apart only when exact, and then as neighbours', () => {
    fc.assert(
      fc.property(fc.oneof(number, bigint), fc.oneof(number, bigint), (a, b) => {
        expect(Buffer.compare(encodeKey(a, true), encodeKey(b, true)) === 0).toBe(isSame(a, b));
        if (a < b) expect(Buffer.compare(encodeKey(a, true), encodeKey(b, true))).toBe(-1);
        // oxlint-disable-next-line eqeqeq -- number and bigint compare by value.
        expect(Buffer.compare(encodeKey(a, false), encodeKey(b, false)) === 0).toBe(a == b);
      }),
      { numRuns: 1000 },
    );
  });

  it('are never shared nor a prefix of those of another key, so that a sequence may follow', () => {
    fc.assert(
      fc.property(key, key, fc.boolean(), (a, b, exact) => {
        const [x, y] = [encodeKey(a, exact), encodeKey(b, exact)];
        const isOne = exact ? isSame(a, b) : compareKeys(a, b) === 0;
        expect(startsWith(y, x)).toBe(isOne);
        if (!isOne && Buffer.compare(x, y) < 0) expect(Buffer.compare(bytesAfter(x), y)).toBe(-1);
      }),
      { numRuns: 2000 },
    );
  });

  it('of a composite key begin with those of its prefix', () => {
    fc.assert(
      fc.property(
        fc.array(key, { maxLength: 3 }),
        fc.array(key, { maxLength: 3 }),
        fc.array(key, { maxLength: 3 }),
        (a, b, other) => {
          const prefix = encodeKeyPrefix(a, true);
          expect(startsWith(encodeKey([...a, ...b], true), prefix)).toBe(true);
          const isPrefix = other.length >= a.length && isSame(other.slice(0, a.length), a);
          expect(startsWith(encodeKey(other, true), prefix)).toBe(isPrefix);
        },
      ),
    );
  });

  it('tell apart what other codecs confuse (N04 to N08)', () => {
    const keys: TableKey[] = [
      null,
      false,
      true,
      -1,
      0,
      9007199254740992,
      9007199254740993n,
      Infinity,
      new Date(0),
      '',
      'a',
      'a\u0000',
      'abc',
      '\uffff',
      '\u{10000}',
      new Uint8Array([]),
      new Uint8Array([0]),
      new Uint8Array([97, 98, 99]),
      [],
      [null],
      [1, [2, 3]],
      [1, 2, 3],
      ['a'],
      ['a', []],
      [['a']],
      [[[]]],
      ['x', null],
      ['x', null, null],
    ];
    const names = keys.map((one) => Buffer.from(encodeKey(one, false)).toString('hex'));
    expect(new Set(names).size).toBe(keys.length);
    const sorted = keys.toSorted(compareKeys).map((one) => Buffer.from(encodeKey(one, false)).toString('hex'));
    expect(sorted).toEqual(names.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(compareKeys('\uffff', '\u{10000}')).toBeLessThan(0);
    expect(encodeKey(-0, true)).toEqual(encodeKey(0, true));
    expect(Object.is(decodeKey(encodeKey(-0, true)), 0)).toBe(true);
    expect(decodeKey(encodeKey(Buffer.from('abc'), true))?.constructor).toBe(Uint8Array);
  });
});

describe('what is no key', () => {
  it.each([
    ['NaN', NaN],
    ['undefined', undefined],
    ['an invalid Date', new Date(NaN)],
    ['a lone surrogate', 'a\ud800'],
    ['a long string with a lone surrogate', `${'x'.repeat(700)}\udc00`],
    ['an object', {}],
    ['a Map', new Map()],
    ['a Float64Array', new Float64Array(1)],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['an array with a hole', [1, , 2]], // oxlint-disable-line no-sparse-arrays
    ['an array with undefined inside', ['a', [undefined]]],
  ])('is refused: %s', (_, value) => {
    const refusal = expect.objectContaining({ code: 'ERR_TABLE_VALUE' });
    // The point is a value that the types refuse.
    expect(() => encodeKey(value as TableKey, true)).toThrow(refusal);
    expect(() => keyIdentity(value, true)).toThrow(refusal);
  });

  it('is refused with the path to it', () => {
    expect(() => encodeKey(['a', [1, NaN]], true)).toThrow(expect.objectContaining({ details: { path: '[1][1]' } }));
  });

  it('takes KEY_BYTES_MAX bytes and not one more, whatever its class (N09)', () => {
    const limit = expect.objectContaining({ code: 'ERR_TABLE_LIMIT' });
    expect(encodeKey('x'.repeat(KEY_BYTES_MAX - 2), true).length).toBe(KEY_BYTES_MAX);
    expect(keyIdentity('x'.repeat(KEY_BYTES_MAX - 2), true)).toHaveLength(KEY_BYTES_MAX - 2);
    const cycle: TableKey[] = [];
    cycle.push(cycle);
    const tooLong: TableKey[] = [
      'x'.repeat(KEY_BYTES_MAX - 1),
      '\u0000'.repeat(1000),
      '\u20ac'.repeat(700),
      new Uint8Array(1000),
      1n << 16000n,
      -(1n << 100000n),
      Array.from({ length: 300 }, () => 1),
      cycle,
      ['x'.repeat(1000), 'x'.repeat(1000)],
    ];
    for (const one of tooLong) {
      expect(() => encodeKey(one, true)).toThrow(limit);
      expect(() => keyIdentity(one, false)).toThrow(limit);
    }
    expect(decodeKey(encodeKey(-(1n << 12000n) - 1n, true))).toBe(-(1n << 12000n) - 1n);
  });

  it('is refused when it is read from damaged bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        try {
          decodeKey(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_TABLE_VALUE' });
        }
      }),
      { numRuns: 3000 },
    );
  });
});
