/**
 * Reading: what a file is compared with, and what becomes of the file.
 *
 * Mutations that make this fail, each tried: the version is not compared; the schema of the definition is not used; rows are counted
 * from the block's start; the reader is not closed when a loop ends early; a pipe is opened to wait; what is gone of a file that
 * became shorter is made up; `file2tab` looks at its signal only before it opens the file.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readlink, truncate, writeFile } from 'node:fs/promises';
import { file2tab, readTabfile, tab2file, tabfileInfo } from '@heirloom/tabfile';
import type { File2tabOptions } from '@heirloom/tabfile';
import { row, Table, table } from '@heirloom/tables';
import type { AnyTableDefinition } from '@heirloom/tables';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { testDirectory } from './directory.js';
import type { TestDirectory } from './directory.js';

interface Thing {
  id: number;
  text: string;
}
const definition = table({ row: row<Thing>(), key: 'id', type: 'ordered_set' });
const ROWS = 5_000;
const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });

let directory: TestDirectory;
let path: string;
beforeEach(async () => {
  directory = await testDirectory();
  path = directory.file('table');
  const written = new Table(definition);
  for (let id = 0; id < ROWS; id++) written.insert({ id, text: 'x'.repeat(40) });
  await tab2file(written, path);
});
afterEach(() => directory[Symbol.asyncDispose]());

/** How many descriptors of this process are open on the path. */
async function descriptors(): Promise<number> {
  const links = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(links.map((link) => readlink(`/proc/self/fd/${link}`).catch(() => '')));
  return targets.filter((target) => target === path).length;
}

describe('file2tab with a definition', () => {
  it('has its type', async () => {
    const loaded = await file2tab(path, { definition });
    expectTypeOf(loaded).toEqualTypeOf<Table<typeof definition>>();
    expectTypeOf(await file2tab(path)).toEqualTypeOf<Table<AnyTableDefinition>>();
    expectTypeOf(readTabfile(path, { definition })).toEqualTypeOf<AsyncIterable<Thing>>();
    expect(loaded.lookup(7)?.text.length).toBe(40);
  });

  it.each([
    ['type', table({ row: row<Thing>(), key: 'id', type: 'set' })],
    ['key', table({ row: row<Thing>(), key: 'text', type: 'ordered_set' })],
    ['key', table({ row: row<Thing>(), key: ['id'], type: 'ordered_set' })],
    ['version', table({ row: row<Thing>(), key: 'id', type: 'ordered_set', version: 2 })],
  ] as readonly (readonly [string, AnyTableDefinition])[])('refuses a file of another %s', async (field, other) => {
    const refusal = { code: 'ERR_TABFILE_MISMATCH', details: { field } };
    await expect(file2tab(path, { definition: other })).rejects.toMatchObject(refusal);
    const first = readTabfile(path, { definition: other })[Symbol.asyncIterator]().next();
    await expect(first).rejects.toMatchObject(refusal);
  });

  it('takes its own name, access and level, or the name of the file', async () => {
    const named = table({ row: row<Thing>(), key: 'id', type: 'ordered_set', access: 'private', name: 'other' });
    expect((await file2tab(path, { definition: named })).info()).toMatchObject({ name: 'other', access: 'private' });
    await tab2file(new Table(definition, { name: 'file' }), path);
    expect((await file2tab(path, { definition })).name).toBe('file');
  });

  it('validates each row with its schema, and says which it refuses', async () => {
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) => {
          const thing = value as Thing; // What was written above.
          return thing.id < 4_000 ? { value: { ...thing, text: 'y' } } : { issues: [{ message: 'too large' }] };
        },
        types: undefined as unknown as { input: unknown; output: Thing }, // Types only.
      },
    };
    const strict = table({ row: schema, key: 'id', type: 'ordered_set' });
    await expect(file2tab(path, { definition: strict })).rejects.toMatchObject({
      code: 'ERR_TABFILE_ROW',
      details: { row: 4_000 },
      cause: code('ERR_TABLE_SCHEMA'),
    });
    const few = new Table(definition);
    few.insert({ id: 1, text: 'x' });
    await tab2file(few, path);
    expect((await file2tab(path, { definition: strict })).tab2list()).toEqual([{ id: 1, text: 'y' }]);
  });
});

describe('a file that cannot be read', () => {
  it('is missing, or no regular file', async () => {
    const pipe = directory.file('pipe');
    execFileSync('mkfifo', [pipe]);
    await mkdir(directory.file('folder'));
    const cases = [
      [directory.file('nowhere'), 'ERR_TABFILE_MISSING'],
      [`${path}/below`, 'ERR_TABFILE_MISSING'],
      [directory.file('folder'), 'ERR_TABFILE_NOT_TABFILE'],
      [pipe, 'ERR_TABFILE_NOT_TABFILE'],
      ['/dev/zero', 'ERR_TABFILE_NOT_TABFILE'],
      [directory.file('x'.repeat(300)), 'ERR_TABFILE_READ'],
    ] as const;
    for (const [file, wanted] of cases) {
      await expect(file2tab(file)).rejects.toThrow(code(wanted));
      await expect(tabfileInfo(file)).rejects.toThrow(code(wanted));
      await expect(readTabfile(file)[Symbol.asyncIterator]().next()).rejects.toThrow(code(wanted));
    }
  });

  it('is called truncated when it becomes shorter meanwhile', async () => {
    let rows = 0;
    await expect(async () => {
      for await (const _ of readTabfile(path)) if (rows++ === 0) await truncate(path, 20_000);
    }).rejects.toThrow(code('ERR_TABFILE_TRUNCATED'));
    expect(rows).toBeLessThan(ROWS);
    await writeFile(path, '');
    await expect(file2tab(path)).rejects.toThrow(code('ERR_TABFILE_TRUNCATED'));
  });

  it('is still the old one when another takes its place meanwhile', async () => {
    const seen: unknown[] = [];
    for await (const { id } of readTabfile(path, { definition, verify: true })) {
      if (seen.push(id) === 1) await tab2file(new Table(definition), path);
    }
    expect(seen.length).toBe(ROWS);
    expect((await file2tab(path)).size).toBe(0);
  });
});

describe('a reader', () => {
  it('closes the file at the end, when the loop ends early, and when it fails', async () => {
    const rows = readTabfile(path);
    for await (const _ of rows) {
      if (process.platform === 'linux') expect(await descriptors()).toBe(1);
      break;
    }
    expect(await descriptors()).toBe(0);
    let count = 0;
    for await (const _ of rows) count++;
    expect([count, await descriptors()]).toEqual([ROWS, 0]);
    await tabfileInfo(path);
    await file2tab(path);
    await truncate(path, 100_000);
    await expect(file2tab(path)).rejects.toThrow(code('ERR_TABFILE_TRUNCATED'));
    await expect(tabfileInfo(directory.file('.'))).rejects.toThrow(code('ERR_TABFILE_NOT_TABFILE'));
    expect(await descriptors()).toBe(0);
  });

  it('ends when its signal is aborted', async () => {
    const abort = new AbortController();
    let rows = 0;
    await expect(async () => {
      for await (const _ of readTabfile(path, { signal: abort.signal })) if (rows++ === 0) abort.abort('enough');
    }).rejects.toMatchObject({ code: 'ERR_TABFILE_ABORTED', cause: 'enough' });
    expect(rows).toBeLessThan(ROWS);
    await expect(file2tab(path, { signal: abort.signal })).rejects.toThrow(code('ERR_TABFILE_ABORTED'));
    expect(await descriptors()).toBe(0);
  });

  it('ends between two blocks when its signal is aborted while a table is made of it', async () => {
    const abort = new AbortController();
    let rows = 0;
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) => {
          if (rows++ === 0) abort.abort('enough');
          return { value: value as Thing }; // What was written above.
        },
        types: undefined as unknown as { input: unknown; output: Thing }, // Types only.
      },
    };
    const slow = table({ row: schema, key: 'id', type: 'ordered_set' });
    await expect(file2tab(path, { definition: slow, signal: abort.signal })).rejects.toMatchObject({
      code: 'ERR_TABFILE_ABORTED',
      cause: 'enough',
    });
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThan(ROWS);
    expect(await descriptors()).toBe(0);
  });

  it('refuses options that there are not', async () => {
    const options: readonly unknown[] = [
      null,
      { verified: true },
      { verify: 'yes' },
      { definition: {} },
      { definition: null },
      { signal: 1 },
    ];
    for (const each of options) {
      await expect(file2tab(path, each as File2tabOptions<typeof definition>)).rejects.toThrow(
        code('ERR_TABFILE_ARGUMENT'),
      );
      expect(() => readTabfile(path, each as never)).toThrow(code('ERR_TABFILE_ARGUMENT'));
    }
    await expect(tabfileInfo(7 as never)).rejects.toThrow(code('ERR_TABFILE_ARGUMENT'));
  });
});
