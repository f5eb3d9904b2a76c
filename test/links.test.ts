/**
 * Links: when one life ends, those that it is linked to end, too, or are told, and supervisors see why. As in Erlang, with a
 * supervisor's own stops and restarts left to it.
 *
 * Mutations that make this fail, each tried: a link acts in one direction only; normal ends are passed on; the reason is not passed on;
 * a link outlives a life; an ended one is blamed on the call that it ran; trapping is not asked for; a link acts although it was
 * taken back meanwhile, or while its worker is being stopped, or while the runtime closes.
 */
import { supervisor, worker } from 'heirloom';
import type { ChildReference, Runtime, Strategy, WorkerDown, WorkerOptions, WorkerReference } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { killWorker, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type trapperWorker from './workers/trapper.worker.js';
import type watcherWorker from './workers/watcher.worker.js';

const linked = (name: string, options: WorkerOptions = {}): WorkerReference<typeof watcherWorker> =>
  worker<typeof watcherWorker>(name, workerModule('watcher'), { standby: false, ...options });
const trapping = (name: string): WorkerReference<typeof trapperWorker> =>
  worker<typeof trapperWorker>(name, workerModule('trapper'), { standby: false });
const code = (name: string) => expect.objectContaining({ code: name }) as Error;
const TIMEOUT = { timeout: 60_000 };

/** The ends of lives, in their order. */
function downsOf(runtime: Runtime): WorkerDown[] {
  const downs: WorkerDown[] = [];
  runtime.on('down', (down) => downs.push(down));
  return downs;
}

describe('linked workers', TIMEOUT, () => {
  it('end together, whoever made the link, with the reason of the first, and are linked no more', async () => {
    await using directory = await testDirectory();
    const [a, b, c] = [linked('a'), linked('b'), linked('c')];
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(a, b, c) });
    const { runtime } = test;
    const downs = downsOf(runtime);
    const handles = [a, b, c].map((reference) => runtime.worker(reference).with({ timeoutMs: 30_000 }));
    const [first, second, third] = handles as [(typeof handles)[0], (typeof handles)[0], (typeof handles)[0]]; // Three of them.
    await second.call.link('a');
    await second.call.link('c');
    await second.call.link('b');
    await second.call.link('a');
    // A call that runs meanwhile is not to blame, and is run again.
    const waiting = third.call.wait(200);
    await first
      .with({ retry: 'never' })
      .call.crash()
      .catch(() => {});
    await until('all three have ended', () => downs.length === 3);
    await waiting;
    expect(downs).toMatchObject([
      { worker: 'a', epoch: 1, reason: 'crash', error: { message: 'on purpose' } },
      {
        worker: 'b',
        epoch: 1,
        reason: 'crash',
        error: { code: 'ERR_WORKER_LINKED', details: { worker: 'b', linked: 'a' }, cause: { message: 'on purpose' } },
      },
      { worker: 'c', epoch: 1, reason: 'crash', error: { code: 'ERR_WORKER_LINKED', details: { linked: 'b' } } },
    ]);
    await Promise.all(handles.map(({ call }) => call.told()));
    await killWorker(runtime, second);
    await Promise.all(handles.map(({ call }) => call.told()));
    expect(downs).toHaveLength(4);
  });

  it('go on behind a normal end, an unlink, and a link to nobody', async () => {
    await using directory = await testDirectory();
    const [a, b] = [linked('a'), linked('b')];
    const root = patientRoot(a, b);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const { runtime } = test;
    const downs = downsOf(runtime);
    const [first, second] = [runtime.worker(a).with({ timeoutMs: 30_000 }), runtime.worker(b)];
    await first.call.link('b');
    await second
      .with({ retry: 'never' })
      .call.exit()
      .catch(() => {});
    await until('it is up again', () => second.pid);
    await first.call.link('b');
    await second.call.unlink('a');
    await killWorker(runtime, second);
    await first.call.told();
    expect(downs).toMatchObject([
      { worker: 'b', reason: 'normal' },
      { worker: 'b', reason: 'killed' },
    ]);
    await expect(first.call.link('nobody')).rejects.toMatchObject({ cause: { code: 'ERR_WORKER_NOPROC' } });
    await runtime.supervisor(root).terminateChild(b);
    await expect(first.call.link('b')).rejects.toMatchObject({ cause: { code: 'ERR_WORKER_NOPROC' } });
    expect(runtime.worker(a).epoch).toBe(1);
  });

  it('end with one that is stopped by itself, and are restarted as their own supervisors say', async () => {
    await using directory = await testDirectory();
    const [a, b, c] = [linked('a'), linked('b'), linked('c', { restart: 'transient' })];
    const root = patientRoot(a, b, c);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const downs = downsOf(test.runtime);
    await test.runtime.worker(b).call.link('a');
    await test.runtime.worker(c).call.link('a');
    await test.runtime.supervisor(root).terminateChild(a);
    // As in OTP: shutdown is no failure, so a transient one stays down, and a permanent one does not.
    await until('all have ended', () => downs.length === 3);
    await until('one is up again', () => test.runtime.worker(b).pid);
    expect(downs.map(({ reason }) => reason)).toEqual(['shutdown', 'shutdown', 'shutdown']);
    await expect(test.runtime.worker(c).call.told()).rejects.toThrow(code('ERR_CALL_STOPPED'));
  });

  it('are told in place of ending when they trap exits, of normal ends too, and are linked to nobody', async () => {
    await using directory = await testDirectory();
    const [a, t] = [linked('a'), trapping('t')];
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(a, t) });
    const { runtime } = test;
    const [first, trapper] = [runtime.worker(a), runtime.worker(t)];
    await trapper.call.link('a');
    await killWorker(runtime, first);
    await first.call.link('t');
    await first
      .with({ retry: 'never' })
      .call.exit()
      .catch(() => {});
    await until('it is up again', () => first.pid);
    await trapper.call.link('nobody');
    await until('all is told', async () => (await trapper.call.told()).length === 3);
    expect((await trapper.call.told()).filter(({ worker: name }) => name === 'a')).toEqual([
      { worker: 'a', epoch: 1, reason: 'killed', error: undefined, life: 1 },
      { worker: 'a', epoch: 2, reason: 'normal', error: undefined, life: 1 },
    ]);
    expect(await trapper.tables.told.lookup('nobody')).toMatchObject([{ epoch: undefined, reason: 'noproc' }]);
    // The other one does not trap them, and ends with it.
    await trapper.call.link('a');
    const down = new Promise<WorkerDown>((resolve) => void runtime.monitor(a, resolve));
    await killWorker(runtime, trapper);
    expect(await down).toMatchObject({ epoch: 3, reason: 'killed', error: { code: 'ERR_WORKER_LINKED' } });
    await until('it is up again', () => first.pid);
  });

  it.each<Strategy>(['one_for_all', 'rest_for_one'])(
    'that are siblings are restarted in one round, which counts once: %s',
    async (strategy) => {
      await using directory = await testDirectory();
      const names = ['a', 'b', 'c', 'd'];
      const children = names.map((name, index) =>
        linked(name, index === 0 ? {} : { env: { LINKS: names[index - 1] ?? '' } }),
      );
      // One more than one restart would be too many.
      const inner = supervisor({ strategy, intensity: 1, periodMs: 60_000 }, children);
      await using test = await startTestRuntime({ directory: directory.path, root: rootOf(inner) });
      const downs = downsOf(test.runtime);
      const [a] = children;
      if (a === undefined) throw new Error('there is no first');
      process.kill(test.runtime.worker(a).pid ?? Number.NaN, 'SIGKILL');
      await until('all are up again', () =>
        children.every((child) => test.runtime.worker(child).epoch === 2 && test.runtime.worker(child).pid),
      );
      expect(downs.map(({ worker: name }) => name).sort()).toEqual(names);
      expect(downs[0]).toMatchObject({ worker: 'a', reason: 'killed' });
    },
  );

  it('are left alone while the whole runtime closes', async () => {
    await using directory = await testDirectory();
    const [a, b] = [linked('a'), linked('b', { env: { LINKS: 'a' } })];
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(a, b) });
    const downs = downsOf(test.runtime);
    // It is stopped last, and has something to do until then.
    const waiting = test.runtime.worker(a).call.wait(300);
    await test.runtime.close();
    await waiting;
    expect(downs).toMatchObject([
      { worker: 'b', reason: 'shutdown', error: undefined },
      { worker: 'a', reason: 'shutdown', error: undefined },
    ]);
  });
});

function rootOf(child: ChildReference): ReturnType<typeof supervisor> {
  return supervisor({ strategy: 'one_for_one', intensity: 0 }, [child]);
}
