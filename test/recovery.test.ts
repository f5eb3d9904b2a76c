/**
 * Recoveries that must not go wrong in ways of their own: each is the regression test of something that once did.
 *
 * Mutations that make this fail, each tried: the router keeps a request that it could not encode, and nobody gives it up; the
 * keeper starts every read at once; calls go to a worker whose `init` is not done, and its death is charged to them; a worker
 * does not ask for the keeper again.
 */
import { writeFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkerOptions } from 'heirloom';
import { supervisor, worker } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { bankReference, faultsIn, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type startTroubleWorker from './workers/start-trouble.worker.js';

const trouble = (options: WorkerOptions = {}) =>
  worker<typeof startTroubleWorker>('start-trouble', workerModule('start-trouble'), options);

describe('the next keeper', () => {
  it('is not harmed by a read whose arguments cannot be sent, whenever it was asked for', async () => {
    await using directory = await testDirectory();
    const bankRef = bankReference();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(bankRef) });
    const bank = test.runtime.worker(bankRef);
    const tables = bank.tables as unknown as { accounts: { lookup(key: unknown): Promise<unknown> } }; // As JavaScript would.
    await expect(tables.accounts.lookup(() => 1)).rejects.toMatchObject({ code: 'ERR_CALL_ARGUMENTS' });
    process.kill(test.runtime.keeper.pid ?? Number.NaN, 'SIGKILL');
    await expect(tables.accounts.lookup(() => 1)).rejects.toMatchObject({ code: 'ERR_CALL_ARGUMENTS' });
    expect(await bank.call.deposit(1, 'alice', 1)).toBe(1);
    expect(test.log.lines.filter(({ message }) => message === 'the keeper is gone')).toHaveLength(1);
  });

  it('is not drowned by many large reads (G8, G9)', { timeout: 90_000 }, async () => {
    await using directory = await testDirectory();
    const reference = trouble();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const blobs = test.runtime.worker(reference).with({ timeoutMs: 60_000 });
    await blobs.call.keep('large', 12_000_000);
    const rows = await Promise.all(Array.from({ length: 30 }, () => blobs.tables.blobs.lookup('large')));
    expect(rows.every((found) => found?.text.length === 12_000_000)).toBe(true);
    expect(test.log.lines.filter(({ message }) => message === 'the keeper is gone')).toEqual([]);
  });
});

describe('a worker that lost the keeper although it is there', () => {
  it('is introduced to it again', { timeout: 60_000 }, async () => {
    await using directory = await testDirectory();
    const reference = trouble();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const blobs = test.runtime.worker(reference).with({ timeoutMs: 40_000 });
    await blobs.call.keep('one', 1);
    const before = test.runtime.keeper.pid;
    const first = blobs.call.block(3_000);
    process.kill(before ?? Number.NaN, 'SIGKILL');
    // When a read is answered, the worker was sent the address of the next keeper, and has not seen it yet. It then begins to
    // connect, and is kept by the next call from saying HELLO in time.
    await blobs.tables.blobs.size();
    const second = blobs.call.block(5_500);
    await Promise.all([first, second]);
    expect(test.log.lines.some(({ message }) => message === 'A connection was refused.')).toBe(true);
    await blobs.call.keep('two', 1);
    expect(await blobs.call.count()).toBe(2);
    expect(test.runtime.keeper.pid).not.toBe(before);
  });
});

describe('a start that fails', () => {
  it.each(['throw', 'kill'])(
    'is not charged to the calls that wait for it (init: %s)',
    { timeout: 60_000 },
    async (how) => {
      await using directory = await testDirectory();
      const file = join(directory.path, 'trouble');
      const reference = trouble({ env: { HEIRLOOM_TEST_TROUBLE: file } });
      await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
      const blobs = test.runtime.worker(reference).with({ timeoutMs: 40_000 });
      await blobs.call.keep('one', 1);
      let restarts = 0;
      test.runtime.on('restart', () => void restarts++);
      await writeFile(`${file}-${how}`, '');
      process.kill(blobs.pid ?? Number.NaN, 'SIGKILL');
      await until('the worker is gone', () => restarts > 0);
      const calls = Array.from({ length: 5 }, (_, index) => blobs.call.keep(`waiting ${index}`, 1));
      await until('the start failed several times', () => restarts > 5);
      await rm(`${file}-${how}`);
      await Promise.all(calls);
      expect(await blobs.call.count()).toBe(6);
    },
  );

  it('ends in a typed error when it never succeeds, with every call rejected (G11)', { timeout: 60_000 }, async () => {
    await using directory = await testDirectory();
    const file = join(directory.path, 'trouble');
    const reference = trouble({ env: { HEIRLOOM_TEST_TROUBLE: file } });
    const root = supervisor({ strategy: 'one_for_one', intensity: 3, periodMs: 60_000 }, [reference]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const blobs = test.runtime.worker(reference).with({ timeoutMs: 40_000 });
    await blobs.call.keep('one', 1);
    const failed = new Promise<Error>((resolve) => void test.runtime.on('failed', ({ error }) => resolve(error)));
    await writeFile(`${file}-throw`, '');
    process.kill(blobs.pid ?? Number.NaN, 'SIGKILL');
    const waiting = blobs.call.keep('never', 1);
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED', outcome: 'none' });
    expect(await failed).toMatchObject({ code: 'ERR_RUNTIME_FAILED' });
    await expect(blobs.call.count()).rejects.toMatchObject({ code: 'ERR_RUNTIME_FAILED' });
  });
});

describe('a handler that clears a table while it is still loading, and throws (G2)', () => {
  it('leaves the table as it was, and loading goes on', { timeout: 60_000 }, async () => {
    await using directory = await testDirectory();
    const reference = trouble();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const blobs = test.runtime.worker(reference).with({ timeoutMs: 40_000 });
    await Promise.all(Array.from({ length: 3_000 }, (_, index) => blobs.call.keep(`row ${index}`, 100)));
    process.kill(blobs.pid ?? Number.NaN, 'SIGKILL');
    await expect(blobs.call.clearThenThrow()).rejects.toMatchObject({ code: 'ERR_CALL_THREW' });
    expect(await blobs.call.lengths()).toBe(3_000);
  });
});

describe('a runtime without a keeper to come', () => {
  it(
    'rejects every call and fails at once, whatever its workers were allowed for their stop',
    { timeout: 60_000 },
    async () => {
      await using directory = await testDirectory();
      const reference = trouble({ shutdown: 'infinity' });
      const kill = { point: 'keeper.commit:before', hit: 1, action: 'kill' } as const;
      const laterKeepers = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`keeper ${index + 2}`, [kill]]));
      const keeper = { intensity: 3, periodMs: 60_000 };
      const ports = { faults: faultsIn(laterKeepers) };
      await using test = await startTestRuntime(
        { directory: directory.path, root: patientRoot(reference), keeper },
        ports,
      );
      const blobs = test.runtime.worker(reference).with({ timeoutMs: 40_000 });
      await blobs.call.keep('one', 1);
      const failed = new Promise<Error>((resolve) => void test.runtime.on('failed', ({ error }) => resolve(error)));
      process.kill(test.runtime.keeper.pid ?? Number.NaN, 'SIGKILL');
      await expect(blobs.call.keep('two', 1)).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED' });
      expect(await failed).toMatchObject({ code: 'ERR_RUNTIME_FAILED' });
      await expect(blobs.call.count()).rejects.toMatchObject({ code: 'ERR_RUNTIME_FAILED' });
    },
  );
});
