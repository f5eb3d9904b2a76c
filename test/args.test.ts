/**
 * The arguments of workers: every life of a worker has those that its reference was made with; an instance has its template's
 * and its own behind them (S21).
 *
 * Mutations that make this fail, each tried: a restart has no arguments; a start encodes them anew; an instance's own come
 * first; the template's come twice; no limit; they are not frozen.
 */
import { supervisor, worker } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import { killWorker, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type arguedWorker from './workers/argued.worker.js';

const module = workerModule('argued');
const often = { intensity: 10_000, periodMs: 60_000 } as const;
const TIMEOUT = { timeout: 60_000 };
const wrong = (message: RegExp): Error =>
  expect.objectContaining({ code: 'ERR_RUNTIME_OPTION', message: expect.stringMatching(message) as string }) as Error;

describe('the arguments of a worker', TIMEOUT, () => {
  it.each([true, false])('are the same in every life, as they were given; standby: %s', async (standby) => {
    await using directory = await testDirectory();
    const tags = ['a'];
    const since = new Date(5);
    const reference = worker<typeof arguedWorker>('argued', module, {
      standby,
      args: ['eu', { most: 5, tags }, since],
    });
    tags.push('later');
    const root = patientRoot(reference);
    await using test = await startTestRuntime({ directory: directory.path, root });
    tags.push('much later');
    const handle = test.runtime.worker(reference).with({ timeoutMs: 30_000 });
    const given = ['eu', { most: 5, tags: ['a'] }, since];
    expect(await handle.call.told()).toEqual(given);
    await expect(handle.call.change()).rejects.toMatchObject({ code: 'ERR_CALL_THREW' });
    await killWorker(test.runtime, handle);
    expect(await handle.call.told()).toEqual(given);
    await test.runtime.supervisor(root).terminateChild(reference);
    await test.runtime.supervisor(root).restartChild(reference);
    expect(await handle.call.told()).toEqual(given);
    expect(await handle.call.lives()).toEqual(['eu 5', 'eu 5', 'eu 5']);
  });

  it('of an instance are those of its template, then its own, also when it is restarted (S21)', async () => {
    await using directory = await testDirectory();
    const template = worker<typeof arguedWorker>('template', module, { standby: false, args: ['eu'] });
    const branch = supervisor({ strategy: 'simple_one_for_one', ...often }, [template]);
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(branch) });
    const management = test.runtime.supervisor(branch);
    const [one, two] = await Promise.all([
      management.startInstance<typeof arguedWorker>('one', { most: 1, tags: [] }),
      management.startInstance<typeof arguedWorker>('two', { most: 2, tags: [] }, new Date(2)),
    ]);
    const [first, second] = [one, two].map((instance) => test.runtime.worker(instance).with({ timeoutMs: 30_000 }));
    await killWorker(test.runtime, test.runtime.worker(two));
    expect(await first?.call.lives()).toEqual(['eu 1']);
    expect(await second?.call.told()).toEqual(['eu', { most: 2, tags: [] }, new Date(2)]);
    expect(await second?.call.lives()).toEqual(['eu 2', 'eu 2']);
    expect(two.options.args).toEqual(['eu', { most: 2, tags: [] }, new Date(2)]);
  });

  it('are refused when they are no values, or too large', () => {
    const argued = (args: unknown) => () => worker('argued', module, { args: args as readonly unknown[] });
    expect(argued('eu')).toThrow(wrong(/args of worker argued.*must be an array/));
    expect(argued(['eu', () => 1])).toThrow(wrong(/number 2 .*cannot be sent/));
    expect(argued(['x'.repeat(65_536)])).toThrow(wrong(/at most 65536/));
    expect(argued(['x'.repeat(65_000)])).not.toThrow();
  });
});
