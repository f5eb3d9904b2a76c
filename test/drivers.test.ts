/**
 * The drivers: one suite for whatever a worker may run in, and what each cannot.
 *
 * Mutations that make this fail, each tried: nobody watches the handlers of threads; a thread is not given its resourceLimits
 * (Node's own are gigabytes); a failpoint's kill in a thread is the process's SIGKILL (it ends the test's own process); an inline life
 * that is cut off keeps its transaction, or is not told of it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildReference, RuntimeOptions, WorkerDriver, WorkerOptions, WorkerReference } from 'heirloom';
import { supervisor, worker } from 'heirloom';
import type { FaultTarget } from 'heirloom/testing';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { descendants } from './support/processes.js';
import { HonestClient } from './support/honest-client.js';
import { killRun } from './support/kill-run.js';
import { bankReference, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type drivenWorker from './workers/driven.worker.js';
import type hoarderWorker from './workers/hoarder.worker.js';

type Driven = WorkerReference<typeof drivenWorker>;
const driven = (name: string, options: WorkerOptions): Driven =>
  worker<typeof drivenWorker>(name, workerModule('driven'), options);

interface Started extends AsyncDisposable {
  readonly test: TestRuntime;
  /** Every process, thread or inline life that was started of a worker. */
  readonly started: readonly FaultTarget[];
}

async function start(
  children: readonly ChildReference[],
  options: Partial<Omit<RuntimeOptions, 'logger'>> = {},
): Promise<Started> {
  const directory = await testDirectory();
  const started: FaultTarget[] = [];
  const ports = {
    faults: (target: FaultTarget) => {
      if (target.kind === 'worker') started.push(target);
      return [];
    },
  };
  const test = await startTestRuntime(
    { directory: directory.path, root: patientRoot(...children), keeper: { standby: false }, ...options },
    ports,
  );
  return {
    test,
    started,
    async [Symbol.asyncDispose]() {
      await test[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

const DRIVERS: readonly WorkerDriver[] = ['process', 'thread', 'inline'];

describe.each(DRIVERS)('a worker under the driver %s', (driver) => {
  const options = { driver, standby: false } as const;
  const oneRef = driven('one', options);
  const twoRef = driven('two', options);

  it('runs calls, each as one transaction, and gives their errors (G1, G2)', async () => {
    await using runtime = await start([oneRef]);
    const one = runtime.test.runtime.worker(oneRef);
    expect(await one.call.increment('a')).toBe(1);
    expect(await Promise.all(Array.from({ length: 100 }, () => one.call.increment('a')))).toContain(101);
    expect(await one.call.slowly('s')).toBe(1);
    await one.call.both('kept', false);
    await expect(one.call.both('undone', true)).rejects.toMatchObject({ code: 'ERR_CALL_THREW', outcome: 'none' });
    expect(await one.tables.counters.lookup('undone')).toBeUndefined();
    expect(await one.tables.items.tab2list()).toEqual(
      expect.arrayContaining([
        { name: 's', count: 1 },
        { name: 'kept', count: 1 },
      ]),
    );
    await one.tables.counters.insert({ name: 'from outside', count: 7 });
    expect(await one.call.increment('from outside')).toBe(8);
  });

  it('says what it runs in', async () => {
    await using runtime = await start([oneRef]);
    const one = runtime.test.runtime.worker(oneRef);
    expect({ pid: typeof one.pid, threadId: typeof one.threadId }).toEqual({
      pid: driver === 'process' ? 'number' : 'undefined',
      threadId: driver === 'thread' ? 'number' : 'undefined',
    });
    expect(one.pid).not.toBe(process.pid);
  });

  it('is killed by its handle, and has its tables back in its next life (G1, G3, G6)', async () => {
    await using runtime = await start([oneRef]);
    const one = runtime.test.runtime.worker(oneRef);
    for (let life = 1; life <= 3; life++) {
      expect(await one.call.increment('a')).toBe(life);
      expect(one.epoch).toBe(life);
      const crash = once(runtime.test, 'crash');
      expect(one.kill()).toBe(true);
      expect(await crash).toMatchObject({ worker: 'one', epoch: life, signal: 'SIGKILL' });
    }
    expect(await one.call.increment('a')).toBe(4);
    expect(await one.tables.lives.tab2list()).toEqual([
      { life: 1, restarted: false },
      { life: 2, restarted: true },
      { life: 3, restarted: true },
      { life: 4, restarted: true },
    ]);
  });

  it('does what it was asked for once, however often it is killed meanwhile (G1, G2, G3)', async () => {
    const bankRef = bankReference('bank', { driver });
    await using runtime = await start([bankRef], { limits: { callTriesMax: 1_000 } });
    const bank = runtime.test.runtime.worker(bankRef);
    const client = new HonestClient(bank);
    for (let kills = 0; kills < 8; kills++) {
      await client.progress();
      // At a moment that has nothing to do with what it does.
      await delay(kills);
      await until('it is up', () => bank.kill());
    }
    await client.check();
  });

  it('is ended when a handler takes too long, and the call is rejected as poisoned; the others go on (G9)', async () => {
    await using runtime = await start([oneRef]);
    const one = runtime.test.runtime.worker(oneRef).with({ timeoutMs: 30_000 });
    const others = Array.from({ length: 5 }, () => one.call.increment('a'));
    const poisoned = one.call.neverSettles();
    const behind = Array.from({ length: 5 }, () => one.call.increment('a'));
    await expect(poisoned).rejects.toMatchObject({ code: 'ERR_CALL_POISONED', outcome: 'none' });
    expect(await Promise.all([...others, ...behind])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await one.tables.counters.lookup('never')).toBeUndefined();
    // Two deaths at least are known to be its doing, and cost the worker no restart of its intensity.
    expect(one.epoch).toBe(4);
  });

  it('stops in an orderly way, with the calls that it has', async () => {
    const directory = await testDirectory();
    const test = await startTestRuntime({ directory: directory.path, root: patientRoot(oneRef, twoRef) });
    const calls = Array.from({ length: 200 }, () => test.runtime.worker(oneRef).call.increment('a'));
    const closed = test.runtime.close();
    expect((await Promise.allSettled(calls)).every(({ status }) => status === 'fulfilled')).toBe(true);
    await closed;
    expect(test.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    await directory[Symbol.asyncDispose]();
  });

  it('logs into the log of the program', async () => {
    await using runtime = await start([oneRef]);
    await runtime.test.runtime.worker(oneRef).call.say('hello');
    const { lines } = runtime.test.log;
    await until('it was logged', () => lines.some(({ message }) => message === 'hello'));
    expect(lines.find(({ message }) => message === 'hello')).toMatchObject({
      level: 'warn',
      fields: { worker: 'one', process: 1, incarnation: 1, spoken: true },
    });
    // What is printed in the program is the program's own output.
    if (driver !== 'inline')
      await until('what it printed is there', () => lines.some(({ message }) => message === 'printed hello'));
  });

  it('gives tables away, and asks for tables of others, once (G3)', async () => {
    await using runtime = await start([oneRef, twoRef]);
    const one = runtime.test.runtime.worker(oneRef);
    const two = runtime.test.runtime.worker(twoRef);
    expect(await one.call.countAt('two', 'a')).toBe(1);
    expect(await two.call.countAt('one', 'b')).toBe(1);
    await expect(one.call.countAt('one', 'c')).rejects.toMatchObject({ code: 'ERR_CALL_THREW' });
    await one.call.give('two');
    expect(await two.call.told()).toEqual([{ table: 'one/items', from: 'one' }]);
    const restarted = once(runtime.test, 'recovered');
    two.kill();
    await restarted;
    expect(await two.call.told()).toEqual([{ table: 'one/items', from: 'one' }]);
    expect(await one.tables.items.lookup('a')).toEqual({ name: 'a', count: 1 });
  });

  it('is given up by its supervisor when it dies too often (G11)', async () => {
    const root = supervisor({ strategy: 'one_for_one', intensity: 1, periodMs: 60_000 }, [oneRef]);
    await using runtime = await start([], { root });
    const one = runtime.test.runtime.worker(oneRef);
    const failed = once(runtime.test, 'failed');
    await one.call.increment('a');
    one.kill();
    expect(await one.call.increment('a')).toBe(2);
    one.kill();
    expect(await failed).toMatchObject({ error: { code: 'ERR_RUNTIME_FAILED' } });
    expect(one.kill()).toBe(false);
  });

  it('has a standby where that saves time, and none otherwise', async () => {
    const reference = driven('one', { driver });
    await using runtime = await start([reference]);
    const one = runtime.test.runtime.worker(reference);
    expect(await one.call.increment('a')).toBe(1);
    if (driver !== 'inline') await until('the standby is started', () => runtime.started.length === 2);
    const recovered = once(runtime.test, 'recovered');
    one.kill();
    await recovered;
    expect(await one.call.increment('a')).toBe(2);
    if (driver !== 'inline') await until('so is the next one', () => runtime.started.length === 3);
    else expect(runtime.started.length).toBe(2);
  });

  it('follows the keeper to the next one (G1)', async () => {
    await using runtime = await start([oneRef], { keeper: { intensity: 100, standby: false } });
    const one = runtime.test.runtime.worker(oneRef);
    expect(await one.call.increment('a')).toBe(1);
    const recovered = once(runtime.test, 'keeper_recovered');
    process.kill(runtime.test.runtime.keeper.pid ?? Number.NaN, 'SIGKILL');
    expect(await one.call.increment('a')).toBe(2);
    await recovered;
    expect(one.epoch).toBe(1);
  });
});

describe.each(['process', 'thread'] as const)('a worker with a heap of its own (%s)', (driver) => {
  const limits =
    driver === 'process'
      ? { execArgv: ['--max-old-space-size=40'] }
      : { resourceLimits: { maxOldGenerationSizeMb: 40 } };
  const oneRef = driven('one', { driver, standby: false });

  it('dies alone when it has no memory left, and goes on in its next life (G2, G3)', async () => {
    const module = workerModule('hoarder');
    const hoarderRef = worker<typeof hoarderWorker>('hoarder', module, { driver, standby: false, ...limits });
    await using runtime = await start([hoarderRef], { limits: { callTriesMax: 1 } });
    const one = runtime.test.runtime.worker(hoarderRef).with({ timeoutMs: 50_000 });
    await one.call.increment('a');
    const crash = once(runtime.test, 'crash');
    await expect(one.call.hoard()).rejects.toMatchObject({ code: 'ERR_CALL_POISONED' });
    const { error, code, signal } = await crash;
    expect({ code, signal, error: (error as { code?: string } | undefined)?.code }).toEqual(
      driver === 'process'
        ? { code: null, signal: expect.stringMatching(/^SIG(ABRT|TRAP|ILL)$/), error: undefined }
        : { code: 1, signal: null, error: 'ERR_WORKER_OUT_OF_MEMORY' },
    );
    expect(await one.call.increment('a')).toBe(2);
    expect(await one.tables.counters.lookup('hoarded')).toBeUndefined();
  });

  it('is ended in an endless loop, with what it logged before (G9)', async () => {
    await using runtime = await start([oneRef], { limits: { callTriesMax: 1 } });
    const one = runtime.test.runtime.worker(oneRef).with({ timeoutMs: 30_000 });
    const exit = once(runtime.test, 'exit');
    await expect(one.call.sayAndLoop('last words')).rejects.toMatchObject({ code: 'ERR_CALL_POISONED' });
    const { lastLines } = await exit;
    expect(lastLines).toEqual(['begun', ...Array.from({ length: 10 }, (_, line) => `last words ${line}`)]);
    expect(await one.call.increment('a')).toBe(1);
  });

  it('says what it died of: an error outside of a handler, or an exit', async () => {
    await using runtime = await start([oneRef]);
    const one = runtime.test.runtime.worker(oneRef);
    const thrown = once(runtime.test, 'crash');
    await one.call.throwLater();
    expect(await thrown).toMatchObject({ code: 70, error: { message: 'thrown outside of a handler' } });
    const left = once(runtime.test, 'crash');
    await expect(one.with({ retry: 'never' }).call.exit(9)).rejects.toMatchObject({ code: 'ERR_CALL_NOT_RETRIED' });
    expect(await left).toMatchObject({ code: 9, signal: null, error: undefined });
  });

  it('cannot start a runtime', async () => {
    await using runtime = await start([oneRef]);
    expect(await runtime.test.runtime.worker(oneRef).call.nested()).toBe('ERR_RUNTIME_NESTED');
  });
});

describe('a thread', () => {
  it.each(['worker.handler:start', 'worker.handler:end', 'worker.journal:before', 'worker.journal:after'])(
    'that ends at %s has lost nothing and done nothing twice (G1, G2, G3)',
    async (point) => {
      const hits = [8, 2, 9];
      const faults = Object.fromEntries(
        hits.map((hit, index) => [`bank ${index + 1}`, [{ point, hit, action: 'kill' as const }]]),
      );
      const plan = { seed: 20_261_120, operations: 200, concurrency: 8, driver: 'thread' as const };
      await killRun({ ...plan, faults, workerDeaths: hits.length, keeperDeaths: 0 });
    },
  );

  it('loads a worker that is written in TypeScript', async () => {
    const module = new URL('workers/driven.worker.ts', import.meta.url);
    const reference = worker<typeof drivenWorker>('one', module, { driver: 'thread', standby: false });
    await using runtime = await start([reference]);
    expect(await runtime.test.runtime.worker(reference).call.increment('a')).toBe(1);
  });

  it('is refused with options that only a process can have (G11)', async () => {
    const reference = driven('one', { driver: 'thread', execArgv: ['--max-old-space-size=40'] });
    await expect(start([reference])).rejects.toMatchObject({ code: 'ERR_RUNTIME_OPTION' });
  });
});

describe('an inline worker', () => {
  const oneRef = driven('one', { driver: 'inline' });
  const twoRef = driven('two', { driver: 'inline' });

  it('starts no process but the keeper’s, and leaves nothing in the program', async () => {
    const before = listeners();
    {
      await using runtime = await start([oneRef]);
      expect((await descendants()).map(({ command }) => command)).toEqual(['heirloom keeper']);
      expect(await runtime.test.runtime.worker(oneRef).call.increment('a')).toBe(1);
      expect(listeners()).toEqual(before);
      expect(process.title).not.toMatch(/heirloom/);
    }
    expect(await descendants()).toEqual([]);
  });

  it('is cut off while it waits: nothing that it does then has an effect, and tables refuse it (G2, G6)', async () => {
    const meeting = meetingOf('one');
    await using runtime = await start([oneRef, twoRef]);
    const one = runtime.test.runtime.worker(oneRef).with({ timeoutMs: 30_000 });
    const call = one.call.meet('a', 'two');
    await meeting.reached(1);
    const crash = once(runtime.test, 'crash');
    expect(one.kill()).toBe(true);
    expect(await crash).toMatchObject({ worker: 'one', code: null, signal: 'SIGKILL', pid: undefined });
    await meeting.reached(2);
    meeting.goOn();
    expect(await call).toBe(1);
    // The first one went on in the program, with what it was lent.
    expect(meeting.seen).toEqual([
      { life: 1, changed: 'ERR_TABLE_CLOSED', asked: 'ERR_TABLE_CLOSED' },
      { life: 2, changed: undefined, asked: undefined },
    ]);
    expect(await one.tables.counters.lookup('a')).toEqual({ name: 'a', count: 1 });
    expect(await runtime.test.runtime.worker(twoRef).tables.counters.lookup('a')).toEqual({ name: 'a', count: 1 });
  });

  it('that kills itself ends behind what it does, and the call is done once (G3)', async () => {
    await using runtime = await start([oneRef]);
    const { test } = runtime;
    const one = test.runtime.worker(oneRef);
    const meeting = meetingOf('one');
    meeting.onChange = () => void one.kill();
    const recovered = once(test, 'recovered');
    expect(await one.call.changeThenTell('a')).toBe(1);
    await recovered;
    expect(await one.call.increment('a')).toBe(2);
  });

  it('keeps what its module holds outside of tables', async () => {
    await using runtime = await start([oneRef]);
    const one = runtime.test.runtime.worker(oneRef);
    const before = await one.call.countInModule();
    one.kill();
    expect(await one.call.countInModule()).toBe(before + 1);
  });

  it('says so when its module does not load (G11)', async () => {
    const missing = worker('gone', new URL('workers/gone.worker.js', import.meta.url), { driver: 'inline' });
    await expect(start([missing])).rejects.toMatchObject({ code: 'ERR_WORKER_NOT_FOUND' });
    const none = worker('none', new URL('support/condition.ts', import.meta.url), { driver: 'inline' });
    await expect(start([none])).rejects.toMatchObject({ code: 'ERR_WORKER_MODULE' });
  });
});

/** Where handlers of `driven` meet the test, in its own process: modules are loaded once. */
interface Meeting {
  readonly seen: unknown[];
  lives: number;
  isOver: boolean;
  onChange: () => void;
}

function meetingOf(name: string): Meeting & { reached(lives: number): Promise<unknown>; goOn(): void } {
  const meeting: Meeting = { seen: [], lives: 0, isOver: false, onChange: () => {} };
  (globalThis as Record<string, unknown>)[`heirloom test meeting ${name}`] = meeting;
  return Object.assign(meeting, {
    reached: (lives: number) => until(`life ${lives} has come`, () => meeting.lives >= lives),
    goOn: () => void (meeting.isOver = true),
  });
}

/** What nobody but the program itself may listen to. */
function listeners(): Record<string, number> {
  const events = ['uncaughtException', 'unhandledRejection', 'exit', 'beforeExit', 'SIGINT', 'SIGTERM'];
  return Object.fromEntries(events.map((event) => [event, process.listenerCount(event)]));
}

describe('the option driver', () => {
  it('is the default of the runtime for those that do not say', async () => {
    const oneRef = driven('one', { standby: false });
    const twoRef = driven('two', { standby: false, driver: 'process' });
    await using runtime = await start([oneRef, twoRef], { driver: 'thread' });
    const { test } = runtime;
    expect(test.runtime.worker(oneRef).threadId).toBeTypeOf('number');
    expect(test.runtime.worker(twoRef).pid).toBeTypeOf('number');
  });

  it('is checked, with the options that mean nothing under it (G11)', async () => {
    const wrong = { code: 'ERR_RUNTIME_OPTION' };
    const refused = (options: object): unknown => {
      try {
        return driven('one', options);
      } catch (error) {
        return error;
      }
    };
    expect(refused({ driver: 'fibre' })).toMatchObject(wrong);
    expect(refused({ driver: 'process', resourceLimits: { maxOldGenerationSizeMb: 40 } })).toMatchObject(wrong);
    expect(refused({ driver: 'inline', resourceLimits: { maxOldGenerationSizeMb: 40 } })).toMatchObject(wrong);
    expect(refused({ driver: 'inline', execArgv: ['--no-warnings'] })).toMatchObject(wrong);
    expect(refused({ driver: 'inline', env: { A: '1' } })).toMatchObject(wrong);
    expect(refused({ driver: 'thread', resourceLimits: { maxOldGenerationSizeMb: 'much' } })).toMatchObject(wrong);
    expect(refused({ driver: 'thread', resourceLimits: { maxMemory: 3 } })).toMatchObject(wrong);
    const limited = driven('one', { resourceLimits: { maxOldGenerationSizeMb: 40 } });
    await expect(start([limited])).rejects.toMatchObject(wrong);
    await expect(start([driven('one', {})], { driver: 'fibre' as WorkerDriver })).rejects.toMatchObject(wrong);
  });
});

type Events = Parameters<TestRuntime['runtime']['on']>[0];

function once<Event extends Events>(
  { runtime }: TestRuntime,
  event: Event,
): Promise<Parameters<Parameters<typeof runtime.on<Event>>[1]>[0]> {
  return new Promise((resolve) => {
    const off = runtime.on(event, (value) => {
      off();
      resolve(value);
    });
  });
}
