/**
 * The management of supervisors in a running runtime, with real processes: workers that come and go, and what they have stored,
 * which stays.
 *
 * Mutations that make this fail, each tried: a worker that failed to start stays registered; a name is free although its worker
 * is there; what was added survives its supervisor's restart; an instance runs under its template's name; a deleted worker can
 * still be asked for.
 */
import { supervisor, worker } from 'heirloom';
import type { WorkerOptions } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { descendants } from './support/processes.js';
import { startTestRuntime, workerModule } from './support/runtime.js';
import type bankWorker from './workers/bank.worker.js';

const bank = (name: string, options: WorkerOptions = {}) =>
  worker<typeof bankWorker>(name, workerModule('bank'), { standby: false, ...options });
const often = { intensity: 10_000, periodMs: 60_000 } as const;
const TIMEOUT = { timeout: 60_000 };
const code = (name: string) => expect.objectContaining({ code: name }) as Error;

describe('a worker that is added to a running runtime', TIMEOUT, () => {
  it('is a worker like any other, until it is terminated; what it stored outlasts its spec (S12, G1)', async () => {
    await using directory = await testDirectory();
    const [a, b] = [bank('a'), bank('b', { standby: true })];
    const root = supervisor({ strategy: 'one_for_one', ...often }, [a]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const management = test.runtime.supervisor(root);
    await management.startChild(b);
    const handle = test.runtime.worker(b).with({ timeoutMs: 30_000 });
    await handle.call.deposit(1, 'alice', 5);
    process.kill(handle.pid ?? Number.NaN, 'SIGKILL');
    expect(await handle.call.deposit(2, 'alice', 5)).toBe(10);
    await expect(management.startChild(b)).rejects.toThrow(code('ERR_SUPERVISOR_ALREADY_STARTED'));
    await expect(management.deleteChild(b)).rejects.toThrow(code('ERR_SUPERVISOR_RUNNING'));
    expect(management.whichChildren()).toMatchObject([{ id: 'b', state: 'running' }, { id: 'a' }]);
    expect(management.getChildSpec('b')).toBe(b);

    await until('its standby is there', async () => (await titled('standby b')) === 1);
    await management.terminateChild(b);
    expect(handle.pid).toBeUndefined();
    await until('no process of it is left', async () => (await titled(' b')) === 0);
    await expect(handle.call.balance('alice')).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED', outcome: 'none' });
    await expect(handle.tables.accounts.lookup('alice')).resolves.toMatchObject({ balance: 10 });
    await expect(management.startChild(b)).rejects.toThrow(code('ERR_SUPERVISOR_ALREADY_PRESENT'));
    expect(management.countChildren()).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 });

    await management.restartChild(b);
    expect(await handle.call.balance('alice')).toBe(10);
    await expect(management.restartChild(b)).rejects.toThrow(code('ERR_SUPERVISOR_RUNNING'));
    await management.terminateChild(b);
    await management.deleteChild(b);
    expect(() => test.runtime.worker(b)).toThrow(code('ERR_WORKER_UNKNOWN'));
    await expect(management.terminateChild(b)).rejects.toThrow(code('ERR_SUPERVISOR_NOT_FOUND'));

    const again = bank('b');
    await management.startChild(again);
    expect(await test.runtime.worker(again).call.balance('alice')).toBe(10);
  });

  it('may be a supervisor with its workers', async () => {
    await using directory = await testDirectory();
    const root = supervisor({ strategy: 'one_for_one', ...often }, [bank('a')]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const b = bank('b');
    const inner = supervisor({ strategy: 'one_for_all', ...often }, [b]);
    await test.runtime.supervisor(root).startChild(inner);
    const c = bank('c');
    await test.runtime.supervisor(inner).startChild(c);
    await test.runtime.worker(c).call.deposit(1, 'alice', 1);
    const pid = test.runtime.worker(c).pid;
    process.kill(test.runtime.worker(b).pid ?? Number.NaN, 'SIGKILL');
    await until('its sibling is another process', () => {
      const now = test.runtime.worker(c).pid;
      return now !== undefined && now !== pid;
    });
    expect(await test.runtime.worker(c).call.balance('alice')).toBe(1);
    expect(test.runtime.supervisor(root).getChildSpec(test.runtime.supervisor(inner).id)).toBe(inner);
    await test.runtime.supervisor(root).terminateChild(inner);
    await expect(test.runtime.worker(b).call.balance('alice')).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED' });
    await test.runtime.supervisor(root).deleteChild(inner);
    expect(() => test.runtime.supervisor(inner)).toThrow(code('ERR_WORKER_UNKNOWN'));
    expect(() => test.runtime.worker(b)).toThrow(code('ERR_WORKER_UNKNOWN'));
  });

  it('is refused or forgotten when it cannot be, and leaves its name free', async () => {
    await using directory = await testDirectory();
    const [a, b] = [bank('a'), bank('b')];
    const [left, right] = [
      supervisor({ strategy: 'one_for_one', id: 'left', childrenMax: 2, ...often }, [a]),
      supervisor({ strategy: 'one_for_one', id: 'right', ...often }, []),
    ];
    const root = supervisor({ strategy: 'one_for_one', ...often }, [left, right]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const management = test.runtime.supervisor(left);
    const missing = worker('b', new URL('./dist/workers/no-such.worker.js', import.meta.url));
    await expect(management.startChild(missing)).rejects.toThrow(code('ERR_WORKER_NOT_FOUND'));
    expect(() => test.runtime.worker(missing)).toThrow(code('ERR_WORKER_UNKNOWN'));
    await management.startChild(b);
    await expect(test.runtime.supervisor(right).startChild(bank('b'))).rejects.toThrow(code('ERR_WORKER_DUPLICATE'));
    await expect(management.startChild(bank('c'))).rejects.toThrow(code('ERR_SUPERVISOR_MAX_CHILDREN'));
    await test.runtime.supervisor(right).startChild(bank('c'));
    const significant = bank('s', { restart: 'transient', significant: true });
    expect(() => management.checkChildSpecs([significant])).toThrow(code('ERR_SUPERVISOR_SPEC'));
    await expect(management.startChild(significant)).rejects.toThrow(code('ERR_SUPERVISOR_SPEC'));
    const wrong = { kind: 'worker', name: 'x' } as never; // A program without types could write it.
    await expect(management.startChild(wrong)).rejects.toThrow(code('ERR_RUNTIME_OPTION'));
    expect(() => test.runtime.supervisor(supervisor({ strategy: 'one_for_one' }, []))).toThrow(
      code('ERR_WORKER_UNKNOWN'),
    );
  });

  it('is lost when its supervisor is restarted, as in OTP, and finds its tables when it is added again (S25)', async () => {
    await using directory = await testDirectory();
    const [a, b] = [bank('a'), bank('b')];
    const inner = supervisor({ strategy: 'one_for_one', intensity: 0, id: 'inner' }, [a]);
    const root = supervisor({ strategy: 'one_for_one', ...often }, [inner]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    await test.runtime.supervisor(inner).startChild(b);
    const lost = test.runtime.worker(b).with({ timeoutMs: 30_000 });
    await lost.call.deposit(1, 'alice', 9);
    const pid = test.runtime.worker(a).pid;
    process.kill(pid ?? Number.NaN, 'SIGKILL');
    await until('the supervisor is up again', () => {
      const now = test.runtime.worker(a).pid;
      return now !== undefined && now !== pid;
    });
    await expect(lost.call.balance('alice')).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED', outcome: 'none' });
    expect(() => test.runtime.worker(b)).toThrow(code('ERR_WORKER_UNKNOWN'));
    await test.runtime.supervisor(inner).startChild(b);
    expect(await test.runtime.worker(b).call.balance('alice')).toBe(9);
  });

  it('may be temporary: its name is free once it has ended (N49)', async () => {
    await using directory = await testDirectory();
    const root = supervisor({ strategy: 'one_for_one', ...often }, []);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const management = test.runtime.supervisor(root);
    const first = bank('t', { restart: 'temporary' });
    await management.startChild(first);
    const handle = test.runtime.worker(first).with({ timeoutMs: 30_000 });
    await handle.call.deposit(1, 'alice', 2);
    process.kill(handle.pid ?? Number.NaN, 'SIGKILL');
    await until('it is forgotten', () => management.countChildren().specs === 0);
    await expect(handle.call.balance('alice')).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED' });
    const second = bank('t', { restart: 'temporary' });
    await management.startChild(second);
    expect(await test.runtime.worker(second).call.balance('alice')).toBe(2);
  });
});

describe('instances of simple_one_for_one', TIMEOUT, () => {
  it('are workers of their own names, each with its own tables, restarted one by one (S13, S21)', async () => {
    await using directory = await testDirectory();
    const template = bank('template');
    const branch = supervisor({ strategy: 'simple_one_for_one', childrenMax: 2, ...often }, [template]);
    const root = supervisor({ strategy: 'one_for_one', ...often }, [branch]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const management = test.runtime.supervisor(branch);
    expect(() => test.runtime.worker(template)).toThrow(code('ERR_WORKER_UNKNOWN'));
    const [one, two] = [
      await management.startInstance<typeof bankWorker>('one'),
      await management.startInstance<typeof bankWorker>('two'),
    ];
    const [first, second] = [test.runtime.worker(one).with({ timeoutMs: 30_000 }), test.runtime.worker(two)];
    await Promise.all([first.call.deposit(1, 'alice', 1), second.call.deposit(1, 'alice', 2)]);
    const pid = second.pid;
    process.kill(first.pid ?? Number.NaN, 'SIGKILL');
    expect(await first.call.balance('alice')).toBe(1);
    expect(second.pid).toBe(pid);
    await expect(management.startInstance('three')).rejects.toThrow(code('ERR_SUPERVISOR_MAX_CHILDREN'));
    await expect(management.startInstance('two')).rejects.toThrow(code('ERR_SUPERVISOR_ALREADY_STARTED'));
    await expect(management.startChild(bank('x'))).rejects.toThrow(code('ERR_SUPERVISOR_SIMPLE_ONE_FOR_ONE'));
    await management.terminateChild(one);
    await management.terminateChild(one);
    expect(management.whichChildren()).toMatchObject([{ id: 'two' }]);
    const again = await management.startInstance<typeof bankWorker>('one');
    expect(await test.runtime.worker(again).call.balance('alice')).toBe(1);
    await expect(test.runtime.supervisor(root).startInstance('x')).rejects.toThrow(
      code('ERR_SUPERVISOR_SIMPLE_ONE_FOR_ONE'),
    );
  });
});

/** How many processes of this program have a title with these words at its end. */
async function titled(words: string): Promise<number> {
  return (await descendants()).filter(({ command }) => new RegExp(`${words}(#\\d+)?\\s*$`).test(command)).length;
}
