/**
 * Monitors: the program and handlers are told when the life of a worker ends, once for each life, whatever ends it and whoever else
 * dies meanwhile (G9, G3).
 *
 * Mutations that make this fail, each tried: a life is told of before its tables are with their heir; a notice is run again in the
 * next life of the worker that it was for; the next life takes notices of the last one; a monitor outlives the life that made it;
 * a worker that is down is monitored in silence; a monitor that was taken back is told of all the same; workers are told while the
 * runtime closes.
 */
import { supervisor, worker } from 'heirloom';
import type { WorkerDown, WorkerOptions, WorkerReference } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { faultsIn, killWorker, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type watcherWorker from './workers/watcher.worker.js';

const watcher = (name: string, options: WorkerOptions = {}): WorkerReference<typeof watcherWorker> =>
  worker<typeof watcherWorker>(name, workerModule('watcher'), { standby: false, ...options });
const code = (name: string) => expect.objectContaining({ code: name }) as Error;
const TIMEOUT = { timeout: 60_000 };

describe('the program', TIMEOUT, () => {
  it('is told of the end of every life, however it ends', async () => {
    await using directory = await testDirectory();
    const a = watcher('a');
    const b = watcher('b', { restart: 'temporary' });
    const root = patientRoot(a, b);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const { runtime } = test;
    const downs: WorkerDown[] = [];
    const others: WorkerDown[] = [];
    runtime.monitor(a, (down) => downs.push(down));
    const unsubscribe = runtime.monitor(a, (down) => others.push(down));
    runtime.monitor(a, () => {
      throw new Error('a listener that throws');
    });
    const handle = runtime.worker(a).with({ retry: 'never' });

    await killWorker(runtime, handle);
    expect(downs).toEqual([{ worker: 'a', epoch: 1, reason: 'killed', error: undefined }]);
    unsubscribe();
    await expect(handle.call.crash()).rejects.toThrow(code('ERR_CALL_NOT_RETRIED'));
    expect(downs[1]).toMatchObject({ epoch: 2, reason: 'crash', error: { message: 'on purpose' } });
    await expect(handle.call.exit()).rejects.toThrow(code('ERR_CALL_NOT_RETRIED'));
    expect(downs[2]).toMatchObject({ epoch: 3, reason: 'normal' });
    await until('it is up again', () => handle.pid);
    await runtime.supervisor(root).terminateChild(a);
    expect(downs[3]).toMatchObject({ epoch: 4, reason: 'shutdown' });

    const late: WorkerDown[] = [];
    runtime.monitor(a, (down) => late.push(down));
    const never = runtime.monitor(a, (down) => late.push(down));
    never();
    await until('it is said', () => late.length > 0);
    expect(late).toEqual([{ worker: 'a', epoch: undefined, reason: 'noproc', error: undefined }]);
    await runtime.supervisor(root).restartChild(a);
    expect(downs).toHaveLength(4);
    await runtime.close();
    expect([downs.at(-1), late.at(-1)]).toMatchObject([{ epoch: 5, reason: 'shutdown' }, { epoch: 5 }]);
    expect([downs.length, late.length, others.length]).toEqual([5, 2, 1]);
    expect(() => runtime.monitor(watcher('a'), () => {})).toThrow(code('ERR_WORKER_UNKNOWN'));
  });

  it('is told behind the move of its tables to their heir, and before its next life', async () => {
    await using directory = await testDirectory();
    const [a, b] = [watcher('a'), watcher('b')];
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(a, b) });
    const events: string[] = [];
    const { runtime } = test;
    runtime.on('down', ({ worker: name }) => events.push(`down ${name}`));
    runtime.on('restart', ({ worker: name }) => events.push(`restart ${name}`));
    const owner = new Promise<unknown>((resolve) => {
      const unsubscribe = runtime.monitor(a, () => {
        unsubscribe();
        resolve(runtime.worker(a).tables.told.info());
      });
    });
    await killWorker(runtime, runtime.worker(a));
    expect(await owner).toMatchObject({ owner: undefined });
    expect(events).toEqual(['down a', 'restart a']);
  });
});

describe('a handler', TIMEOUT, () => {
  it('is told once of the life that it monitors, and in its own life only', async () => {
    await using directory = await testDirectory();
    const [a, b] = [watcher('a'), watcher('b', { env: { WATCHES: 'a' } })];
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(a, b) });
    const { runtime } = test;
    const [target, own] = [runtime.worker(a), runtime.worker(b).with({ timeoutMs: 30_000 })];
    // One was made by init, which is made anew in each life.
    const [first, second, third] = [await own.call.watch('a'), await own.call.watch('a'), await own.call.watch('a')];
    expect(new Set([first.number, second.number, third.number]).size).toBe(3);
    expect(await own.call.unwatch(second)).toBe(true);
    expect(await own.call.unwatch(second)).toBe(false);
    await expect(own.call.watchAndThrow('a')).rejects.toThrow(code('ERR_CALL_THREW'));
    await killWorker(runtime, target);
    const told = await own.call.told();
    expect(told).toHaveLength(4);
    expect(told[0]).toMatchObject({ worker: 'a', epoch: 1, reason: 'killed', error: undefined, life: 1 });
    expect(told.map(({ monitor }) => monitor)).toEqual(expect.arrayContaining([first.number, third.number]));
    expect(await own.call.unwatch(first)).toBe(false);

    // The second life of `a` is monitored by nobody, and what a life of `b` has asked for goes with it.
    await own.call.watch('a');
    await killWorker(runtime, own);
    await killWorker(runtime, target);
    expect((await own.call.told()).slice(4)).toMatchObject([{ epoch: 2, reason: 'killed', life: 2 }]);
    await target
      .with({ retry: 'never' })
      .call.crash()
      .catch(() => {});
    expect(await own.call.told()).toHaveLength(5);
  });

  it('is told at once of a worker that is down, or is none', async () => {
    await using directory = await testDirectory();
    const [a, b] = [watcher('a'), watcher('b')];
    const root = patientRoot(a, b);
    await using test = await startTestRuntime({ directory: directory.path, root });
    await test.runtime.supervisor(root).terminateChild(a);
    const own = test.runtime.worker(b);
    await own.call.watch('a');
    await own.call.watch('nobody');
    await own.call.watch('b');
    expect(await own.call.told()).toMatchObject([
      { worker: 'a', epoch: undefined, reason: 'noproc' },
      { worker: 'nobody', epoch: undefined, reason: 'noproc' },
    ]);
  });

  it('crashes its worker when it throws, and is not told again', async () => {
    await using directory = await testDirectory();
    const [a, b] = [watcher('a'), watcher('b', { env: { THROWS_AT: 'a' } })];
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(a, b) });
    const own = test.runtime.worker(b).with({ timeoutMs: 30_000 });
    await own.call.watch('a');
    const down = new Promise<WorkerDown>((resolve) => void test.runtime.monitor(b, resolve));
    await killWorker(test.runtime, test.runtime.worker(a));
    expect(await down).toMatchObject({ reason: 'crash', error: { message: 'told too much' } });
    expect(await own.call.told()).toEqual([]);
  });

  it('has a bounded number of monitors, and needs somebody to tell (G9)', async () => {
    await using directory = await testDirectory();
    const [a, b] = [watcher('a'), watcher('b')];
    const plain = worker('plain', workerModule('asker'), { standby: false });
    await using test = await startTestRuntime({
      directory: directory.path,
      root: patientRoot(a, b, plain),
      limits: { waitingCallsMax: 8 },
    });
    const own = test.runtime.worker(b).with({ timeoutMs: 30_000 });
    for (let times = 0; times < 64; times++) await own.call.watchOften('a', 256);
    await expect(own.call.watch('a')).rejects.toMatchObject({ cause: { code: 'ERR_WORKER_LIMIT' } });
    // All of them are told, however few calls may wait.
    process.kill(test.runtime.worker(a).pid ?? Number.NaN, 'SIGKILL');
    await until('all are told', async () => (await own.tables.told.size()) === 16_384);
    await own.call.watch('a');
  });

  it.each(['worker.handler:start', 'worker.handler:end', 'worker.journal:before'])(
    'that is killed while it is told is told no more, and did it wholly or not at all: %s (G2, G3)',
    async (point) => {
      await using directory = await testDirectory();
      const [a, b] = [watcher('a'), watcher('b')];
      // Hits of handlers are init, watch and then the notice; only init and the notice leave a batch.
      const hit = point === 'worker.handler:start' ? 3 : 2;
      const faults = faultsIn({ 'b 1': [{ point, hit, action: 'kill' }] });
      await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(a, b) }, { faults });
      const own = test.runtime.worker(b).with({ timeoutMs: 30_000 });
      await own.call.watch('a');
      const recovered = new Promise<void>((resolve) => {
        test.runtime.on('recovered', ({ worker: name }) => {
          if (name === 'b') resolve();
        });
      });
      await killWorker(test.runtime, test.runtime.worker(a));
      await recovered;
      expect(await own.call.told()).toEqual([]);
      await own.call.watch('a');
      await killWorker(test.runtime, test.runtime.worker(a));
      expect(await own.call.told()).toMatchObject([{ epoch: 2, life: 2 }]);
    },
  );

  it('is not told in a life that began while the notice waited', async () => {
    await using directory = await testDirectory();
    const [a, b] = [watcher('a'), watcher('b')];
    await using test = await startTestRuntime({
      directory: directory.path,
      root: patientRoot(a, b),
      limits: { sentCallsMax: 1, callTriesMax: 1_000 },
    });
    const own = test.runtime.worker(b).with({ timeoutMs: 30_000, retry: 'never' });
    const waiting = own.call.watchAndWait('a', 20_000);
    waiting.catch(() => {});
    const down = new Promise((resolve) => void test.runtime.monitor(a, resolve));
    await until('it is monitored', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return test.runtime.worker(b).pid !== undefined;
    });
    process.kill(test.runtime.worker(a).pid ?? Number.NaN, 'SIGKILL');
    await down;
    await killWorker(test.runtime, own);
    await expect(waiting).rejects.toThrow(code('ERR_CALL_NOT_RETRIED'));
    expect(await own.call.told()).toEqual([]);
  });

  it('is told nothing while the whole runtime closes', async () => {
    await using directory = await testDirectory();
    // The one that is stopped first is monitored by the one that is stopped last.
    const [a, b] = [watcher('a'), watcher('b', { env: { WATCHES: 'a' } })];
    const options = () => ({ directory: directory.path, root: supervisor({ strategy: 'one_for_one' }, [a, b]) });
    const test = await startTestRuntime(options());
    await test.runtime.worker(a).call.watch('b');
    await test.runtime.close();
    await using again = await startTestRuntime(options());
    expect(await again.runtime.worker(a).call.told()).toEqual([]);
  });
});
