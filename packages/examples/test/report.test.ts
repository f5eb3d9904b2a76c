import { describe, expect, it } from 'vitest';
import { headingText, resultText } from '../src/report.js';
import type { FlightBoardResult } from '../src/result.js';

const RESULT: FlightBoardResult = {
  ok: true,
  flights: 20_000,
  skipped: 0,
  calls: 60_000,
  failedCalls: 0,
  kills: 66,
  killsByWorker: { board: 26, routes: 20, airports: 20 },
  keeperKills: 6,
  otherCrashes: 0,
  lost: 0,
  duplicated: 0,
  mismatches: 0,
  rerun: 1_234,
  recoveryMs: { p50: 5.24, p99: 31, max: null },
  elapsedMs: 9_876,
  seed: 1,
  tables: [
    {
      name: 'board.flights',
      type: 'set',
      rowsExpected: 20_000,
      rowsFound: 19_999,
      lost: 1,
      duplicated: 0,
      mismatches: 1,
      differences: [],
    },
  ],
  problems: [],
};

describe('headingText', () => {
  it('says what is about to happen', () => {
    const text = headingText({
      input: 'f.csv',
      flights: 1,
      skipped: 2,
      workers: ['a', 'b'],
      workerKills: 66,
      keeperKills: 6,
      seed: 7,
      cleared: 3,
    });
    expect(text).toContain('1 flight from f.csv, 2 malformed lines skipped');
    expect(text).toContain('2 workers: a, b');
    expect(text).toContain('66 workers and 6 keepers will be killed on the way (--seed 7)');
    expect(text).toContain('cleared: 3 records');
  });
});

describe('resultText', () => {
  it('tells every figure', () => {
    const text = resultText(RESULT);
    expect(text).toContain('20,000 flights in 60,000 calls, 9.9 s in all');
    expect(text).toContain('66 workers (board 26, routes 20, airports 20) and 6 keepers');
    expect(text).toContain('1,234 calls');
    expect(text).toContain('p50 5.2 ms, p99 31.0 ms, slowest not measured');
    expect(text).toMatch(/board\.flights {2}set {3}19,999 {2}20,000 {5}1 {11}0 {12}1\n/);
    expect(text).toContain('✔ Every table is exactly as the ledger says');
    expect(text).not.toContain('Also died');
  });

  it('says what is wrong', () => {
    const wrong = { ...RESULT, ok: false, lost: 1, duplicated: 2, mismatches: 3, failedCalls: 4, otherCrashes: 1 };
    const text = resultText({ ...wrong, problems: ['board.flights: [7] is missing.'] });
    expect(text).toContain('✘ Not as it should be: 1 record lost, 2 records counted twice, 3 differences');
    expect(text).toContain('4 calls failed');
    expect(text).toContain('board.flights: [7] is missing.');
    expect(text).toContain('1 process that nobody killed');
    expect(resultText({ ...RESULT, ok: false })).toContain('✘ Not as it should be: not every planned kill took place.');
  });
});
