/**
 * Supervisors that keep their children: what was asked of them at run time is there again after the end of the program, however
 * it came, and after their own (G1).
 *
 * Mutations that make this fail, each tried: a request is answered before its record is stored; what was terminated is started;
 * a supervisor is started anew with its code's children only; records come in another order; what the code has by now is started
 * twice; a module that is gone is found out when it is started; an instance that has ended is kept.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { supervisor, worker } from 'heirloom';
import type { SupervisorOptions, WorkerOptions } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { startTestRuntime, workerModule } from './support/runtime.js';
import type bankWorker from './workers/bank.worker.js';
import { KEEPING_STATES, keepingRequests, keepingState, keepingTree } from './workers/keeping-tree.js';
import type troubleWorker from './workers/trouble.worker.js';

const program = fileURLToPath(new URL('./dist/workers/keeping-program.js', import.meta.url));
const often = { intensity: 10_000, periodMs: 60_000 } as const;
const TIMEOUT = { timeout: 120_000 };
const withoutStandby = { keeper: { standby: false, intensity: 1_000 } } as const;
const bank = (name: string, options: WorkerOptions = {}) =>
  worker<typeof bankWorker>(name, workerModule('bank'), { standby: false, ...options });
const keeping = (options: Partial<SupervisorOptions> = {}): SupervisorOptions => ({
  strategy: 'one_for_one',
  id: 'root',
  keepChildren: true,
  ...often,
  ...options,
});

/** Runs the program until it is killed, and gives back how many requests were answered. */
async function killedAt(directory: string, point: string, hit: number): Promise<number> {
  const child = spawn(process.execPath, [program, directory, point, String(hit)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let answered = '';
  child.stdout.on('data', (chunk: Buffer) => void (answered += chunk.toString()));
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return answered.split('\n').length - 1;
}

describe('a program that is killed while it asks', TIMEOUT, () => {
  it.each([
    ['kept.write:before', 1],
    ['kept.write:after', 3],
    ['kept.write:before', 5],
    ['kept.write:after', 7],
    ['kept.write:before', 9],
    ['kept.write:after', 10],
  ])('at %s, hit %i: finds what was answered, and no more than one request more', async (point, hit) => {
    await using directory = await testDirectory();
    const answered = await killedAt(directory.path, point, hit);
    expect(answered).toBe(hit - 1);
    const tree = keepingTree();
    await using test = await startTestRuntime({ directory: directory.path, root: tree.root, ...withoutStandby });
    const allowed = KEEPING_STATES.slice(answered, answered + 2);
    expect(allowed).toContain(keepingState(test.runtime, tree));
    // It is the router's own word that this one was stored.
    if (point.endsWith('after')) expect(keepingState(test.runtime, tree)).toBe(allowed[1]);
  });
});

describe('a supervisor that keeps its children', TIMEOUT, () => {
  it('has them again in the next run, in their order, and answers for each request as it goes', async () => {
    await using directory = await testDirectory();
    for (const done of [0, 7, 10]) {
      const tree = keepingTree();
      await using test = await startTestRuntime({ directory: directory.path, root: tree.root, ...withoutStandby });
      expect(keepingState(test.runtime, tree)).toBe(KEEPING_STATES[done]);
      const next = done === 0 ? 7 : 10;
      for (const [index, request] of keepingRequests(tree).slice(done, next).entries()) {
        await request(test.runtime);
        expect(keepingState(test.runtime, tree)).toBe(KEEPING_STATES[done + index + 1]);
      }
    }
  });

  it('gives their tables back, and takes the references of the program for them', async () => {
    await using directory = await testDirectory();
    const b = bank('b');
    {
      const root = supervisor(keeping(), []);
      await using test = await startTestRuntime({ directory: directory.path, root, ...withoutStandby });
      await test.runtime.supervisor(root).startChild(b);
      await test.runtime.worker(b).call.deposit(1, 'alice', 5);
    }
    const root = supervisor(keeping(), []);
    await using test = await startTestRuntime({ directory: directory.path, root, ...withoutStandby });
    expect(await test.runtime.worker(b).call.balance('alice')).toBe(5);
    expect(await test.runtime.worker(bank('b')).call.balance('alice')).toBe(5);
    expect(test.runtime.supervisor(root).getChildSpec('b')).toMatchObject({ name: 'b', options: { standby: false } });
    await expect(test.runtime.supervisor(root).startChild(b)).rejects.toMatchObject({
      code: 'ERR_SUPERVISOR_ALREADY_STARTED',
    });
  });

  it('has them again when it is restarted itself; what was terminated stays down', async () => {
    await using directory = await testDirectory();
    const [a, b, c] = [bank('a'), bank('b'), bank('c')];
    const inner = supervisor(keeping({ id: 'inner', intensity: 0 }), [a]);
    const root = supervisor({ strategy: 'one_for_one', ...often }, [inner]);
    await using test = await startTestRuntime({ directory: directory.path, root, ...withoutStandby });
    const management = test.runtime.supervisor(inner);
    await management.startChild(b);
    await management.startChild(c);
    await management.terminateChild(c);
    const handle = test.runtime.worker(b).with({ timeoutMs: 30_000 });
    await handle.call.deposit(1, 'alice', 9);
    const before = handle.pid;
    process.kill(test.runtime.worker(a).pid ?? Number.NaN, 'SIGKILL');
    await until('it is another process', () => handle.pid !== undefined && handle.pid !== before);
    expect(await handle.call.balance('alice')).toBe(9);
    expect(management.whichChildren()).toMatchObject([
      { id: 'c', state: 'stopped' },
      { id: 'b', state: 'running' },
      { id: 'a', state: 'running' },
    ]);
    await expect(test.runtime.worker(c).call.balance('alice')).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED' });
    await management.restartChild(c);
    expect(await test.runtime.worker(c).call.balance('alice')).toBe(0);
  });

  it('keeps nothing of temporary children and of instances that have ended by themselves', async () => {
    await using directory = await testDirectory();
    const template = worker<typeof troubleWorker>('template', workerModule('trouble'), {
      standby: false,
      restart: 'transient',
    });
    const tree = () => {
      const branch = supervisor(keeping({ strategy: 'simple_one_for_one', id: 'branch' }), [template]);
      return { branch, root: supervisor(keeping(), [branch]) };
    };
    {
      const { branch, root } = tree();
      await using test = await startTestRuntime({ directory: directory.path, root, ...withoutStandby });
      await test.runtime.supervisor(root).startChild(bank('t', { restart: 'temporary' }));
      const instances = test.runtime.supervisor(branch);
      const [one] = [await instances.startInstance<typeof troubleWorker>('one'), await instances.startInstance('two')];
      await expect(test.runtime.worker(one).call.exit(0)).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED' });
    }
    const { branch, root } = tree();
    await using test = await startTestRuntime({ directory: directory.path, root, ...withoutStandby });
    expect(test.runtime.supervisor(root).whichChildren()).toMatchObject([{ id: 'branch' }]);
    expect(test.runtime.supervisor(branch).whichChildren()).toMatchObject([{ id: 'two' }]);
  });

  it('says which child cannot be started any more, and drops it when it is told to; the code comes first', async () => {
    await using directory = await testDirectory();
    // Beside the others, so that its imports are found.
    const gone = pathToFileURL(join(fileURLToPath(workerModule('bank')), '..', `gone-${process.pid}.worker.js`));
    await copyFile(workerModule('bank'), gone);
    {
      const root = supervisor(keeping(), []);
      await using test = await startTestRuntime({ directory: directory.path, root, ...withoutStandby });
      const lost = worker('lost', gone, { standby: false });
      // With what is below it: a supervisor that keeps children, too, and was added itself.
      const inner = supervisor(keeping({ id: 'inner' }), [bank('c')]);
      await test.runtime.supervisor(root).startChild(lost);
      await test.runtime.supervisor(root).startChild(inner);
      await test.runtime.supervisor(inner).startChild(bank('d'));
    }
    await rm(gone);
    const start = (options: Partial<SupervisorOptions>, ...children: ReturnType<typeof bank>[]) =>
      startTestRuntime({ directory: directory.path, root: supervisor(keeping(options), children), ...withoutStandby });
    await expect(start({})).rejects.toMatchObject({
      code: 'ERR_RUNTIME_KEPT',
      message: expect.stringContaining("keepChildren: { without: ['lost'] }") as string,
      cause: { code: 'ERR_WORKER_NOT_FOUND' },
    });
    const root = supervisor(keeping({ keepChildren: { without: ['lost'] } }), []);
    {
      await using test = await startTestRuntime({ directory: directory.path, root, ...withoutStandby });
      const [inner] = test.runtime.supervisor(root).whichChildren();
      expect(inner).toMatchObject({ id: 'inner', state: 'running' });
      const reference = test.runtime.supervisor(root).getChildSpec('inner');
      if (reference.kind !== 'supervisor') throw new Error('it is a supervisor');
      expect(test.runtime.supervisor(reference).whichChildren()).toMatchObject([{ id: 'd' }, { id: 'c' }]);
    }
    // A worker of the code that has the name of one of the kept supervisor's: that one is dropped.
    const d = bank('d');
    await using test = await start({}, d);
    expect(test.log.lines.some(({ message }) => message.startsWith('a kept child is dropped'))).toBe(true);
    expect(await test.runtime.worker(d).call.balance('alice')).toBe(0);
  });

  it('is refused without an id, or with one that another one has', async () => {
    await using directory = await testDirectory();
    const option = expect.objectContaining({ code: 'ERR_RUNTIME_OPTION' }) as Error;
    expect(() => supervisor({ strategy: 'one_for_one', keepChildren: true }, [])).toThrow(option);
    expect(() => supervisor(keeping({ keepChildren: 'all' as never }), [])).toThrow(option);
    const inner = supervisor(keeping(), []);
    const root = supervisor(keeping(), [inner]);
    await expect(startTestRuntime({ directory: directory.path, root, ...withoutStandby })).rejects.toThrow(option);
  });
});
