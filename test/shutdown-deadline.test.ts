/**
 * The overall deadline of a shutdown, with processes that do not stop: workers with `shutdown: 'infinity'`, and workers and keepers
 * that are frozen with SIGSTOP. Whatever is killed, nothing acknowledged is lost (G1), and every open call is rejected with what is
 * known of it.
 *
 * Mutations that make this fail, each tried: the keeper is killed together with the workers; a later deadline takes the place of an
 * earlier one.
 */
import { supervisor } from 'heirloom';
import type { SupervisorReference, WorkerOptions } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { descendants, isStopped } from './support/processes.js';
import type { TestRuntime } from './support/runtime.js';
import { bankReference, startTestRuntime, WITHOUT_STANDBY } from './support/runtime.js';

const TIMEOUT = { timeout: 60_000 };
const HOUR_MS = 3_600_000;

function bankTree(options: WorkerOptions = {}): {
  bank: ReturnType<typeof bankReference>;
  other: ReturnType<typeof bankReference>;
  root: SupervisorReference;
} {
  const bank = bankReference('bank', { ...WITHOUT_STANDBY, shutdown: 'infinity', ...options });
  const other = bankReference('other', WITHOUT_STANDBY);
  return { bank, other, root: supervisor({ strategy: 'one_for_one' }, [bank, other]) };
}

async function freeze(pid: number | undefined): Promise<void> {
  process.kill(pid ?? Number.NaN, 'SIGSTOP');
  await until('it is stopped', () => isStopped(pid ?? 0));
}

const logged = ({ log }: TestRuntime, words: string) => log.lines.filter(({ message }) => message.includes(words));
const EXCEEDED = 'exceeded its deadline';

/** What was deposited and acknowledged is there when the directory is opened again. */
async function expectBalance(directory: string, balance: number): Promise<void> {
  const { bank, root } = bankTree({ shutdown: 5_000 });
  await using again = await startTestRuntime({ directory, root, keeper: WITHOUT_STANDBY });
  expect(await again.runtime.worker(bank).call.balance('alice')).toBe(balance);
}

describe('the deadline of a shutdown', TIMEOUT, () => {
  it('kills a frozen worker that may take for ever, and only that; its call left no trace (G1, G3)', async () => {
    await using directory = await testDirectory();
    const { bank, root } = bankTree();
    const test = await startTestRuntime({ directory: directory.path, root });
    const handle = test.runtime.worker(bank);
    const crashes: string[] = [];
    test.runtime.on('crash', ({ worker }) => void crashes.push(worker));
    expect(await handle.call.deposit(1, 'alice', 10)).toBe(10);
    await freeze(handle.pid);
    const open = handle.call.deposit(2, 'alice', 10);
    const rejected = expect(open).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED', outcome: 'none' });
    await test.runtime.close({ deadlineMs: 100 });
    await rejected;
    expect(logged(test, EXCEEDED)).toMatchObject([{ level: 'error', fields: { workers: ['bank'] } }]);
    expect(logged(test, 'the keeper does not end')).toEqual([]);
    expect(logged(test, 'the keeper is gone')).toEqual([]);
    expect(crashes).toEqual([]);
    expect(await descendants()).toEqual([]);
    await expectBalance(directory.path, 10);
  });

  it('kills a frozen keeper behind the workers; what became of an open call is unknown (G1)', async () => {
    await using directory = await testDirectory();
    const { bank, root } = bankTree();
    const test = await startTestRuntime({ directory: directory.path, root, keeper: WITHOUT_STANDBY });
    const handle = test.runtime.worker(bank);
    expect(await handle.call.deposit(1, 'alice', 10)).toBe(10);
    await freeze(test.runtime.keeper.pid);
    const open = handle.call.deposit(2, 'alice', 10);
    const rejected = expect(open).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED', outcome: 'unknown' });
    await test.runtime.close({ deadlineMs: 100 });
    await rejected;
    expect(logged(test, EXCEEDED)).toHaveLength(1);
    expect(logged(test, 'the keeper does not end')).toHaveLength(1);
    expect(await descendants()).toEqual([]);
    await expectBalance(directory.path, 10);
  });

  it('may be given later, and the earliest counts', async () => {
    await using directory = await testDirectory();
    const { bank, root } = bankTree();
    const options = { directory: directory.path, root, shutdownDeadlineMs: HOUR_MS, keeper: WITHOUT_STANDBY };
    const test = await startTestRuntime(options);
    await freeze(test.runtime.worker(bank).pid);
    const closed = test.runtime.close();
    await expect(test.runtime.close({ deadlineMs: -1 })).rejects.toMatchObject({ code: 'ERR_RUNTIME_OPTION' });
    const hurried = test.runtime.close({ deadlineMs: 50 });
    const late = test.runtime.close({ deadlineMs: HOUR_MS });
    await Promise.all([closed, hurried, late]);
    expect(logged(test, EXCEEDED)).toHaveLength(1);
    await test.runtime.close({ deadlineMs: 0 });
  });

  it('of the runtime is that of every close, and nothing happens when all stop in time', async () => {
    await using directory = await testDirectory();
    for (const isFrozen of [false, true]) {
      const { bank, root } = bankTree();
      const shutdownDeadlineMs = isFrozen ? 50 : 20_000;
      const options = { directory: directory.path, root, shutdownDeadlineMs, keeper: WITHOUT_STANDBY };
      const test = await startTestRuntime(options);
      if (isFrozen) await freeze(test.runtime.worker(bank).pid);
      await test.runtime.close();
      expect(logged(test, EXCEEDED)).toHaveLength(isFrozen ? 1 : 0);
    }
  });

  it('holds for a runtime that gives up: it says so although a worker does not stop (G11)', async () => {
    await using directory = await testDirectory();
    const { bank, other, root } = bankTree();
    const options = { directory: directory.path, root, shutdownDeadlineMs: 50, keeper: WITHOUT_STANDBY };
    const test = await startTestRuntime({ ...options, restartLimit: { intensity: 0, periodMs: 1_000 } });
    const failed = new Promise<Error>((resolve) => void test.runtime.on('failed', ({ error }) => resolve(error)));
    await freeze(test.runtime.worker(bank).pid);
    process.kill(test.runtime.worker(other).pid ?? Number.NaN, 'SIGKILL');
    expect(await failed).toMatchObject({
      code: 'ERR_RUNTIME_FAILED',
      cause: { code: 'ERR_SUPERVISOR_RESTART_LIMIT' },
    });
    expect(logged(test, EXCEEDED)).toHaveLength(1);
    await test.runtime.close();
    expect(await descendants()).toEqual([]);
  });
});
