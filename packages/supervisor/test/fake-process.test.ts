import { once } from 'node:events';
import { expect, test } from 'vitest';
import { FakeProcessPort } from '../src/fake-process.js';
import type { SpawnOptions } from '../src/process-port.js';

const options: SpawnOptions = {
  title: 'fake',
  module: new URL('file:///fake.mjs'),
  execArgv: [],
  bootstrap: Buffer.from('hello'),
};

test('the bootstrap is what the child reads first, and its answer reaches the parent', async () => {
  const port = new FakeProcessPort(({ childLifeline }) => {
    childLifeline.once('data', (bytes) => childLifeline.write(`got ${bytes}`));
  });
  const handle = port.spawn(options);
  expect(String((await once(handle.lifeline, 'data'))[0])).toBe('got hello');
});

test('dies of signals it does not ignore, and its lifeline ends', async () => {
  const port = new FakeProcessPort();
  const handle = port.spawn(options);
  port.processes[0]?.ignored.add('SIGTERM');
  expect(handle.kill()).toBe(true);
  expect(port.processes[0]?.isAlive).toBe(true);
  const ended = once(handle.lifeline.resume(), 'end');
  handle.kill('SIGKILL');
  expect(await handle.exited).toEqual({ code: null, signal: 'SIGKILL' });
  await ended;
  expect(handle.kill('SIGKILL')).toBe(false);
});

test('fails the next spawn when told to', async () => {
  const port = new FakeProcessPort();
  port.nextFailure = new Error('EAGAIN');
  await expect(port.spawn(options).spawned).rejects.toMatchObject({ code: 'ERR_PROCESS_SPAWN' });
  await expect(port.spawn(options).spawned).resolves.toBeUndefined();
});
