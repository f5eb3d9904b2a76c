import { once } from 'node:events';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { guardLogger } from '../src/guarded-logger.js';
import type { Logger } from '../src/process-log.js';

describe('the guard of a logger', () => {
  it.each([null, 5, 'x', {}, { debug() {}, info() {}, warn() {}, error() {} }])('refuses %o', (logger) => {
    // As JavaScript would.
    expect(() => guardLogger(logger as unknown as Logger)).toThrow(
      expect.objectContaining({ code: 'ERR_RUNTIME_OPTION' }),
    );
  });

  it('takes what pino makes, and passes everything on', () => {
    const lines: string[] = [];
    const logger = guardLogger(pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(line) }));
    logger.child({ worker: 'bank' }).warn({ a: 1 }, 'text');
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([{ level: 40, worker: 'bank', a: 1, msg: 'text' }]);
  });

  it('keeps what a logger and its children throw, and warns once', async () => {
    const broken = (): never => {
      throw new Error('the disk of the logs is full');
    };
    const logger: Logger = { debug: broken, info: broken, warn: broken, error: broken, child: broken };
    const warnings: unknown[] = [];
    const listener = (warning: Error): void => void warnings.push((warning as { code?: unknown }).code);
    process.on('warning', listener);
    const warned = once(process, 'warning');
    const guarded = guardLogger(logger);
    guarded.info({}, 'one');
    guarded.child({}).child({}).error({}, 'two');
    await warned;
    process.off('warning', listener);
    expect(warnings).toEqual(['HEIRLOOM_LOGGER']);
  });
});
