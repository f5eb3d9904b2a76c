/**
 * Tables of a running runtime to files and back: through a handle while the table changes, and inside a handler (G2, G8).
 *
 * Mutations that make this fail, each tried: each row of a handle is written twice; a table that was lent to a handler still
 * works when the handler has settled; TabfileError is not registered, so that it comes to the caller as another class.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile, rm, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { file2tab, readTabfile, tab2file, tabfileInfo, TableError, TabfileError, worker } from 'heirloom';
import type { WorkerHandle } from 'heirloom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type archiveWorker from './workers/archive.worker.js';

const ROWS = 3_000;
const archiveRef = worker<typeof archiveWorker>('archive', workerModule('archive'));
const copyRef = worker<typeof archiveWorker>('copy', workerModule('archive'));

let directory: TestDirectory;
let files: TestDirectory;
let test: TestRuntime;
let archive: WorkerHandle<typeof archiveWorker>;
let copy: WorkerHandle<typeof archiveWorker>;

beforeAll(async () => {
  [directory, files] = [await testDirectory(), await testDirectory()];
  test = await startTestRuntime({ directory: directory.path, root: patientRoot(archiveRef, copyRef) });
  [archive, copy] = [test.runtime.worker(archiveRef), test.runtime.worker(copyRef)];
  await archive.call.fill(0, ROWS);
});
afterAll(async () => {
  await test[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});

const thing = (id: number): object => ({ id, text: `thing ${id}`, at: new Date(id) });

describe('a live table', () => {
  it('is dumped through its handle while it changes, and loaded into the table of another worker', async () => {
    const path = join(files.path, 'live');
    const { things } = archive.tables;
    let rows = 0;
    // The handle, with calls that change the table between two of its rows.
    const changing = {
      info: () => things.info(),
      async *rows() {
        for await (const each of things.rows()) {
          yield each;
          if (++rows !== 1_000) continue;
          await archive.call.change(10, 'changed behind the dump');
          await archive.call.change(ROWS - 1, 'changed before the dump');
          await archive.call.fill(ROWS, 50);
          await things.delete(ROWS - 2);
        }
      },
    };
    const { objectCount } = await tab2file(changing, path, { extendedInfo: ['objectCount', 'sha256sum'] });
    expect(await tabfileInfo(path)).toMatchObject({
      name: 'things',
      type: 'ordered_set',
      access: 'public',
      size: ROWS,
    });

    // Loaded by whoever has a handle, in batches of its own size.
    let batch = [];
    const seen = new Map<number, unknown>();
    for await (const each of readTabfile(path, { definition: await thingsDefinition(), verify: true })) {
      expect(seen.has(each.id)).toBe(false);
      seen.set(each.id, each);
      if (batch.push(each) < 700) continue;
      await copy.tables.things.insertMany(batch);
      batch = [];
    }
    await copy.tables.things.insertMany(batch);
    expect(seen.size).toBe(objectCount);
    expect(await copy.tables.things.size()).toBe(objectCount);
    // Rows that nobody touched are there, and as they were.
    for (let id = 11; id < ROWS - 2; id++) expect(seen.get(id)).toEqual(thing(id));
    const changed = (seen.get(ROWS - 1) as { text: string }).text;
    expect([`thing ${ROWS - 1}`, 'changed before the dump']).toContain(changed);
    expect(await copy.tables.things.lookup(77)).toEqual(thing(77));
  });

  it('is dumped and loaded inside of handlers, whose tables they are', async () => {
    const path = join(files.path, 'handler');
    const size = await archive.tables.things.size();
    expect(await archive.call.dump(path)).toMatchObject({ objectCount: size });
    const loaded = await file2tab(path, { verify: true });
    const live = [];
    for await (const each of archive.tables.things.rows()) live.push(each);
    expect(loaded.tab2list()).toEqual(live);
    await copy.tables.things.deleteAllObjects();
    expect(await copy.call.load(path)).toBe(size);
    process.kill(copy.pid ?? 0, 'SIGKILL');
    expect(await copy.tables.things.size()).toBe(size);
  });

  it('is not dumped on behind the end of its handler, and leaves no file', async () => {
    await archive.call.dumpFloating(join(files.path, 'floating'));
    await until('the dump fails', () => test.log.lines.find(({ message }) => message === 'the dump failed'));
    const line = test.log.lines.find(({ message }) => message === 'the dump failed');
    expect(line?.fields).toMatchObject({ code: 'ERR_TABLE_CLOSED' });
    expect(await readdir(files.path)).not.toContain('floating');
    expect((await readdir(files.path)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('that survives nothing is dumped through its owner, and a private one is refused', async () => {
    const path = join(files.path, 'others');
    const { objectCount } = await tab2file(archive.tables.fleeting, path, { extendedInfo: ['objectCount'] });
    expect([objectCount, (await file2tab(path, { verify: true })).size]).toEqual([ROWS + 50, ROWS + 50]);
    // @ts-expect-error A private table has no rows for others.
    const refused = await tab2file(archive.tables.hidden, path).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TableError);
    expect(refused).toMatchObject({ code: 'ERR_TABLE_ACCESS' });
    expect((await file2tab(path)).size).toBe(ROWS + 50);
  });

  it('rolls back what a handler loaded of a file that turns out to be damaged, and says so to the caller', async () => {
    const path = join(files.path, 'damaged');
    await archive.call.dump(path);
    await copy.tables.things.deleteAllObjects();
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 1));
    const error = await copy.call.load(path).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'ERR_CALL_THREW',
      cause: { code: 'ERR_TABFILE_TRUNCATED', details: { path } },
    });
    expect((error as { cause: unknown }).cause).toBeInstanceOf(TabfileError);
    expect(await copy.tables.things.size()).toBe(0);
  });
});

it('does what the README of the package says', async () => {
  const readme = await readFile(new URL('../packages/tabfile/README.md', import.meta.url), 'utf8');
  const blocks = [...readme.matchAll(/^```(\w+)(?: ([\w.-]+))?\n(.*?)^```$/gms)];
  const project = await mkdtemp(fileURLToPath(new URL('./dist/tabfile-readme-', import.meta.url)));
  try {
    await writeFile(join(project, 'package.json'), '{ "type": "module" }');
    const named = blocks.filter(([, , name]) => name !== undefined);
    expect(named.map(([, , name]) => name)).toEqual(['shop.worker.ts', 'move.ts']);
    for (const [, , name, text] of named) await writeFile(join(project, name ?? ''), text ?? '');
    const expected = blocks.find(([, language]) => language === 'text')?.[3];
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'move.ts'], { cwd: project });
    expect(stdout).toBe(expected);
  } finally {
    await rm(project, { recursive: true, force: true });
  }
});

async function thingsDefinition() {
  return (await import('./dist/workers/archive.worker.js')).default.tables.things;
}
