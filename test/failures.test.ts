/**
 * G11: every failure that a program can meet is a typed error at the place where its user looks: the rejection of
 * `startRuntime`, the rejection of a call or read, or the `failed` event. And G1–G3 go on to hold: nothing is lost or repeated.
 *
 * Mutations that make this fail, each tried: the keeper answers calls of a group whose commit failed; the check of the file's first
 * pages is left out (the keeper then dies of a signal), or that of the room for opening (likewise); a limit on the size of files is
 * not taken for a full disk; declarations are not compared with what is stored; the directory is not locked; a death in `init` is
 * charged to the call that waits.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { open } from 'lmdb';
import { CallError, HeirloomError, supervisor, worker } from 'heirloom';
import type { Runtime, WorkerReference } from 'heirloom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '@heirloom/keeper';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { killRun } from './support/kill-run.js';
import { Ledger } from './support/ledger.js';
import { descendants } from './support/processes.js';
import { SeededRandom } from './support/random.js';
import { bankReference, patientRoot, startTestRuntime, WITHOUT_STANDBY, workerModule } from './support/runtime.js';
import type variantWorker from './workers/variant.worker.js';

type Variant = WorkerReference<typeof variantWorker>;

function variantReference(variant?: string, options: Variant['options'] = {}): Variant {
  const env = variant === undefined ? {} : { VARIANT: variant };
  return worker<typeof variantWorker>('variant', workerModule('variant'), { ...options, env });
}

/** The codes of an error and of its causes, the outermost first. */
function codes(error: unknown): string[] {
  return error instanceof HeirloomError ? [error.code, ...codes(error.cause)] : [];
}

/** Starts a runtime that must not start, and gives the error; nothing may be left of the attempt. */
async function startError(
  directory: string,
  reference: WorkerReference = bankReference('bank', WITHOUT_STANDBY),
): Promise<unknown> {
  const error: unknown = await startTestRuntime({
    directory,
    root: patientRoot(reference),
    keeper: { lockWaitMs: 200, ...WITHOUT_STANDBY },
  }).then(
    ({ runtime }) => runtime.close().then(() => undefined),
    (thrown: unknown) => thrown,
  );
  expect(error, 'it started').toBeInstanceOf(HeirloomError);
  return error;
}

/** A directory with the store of a bank that had some operations, and their ledger. */
async function bankWithRows(): Promise<{ directory: TestDirectory; ledger: Ledger; file: string }> {
  const directory = await testDirectory();
  const ledger = new Ledger();
  const bankRef = bankReference('bank', WITHOUT_STANDBY);
  const random = new SeededRandom(11);
  await using test = await startTestRuntime({
    directory: directory.path,
    root: patientRoot(bankRef),
    keeper: WITHOUT_STANDBY,
  });
  const bank = test.runtime.worker(bankRef);
  await Promise.all(Array.from({ length: 60 }, () => ledger.operate(bank, random)));
  return { directory, ledger, file: join(directory.path, 'data.mdb') };
}

async function expectBankIntact(directory: string, ledger: Ledger): Promise<void> {
  const bankRef = bankReference('bank', WITHOUT_STANDBY);
  await using test = await startTestRuntime({ directory, root: patientRoot(bankRef), keeper: WITHOUT_STANDBY });
  const report = await ledger.compare(test.runtime.worker(bankRef));
  expect(report).toMatchObject({ lost: [], duplicated: [], halfDone: [] });
  expect(report.acknowledged).toBeGreaterThan(10);
}

describe('the store directory (G11)', () => {
  it('is refused to a second runtime, which says whose it is; the first one is not disturbed', async () => {
    const { directory, ledger } = await bankWithRows();
    await using _ = directory;
    const bankRef = bankReference();
    {
      await using first = await startTestRuntime({ directory: directory.path, root: patientRoot(bankRef) });
      expect(await startError(directory.path)).toMatchObject({
        name: 'StoreError',
        code: 'ERR_STORE_LOCKED',
        details: { pid: first.runtime.keeper.pid },
      });
      await ledger.operate(first.runtime.worker(bankRef), new SeededRandom(1));
      expect(ledger.unexpected).toEqual([]);
    }
    await expectBankIntact(directory.path, ledger);
  });

  it('is handed over to a runtime that waits for it', async () => {
    const { directory, ledger } = await bankWithRows();
    await using _ = directory;
    const first = await startTestRuntime({ directory: directory.path, root: patientRoot(bankReference()) });
    const second = expectBankIntact(directory.path, ledger);
    await first.runtime.close();
    await second;
  });

  it('cannot be below a file or in a place where nothing can be made', async () => {
    await using directory = await testDirectory();
    const file = join(directory.path, 'file');
    await writeFile(file, 'mine');
    expect(await startError(join(file, 'store'))).toMatchObject({ name: 'StoreError', code: 'ERR_STORE_DIRECTORY' });
    expect(await startError(file)).toMatchObject({ code: 'ERR_STORE_DIRECTORY' });
    expect(await readFile(file, 'utf8')).toBe('mine');
    // Nobody may make a directory there, the superuser neither.
    if (existsSync('/proc/self'))
      expect(await startError('/proc/heirloom')).toMatchObject({ code: 'ERR_STORE_DIRECTORY' });
    if (process.getuid?.() !== 0) {
      const readOnly = join(directory.path, 'read-only');
      await mkdir(readOnly);
      await chmod(readOnly, 0o500);
      expect(await startError(readOnly)).toMatchObject({ code: 'ERR_STORE_DIRECTORY' });
    }
    expect(await descendants()).toEqual([]);
  });
});

describe('a full disk, by a limit on the size of files (G11)', () => {
  const program = fileURLToPath(new URL('./dist/workers/full-disk-program.js', import.meta.url));

  async function runLimited(
    directory: string,
    blocks: number,
  ): Promise<{ done: number; report: unknown; code: unknown }> {
    const command = `ulimit -f ${blocks}; exec "$0" "$1" "$2"`;
    const child = spawn('/bin/sh', ['-c', command, process.execPath, program, directory], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const exited = once(child, 'exit');
    let done = 0;
    let report: unknown;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('done ')) done = Number(line.slice(5));
      else report = JSON.parse(line) as unknown;
    }
    const [code] = (await exited) as [number | null];
    return { done, report, code };
  }

  it('under a running store fails the runtime and its open calls, and loses nothing (G1)', async () => {
    await using directory = await testDirectory();
    const { done, report, code } = await runLimited(directory.path, 600);
    expect(code).toBe(0);
    expect(report).toEqual({
      failed: ['ERR_RUNTIME_FAILED', 'ERR_STORE_DISK_FULL'],
      call: ['ERR_CALL_STOPPED', 'ERR_RUNTIME_FAILED', 'ERR_STORE_DISK_FULL'],
      outcomes: ['unknown'],
    });
    expect(done).toBeGreaterThan(20);
    const reference = variantReference();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const { items } = test.runtime.worker(reference).tables;
    const counts: number[] = [];
    for await (const { count } of items.rows()) counts.push(count);
    // The call that was open may have been stored or not.
    const expected = Array.from({ length: done }, (_, index) => index + 1);
    expect([expected, [...expected, done + 1]]).toContainEqual(counts.toSorted((a, b) => a - b));
  });

  it.each([8, 64])('at %i blocks refuses the start, and a later start makes the store', async (blocks) => {
    await using directory = await testDirectory();
    const { report, code } = await runLimited(directory.path, blocks);
    expect({ report, code }).toEqual({ report: { start: ['ERR_STORE_DISK_FULL'] }, code: 0 });
    const reference = variantReference();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    await expect(test.runtime.worker(reference).call.put('a', 1)).resolves.toBe(1);
  });
});

describe('a disk that fails (G11, G3)', () => {
  it.each([
    ['keeper.commit:error', 'EIO', 4],
    ['keeper.flush:error', 'EIO', 3],
    ['keeper.flush:error', 'EIO', 6],
    ['keeper.commit:error', 'ENOSPC', 5],
  ] as const)(
    'at %s with %s, hit %i, and under the next keeper: the one after goes on, and nothing is lost or repeated',
    async (point, action, hit) => {
      await killRun({
        faults: { 'keeper 1': [{ point, hit, action }], 'keeper 2': [{ point, hit: 2, action }] },
        seed: 1_100 + hit,
        operations: 60,
        concurrency: 8,
        workerDeaths: 0,
        keeperDeaths: 2,
      });
    },
  );

  it.each([
    ['keeper.commit:error', 1],
    ['keeper.flush:error', 2],
  ] as const)(
    'at %s, hit %i of every further keeper: the runtime fails, and a later one has everything',
    async (point, hit) => {
      await using directory = await testDirectory();
      const bankRef = bankReference();
      const ledger = new Ledger();
      const random = new SeededRandom(7);
      {
        await using test = await startTestRuntime(
          { directory: directory.path, root: patientRoot(bankRef), keeper: { intensity: 3, periodMs: 60_000 } },
          {
            faults: ({ kind, processNumber }) =>
              kind === 'keeper' ? [{ point, hit: processNumber === 1 ? 12 : hit, action: 'EIO' }] : [],
          },
        );
        const { runtime } = test;
        const failure = failed(runtime);
        const bank = runtime.worker(bankRef).with({ timeoutMs: 30_000 });
        const client = async (): Promise<void> => {
          while (ledger.unexpected.length === 0) await ledger.operate(bank, random);
        };
        await Promise.all(Array.from({ length: 6 }, client));
        expect(codes(await failure)).toEqual(['ERR_RUNTIME_FAILED', 'ERR_STORE_IO']);
        // The calls that were open say that their outcome is unknown; whatever is asked from now on is refused.
        expect(new Set(ledger.unexpected.flatMap(codes))).toEqual(new Set(['ERR_RUNTIME_FAILED', 'ERR_STORE_IO']));
        await expect(bank.call.balance('account-1')).rejects.toMatchObject({ code: 'ERR_RUNTIME_FAILED' });
        expect(codes(await bank.tables.accounts.size().catch((error: unknown) => error))).toContain('ERR_STORE_IO');
      }
      expect(await descendants()).toEqual([]);
      await expectBankIntact(directory.path, ledger);
    },
  );

  it('at the start is what startRuntime rejects with', async () => {
    await using directory = await testDirectory();
    const start = startTestRuntime(
      { directory: directory.path, root: patientRoot(bankReference()) },
      { faults: ({ kind }) => (kind === 'keeper' ? [{ point: 'keeper.flush:error', hit: 1, action: 'EIO' }] : []) },
    );
    await expect(start).rejects.toMatchObject({ name: 'StoreError', code: 'ERR_STORE_IO' });
    expect(await descendants()).toEqual([]);
  });
});

/** The error of the `failed` event. */
function failed(runtime: Runtime): Promise<Error> {
  return new Promise((resolve) => void runtime.on('failed', ({ error }) => resolve(error)));
}

describe('a damaged store (G11)', () => {
  type Damage = (file: string, whole: Buffer) => Promise<void>;
  const noise = (bytes: number): Buffer =>
    Buffer.from(Array.from({ length: bytes }, (_, index) => (index * 197 + 13) % 251));
  const damages: [string, string, Damage][] = [
    ['garbage', 'ERR_STORE_DAMAGED', (file, whole) => writeFile(file, noise(whole.length))],
    ['an empty file', 'ERR_STORE_DAMAGED', (file) => writeFile(file, '')],
    ['one byte', 'ERR_STORE_DAMAGED', (file) => truncate(file, 1)],
    ['only its first page', 'ERR_STORE_DAMAGED', (file) => truncate(file, 4_096)],
    ['half of it', 'ERR_STORE_DAMAGED', (file, whole) => truncate(file, Math.floor(whole.length / 2))],
    ['zeroes in its first pages', 'ERR_STORE_DAMAGED', (file, whole) => writeFile(file, whole.fill(0, 0, 8_192))],
    ['zeroes in all pages but the first', 'ERR_STORE_DAMAGED', (file, whole) => writeFile(file, whole.fill(0, 8_192))],
    [
      'noise in every second page',
      'ERR_STORE_DAMAGED',
      async (file, whole) => {
        for (let at = 8_192; at < whole.length; at += 8_192) noise(4_096).copy(whole, at);
        await writeFile(file, whole);
      },
    ],
    ['a text', 'ERR_STORE_DAMAGED', (file) => writeFile(file, 'version https://example.org\n'.repeat(800))],
  ];
  let whole: Buffer;
  let ledger: Ledger;
  beforeAll(async () => {
    const bank = await bankWithRows();
    await using _ = bank.directory;
    whole = await readFile(bank.file);
    ({ ledger } = bank);
  });

  it.each(damages)('%s: is refused with %s and left as it is', async (_name, code, damage) => {
    await using directory = await testDirectory();
    const file = join(directory.path, 'data.mdb');
    await writeFile(file, whole);
    await damage(file, Buffer.from(whole));
    const damaged = await readFile(file);
    expect(await startError(directory.path)).toMatchObject({ name: 'StoreError', code, details: { path: file } });
    expect((await readFile(file)).equals(damaged)).toBe(true);
    expect(await descendants()).toEqual([]);
  });

  it('a file that was put back is as good as ever', async () => {
    await using directory = await testDirectory();
    const file = join(directory.path, 'data.mdb');
    await writeFile(file, whole.subarray(0, 5_000));
    await startError(directory.path);
    await writeFile(file, whole);
    await expectBankIntact(directory.path, ledger);
  });

  it('a store of a newer version is refused and left as it is', async () => {
    await using directory = await testDirectory();
    const file = join(directory.path, 'data.mdb');
    await writeFile(file, whole);
    await setFormat(file, 99);
    const newer = await readFile(file);
    expect(await startError(directory.path)).toMatchObject({ code: 'ERR_STORE_VERSION', details: { version: 99 } });
    expect((await readFile(file)).equals(newer)).toBe(true);
    await setFormat(file, 1);
    await expectBankIntact(directory.path, ledger);
  });

  async function setFormat(file: string, version: number): Promise<void> {
    const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
    const environment = open<Buffer, Buffer>(file, { ...binary, noSubdir: true, overlappingSync: false, maxDbs: 16 });
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(version);
    environment.openDB<Buffer, Buffer>('meta', binary).putSync(Buffer.from('format'), bytes);
    await environment.close();
  }
});

describe('a module that is no worker (G11)', () => {
  it.each([
    ['is missing', undefined, 'ERR_WORKER_NOT_FOUND'],
    ['throws while it loads', "throw new Error('broken on purpose');", 'ERR_WORKER_MODULE'],
    ['has a syntax error', 'export default {;', 'ERR_WORKER_MODULE'],
    ['imports what is not there', "import 'heirloom-no-such-package';", 'ERR_WORKER_MODULE'],
    ['has another default export', 'export default 42;', 'ERR_WORKER_MODULE'],
  ])('%s', async (_name, source, code) => {
    await using directory = await testDirectory();
    const file = join(directory.path, 'broken.worker.mjs');
    if (source !== undefined) await writeFile(file, source);
    const error = await startError(join(directory.path, 'store'), worker('broken', pathToFileURL(file)));
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain('broken');
    expect(await descendants()).toEqual([]);
  });

  it.each([
    ['throws_on_load', { code: 'ERR_WORKER_MODULE', cause: { name: 'SyntaxError' } }],
    ['exits_on_load', { code: 'ERR_WORKER_START', details: { worker: 'variant', code: 5 } }],
    ['init_throws', { code: 'ERR_WORKER_INIT', cause: { name: 'RangeError', message: 'init fails on purpose' } }],
  ])('a worker that %s is what startRuntime rejects with', async (variant, expected) => {
    await using directory = await testDirectory();
    const start = startTestRuntime({ directory: directory.path, root: patientRoot(variantReference(variant)) });
    await expect(start).rejects.toMatchObject(expected);
    expect(await descendants()).toEqual([]);
  });
});

describe('a restart storm (G11)', () => {
  it('fails the runtime with what the worker died of, and every call; its tables are as they were', async () => {
    await using directory = await testDirectory();
    const root = (reference: Variant) =>
      supervisor({ strategy: 'one_for_one', intensity: 3, periodMs: 60_000 }, [reference]);
    {
      const reference = variantReference('dies_when_restarted');
      await using test = await startTestRuntime({ directory: directory.path, root: root(reference) });
      const { runtime, log } = test;
      const handle = runtime.worker(reference).with({ timeoutMs: 30_000 });
      await handle.call.put('kept', 1);
      const failure = failed(runtime);
      const exits: { code: number | null; lastLines: readonly string[] }[] = [];
      runtime.on('exit', ({ code, lastLines }) => exits.push({ code, lastLines }));
      process.kill(handle.pid ?? Number.NaN, 'SIGKILL');
      const open = handle.call.count('kept');
      await expect(open).rejects.toBeInstanceOf(CallError);
      await expect(open).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED', cause: { code: 'ERR_RUNTIME_FAILED' } });
      const error = await failure;
      expect(error).toMatchObject({ code: 'ERR_RUNTIME_FAILED', cause: { code: 'ERR_WORKER_START' } });
      expect(error.cause).toMatchObject({ details: { worker: 'variant', code: 7, lastLines: ['its last words'] } });
      await until('every end is reported', () => exits.length === 4);
      expect(exits.slice(1)).toEqual([1, 2, 3].map(() => ({ code: 7, lastLines: ['its last words'] })));
      expect(log.lines.map(({ message }) => message)).toContain('a supervisor gave up');
      await expect(handle.call.count('kept')).rejects.toMatchObject({ code: 'ERR_RUNTIME_FAILED' });
    }
    expect(await descendants()).toEqual([]);
    const reference = variantReference();
    await using test = await startTestRuntime({ directory: directory.path, root: root(reference) });
    await expect(test.runtime.worker(reference).call.count('kept')).resolves.toBe(1);
  });

  it('of a worker whose module is gone says so', async () => {
    await using directory = await testDirectory();
    const source = await readFile(workerModule('variant'), 'utf8');
    // Beside the others, so that it finds the packages that it imports.
    const file = fileURLToPath(new URL(`vanishing-${process.pid}.worker.js`, workerModule('variant')));
    await writeFile(file, source);
    try {
      const reference = worker<typeof variantWorker>('variant', pathToFileURL(file), { standby: false });
      const root = supervisor({ strategy: 'one_for_one', intensity: 2, periodMs: 60_000 }, [reference]);
      await using test = await startTestRuntime({ directory: directory.path, root });
      const handle = test.runtime.worker(reference);
      await handle.call.put('kept', 1);
      await rm(file);
      const failure = failed(test.runtime);
      process.kill(handle.pid ?? Number.NaN, 'SIGKILL');
      expect(codes(await failure)).toEqual(['ERR_RUNTIME_FAILED', 'ERR_WORKER_NOT_FOUND']);
    } finally {
      await rm(file, { force: true });
    }
  });
});

describe('tables of the store that the program no longer declares as they are', () => {
  /** A program in which nothing dies; gives what it counts of `kept`. */
  async function count(directory: string, write?: number): Promise<number | undefined> {
    const reference = variantReference(undefined, WITHOUT_STANDBY);
    await using test = await startTestRuntime({ directory, root: patientRoot(reference), keeper: WITHOUT_STANDBY });
    const { call } = test.runtime.worker(reference);
    if (write !== undefined) await call.put('kept', write);
    return call.count('kept');
  }
  let directory: TestDirectory;
  beforeAll(async () => {
    directory = await testDirectory();
    await count(directory.path, 1);
  });
  afterAll(() => directory[Symbol.asyncDispose]());

  it.each([
    ['other_type', 'type', 'set', 'ordered_set'],
    ['other_key', 'key', '"id"', '"count"'],
    ['other_version', 'version', 1, 2],
    ['not_stored', 'stored', true, false],
  ])(
    'declared with %s are refused at the start, and are as they were (G11)',
    async (variant, field, stored, declared) => {
      expect(await startError(directory.path, variantReference(variant, WITHOUT_STANDBY))).toMatchObject({
        name: 'StoreError',
        code: 'ERR_STORE_TABLE_MISMATCH',
        details: { worker: 'variant', table: 'items', field, stored, declared },
      });
      await expect(count(directory.path)).resolves.toBe(1);
    },
  );

  it('of a worker that was renamed or removed stay in the store, and come back with its name', async () => {
    const { directory, ledger } = await bankWithRows();
    await using _ = directory;
    {
      const renamed = bankReference('north');
      await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(renamed) });
      const north = test.runtime.worker(renamed);
      await expect(north.call.sizes()).resolves.toEqual({ accounts: 0, entries: 0, log: 0 });
      await north.call.deposit(1, 'account-1', 5);
    }
    const store = await openStore(directory.path);
    const workers = new Set([...store.catalog.byId.values()].map((table) => table.worker));
    await store.close();
    expect(workers).toEqual(new Set(['bank', 'north']));
    await expectBankIntact(directory.path, ledger);
  });
});
