/**
 * Selections and iterations of others than the owner show one moment, whatever is changed meanwhile and whoever is killed; and
 * however they end, nothing is held for them (G4, G8, G9).
 *
 * Mutations that make this fail, each tried: the handle does not end a snapshot when its iteration is left, or when the signal is
 * aborted; a selection does not begin again when its snapshot is lost.
 */
import { worker } from 'heirloom';
import type { WorkerHandle } from 'heirloom';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type { Item } from './workers/shelves.worker.js';
import type shelvesWorker from './workers/shelves.worker.js';

const ROWS = 2_500;
/** As many iterations as the keeper holds snapshots for. */
const SNAPSHOTS_MAX = 64;

let directory: TestDirectory;
let test: TestRuntime;
let shelves: WorkerHandle<typeof shelvesWorker>;

const reference = worker<typeof shelvesWorker>('shelves', workerModule('shelves'));

beforeAll(async () => {
  directory = await testDirectory();
  test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
  shelves = test.runtime.worker(reference).with({ timeoutMs: 20_000 });
});
beforeEach(() => shelves.call.fill('orderedSet', ROWS, 0));
afterAll(async () => {
  await test[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

const killKeeper = async (): Promise<void> => {
  const { pid } = test.runtime.keeper;
  process.kill(pid ?? Number.NaN, 'SIGKILL');
  await until(
    'there is another keeper',
    () => test.runtime.keeper.pid !== undefined && test.runtime.keeper.pid !== pid,
  );
};

function expectFirstMoment(rows: readonly Item[]): void {
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: ROWS }, (_, id) => id));
  expect(rows.every(({ n }) => n === 0)).toBe(true);
}

/** Whether as many iterations as there may be can be open: not if one of before was still held. */
async function expectNothingHeld(): Promise<void> {
  const iterators = Array.from({ length: SNAPSHOTS_MAX }, () =>
    shelves.tables.orderedSet.rows({ pageRows: 1 })[Symbol.asyncIterator](),
  );
  const firsts = await Promise.all(iterators.map((iterator) => iterator.next()));
  expect(firsts.every(({ done }) => done !== true)).toBe(true);
  const one = shelves.tables.orderedSet.rows({ pageRows: 1 })[Symbol.asyncIterator]();
  await expect(one.next()).rejects.toMatchObject({ name: 'KeeperError', code: 'ERR_KEEPER_BUSY' });
  // Reads that fit into an answer need none.
  await expect(shelves.tables.orderedSet.select({ limit: 900 })).resolves.toHaveLength(900);
  for (const iterator of iterators) await iterator.return?.();
}

describe('an iteration', () => {
  it('does not show rows that are changed, deleted, inserted and cleared while it goes on', async () => {
    const { orderedSet } = shelves.tables;
    const seen: Item[] = [];
    let round = 0;
    for await (const row of orderedSet.rows({ pageRows: 125 })) {
      seen.push(row);
      if (seen.length % 250 !== 1) continue;
      round++;
      if (round % 3 === 1) await shelves.call.fill('orderedSet', ROWS / 2, round);
      else if (round % 3 === 2) await orderedSet.selectDelete({ id: { gte: 500 } });
      else await orderedSet.selectReplace({ id: { lt: 250 } }, { n: -round });
    }
    expectFirstMoment(seen);
    expect(round).toBe(10);
    expect(await orderedSet.selectCount({ n: 0 })).toBe(0);
    await expectNothingHeld();
  });

  it('goes on while its owner is stopped, killed, and comes back (G8)', async () => {
    const seen: Item[] = [];
    const pid = shelves.pid ?? Number.NaN;
    for await (const row of shelves.tables.orderedSet.rows({ pageRows: 100 })) {
      seen.push(row);
      if (seen.length === 1) process.kill(pid, 'SIGSTOP');
      if (seen.length === 1_000) process.kill(pid, 'SIGKILL');
      if (seen.length === 2_000) await shelves.call.fill('orderedSet', 3, 9);
    }
    expectFirstMoment(seen);
    expect(shelves.pid).not.toBe(pid);
  });

  it('says so when its keeper is killed, and can begin again', async () => {
    const iterator = shelves.tables.orderedSet.rows({ pageRows: 100 })[Symbol.asyncIterator]();
    for (let row = 0; row < 150; row++) await iterator.next();
    await killKeeper();
    // The rest of the page is here.
    for (let row = 150; row < 200; row++) expect((await iterator.next()).value).toEqual({ id: row, n: 0 });
    await expect(iterator.next()).rejects.toMatchObject({ name: 'KeeperError', code: 'ERR_KEEPER_SNAPSHOT' });
    await expect(iterator.next()).resolves.toEqual({ done: true, value: undefined });
    const seen: Item[] = [];
    for await (const row of shelves.tables.orderedSet.rows()) seen.push(row);
    expectFirstMoment(seen);
  });

  it('goes on with another keeper when it need not be of one moment', async () => {
    const seen: Item[] = [];
    for await (const row of shelves.tables.orderedSet.rows({ pageRows: 100, isStable: false })) {
      seen.push(row);
      if (seen.length === 150) await killKeeper();
      if (seen.length === 1_000) await shelves.tables.orderedSet.insert({ id: ROWS - 1, n: 7 });
    }
    expect(seen.map(({ id }) => id)).toEqual(Array.from({ length: ROWS }, (_, id) => id));
    expect(seen.at(-1)).toEqual({ id: ROWS - 1, n: 7 });
  });

  it('holds nothing, however it ends (G9)', async () => {
    const { orderedSet } = shelves.tables;
    const rows = (): AsyncIterator<Item> => orderedSet.rows({ pageRows: 10 })[Symbol.asyncIterator]();
    for (let round = 0; round < SNAPSHOTS_MAX; round++) {
      for await (const _ of orderedSet.rows({ pageRows: 10 })) break;
      const left = rows();
      await left.next();
      await left.return?.();
      const thrown = rows();
      await thrown.next();
      await thrown.throw?.(new Error('The consumer fails.')).catch(() => undefined);
      const wrong = orderedSet.rows({ where: { id: { like: 1 } } as never })[Symbol.asyncIterator]();
      await expect(wrong.next()).rejects.toMatchObject({ code: 'ERR_TABLE_ARGUMENT' });
      const controller = new AbortController();
      const aborted = shelves.with({ signal: controller.signal }).tables.orderedSet.rows({ pageRows: 10 });
      const iterator = aborted[Symbol.asyncIterator]();
      await iterator.next();
      // Nobody asks it for anything any more.
      controller.abort();
    }
    await expectNothingHeld();
  });

  it('ends when its signal is aborted, also in the middle of a page', async () => {
    const controller = new AbortController();
    const { orderedSet } = shelves.with({ signal: controller.signal }).tables;
    const iterator = orderedSet.rows({ pageRows: 10 })[Symbol.asyncIterator]();
    for (let row = 0; row < 10; row++) await iterator.next();
    const next = iterator.next();
    controller.abort(new Error('enough'));
    await expect(next).rejects.toMatchObject({ code: 'ERR_CALL_ABORTED', outcome: 'none', cause: new Error('enough') });
    await expectNothingHeld();
  });

  it('ends with the runtime', async () => {
    await using own = await testDirectory();
    const { runtime } = await startTestRuntime({ directory: own.path, root: patientRoot(reference) });
    const { call, tables } = runtime.worker(reference).with({ timeoutMs: 20_000 });
    await call.fill('set', 100, 0);
    const iterator = tables.set.rows({ pageRows: 10 })[Symbol.asyncIterator]();
    await iterator.next();
    await runtime.close();
    for (let row = 1; row < 10; row++) await iterator.next();
    await expect(iterator.next()).rejects.toMatchObject({ code: 'ERR_RUNTIME_CLOSED' });
  });
});

describe('a selection', () => {
  it('shows one moment, while every row of the table changes again and again', async () => {
    const over = new AbortController();
    const changes = (async (): Promise<number> => {
      let n = 0;
      while (!over.signal.aborted) await shelves.call.fill('orderedSet', ROWS, ++n);
      return n;
    })();
    for (let round = 0; round < 8; round++) {
      const rows = await shelves.tables.orderedSet.select();
      expect(rows).toHaveLength(ROWS);
      expect(new Set(rows.map(({ n }) => n)).size).toBe(1);
      const count = await shelves.tables.orderedSet.selectCount({ n: { gte: 0 } });
      expect(count).toBe(ROWS);
    }
    over.abort();
    expect(await changes).toBeGreaterThan(2);
    await expectNothingHeld();
  });

  it('begins again when its keeper is killed, and nobody notices', async () => {
    const over = new AbortController();
    const readers = Array.from({ length: 8 }, async () => {
      while (!over.signal.aborted) expectFirstMoment(await shelves.tables.orderedSet.select());
    });
    // Eight at a time, each of three pages: when a keeper is killed, some have had their first page.
    for (let round = 0; round < 3; round++) {
      await shelves.tables.orderedSet.select();
      await killKeeper();
    }
    over.abort();
    await Promise.all(readers);
    await expectNothingHeld();
  });

  it('has one time for all of its pages, and holds nothing when that is over', async () => {
    for (let timeoutMs = 1; timeoutMs < 40; timeoutMs += 3) {
      const hasty = shelves.with({ timeoutMs }).tables.orderedSet;
      const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => hasty.select()));
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') expectFirstMoment(outcome.value);
        else expect(outcome.reason).toMatchObject({ code: 'ERR_CALL_TIMEOUT', outcome: 'none' });
      }
      if (timeoutMs === 1) expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true);
    }
    await expectNothingHeld();
  });

  it('is aborted with its signal', async () => {
    const controller = new AbortController();
    const selections = Array.from({ length: 5 }, () =>
      shelves.with({ signal: controller.signal }).tables.orderedSet.select(),
    );
    setImmediate(() => controller.abort());
    const outcomes = await Promise.allSettled(selections);
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ERR_CALL_ABORTED' });
    }
    await expectNothingHeld();
  });

  it('of what survives nothing is one call, and one that is too large says what to do', async () => {
    const { fleetingSet } = shelves.tables;
    await fleetingSet.insertMany(Array.from({ length: 3_000 }, (_, id) => ({ id, n: 0 })));
    await expect(fleetingSet.select()).resolves.toHaveLength(3_000);
    const pad = 'x'.repeat(1_000_000);
    for (let id = 0; id < 20; id++)
      await fleetingSet.insert({ id: `${id}${pad}`.slice(0, 100), n: id, at: { city: pad } });
    await expect(fleetingSet.select()).rejects.toMatchObject({ code: 'ERR_TABLE_LIMIT' });
    const seen: Item[] = [];
    for await (const row of fleetingSet.rows({ isStable: false, pageRows: 10 })) seen.push(row);
    expect(seen).toHaveLength(3_020);
  });
});
