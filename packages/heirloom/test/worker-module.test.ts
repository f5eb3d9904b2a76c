import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkerReferenceError } from '../src/errors.js';
import type { HostProcess, WorkerModule } from '../src/worker-module.js';
import { resolveWorkerModule } from '../src/worker-module.js';

const PLAIN_NODE: HostProcess = { execArgv: [], stripsTypes: false, resolve: () => undefined };
const STRIPPING_NODE: HostProcess = { ...PLAIN_NODE, stripsTypes: true };

let directory: string;
beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'heirloom-modules-')));
  for (const file of ['built.js', 'source.ts', 'view.tsx', 'module.mts', 'old.cts', 'both.js', 'both.ts']) {
    await writeFile(join(directory, file), '');
  }
  await mkdir(join(directory, 'folder.js'));
});
afterAll(() => rm(directory, { recursive: true }));

function resolved(file: string, execArgv: readonly string[] = [], host: HostProcess = PLAIN_NODE): WorkerModule {
  return resolveWorkerModule('w', pathToFileURL(join(directory, file)), execArgv, host);
}
function fileOf(name: string, host: HostProcess = STRIPPING_NODE): string {
  return resolved(name, [], host).url.pathname.slice(directory.length + 1);
}

describe('the file of a worker', () => {
  it('is the named one where that exists', () => {
    expect(fileOf('both.js')).toBe('both.js');
    expect(fileOf('both.ts')).toBe('both.ts');
  });

  it('is its source or what it is built to where only that exists', () => {
    expect(fileOf('source.js')).toBe('source.ts');
    expect(fileOf('module.mjs')).toBe('module.mts');
    expect(fileOf('old.cjs')).toBe('old.cts');
    expect(fileOf('built.ts')).toBe('built.js');
  });

  it('is never a directory, nor a file of another module system', () => {
    expect(() => fileOf('folder.js')).toThrow(expect.objectContaining({ code: 'ERR_WORKER_NOT_FOUND' }));
    expect(() => fileOf('source.mjs')).toThrow(expect.objectContaining({ code: 'ERR_WORKER_NOT_FOUND' }));
  });
});

describe('the options for Node', () => {
  const withTsx: HostProcess = { ...PLAIN_NODE, resolve: (from) => `${from.href}#tsx` };

  it("are the worker's own for JavaScript, whatever this process was started with", () => {
    const host = { ...withTsx, execArgv: ['--conditions', 'test', '--import', '/x/tsx/loader.mjs'] };
    expect(resolved('built.js', ['--no-warnings'], host).execArgv).toEqual(['--no-warnings']);
  });

  it("begin with the tsx that the worker's file resolves", () => {
    const { url, execArgv } = resolved('source.js', ['--no-warnings'], { ...withTsx, stripsTypes: true });
    expect(execArgv).toEqual(['--import', `${url.href}#tsx`, '--no-warnings']);
  });

  it.each([
    [['--import', 'file:///x/tsx/dist/loader.mjs'], 'file:///x/tsx/dist/loader.mjs'],
    [['--no-warnings', '--import=file:///x/tsx/dist/loader.mjs'], 'file:///x/tsx/dist/loader.mjs'],
  ])('take over the tsx of %j and nothing else', (hostOptions, loader) => {
    const host = { ...PLAIN_NODE, execArgv: ['--conditions', 'test', ...hostOptions, '--import', 'file:///other.mjs'] };
    expect(resolved('source.ts', [], host).execArgv).toEqual(['--import', loader]);
  });

  it('take over a tsx that is named as a package, which Node resolves from the working directory', () => {
    const resolve = (from: URL): string | undefined =>
      from.href.startsWith(pathToFileURL(process.cwd()).href) ? 'file:///cwd/tsx.mjs' : undefined;
    const host = { ...PLAIN_NODE, execArgv: ['--import', 'tsx'], resolve };
    expect(resolved('source.ts', [], host).execArgv).toEqual(['--import', 'file:///cwd/tsx.mjs']);
  });

  it.each([['--import=@swc-node/register/esm-register'], ['--experimental-strip-types'], ['-r', 'ts-node/register']])(
    "leave a loader to the worker's own %s",
    (...execArgv) => {
      expect(resolved('source.ts', execArgv).execArgv).toEqual(execArgv);
    },
  );

  it('are none where Node strips types, except the flag by which it does', () => {
    expect(resolved('source.ts', [], STRIPPING_NODE).execArgv).toEqual([]);
    const host = { ...STRIPPING_NODE, execArgv: ['--conditions=test', '--experimental-strip-types'] };
    expect(resolved('source.ts', [], host).execArgv).toEqual(['--experimental-strip-types']);
  });

  it('cannot be found where nothing loads TypeScript, nor for .tsx in a Node that strips types', () => {
    expect(() => resolved('source.ts')).toThrow(WorkerReferenceError);
    expect(() => resolved('source.ts')).toThrow(expect.objectContaining({ code: 'ERR_WORKER_TYPESCRIPT' }));
    expect(() => resolved('view.tsx', [], STRIPPING_NODE)).toThrow(/^Worker w is written in TypeScript/);
  });
});
