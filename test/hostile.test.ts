/**
 * What a hostile user can do: a program without types, and workers that damage their own process. Nothing ends the embedding
 * process, hangs it, or loses what was acknowledged (G1); whatever is refused is a typed error that says what to do (G11).
 *
 * Mutations that make this fail, each tried: handles answer for `toJSON`; the logger is not guarded; the names of calls have no
 * limit; a process that closes its lifeline is left alone; processes are started in the program's present directory; the keeper's
 * supervisor is known by its id alone; `select` takes any option; a process that said that it crashes is left alone; what a handler
 * threw is asked for its class unguarded; an error of `init` is passed on as it is.
 */
import { HeirloomError, startRuntime, supervisor, worker } from 'heirloom';
import type { Logger, Runtime, RuntimeOptions, SupervisorReference, WorkerHandle, WorkerOptions } from 'heirloom';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { descendants, isRunning } from './support/processes.js';
import { RecordingLogger, bankReference, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type hostileWorker from './workers/hostile.worker.js';

type Hostile = ReturnType<typeof hostileReference>;
type Untyped = Record<string, (...values: unknown[]) => Promise<unknown>>;

function hostileReference(how?: string, options: WorkerOptions = {}) {
  const env = how === undefined ? {} : { HOSTILE: how };
  return worker<typeof hostileWorker>('hostile', workerModule('hostile'), { env, ...options });
}

/** Whatever it throws, in a promise or at once. */
async function errorOf(act: () => unknown): Promise<unknown> {
  try {
    await act();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** A value of every kind that an option is hardly ever. */
function oddValues(): unknown[] {
  const cycle: Record<string, unknown> = {};
  cycle['itself'] = cycle;
  return [null, 5, 5n, Number.NaN, '', Symbol('odd'), () => {}, cycle, Object.create(null), [], 'x'.repeat(100_000)];
}

describe('options that are wrong (G11)', () => {
  const one = { strategy: 'one_for_one' } as const;
  const url = workerModule('bank');
  const wrongReferences: [string, () => unknown][] = [
    ...oddValues().flatMap((value): [string, () => unknown][] => [
      ['a name', () => worker(value as string, url)],
      ['a module', () => worker('a', value as URL)],
      ['children', () => supervisor(one, (Array.isArray(value) ? [value] : value) as [])],
      ['a child', () => supervisor(one, [value as SupervisorReference])],
      ['execArgv', () => worker('a', url, { execArgv: [value] as string[] })],
      ['env', () => worker('a', url, { env: { A: value as string } })],
    ]),
    ['a module over http', () => worker('a', new URL('http://localhost/a.js'))],
    ['a module of another host', () => worker('a', new URL('file://host/a.js'))],
    ['an unknown option of a worker', () => worker('a', url, { retries: 5 } as WorkerOptions)],
    ['an unknown option of a supervisor', () => supervisor({ ...one, maxRestarts: 5 } as typeof one, [])],
    [
      'too many levels',
      () =>
        Array.from({ length: 100_000 }).reduce<SupervisorReference>(
          (child) => supervisor(one, [child]),
          supervisor(one, []),
        ),
    ],
  ];

  it('are refused where a worker or a supervisor is named', async () => {
    for (const [what, act] of wrongReferences) {
      const error = await errorOf(act);
      // Any string is a fine argument and variable.
      if (error === undefined && (what === 'execArgv' || what === 'env')) continue;
      expect(error, what).toMatchObject({ code: 'ERR_RUNTIME_OPTION' });
      expect((error as Error).message.length, what).toBeLessThan(500);
    }
  });

  it('are refused by startRuntime before anything is started', async () => {
    await using directory = await testDirectory();
    const root = supervisor(one, []);
    const start = (options: object) => errorOf(() => startRuntime({ directory: directory.path, root, ...options }));
    for (const value of oddValues()) {
      const wrongs: object[] = [{ root: value }, { keeper: { intensity: value } }, { limits: { sentCallsMax: value } }];
      if (typeof value !== 'string' || value === '') wrongs.push({ directory: value });
      if (value !== null) wrongs.push({ logger: value }, { keeper: { standby: value } });
      if (!isEmptyObject(value)) wrongs.push({ keeper: value }, { limits: value });
      for (const wrong of wrongs) {
        if ((wrong as { keeper?: { intensity?: unknown } }).keeper?.intensity === 5) continue;
        if ((wrong as { limits?: { sentCallsMax?: unknown } }).limits?.sentCallsMax === 5) continue;
        expect(await start(wrong), inspect(wrong)).toMatchObject({ code: 'ERR_RUNTIME_OPTION' });
      }
      if (value === null || typeof value === 'function') continue;
      for (const options of [
        { strategy: value },
        { intensity: value === 5 ? -1 : value },
        { id: value === '' ? 5 : value },
      ]) {
        if (typeof (options as { id?: unknown }).id === 'string') continue;
        const wrong = supervisor({ ...one, ...(options as typeof one) }, []);
        expect(await start({ root: wrong }), inspect(options)).toMatchObject({ code: 'ERR_SUPERVISOR_SPEC' });
      }
    }
    for (const options of [undefined, null, 5, { directory: directory.path, root, directroy: 'x' }]) {
      const error = await errorOf(() => startRuntime(options as RuntimeOptions));
      expect(error).toMatchObject({ code: 'ERR_RUNTIME_OPTION' });
    }
    expect(await start({ root: supervisor(one, [bankReference(), bankReference()]) })).toMatchObject({
      code: 'ERR_WORKER_DUPLICATE',
    });
    expect(await descendants()).toEqual([]);
  });

  function isEmptyObject(value: unknown): boolean {
    return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
  }

  it('and directories that cannot be used are told apart from those that can', async () => {
    const root = supervisor(one, []);
    for (const directory of ['/dev/null', '/proc/heirloom', 'a\0b', `/tmp/${'x'.repeat(5_000)}`]) {
      const error = await errorOf(() => startRuntime({ directory, root, logger: new RecordingLogger() }));
      expect(error, directory).toMatchObject({ code: 'ERR_STORE_DIRECTORY' });
    }
    const before = process.env['TMPDIR'];
    try {
      process.env['TMPDIR'] = '/nonexistent';
      const error = await errorOf(() => startRuntime({ directory: '/nonexistent/store', root }));
      expect(error).toMatchObject({ code: 'ERR_RUNTIME_START' });
      expect((error as Error).message).toContain('TMPDIR');
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  });
});

describe('a worker that does not start (G11)', () => {
  it.each([
    ['never_loads', 'ERR_SUPERVISOR_START_TIMEOUT'],
    ['init_never_settles', 'ERR_SUPERVISOR_START_TIMEOUT'],
    ['init_throws_null', 'ERR_WORKER_INIT'],
    ['exits', 'ERR_WORKER_START'],
  ])('as it %s is what startRuntime rejects with', async (how, code) => {
    await using directory = await testDirectory();
    const root = patientRoot(hostileReference(how, { startTimeoutMs: 2_000 }));
    const error = await errorOf(() => startTestRuntime({ directory: directory.path, root }));
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain('hostile');
    expect(await descendants()).toEqual([]);
  });

  it('as Node refuses its options says so', async () => {
    await using directory = await testDirectory();
    const root = patientRoot(hostileReference(undefined, { execArgv: ['--no-such-option'] }));
    const error = await errorOf(() => startTestRuntime({ directory: directory.path, root }));
    expect(error).toMatchObject({ code: 'ERR_WORKER_START' });
  });
});

describe('a running runtime', () => {
  let directory: TestDirectory;
  let test: TestRuntime;
  let runtime: Runtime;
  let reference: Hostile;
  let hostile: WorkerHandle<typeof hostileWorker>;
  let calls: Untyped;
  let tables: Record<string, Untyped>;

  beforeAll(async () => {
    directory = await testDirectory();
    reference = hostileReference();
    test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    ({ runtime } = test);
    hostile = runtime.worker(reference);
    // As JavaScript uses them.
    calls = hostile.call as unknown as Untyped;
    tables = hostile.tables as unknown as Record<string, Untyped>;
  });
  afterAll(async () => {
    await test.runtime.close();
    await directory[Symbol.asyncDispose]();
  });

  it('is not called by whatever looks at its handles', async () => {
    const epoch = hostile.epoch;
    expect(JSON.stringify(hostile)).toContain('"name":"hostile"');
    for (const object of [hostile.call, hostile.tables, hostile.tables.items]) {
      expect(JSON.stringify(object)).toBe('{}');
      expect(String(object as unknown)).toBe('[object Object]');
      expect(await Promise.resolve(object)).toBe(object);
      expect(inspect(object)).toBe('{}');
    }
    // A call made by mistake would be rejected by now, without anybody to handle it.
    await hostile.call.increment();
    expect(hostile.epoch).toBe(epoch);
  });

  it('refuses wrong options, references and events, and names the right ones', async () => {
    for (const options of [null, undefined, 5, 'x', [], { timeout: 5 }, { timeoutMs: Object.create(null) }]) {
      expect(await errorOf(() => hostile.with(options as object))).toMatchObject({ code: 'ERR_RUNTIME_OPTION' });
    }
    for (const wrong of [{}, null, undefined, 5, Symbol('x'), hostileReference()]) {
      const error = await errorOf(() => runtime.worker(wrong as Hostile));
      expect(error).toMatchObject({ code: 'ERR_WORKER_UNKNOWN' });
    }
    for (const [event, listener] of [
      ['crashed', () => {}],
      ['__proto__', () => {}],
      ['crash', undefined],
    ] as const) {
      const error = await errorOf(() => runtime.on(event as 'crash', listener as () => void));
      expect(error).toMatchObject({ code: 'ERR_RUNTIME_OPTION' });
    }
  });

  it('refuses calls of unknown names, also ten thousand at once and endless ones (G9)', async () => {
    const patient = hostile.with({ timeoutMs: 60_000 }).call as unknown as Untyped; // As above.
    const unknown = await Promise.allSettled(Array.from({ length: 10_000 }, async () => patient['nothing']?.()));
    const codes = unknown.map((one) => (one as { reason?: { code?: string } }).reason?.code);
    expect(new Set(codes)).toEqual(new Set(['ERR_CALL_UNKNOWN']));
    for (const name of ['', '\ud800', 'prototype', 'x'.repeat(100_000_000)]) {
      expect(await errorOf(() => calls[name]?.())).toMatchObject({ code: 'ERR_CALL_UNKNOWN', outcome: 'none' });
    }
    expect(await calls['constructor']?.()).toBe('a call like others');
  });

  it('refuses arguments that are no values', async () => {
    const trap = { ownKeys: () => raise(null) };
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const values = [
      () => {},
      Symbol('x'),
      new Proxy({}, trap),
      revoked.proxy,
      new SharedArrayBuffer(8),
      new URL('file:///x'),
      { [Symbol('x')]: 1 },
      Array.from({ length: 100_000 }).reduce<unknown>((inner) => [inner], 1),
      Object.defineProperty({}, 'a', { get: () => raise(new Error('a getter')), enumerable: true }),
    ];
    for (const value of values) {
      const error = await errorOf(() => hostile.call.echo(value));
      expect(error, inspect(error)).toMatchObject({ code: 'ERR_CALL_ARGUMENTS', outcome: 'none' });
    }
    // A field of this name is a field like any other.
    const polluting: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
    expect(Object.keys((await hostile.call.echo(polluting)) as object)).toEqual(['__proto__']);
    expect({}).not.toHaveProperty('polluted');
  });

  it.each([
    'thenThrows',
    'thenGetter',
    'throwNull',
    'throwProxy',
    'throwCycle',
    'returnFunction',
    'returnProxy',
    'returnCycle',
    'returnTooMuch',
  ])('answers a handler that misbehaves (%s) with its error, undoes it, and keeps the worker (G2)', async (how) => {
    const { pid } = hostile;
    expect(await errorOf(() => hostile.call.misbehave(how))).toMatchObject({ code: 'ERR_CALL_THREW', outcome: 'none' });
    expect(await hostile.tables.items.member('misbehaved')).toBe(false);
    expect(hostile.pid).toBe(pid);
  });

  it('refuses rows, keys, conditions and cursors that cannot be (G7)', async () => {
    const { items } = tables as { items: Untyped };
    const refused: [string, unknown[]][] = [
      ...[undefined, Number.NaN, {}, [undefined], new Map(), 'x'.repeat(5_000), Symbol('x')].flatMap(
        (key): [string, unknown[]][] => [
          ['lookup', [key]],
          ['insert', [{ id: key, count: 1 }]],
        ],
      ),
      ...[undefined, null, 5, [], { count: 1 }, new Date(0)].map((row): [string, unknown[]] => ['insert', [row]]),
      ['insertMany', [5]],
      ['updateCounter', ['n', null]],
      ...[5, null, [], { id: { near: 1 } }, { id: undefined }, { id: { in: 5 } }].map((where): [string, unknown[]] => [
        'select',
        [{ where }],
      ]),
      ...[0, -1, Number.NaN, '5', null].map((limit): [string, unknown[]] => ['select', [{ limit }]]),
      ...[5, null, { keyBytes: 'x', sequence: 0 }, { keyBytes: new Uint8Array(9_999), sequence: -1 }].map(
        (after): [string, unknown[]] => ['selectPage', [{ after }]],
      ),
      ['select', [{ were: { id: 'n' } }]],
      ['select', [5]],
    ];
    for (const [operation, operands] of refused) {
      const error = await errorOf(() => items[operation]?.(...operands));
      expect(error, `${operation} ${inspect(operands)}`).toBeInstanceOf(HeirloomError);
    }
    expect(await items['select']?.({ limit: 1e9 })).toBeInstanceOf(Array);
    for (const name of ['prototype', 'toLocaleString', '$x', '', 'x'.repeat(1_000_000)]) {
      const error = await errorOf(() => tables[name]?.['lookup']?.('a'));
      expect(error).toMatchObject({ code: 'ERR_TABLE_ARGUMENT' });
    }
    await tables['hasOwnProperty']?.['insert']?.({ id: 'a', count: 1 });
    expect(await tables['hasOwnProperty']?.['lookup']?.('a')).toEqual({ id: 'a', count: 1 });
  });

  it.each([
    ['closeLifeline', true],
    ['garbageOnLifeline', false],
    ['hangWhileExiting', true],
    ['neverExit', true],
    ['removeListeners', true],
    ['flood', false],
  ])('outlives a worker that sabotages its process: %s', async (how, dies) => {
    const before = await hostile.call.increment();
    const pid = hostile.pid ?? Number.NaN;
    await hostile.call.sabotage(how);
    if (dies) await until('the process is replaced', async () => hostile.pid !== pid && !(await isRunning(pid)));
    expect(await hostile.with({ timeoutMs: 15_000 }).call.increment()).toBe(before + 1);
    if (!dies) expect(hostile.pid).toBe(pid);
  });
});

describe('the embedding program', () => {
  it('may have a logger that throws', async () => {
    await using directory = await testDirectory();
    const broken = (): never => raise(new Error('the disk of the logs is full'));
    const logger: Logger = { debug: broken, info: broken, warn: broken, error: broken, child: broken };
    const reference = hostileReference();
    await using runtime = await startRuntime({ directory: directory.path, root: patientRoot(reference), logger });
    const hostile = runtime.worker(reference);
    await hostile.call.sabotage('flood');
    process.kill(hostile.pid ?? Number.NaN, 'SIGKILL');
    expect(await hostile.call.increment()).toBe(1);
  });

  it('may close the runtime in a listener, several times, and use its handles afterwards', async () => {
    await using directory = await testDirectory();
    const reference = hostileReference();
    const test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const { runtime } = test;
    const hostile = runtime.worker(reference);
    const closed = new Promise<void>((resolve) => {
      runtime.on('crash', () => void runtime.close().then(resolve));
    });
    process.kill(hostile.pid ?? Number.NaN, 'SIGKILL');
    await closed;
    await Promise.all([runtime.close(), runtime[Symbol.asyncDispose]()]);
    for (const use of [() => hostile.call.increment(), () => hostile.tables.items.lookup('n')]) {
      expect(await errorOf(use)).toMatchObject({ code: 'ERR_RUNTIME_CLOSED' });
    }
    expect(await descendants()).toEqual([]);
  });

  it('cannot start a second runtime on a directory (G11)', async () => {
    await using directory = await testDirectory();
    const reference = hostileReference();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const second = { directory: directory.path, root: patientRoot(reference), keeper: { lockWaitMs: 100 } };
    expect(await errorOf(() => startTestRuntime(second))).toMatchObject({ code: 'ERR_STORE_LOCKED' });
    expect(await test.runtime.worker(reference).call.increment()).toBe(1);
  });

  it('may change its working directory, and remove it', async () => {
    await using directory = await testDirectory();
    const reference = hostileReference(undefined, { standby: false });
    const before = process.cwd();
    const gone = await mkdtemp(join(tmpdir(), 'heirloom-test-'));
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const hostile = test.runtime.worker(reference);
    try {
      process.chdir(gone);
      await rm(gone, { recursive: true });
      process.kill(hostile.pid ?? Number.NaN, 'SIGKILL');
      expect(await hostile.call.directory()).toBe(await realpath(before));
      const start = errorOf(() => startRuntime({ directory: directory.path, root: patientRoot(reference) }));
      expect(await start).toMatchObject({ code: 'ERR_RUNTIME_START' });
    } finally {
      await mkdir(gone, { recursive: true });
      process.chdir(before);
      await rm(gone, { recursive: true });
    }
  });

  it('may name a supervisor of its own like the one of the keeper', async () => {
    await using directory = await testDirectory();
    const [inner, outer] = [bankReference('inner'), bankReference('outer')];
    const root = supervisor({ strategy: 'one_for_one', intensity: 5 }, [
      supervisor({ strategy: 'one_for_one', intensity: 0, id: 'keeper-supervisor' }, [inner]),
      outer,
    ]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    process.kill(test.runtime.worker(inner).pid ?? Number.NaN, 'SIGKILL');
    expect(await test.runtime.worker(inner).call.balance('a')).toBe(0);
    expect(await test.runtime.worker(outer).call.deposit(1, 'a', 1)).toBeDefined();
  });
});

function raise(error: unknown): never {
  throw error;
}
