import { mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LOG_LINE_BYTES_MAX, LOG_MESSAGE_CHARS_MAX, formatLine, logTo } from '../src/log-line.js';

const parsed = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>;

test('writes one line of JSON for each message, before it returns', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heirloom-log-'));
  const descriptor = openSync(join(folder, 'log'), 'w');
  const log = logTo(descriptor);
  log.info('hello', { account: 'alice' });
  log.error('bad\nline');
  const lines = readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n').map(parsed);
  expect(lines).toMatchObject([
    { level: 'info', msg: 'hello', account: 'alice' },
    { level: 'error', msg: 'bad\nline' },
  ]);
  closeSync(descriptor);
  rmSync(folder, { recursive: true });
});

test('keeps level, time and message from being replaced by fields', () => {
  expect(parsed(formatLine('warn', 'm', { level: 'x', msg: 'y', time: 'z' }))).toMatchObject({
    level: 'warn',
    msg: 'm',
  });
});

test('cuts long messages, and names fields that do not fit into a line', () => {
  const long = parsed(formatLine('info', '\u0001'.repeat(LOG_MESSAGE_CHARS_MAX + 5), { a: 1 }));
  expect(long['msg']).toMatch(/ \[of 65541 characters\]$/);
  expect(long['a']).toBe(1);
  const fields = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`f${n}`, '\u0001'.repeat(10_000)]));
  const line = formatLine('info', 'm'.repeat(LOG_MESSAGE_CHARS_MAX), fields);
  expect(Buffer.byteLength(line)).toBeLessThanOrEqual(LOG_LINE_BYTES_MAX);
  expect(parsed(line)['fieldsLost']).toEqual(Object.keys(fields));
});

test.each([null, undefined, 5, 'text', [1], () => 1, new Proxy({}, { ownKeys: () => 1 as never })])(
  'writes a line whatever the fields are: %#',
  (fields) => {
    // As JavaScript would.
    expect(parsed(formatLine('info', 'm', fields as Record<string, unknown>))).toMatchObject({ msg: 'm' });
  },
);

test('writes a line whatever the message is', () => {
  expect(parsed(formatLine('info', Symbol('s')))['msg']).toBe('Symbol(s)');
  expect(parsed(formatLine('info', Object.create(null)))['msg']).toContain('no string');
});

test('throws nothing when nobody reads', () => {
  expect(() => logTo(9_999).info('lost')).not.toThrow();
});
