/**
 * A worker in partitions: a key leads to the same one from the program, from handlers, and after restarts; a start with another
 * number of them is refused while there are rows that it would not find.
 *
 * Mutations that make this fail, each tried: the store is not asked for other counts; empty tables refuse a start, too; two counts of
 * one name are taken in; a handler's partition is another than the program's.
 */
import { partitioned, supervisor, worker } from 'heirloom';
import type { PartitionedOptions, PartitionedReference } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import { killWorker, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type shardWorker from './workers/shard.worker.js';

const shards = (
  partitions: number,
  name: string = 'shards',
  options: Partial<PartitionedOptions> = {},
): PartitionedReference<typeof shardWorker> =>
  partitioned<typeof shardWorker>(name, workerModule('shard'), {
    partitions,
    standby: false,
    supervisor: { intensity: 1_000 },
    ...options,
  });
const code = (name: string) => expect.objectContaining({ code: name }) as Error;
const keys = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? `key ${index}` : index));

describe('a worker in partitions', { timeout: 60_000 }, () => {
  it('has each key in one of them, which the program and handlers agree on, also after kills', async () => {
    await using directory = await testDirectory();
    const reference = shards(3);
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const handle = test.runtime.partitioned(reference).with({ timeoutMs: 30_000 });
    expect(handle).toMatchObject({ name: 'shards', count: 3 });
    expect(handle.all.map(({ name }) => name)).toEqual(['shards:0of3', 'shards:1of3', 'shards:2of3']);
    expect(await Promise.all(handle.all.map(({ call }) => call.identity()))).toEqual(
      [0, 1, 2].map((number) => ({
        name: `shards:${number}of3`,
        incarnation: 1,
        partition: { of: 'shards', number, count: 3 },
      })),
    );
    for (const [value, key] of keys.entries()) {
      expect(await handle.of(key).call.put(key, value)).toBe(`shards:${handle.partitionOf(key)}of3`);
    }
    for (const victim of handle.all) await killWorker(test.runtime, victim);
    for (const [value, key] of keys.entries()) {
      const home = handle.of(key);
      expect(await home.tables.entries.lookup(key)).toEqual({ id: key, value });
      const asker = handle.all.find(({ name }) => name !== home.name);
      expect(await asker?.call.putThere(key, -value)).toBe(home.name);
      expect(await home.call.get(key)).toBe(-value);
    }
    const sizes = await Promise.all(handle.all.map(({ tables }) => tables.entries.size()));
    expect(sizes.reduce((sum, size) => sum + size)).toBe(keys.length);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    await expect(handle.all[0]?.call.askOfNobody('others')).rejects.toMatchObject({
      cause: { code: 'ERR_WORKER_REFERENCE' },
    });
    // Its supervisor is one like any other.
    expect(test.runtime.supervisor(reference).countChildren()).toMatchObject({ workers: 3, active: 3 });
    expect(() => handle.of({} as string)).toThrow(code('ERR_TABLE_VALUE'));
    expect(() => test.runtime.partitioned(shards(3))).toThrow(code('ERR_WORKER_UNKNOWN'));
  });

  it('is not started with another number of them while the store has rows of the first', async () => {
    await using directory = await testDirectory();
    const start = (count: number) => {
      const reference = shards(count);
      const root = patientRoot(reference);
      const starting = startTestRuntime({ directory: directory.path, root });
      return starting.then((test) => ({ test, handle: test.runtime.partitioned(reference) }));
    };
    const first = await start(2);
    await first.handle.of('alice').call.put('alice', 1);
    await first.test.runtime.close();

    await expect(start(3)).rejects.toMatchObject({
      name: 'WorkerReferenceError',
      code: 'ERR_WORKER_PARTITIONS',
      details: { worker: 'shards', count: 3, stored: 2, table: 'entries' },
    });

    const again = await start(2);
    expect(await again.handle.of('alice').call.get('alice')).toBe(1);
    await Promise.all(again.handle.all.map(({ call }) => call.clear()));
    await again.test.runtime.close();

    // What was emptied is in nobody's way.
    const other = await start(3);
    expect(await other.handle.of('alice').call.put('alice', 2)).toMatch(/^shards:[012]of3$/);
    await other.test.runtime.close();
    await expect(start(2)).rejects.toThrow(code('ERR_WORKER_PARTITIONS'));
  });

  it('is added to a running tree with all of them, and once', async () => {
    await using directory = await testDirectory();
    const root = supervisor({ strategy: 'one_for_one' }, [shards(1, 'first')]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const reference = shards(2);
    await test.runtime.supervisor(root).startChild(reference);
    const handle = test.runtime.partitioned(reference);
    expect(await handle.of(7).call.put(7, 7)).toBe(`shards:${handle.partitionOf(7)}of2`);
    const inner = supervisor({ strategy: 'one_for_one' }, [shards(3)]);
    await expect(test.runtime.supervisor(root).startChild(inner)).rejects.toThrow(code('ERR_WORKER_DUPLICATE'));
    await test.runtime.supervisor(root).terminateChild(reference);
    await expect(handle.of(7).call.get(7)).rejects.toThrow(code('ERR_CALL_STOPPED'));
    await test.runtime.supervisor(root).deleteChild(reference);
    expect(() => test.runtime.partitioned(reference)).toThrow(code('ERR_WORKER_UNKNOWN'));
    const other = shards(3);
    await expect(test.runtime.supervisor(root).startChild(other)).rejects.toThrow(code('ERR_WORKER_PARTITIONS'));
    expect(() => test.runtime.partitioned(other)).toThrow(code('ERR_WORKER_UNKNOWN'));
  });

  it('is said with a number, and has its names to itself', () => {
    const wrong = code('ERR_RUNTIME_OPTION');
    const module = workerModule('shard');
    for (const partitions of [0, 1.5, 1_025, '2', undefined]) expect(() => shards(partitions as number)).toThrow(wrong);
    expect(() => partitioned('shards', module, undefined as never)).toThrow(wrong);
    expect(() => shards(2, 'a name')).toThrow(wrong);
    expect(() => shards(2, 'x'.repeat(60))).toThrow(wrong);
    expect(() => partitioned(7 as never, module, { partitions: 2 })).toThrow(wrong);
    expect(() => partitioned('shards', module, { partitions: 2, standbys: 1 } as never)).toThrow(wrong);
    expect(() => partitioned('shards', module, { partitions: 2, supervisor: { many: 1 } } as never)).toThrow(wrong);
    expect(() => worker('shards:1of2', module)).toThrow(wrong);
    expect(worker('shards:2of2', module).name).toBe('shards:2of2');
  });
});
