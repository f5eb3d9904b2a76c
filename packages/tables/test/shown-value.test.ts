import { showValue } from '@heirloom/tables';
import { describe, expect, it } from 'vitest';
import { SHOWN_CHARS_MAX } from '../src/shown-value.js';

describe('showValue', () => {
  it('shows what a person recognises, on one line', () => {
    expect([5, -0, NaN, 5n, 'a\nb', null, undefined, true, { a: [1] }].map(showValue)).toEqual([
      '5',
      '0',
      'NaN',
      '5n',
      '"a\\nb"',
      'null',
      'undefined',
      'true',
      '{"a":[1]}',
    ]);
  });

  it('never throws, and is short', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const throwing = {
      toJSON() {
        throw new Error('on purpose');
      },
    };
    const odd = [Symbol('s'), () => {}, cycle, { big: 5n }, Object.create(null), revoked.proxy, throwing];
    for (const value of [...odd, 'x'.repeat(1e6), 10n ** 1_000n, Array.from({ length: 1_000 }, () => 1)]) {
      expect(showValue(value).length).toBeLessThanOrEqual(SHOWN_CHARS_MAX + 3);
    }
  });
});
