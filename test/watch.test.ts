/**
 * `watch`: the released changes of a table, each once and in order, while owners and keepers are killed. The seed is in the name
 * of the test; HEIRLOOM_SEED repeats a run's choices.
 *
 * Mutations that make this fail, each tried:
 * - the keeper writes changes in a transaction of their own behind the group's (the log, keepers at `keeper.commit:after`);
 * - watches that wait are not woken by a new keeper;
 * - a watch from 'start' goes on from the LSN of its last page of rows instead of the first;
 * - the end of the runtime passes over those who wait;
 * - one change record of 500 is not written, or one of 100 without its last change.
 *
 * What a single watch or a single keeper gets wrong is in heirloom/test/table-watch and keeper/test/change-feed.
 */
import { Table } from '@heirloom/tables';
import { supervisor, worker } from 'heirloom';
import type { Runtime, WorkerHandle, WorkerReference } from 'heirloom';
import type { FaultTarget } from 'heirloom/testing';
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { runSeed, SeededRandom } from './support/random.js';
import { Chronicle, follow, Replica, sortedRows } from './support/replica.js';
import { faultsIn, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import { changeItems, itemTables } from './workers/watched.worker.js';
import type watchedWorker from './workers/watched.worker.js';

type Watched = WorkerHandle<typeof watchedWorker>;
/** The choices of an operation. */
type Choices = readonly [kind: number, id: number, value: number];
type ItemTable = 'set' | 'ordered' | 'bag' | 'duplicates';

const ITEM_TABLES = ['set', 'ordered', 'bag', 'duplicates'] as const;
const seed = runSeed();
/** HEIRLOOM_KILLS asks for a longer run. */
const WORKER_KILLS = Math.ceil(Number(process.env['HEIRLOOM_KILLS'] ?? 200) / 10);
const KEEPER_KILLS = Math.ceil(WORKER_KILLS / 2);
const CLIENTS = 4;
/** A kill with its recovery takes a tenth of a second or two on a busy machine. */
const TIMEOUT_MS = 60_000 + (WORKER_KILLS + KEEPER_KILLS) * 2_000;
/** Identifiers of marks, away from those of rows and operations. */
const MARK = 1_000_000;

function watchedReference(): WorkerReference<typeof watchedWorker> {
  return worker<typeof watchedWorker>('watched', workerModule('watched'));
}

function isMark(mark: number): (row: unknown) => boolean {
  return (row) => Object.values(row as Record<string, unknown>).includes(mark);
}

/**
 * Changes the tables until the signal is aborted; `operations` gets the number of each that was answered, `made` the choices of
 * each.
 */
async function load(
  bank: Watched,
  random: SeededRandom,
  operations: number[],
  over: AbortSignal,
  made: Map<number, Choices> = new Map(),
): Promise<void> {
  let last = Math.max(0, ...operations);
  const client = async (): Promise<void> => {
    while (!over.aborted) {
      const operation = ++last;
      if (random.next() < 0.1) await bank.call.fail(-operation).catch(() => {});
      const choices: Choices = [random.next(), random.integer(0, 49), random.integer(0, 99)];
      made.set(operation, choices);
      await bank.call.change(operation, ...choices);
      operations.push(operation);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

/** Kills workers and keepers at random moments until all planned deaths were seen. */
async function killAll(runtime: Runtime, bank: Watched, random: SeededRandom, answered: unknown[]): Promise<void> {
  const deaths = { worker: 0, keeper: 0 };
  runtime.on('crash', () => void deaths.worker++);
  runtime.on('keeper_crash', () => void deaths.keeper++);
  while (deaths.worker < WORKER_KILLS || deaths.keeper < KEEPER_KILLS) {
    const isKeeper = random.next() * (WORKER_KILLS + KEEPER_KILLS) < KEEPER_KILLS;
    const pid = isKeeper ? runtime.keeper.pid : bank.pid;
    const kind = isKeeper ? 'keeper' : 'worker';
    const before = deaths[kind];
    const operations = answered.length;
    if (pid !== undefined && killed(pid)) await until('the death is seen', () => deaths[kind] > before);
    // Mostly the next victim has worked; every tenth time it dies while the last one is replaced.
    if (random.next() < 0.9) await until('something is done again', () => answered.length > operations);
    const pause = random.integer(0, 60);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

function rowsOf(bank: Watched, name: ItemTable | 'log'): AsyncIterable<object> {
  // One call for tables of two kinds of row.
  const table: { rows(): AsyncIterable<object> } = bank.tables[name];
  return table.rows();
}

async function expectSame(replica: Replica, bank: Watched, name: ItemTable | 'log'): Promise<void> {
  expect(replica.problems, `${name}, seed ${seed}`).toEqual([]);
  expect(replica.sorted, `${name}, seed ${seed}`).toEqual(await sortedRows(rowsOf(bank, name)));
}

/** Expects each table to have been, behind each operation of the log, what the operations up to it make of an empty one. */
function expectHistory(
  log: Chronicle,
  made: ReadonlyMap<number, Choices>,
  replicas: ReadonlyMap<ItemTable, Chronicle>,
) {
  const model = {
    set: new Table(itemTables.set),
    ordered: new Table(itemTables.ordered),
    bag: new Table(itemTables.bag),
    duplicates: new Table(itemTables.duplicates),
  };
  let compared = 0;
  for (const [lsn, changes] of log.changes) {
    for (const { row } of changes) {
      const choices = made.get((row as { operation: number }).operation); // A row of the log.
      if (choices !== undefined) changeItems(model, ...choices);
      else expect(row).toEqual({ operation: MARK });
    }
    for (const [name, replica] of replicas) {
      const state = replica.states.get(lsn);
      if (state === undefined || changes.some(({ row }) => isMark(MARK)(row))) continue;
      compared++;
      const rows = model[name].tab2list().map((one) => JSON.stringify(one));
      expect(state, `${name} at LSN ${lsn}, seed ${seed}`).toEqual(rows.sort());
    }
  }
  expect(compared, `seed ${seed}`).toBeGreaterThan(100);
}

describe(`a replica kept by watching, seed ${seed}`, () => {
  it(
    `is the table, over ${WORKER_KILLS} dead owners, ${KEEPER_KILLS} dead keepers and another runtime (G1, G2, G3, G4)`,
    { timeout: TIMEOUT_MS },
    async () => {
      await using directory = await testDirectory();
      const random = new SeededRandom(seed);
      const reference = watchedReference();
      const root = supervisor({ strategy: 'one_for_one', intensity: 10_000, periodMs: 60_000 }, [reference]);
      // A call that meets several deaths of its worker is only unlucky: nobody can see that they came from outside.
      const limits = { callTriesMax: 1_000 };
      const kept = new Replica();
      const answered: number[] = [];
      {
        await using test = await startTestRuntime({ directory: directory.path, root, limits });
        const { runtime } = test;
        const bank = runtime.worker(reference).with({ timeoutMs: 60_000 });
        const { tables } = bank;
        const begin = (await tables.log.info()).position;
        if (begin === undefined) throw new Error('The table tells no position.');
        const over = new AbortController();
        const made = new Map<number, Choices>();
        const loaded = load(bank, random, answered, over.signal, made);
        const replicas = new Map(ITEM_TABLES.map((name) => [name, new Chronicle()]));
        const log = new Chronicle();
        const slow = new Replica();
        const follows = [
          follow(tables.log.watch({ from: begin }), log, isMark(MARK)),
          follow(tables.bag.watch({ from: begin }), slow, isMark(MARK), () => {
            return new Promise((resolve) => setTimeout(resolve, slow.batches % 200 === 0 ? 300 : 0));
          }),
          follow(tables.duplicates.watch({ from: begin.lsn }), kept, () => kept.batches > 50),
        ];
        const killing = killAll(runtime, bank, random, answered);
        for (const [name, replica] of replicas) {
          // Begun while the table changes, and all at another time.
          const before = answered.length;
          await until('some more operations', () => answered.length > before + 20);
          follows.push(follow(tables[name].watch({ from: 'start' }), replica, isMark(MARK)));
        }
        await killing;
        over.abort();
        await loaded;
        await bank.call.mark(MARK);
        await Promise.all(follows);
        for (const [name, replica] of replicas) await expectSame(replica, bank, name);
        await expectSame(slow, bank, 'bag');
        await expectSame(log, bank, 'log');
        expectHistory(log, made, replicas);
        // Each operation is there once, and none that failed.
        const seen = Array.from(log.rows.values(), (row) => (row as { operation: number }).operation);
        expect(new Set(seen).size, `seed ${seed}`).toBe(seen.length);
        expect(seen.sort((left, right) => left - right)).toEqual(
          [...answered, MARK].sort((left, right) => left - right),
        );
      }
      {
        await using test = await startTestRuntime({ directory: directory.path, root });
        const bank = test.runtime.worker(reference).with({ timeoutMs: 60_000 });
        const over = new AbortController();
        const loaded = load(bank, random, answered, over.signal);
        const from = JSON.parse(JSON.stringify(kept.position)) as { timeline: number; lsn: number }; // What was stringified.
        const following = follow(bank.tables.duplicates.watch({ from }), kept, isMark(MARK + 1));
        const before = answered.length;
        await until('more operations', () => answered.length > before + 100);
        over.abort();
        await loaded;
        await bank.call.mark(MARK + 1);
        await following;
        await expectSame(kept, bank, 'duplicates');
      }
    },
  );

  it.each([
    'keeper.batch:received',
    'keeper.commit:before',
    'keeper.commit:during',
    'keeper.commit:after',
    'keeper.replies:before',
    'keeper.replies:after',
  ])('is the table when keepers die at %s', async (point) => {
    await using directory = await testDirectory();
    const reference = watchedReference();
    const kill = (hit: number): { point: string; hit: number; action: 'kill' } => ({ point, hit, action: 'kill' });
    const faults: (target: FaultTarget) => ReturnType<ReturnType<typeof faultsIn>> = faultsIn({
      'keeper 1': [kill(5)],
      'keeper 2': [kill(4)],
      'keeper 3': [kill(7)],
    });
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) }, { faults });
    const bank = test.runtime.worker(reference).with({ timeoutMs: 30_000 });
    const random = new SeededRandom(20_261_120);
    // Nothing that is lost from the log is made good by what comes later.
    const replicas = new Map((['log', ...ITEM_TABLES] as const).map((name) => [name, new Replica()]));
    const follows = Array.from(replicas, ([name, replica]) =>
      follow(bank.tables[name].watch({ from: 0 }), replica, isMark(MARK)),
    );
    for (let operation = 0; operation < 40; operation++) {
      await bank.call.change(operation, random.next(), random.integer(0, 49), random.integer(0, 99));
    }
    await bank.call.mark(MARK);
    await Promise.all(follows);
    for (const [name, replica] of replicas) await expectSame(replica, bank, name);
    expect(test.log.lines.filter(({ message }) => message === 'the keeper is gone')).toHaveLength(3);
  });
});

/** A runtime with the watched worker, for one test. */
async function withWatched(use: (bank: Watched, runtime: Runtime) => Promise<void>): Promise<void> {
  await using directory = await testDirectory();
  const reference = watchedReference();
  await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
  await use(test.runtime.worker(reference).with({ timeoutMs: 30_000 }), test.runtime);
}

describe('a watch', () => {
  it('gives rows, keys, clears and positions, batch by batch, and nothing of a handler that threw', () =>
    withWatched(async (bank) => {
      const { position } = await bank.tables.set.info();
      const watch = bank.tables.set.watch();
      await bank.call.change(1, 0, 1, 0);
      await bank.call.fail(2).catch(() => {});
      await bank.call.change(3, 0.925, 1, 7);
      await bank.call.change(4, 0.75, 1, 0);
      const batches = [await watch.next(), await watch.next(), await watch.next()].map(({ value }) => value);
      const lsn = position?.lsn ?? Number.NaN;
      expect(batches).toMatchObject([
        {
          timeline: 1,
          lsn: lsn + 1,
          isConsistent: true,
          changes: [1, 2, 3].map((id) => ({ kind: 'insert', key: id, row: { id, value: id - 1 } })),
        },
        {
          lsn: lsn + 2,
          changes: [
            { kind: 'clear', key: undefined },
            { kind: 'insert', key: 1, row: { id: 1, value: 7 } },
          ],
        },
        { lsn: lsn + 3, changes: [{ kind: 'delete', key: 1, row: undefined }] },
      ]);
      const [first, second, third] = batches.map(
        (batch) => batch?.changes.at(batch.lsn === lsn + 1 ? 0 : -1)?.identity,
      );
      expect([second, third]).toEqual([first, first]);
      await watch.return?.();
    }));

  it("from 'start' gives the rows first, in pages, and says from where on it is consistent", () =>
    withWatched(async (bank) => {
      for (let from = 0; from < 5_000; from += 1_000) await bank.call.fill(from, 1_000);
      const over = new AbortController();
      const random = new SeededRandom(1);
      const loaded = load(bank, random, [], over.signal);
      const replica = new Replica();
      const consistency: boolean[] = [];
      for await (const batch of bank.tables.ordered.watch({ from: 'start' })) {
        replica.apply(batch);
        consistency.push(batch.isConsistent);
        if (batch.isConsistent) break;
      }
      over.abort();
      await loaded;
      expect(consistency.length).toBeGreaterThan(5);
      expect(consistency.slice(0, 5)).toEqual([false, false, false, false, false]);
      expect(replica.problems).toEqual([]);
      await bank.call.mark(MARK);
      await follow(bank.tables.ordered.watch({ from: replica.position ?? 'now' }), replica, isMark(MARK));
      await expectSame(replica, bank, 'ordered');
    }));

  it("from 'start' of an empty table says at once that it is consistent", () =>
    withWatched(async (bank) => {
      const { value } = await bank.tables.set.watch({ from: 'start' }).next();
      expect(value).toEqual({ timeline: 1, lsn: 1, changes: [], isConsistent: true });
    }));

  it('is refused for what it cannot do, with errors that say so', () =>
    withWatched(async (bank) => {
      const { tables } = bank;
      expect(() => tables.plain.watch()).toThrow(expect.objectContaining({ code: 'ERR_TABLE_UNWATCHED' }));
      const wrong: unknown[] = [
        7,
        { form: 1 },
        { from: -1 },
        { from: 'then' },
        { from: {} },
        { from: { timeline: 1, lsn: 1, isConsistent: false } },
        { signal: 1 },
      ];
      for (const options of wrong) {
        expect(() => tables.set.watch(options as never)).toThrow(
          expect.objectContaining({ code: 'ERR_TABLE_ARGUMENT' }),
        );
      }
      for (const from of [1_000_000, { timeline: 7, lsn: 0 }]) {
        const watch = tables.set.watch({ from });
        await expect(watch.next()).rejects.toMatchObject({ name: 'KeeperError', code: 'ERR_KEEPER_CURSOR' });
        expect(await watch.next()).toEqual({ done: true, value: undefined });
      }
    }));

  it("that is slower than keepBytes allows is told so, and one from 'start' goes on", () =>
    withWatched(async (bank) => {
      const watch = bank.tables.brief.watch({ from: 'start' });
      await watch.next();
      for (let id = 0; id < 30; id++) await bank.call.brief(id);
      await expect(watch.next()).rejects.toMatchObject({ code: 'ERR_KEEPER_CHANGES' });
      const replica = new Replica();
      await follow(bank.tables.brief.watch({ from: 'start' }), replica, (row) => (row as { id: number }).id === 29);
      expect(replica.sorted).toEqual(await sortedRows(bank.tables.brief.rows()));
    }));

  it('ends with return(), also while it waits, and with break', () =>
    withWatched(async (bank) => {
      const watch = bank.tables.set.watch();
      const waiting = watch.next();
      expect(await watch.return?.()).toEqual({ done: true, value: undefined });
      expect(await waiting).toEqual({ done: true, value: undefined });
      await bank.call.change(1, 0, 1, 0);
      expect(await watch.next()).toEqual({ done: true, value: undefined });
    }));

  it("ends with its own signal or the handle's, also while it waits, and leaves no listener", () =>
    withWatched(async (bank) => {
      for (const way of ['option', 'handle'] as const) {
        const controller = new AbortController();
        const { signal } = controller;
        const watch = way === 'option' ? bank.tables.set.watch({ signal }) : bank.with({ signal }).tables.set.watch();
        const waiting = watch.next();
        await until('it listens', () => getEventListeners(signal, 'abort').length === 1);
        controller.abort(new Error('enough'));
        await expect(waiting).rejects.toMatchObject({ code: 'ERR_CALL_ABORTED', cause: { message: 'enough' } });
        expect(await watch.next()).toEqual({ done: true, value: undefined });
        expect(getEventListeners(signal, 'abort')).toEqual([]);
        await expect(bank.tables.set.watch({ signal }).next()).rejects.toMatchObject({ code: 'ERR_CALL_ABORTED' });
      }
    }));

  it('ends without an error when the runtime is closed, and is refused afterwards', async () => {
    let after: Watched | undefined;
    let waiting: Promise<unknown> | undefined;
    await withWatched(async (bank) => {
      after = bank;
      const watch = bank.tables.set.watch();
      await bank.call.change(1, 0, 1, 0);
      expect(await watch.next()).toMatchObject({ done: false });
      waiting = watch.next();
    });
    expect(await waiting).toEqual({ done: true, value: undefined });
    await expect(after?.tables.set.watch().next()).rejects.toMatchObject({ code: 'ERR_RUNTIME_CLOSED' });
  });
});
