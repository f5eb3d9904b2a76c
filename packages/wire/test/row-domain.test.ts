/**
 * G7: everything that structured clone takes is either stored and given back as structured clone would, or refused at insert with the
 * path to it; there is no third outcome. And the memory of what is decoded is bounded (G9).
 *
 * A mutation that makes this fail, tried: the decoder does not count objects.
 */
import { isDeepStrictEqual } from 'node:util';
import { serialize } from 'node:v8';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INSTANCE_COLLECTIONS, TableError, VALUE_COLLECTIONS_MAX, copyValue, isEqual } from '@heirloom/tables';
import { ByteWriter, RowCodec, decodeValue, encodeValue } from '@heirloom/wire';
import { arbitraryValue } from './arbitrary-value.js';

class Point {
  x = 1;
}

function resizable(): ArrayBuffer {
  // In every Node that is supported, but not in the types before ES2024.
  const Resizable = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer;
  return new Resizable(4, { maxByteLength: 16 });
}

function givenAway(): ArrayBuffer {
  const memory = new ArrayBuffer(4);
  structuredClone(memory, { transfer: [memory] });
  return memory;
}

function cycle(): object {
  const one: { self?: object } = {};
  one.self = one;
  return one;
}

const shared = { a: 1 };
const bytes = (): Uint8Array => Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** What structured clone takes, kind by kind, and whether a row may hold it. */
const KINDS: readonly (readonly [string, boolean, () => unknown])[] = [
  ['undefined', true, () => undefined],
  ['-0', true, () => -0],
  ['NaN', true, () => Number.NaN],
  ['a large bigint', true, () => -(2n ** 200n)],
  ['a date', true, () => new Date(1)],
  ['an invalid date', false, () => new Date(Number.NaN)],
  ['a regular expression', true, () => /a(?<b>c)/dgimsuy],
  ['a map of objects', true, () => new Map<unknown, unknown>([[{ a: 1 }, new Set([[]])]])],
  ['an ArrayBuffer', true, () => bytes().buffer],
  ['a DataView of a part', true, () => new DataView(bytes().buffer, 2, 3)],
  ['a typed array of a part', true, () => new Uint16Array(bytes().buffer, 2, 2)],
  ['a BigInt64Array', true, () => BigInt64Array.of(-1n)],
  ['a Buffer', true, () => Buffer.from('abc')],
  ['an object without a prototype', true, () => Object.assign(Object.create(null) as object, { a: 1 })],
  ['a reference that occurs twice', true, () => [shared, shared]],
  ['an error', false, () => new Error('x', { cause: 1 })],
  ['an error of a subclass', false, () => new RangeError('x')],
  ['an aggregate error', false, () => new AggregateError([new Error('x')])],
  ['a boxed number', false, () => Object(1) as unknown],
  ['a boxed string', false, () => Object('x') as unknown],
  ['a boxed boolean', false, () => Object(false) as unknown],
  ['a boxed bigint', false, () => Object(1n) as unknown],
  // oxlint-disable-next-line no-sparse-arrays -- That is what is tested.
  ['a sparse array', false, () => [1, , 2]],
  ['an array with fields', false, () => Object.assign([1], { x: 1 })],
  ['a cycle', false, cycle],
  ['a lone surrogate', false, () => 'a\ud800'],
  ['a class instance', false, () => new Point()],
  ['shared memory', false, () => new SharedArrayBuffer(2)],
  ['a view of shared memory', false, () => new Int8Array(new SharedArrayBuffer(2))],
  ['resizable memory', false, resizable],
  ['a view of resizable memory', false, () => new Uint8Array(resizable())],
  ['a DataView of resizable memory', false, () => new DataView(resizable())],
  ['a Blob', false, () => new Blob(['x'])],
];
/** What structured clone does not take either. */
const HOSTILE: readonly (readonly [string, () => unknown])[] = [
  ['a function', () => () => 1],
  ['a symbol', () => Symbol('x')],
  ['memory that was given away', givenAway],
  [
    'a view of memory that was given away',
    () => {
      const view = new Uint8Array(4);
      structuredClone(view.buffer, { transfer: [view.buffer] });
      return view;
    },
  ],
  ...[Date, Map, Set, RegExp, ArrayBuffer, Uint8Array, DataView, Array].map(
    (ofClass) =>
      [
        `an object made of ${ofClass.name}.prototype`,
        () => Object.create(ofClass.prototype as object) as unknown,
      ] as const,
  ),
  ['a Proxy of a Date', () => new Proxy(new Date(), {})],
  ['a Proxy of a Map', () => new Proxy(new Map(), {})],
];

function stored(row: unknown): unknown {
  const writer = new RowCodec();
  const rowBytes = writer.encodeRow(row);
  return new RowCodec(writer.takeNewShapes()).decodeRow(rowBytes);
}

function refusal(row: unknown): unknown {
  try {
    copyValue(row);
  } catch (error) {
    if (error instanceof TableError && error.code === 'ERR_TABLE_VALUE') return error.details['path'];
    throw error;
  }
  throw new Error('It was not refused.');
}

describe('what structured clone takes', () => {
  it.each(KINDS.filter(([, isKept]) => isKept))('%s is given back as it would', (_, __, make) => {
    const row = { in: [make()] };
    const copy = copyValue(row);
    expect(isDeepStrictEqual(stored(copy), structuredClone(row))).toBe(true);
    expect(isEqual(stored(copy), row)).toBe(true);
  });

  it.each(KINDS.filter(([name, isKept]) => !isKept && name !== 'a cycle'))(
    '%s is refused with the path',
    (_, __, make) => {
      expect(refusal({ in: [0, make()] })).toBe('.in[1]');
      expect(refusal(new Map([['key', make()]]))).toBe('[0]');
    },
  );

  it('a cycle is refused with the path to where it was given up', () => {
    expect(refusal({ in: cycle() })).toMatch(/^\.in(\.self)+$/);
  });

  it('is decided, whatever is inside of what', () => {
    const leaf = fc.oneof(
      { weight: 6, arbitrary: arbitraryValue },
      { weight: 1, arbitrary: fc.constantFrom(...KINDS).map(([, , make]) => make()) },
    );
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        leaf,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 4 }),
        fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
        fc.array(tie('value'), { maxLength: 3 }).map((elements) => new Set(elements)),
      ),
    })).value;
    let kept = 0;
    fc.assert(
      fc.property(value, (inner) => {
        const row = { inner };
        let copy: unknown;
        try {
          copy = copyValue(row);
        } catch (error) {
          expect(error).toMatchObject({
            code: 'ERR_TABLE_VALUE',
            details: { path: expect.stringMatching(/^\.inner/) },
          });
          return;
        }
        kept++;
        expect(() => serialize(copy)).not.toThrow();
        expect(isDeepStrictEqual(stored(copy), structuredClone(row))).toBe(true);
      }),
      { numRuns: 1_500 },
    );
    expect(kept).toBeGreaterThan(300);
  });
});

it.each(HOSTILE)('%s is refused with the path, too', (_, make) => {
  expect(refusal({ in: make() })).toBe('.in');
});

describe('a value of many objects (G9)', () => {
  const mapsMax = VALUE_COLLECTIONS_MAX / INSTANCE_COLLECTIONS;
  /** Bytes of an array of empty collections with this tag. */
  function empties(tag: number, count: number): Uint8Array {
    const head = new ByteWriter();
    head.u8(0xd2);
    head.varuint(count);
    return Buffer.concat([head.take(), Buffer.alloc(count * 2, Buffer.of(tag, 0))]);
  }

  it('is refused at insert and by the encoder over one limit', { timeout: 60_000 }, () => {
    const map = new Map();
    // The list is one itself.
    const most: unknown[] = Array.from({ length: mapsMax - 1 }, () => map);
    expect(copyValue(most)).toHaveLength(mapsMax - 1);
    expect(encodeValue(most).length).toBeGreaterThan(mapsMax);
    most.push(map);
    expect(() => copyValue(most)).toThrow(expect.objectContaining({ code: 'ERR_TABLE_LIMIT' }));
    expect(() => encodeValue(most)).toThrow(expect.objectContaining({ code: 'ERR_WIRE_VALUE' }));
  });

  it('is refused by the decoder over the same one, before it has taken much memory', { timeout: 60_000 }, () => {
    const before = process.memoryUsage().heapUsed;
    const hostile = empties(0xd0, 30_000_000);
    expect(() => decodeValue(hostile)).toThrow(expect.objectContaining({ code: 'ERR_WIRE_DECODE' }));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(512 * 1024 * 1024);
    expect(decodeValue(empties(0xd1, 100_000))).toHaveLength(100_000);
  });
});
