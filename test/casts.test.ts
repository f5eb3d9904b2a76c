/**
 * Casts of handlers and of the program: what is cast is run once, in order, without an answer, whatever dies (G1, G2, G3), and what
 * waits is bounded (G9). The kills at each step are in casts-kills, dead letters in dead-letters.
 */
import type { WorkerHandle, WorkerReference } from 'heirloom';
import { worker } from 'heirloom';
import { expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { killWorker, patientRoot, startTestRuntime, WITHOUT_STANDBY, workerModule } from './support/runtime.js';
import type { CasterDefinition } from './workers/caster.worker.js';

type Caster = WorkerHandle<CasterDefinition>;

const reference = (name: string): WorkerReference<CasterDefinition> =>
  worker<CasterDefinition>(name, workerModule('caster'), WITHOUT_STANDBY);
const arrivedIn = async (caster: Caster): Promise<readonly { from: string; number: number; text: string }[]> => {
  const rows = await caster.tables.arrived.tab2list();
  return rows.map(({ from, number, text }) => ({ from, number, text }));
};
const numbersFrom = async (caster: Caster, from: string): Promise<number[]> =>
  (await arrivedIn(caster)).filter((one) => one.from === from).map(({ number }) => number);
const upTo = (count: number, first = 0): number[] => Array.from({ length: count }, (_, index) => first + index);
const arrived = (caster: Caster, count: number): Promise<unknown> =>
  until(`${count} casts have arrived`, async () => (await caster.tables.arrived.size()) >= count, 20_000);

it('casts of handlers and of the program are run in order, and those of a handler that throws are not', async () => {
  await using directory = await testDirectory();
  const [senderRef, receiverRef] = [reference('sender'), reference('receiver')];
  await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(senderRef, receiverRef) });
  const sender = test.runtime.worker(senderRef);
  const receiver = test.runtime.worker(receiverRef);
  await sender.call.send('receiver', 0, 1_000);
  await sender.call.sendOnly('receiver', 1_000, 10);
  await expect(sender.call.sendThenThrow('receiver', 7)).rejects.toMatchObject({ code: 'ERR_CALL_THREW' });
  await Promise.all(upTo(300).map((number) => receiver.cast.note('program', number)));
  await sender.call.countDown(20);
  await arrived(receiver, 1_310);
  expect(await numbersFrom(receiver, 'sender')).toEqual(upTo(1_010));
  expect(await numbersFrom(receiver, 'program')).toEqual(upTo(300));
  await arrived(sender, 21);
  expect(await numbersFrom(sender, 'sender')).toEqual(upTo(21).toReversed());
  expect(await test.runtime.deadLetters.list()).toEqual([]);
});

it('casts to a worker that is down for good stay stored, over a restart of the program too, until it is started', async () => {
  await using directory = await testDirectory();
  const [senderRef, receiverRef] = [reference('sender'), reference('receiver')];
  const root = patientRoot(senderRef, receiverRef);
  {
    await using test = await startTestRuntime({ directory: directory.path, root });
    const tree = test.runtime.supervisor(root);
    const sender = test.runtime.worker(senderRef);
    const receiver = test.runtime.worker(receiverRef);
    await receiver.cast.note('program', 0);
    await arrived(receiver, 1);
    await tree.terminateChild(receiverRef);
    await sender.call.send('receiver', 0, 5);
    await receiver.cast.note('program', 1);
    await expect(receiver.call.nothing()).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED' });
    await tree.restartChild(receiverRef);
    await arrived(receiver, 7);
    await tree.terminateChild(receiverRef);
    await receiver.cast.note('program', 2);
    await sender.call.send('receiver', 5, 5);
  }
  await using test = await startTestRuntime({ directory: directory.path, root });
  const receiver = test.runtime.worker(receiverRef);
  await arrived(receiver, 13);
  expect(await numbersFrom(receiver, 'sender')).toEqual(upTo(10));
  expect(await numbersFrom(receiver, 'program')).toEqual(upTo(3));
});

it('a worker whose casts are not run is refused more of them in its handler, in each of its lives (G9)', async () => {
  await using directory = await testDirectory();
  const [senderRef, receiverRef] = [reference('sender'), reference('receiver')];
  const root = patientRoot(senderRef, receiverRef);
  await using test = await startTestRuntime({ directory: directory.path, root });
  const tree = test.runtime.supervisor(root);
  const sender = test.runtime.worker(senderRef).with({ timeoutMs: 30_000 });
  await tree.terminateChild(receiverRef);
  expect(await sender.call.fill('receiver', 100, 1_000_000)).toMatchObject({ code: 'ERR_TABLE_LIMIT' });
  expect(await sender.call.fill('receiver', 100, 1_000_000)).toMatchObject({ code: 'ERR_CALL_OVERLOADED' });
  await tree.restartChild(receiverRef);
  const receiver = test.runtime.worker(receiverRef).with({ timeoutMs: 30_000 });
  await arrived(receiver, 67);
  await tree.terminateChild(receiverRef);
  const refused = { name: 'CallError', code: 'ERR_CALL_OVERLOADED' };
  expect(await sender.call.fill('receiver', 20_000, 0)).toEqual({ ...refused, made: 16_384 });
  expect(await sender.call.fill('receiver', 1, 0)).toEqual({ ...refused, made: 0 });
  await killWorker(test.runtime, sender);
  expect(await sender.call.fill('receiver', 1, 0)).toEqual({ ...refused, made: 0 });
  await tree.restartChild(receiverRef);
  await arrived(receiver, 16_384);
  await until('there is room', async () => ((await sender.call.fill('receiver', 1, 0)) as { made: number }).made === 1);
});

it('init casts with its own batch, once', async () => {
  await using directory = await testDirectory();
  const [eagerRef, receiverRef] = [reference('eager'), reference('receiver')];
  await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(eagerRef, receiverRef) });
  const receiver = test.runtime.worker(receiverRef);
  await arrived(receiver, 1);
  await killWorker(test.runtime, test.runtime.worker(eagerRef));
  expect(await arrivedIn(receiver)).toEqual([{ from: 'eager', number: 1, text: 'from init' }]);
});

it('a cast of the program says what became of it', async () => {
  await using directory = await testDirectory();
  const receiverRef = reference('receiver');
  await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(receiverRef) });
  const receiver = test.runtime.worker(receiverRef);
  const none = { name: 'CallError', outcome: 'none' };
  const untyped = receiver.cast as unknown as Readonly<Record<string, (...args: unknown[]) => Promise<void>>>;
  await expect(untyped['note']?.(() => 1)).rejects.toMatchObject({ ...none, code: 'ERR_CALL_ARGUMENTS' });
  await expect(untyped['$table.insert']?.()).rejects.toMatchObject({ ...none, code: 'ERR_CALL_UNKNOWN' });
  const aborted = receiver.with({ signal: AbortSignal.abort() });
  await expect(aborted.cast.note('program', 1)).rejects.toMatchObject({ ...none, code: 'ERR_CALL_ABORTED' });
  const keeper = test.runtime.keeper.pid ?? Number.NaN;
  process.kill(keeper, 'SIGSTOP');
  const slow = receiver.with({ timeoutMs: 100 }).cast.note('program', 2);
  await expect(slow).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT', outcome: 'unknown' });
  process.kill(keeper, 'SIGCONT');
  await receiver.cast.note('program', 3);
  await until('it has run', async () => (await numbersFrom(receiver, 'program')).includes(3));
  // It was on its way, and has happened.
  expect(await numbersFrom(receiver, 'program')).toEqual([2, 3]);
  await test.runtime.close();
  await expect(receiver.cast.note('program', 4)).rejects.toMatchObject({ code: 'ERR_RUNTIME_CLOSED' });
});

it('the types of a cast are those of the call, without its result', async () => {
  const typed = (receiver: Caster): Promise<void> => receiver.cast.note('program', 1);
  // @ts-expect-error: a number is missing.
  const missing = (receiver: Caster): Promise<void> => receiver.cast.note('program');
  expect([typed, missing]).toHaveLength(2);
  await Promise.resolve();
});
