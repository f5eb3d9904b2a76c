import { describe, expect, test } from 'vitest';
import { TIMER_AT_MAX, nextTime, parseTimer } from '../src/timer.js';

const parse = (options: unknown) => parseTimer(options, ['fire'], 1_000);
const right = { name: 'a', handler: 'fire', afterMs: 5 };

describe('the options of a timer', () => {
  test('are taken as they are meant', () => {
    expect(parse(right)).toMatchObject({ name: 'a', at: 1_005, everyMs: 0, isDurable: true });
    expect(parse({ ...right, everyMs: 2, survives: 'nothing' })).toMatchObject({ everyMs: 2, isDurable: false });
    expect(parse({ name: 'a', handler: 'fire', at: 3 })).toMatchObject({ at: 3 });
  });

  test.each([
    [undefined],
    [{}],
    [{ ...right, name: '' }],
    [{ ...right, name: 7 }],
    [{ ...right, name: 'x'.repeat(129) }],
    [{ ...right, name: '\uD800' }],
    [{ ...right, handler: 'other' }],
    [{ ...right, at: 5 }],
    [{ name: 'a', handler: 'fire' }],
    [{ ...right, afterMs: -1 }],
    [{ ...right, afterMs: Number.NaN }],
    [{ ...right, afterMs: TIMER_AT_MAX }],
    [{ ...right, everyMs: 0 }],
    [{ ...right, args: 'x' }],
    [{ ...right, args: [() => 1] }],
    [{ ...right, survives: 'power_loss' }],
    [{ ...right, every: 5 }],
  ])('are refused when they are wrong: %j', (options) => {
    expect(() => parse(options)).toThrow(expect.objectContaining({ name: 'WorkerError', code: 'ERR_WORKER_TIMER' }));
  });
});

test('a repetition is the next of the planned times behind now', () => {
  expect(nextTime({ at: 100, everyMs: 10 }, 100)).toBe(110);
  expect(nextTime({ at: 100, everyMs: 10 }, 109)).toBe(110);
  expect(nextTime({ at: 100, everyMs: 10 }, 110)).toBe(120);
  expect(nextTime({ at: 100, everyMs: 10 }, 987)).toBe(990);
  // A clock that was set back meanwhile.
  expect(nextTime({ at: 100, everyMs: 10 }, 3)).toBe(110);
});
