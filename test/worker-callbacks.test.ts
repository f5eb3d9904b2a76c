/**
 * The first and the last thing that a worker does: `migrate` and `terminate`, each a batch of its own (G2, G3).
 *
 * Mutations that make this fail:
 * - What a `terminate` that threw did is committed. (That the process exits behind the release of its batch is held by
 *   worker/test/callbacks: what has left for the journal is stored anyway.)
 * - The version is stored by a batch of its own before or behind that of `migrate` (kills between the two), or not at all.
 * - The keeper grants the hidden table only to workers that declare it: then a version that is not declared any more is not missed.
 */
import type { Fault } from 'heirloom/testing';
import { worker } from 'heirloom';
import type { WorkerHandle, WorkerReference } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import {
  faultsIn,
  killWorker,
  patientRoot,
  startTestRuntime,
  WITHOUT_STANDBY,
  workerModule,
} from './support/runtime.js';
import type endingWorker from './workers/ending.worker.js';

interface Start {
  readonly directory: string;
  readonly env?: Record<string, string>;
  readonly shutdown?: number;
  readonly faults?: Record<string, readonly Fault[]>;
}

async function start({ directory, env = {}, shutdown, faults = {} }: Start) {
  const options = { ...WITHOUT_STANDBY, env, ...(shutdown === undefined ? {} : { shutdown }) };
  const ending: WorkerReference<typeof endingWorker> = worker('ending', workerModule('ending'), options);
  const root = patientRoot(ending);
  const test = await startTestRuntime({ keeper: WITHOUT_STANDBY, directory, root }, { faults: faultsIn(faults) });
  const handle: WorkerHandle<typeof endingWorker> = test.runtime.worker(ending).with({ timeoutMs: 30_000 });
  return { ...test, handle };
}

describe.concurrent('terminate', () => {
  it('runs behind all calls of an orderly stop, as a batch that is stored before the process exits', async () => {
    await using directory = await testDirectory();
    {
      await using test = await start({ directory: directory.path });
      await test.handle.call.put('a');
      const last = test.handle.call.put('b');
      await test.runtime.close();
      await last;
    }
    await using test = await start({ directory: directory.path });
    await expect(test.handle.call.note('end')).resolves.toEqual({ id: 'end', text: 'shutdown', count: 3 });
  });

  it('runs with the error of a handler that crashes its worker, but not of a kill', async () => {
    await using directory = await testDirectory();
    await using test = await start({ directory: directory.path });
    await killWorker(test.runtime, test.handle);
    await expect(test.handle.call.note('end')).resolves.toBeUndefined();
    await expect(test.handle.call.fail()).rejects.toThrow('on purpose');
    const note = await until('the worker has ended', () => test.handle.call.note('end'));
    expect(note).toMatchObject({ text: 'this call throws on purpose' });
    await expect(test.handle.call.note('ghost')).resolves.toBeUndefined();
  });

  it.each([
    ['throws', undefined, 'terminate threw; what it had changed was undone'],
    ['hangs', 200, undefined],
  ])('that %s leaves nothing, and its worker ends all the same', async (mode, shutdown, line) => {
    await using directory = await testDirectory();
    {
      const more = shutdown === undefined ? {} : { shutdown };
      await using test = await start({ directory: directory.path, env: { MODE: mode }, ...more });
      await test.handle.call.put('a');
      await test.runtime.close();
      if (line !== undefined) expect(test.log.lines.map(({ message }) => message)).toContain(line);
    }
    await using test = await start({ directory: directory.path });
    await expect(test.handle.call.note('a')).resolves.toMatchObject({ text: 'put' });
    await expect(test.handle.call.note('end')).resolves.toBeUndefined();
  });
});

describe.concurrent('the version of a worker', () => {
  const kill = (point: string, hit: number): Fault => ({ point, hit, action: 'kill' });

  it('is migrated once from a lower one, before init, whatever is killed; and a higher one is refused', async () => {
    await using directory = await testDirectory();
    const path = directory.path;
    {
      // What never said a version has the first one.
      await using test = await start({ directory: path });
      await expect(test.handle.call.note('init')).resolves.toMatchObject({ text: 'after 0 migrations' });
    }
    const env = { VERSION: '3' };
    const points = ['worker.handler:start', 'worker.version:migrated', 'worker.journal:before', 'worker.journal:after'];
    for (const point of points) {
      await expect(start({ directory: path, env, faults: { 'ending 1': [kill(point, 1)] } })).rejects.toMatchObject({
        code: 'ERR_WORKER_START',
      });
    }
    {
      await using test = await start({ directory: path, env });
      await expect(test.handle.call.note('from 1')).resolves.toMatchObject({ count: 1 });
      await expect(test.handle.call.note('init')).resolves.toMatchObject({ text: 'after 1 migrations' });
      await killWorker(test.runtime, test.handle);
      await expect(test.handle.call.note('from 1')).resolves.toMatchObject({ count: 1 });
    }
    for (const older of [{ VERSION: '2' }, {}]) {
      const declared = 'VERSION' in older ? 2 : 1;
      await expect(start({ directory: path, env: older })).rejects.toMatchObject({
        name: 'WorkerReferenceError',
        code: 'ERR_WORKER_VERSION',
        details: { worker: 'ending', stored: 3, declared },
      });
    }
    await using test = await start({ directory: path, env });
    await expect(test.handle.call.note('from 3')).resolves.toBeUndefined();
  });

  it('is not migrated in a new store, and a migration that throws leaves nothing', async () => {
    await using directory = await testDirectory();
    const path = directory.path;
    {
      await using test = await start({ directory: path, env: { VERSION: '2' } });
      await expect(test.handle.call.note('init')).resolves.toMatchObject({ text: 'after 0 migrations' });
    }
    const broken = start({ directory: path, env: { VERSION: '4', MODE: 'migrate_throws' } });
    await expect(broken).rejects.toMatchObject({
      name: 'WorkerReferenceError',
      code: 'ERR_WORKER_MIGRATION',
      details: { worker: 'ending', fromVersion: 2, version: 4 },
    });
    await using test = await start({ directory: path, env: { VERSION: '4' } });
    await expect(test.handle.call.note('from 2')).resolves.toMatchObject({ count: 1 });
  });
});
