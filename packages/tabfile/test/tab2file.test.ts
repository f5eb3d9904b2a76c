/**
 * Writing: the path has all of the old or all of the new, whatever happens meanwhile, and nothing else is left in the directory.
 *
 * Mutations that make this fail, each tried: the file is written at its path; `discard` does not remove it; errors of the table are
 * wrapped; what is no regular file is replaced; the mode is not kept; a link is replaced; `sync` does not flush the file, or not its
 * directory; blocks are kept too long; the signal is looked at only at the start, not behind the last row, or by a handle once a block.
 */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, open, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { file2tab, readTabfile, tab2file, tabfileInfo, TabfileError } from '@heirloom/tabfile';
import type { Tab2fileOptions, TableByHandle, TableInMemory } from '@heirloom/tabfile';
import { row, Table, table, TableError } from '@heirloom/tables';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { testDirectory } from './directory.js';
import type { TestDirectory } from './directory.js';

const definition = table({
  row: row<{ id: number; text: string }>(),
  key: 'id',
  type: 'ordered_set',
  access: 'public',
});
/** About as many rows as two blocks take. */
const ROWS = 5_000;

let directory: TestDirectory;
let path: string;
beforeEach(async () => {
  directory = await testDirectory();
  path = directory.file('table');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await directory[Symbol.asyncDispose]();
});

function tableOf(rows: number): Table<typeof definition> {
  const made = new Table(definition, { name: 'things' });
  for (let id = 0; id < rows; id++) made.insert({ id, text: 'x'.repeat(40) });
  return made;
}

/** A table that is asked for, and fails or is told of each row. */
function byHandle(rows: AsyncIterable<unknown>, size = 0): TableByHandle {
  return { info: () => Promise.resolve({ ...tableOf(0).info(), size }), rows: () => rows };
}

async function* numbered(count: number, onRow: (id: number) => void = () => {}): AsyncGenerator {
  for (let id = 0; id < count; id++) {
    onRow(id);
    yield { id, text: 'y'.repeat(40) };
  }
}

async function* asyncRows(rows: Iterable<unknown>): AsyncGenerator {
  yield* rows;
}

const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });

describe('tab2file', () => {
  it('says what it wrote', async () => {
    const written = await tab2file(tableOf(3), path, { extendedInfo: ['objectCount'], sync: true });
    expect(written).toEqual({ objectCount: 3, bytes: (await stat(path)).size });
    expect(await tabfileInfo(path)).toEqual({
      ...tableOf(3).info(),
      name: 'things',
      size: 3,
      extendedInfo: ['objectCount'],
      formatVersion: 1,
    });
    expect(await directory.names()).toEqual(['table']);
  });

  it('takes a URL', async () => {
    await tab2file(tableOf(3), pathToFileURL(path));
    expect((await file2tab(pathToFileURL(path))).size).toBe(3);
  });

  it('shows readers the old file until the new one is whole', async () => {
    await tab2file(tableOf(1), path);
    const sizes: number[] = [];
    const rows = numbered(ROWS, (id) => sizes.push(id));
    const checked = byHandle(
      (async function* () {
        for await (const each of rows) {
          if (sizes.length % 1_000 === 1) expect((await file2tab(path)).size).toBe(1);
          yield each;
        }
      })(),
    );
    await tab2file(checked, path);
    expect([sizes.length, (await file2tab(path)).size]).toEqual([ROWS, ROWS]);
  });

  it('encodes rows as they come, in the memory of a block', async () => {
    let written = 0;
    const handle = await anyHandle();
    const write = vi.spyOn(handle, 'writeFile').mockImplementation(function (this: FileHandle, data) {
      written += (data as Uint8Array).length; // The encoder's pieces are bytes.
      return Promise.resolve();
    });
    let ahead = 0;
    let bytes = 0;
    await tab2file(
      byHandle(
        numbered(4 * ROWS, () => {
          bytes += 40;
          ahead = Math.max(ahead, bytes - written);
        }),
      ),
      path,
    );
    expect(write.mock.calls.length).toBeGreaterThan(6);
    expect(ahead).toBeLessThan(256 * 1024);
  });

  it('writes a table that changes meanwhile as its iteration shows it', async () => {
    const changing = tableOf(ROWS);
    const dump = tab2file(changing, path, { extendedInfo: ['objectCount'] });
    // The dump has not begun to iterate; these rows lie in front of it.
    changing.delete(0);
    for (let id = ROWS; id < ROWS + 10; id++) changing.insert({ id, text: 'late' });
    expect(await dump).toMatchObject({ objectCount: ROWS + 9 });
    expect((await tabfileInfo(path)).size).toBe(ROWS);
    expect((await file2tab(path, { verify: true })).size).toBe(ROWS + 9);
    await tab2file(byHandle(numbered(3), 2), path);
    await expect(file2tab(path, { verify: true })).rejects.toThrow(code('ERR_TABFILE_OBJECT_COUNT'));
  });

  it('flushes the file before the rename and the directory behind it with sync, and nothing without', async () => {
    const log: string[] = [];
    const handle = await anyHandle();
    vi.spyOn(handle, 'sync').mockImplementation(async function (this: FileHandle) {
      const isFile = (await this.stat()).isFile();
      log.push(`${isFile ? 'file' : 'directory'} while there is ${(await directory.names()).includes('table')}`);
    });
    await tab2file(tableOf(1), path);
    expect(log).toEqual([]);
    await rm(path);
    await tab2file(tableOf(1), path, { sync: true });
    expect(log).toEqual(['file while there is false', 'directory while there is true']);
  });

  it('follows a link, and keeps the mode of what it replaces', async () => {
    await writeFile(directory.file('target'), 'old');
    await chmod(directory.file('target'), 0o600);
    await symlink('target', path);
    await tab2file(tableOf(2), path);
    expect(await readlink(path)).toBe('target');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await file2tab(directory.file('target'))).size).toBe(2);
    expect(await directory.names()).toEqual(['table', 'target']);
  });
});

describe('a dump that fails', () => {
  async function expectUntouched(): Promise<void> {
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await directory.names()).toEqual(['table']);
  }
  beforeEach(() => writeFile(path, 'old'));

  it('leaves what was there when the table fails, and passes its error on', async () => {
    const failure = new TableError('ERR_TABLE_ACCESS', 'private', {});
    const failing = numbered(ROWS, (id) => {
      if (id === 4_000) throw failure;
    });
    await expect(tab2file(byHandle(failing), path)).rejects.toBe(failure);
    await expectUntouched();
    const lent: TableInMemory = {
      info: () => tableOf(0).info(),
      *[Symbol.iterator]() {
        yield { id: 1 };
        throw failure;
      },
    };
    await expect(tab2file(lent, path)).rejects.toBe(failure);
    await expectUntouched();
  });

  it('leaves what was there when a row cannot be written', async () => {
    await expect(
      tab2file(
        byHandle(
          (async function* () {
            yield { id: Symbol('no') };
          })(),
        ),
        path,
      ),
    ).rejects.toThrow(code('ERR_WIRE_VALUE'));
    await expectUntouched();
  });

  it.each(['writeFile', 'sync'] as const)('leaves what was there when %s fails', async (method) => {
    const handle = await anyHandle();
    const failure = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    let calls = 0;
    const original = handle[method];
    vi.spyOn(handle, method).mockImplementation(function (this: FileHandle, ...operands: never[]) {
      // The second write, so that there is a part to be removed.
      if (calls++ === (method === 'writeFile' ? 1 : 0)) return Promise.reject(failure);
      return Reflect.apply<FileHandle, never[], Promise<void>>(original, this, operands);
    });
    await expect(tab2file(tableOf(ROWS), path, { sync: true })).rejects.toMatchObject({
      code: 'ERR_TABFILE_WRITE',
      cause: failure,
    });
    vi.restoreAllMocks();
    await expectUntouched();
  });

  it('says that the new content is there when only the directory cannot be flushed', async () => {
    const handle = await anyHandle();
    let calls = 0;
    vi.spyOn(handle, 'sync').mockImplementation(() =>
      calls++ === 0 ? Promise.resolve() : Promise.reject(new Error('EIO')),
    );
    await expect(tab2file(tableOf(2), path, { sync: true })).rejects.toMatchObject({
      code: 'ERR_TABFILE_WRITE',
      message: expect.stringContaining('has its new content') as unknown,
    });
    expect((await file2tab(path)).size).toBe(2);
    expect(await directory.names()).toEqual(['table']);
  });

  it('leaves what has come there when the rename fails', async () => {
    const rows = (async function* () {
      await rm(path);
      await mkdir(path);
      yield { id: 1 };
    })();
    await expect(tab2file(byHandle(rows), path)).rejects.toMatchObject({
      code: 'ERR_TABFILE_WRITE',
      cause: { code: 'EISDIR' },
    });
    expect([await directory.names(), await readdir(path)]).toEqual([['table'], []]);
  });

  it('leaves what was there when its signal is aborted, at any time', async () => {
    const reason = new Error('enough');
    await expect(tab2file(tableOf(1), path, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: 'ERR_TABFILE_ABORTED',
      cause: reason,
    });
    await expectUntouched();
    for (const at of [10, ROWS - 1]) {
      const abort = new AbortController();
      const rows = numbered(ROWS, (id) => {
        if (id === at) abort.abort(reason);
      });
      await expect(tab2file(byHandle(rows), path, { signal: abort.signal })).rejects.toThrow(
        code('ERR_TABFILE_ABORTED'),
      );
      await expectUntouched();
    }
    const abort = new AbortController();
    const dump = tab2file(tableOf(ROWS), path, { signal: abort.signal });
    abort.abort(reason);
    await expect(dump).rejects.toThrow(code('ERR_TABFILE_ABORTED'));
    await expectUntouched();
  });

  it('leaves what was there when its signal is aborted behind the last row', async () => {
    for (const isByHandle of [true, false]) {
      const abort = new AbortController();
      const rows = function* (): Generator {
        yield { id: 1, text: 'all' };
        abort.abort();
      };
      const source = isByHandle
        ? byHandle(asyncRows(rows()))
        : { info: () => tableOf(0).info(), [Symbol.iterator]: rows };
      await expect(tab2file(source, path, { signal: abort.signal })).rejects.toThrow(code('ERR_TABFILE_ABORTED'));
      await expectUntouched();
    }
  });

  it('asks a handle for no further row once its signal is aborted', async () => {
    const abort = new AbortController();
    const seen: number[] = [];
    const rows = numbered(10, (id) => {
      seen.push(id);
      if (id === 3) abort.abort();
    });
    await expect(tab2file(byHandle(rows), path, { signal: abort.signal })).rejects.toThrow(code('ERR_TABFILE_ABORTED'));
    expect(seen).toEqual([0, 1, 2, 3]);
    await expectUntouched();
  });

  it('ends by its signal also where rows do not end', async () => {
    for (const isByHandle of [true, false]) {
      const abort = new AbortController();
      const onRow = (id: number): void => {
        if (id === ROWS) abort.abort();
        if (id > 4 * ROWS) throw new Error('The dump goes on.');
      };
      const endless: TableInMemory = {
        info: () => tableOf(0).info(),
        *[Symbol.iterator]() {
          for (let id = 0; ; id++) {
            onRow(id);
            yield { id, text: 'z'.repeat(40) };
          }
        },
      };
      const source = isByHandle ? byHandle(numbered(Infinity, onRow)) : endless;
      await expect(tab2file(source, path, { signal: abort.signal })).rejects.toThrow(code('ERR_TABFILE_ABORTED'));
      await expectUntouched();
    }
  });

  it('leaves what is no regular file alone', async () => {
    const folder = directory.file('folder');
    await mkdir(folder);
    const pipe = directory.file('pipe');
    execFileSync('mkfifo', [pipe]);
    for (const other of [folder, pipe, '/dev/null', directory.file('nowhere/table'), directory.file(`table/below`)]) {
      await expect(tab2file(tableOf(1), other)).rejects.toThrow(code('ERR_TABFILE_WRITE'));
    }
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
    expect(await readdir(folder)).toEqual([]);
    expect(await directory.names()).toEqual(['folder', 'pipe', 'table']);
  });

  it('refuses what it is not made for, before it writes', async () => {
    const good = tableOf(1);
    const options: readonly unknown[] = [
      null,
      'sync',
      { extendedinfo: [] },
      { extendedInfo: ['count'] },
      { extendedInfo: 'objectCount' },
      { extendedInfo: ['md5sum', 'md5sum'] },
      { sync: 1 },
      { signal: {} },
    ];
    for (const each of options) {
      await expect(tab2file(good, path, each as Tab2fileOptions)).rejects.toThrow(code('ERR_TABFILE_ARGUMENT'));
    }
    const strange = { info: () => ({ ...good.info(), type: 'queue' }), rows: () => numbered(1) };
    for (const each of [undefined, null, 'table', [], [{ id: 1 }], { rows: () => [] }, strange]) {
      await expect(tab2file(each as never, path)).rejects.toThrow(code('ERR_TABFILE_ARGUMENT'));
    }
    for (const each of ['', 'a\0b', 7, undefined, new URL('https://example.org/x')]) {
      await expect(tab2file(good, each as string)).rejects.toThrow(code('ERR_TABFILE_ARGUMENT'));
    }
    await expectUntouched();
  });
});

it('shows the class, the code and what to do', async () => {
  const error: unknown = await file2tab(path).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(TabfileError);
  expect(error).toMatchObject({ name: 'TabfileError', code: 'ERR_TABFILE_MISSING', details: { path } });
  expect((error as Error).message).toBe(`There is no table file ${path}. Check the path, or write one with tab2file.`);
  expect(() => readTabfile('')).toThrow(code('ERR_TABFILE_ARGUMENT'));
});

/** The class of file handles, which node:fs does not export, as something to spy on. */
async function anyHandle(): Promise<FileHandle> {
  const handle = await open('/dev/null');
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}
