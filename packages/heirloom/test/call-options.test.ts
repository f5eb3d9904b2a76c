import { describe, expect, it } from 'vitest';
import { RuntimeError } from '../src/errors.js';
import type { CallOptions } from '../src/pending-call.js';
import { CALL_TIMEOUT_MAX_MS, checkCallOptions } from '../src/pending-call.js';

describe('the options of a call', () => {
  it.each<CallOptions>([
    {},
    { timeoutMs: undefined, signal: undefined, retry: undefined },
    { timeoutMs: 1 },
    { timeoutMs: CALL_TIMEOUT_MAX_MS },
    { timeoutMs: 'infinity', signal: new AbortController().signal, retry: 'never' },
    { retry: 'if_no_trace' },
    { idempotencyKey: 'payment 42 é', keepOutcomeMs: 1 },
    { idempotencyKey: 'x'.repeat(512), keepOutcomeMs: 366 * 86_400_000 },
  ])('may be %j', (options) => {
    expect(() => checkCallOptions(options)).not.toThrow();
  });

  // Node fires a timer at once whose time is none or is longer than its limit: such a call would fail before it was sent.
  it.each<[string, unknown]>([
    ['timeoutMs', CALL_TIMEOUT_MAX_MS + 1],
    ['timeoutMs', Infinity],
    ['timeoutMs', NaN],
    ['timeoutMs', 0],
    ['timeoutMs', 0.5],
    ['timeoutMs', -5],
    ['timeoutMs', '100'],
    ['signal', {}],
    ['retry', 'always'],
    ['idempotencyKey', ''],
    ['idempotencyKey', 42],
    ['idempotencyKey', 'a\ud800'],
    ['keepOutcomeMs', 0],
    ['keepOutcomeMs', 0.5],
    ['keepOutcomeMs', 366 * 86_400_000 + 1],
  ])('refuse a %s of %s, naming it', (option, value) => {
    const check = (): void => checkCallOptions({ [option]: value });
    expect(check).toThrow(RuntimeError);
    expect(check).toThrow(expect.objectContaining({ code: 'ERR_RUNTIME_OPTION' }));
    const shown = typeof value === 'number' ? String(value) : JSON.stringify(value);
    expect(check).toThrow(`The option ${option} of a call is ${shown}`);
  });

  // A misspelt option would be ignored, and the call have the default.
  it.each([null, 5, 'x', [], { timeout: 5 }])('are no %j', (options) => {
    expect(() => checkCallOptions(options as CallOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_RUNTIME_OPTION' }),
    );
  });
});
