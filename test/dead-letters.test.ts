/**
 * Dead letters: calls and casts that were given up are stored with their error, are there after a restart of the program, and can be
 * run again, once, or deleted (G1, G3, G11).
 *
 * Mutations that make this fail, each tried: a poisoned call is rejected without being stored; a letter stays when its handler has
 * returned.
 */
import type { RuntimeEvents, WorkerHandle, WorkerReference } from 'heirloom';
import { CallError, worker, WorkerReferenceError } from 'heirloom';
import { expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestRuntime } from './support/runtime.js';
import { patientRoot, startTestRuntime, WITHOUT_STANDBY, workerModule } from './support/runtime.js';
import type { CasterDefinition } from './workers/caster.worker.js';

type Caster = WorkerHandle<CasterDefinition>;

const reference = (name: string): WorkerReference<CasterDefinition> =>
  worker<CasterDefinition>(name, workerModule('caster'));
const numbersFrom = async (caster: Caster, from: string): Promise<number[]> =>
  (await caster.tables.arrived.tab2list()).filter((one) => one.from === from).map(({ number }) => number);

interface LetterTest extends AsyncDisposable {
  readonly test: TestRuntime;
  readonly receiver: Caster;
  readonly told: RuntimeEvents['dead_letter'][];
}

async function startReceiver(directory: string): Promise<LetterTest> {
  const receiverRef = reference('receiver');
  const keeper = { ...WITHOUT_STANDBY, intensity: 1_000 };
  const options = { directory, root: patientRoot(receiverRef), keeper };
  const test = await startTestRuntime(options);
  const told: RuntimeEvents['dead_letter'][] = [];
  test.runtime.on('dead_letter', (event) => void told.push(event));
  const receiver = test.runtime.worker(receiverRef).with({ timeoutMs: 30_000 });
  return { test, receiver, told, [Symbol.asyncDispose]: () => test.runtime.close() };
}

it('casts that throw, have no handler, or kill become dead letters, and what is behind them is run', async () => {
  await using directory = await testDirectory();
  const senderRef = reference('sender');
  const receiverRef = reference('receiver');
  const root = patientRoot(receiverRef, senderRef);
  await using test = await startTestRuntime({ directory: directory.path, root });
  const told: RuntimeEvents['dead_letter'][] = [];
  test.runtime.on('dead_letter', (event) => void told.push(event));
  const receiver = test.runtime.worker(receiverRef);
  const sender = test.runtime.worker(senderRef);
  await receiver.cast.note('program', 1);
  await receiver.cast.die(2);
  await sender.call.castTo('receiver', 'fail', [3]);
  await sender.call.castTo('receiver', 'missing', [4, 'as it was']);
  await receiver.cast.note('program', 5);
  await until('the last one has arrived', async () => (await numbersFrom(receiver, 'program')).length === 2, 20_000);
  await until('all are told of', () => told.length === 3);
  const letters = await test.runtime.deadLetters.list();
  const expected = [
    { call: 'die', kind: 'cast', sender: undefined, reason: 'poisoned', tries: 3, arguments: [2] },
    { call: 'fail', kind: 'cast', sender: 'sender', reason: 'threw', tries: 1, arguments: [3] },
    { call: 'missing', kind: 'cast', sender: 'sender', reason: 'unknown_call', tries: 1, arguments: [4, 'as it was'] },
  ];
  // Each sender's casts keep their order; those of different ones have none.
  const byCall = letters.toSorted((one, other) => one.call.localeCompare(other.call));
  expect(byCall).toMatchObject(expected);
  expect(byCall.every(({ worker: name, at }) => name === 'receiver' && Math.abs(Date.now() - at) < 60_000)).toBe(true);
  expect(byCall.map(({ error }) => error.message)).toEqual([
    expect.stringContaining('killed its worker 3 times'),
    'no 3',
    expect.stringContaining("no call 'missing'"),
  ]);
  expect(told.map(({ id }) => id)).toEqual(letters.map(({ id }) => id));
  // What threw or died has left nothing.
  expect(await numbersFrom(receiver, 'fail')).toEqual([]);
  expect(await numbersFrom(receiver, 'die')).toEqual([]);
  expect(await numbersFrom(receiver, 'program')).toEqual([1, 5]);
  await expect(test.runtime.deadLetters.list({ worker: 'sender' })).resolves.toEqual([]);
  const [first, ...others] = letters;
  await expect(test.runtime.deadLetters.list({ after: first?.id ?? 0 })).resolves.toEqual(others);
  await expect(test.runtime.deadLetters.list({ limit: 1 })).resolves.toEqual([first]);
});

it('a poisoned call is a dead letter before its caller is told, and is run when the fault is corrected', async () => {
  await using directory = await testDirectory();
  let id = 0;
  {
    await using first = await startReceiver(directory.path);
    await expect(first.receiver.call.die(7)).rejects.toMatchObject({ code: 'ERR_CALL_POISONED', outcome: 'none' });
    const letters = await first.test.runtime.deadLetters.list();
    expect(letters).toMatchObject([{ call: 'die', kind: 'call', reason: 'poisoned', tries: 3, arguments: [7] }]);
    id = letters[0]?.id ?? 0;
    await until('it is told of', () => first.told.length === 1);
  }
  await using second = await startReceiver(directory.path);
  const { deadLetters } = second.test.runtime;
  expect(await deadLetters.list()).toMatchObject([{ id, call: 'die', tries: 3, arguments: [7] }]);
  await expect(deadLetters.run(id, { timeoutMs: 30_000 })).rejects.toMatchObject({ code: 'ERR_CALL_POISONED' });
  expect(await deadLetters.list()).toMatchObject([{ id, tries: 6 }]);
  await second.receiver.call.allow('die');
  await expect(deadLetters.run(id)).resolves.toBeUndefined();
  expect(await deadLetters.list()).toEqual([]);
  expect(await numbersFrom(second.receiver, 'die')).toEqual([7]);
  expect(second.told).toEqual([]);
  await expect(deadLetters.run(id)).rejects.toMatchObject({ code: 'ERR_CALL_LETTER_UNKNOWN', outcome: 'none' });
});

it('a letter that throws again stays with its last error; one at a time is run or deleted', async () => {
  await using directory = await testDirectory();
  await using one = await startReceiver(directory.path);
  const { deadLetters } = one.test.runtime;
  await one.receiver.cast.fail(1);
  await one.receiver.cast.fail(2);
  await until('both are told of', () => one.told.length === 2);
  const [first = 0, second = 0] = one.told.map(({ id }) => id);
  await expect(deadLetters.run(first)).rejects.toMatchObject({ code: 'ERR_CALL_THREW', outcome: 'none' });
  expect(await deadLetters.list()).toMatchObject([{ id: first, tries: 2 }, { id: second, tries: 1 }]); // prettier-ignore
  await one.receiver.call.allow('fail');
  const [ran, again, deleted] = await Promise.allSettled([
    deadLetters.run(first),
    deadLetters.run(first),
    deadLetters.delete(first),
  ]);
  expect(ran).toMatchObject({ status: 'fulfilled' });
  expect(again).toMatchObject({ reason: { code: 'ERR_CALL_LETTER_BUSY' } });
  expect(deleted).toMatchObject({ reason: { code: 'ERR_CALL_LETTER_BUSY' } });
  expect(await numbersFrom(one.receiver, 'fail')).toEqual([1]);
  await deadLetters.delete(second);
  await expect(deadLetters.delete(second)).rejects.toBeInstanceOf(CallError);
  expect(await deadLetters.list()).toEqual([]);
  expect(one.told).toHaveLength(2);
});

it('of a worker that is not in the tree can be listed and not run, and wrong options are said so', async () => {
  await using directory = await testDirectory();
  {
    await using first = await startReceiver(directory.path);
    await first.receiver.cast.fail(1);
    await until('it is told of', () => first.told.length === 1);
  }
  const otherRef = reference('other');
  await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(otherRef) });
  const { deadLetters } = test.runtime;
  const [letter] = await deadLetters.list({ worker: 'receiver' });
  await expect(deadLetters.run(letter?.id ?? 0)).rejects.toBeInstanceOf(WorkerReferenceError);
  await expect(deadLetters.run(0)).rejects.toMatchObject({ code: 'ERR_RUNTIME_OPTION' });
  await expect(deadLetters.delete(0.5)).rejects.toMatchObject({ code: 'ERR_RUNTIME_OPTION' });
  await expect(deadLetters.list({ limit: 0 })).rejects.toMatchObject({ code: 'ERR_RUNTIME_OPTION' });
  await expect(deadLetters.list({ after: -1 })).rejects.toMatchObject({ code: 'ERR_RUNTIME_OPTION' });
});
