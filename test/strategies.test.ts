/**
 * OTP's strategies, restart types and auto-shutdown on real processes: who is restarted when one of them dies, and that every
 * table is as it was (G1, G8).
 *
 * Mutations that make this fail, each tried: one_for_all restarts only the child; rest_for_one restarts all; what ended for
 * good still takes calls, or keeps its standby; an auto-shutdown of the root does not close the runtime.
 */
import { supervisor, worker } from 'heirloom';
import type { Runtime, SupervisorOptions, WorkerOptions } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { descendants, isRunning } from './support/processes.js';
import { startTestRuntime, workerModule } from './support/runtime.js';
import type bankWorker from './workers/bank.worker.js';
import type troubleWorker from './workers/trouble.worker.js';

const bank = (name: string, options: WorkerOptions = {}) =>
  worker<typeof bankWorker>(name, workerModule('bank'), { standby: false, ...options });
const trouble = (name: string, options: WorkerOptions) =>
  worker<typeof troubleWorker>(name, workerModule('trouble'), { standby: false, ...options });
const often = { intensity: 10_000, periodMs: 60_000 } as const;
const TIMEOUT = { timeout: 60_000 };

/** Three banks with a deposit each; the second is killed, and all three are asked. */
async function killSecond(strategy: SupervisorOptions['strategy']) {
  await using directory = await testDirectory();
  const references = ['a', 'b', 'c'].map((name) => bank(name));
  const root = supervisor({ strategy, ...often }, references);
  await using test = await startTestRuntime({ directory: directory.path, root });
  const banks = references.map((reference) => test.runtime.worker(reference).with({ timeoutMs: 30_000 }));
  await Promise.all(banks.map((one, index) => one.call.deposit(1, 'alice', index)));
  const before = banks.map(({ pid }) => pid);
  process.kill(before[1] ?? Number.NaN, 'SIGKILL');
  await until('the second is another process', () => banks[1]?.pid !== undefined && banks[1].pid !== before[1]);
  await until('all are up', () => banks.every(({ pid }) => pid !== undefined));
  // Those that are stopped last are started first, so every restart is over when calls are answered.
  const balances = await Promise.all(banks.map((one) => one.call.balance('alice')));
  const replaced = banks.map(({ pid }, index) => pid !== before[index]);
  const left = await Promise.all(before.map((pid) => isRunning(pid ?? Number.NaN)));
  expect(left).toEqual(replaced.map((isReplaced) => !isReplaced));
  return { replaced, balances };
}

describe('when the second of three workers is killed', TIMEOUT, () => {
  it.each([
    ['one_for_one', [false, true, false]],
    ['one_for_all', [true, true, true]],
    ['rest_for_one', [false, true, true]],
  ] as const)('%s replaces %o, and all have their tables', async (strategy, replaced) => {
    expect(await killSecond(strategy)).toEqual({ replaced, balances: [0, 1, 2] });
  });
});

describe('a temporary sibling', TIMEOUT, () => {
  it('is stopped for good by the restart of another; its calls are rejected, its tables read (S22, G8)', async () => {
    await using directory = await testDirectory();
    const [a, t] = [bank('a'), bank('t', { restart: 'temporary', standby: true })];
    const root = supervisor({ strategy: 'one_for_all', ...often }, [a, t]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const [first, temporary] = [test.runtime.worker(a), test.runtime.worker(t).with({ timeoutMs: 30_000 })];
    await temporary.call.deposit(1, 'alice', 7);
    await until('its standby is there', async () => (await below('standby t')) === 1);
    process.kill(first.pid ?? Number.NaN, 'SIGKILL');
    await until('it is gone', () => temporary.pid === undefined);
    await expect(temporary.call.balance('alice')).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED', outcome: 'none' });
    await expect(temporary.tables.accounts.lookup('alice')).resolves.toMatchObject({ balance: 7 });
    await until('its standby is gone', async () => (await below('standby t')) === 0);
    expect(test.runtime.supervisor(root).whichChildren()).toMatchObject([{ id: 'a' }]);
  });
});

describe('a transient worker', TIMEOUT, () => {
  it('is restarted after a crash and not after a clean exit (S16)', async () => {
    await using directory = await testDirectory();
    const reference = trouble('t', { restart: 'transient' });
    const root = supervisor({ strategy: 'one_for_one', ...often }, [reference]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const handle = test.runtime.worker(reference).with({ timeoutMs: 30_000 });
    expect(await handle.call.increment('a')).toBe(1);
    process.kill(handle.pid ?? Number.NaN, 'SIGKILL');
    expect(await handle.call.increment('a')).toBe(2);
    await expect(handle.call.exit(0)).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED', outcome: 'none' });
    await expect(handle.call.increment('a')).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED' });
    await expect(handle.tables.counters.lookup('a')).resolves.toMatchObject({ count: 2 });
    expect(test.runtime.supervisor(root).countChildren()).toMatchObject({ specs: 1, active: 0 });
  });
});

describe('auto-shutdown', TIMEOUT, () => {
  const ended = (runtime: Runtime) =>
    new Promise<string>((resolve) => void runtime.on('ended', ({ child }) => resolve(child)));

  it('of the root closes the runtime in an orderly way when the significant worker has ended (S27)', async () => {
    await using directory = await testDirectory();
    const [a, s] = [bank('a'), trouble('s', { restart: 'transient', significant: true })];
    const root = supervisor({ strategy: 'one_for_one', autoShutdown: 'any_significant', ...often }, [a, s]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const failures: unknown[] = [];
    test.runtime.on('failed', (event) => failures.push(event));
    const end = ended(test.runtime);
    const [first, significant] = [test.runtime.worker(a), test.runtime.worker(s).with({ timeoutMs: 30_000 })];
    await first.call.deposit(1, 'alice', 3);
    await expect(significant.call.exit(0)).rejects.toMatchObject({ outcome: 'none' });
    expect(await end).toBe('s');
    await until('nothing of it is left', async () => (await descendants()).length === 0);
    await test.runtime.close();
    expect(failures).toEqual([]);
    await expect(first.call.balance('alice')).rejects.toMatchObject({ code: 'ERR_RUNTIME_CLOSED' });
    expect(await descendants()).toEqual([]);
    await using again = await startTestRuntime({ directory: directory.path, root });
    expect(await again.runtime.worker(a).call.balance('alice')).toBe(3);
  });

  it('of a supervisor below stops its children only, for good when it is transient (S28)', async () => {
    await using directory = await testDirectory();
    const [a, b] = [bank('a'), bank('b')];
    const s = trouble('s', { restart: 'temporary', significant: true });
    const inner = supervisor(
      { strategy: 'one_for_one', autoShutdown: 'all_significant', restart: 'transient', ...often },
      [b, s],
    );
    await using test = await startTestRuntime({
      directory: directory.path,
      root: supervisor({ strategy: 'one_for_one', ...often }, [a, inner]),
    });
    const [first, below] = [test.runtime.worker(a), test.runtime.worker(b).with({ timeoutMs: 30_000 })];
    await below.call.deposit(1, 'alice', 5);
    process.kill(test.runtime.worker(s).pid ?? Number.NaN, 'SIGKILL');
    await until('its sibling is gone', () => below.pid === undefined);
    await expect(below.call.balance('alice')).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED', outcome: 'none' });
    await expect(below.tables.accounts.lookup('alice')).resolves.toMatchObject({ balance: 5 });
    expect(await first.call.balance('alice')).toBe(0);
    expect(() => test.runtime.supervisor(inner).whichChildren()).toThrow(/stops, has ended/);
  });

  it('of a nested supervisor that gave up is a failure of the runtime when it reaches the root', async () => {
    await using directory = await testDirectory();
    const a = bank('a');
    const inner = supervisor(
      { strategy: 'one_for_one', intensity: 0, restart: 'transient', significant: true, id: 'inner' },
      [a],
    );
    const root = supervisor({ strategy: 'one_for_one', autoShutdown: 'any_significant', ...often }, [inner]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const failed = new Promise<Error>((resolve) => void test.runtime.on('failed', ({ error }) => resolve(error)));
    process.kill(test.runtime.worker(a).pid ?? Number.NaN, 'SIGKILL');
    expect(await failed).toMatchObject({ code: 'ERR_RUNTIME_FAILED', cause: { code: 'ERR_SUPERVISOR_INTENSITY' } });
  });
});

/** How many processes of this program have a title with these words. */
async function below(words: string): Promise<number> {
  return (await descendants()).filter(({ command }) => command.includes(words)).length;
}
