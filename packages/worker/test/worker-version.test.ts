import { expect, test } from 'vitest';
import { versionToMigrate } from '../src/worker-version.js';

const judge = (stored: number | undefined, version: number, hasBegun = true, hasMigrate = true) =>
  versionToMigrate('bank', { stored, hasBegun }, { version, hasMigrate });

test('a new store has nothing to migrate, whatever is declared', () => {
  expect(judge(undefined, 7, false, false)).toBeUndefined();
});

test('the stored version is migrated from when it is lower, and none is the first', () => {
  expect(judge(2, 3)).toBe(2);
  expect(judge(undefined, 3)).toBe(1);
  expect(judge(undefined, 1)).toBeUndefined();
  expect(judge(3, 3, true, false)).toBeUndefined();
});

test('a higher one is refused, and a lower one that cannot be migrated', () => {
  const refused = { code: 'ERR_WORKER_VERSION', details: { worker: 'bank', stored: 2, declared: 1 } };
  expect(() => judge(2, 1)).toThrow(expect.objectContaining(refused));
  expect(() => judge(1, 2, true, false)).toThrow(/Give the worker a migrate function/);
});
