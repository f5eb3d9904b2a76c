import { serialize } from 'node:v8';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ROW_BYTES_MAX, VALUE_DEPTH_MAX, adoptRow, copyValue, isEqual, readRow } from '@heirloom/tables';
import { fingerprint } from '../src/equality.js';
import { copyRow } from '../src/value.js';

const value = fc
  .anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withNullPrototype: true,
    maxDepth: 4,
    values: [
      fc.string({ unit: 'grapheme' }),
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constantFrom(null, undefined, -0),
    ],
  })
  .filter((one) => !containsInvalidDate(one));

function containsInvalidDate(one: unknown): boolean {
  if (one instanceof Date) return Number.isNaN(one.getTime());
  if (typeof one !== 'object' || one === null || ArrayBuffer.isView(one)) return false;
  if (one instanceof Map) return [...one].flat().some(containsInvalidDate);
  return (one instanceof Set ? [...one] : Object.values(one)).some(containsInvalidDate);
}

describe('copyValue', () => {
  it('gives back every value of the domain, sharing nothing that can change (G7)', () => {
    fc.assert(
      fc.property(value, (one) => {
        const before = structuredClone(one);
        const copy = copyValue(one);
        expect(copy).toEqual(before);
        expect(isEqual(copy, one)).toBe(true);
        expect(fingerprint(copy)).toBe(fingerprint(one));
        if (typeof one === 'object' && one !== null) expect(copy).not.toBe(one);
        if (copyRow(one).isFrozen) expect(readRow(copy)).toBe(copy);
        else expect(readRow(copy)).not.toBe(copy);
      }),
      { numRuns: 500 },
    );
  });

  it('freezes plain data all through', () => {
    const copy = copyValue({ a: [{ b: 1 }], c: 'x' }) as { a: { b: number }[] };
    expect([copy, copy.a, copy.a[0]].every(Object.isFrozen)).toBe(true);
    expect(readRow(copy)).toBe(copy);
  });

  it('copies for every reader what cannot be frozen (G7)', () => {
    const input = { at: new Date(1), bytes: Buffer.from([1, 2]), inner: [{ map: new Map([['a', new Set([1])]]) }] };
    const stored = copyValue(input) as typeof input;
    input.at.setTime(2);
    input.bytes[0] = 9;
    input.inner[0]?.map.clear();
    const read = readRow(stored) as typeof input;
    read.at.setTime(3);
    read.bytes[1] = 9;
    read.inner[0]?.map.get('a')?.clear();
    expect(readRow(stored)).toEqual({
      at: new Date(1),
      bytes: new Uint8Array([1, 2]),
      inner: [{ map: new Map([['a', new Set([1])]]) }],
    });
    expect((readRow(stored) as typeof input).bytes.constructor).toBe(Uint8Array);
  });

  it('keeps -0, NaN and a field called __proto__', () => {
    const input: unknown = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}');
    const copy = copyValue({ input, zero: -0, nan: NaN }) as { input: object; zero: number; nan: number };
    expect(Object.is(copy.zero, -0)).toBe(true);
    expect(copy.nan).toBeNaN();
    expect(Object.keys(copy.input)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(copy.input)).toBe(Object.prototype);
    expect('polluted' in copy.input).toBe(false);
    expect(Object.isFrozen(Object.getOwnPropertyDescriptor(copy.input, '__proto__')?.value)).toBe(true);
  });

  it('makes two copies of a reference that occurs twice', () => {
    const shared = { a: 1 };
    const copy = copyValue({ x: shared, y: shared }) as { x: object; y: object };
    expect(copy.x).toEqual(copy.y);
    expect(copy.x).not.toBe(copy.y);
  });

  class Money {
    amount = 1;
  }
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  const holes: number[] = [];
  holes[2] = 1;
  const hiddenHole = Object.assign([] as unknown[], { length: 1, x: 1 });
  const setterElement = Object.defineProperty([], 0, { set: () => {}, enumerable: true });
  const deep = (levels: number): unknown => (levels === 0 ? 1 : { in: deep(levels - 1) });

  it.each([
    ['a function', { a: () => 1 }, '.a'],
    ['a symbol', { a: [Symbol('x')] }, '.a[0]'],
    ['a class instance', { address: { lines: ['x', 'y', new Money()] } }, '.address.lines[2]'],
    ['an error', { e: new Error('x') }, '.e'],
    ['a lone surrogate', { 'odd name': '\ud800' }, '["odd name"]'],
    ['a lone surrogate in a field name', { '\ud800': 1 }, '["\\ud800"]'],
    ['an invalid date', [new Date(NaN)], '[0]'],
    ['a date with fields', { d: Object.assign(new Date(0), { x: 1 }) }, '.d'],
    ['holes', { a: holes }, '.a'],
    ['an array with fields', { a: Object.assign([1], { x: 1 }) }, '.a'],
    ['a hole that a field hides', { a: hiddenHole }, '.a[0]'],
    ['an array with symbol keys', { a: Object.assign([1], { [Symbol('x')]: 1 }) }, '.a'],
    ['a setter among elements', { a: [setterElement] }, '.a[0][0]'],
    ['what only looks like a Buffer', { a: Object.create(Buffer.prototype) as unknown }, '.a'],
    ['symbol keys', { a: { [Symbol('x')]: 1 } }, '.a'],
    ['hidden fields', { a: Object.defineProperty({}, 'x', { value: 1 }) }, '.a'],
    [
      'a getter',
      {
        a: {
          get x() {
            return 1;
          },
        },
      },
      '.a.x',
    ],
    ['a setter', { a: { set x(_: number) {} } }, '.a.x'],
    ['shared memory', { a: new Uint8Array(new SharedArrayBuffer(4)) }, '.a'],
    ['a SharedArrayBuffer', { a: new SharedArrayBuffer(4) }, '.a'],
    ['a WeakMap', { a: new WeakMap() }, '.a'],
    ['a promise', { a: Promise.resolve() }, '.a'],
    ['a subclass of Map', { a: new (class extends Map {})() }, '.a'],
    ['a search in progress', { a: Object.assign(/x/g, { lastIndex: 1 }) }, '.a'],
    ['a value inside a Map', { a: new Map([['k', () => 1]]) }, '.a[0]'],
  ])('refuses %s with the path to it (G7)', (_, input, path) => {
    expect(() => copyValue(input)).toThrow(
      expect.objectContaining({ code: 'ERR_TABLE_VALUE', details: expect.objectContaining({ path }) }),
    );
  });

  it('refuses cycles and what is nested deeper than VALUE_DEPTH_MAX (G9)', () => {
    expect(() => copyValue(cycle)).toThrow(expect.objectContaining({ code: 'ERR_TABLE_VALUE' }));
    expect(() => copyValue(deep(VALUE_DEPTH_MAX + 1))).toThrow(expect.objectContaining({ code: 'ERR_TABLE_VALUE' }));
    expect(() => copyValue(deep(VALUE_DEPTH_MAX))).not.toThrow();
  });

  it('refuses rows above ROW_BYTES_MAX (G9)', () => {
    expect(() => copyValue({ a: 'x'.repeat(ROW_BYTES_MAX) })).toThrow(
      expect.objectContaining({ code: 'ERR_TABLE_LIMIT' }),
    );
    expect(() => copyValue({ a: 'x'.repeat(ROW_BYTES_MAX - 100) })).not.toThrow();
  });

  const HEADER_BYTES = 2;

  it('bounds the bytes of another codec from above, as it must those of any', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (one) => {
        expect(copyRow(one).bytes).toBeGreaterThanOrEqual(serialize(one).length - HEADER_BYTES);
      }),
    );
  });
});

describe('adoptRow', () => {
  it('freezes in place, and has copied for readers what cannot be frozen', () => {
    const plain = { a: [{ b: 1 }] };
    expect(adoptRow(plain)).toBe(true);
    expect(Object.isFrozen(plain.a[0])).toBe(true);
    expect(readRow(plain)).toBe(plain);
    const dated = { a: [new Date(0)] };
    expect(adoptRow(dated)).toBe(false);
    expect(readRow(dated)).toEqual(dated);
    expect(readRow(dated)).not.toBe(dated);
  });
});

describe('isEqual', () => {
  it.each<[unknown, unknown, boolean]>([
    [1, 1n, false],
    [NaN, NaN, true],
    [0, -0, true],
    [{ a: undefined }, {}, false],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [[1, 2], [1, 2, 3], false],
    [[], {}, false],
    [new Date(1), new Date(1), true],
    [new Date(1), 1, false],
    [new Set([1, { a: 1 }]), new Set([{ a: 1 }, 1]), true],
    [new Set([{ a: 1 }, { a: 1 }]), new Set([{ a: 1 }, { a: 2 }]), false],
    [new Map([['a', [1]]]), new Map([['a', [1]]]), true],
    [new Map([['a', 1]]), new Map([['a', 2]]), false],
    [new Uint8Array([1]), Buffer.from([1]), true],
    [new Uint8Array([1]), new Int8Array([1]), false],
    [new Float64Array([0, NaN]), new Float64Array([-0, NaN]), true],
    [/a/g, /a/g, true],
    [new DataView(new ArrayBuffer(4)), new DataView(new ArrayBuffer(8), 2, 4), true],
    [new DataView(new ArrayBuffer(4)), new DataView(new Uint8Array([0, 0, 0, 1]).buffer), false],
    [/a/g, /a/i, false],
    [null, undefined, false],
  ])('of two values, case %#', (a: unknown, b: unknown, wanted) => {
    expect(isEqual(a, b)).toBe(wanted);
    expect(isEqual(b, a)).toBe(wanted);
    if (wanted) expect(fingerprint(a)).toBe(fingerprint(b));
  });
});
