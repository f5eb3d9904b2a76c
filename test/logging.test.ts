/**
 * What workers log and print: whole, in order, with who it was; nothing is lost, and nothing pretends to be another's.
 *
 * Mutations that make this fail, each tried: process.stdout is not captured; the descriptors stay non-blocking and a full pipe is not
 * waited for; fields of the names of bindings are kept; streams that a grandchild holds are waited for without a limit, keep the
 * program alive, or keep an unended line; the default level is warn.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { supervisor, worker } from 'heirloom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { isRunning } from './support/processes.js';
import { patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { LogLine, TestRuntime } from './support/runtime.js';
import type loggingWorker from './workers/logging.worker.js';

const loggingRef = worker<typeof loggingWorker>('logging', workerModule('logging'), { standby: false });
const neverRetried = { retry: 'never' } as const;

describe('the lines of a worker', () => {
  let directory: TestDirectory;
  let test: TestRuntime;

  beforeAll(async () => {
    directory = await testDirectory();
    test = await startTestRuntime({ directory: directory.path, root: patientRoot(loggingRef) });
  });
  afterAll(async () => {
    await test[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const bank = () => test.runtime.worker(loggingRef);
  const lines = (): readonly LogLine[] => test.log.lines;
  const messages = (): string[] => lines().map(({ message }) => message);
  const line = (message: string): Promise<LogLine> =>
    until(`the line ${message}`, () => lines().findLast((found) => found.message === message));
  const recovered = (): Promise<void> =>
    new Promise((resolve) => {
      const off = test.runtime.on('recovered', () => {
        off();
        resolve();
      });
    });

  it('say who wrote them, how bad it is, and when', async () => {
    const before = Date.now();
    await bank().call.log('warn', 'careful', { account: 'alice', __proto__x: 1 });
    const { level, fields } = await line('careful');
    expect(level).toBe('warn');
    expect(fields).toMatchObject({ worker: 'logging', pid: bank().pid, incarnation: bank().epoch, account: 'alice' });
    expect(fields['loggedAt']).toBeGreaterThanOrEqual(before);
    expect(fields['loggedAt']).toBeLessThanOrEqual(Date.now());
  });

  it('are there from before the first call on: of the module, and of init', async () => {
    expect(await line('printed while the module loads')).toMatchObject({
      level: 'info',
      fields: { worker: 'logging' },
    });
    expect((await line('logged in init')).fields).toMatchObject({ incarnation: 1 });
  });

  it('cannot say that somebody else wrote them', async () => {
    const forged = {
      worker: 'root',
      pid: 1,
      incarnation: 99,
      keeper: 1,
      process: 7,
      stream: 'x',
      loggedAt: 0,
      base64: '',
    };
    await bank().call.log('info', 'forged in the log', forged);
    const { pid, epoch } = bank();
    const printed = `${JSON.stringify({ level: 'error', msg: 'forged in print', time: 'never', ...forged })}\n`;
    await bank().call.print('stdout', [Buffer.from(printed)]);
    for (const message of ['forged in the log', 'forged in print']) {
      const { fields } = await line(message);
      expect(fields, message).toMatchObject({ worker: 'logging', pid, incarnation: epoch, workerFields: forged });
      expect(fields).not.toHaveProperty('keeper');
      expect(fields).not.toHaveProperty('stream');
    }
  });

  it('are messages when they only look like lines of the log', async () => {
    const texts = [
      '{"level":"info"}',
      '{"level":"loud","msg":"x"}',
      '{"level":"info","msg":5}',
      '{broken',
      '{}',
      '[1]',
    ];
    await bank().call.print('stdout', [Buffer.from(texts.map((text) => `${text}\n`).join(''))]);
    await bank().call.print('stderr', [Buffer.from('{"level":"debug","msg":"on stderr"}\n')]);
    for (const text of texts) expect(await line(text)).toMatchObject({ level: 'info', fields: { stream: 'stdout' } });
    expect(await line('{"level":"debug","msg":"on stderr"}')).toMatchObject({
      level: 'warn',
      fields: { stream: 'stderr' },
    });
  });

  it('are whole when they come in pieces, cut inside of characters', async () => {
    const text = 'Grüße 🎈 aus 東京';
    const bytes = Buffer.from(`${text}\n`);
    await bank().call.print(
      'stdout',
      Array.from(bytes, (byte) => Buffer.from([byte])),
    );
    expect((await line(text)).fields).toEqual(expect.not.objectContaining({ base64: expect.anything() as unknown }));
  });

  it('keep bytes that are no text', async () => {
    const bytes = Buffer.from([0x80, 0xff, 0x00, 0x41]);
    await bank().call.print('stderr', [bytes, Buffer.from('\n')]);
    const found = await until('the bytes', () => lines().find(({ fields }) => fields['base64'] !== undefined));
    expect(Buffer.from(String(found.fields['base64']), 'base64')).toEqual(bytes);
  });

  it('come in numbered parts when they are very long', async () => {
    const text = `${'ä'.repeat(700_000)}!`;
    await bank().call.print('stdout', [Buffer.from(`${text}\n`)]);
    await until('its end', () => messages().some((message) => message.endsWith('ä!')));
    const parts = lines().filter(({ fields }) => fields['part'] !== undefined);
    expect(parts.map(({ fields }) => fields['part'])).toEqual(parts.map((_, index) => index + 1));
    expect(parts.map(({ message }) => message).join('')).toBe(text);
    expect(parts.length).toBeGreaterThan(2);
  });

  it('have every field that can be written, and words for the others', async () => {
    await bank().call.logHostile();
    const { fields } = await line('hostile fields');
    expect(fields).toMatchObject({
      circular: { name: 'circle', itself: '[circular]' },
      error: {
        name: 'Error',
        message: 'outer',
        cause: { name: 'RangeError', code: 'E_INNER', details: { row: '7n' } },
      },
      big: '12n',
      broken: '[threw from a getter]',
    });
    expect((fields['error'] as { stack: string }).stack).toContain('logHostile');
    expect(fields['huge']).toMatch(/^x{16384}… \[of 1000000 characters\]$/);
    await until('the long message', () =>
      messages().some((message) => /^m{65536}… \[of 1000000 characters\]$/.test(message)),
    );
  });

  it('may come from the console, from children and threads, and from native code', async () => {
    await bank().call.console();
    await bank().call.printNatively();
    await bank().call.printInThread();
    for (const message of ['to the console: 1', 'from a child', 'from a thread']) {
      expect(await line(message), message).toMatchObject({
        level: 'info',
        fields: { worker: 'logging', stream: 'stdout' },
      });
    }
    for (const message of ['to the error console', 'from a child, too', 'from C++']) {
      expect(await line(message), message).toMatchObject({
        level: 'warn',
        fields: { worker: 'logging', stream: 'stderr' },
      });
    }
  });

  it('are in order, also around one that is larger than the pipe', async () => {
    const length = 2_000_000;
    await bank().call.printBetween(length);
    await line('after');
    const from = messages().lastIndexOf('before');
    const [, ...rest] = messages().slice(from);
    expect(rest.at(-1)).toBe('after');
    expect(rest.slice(0, -1).join('')).toBe('c'.repeat(length));
  });

  it('are all there after SIGKILL in a burst, whoever was slow', async () => {
    const from = lines().length;
    const isUpAgain = recovered();
    const call = bank()
      .with(neverRetried)
      .call.burst(100_000)
      .catch((error: unknown) => error);
    await Promise.all([call, isUpAgain]);
    const numbers = (): number[] =>
      messages()
        .slice(from)
        .flatMap((text) => (text.startsWith('line ') ? Number(text.slice(5)) : []));
    await until('the last line', () => messages().lastIndexOf('line 99999') >= from);
    expect(numbers()).toEqual(Array.from({ length: 100_000 }, (_, n) => n));
  });

  it('wait in the pipe for an embedding process that does not read, not in memory', async () => {
    const from = lines().length;
    const call = bank().call.flood(20_000, 1_000);
    await until('the first lines', () => lines().length > from);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    expect(await call).toBe(0);
    await until(
      'all lines',
      () =>
        messages()
          .slice(from)
          .filter((text) => text.startsWith('ff')).length === 20_000,
    );
  });

  it('are logged when they have no end, and do not hold up the recovery', async () => {
    const child = await bank().call.leaveChild();
    await line('the child is up');
    const isUpAgain = recovered();
    await bank()
      .with(neverRetried)
      .call.printUnended('without an end')
      .catch(() => {});
    await isUpAgain;
    expect(await isRunning(child)).toBe(true);
    await line('without an end');
    process.kill(child, 'SIGTERM');
    expect((await line('from the child, later')).fields).toMatchObject({ worker: 'logging' });
  });

  it('are told by Node itself when a process does not get as far as our code', async () => {
    await using place = await testDirectory();
    const broken = worker<typeof loggingWorker>('broken', workerModule('logging'), {
      standby: false,
      execArgv: ['--import', 'data:text/javascript,console.log("preloaded");throw new Error("no preload")'],
    });
    const [outcome] = await Promise.allSettled([
      startTestRuntime({ directory: place.path, root: supervisor({ strategy: 'one_for_one' }, [broken]) }),
    ]);
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_WORKER_START' } });
    const { lastLines } = (outcome as unknown as { reason: { details: { lastLines: string[] } } }).reason.details;
    expect(lastLines).toContain('preloaded');
    expect(lastLines.join('\n')).toContain('Error: no preload');
  });
});

describe('a program without a logger of its own', () => {
  it('sees crashes, restarts and what workers print, and ends although a grandchild holds their output', async () => {
    await using directory = await testDirectory();
    const program = new URL('./dist/workers/logging-program.js', import.meta.url).pathname;
    const { stderr, stdout } = await promisify(execFile)(process.execPath, [program, directory.path]);
    const read = stderr
      .split('\n')
      .filter(Boolean)
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(read.every(({ name }) => name === 'heirloom')).toBe(true);
    expect(read).toContainEqual(expect.objectContaining({ level: 30, worker: 'logging', msg: 'to the console: 1' }));
    expect(read).toContainEqual(expect.objectContaining({ level: 50, worker: 'logging', signal: 'SIGKILL' }));
    expect(read).toContainEqual(expect.objectContaining({ level: 30, worker: 'logging', msg: 'a worker is up again' }));
    process.kill(Number(stdout), 'SIGKILL');
  });
});
