/**
 * Workers whose `init` chooses not to run (OTP's `ignore`; S03, N48): that is no failure, nothing of it is stored (G2), and
 * the child is kept without a process, or forgotten.
 *
 * Mutations that make this fail, each tried: an ignoring `init` commits; it is reported as a failed start, or as a crash.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { supervisor, worker } from 'heirloom';
import type { WorkerOptions } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import { descendants } from './support/processes.js';
import { killWorker, startTestRuntime, workerModule } from './support/runtime.js';
import type ignoringWorker from './workers/ignoring.worker.js';

const often = { intensity: 10_000, periodMs: 60_000 } as const;
const TIMEOUT = { timeout: 60_000 };
const stopped = { code: 'ERR_CALL_STOPPED', outcome: 'none' };

/** A directory with a file in it that makes workers ignore their start. */
async function ignoring() {
  const directory = await testDirectory();
  const file = join(directory.path, 'ignore');
  await writeFile(file, '');
  const reference = (name: string, options: WorkerOptions = {}) =>
    worker<typeof ignoringWorker>(name, workerModule('ignoring'), {
      standby: false,
      env: { HEIRLOOM_TEST_IGNORE: file },
      ...options,
    });
  return { directory, file, reference, store: join(directory.path, 'store') };
}

describe('a worker whose init returns ignore', TIMEOUT, () => {
  it('is no failed start: it is kept without a process, and nothing that it did is stored (S03, G2)', async () => {
    const { directory, file, reference, store } = await ignoring();
    await using _ = directory;
    const [a, b] = [reference('a'), reference('b', { env: {} })];
    const root = supervisor({ strategy: 'one_for_one', intensity: 0 }, [a, b]);
    await using test = await startTestRuntime({ directory: store, root });
    const crashes: unknown[] = [];
    test.runtime.on('crash', (event) => crashes.push(event));
    const management = test.runtime.supervisor(root);
    expect(management.whichChildren()).toMatchObject([
      { id: 'b', state: 'running' },
      { id: 'a', state: 'stopped' },
    ]);
    expect(management.countChildren()).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 });
    const handle = test.runtime.worker(a).with({ timeoutMs: 30_000 });
    expect(handle.pid).toBeUndefined();
    await expect(handle.call.starts()).rejects.toMatchObject(stopped);
    await expect(handle.tables.starts.tab2list()).resolves.toEqual([]);
    expect((await descendants()).filter(({ command }) => / a(#\d+)?\s*$/.test(command))).toEqual([]);

    expect(await management.restartChild(a)).toEqual({ id: 'a', incarnation: undefined });
    await rm(file);
    expect(await management.restartChild(a)).toEqual({ id: 'a', incarnation: 3 });
    // The lives before have left nothing, not even that there was one.
    expect(await handle.call.starts()).toEqual([false]);
    expect(crashes).toEqual([]);
    expect(test.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('may do so at a restart: the calls that wait for it are rejected, its rows stay (G1)', async () => {
    const { directory, file, reference, store } = await ignoring();
    await using _ = directory;
    await rm(file);
    const a = reference('a', { standby: true });
    const b = reference('b', { env: {} });
    const root = supervisor({ strategy: 'one_for_all', ...often }, [a, b]);
    await using test = await startTestRuntime({ directory: store, root });
    const [first, second] = [test.runtime.worker(a).with({ timeoutMs: 30_000 }), test.runtime.worker(b)];
    await first.call.mark(1);
    await writeFile(file, '');
    const recovered = killWorker(test.runtime, second);
    await recovered;
    await expect(first.call.mark(2)).rejects.toMatchObject(stopped);
    await expect(first.tables.marks.tab2list()).resolves.toEqual([{ mark: 1 }]);
    expect(test.runtime.supervisor(root).countChildren()).toMatchObject({ specs: 2, active: 1 });
    // A restart of its siblings tries it again.
    await rm(file);
    await killWorker(test.runtime, second);
    expect(await first.call.starts()).toEqual([false, true]);
  });

  it('is forgotten when it is temporary or an instance, and its name is free (S03, N48)', async () => {
    const { directory, file, reference, store } = await ignoring();
    await using _ = directory;
    const branch = supervisor({ strategy: 'simple_one_for_one', ...often }, [reference('template')]);
    const root = supervisor({ strategy: 'one_for_one', ...often }, [branch]);
    await using test = await startTestRuntime({ directory: store, root });
    const management = test.runtime.supervisor(root);
    const temporary = reference('t', { restart: 'temporary' });
    expect(await management.startChild(temporary)).toEqual({ id: 't', incarnation: undefined });
    expect(management.countChildren()).toEqual({ specs: 1, active: 1, supervisors: 1, workers: 0 });
    const instances = test.runtime.supervisor(branch);
    const one = await instances.startInstance<typeof ignoringWorker>('one');
    expect(instances.whichChildren()).toEqual([]);
    await expect(test.runtime.worker(one).call.starts()).rejects.toMatchObject(stopped);
    await rm(file);
    await management.startChild(temporary);
    const again = await instances.startInstance<typeof ignoringWorker>('one');
    expect(await test.runtime.worker(again).call.starts()).toEqual([false]);
    // A restart that is ignored forgets an instance, too.
    await writeFile(file, '');
    const instance = test.runtime.worker(again).with({ timeoutMs: 30_000 });
    process.kill(instance.pid ?? Number.NaN, 'SIGKILL');
    await expect(instance.call.mark(1)).rejects.toMatchObject(stopped);
    expect(instances.whichChildren()).toEqual([]);
  });

  it('is killed when its process does not end, which is no failure either', async () => {
    const { directory, file, reference, store } = await ignoring();
    await using _ = directory;
    await writeFile(`${file}-hang`, '');
    const a = reference('a');
    const root = supervisor({ strategy: 'one_for_one', intensity: 0 }, [a]);
    await using test = await startTestRuntime({ directory: store, root });
    expect(test.runtime.supervisor(root).whichChildren()).toMatchObject([{ id: 'a', state: 'stopped' }]);
    await rm(file);
    await rm(`${file}-hang`);
    await test.runtime.supervisor(root).restartChild(a);
    expect(await test.runtime.worker(a).call.starts()).toEqual([false]);
  });
});
