import { decodeValue, encodeValue, VALUE_DEPTH_MAX, WireError } from '@heirloom/wire';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryValue, isSame } from './arbitrary-value.js';

class Account {
  balance = 1;
}

function refusal(value: unknown): { code: string; path: unknown } {
  try {
    encodeValue(value);
  } catch (error) {
    if (error instanceof WireError) return { code: error.code, path: error.details['path'] };
    throw error;
  }
  throw new Error('The value was not refused.');
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { value };
  return value;
}

/** A view on memory that was handed to somebody else. */
function viewGivenAway(): Uint8Array {
  const view = new Uint8Array(8);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

describe('the value codec', () => {
  it('gives every value of its domain back exactly (G7)', () => {
    fc.assert(
      fc.property(arbitraryValue, (value) => {
        expect(isSame(decodeValue(encodeValue(value)), value)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it('gives a Buffer back as a Uint8Array with memory of its own', () => {
    const encoded = encodeValue(Buffer.from('abc'));
    const decoded = decodeValue(encoded) as Uint8Array;
    encoded.fill(0);
    expect(Object.getPrototypeOf(decoded)).toBe(Uint8Array.prototype);
    expect(decoded).toEqual(Uint8Array.from([97, 98, 99]));
    expect(decoded.buffer.byteLength).toBe(3);
  });

  it('keeps an own __proto__ as a field and changes no prototype', () => {
    const decoded = decodeValue(encodeValue(JSON.parse('{"__proto__": {"polluted": true}, "a": 1}')));
    expect(Object.keys(decoded as object)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ['a function', { a: { b: [0, () => 1] } }, '.a.b[1]'],
    ['a symbol', { 'odd name': Symbol('x') }, '["odd name"]'],
    ['a class instance', [new Account()], '[0]'],
    ['an error', { error: new Error('x') }, '.error'],
    ['a promise', Promise.resolve(), ''],
    ['a lone surrogate', { text: 'a\ud800' }, '.text'],
    ['a lone surrogate in a long string', ['\udc00'.repeat(70)], '[0]'],
    ['a lone surrogate in a key', { '\ud800': 1 }, '["\\ud800"]'],
    ['an invalid Date', { at: new Date(Number.NaN) }, '.at'],
    ['a hole', { list: [1, , 2] }, '.list'], // oxlint-disable-line no-sparse-arrays
    ['an extra property of an array', Object.assign([1], { extra: 1 }), ''],
    ['an extra property of a Map', [Object.assign(new Map(), { extra: 1 })], '[0]'],
    ['a symbol key', { inner: { [Symbol('x')]: 1 } }, '.inner'],
    ['a hidden property', { inner: Object.defineProperty({}, 'x', { value: 1 }) }, '.inner.x'],
    ['a fake Date', Object.create(Date.prototype), ''],
    ['a fake array', Object.create(Array.prototype), ''],
    ['shared memory', { bytes: new Uint8Array(new SharedArrayBuffer(4)) }, '.bytes'],
    [
      'a value in a Map',
      new Map([
        ['a', 1],
        ['b', Symbol('x')],
      ] as [string, unknown][]),
      '<entry 1>',
    ],
    ['an element of a Set', { set: new Set([Symbol('x')]) }, '.set<entry 0>'],
    ['memory that was given away', { bytes: viewGivenAway().buffer }, '.bytes'],
    ['a view on memory that was given away', { bytes: viewGivenAway() }, '.bytes'],
    ['a fractional lastIndex', Object.assign(/x/g, { lastIndex: 0.5 }), ''],
  ])('refuses %s and says where it is', (_what, value, path) => {
    expect(refusal(value)).toEqual({ code: 'ERR_WIRE_VALUE', path });
  });

  it('refuses an accessor without calling it', () => {
    let calls = 0;
    const value = {
      get field(): number {
        return ++calls;
      },
    };
    expect(refusal(value).path).toBe('.field');
    expect(calls).toBe(0);
  });

  it('takes values up to the depth limit and refuses deeper ones and cycles (G9)', () => {
    const deepest = nested(VALUE_DEPTH_MAX);
    expect(isSame(decodeValue(encodeValue(deepest)), deepest)).toBe(true);
    expect(refusal([deepest]).code).toBe('ERR_WIRE_VALUE');
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(refusal(cycle).code).toBe('ERR_WIRE_VALUE');
  });

  it('goes on after a refusal as if nothing had happened', () => {
    expect(refusal(['left over', Symbol('x')]).code).toBe('ERR_WIRE_VALUE');
    expect(decodeValue(encodeValue([1]))).toEqual([1]);
  });

  it('keeps earlier results intact while later values are encoded', () => {
    const encoded = Array.from({ length: 5_000 }, (_, i) => encodeValue({ i, text: 'x'.repeat(i % 300) }));
    expect(encoded.every((bytes, i) => (decodeValue(bytes) as { i: number }).i === i)).toBe(true);
  });
});

describe('decoding', () => {
  it.each<[string, number[]]>([
    ['nothing', []],
    ['an unknown tag', [0xff]],
    ['bytes left over', [0x01, 0x01]],
    ['a string cut off', [0x85, 0x61]],
    ['an array longer than the input', [0xd2, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a length over the largest safe integer', [0xd2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['binary longer than the input', [0xcf, 0x00, 0xff, 0xff, 0xff, 0x7f]],
    ['half an element', [0xcf, 0x05, 0x01, 0x00]],
    ['an unknown class of binary', [0xcf, 0x7f, 0x00]],
    ['ill-formed UTF-8', [0xc8, 0x00, 0x01, 0xff]],
    ['an invalid Date', [0xcd, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ['a Date of half a millisecond', [0xcd, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ['a Date of minus zero', [0xcd, 0x80, 0, 0, 0, 0, 0, 0, 0]],
    ['an invalid regular expression', [0xce, 0x81, 0x28, 0x80, 0x00]],
    ['a key that is no string', [0xd3, 0x01, 0x01, 0x01]],
    ['a key twice', [0xd3, 0x02, 0x81, 0x61, 0x01, 0x81, 0x61, 0x02]],
    ['a Map key twice', [0xd0, 0x02, 0x01, 0x01, 0x01, 0x02]],
    ['a Set element twice', [0xd1, 0x02, 0x01, 0x01]],
    ['nesting without end', Array.from({ length: 100_000 }, (_, i) => (i % 2 === 0 ? 0xd2 : 0x01))],
  ])('refuses %s', (_what, bytes) => {
    expect(() => decodeValue(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'ERR_WIRE_DECODE' }));
  });

  it('refuses a shape where there are none', () => {
    expect(() => decodeValue(Uint8Array.of(0xd5, 0))).toThrow(expect.objectContaining({ code: 'ERR_WIRE_SHAPE' }));
  });
});
