import { mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LOG_LINE_CHARS_MAX, formatLine, logTo } from '../src/log-line.js';

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

test('writes errors with their cause, bigints, and says when fields cannot be written', () => {
  const error = new Error('outer', { cause: Object.assign(new Error('inner'), { code: 'E1' }) });
  expect(parsed(formatLine('error', 'm', { error, n: 1n }))).toMatchObject({
    error: { message: 'outer', cause: { message: 'inner', code: 'E1' } },
    n: '1n',
  });
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  expect(parsed(formatLine('info', 'm', circular))['fieldsLost']).toContain('circular');
  const long = formatLine('info', 'm', { text: 'x'.repeat(LOG_LINE_CHARS_MAX) });
  expect(long.length).toBeLessThan(200);
  expect(parsed(long)['fieldsLost']).toContain('characters');
});

test('throws nothing when nobody reads', () => {
  expect(() => logTo(9_999).info('lost')).not.toThrow();
});
