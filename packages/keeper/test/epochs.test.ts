import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_EPOCH, advance, closeEpoch, isCurrent, judgeBatch, judgeClose, openNextEpoch } from '../src/epochs.js';

describe('epochs', () => {
  it('are opened with growing numbers, and at most one is current (G6)', () => {
    const step = fc.constantFrom('open', 'close', 'advance');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let record = NO_EPOCH;
        const opened: number[] = [];
        for (const next of steps) {
          if (next === 'open') {
            record = openNextEpoch(record);
            opened.push(record.epoch);
          } else if (next === 'close') record = closeEpoch(record);
          else record = advance(record, record.lastBatch + 1, true);
          const current = opened.filter((epoch) => isCurrent(record, epoch));
          expect(current).toEqual(record.isOpen ? [opened.at(-1)] : []);
          for (const epoch of opened.slice(0, -1)) expect(judgeClose(record, epoch)).toBe('superseded');
          expect(judgeClose(record, record.epoch + 1)).toBe('unknown');
        }
        expect(opened).toEqual(opened.map((_, index) => index + 1));
      }),
    );
  });

  it('remember that a worker was initialized, through every later incarnation', () => {
    const initialized = advance(openNextEpoch(NO_EPOCH), 1, true);
    expect(openNextEpoch(closeEpoch(initialized))).toEqual({
      epoch: 2,
      isOpen: true,
      lastBatch: 0,
      isInitialized: true,
    });
    expect(advance(openNextEpoch(closeEpoch(initialized)), 5, false).isInitialized).toBe(true);
  });

  it('accept batches without gaps and each once (G3)', () => {
    expect([
      judgeBatch(0, 1),
      judgeBatch(4, 4),
      judgeBatch(4, 2),
      judgeBatch(4, 5),
      judgeBatch(4, 6),
      judgeBatch(0, 0),
    ]).toEqual(['next', 'repeated', 'repeated', 'next', 'gap', 'repeated']);
  });

  it('answer a close that is asked for again', () => {
    const open = openNextEpoch(NO_EPOCH);
    expect([judgeClose(open, 1), judgeClose(closeEpoch(open), 1), judgeClose(open, 0)]).toEqual([
      'open',
      'closed',
      'unknown',
    ]);
  });
});
