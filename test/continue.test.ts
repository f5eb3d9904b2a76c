/**
 * What a worker continues with: G2 and G3 between the batch that asks for it and its own.
 *
 * Mutations that make this fail:
 * - What is pending is kept in memory only (kills at `worker.journal:after`, `worker.continue:end`).
 * - The row is taken away behind the batch of `handleContinue`, or not at all.
 * - A worker that has something to continue with behind `init` is sent calls at once, and its death is not said to be nobody's (one of
 *   the two is enough): then calls are blamed for it, and no intensity ends it.
 * - What a former life has left runs before what `init` asks for.
 */
import type { Fault } from 'heirloom/testing';
import { supervisor, worker } from 'heirloom';
import type { WorkerReference } from 'heirloom';
import { writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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
import type continuingWorker from './workers/continuing.worker.js';

const options = { keeper: WITHOUT_STANDBY, limits: { callTriesMax: 1_000 } } as const;

function reference(env: Record<string, string> = {}): WorkerReference<typeof continuingWorker> {
  return worker<typeof continuingWorker>('books', workerModule('continuing'), { ...WITHOUT_STANDBY, env });
}

const ids = Array.from({ length: 20 }, (_, index) => `a${index}`);
const MORE = 2;

function lives(process: string, point: string, hits: readonly number[]): Record<string, readonly Fault[]> {
  return Object.fromEntries(hits.map((hit, index) => [`${process} ${index + 1}`, [{ point, hit, action: 'kill' }]]));
}

describe.concurrent('what a handler continues with happens once, whatever is killed (G2, G3)', () => {
  const run = async (faults: Record<string, readonly Fault[]>, deaths: string, count: number): Promise<void> => {
    await using directory = await testDirectory();
    const books = reference();
    const root = patientRoot(books);
    const ports = { faults: faultsIn(faults) };
    await using test = await startTestRuntime({ ...options, directory: directory.path, root }, ports);
    const { call } = test.runtime.worker(books).with({ timeoutMs: 30_000 });
    for (const id of ids) await expect(call.open(id, MORE)).resolves.toBe(1);
    // A call comes behind all that those before it have continued with.
    await expect(Promise.all(ids.map((id) => call.booked(id)))).resolves.toEqual(ids.map(() => MORE + 1));
    expect(test.log.lines.filter(({ message }) => message === deaths).length).toBeGreaterThanOrEqual(count);
  };

  it.each([
    ['worker.handler:start', [9, 6, 6]],
    ['worker.handler:end', [4, 2, 3]],
    ['worker.continue:end', [5, 3, 2]],
    ['worker.journal:before', [9, 5, 4]],
    ['worker.journal:after', [4, 2, 2]],
  ])('worker at %s', async (point, hits) => {
    await run(lives('books', point, hits), 'a worker is gone', hits.length);
  });

  it.each(['keeper.commit:before', 'keeper.commit:after', 'keeper.replies:before'])('keeper at %s', async (point) => {
    await run(lives('keeper', point, [5, 4]), 'the keeper is gone', 2);
  });
});

describe.concurrent('what a worker continues with', () => {
  it('runs behind init before the first call, again in each life, and is there if and only if its handler is stored', async () => {
    await using directory = await testDirectory();
    const books = reference();
    await using test = await startTestRuntime({ ...options, directory: directory.path, root: patientRoot(books) });
    const handle = test.runtime.worker(books).with({ timeoutMs: 30_000 });
    await handle.call.open('first', 0);
    await expect(handle.call.booked('first')).resolves.toBe(1);
    await expect(handle.call.openAndThrow('ghost')).rejects.toThrow('on purpose');
    await expect(handle.call.booked('ghost')).resolves.toBe(0);
    await expect(handle.call.twice()).rejects.toMatchObject({ cause: { code: 'ERR_WORKER_CONTINUE' } });
    await handle.call.openLater('by timer');
    await until('the timer has continued', async () => (await handle.call.booked('by timer')) === 1);
    await killWorker(test.runtime, handle);
    await handle.call.open('second', 0);
    await expect(handle.call.booked('second')).resolves.toBe(1);
  });

  it.each(['throws', 'dies'])(
    'that always crashes (%s) is ended by the intensity, and blames no call',
    async (mode) => {
      await using directory = await testDirectory();
      const file = join(directory.path, 'broken');
      const env = { CONTINUING: mode, CONTINUING_FILE: file };
      const books = reference(env);
      const root = supervisor({ strategy: 'one_for_one', intensity: 6, periodMs: 60_000 }, [books]);
      writeFileSync(file, '');
      {
        await using test = await startTestRuntime({
          keeper: WITHOUT_STANDBY,
          directory: join(directory.path, 's'),
          root,
        });
        const poisoned: unknown[] = [];
        test.runtime.on('poisoned', (event) => void poisoned.push(event));
        const failed = new Promise((resolve) => void test.runtime.on('failed', resolve));
        const { call } = test.runtime.worker(books).with({ timeoutMs: 30_000 });
        // Sent behind each other, so that calls wait for the worker in each of its lives.
        const opened = call.open('x', 0);
        const waiting = Promise.allSettled(ids.map((id) => call.booked(id)));
        await Promise.allSettled([opened]);
        await failed;
        expect(poisoned).toEqual([]);
        for (const result of await waiting) {
          expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_CALL_STOPPED' } });
        }
      }
      rmSync(file);
      await using test = await startTestRuntime({ ...options, directory: join(directory.path, 's'), root });
      const { call } = test.runtime.worker(books).with({ timeoutMs: 30_000 });
      await expect(call.booked('x')).resolves.toBe(1);
    },
  );

  it('waits in the store for code that has a handleContinue', async () => {
    await using directory = await testDirectory();
    const file = join(directory.path, 'broken');
    const path = join(directory.path, 's');
    const start = async (mode: string, intensity: number) => {
      const books = reference({ CONTINUING: mode, CONTINUING_FILE: file });
      const root = supervisor({ strategy: 'one_for_one', intensity, periodMs: 60_000 }, [books]);
      const test = await startTestRuntime({ ...options, directory: path, root });
      return { ...test, call: test.runtime.worker(books).with({ timeoutMs: 30_000 }).call };
    };
    writeFileSync(file, '');
    {
      await using test = await start('throws', 0);
      const failed = new Promise((resolve) => void test.runtime.on('failed', resolve));
      await test.call.open('x', 0).catch(() => undefined);
      await failed;
    }
    rmSync(file);
    {
      await using test = await start('none', 3);
      await expect(test.call.booked('x')).resolves.toBe(0);
      expect(test.log.lines.some(({ message }) => message.startsWith('A continuation is stored'))).toBe(true);
      await expect(test.call.open('y', 0)).rejects.toMatchObject({ cause: { code: 'ERR_WORKER_CONTINUE' } });
    }
    await using test = await start('well', 3);
    await expect(test.call.booked('x')).resolves.toBe(1);
  });
});
