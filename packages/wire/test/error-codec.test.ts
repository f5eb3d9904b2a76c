import { HeirloomError } from '@heirloom/tables';
import {
  decodeError,
  decodeValue,
  encodeError,
  encodeValue,
  ERROR_CAUSE_DEPTH_MAX,
  ERROR_TEXT_CHARS_MAX,
  registerErrorClass,
  WireError,
} from '@heirloom/wire';
import { describe, expect, it } from 'vitest';

const travel = (thrown: unknown): Error => decodeError(decodeValue(encodeValue(encodeError(thrown))));

describe('the error codec', () => {
  it('keeps class, name, message, stack, code and cause of an error', () => {
    const cause = Object.assign(new RangeError('inner'), { code: 'EINNER' });
    const error = new TypeError('outer', { cause });
    const decoded = travel(error);
    expect(decoded).toBeInstanceOf(TypeError);
    expect([decoded.name, decoded.message, decoded.stack]).toEqual([error.name, error.message, error.stack]);
    expect(decoded.cause).toBeInstanceOf(RangeError);
    expect(decoded.cause).toMatchObject({ message: 'inner', code: 'EINNER' });
  });

  it('keeps the name of a class that is not known here', () => {
    class AccountError extends Error {
      override name = 'AccountError';
    }
    expect(travel(new AccountError('x')).name).toBe('AccountError');
  });

  it('gives errors of Heirloom their registered class, code and details', () => {
    class BankError extends HeirloomError {}
    registerErrorClass('ERR_BANK_', BankError);
    const decoded = travel(new BankError('ERR_BANK_EMPTY', 'no money', { balance: 5n }));
    expect(decoded).toBeInstanceOf(BankError);
    expect(decoded).toMatchObject({ code: 'ERR_BANK_EMPTY', details: { balance: 5n } });
    expect(travel(new WireError('ERR_WIRE_FRAME', 'x'))).toBeInstanceOf(WireError);
    expect(travel(new HeirloomError('ERR_OTHER', 'x'))).toMatchObject({ code: 'ERR_OTHER' });
  });

  it('leaves out details that cannot be encoded or are too large (G9)', () => {
    expect(travel(new WireError('ERR_WIRE_FRAME', 'x', { run: () => 1 }))).toMatchObject({ details: {} });
    expect(travel(new WireError('ERR_WIRE_FRAME', 'x', { text: 'x'.repeat(20_000) }))).toMatchObject({ details: {} });
  });

  it('bounds messages and chains of causes, also endless ones (G9)', () => {
    expect(travel(new Error('x'.repeat(1_000_000))).message).toHaveLength(ERROR_TEXT_CHARS_MAX + '… (cut)'.length);
    const endless = new Error('again');
    endless.cause = endless;
    let depth = 0;
    for (let error: unknown = travel(endless); error instanceof Error; error = error.cause) depth++;
    expect(depth).toBe(ERROR_CAUSE_DEPTH_MAX + 1);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['a string', 'oops'],
    ['an object', { reason: 'oops' }],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a lone surrogate', new Error('\ud800')],
    ['an accessor that throws', Object.defineProperty(new Error('x'), 'code', { get: () => fail() })],
    ['a hostile proxy', new Proxy({}, { getPrototypeOf: () => fail() })],
  ])('takes %s', (_what, thrown) => {
    expect(travel(thrown)).toBeInstanceOf(Error);
  });

  it('keeps a thrown value that is not an error as the cause', () => {
    expect(travel({ reason: 'oops' }).cause).toEqual({ reason: 'oops' });
  });

  it.each([undefined, 1, {}, { name: 'Error' }, { name: 'E', message: 'm', stack: 5 }])(
    'answers %j, which is no error, with one',
    (value) => {
      expect(decodeError(value)).toMatchObject({ code: 'ERR_WIRE_DECODE' });
    },
  );
});

function fail(): never {
  throw new Error('hostile');
}
