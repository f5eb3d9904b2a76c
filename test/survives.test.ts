/**
 * What survives what (G1, section "What survives what" of the architecture page), each level by the failure that it names.
 *
 * `power_loss`: a bank works, its keeper is stopped, and what the disk has at that moment is opened as after a power failure,
 * with lmdb's `safeRestore` (by its environment variable). Whatever was acknowledged must be there, whole. That this can fail is
 * part of the test: with every flush left out (the named point `keeper.flush:none`), the same check finds operations lost.
 *
 * Mutations that make this fail, each tried: the store is opened with `noSync`; the worker answers before its batch is released,
 * or does not hold an answer behind one that is not; tables are not rolled back.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openStore } from '@heirloom/keeper';
import { openStoreReader } from '@heirloom/keeper/reader';
import { StoreError, worker } from 'heirloom';
import type { Runtime, WorkerReference } from 'heirloom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { canSeeFlushes, DiskImage } from './support/disk-image.js';
import type { BankRows } from './support/ledger.js';
import { Ledger } from './support/ledger.js';
import { descendants } from './support/processes.js';
import { runSeed, SeededRandom } from './support/random.js';
import { bankReference, faultsIn, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type survivorWorker from './workers/survivor.worker.js';

const seed = runSeed();

function survivorReference(): WorkerReference<typeof survivorWorker> {
  return worker<typeof survivorWorker>('survivor', workerModule('survivor'));
}

async function idsOf(table: { rows(): AsyncIterable<{ readonly id: number }> }): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of table.rows()) ids.push(id);
  return ids.toSorted((a, b) => a - b);
}

describe(`power_loss, seed ${seed}`, () => {
  beforeAll(() => void (process.env['LMDB_RESTORE'] = 'safe'));
  afterAll(() => void delete process.env['LMDB_RESTORE']);

  it('an image that has everything is opened with the ledger whole at every completed flush (G1)', async () => {
    const rounds = await powerFailures({ rounds: 25, isFlushed: true });
    // Where the kernel does not tell what was flushed, images are copies.
    for (const { unflushed, verdict } of rounds)
      expect({ unflushed, verdict }).toEqual({ unflushed: 0, verdict: 'whole' });
  });

  it.runIf(canSeeFlushes(tmpdir()))('the same check is red when the flush is left out', async () => {
    const rounds = await powerFailures({ rounds: 8, isFlushed: false });
    expect(rounds.filter(({ verdict }) => verdict === 'whole')).toEqual([]);
    expect(rounds.every(({ unflushed }) => unflushed > 0)).toBe(true);
  });

  it('a copy taken at an arbitrary moment holds everything that was acknowledged until then', async () => {
    await using directory = await testDirectory();
    await using copies = await testDirectory();
    const bankRef = bankReference();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(bankRef) });
    const bank = test.runtime.worker(bankRef).with({ timeoutMs: 30_000 });
    const ledger = new Ledger();
    const random = new SeededRandom(seed);
    const run = { isOver: false };
    const clients = Array.from({ length: 6 }, async () => {
      while (!run.isOver) await ledger.operate(bank, random);
    });
    try {
      for (let copy = 0; copy < 25; copy++) {
        await new Promise((resolve) => setTimeout(resolve, random.integer(0, 12)));
        await whileStopped(test.runtime, async () => {
          copyFileSync(join(directory.path, 'data.mdb'), join(copies.path, 'data.mdb'));
          expect(await judge(copies.path, ledger), `copy ${copy}, seed ${seed}`).toBe('whole');
        });
      }
    } finally {
      run.isOver = true;
      await Promise.all(clients);
    }
    expect(ledger.acknowledged).toBeGreaterThan(25);
  });

  it('a runtime on such a copy goes on where the bank was', async () => {
    await using directory = await testDirectory();
    await using copies = await testDirectory();
    const bankRef = bankReference();
    const ledger = new Ledger();
    const random = new SeededRandom(seed);
    {
      await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(bankRef) });
      const bank = test.runtime.worker(bankRef);
      await Promise.all(Array.from({ length: 40 }, () => ledger.operate(bank, random)));
      await whileStopped(test.runtime, () =>
        copyFileSync(join(directory.path, 'data.mdb'), join(copies.path, 'data.mdb')),
      );
    }
    await using test = await startTestRuntime({ directory: copies.path, root: patientRoot(bankRef) });
    const bank = test.runtime.worker(bankRef);
    await Promise.all(Array.from({ length: 40 }, () => ledger.operate(bank, random)));
    expect(await ledger.compare(bank)).toMatchObject({ lost: [], duplicated: [], halfDone: [] });
    expect(ledger.unexpected).toEqual([]);
  });
});

type Verdict = 'whole' | 'lost' | 'damaged';

/** Lets the power fail after each of several bursts of operations, and says what the disk then had. */
async function powerFailures(plan: {
  rounds: number;
  isFlushed: boolean;
}): Promise<{ unflushed: number; verdict: Verdict }[]> {
  await using directory = await testDirectory();
  await using images = await testDirectory();
  const faults = faultsIn({
    'keeper 1': plan.isFlushed ? [] : [{ point: 'keeper.flush:none', hit: 1, action: 'EIO' }],
  });
  const bankRef = bankReference();
  const file = join(directory.path, 'data.mdb');
  const disk = canSeeFlushes(directory.path)
    ? new DiskImage(file)
    : { take: () => ({ bytes: readFileSync(file), unflushed: 0 }) };
  {
    // The first image is that of a new store, all of which was flushed.
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(bankRef) });
    await test.runtime.close();
    expect(disk.take().unflushed).toBe(0);
  }
  await using test: TestRuntime = await startTestRuntime(
    { directory: directory.path, root: patientRoot(bankRef) },
    { faults },
  );
  const bank = test.runtime.worker(bankRef);
  const ledger = new Ledger();
  const random = new SeededRandom(seed);
  const found: { unflushed: number; verdict: Verdict }[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    await Promise.all(Array.from({ length: random.integer(1, 20) }, () => ledger.operate(bank, random)));
    // At least one of a burst is acknowledged with a change.
    await ledger.operate(bank, new SeededRandom(2));
    await whileStopped(test.runtime, async () => {
      const { bytes, unflushed } = disk.take();
      writeFileSync(join(images.path, 'data.mdb'), bytes);
      found.push({ unflushed, verdict: await judge(images.path, ledger) });
    });
  }
  expect(ledger.unexpected).toEqual([]);
  expect(ledger.acknowledged).toBeGreaterThanOrEqual(plan.rounds);
  return found;
}

/** Opens a copy of a bank's store and compares it with the ledger. */
async function judge(directory: string, ledger: Ledger): Promise<Verdict> {
  for (const name of readdirSync(directory)) expect(name).toMatch(/^data\.mdb(-lock)?$/);
  let rows: BankRows;
  try {
    rows = await readBank(directory);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'ERR_STORE_DAMAGED') return 'damaged';
    throw error;
  }
  const { lost, duplicated, halfDone } = ledger.compareRows(rows);
  return lost.length + duplicated.length + halfDone.length === 0 ? 'whole' : 'lost';
}

async function readBank(directory: string): Promise<BankRows> {
  const store = await openStore(directory);
  const reader = openStoreReader(store.path);
  try {
    const rowsOf = (name: string): never[] => {
      const table = store.catalog.get('bank', name);
      if (table === undefined) return [];
      const { extent, declaration, codec } = table;
      const source = reader.source(extent, declaration.type, codec);
      // The rows are of the types that the bank declares.
      return source.scan({ limit: 1_000_000 }).map(({ row }) => row) as never[];
    };
    return { entries: rowsOf('entries'), log: rowsOf('log'), accounts: rowsOf('accounts') };
  } finally {
    reader.close();
    await store.close();
  }
}

/** Stops the keeper in the middle of what it does, does something, and lets it go on. */
async function whileStopped(runtime: Runtime, action: () => void | Promise<void>): Promise<void> {
  const pid = runtime.keeper.pid ?? Number.NaN;
  process.kill(pid, 'SIGSTOP');
  try {
    await until('the keeper is stopped', async () =>
      (await descendants()).some((row) => row.pid === pid && row.state.startsWith('T')),
    );
    await action();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

describe('runtime_crash', () => {
  it('all processes die at once by SIGKILL: what was acknowledged is there, once, and batches are whole (G1, G2, G3)', async () => {
    await using directory = await testDirectory();
    const program = fileURLToPath(new URL('./dist/workers/survives-program.js', import.meta.url));
    // A group of its own, which its children share, so that one signal kills all of them.
    const embedding = spawn(process.execPath, [program, directory.path], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const acknowledged: number[] = [];
    for await (const line of createInterface({ input: embedding.stdout })) {
      acknowledged.push(Number(line.replace('done ', '')));
      if (acknowledged.length === 500) process.kill(-(embedding.pid ?? Number.NaN), 'SIGKILL');
    }
    if (embedding.signalCode === null) await once(embedding, 'exit');
    expect(embedding.signalCode).toBe('SIGKILL');
    expect(acknowledged.length).toBeGreaterThanOrEqual(500);

    const reference = survivorReference();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const survivor = test.runtime.worker(reference);
    const cached = await idsOf(survivor.tables.crash);
    expect(new Set(cached).size).toBe(cached.length);
    expect(acknowledged.filter((id) => !cached.includes(id))).toEqual([]);
    expect(await idsOf(survivor.tables.power)).toEqual(cached.filter((id) => id % 2 === 0));
  });
});

describe('nothing', () => {
  it('is lost with its worker, and read through its owner; the other tables are not (G1)', async () => {
    await using directory = await testDirectory();
    const reference = survivorReference();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const survivor = test.runtime.worker(reference).with({ timeoutMs: 30_000 });
    await survivor.call.note(1, 'scratch', 'power', 'crash');
    await survivor.call.note(2, 'scratch');
    await expect(survivor.tables.scratch.lookup(2)).resolves.toEqual([{ id: 2 }]);
    await expect(survivor.tables.scratch.size()).resolves.toBe(2);
    expect(await idsOf(survivor.tables.scratch)).toEqual([1, 2]);
    process.kill(survivor.pid ?? Number.NaN, 'SIGKILL');
    // A read through the owner waits for the next one, as a call does.
    expect(await idsOf(survivor.tables.scratch)).toEqual([]);
    await expect(survivor.call.sizes()).resolves.toEqual({ power: 1, crash: 1, scratch: 0 });
  });

  it('is changed together with durable tables or not at all, when the handler throws or its worker dies (G2)', async () => {
    await using directory = await testDirectory();
    const reference = survivorReference();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const survivor = test.runtime.worker(reference).with({ timeoutMs: 30_000 });
    await survivor.call.note(1, 'scratch', 'power', 'crash');
    await expect(survivor.call.noteAndThrow(2)).rejects.toMatchObject({ code: 'ERR_CALL_THREW', outcome: 'none' });
    await expect(survivor.call.sizes()).resolves.toEqual({ power: 1, crash: 1, scratch: 1 });
    const hanging = survivor.with({ retry: 'never' }).call.noteAndHang(3);
    await Promise.all([
      expect(hanging).rejects.toMatchObject({ code: 'ERR_CALL_NOT_RETRIED', outcome: 'none' }),
      until('the handler hangs', () => test.log.lines.some(({ message }) => message === 'hanging')).then(() =>
        process.kill(survivor.pid ?? Number.NaN, 'SIGKILL'),
      ),
    ]);
    await expect(survivor.call.sizes()).resolves.toEqual({ power: 1, crash: 1, scratch: 0 });
  });
});

describe('a batch', () => {
  it('waits for the strictest of the tables that it changed (G1, G4)', async () => {
    await using directory = await testDirectory();
    const reference = survivorReference();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const survivor = test.runtime.worker(reference).with({ timeoutMs: 30_000 });
    const impatient = survivor.with({ timeoutMs: 200 });
    const timedOut = { code: 'ERR_CALL_TIMEOUT', outcome: 'unknown' };
    await survivor.call.note(1, 'scratch', 'power', 'crash');
    // The reply comes from the keeper, its ack to the worker after that; this answer waits for the ack.
    await survivor.call.sizes();
    await whileStopped(test.runtime, async () => {
      // No keeper is needed for what survives nothing.
      await survivor.call.note(2, 'scratch');
      await survivor.call.note(3, 'scratch');
      await expect(impatient.call.note(4, 'scratch', 'crash')).rejects.toMatchObject(timedOut);
      await expect(impatient.call.note(5, 'power')).rejects.toMatchObject(timedOut);
      // Behind a batch that is not released, nothing leaves the worker.
      await expect(impatient.call.note(6, 'scratch')).rejects.toMatchObject(timedOut);
    });
    await survivor.call.note(7, 'power');
    await expect(survivor.call.sizes()).resolves.toEqual({ power: 3, crash: 2, scratch: 5 });
  });
});
