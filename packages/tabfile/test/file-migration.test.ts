/**
 * Reading a file whose rows are of a lower version than the definition: they are migrated, all or none.
 *
 * Mutations that make this fail, each tried: the version is not looked at, or a higher one is migrated too; `migrate` is told the
 * definition's version; rows are put with `insert`, so that one takes the place of another; what `migrate` drops is inserted;
 * rows are counted from the block's start; readTabfile takes a lower version.
 */
import { file2tab, readTabfile, tab2file } from '@heirloom/tabfile';
import { row, Table, table } from '@heirloom/tables';
import type { AnyTableDefinition } from '@heirloom/tables';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testDirectory } from './directory.js';
import type { TestDirectory } from './directory.js';

interface Old {
  id: number;
  name: string;
  padding?: string;
}
interface New {
  name: string;
  ids: readonly number[];
}
const ROWS = 5_000; // More than a block.
const oldDefinition = table({ row: row<Old>(), key: 'id', type: 'ordered_set', version: 2 });

/** The present form: another key and type, and rows without a name dropped. */
const definition = table({
  row: row<New>(),
  key: 'name',
  type: 'set',
  version: 4,
  migrate: ({ id, name }: Old, fromVersion: number) => (name === '' ? undefined : { name, ids: [id, fromVersion] }),
});

let directory: TestDirectory;
let path: string;
beforeEach(async () => {
  directory = await testDirectory();
  path = directory.file('table');
});
afterEach(() => directory[Symbol.asyncDispose]());

async function write(nameOf: (id: number) => string, of: typeof oldDefinition = oldDefinition): Promise<void> {
  const written = new Table(of);
  for (let id = 0; id < ROWS; id++) written.insert({ id, name: nameOf(id), padding: 'x'.repeat(40) });
  await tab2file(written, path, { extendedInfo: ['objectCount', 'sha256sum'] });
}

describe('file2tab of a lower version', () => {
  it('migrates each row once, to another key and type, and drops what has no new row', async () => {
    await write((id) => (id % 2 === 0 ? `name ${id}` : ''));
    const loaded = await file2tab(path, { definition, verify: true });
    expect(loaded.size).toBe(ROWS / 2);
    expect(loaded.lookup('name 4998')).toEqual({ name: 'name 4998', ids: [4998, 2] });
    expect(loaded.info()).toMatchObject({ type: 'set', key: 'name', version: 4 });
  });

  it('gives the rows of a bag in their order, and keeps one of equal rows', async () => {
    const bag = table({
      row: row<{ parity: number; text: string }>(),
      key: 'parity',
      type: 'bag',
      version: 3,
      migrate: ({ id, name }: Old) => ({ parity: id % 2, text: name }),
    });
    await write((id) => `${id % 6}`);
    expect((await file2tab(path, { definition: bag })).tab2list()).toEqual(
      ['0', '2', '4', '1', '3', '5'].map((text) => ({ parity: Number(text) % 2, text })),
    );
  });

  it.each([
    [
      'throws',
      () => {
        throw new RangeError('no');
      },
      'threw: no',
      { name: 'RangeError' },
    ],
    ['returns no row', () => 7 as never, 'returned 7', undefined],
    ['is asynchronous', () => Promise.reject(new Error('late')) as never, 'is asynchronous', undefined],
    [
      'makes an unknown value',
      () => ({ name: (() => 1) as never, ids: [] }),
      'cannot hold',
      { code: 'ERR_TABLE_VALUE' },
    ],
  ])('has no table when migrate %s, and names the row', async (_case, fail, problem, cause) => {
    await write((id) => `name ${id}`);
    const failing = table({
      row: row<New>(),
      key: 'name',
      version: 3,
      migrate: ({ id, name }: Old) => (id === 4_000 ? fail() : { name, ids: [id] }),
    });
    const refusal = { code: 'ERR_TABFILE_MIGRATION', details: { path, row: 4_000, fromVersion: 2, version: 3 } };
    const loading = file2tab(path, { definition: failing });
    await expect(loading).rejects.toMatchObject({ ...refusal, ...(cause && { cause }) });
    await expect(loading).rejects.toThrow(problem);
  });

  it('has no table when two rows get one key, and names the second row and the key', async () => {
    await write((id) => (id === 4_321 ? 'name 7' : `name ${id}`));
    await expect(file2tab(path, { definition })).rejects.toMatchObject({
      code: 'ERR_TABFILE_MIGRATION',
      details: { row: 4_321, newKey: 'name 7' },
    });
  });

  it('is refused without a migrate function, and by readTabfile, which has no table for the new rows', async () => {
    await write((id) => `name ${id}`);
    const plain = table({ row: row<Old>(), key: 'id', type: 'ordered_set', version: 3 });
    const refusal = { code: 'ERR_TABFILE_MISMATCH', details: { field: 'version' } };
    await expect(file2tab(path, { definition: plain })).rejects.toMatchObject(refusal);
    await expect(file2tab(path, { definition: plain })).rejects.toThrow('migrate');
    await expect(readTabfile(path, { definition })[Symbol.asyncIterator]().next()).rejects.toMatchObject(refusal);
  });
});

describe('file2tab of another version', () => {
  it('refuses a higher one, also with a migrate function', async () => {
    await write((id) => `name ${id}`, table({ row: row<Old>(), key: 'id', type: 'ordered_set', version: 5 }) as never);
    await expect(file2tab(path, { definition })).rejects.toMatchObject({
      code: 'ERR_TABFILE_MISMATCH',
      details: { field: 'version' },
    });
    await expect(file2tab(path, { definition })).rejects.toThrow('later program');
  });

  it('takes rows of its own version as they are, and only from its own type and key', async () => {
    await write((id) => `name ${id}`);
    let calls = 0;
    const same = (key: 'id' | 'name'): AnyTableDefinition =>
      table({
        row: row<Old>(),
        key,
        type: 'ordered_set',
        version: 2,
        migrate: () => {
          calls++;
          return undefined;
        },
      });
    expect((await file2tab(path, { definition: same('id') })).size).toBe(ROWS);
    await expect(file2tab(path, { definition: same('name') })).rejects.toMatchObject({ details: { field: 'key' } });
    expect(calls).toBe(0);
  });
});
