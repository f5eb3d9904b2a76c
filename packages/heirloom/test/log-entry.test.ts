import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLine } from '../src/log-entry.js';

const read = (
  text: string,
  stream: 'stdout' | 'stderr' = 'stdout',
  source: 'worker' | 'keeper' = 'worker',
): ReturnType<typeof readLine> => readLine({ bytes: Buffer.from(text), part: undefined }, stream, source);

describe('a line of a process', () => {
  it('keeps level, message and fields of a log', () => {
    expect(read('{"level":"warn","time":5,"msg":"m","a":1,"__proto__":{"b":2}}')).toEqual({
      level: 'warn',
      message: 'm',
      fields: Object.fromEntries([
        ['a', 1],
        ['__proto__', { b: 2 }],
        ['loggedAt', 5],
      ]),
    });
  });

  it.each([
    [10, 'debug'],
    [20, 'debug'],
    [30, 'info'],
    [35, 'info'],
    [40, 'warn'],
    [50, 'error'],
    [60, 'error'],
  ])('has the level of pino: %i is %s', (level, expected) => {
    expect(read(JSON.stringify({ level, msg: 'm' })).level).toBe(expected);
  });

  it('puts aside what it says of itself', () => {
    const own = { worker: 'x', pid: 1, time: 'y', workerFields: 2 };
    expect(read(JSON.stringify({ level: 'info', msg: 'm', ...own, fine: 1 })).fields).toEqual({
      fine: 1,
      workerFields: own,
    });
  });

  it('names the worker that it is about, if it is the keeper’s', () => {
    const line = JSON.stringify({ level: 'info', msg: 'm', worker: 'x', pid: 1 });
    expect(read(line, 'stdout', 'keeper').fields).toEqual({ worker: 'x', workerFields: { pid: 1 } });
  });

  it('is never refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('stdout' as const, 'stderr' as const), (bytes, stream) => {
        const { level, message, fields } = readLine({ bytes: Buffer.from(bytes), part: undefined }, stream, 'worker');
        expect(level).toBe(stream === 'stdout' ? 'info' : 'warn');
        const base64 = fields['base64'];
        const whole = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(message);
        expect(whole).toEqual(Buffer.from(bytes));
      }),
    );
  });
});
