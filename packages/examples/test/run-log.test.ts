import { describe, expect, it } from 'vitest';
import { ENTRIES_MAX, RunLog } from '../src/run-log.js';

describe('RunLog', () => {
  it('keeps the latest warnings and errors with their fields, and nothing else', () => {
    const log = new RunLog();
    log.debug();
    log.info();
    log.warn({ worker: 'a', err: new Error('full') }, 'a standby failed');
    log.child().error({ pid: 7, signal: undefined }, 'a worker is gone');
    expect(log.entries).toEqual([
      'warning: a standby failed worker="a" err="full"',
      'error: a worker is gone pid=7 signal=undefined',
    ]);
    for (let entry = 0; entry < ENTRIES_MAX; entry += 1) log.error({ entry }, 'again');
    expect(log.entries).toHaveLength(ENTRIES_MAX);
    expect(log.entries[0]).toBe('error: again entry=0');
  });
});
