import { expect, test } from 'vitest';
import { exitVerdict, type ExitReason, type ExitVerdict } from '../src/child-exit.js';
import type { RestartType } from '../src/child-spec.js';

const TABLE: readonly [RestartType, Record<ExitReason, ExitVerdict>][] = [
  ['permanent', { normal: 'restart', shutdown: 'restart', crash: 'restart', killed: 'restart' }],
  ['transient', { normal: 'keep', shutdown: 'keep', crash: 'restart', killed: 'restart' }],
  ['temporary', { normal: 'forget', shutdown: 'forget', crash: 'forget', killed: 'forget' }],
];

test.each(TABLE)('a %s child is restarted, kept or forgotten as OTP says (S15-S17)', (restart, verdicts) => {
  for (const reason of ['normal', 'shutdown', 'crash', 'killed'] as const) {
    expect(exitVerdict(restart, { reason })).toBe(verdicts[reason]);
  }
});
