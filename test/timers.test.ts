/**
 * Timers of real workers: G1, G2 and G3 for what a worker does later by itself.
 *
 * Mutations that make this fail:
 * - G1: timers are kept in memory only; a life that begins does not say which are due.
 * - Poison: the router does not discard a timer that kills its worker.
 * - Hidden: the keeper lists tables whose names begin with `$`, or answers `info` of them.
 *
 * That a timer is consumed by its handler's own batch, and by none that it is not of, is held by worker/test/timers.
 */
import type { Fault } from 'heirloom/testing';
import { worker } from 'heirloom';
import type { Runtime, RuntimeEvents, WorkerHandle, WorkerReference } from 'heirloom';
import type { TimerOptions } from 'heirloom/worker';
import { describe, expect, it } from 'vitest';
import type timerWorker from './workers/timer.worker.js';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { faultsIn, patientRoot, startTestRuntime, WITHOUT_STANDBY, workerModule } from './support/runtime.js';

type Timers = WorkerHandle<typeof timerWorker>;

const options = { keeper: WITHOUT_STANDBY, limits: { callTriesMax: 1_000 } } as const;

function timerReference(env: Record<string, string> = {}): WorkerReference<typeof timerWorker> {
  return worker<typeof timerWorker>('clock', workerModule('timer'), { ...WITHOUT_STANDBY, env });
}

function handle(runtime: Runtime, reference: WorkerReference<typeof timerWorker>): Timers {
  return runtime.worker(reference).with({ timeoutMs: 30_000 });
}

const fire = (name: string, more: Partial<TimerOptions> = {}): TimerOptions => {
  return { name, handler: 'fire', afterMs: 0, args: [name], ...more };
};

async function allGone(clock: Timers): Promise<void> {
  await until('every timer has fired', async () => (await clock.call.names()).length === 0);
}

const kill = (point: string, hits: readonly number[]): readonly (readonly Fault[])[] =>
  hits.map((hit) => [{ point, hit, action: 'kill' }]);

function lives(process: string, faults: readonly (readonly Fault[])[]): Record<string, readonly Fault[]> {
  return Object.fromEntries(faults.map((armed, index) => [`${process} ${index + 1}`, armed]));
}

const COUNT = 16;
const WORKER_POINTS = [
  'worker.timer:due',
  'worker.timer:consumed',
  'worker.handler:start',
  'worker.handler:end',
  'worker.journal:before',
  'worker.journal:after',
];
const KEEPER_POINTS = ['keeper.batch:received', 'keeper.commit:before', 'keeper.commit:after', 'keeper.replies:before'];

describe.concurrent('a timer fires once, whatever is killed (G1, G3)', () => {
  const run = async (faults: Record<string, readonly Fault[]>, deaths: string, count: number): Promise<void> => {
    await using directory = await testDirectory();
    const reference = timerReference();
    const root = patientRoot(reference);
    const ports = { faults: faultsIn(faults) };
    await using test = await startTestRuntime({ ...options, directory: directory.path, root }, ports);
    const clock = handle(test.runtime, reference);
    const names = Array.from({ length: COUNT }, (_, index) => `t${index}`);
    for (const [index, name] of names.entries()) await clock.call.start(fire(name, { afterMs: index * 5 }));
    await allGone(clock);
    await expect(Promise.all(names.map((name) => clock.call.count(name)))).resolves.toEqual(names.map(() => 1));
    // From the log, since some die before anyone can subscribe to events.
    expect(test.log.lines.filter(({ message }) => message === deaths).length).toBeGreaterThanOrEqual(count);
  };

  it.each(WORKER_POINTS)('worker at %s', async (point) => {
    const hits = [5, 2, 4, 3];
    await run(lives('clock', kill(point, hits)), 'a worker is gone', hits.length);
  });

  it.each(KEEPER_POINTS)('keeper at %s', async (point) => {
    const hits = [9, 5, 3];
    await run(lives('keeper', kill(point, hits)), 'the keeper is gone', hits.length);
  });

  it('worker and keeper together', async () => {
    const faults = {
      ...lives('clock', kill('worker.timer:consumed', [4, 3])),
      ...lives('keeper', kill('keeper.commit:before', [12, 6])),
    };
    await run(faults, 'a worker is gone', 2);
  });
});

describe.concurrent('timers of a worker', () => {
  const start = async (directory: string, env: Record<string, string> = {}, limits = {}) => {
    const reference = timerReference(env);
    const root = patientRoot(reference);
    const test = await startTestRuntime({ keeper: WITHOUT_STANDBY, limits, directory, root });
    return { ...test, clock: handle(test.runtime, reference) };
  };

  it('fire in the order of their times when the program is started again, also those that are overdue', async () => {
    await using directory = await testDirectory();
    {
      await using test = await start(directory.path);
      await test.clock.call.start(
        fire('late', { afterMs: 3_600_000 }),
        // Due when the program is down, or just up again.
        fire('second', { afterMs: 1_000 }),
        fire('kept', { afterMs: 86_400_000 }),
        fire('volatile', { afterMs: 3_600_000, survives: 'nothing' }),
      );
      await expect(test.clock.call.names()).resolves.toEqual(expect.arrayContaining(['late', 'kept', 'volatile']));
    }
    await using test = await start(directory.path);
    await until('the overdue one has fired', async () => (await test.clock.call.count('second')) === 1);
    await expect(test.clock.call.names()).resolves.toEqual(['late', 'kept']);
    await expect(test.clock.call.read('kept')).resolves.toSatisfy((ms: number) => ms > 86_000_000);
    await expect(test.clock.call.cancel('kept')).resolves.toBe(true);
    await expect(test.clock.call.cancel('kept')).resolves.toBe(false);
    await expect(test.clock.call.names()).resolves.toEqual(['late']);
  });

  it('were never started by a handler that threw, and are refused with a reason (G2)', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory.path);
    await expect(test.clock.call.startAndThrow(fire('ghost'))).rejects.toThrow('on purpose');
    await expect(test.clock.call.names()).resolves.toEqual([]);
    const refused = { cause: { name: 'WorkerError', code: 'ERR_WORKER_TIMER' } };
    await expect(test.clock.call.start(fire('x', { handler: 'misspelt' }))).rejects.toMatchObject(refused);
    await expect(test.clock.call.start(fire('x', { at: 1 }))).rejects.toMatchObject(refused);
  });

  it('are over when their handlers throw, which is logged, and nothing else of them is there', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory.path);
    await test.clock.call.start(fire('bad', { handler: 'fail' }));
    await allGone(test.clock);
    await expect(test.clock.call.count('bad')).resolves.toBe(0);
    const line = await until('it is logged', () =>
      test.log.lines.find(({ message }) => message.startsWith('the handler of a timer threw')),
    );
    expect(line.fields).toMatchObject({ timer: 'bad' });
  });

  it('repeat, and are taken out and reported when they kill their worker again and again', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory.path);
    const poisoned: RuntimeEvents['poisoned'][] = [];
    test.runtime.on('poisoned', (event) => void poisoned.push(event));
    await test.clock.call.start(fire('tick', { everyMs: 5 }));
    await test.clock.call.start(fire('killer', { handler: 'die', everyMs: 60_000 }));
    await until('the killer is reported', () => poisoned.length > 0);
    expect(poisoned).toEqual([{ worker: 'clock', call: '$timer.die', timer: 'killer', tries: 3 }]);
    await until('the killer is taken out', async () => !(await test.clock.call.names()).includes('killer'));
    const before = await test.clock.call.count('tick');
    await until('the other goes on', async () => (await test.clock.call.count('tick')) > before + 2);
    await expect(test.clock.call.names()).resolves.toEqual(['tick']);
  });

  it('wait in the store for code that has their handlers', async () => {
    await using directory = await testDirectory();
    {
      await using test = await start(directory.path);
      await test.clock.call.start(fire('patient', { afterMs: 86_400_000 }), fire('due', { afterMs: 86_400_000 }));
    }
    {
      await using test = await start(directory.path, { TIMERS: 'none' });
      await expect(test.clock.call.names()).resolves.toEqual(['patient', 'due']);
      expect(test.log.lines.some(({ message }) => message.startsWith('Timers are stored whose handlers'))).toBe(true);
      const noHandler = { cause: { code: 'ERR_WORKER_TIMER' } };
      await expect(test.clock.call.start(fire('x'))).rejects.toMatchObject(noHandler);
      await expect(test.clock.call.cancel('patient')).resolves.toBe(true);
    }
    await using test = await start(directory.path);
    await expect(test.clock.call.names()).resolves.toEqual(['due']);
    await test.clock.call.start(fire('due'));
    await allGone(test.clock);
    await expect(test.clock.call.count('due')).resolves.toBe(1);
  });

  it('are kept where nobody else looks (G12)', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory.path);
    const { clock, runtime } = test;
    await clock.call.start(fire('patient', { afterMs: 86_400_000 }));
    await expect(runtime.tables()).resolves.toMatchObject([{ worker: 'clock', table: 'fired' }]);
    const tables = clock.tables as unknown as Readonly<Record<string, Untyped>>; // As a client without types has them.
    for (const operation of ['info', 'size', 'lookup', 'rename', 'insert']) {
      await expect(tables['$life']?.[operation]?.(['timer', 'patient']), operation).rejects.toThrow(/\$life/);
    }
    const call = clock.call as unknown as Untyped;
    const unknown = { code: 'ERR_CALL_UNKNOWN' };
    await expect(call['$timer.fire']?.('patient', '1.1')).rejects.toMatchObject(unknown);
    await expect(call['$discardTimer']?.('patient', '1.1')).rejects.toMatchObject(unknown);
    const inTheOwner = call['$table.insert']?.('$life', { kind: 'timer', name: 'forged' });
    await expect(inTheOwner).rejects.toMatchObject({ cause: { code: 'ERR_WORKER_TABLE_UNKNOWN' } });
    await expect(clock.call.names()).resolves.toEqual(['patient']);
  });
});

type Untyped = Readonly<Record<string, (...operands: unknown[]) => Promise<unknown>>>;
