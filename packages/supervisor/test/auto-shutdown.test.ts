/** Mutations that make this fail, each tried: `any` and `all` are swapped; others that are not significant are looked at. */
import { expect, test } from 'vitest';
import { endsSupervisor } from '../src/auto-shutdown.js';

const active = { significant: true, isActive: true };
const gone = { significant: true, isActive: false };
const bystander = { significant: false, isActive: true };

test.each([
  ['never', true, [gone], false],
  ['any_significant', true, [active], true],
  ['any_significant', false, [], false],
  ['all_significant', true, [active, gone], false],
  ['all_significant', true, [gone, bystander], true],
  ['all_significant', false, [gone], false],
] as const)('%s with the end of a child that is significant: %s, and others: %o → %s (S27)', (...row) => {
  const [autoShutdown, isSignificant, others, expected] = row;
  expect(endsSupervisor(autoShutdown, isSignificant, others)).toBe(expected);
});
