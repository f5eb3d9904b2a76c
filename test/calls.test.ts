/**
 * What a call's promise says: results, errors, timeouts, cancellation, poison and bounds.
 *
 * Mutations that make this fail, each tried: G2, the worker does not roll back the second and third table of a handler that
 * throws; G3, deaths of suspects count against the worker's intensity; G9, the router's queue has no bound.
 */
import { CallError, HeirloomError, supervisor } from 'heirloom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import type { TestRuntime } from './support/runtime.js';
import { bankReference, patientRoot, startTestRuntime, troubleReference } from './support/runtime.js';

const bankRef = bankReference();
const troubleRef = troubleReference();

/** A runtime of a test's own, which kills its worker or has limits of its own. */
async function start(limits = {}): Promise<TestRuntime & { directory: TestDirectory }> {
  const directory = await testDirectory();
  const test = await startTestRuntime({ directory: directory.path, root: patientRoot(troubleRef), limits });
  return {
    ...test,
    directory,
    async [Symbol.asyncDispose]() {
      await test.runtime.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** A runtime for the tests in which nobody dies. */
let directory: TestDirectory;
let test: TestRuntime;
beforeAll(async () => {
  directory = await testDirectory();
  test = await startTestRuntime({ directory: directory.path, root: patientRoot(bankRef, troubleRef) });
});
afterAll(async () => {
  await test[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

describe('a handler that throws', () => {
  it('changes none of its three tables, and its error reaches the caller (G2)', async () => {
    const bank = test.runtime.worker(bankRef);
    await bank.call.deposit(1, 'alice', 5);
    const error = await bank.call.failingDeposit(2, 'alice', 7).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CallError);
    expect(error).toMatchObject({
      code: 'ERR_CALL_THREW',
      outcome: 'none',
      details: { worker: 'bank', call: 'failingDeposit' },
    });
    const { cause } = error as CallError;
    expect(cause).toBeInstanceOf(RangeError);
    expect((cause as Error).message).toBe('operation 2 fails on purpose');
    expect((cause as Error).stack).toContain('bank.worker');
    expect(await bank.call.sizes()).toEqual({ accounts: 1, entries: 1, log: 1 });
    expect(await bank.call.balance('alice')).toBe(5);
    await bank.call.deposit(3, 'alice', 1);
    await expect(bank.tables.entries.lookup('alice')).resolves.toEqual([
      { account: 'alice', operation: 1, amount: 5 },
      { account: 'alice', operation: 3, amount: 1 },
    ]);
  });
});

describe('a call that kills its worker', () => {
  it('is rejected as poisoned after three tries, and the others live on; the intensity sees one death (G3)', async () => {
    await using directory = await testDirectory();
    // One restart is allowed: deaths of the poisoned call beyond the first must not count.
    const root = supervisor({ strategy: 'one_for_one', intensity: 1, periodMs: 60_000 }, [troubleRef]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const trouble = test.runtime.worker(troubleRef).with({ timeoutMs: 30_000 });
    const before = Array.from({ length: 20 }, () => trouble.call.increment('a'));
    const poison = trouble.call.killItself();
    const after = Array.from({ length: 20 }, () => trouble.call.increment('a'));
    const poisoned: unknown[] = [];
    test.runtime.on('poisoned', (event) => poisoned.push(event));
    await expect(poison).rejects.toMatchObject({ code: 'ERR_CALL_POISONED', outcome: 'none' });
    const results = await Promise.all([...before, ...after]);
    expect(results).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    expect(await trouble.call.read('killed')).toBe(0);
    expect(poisoned).toEqual([{ worker: 'trouble', call: 'killItself', tries: 3 }]);
  });

  it('counts a handler that exceeds its time the same', { timeout: 60_000 }, async () => {
    await using test = await start({ callTriesMax: 1 });
    const trouble = test.runtime.worker(troubleRef).with({ timeoutMs: 50_000 });
    const looping = trouble.call.loopForever();
    const others = Promise.all([trouble.call.increment('b'), trouble.call.increment('b')]);
    await expect(looping).rejects.toMatchObject({ code: 'ERR_CALL_POISONED' });
    expect(await others).toEqual([1, 2]);
    expect(await trouble.call.read('looped')).toBe(0);
    // An asynchronous handler that never settles is stopped as well.
    await expect(trouble.call.neverSettles()).rejects.toMatchObject({ code: 'ERR_CALL_POISONED' });
  });

  it('is not run again when it must not be', async () => {
    await using test = await start();
    const trouble = test.runtime.worker(troubleRef).with({ retry: 'never' });
    await expect(trouble.call.killItself()).rejects.toMatchObject({ code: 'ERR_CALL_NOT_RETRIED', outcome: 'none' });
    expect(await trouble.call.read('killed')).toBe(0);
  });

  it.each([
    ['throws outside of a handler', 'throwLater'],
    ['rejects outside of a handler', 'rejectLater'],
  ] as const)('reports what a worker dies of when it %s', async (_name, call) => {
    await using test = await start();
    const trouble = test.runtime.worker(troubleRef);
    const crashes: { error: Error | undefined }[] = [];
    test.runtime.on('crash', (event) => crashes.push(event));
    await trouble.call[call]();
    await until('the crash is reported', () => crashes.length > 0);
    expect(crashes[0]?.error?.message).toContain('outside of a handler');
    expect(await trouble.call.increment('c')).toBe(1);
  });

  it('runs a call again after process.exit in its handler, then gives up', async () => {
    await using test = await start();
    const trouble = test.runtime.worker(troubleRef);
    await expect(trouble.call.exit(0)).rejects.toMatchObject({ code: 'ERR_CALL_POISONED', outcome: 'none' });
    expect(await trouble.call.increment('d')).toBe(1);
  });
});

describe('a call that is given up', () => {
  it('says that its outcome is unknown once it was sent, and is not run again', async () => {
    await using test = await start();
    const trouble = test.runtime.worker(troubleRef);
    const stuck = trouble.with({ timeoutMs: 100 }).call.neverSettles();
    await expect(stuck).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT', outcome: 'unknown' });
    process.kill(trouble.pid ?? Number.NaN, 'SIGKILL');
    // Were it run again, this would wait behind it for the handler's timeout.
    expect(await trouble.with({ timeoutMs: 3_000 }).call.increment('e')).toBe(1);
  });

  it('is withdrawn when it was not sent yet', async () => {
    await using test = await start({ sentCallsMax: 1 });
    const trouble = test.runtime.worker(troubleRef);
    const controller = new AbortController();
    const stuck = trouble.with({ timeoutMs: 200 }).call.neverSettles();
    stuck.catch(() => {});
    const waiting = trouble.with({ signal: controller.signal }).call.increment('f');
    controller.abort(new Error('changed my mind'));
    const error = await waiting.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_CALL_ABORTED', outcome: 'none' });
    expect(((error as CallError).cause as Error).message).toBe('changed my mind');
    await expect(stuck).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' });
    process.kill(trouble.pid ?? Number.NaN, 'SIGKILL');
    expect(await trouble.call.read('f')).toBe(0);
  });
});

describe('bounds and bad input', () => {
  it('refuses calls beyond the bound of the queue, and answers the others (G9)', async () => {
    await using test = await start({ waitingCallsMax: 10, sentCallsMax: 5 });
    const trouble = test.runtime.worker(troubleRef);
    const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => trouble.call.increment('g')));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    for (const { reason } of refused as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({ code: 'ERR_CALL_OVERLOADED', outcome: 'none' });
    }
    expect(refused.length).toBeGreaterThan(0);
    expect(await trouble.call.read('g')).toBe(40 - refused.length);
  });

  it('refuses unknown calls, tables and arguments with a typed error', async () => {
    const trouble = test.runtime.worker(troubleRef);
    const loose = trouble.call as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>; // As JavaScript would.
    await expect(loose['nothing']?.()).rejects.toMatchObject({ code: 'ERR_CALL_UNKNOWN', outcome: 'none' });
    await expect(loose['constructor']?.()).rejects.toMatchObject({ code: 'ERR_CALL_UNKNOWN' });
    await expect(trouble.call.echo(() => {})).rejects.toMatchObject({ code: 'ERR_CALL_ARGUMENTS', outcome: 'none' });
    await expect(trouble.call.echo('\ud800')).rejects.toMatchObject({ code: 'ERR_CALL_ARGUMENTS' });
    await expect(trouble.call.echo(new Uint8Array(40 * 1024 * 1024))).rejects.toMatchObject({
      code: 'ERR_CALL_ARGUMENTS',
    });
    const tables = trouble.tables as unknown as Record<string, { lookup(key: unknown): Promise<unknown> }>; // As JavaScript would.
    await expect(tables['nothing']?.lookup('a')).rejects.toBeInstanceOf(HeirloomError);
    expect(await trouble.call.increment('h')).toBe(1);
  });

  it('carries every kind of value there and back exactly', async () => {
    const trouble = test.runtime.worker(troubleRef);
    const values = [
      undefined,
      null,
      -0,
      Number.NaN,
      2n ** 80n,
      'ü𝄞',
      new Date(5),
      new Map([[{ a: 1 }, new Set([1n])]]),
      /x/gi,
      new Float64Array([1.5]),
    ];
    for (const value of values) expect(await trouble.call.echo(value)).toEqual(value);
    expect(Object.is(await trouble.call.echo(-0), -0)).toBe(true);
  });

  it('refuses the use of tables after the handler has settled', async () => {
    const trouble = test.runtime.worker(troubleRef);
    await trouble.call.afterSettled();
    await until('the late use is logged', () =>
      test.log.lines.some(({ message }) => message === 'late use: ERR_TABLE_CLOSED'),
    );
    expect(await trouble.call.read('late')).toBe(0);
  });
});

describe('close', () => {
  it('answers the calls that were made before it, and refuses later ones', async () => {
    await using directory = await testDirectory();
    const test = await startTestRuntime({ directory: directory.path, root: patientRoot(bankRef) });
    const bank = test.runtime.worker(bankRef);
    const calls = Array.from({ length: 500 }, (_, index) => bank.call.deposit(index, 'alice', 1));
    const closed = test.runtime.close();
    await expect(bank.call.balance('alice')).rejects.toMatchObject({ code: 'ERR_RUNTIME_CLOSED' });
    expect(await Promise.all(calls)).toHaveLength(500);
    await closed;
    await test.runtime.close();
    await using again = await startTestRuntime({ directory: directory.path, root: patientRoot(bankRef) });
    expect(await again.runtime.worker(bankRef).call.balance('alice')).toBe(500);
  });
});

describe('logging', () => {
  it("merges the workers' lines under their worker, their level and their process", async () => {
    await test.runtime.worker(troubleRef).call.say('hello');
    const line = (message: string) => test.log.lines.find((entry) => entry.message === message);
    await until('all three lines arrived', () => line('hello') && line('plain hello') && line('error hello'));
    const { pid } = test.runtime.worker(troubleRef);
    expect(line('hello')).toMatchObject({
      level: 'info',
      fields: { worker: 'trouble', incarnation: 1, spoken: true, pid },
    });
    expect(line('plain hello')).toMatchObject({ level: 'info', fields: { worker: 'trouble', stream: 'stdout' } });
    expect(line('error hello')).toMatchObject({ level: 'warn', fields: { worker: 'trouble', stream: 'stderr' } });
  });
});
