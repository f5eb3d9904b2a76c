import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { processPort } from '../src/process-driver.js';
import { BOOTSTRAP_BYTES_MAX, type ChildHandle, type SpawnOptions } from '../src/process-port.js';

const handles: ChildHandle[] = [];

afterEach(async () => {
  for (const handle of handles.splice(0)) {
    handle.kill('SIGKILL');
    await handle.exited;
  }
});

function spawn(order: object, options: Partial<SpawnOptions> = {}): ChildHandle {
  const handle = processPort.spawn({
    title: 'heirloom worker echo#1',
    module: new URL('./fixtures/echo.mjs', import.meta.url),
    execArgv: [],
    bootstrap: Buffer.from(JSON.stringify(order)),
    ...options,
  });
  handles.push(handle);
  return handle;
}

const next = async (handle: ChildHandle): Promise<string> => String((await once(handle.lifeline, 'data'))[0]);

test('reports the exit code, and the output is complete when it is closed', async () => {
  const handle = spawn({ code: 7 }, { execArgv: ['--no-warnings'] });
  await handle.spawned;
  expect(handle.pid).toBeGreaterThan(0);
  const [stdout, stderr, exit] = await Promise.all([text(handle.stdout), text(handle.stderr), handle.exited]);
  await handle.closed;
  expect(exit).toEqual({ code: 7, signal: null });
  expect(stderr).toBe('to stderr');
  expect(JSON.parse(stdout)).toMatchObject({ argv: ['heirloom worker echo#1'], execArgv: ['--no-warnings'] });
  expect(handle.kill('SIGKILL')).toBe(false);
});

test('hands on the environment without NODE_OPTIONS, or exactly the one that is given', async () => {
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = '--no-warnings';
  try {
    const inherited: unknown = JSON.parse(await text(spawn({ code: 0 }).stdout));
    expect(inherited).toMatchObject({ env: { PATH: process.env['PATH'] } });
    expect(inherited).not.toHaveProperty('env.NODE_OPTIONS');
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  }
  const handle = spawn({ code: 0 }, { env: { ONLY: 'this', NOT: undefined }, cwd: tmpdir() });
  const given: unknown = JSON.parse(await text(handle.stdout));
  expect(given).toMatchObject({ env: { ONLY: 'this' } });
  expect(given).not.toHaveProperty('env.PATH');
  expect(given).not.toHaveProperty('env.NOT');
});

test('the lifeline carries bytes both ways, and its end tells the parent that the child is gone (G10)', async () => {
  const handle = spawn({});
  expect(await next(handle)).toBe('ready');
  handle.lifeline.write('hello');
  expect(await next(handle)).toBe('echo hello');
  const ended = once(handle.lifeline, 'end');
  expect(handle.kill('SIGKILL')).toBe(true);
  expect(await handle.exited).toEqual({ code: null, signal: 'SIGKILL' });
  handle.lifeline.resume();
  await ended;
  await handle.closed;
});

test('the end of the lifeline tells the child that the parent is gone (G10)', async () => {
  const handle = spawn({});
  expect(await next(handle)).toBe('ready');
  handle.lifeline.end();
  expect(await handle.exited).toEqual({ code: 0, signal: null });
});

test('a stopped process is killed nevertheless', async () => {
  const handle = spawn({});
  expect(await next(handle)).toBe('ready');
  handle.kill('SIGSTOP');
  handle.kill('SIGKILL');
  expect(await handle.exited).toEqual({ code: null, signal: 'SIGKILL' });
});

test('writing to the lifeline of a dead child throws nothing', async () => {
  const handle = spawn({ code: 0 });
  handle.stdout.resume();
  await handle.exited;
  const settled = new Promise<void>((resolve) => handle.lifeline.write('too late', () => resolve()));
  await settled;
});

test('a module that does not exist is an exit, not a failed spawn', async () => {
  const handle = spawn({}, { module: new URL('./fixtures/missing.mjs', import.meta.url) });
  await handle.spawned;
  expect(await text(handle.stderr)).toContain('missing.mjs');
  expect(await handle.exited).toEqual({ code: 1, signal: null });
});

test.each([
  ['a directory that does not exist', { cwd: '/does/not/exist' }, 'ENOENT'],
  ['a bootstrap over the limit', { bootstrap: new Uint8Array(BOOTSTRAP_BYTES_MAX + 1) }, 'bootstrap'],
  ['a module that is no file', { module: new URL('https://example.com/x.mjs') }, 'file'],
])('%s is a typed failure of the spawn, and the exit settles (G11)', async (_, options, message) => {
  const handle = spawn({}, options);
  await expect(handle.spawned).rejects.toMatchObject({ code: 'ERR_PROCESS_SPAWN' });
  await expect(handle.spawned).rejects.toThrow(message);
  expect(await handle.exited).toEqual({ code: null, signal: null });
  await handle.closed;
  expect(handle.pid).toBeUndefined();
});
