/**
 * Registries of names: entries of lives of workers, which go with them, whatever ends them (G9).
 *
 * Mutations that make this fail, each tried: entries of a life that is over stay; a unique key is given to a second worker; an entry
 * is visible before what its handler did before is stored.
 */
import { worker } from 'heirloom';
import type { WorkerOptions, WorkerReference } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import { killWorker, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type namedWorker from './workers/named.worker.js';

const named = (name: string, options: WorkerOptions = {}): WorkerReference<typeof namedWorker> =>
  worker<typeof namedWorker>(name, workerModule('named'), { standby: false, ...options });
const code = (name: string) => expect.objectContaining({ code: name }) as Error;
const [a, b] = [named('a', { env: { AS: 'first' } }), named('b')];

async function start(directory: string): Promise<TestRuntime> {
  const registries = { names: 'unique', topics: 'duplicate' } as const;
  return startTestRuntime({ directory, root: patientRoot(a, b), registries });
}

describe('a registry of names', { timeout: 60_000 }, () => {
  it('gives a unique key to one life, and says who has it; the program and handlers find it', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory.path);
    const names = test.runtime.registry('names');
    const [first, second] = [test.runtime.worker(a), test.runtime.worker(b)];
    expect(names.lookup('first')).toEqual([{ worker: 'a', value: { life: 1 } }]);
    expect(await second.call.lookup('names', 'first')).toEqual([{ worker: 'a', value: { life: 1 } }]);
    expect(names.whereis<typeof namedWorker>('first')).toMatchObject({ name: 'a', pid: first.pid });
    expect(names.whereis('nobody')).toBeUndefined();
    for (const other of [first, second]) {
      await expect(other.call.register('names', 'first')).rejects.toMatchObject({
        cause: { name: 'WorkerError', code: 'ERR_WORKER_REGISTERED', details: { worker: 'a', key: 'first' } },
      });
    }
    await second.call.register('names', 1, 'one');
    expect(await first.call.keys('names', 'b')).toEqual([1]);
    expect(await first.call.keys('names')).toEqual(['first']);
    expect(names.keys(b)).toEqual([1]);
    expect(await second.call.updateValue('names', 'first', 7)).toBe(false);
    expect(await first.call.updateValue('names', 'first', { life: 7 })).toBe(true);
    expect(names.select({ where: { value: { at: { life: 7 } } } })).toEqual([
      { key: 'first', worker: 'a', value: { life: 7 } },
    ]);
    expect(await second.call.select('names', { where: { worker: 'b' } })).toEqual([
      { key: 1, worker: 'b', value: 'one' },
    ]);
    expect([await first.call.count('names'), names.count]).toEqual([2, 2]);
    expect(await second.call.unregister('names', 'first')).toBe(false);
    expect(await first.call.unregister('names', 'first')).toBe(true);
    await second.call.register('names', 'first');
    expect(names.lookup('first')).toEqual([{ worker: 'b', value: undefined }]);
  });

  it('forgets a life as soon as it is over, and has the next one enter itself anew', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory.path);
    const names = test.runtime.registry('names');
    const [first, second] = [test.runtime.worker(a), test.runtime.worker(b)];
    await first.call.register('topics', 'news', 1);
    await second.call.register('topics', 'news', 2);
    await first.call.register('topics', 'news', 3);
    const topics = test.runtime.registry('topics');
    expect(topics.lookup('news').map(({ value }) => value)).toEqual([1, 2, 3]);
    const found: unknown[] = [];
    test.runtime.on('down', () => found.push(names.lookup('first'), topics.lookup('news')));
    await killWorker(test.runtime, first);
    expect(found).toEqual([[], [{ worker: 'b', value: 2 }]]);
    expect(names.lookup('first')).toEqual([{ worker: 'a', value: { life: 2 } }]);
    expect(() => topics.whereis('news')).toThrow(code('ERR_RUNTIME_OPTION'));
    await expect(second.call.updateValue('topics', 'news', 4)).rejects.toMatchObject({
      cause: { code: 'ERR_WORKER_REGISTRY' },
    });
  });

  it('keeps what was entered by a handler that throws, and enters what a handler asks behind what it depends on (G4)', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory.path);
    const { call } = test.runtime.worker(b);
    await expect(call.registerAndThrow('names', 'thrown')).rejects.toThrow(code('ERR_CALL_THREW'));
    expect(test.runtime.registry('names').lookup('thrown')).toMatchObject([{ worker: 'b' }]);
    await Promise.all(['x', 'y', 'z'].map((key) => call.changeThenRegister(key)));
    expect(test.runtime.registry('names').keys(b)).toEqual(['thrown', 'x', 'y', 'z']);
  });

  it('holds the entries of a frozen life until it is over, and none behind that', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory.path);
    const names = test.runtime.registry('names');
    const second = test.runtime.worker(b);
    const { pid } = second;
    for (let key = 0; key < 5; key++) await second.call.register('names', key);
    process.kill(pid ?? Number.NaN, 'SIGSTOP');
    // What is sent to it meanwhile waits in its socket; it is run again by the next life, once.
    const waiting = second.with({ timeoutMs: 30_000 }).call.register('names', 'late');
    expect(names.keys(b)).toHaveLength(5);
    process.kill(pid ?? Number.NaN, 'SIGKILL');
    await waiting;
    expect(names.keys(b)).toEqual(['late']);
    expect(names.lookup(0)).toEqual([]);
  });

  it('is bounded, and takes keys and values only (G9, G7)', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory.path);
    const { call } = test.runtime.worker(b);
    const refused = (name: string) => expect.objectContaining({ cause: code(name) }) as Error;
    await expect(call.register('names', 'k', 'x'.repeat(65_536))).rejects.toThrow(refused('ERR_WORKER_LIMIT'));
    await expect(call.register('names', {} as string)).rejects.toThrow(refused('ERR_TABLE_VALUE'));
    await expect(call.register('nowhere', 'k')).rejects.toThrow(refused('ERR_WORKER_REGISTRY'));
    await expect(call.lookup('nowhere', 'k')).rejects.toThrow(refused('ERR_WORKER_REGISTRY'));
    await expect(call.select('names', { where: { value: { near: 1 } } })).rejects.toThrow(
      refused('ERR_TABLE_ARGUMENT'),
    );
    expect(() => test.runtime.registry('nowhere')).toThrow(code('ERR_WORKER_REGISTRY'));
    expect(test.runtime.registry('names').count).toBe(1);
    for (const registries of [[], { names: 'many' }, 'names']) {
      const options = { directory: directory.path, root: patientRoot(named('c')), registries: registries as never };
      await expect(startTestRuntime(options)).rejects.toThrow(code('ERR_RUNTIME_OPTION'));
    }
    // An entry is a value of its own.
    await call.register('names', 'v', { list: [1] });
    const [entry] = test.runtime.registry('names').lookup('v');
    (entry as { value: { list: number[] } }).value.list.push(2);
    expect(test.runtime.registry('names').lookup('v')).toEqual([{ worker: 'b', value: { list: [1] } }]);
  });

  it('holds no more than what lives have entered, however often they are killed', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory.path);
    const names = test.runtime.registry('names');
    const handle = test.runtime.worker(a).with({ timeoutMs: 30_000 });
    const topics = test.runtime.registry('topics');
    for (let kill = 0; kill < 4; kill++) {
      // Some of them are run again by the next life, which has nothing of what the last one had entered.
      const open = handle.call.registerMany('topics', 50);
      if (kill % 2 === 0) await open;
      await killWorker(test.runtime, handle);
      await open;
      expect([0, 50]).toContain(topics.count);
      expect(topics.keys(a)).toHaveLength(topics.count);
    }
    await killWorker(test.runtime, handle);
    expect([topics.count, names.count]).toEqual([0, 1]);
    expect(names.keys(a)[0]).toBe('first');
  });
});
