/**
 * Each hazard that key codecs are known for, by name: different keys never share bytes, bytes sort as keys do, keys come back
 * as they were, and in memory and in the store they are the same keys in the same order.
 *
 * The orders here are worked out from code points and numbers, not by the code under test.
 *
 * Mutations that made it fail: strings compared by units; 00 not escaped, in bytes or in plain text; no closing 00 of an
 * array; bytes with the tag of strings; the residual of a bigint left out, or of a negative one not inverted; the class byte
 * of bigints left out; NaN or a lone surrogate accepted; -0 or NaN passed by `keyIdentity`; the identity of arrays, dates and
 * bytes not set apart from text; the limit not checked behind each element.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY_BYTES_MAX, Table, compareKeys, decodeKey, encodeKey, row, table } from '@heirloom/tables';
import type { TableKey, TableType } from '@heirloom/tables';
import { keyIdentity } from '../src/key-codec.js';
import { FakeStore } from './fake-store.js';

const EVERY_TYPE = ['set', 'ordered_set', 'bag', 'duplicate_bag'] as const;
const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });

const hex = (key: TableKey, exact = true): string => Buffer.from(encodeKey(key, exact)).toString('hex');
const back = (key: TableKey): TableKey => decodeKey(encodeKey(key, true));

/** Says that these are different keys in every way in which keys are told apart, and that each comes back. */
function expectDistinct(keys: readonly TableKey[]): void {
  expect(new Set(keys.map((key) => hex(key))).size).toBe(keys.length);
  expect(new Set(keys.map((key) => hex(key, false))).size).toBe(keys.length);
  expect(new Set(keys.map((key) => keyIdentity(key, true))).size).toBe(keys.length);
  for (const [index, key] of keys.entries()) {
    expect(back(key)).toEqual(key);
    for (const other of keys.slice(index + 1)) expect(compareKeys(key, other)).not.toBe(0);
  }
}

/** Says that keys given in ascending order sort so as keys and as bytes. */
function expectAscending(keys: readonly TableKey[]): void {
  for (const [index, key] of keys.entries()) {
    for (const greater of keys.slice(index + 1)) {
      expect(compareKeys(key, greater)).toBeLessThan(0);
      expect(compareKeys(greater, key)).toBeGreaterThan(0);
      expect(Buffer.compare(encodeKey(key, false), encodeKey(greater, false))).toBe(-1);
      expect(Buffer.compare(encodeKey(key, true), encodeKey(greater, true))).toBe(-1);
    }
  }
}

/** The order of code points, from their numbers. */
function compareCodePoints(a: string, b: string): number {
  const [x, y] = [
    Array.from(a, (point) => point.codePointAt(0) ?? 0),
    Array.from(b, (point) => point.codePointAt(0) ?? 0),
  ];
  const at = x.findIndex((point, index) => point !== y[index]);
  if (at === -1) return Math.sign(x.length - y.length);
  const other = y[at];
  return other === undefined ? 1 : Math.sign((x[at] ?? 0) - other);
}

const scalar: fc.Arbitrary<TableKey> = fc.oneof(
  fc.constantFrom<TableKey[]>(null, false, true, 0, 1n, '', 'a', new Date(0), new Uint8Array(), new Uint8Array([0])),
  fc.integer(),
  fc.string({ maxLength: 5 }),
  fc.uint8Array({ maxLength: 5 }),
);
const awkward = fc.constantFrom(
  '\u0000',
  '\u0001',
  '\u0002',
  '\u0003',
  '\u0004',
  'a',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
);
/** Around 64 units, where some codecs change their ways. */
const longText = fc
  .tuple(fc.integer({ min: 58, max: 66 }), fc.string({ unit: awkward, maxLength: 6 }))
  .map(([length, end]) => 'x'.repeat(length) + end);

describe('the hazards of numbers', () => {
  it('-0 is 0: the same bytes, the same identity, and it comes back as 0 (N05)', () => {
    for (const exact of [true, false]) {
      expect(hex(-0, exact)).toBe(hex(0, exact));
      expect(hex([-0, ['a', -0]], exact)).toBe(hex([0, ['a', 0]], exact));
      expect(Object.is(keyIdentity(-0, exact), 0)).toBe(true);
    }
    expect(Object.is(back(-0), 0)).toBe(true);
    expect(hex(new Date(-0))).toBe(hex(new Date(0)));
    expectAscending([-Infinity, -1, -Number.MIN_VALUE, 0, Number.MIN_VALUE, 1, Infinity]);
  });

  it('NaN is no key, whatever its sign (N05)', () => {
    const bits = new BigUint64Array([0x7ff8_0000_0000_0000n, 0xfff8_0000_0000_0000n, 0x7ff0_0000_0000_0001n]);
    for (const nan of new Float64Array(bits.buffer)) {
      expect(() => encodeKey(nan, true)).toThrow(code('ERR_TABLE_VALUE'));
      expect(() => encodeKey(['a', [nan]], false)).toThrow(code('ERR_TABLE_VALUE'));
      expect(() => keyIdentity(nan, true)).toThrow(code('ERR_TABLE_VALUE'));
    }
  });

  it('numbers and bigints are one exact line, also beyond 2^53 and beyond every double (N04)', () => {
    const line: TableKey[] = [
      -(2n ** 1024n) - 1n,
      -(2n ** 1024n),
      -Number.MAX_VALUE,
      -(2n ** 64n) - 1n,
      -(2 ** 64),
      -9007199254740993n,
      -9007199254740992,
      -9007199254740991n,
      -1,
      0n,
      0.5,
      1,
      9007199254740991n,
      9007199254740992,
      9007199254740993n,
      9007199254740994,
      2n ** 64n - 1n,
      2 ** 64,
      2n ** 64n + 1n,
      Number.MAX_VALUE,
      2n ** 1024n,
      2n ** 1024n + 1n,
      2n ** 4000n,
    ];
    expectAscending(line);
    expectDistinct(line);
    // Infinity is above every double, and the bigints that no double reaches are below it.
    expect(compareKeys(2n ** 4000n, Infinity)).toBeLessThan(0);
    expectAscending([-Infinity, -(2n ** 4000n), 2n ** 4000n, Infinity]);
  });

  it('a number and the bigint of its value are one key in an ordered set and two elsewhere, and come back as they were', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (number) => {
        const bigint = BigInt(number);
        expect([hex(number, false), compareKeys(number, bigint)]).toEqual([hex(bigint, false), 0]);
        expect(hex(number, true)).not.toBe(hex(bigint, true));
        expect([back(number), back(bigint)]).toEqual([number + 0, bigint]);
      }),
    );
  });
});

describe('the hazards of arrays', () => {
  it('a key, an array of it and an array of that are three keys, whatever it is (N06)', () => {
    fc.assert(
      fc.property(scalar, (key) => {
        expectDistinct([key, [key], [[key]], [[[key]]]]);
        expectAscending([key, [key], [[key]]]);
      }),
    );
  });

  it('nesting is not flattened (N06)', () => {
    fc.assert(
      fc.property(scalar, scalar, scalar, (a, b, c) => {
        expectDistinct([[a, b, c], [a, [b, c]], [[a, b], c], [[a], b, c], [a, b, [c]], [[a, b, c]], [a, [b], c]]);
      }),
    );
  });

  it('empty arrays are keys, inside of others too (N06)', () => {
    expectAscending([[], [[]], [[], []], [[], [[]]], [[[]]], [[[]], []], [[[], []]]]);
    expectDistinct(['a', ['a'], [['a']], ['a', []], [], [[]], [[], []], [[[]]]]);
    for (const key of [[], [[]], new Uint8Array(), ''] as const) expect(encodeKey(key, true).length).toBeGreaterThan(0);
  });

  it('what stands at the end of an array counts: null, an empty string, nothing (N06)', () => {
    expectAscending([['x'], ['x', null], ['x', null, null], ['x', null, ''], ['x', ''], ['x', '', null]]);
    expectDistinct([['x'], ['x', null], ['x', null, null], ['x', null, ''], ['x', ''], ['x', '', null], ['x', []]]);
    expect(() => encodeKey(['a', undefined] as never, true)).toThrow(code('ERR_TABLE_VALUE'));
    expect(() => encodeKey([undefined, 1] as never, true)).toThrow(code('ERR_TABLE_VALUE'));
  });

  it('an array sorts before all that it begins, and an element that is longer does not reach into the next', () => {
    expectAscending([['a'], ['a', 'b'], ['a', 'b', 'c'], ['a\u0000'], ['a\u0000', 'b'], ['ab'], ['ab', 'a'], ['b']]);
    expectAscending([[1, 'z'], [1.5, 'a'], [2, ''], [2n ** 60n + 1n, 'a'], [2n ** 60n + 2n]]);
  });
});

describe('the hazards of text and bytes', () => {
  it('bytes and the text that they spell are two keys, and each comes back as its class (N07)', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.oneof(awkward, fc.constant('b')), maxLength: 6 }), (text) => {
        const bytes = new Uint8Array(Buffer.from(text, 'utf8'));
        expectDistinct([text, bytes]);
        expect(back(Buffer.from(bytes))).toEqual(bytes);
        expect(back(bytes)?.constructor).toBe(Uint8Array);
      }),
    );
    expectDistinct([null, new Uint8Array([0]), new Uint8Array(), '', 0, new Date(0), false, [], '\u0000']);
  });

  it('text keeps the order of its code points on both sides of 64 units, control characters inside (N08)', () => {
    fc.assert(
      fc.property(longText, longText, (a, b) => {
        const order = compareCodePoints(a, b);
        expect(Math.sign(compareKeys(a, b))).toBe(order);
        expect(Buffer.compare(encodeKey(a, true), encodeKey(b, true))).toBe(order);
        expect([back(a), back([a, b])]).toEqual([a, [a, b]]);
      }),
      { numRuns: 1000 },
    );
    for (const length of [62, 63, 64, 65]) {
      const start = 'k'.repeat(length);
      expectAscending([start, ...['\u0000', '\u0001', '\u0002', '\u0003', '\u0004', '0'].map((unit) => start + unit)]);
      expectDistinct([`${start}\u0000a`, [start, 'a'], `${start}\u0001a`, `${start}\u0001\u0002a`, `${start}\u0000`]);
    }
  });

  it('no text has the identity of an array, of a date or of bytes', () => {
    for (const key of [['a'], [], new Date(5), new Uint8Array([1, 2])]) {
      const text = Buffer.from(encodeKey(key, true)).toString('latin1');
      expect(keyIdentity(text, true)).not.toBe(keyIdentity(key, true));
    }
  });

  it('code points above U+FFFF sort behind U+E000 to U+FFFF (N08)', () => {
    expectAscending(['\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}']);
    expectAscending([
      ['\uffff', 2],
      ['\u{10000}', 1],
    ]);
  });

  it('lone surrogates are no keys, wherever they stand (N08)', () => {
    const bad = ['\ud800', '\udfff', 'a\ud800', '\udc00\ud800', `${'x'.repeat(64)}\ud83d`, `\ud83d${'x'.repeat(64)}`];
    for (const text of bad) {
      expect(() => encodeKey(text, true)).toThrow(code('ERR_TABLE_VALUE'));
      expect(() => encodeKey([[text]], false)).toThrow(code('ERR_TABLE_VALUE'));
      expect(() => keyIdentity(text, true)).toThrow(code('ERR_TABLE_VALUE'));
    }
  });
});

interface KeyRow {
  readonly id: TableKey;
  readonly n: number;
}
const keyed = (type: TableType) => new Table(table({ row: row<KeyRow>(), key: 'id', type }));

/** Keys of every hazard that are different in every type, in ascending order. */
const HAZARDS: readonly TableKey[] = [
  null,
  false,
  true,
  -9007199254740993n,
  -1,
  0,
  9007199254740992,
  9007199254740993n,
  new Date(-1),
  new Date(0),
  '',
  '\u0000',
  'a',
  'a\u0000',
  'abc',
  'k'.repeat(64),
  `${'k'.repeat(64)}\u0000`,
  `${'k'.repeat(64)}\u0001`,
  '\uffff',
  '\u{10000}',
  new Uint8Array([]),
  new Uint8Array([0]),
  new Uint8Array([97, 98, 99]),
  [],
  [1, 2, 3],
  [1, [2, 3]],
  ['a'],
  ['a', []],
  ['x', null],
  ['x', null, null],
  [[]],
  [['a']],
];

describe.each(EVERY_TYPE)('in a %s, the keys of every hazard', (type) => {
  it('are different keys that a new incarnation finds as they were, in the order of the store (N04 to N08)', () => {
    const store = new FakeStore();
    const written = keyed(type);
    written.begin();
    for (const [n, id] of HAZARDS.entries()) written.insert({ id, n });
    store.commit(written.commit());
    store.settle(1);
    expect([written.size, store.size]).toEqual([HAZARDS.length, HAZARDS.length]);
    expect(store.all().map(({ keyBytes }) => decodeKey(keyBytes))).toEqual(HAZARDS);
    const found = keyed(type);
    found.hydrateFrom(store, { size: written.size, nextSequence: written.nextSequence });
    for (const [n, id] of HAZARDS.entries()) expect([found.lookup(id)].flat()).toEqual([{ id, n }]);
    const keys = [...found.keys()];
    expect(keys.toSorted(compareKeys)).toEqual(HAZARDS);
    if (type === 'ordered_set') expect([keys, [...written.keys()]]).toEqual([HAZARDS, HAZARDS]);
  });

  it('of which -0 finds 0, and 992n replaces 992 only in an ordered set (N04, N05)', () => {
    const subject = keyed(type);
    subject.insertMany([
      { id: -0, n: 1 },
      { id: 9007199254740992, n: 2 },
      { id: 9007199254740992n, n: 3 },
      { id: 9007199254740993n, n: 4 },
    ]);
    expect(subject.size).toBe(type === 'ordered_set' ? 3 : 4);
    expect([subject.lookup(0)].flat().map((found) => found?.n)).toEqual([1]);
    expect([subject.lookup(9007199254740992n)].flat()).toEqual([{ id: 9007199254740992n, n: 3 }]);
  });

  it('refuse one that is a byte too long or much longer, and all rows beside it (N09, N11)', () => {
    const subject = keyed(type);
    // A tag and an end, and in an array those of the array too.
    const fitting: TableKey[] = [
      'x'.repeat(KEY_BYTES_MAX - 2),
      ['y'.repeat(KEY_BYTES_MAX - 4)],
      new Uint8Array(KEY_BYTES_MAX - 2).fill(9),
    ];
    const tooLong: TableKey[] = [
      'x'.repeat(KEY_BYTES_MAX - 1),
      ['y'.repeat(KEY_BYTES_MAX - 3)],
      new Uint8Array(KEY_BYTES_MAX - 1).fill(9),
      // Of 10 bytes each, so that the limit lies far before the end.
      Array.from({ length: KEY_BYTES_MAX }, (_, element) => element),
    ];
    for (const id of tooLong) {
      expect(() => subject.insert({ id, n: 0 })).toThrow(code('ERR_TABLE_LIMIT'));
      expect(() =>
        subject.insertMany([
          { id: 'fine', n: 0 },
          { id, n: 0 },
        ]),
      ).toThrow(code('ERR_TABLE_LIMIT'));
      expect(() =>
        subject.insertNewMany([
          { id: 'fine', n: 0 },
          { id, n: 0 },
        ]),
      ).toThrow(code('ERR_TABLE_LIMIT'));
      expect(() => subject.lookup(id)).toThrow(code('ERR_TABLE_LIMIT'));
    }
    expect(subject.size).toBe(0);
    for (const id of fitting) subject.insert({ id, n: 0 });
    expect(subject.size).toBe(fitting.length);
  });
});
