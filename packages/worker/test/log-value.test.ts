import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LOG_BUDGET, LOG_DEPTH_MAX, LOG_ENTRIES_MAX, LOG_STRING_CHARS_MAX, loggable } from '../src/log-value.js';

const throwing = (): never => {
  throw new Error('no');
};

describe('what is logged of a value', () => {
  it('is the value where JSON has it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        // JSON has one zero.
        expect(JSON.parse(JSON.stringify(loggable({ value })))).toEqual(JSON.parse(JSON.stringify({ value })));
      }),
    );
  });

  it('can be written and is bounded, whatever the value is', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
        (value) => {
          expect(typeof JSON.stringify({ value: loggable(value) })).toBe('string');
        },
      ),
    );
    const wide = (depth: number): unknown =>
      depth === 0 ? 'leaf' : Array.from({ length: 300 }, () => wide(depth - 1));
    expect(JSON.stringify(loggable(wide(2))).length).toBeLessThan(3 * LOG_BUDGET);
    const long = loggable('x'.repeat(LOG_STRING_CHARS_MAX + 1)) as string;
    expect(long).toMatch(/… \[of 16385 characters\]$/);
    const deep = Array.from({ length: LOG_DEPTH_MAX + 5 }).reduce((inner: unknown) => ({ inner }), 1);
    expect(JSON.stringify(loggable(deep))).toContain('[too deep]');
    expect(loggable(Array.from({ length: LOG_ENTRIES_MAX + 2 }, () => 0))).toHaveLength(LOG_ENTRIES_MAX + 1);
  });

  it('has words for what throws, wherever it does', () => {
    const broken = Object.defineProperties(
      { toString: throwing },
      { get: { get: throwing, enumerable: true }, fine: { value: 1, enumerable: true } },
    );
    expect(loggable(broken)).toEqual({ toString: '[function]', get: '[threw no]', fine: 1 });
    expect(loggable({ toJSON: throwing })).toBe('[threw no]');
    expect(loggable(new Proxy({}, { get: throwing }))).toBe('[threw no]');
    expect(loggable({ toJSON: () => Object.assign(() => 1) })).toBe('[function]');
  });

  it('is all of an error: its causes, its parts and its own fields', () => {
    const error = new AggregateError([new TypeError('a')], 'both', {
      cause: Object.assign(new Error('c'), { code: 'E' }),
    });
    expect(loggable(error)).toMatchObject({
      name: 'AggregateError',
      message: 'both',
      cause: { message: 'c', code: 'E' },
      errors: [{ name: 'TypeError', message: 'a' }],
    });
    expect((loggable(error) as { stack: string }).stack).toContain('log-value.test');
    const own: Record<string, unknown> = new Error('x') as never;
    own['cause'] = own;
    expect(loggable(own)).toMatchObject({ cause: '[circular]' });
  });

  it('keeps a field of the name __proto__', () => {
    expect(JSON.stringify(loggable(JSON.parse('{"__proto__":{"a":1}}')))).toBe('{"__proto__":{"a":1}}');
  });
});
