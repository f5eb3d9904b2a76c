import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAILBOX_BYTES_MAX, MAILBOX_CALLS_MAX, Mailbox } from '../src/mailbox.js';

test('gives calls in the order of their arrival, however they come and go', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -2_000, max: 2_000 }), { maxLength: 40 }), (steps) => {
      const mailbox = new Mailbox();
      let pushed = 0;
      let shifted = 0;
      for (const step of steps) {
        for (let i = 0; i < step; i++) mailbox.push(Uint8Array.of(pushed & 255, (pushed++ >> 8) & 255));
        const taken: number[] = [];
        for (let call = step < 0 ? mailbox.shift() : undefined; call !== undefined; call = mailbox.shift()) {
          taken.push((call[0] ?? 0) | ((call[1] ?? 0) << 8));
          if (taken.length === -step) break;
        }
        expect(taken.length).toBe(Math.max(0, Math.min(-step, pushed - shifted)));
        expect(taken).toEqual(taken.map((_, index) => (shifted + index) & 0xffff));
        shifted += taken.length;
        expect(mailbox.size).toBe(pushed - shifted);
      }
    }),
    { numRuns: 30 },
  );
});

test('refuses one call more than its limit of calls, and takes it when there is room (G9)', () => {
  const mailbox = new Mailbox();
  const call = new Uint8Array(1);
  for (let i = 0; i < MAILBOX_CALLS_MAX; i++) mailbox.push(call);
  expect(() => mailbox.push(call)).toThrow(expect.objectContaining({ code: 'ERR_WORKER_MAILBOX' }));
  mailbox.shift();
  expect(() => mailbox.push(call)).not.toThrow();
});

test('refuses bytes over its limit (G9)', () => {
  const mailbox = new Mailbox();
  // Never written to, so it takes no memory.
  const half = new Uint8Array(MAILBOX_BYTES_MAX / 2);
  mailbox.push(half);
  mailbox.push(half);
  expect(() => mailbox.push(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'ERR_WORKER_MAILBOX' }));
});
