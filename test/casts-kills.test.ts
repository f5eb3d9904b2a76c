/**
 * G1, G2, G3 of casts: sender, receiver and keeper are killed at every step of a cast, alone and together, and the whole program
 * with SIGKILL. In the end each cast of a handler that has returned, and each of the program that was stored, has run once and in
 * its order; none of a handler that has left no trace has.
 *
 * Mutations that make this fail, each tried: the router pulls casts again when their receiver died; a submission is taken again
 * whatever its number; the casts of a handler that throws are kept; the batch of a cast's handler does not say that it has ended.
 */
import type { WorkerHandle, WorkerReference } from 'heirloom';
import { worker } from 'heirloom';
import type { Fault } from 'heirloom/testing';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { faultsIn, patientRoot, startTestRuntime, WITHOUT_STANDBY, workerModule } from './support/runtime.js';
import type { CasterDefinition } from './workers/caster.worker.js';

type Caster = WorkerHandle<CasterDefinition>;

const kill = (point: string, hit: number): Fault => ({ point, hit, action: 'kill' });
const reference = (name: string): WorkerReference<CasterDefinition> =>
  worker<CasterDefinition>(name, workerModule('caster'), WITHOUT_STANDBY);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const numbersFrom = async (caster: Caster, from: string): Promise<number[]> =>
  (await caster.tables.arrived.tab2list()).filter((one) => one.from === from).map(({ number }) => number);

const CALLS = 8;
const CASTS_OF_A_CALL = 3;
const OF_PROGRAM = 12;

/** Casts with these faults; returns how often each process died. */
async function castRun(faults: Readonly<Record<string, readonly Fault[]>>): Promise<Readonly<Record<string, number>>> {
  await using directory = await testDirectory();
  const [senderRef, receiverRef] = [reference('sender'), reference('receiver')];
  const root = patientRoot(receiverRef, senderRef);
  const keeper = { intensity: 1_000, ...WITHOUT_STANDBY };
  // What meets several of the planned deaths is not to be poisoned.
  const options = { directory: directory.path, root, keeper, limits: { callTriesMax: 1_000 } };
  await using test = await startTestRuntime(options, { faults: faultsIn(faults) });
  const sender = test.runtime.worker(senderRef).with({ timeoutMs: 30_000 });
  const receiver = test.runtime.worker(receiverRef).with({ timeoutMs: 30_000 });
  const program = async (): Promise<void> => {
    for (const number of upTo(OF_PROGRAM)) await receiver.cast.note('program', number);
  };
  const calls = async (): Promise<void> => {
    for (const call of upTo(CALLS)) {
      await sender.call.send('receiver', call * CASTS_OF_A_CALL, CASTS_OF_A_CALL);
      if (call === 3) await expect(sender.call.sendThenThrow('receiver', -1)).rejects.toThrow();
    }
  };
  await Promise.all([program(), calls()]);
  const total = CALLS * CASTS_OF_A_CALL + OF_PROGRAM;
  // More would come later, so the last word is that of a call behind all of them.
  await until('all have arrived', async () => (await receiver.tables.arrived.size()) >= total, 30_000);
  await receiver.call.nothing();
  expect(await numbersFrom(receiver, 'program')).toEqual(upTo(OF_PROGRAM));
  expect(await numbersFrom(receiver, 'sender')).toEqual(upTo(CALLS * CASTS_OF_A_CALL));
  expect(await receiver.tables.arrived.size()).toBe(total);
  expect(await sender.tables.sent.lookup('receiver')).toEqual({ id: 'receiver', count: CALLS * CASTS_OF_A_CALL });
  expect(await test.runtime.deadLetters.list()).toEqual([]);
  // From the log, since some die before anyone can subscribe to events.
  const deaths: Record<string, number> = {};
  for (const { message, fields } of test.log.lines) {
    const name = message === 'the keeper is gone' ? 'keeper' : message === 'a worker is gone' && fields['worker'];
    if (typeof name === 'string') deaths[name] = (deaths[name] ?? 0) + 1;
  }
  return deaths;
}

describe.concurrent('each cast is run once and in order (G1, G2, G3)', () => {
  it('when nothing dies', async () => {
    expect(await castRun({})).toEqual({});
  });

  describe.each([
    'worker.handler:start',
    'worker.handler:change',
    'worker.handler:end',
    'worker.journal:before',
    'worker.journal:after',
  ])('when its sender dies at %s', (point) => {
    it('hits 5 and 4 of one life after the other', async () => {
      expect(await castRun({ 'sender 1': [kill(point, 5)], 'sender 2': [kill(point, 4)] })).toEqual({ sender: 2 });
    });
  });

  describe.each([
    'worker.handler:start',
    'worker.handler:change',
    'worker.handler:end',
    'worker.journal:before',
    'worker.journal:after',
  ])('when its receiver dies at %s', (point) => {
    it('hits 4, 1 and 2 of one life after the other', async () => {
      const faults = {
        'receiver 1': [kill(point, 4)],
        'receiver 2': [kill(point, 1)],
        'receiver 3': [kill(point, 2)],
      };
      // How often it hands its journal over depends on how many casts are at hand.
      expect((await castRun(faults))['receiver']).toBeGreaterThanOrEqual(2);
    });
  });

  describe.each([
    'keeper.batch:received',
    'keeper.submit:before',
    'keeper.commit:before',
    'keeper.commit:during',
    'keeper.commit:after',
    'keeper.replies:before',
    'keeper.replies:after',
    'keeper.mail:before',
    'keeper.mail:after',
  ])('when the keeper dies at %s', (point) => {
    it('hit 8, and the next one at hit 3', async () => {
      const faults = { 'keeper 1': [kill(point, 8)], 'keeper 2': [kill(point, 3)] };
      expect(await castRun(faults)).toEqual({ keeper: 2 });
    });
  });

  it.each([
    ['sender 1', 'worker.journal:after', 4, 'keeper.commit:during', 9],
    ['sender 1', 'worker.handler:end', 4, 'keeper.mail:before', 5],
    ['receiver 1', 'worker.journal:after', 6, 'keeper.commit:before', 9],
    ['receiver 1', 'worker.journal:before', 6, 'keeper.commit:after', 9],
    ['receiver 1', 'worker.handler:start', 6, 'keeper.replies:before', 7],
  ])('when %s dies at %s (hit %i), and the keeper at %s (hit %i)', async (name, point, hit, keeperPoint, keeperHit) => {
    const deaths = await castRun({ [name]: [kill(point, hit)], 'keeper 1': [kill(keeperPoint, keeperHit)] });
    expect(deaths).toEqual({ [name.replace(' 1', '')]: 1, keeper: 1 });
  });

  it('when sender and receiver die together', async () => {
    const faults = {
      'sender 1': [kill('worker.journal:after', 4)],
      'receiver 1': [kill('worker.journal:after', 5)],
      'sender 2': [kill('worker.handler:end', 2)],
      'receiver 2': [kill('worker.handler:end', 3)],
    };
    expect(await castRun(faults)).toEqual({ sender: 2, receiver: 2 });
  });
});

const program = fileURLToPath(new URL('./dist/workers/casting-program.js', import.meta.url));

/** Runs the casting program until it has said so many lines, kills it, and returns what it was told was done. */
async function runAndKill(
  directory: string,
  first: number,
  lines: number,
): Promise<{ stored: number[]; sent: number }> {
  const child = spawn(process.execPath, [program, directory, `${first}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => void child.once('exit', resolve));
  const stored: number[] = [];
  let sent = 0;
  let seen = 0;
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    const [what, number] = line.split(' ');
    if (what === 'stored') stored.push(Number(number));
    if (what === 'sent') sent = Number(number);
    if ((what === 'stored' || what === 'sent') && ++seen === lines) child.kill('SIGKILL');
  });
  const closed = new Promise((resolve) => void reader.once('close', resolve));
  await Promise.all([exited, closed]);
  return { stored, sent };
}

it('the whole program is killed and started again: what it was told is stored has run once in the end', async () => {
  await using directory = await testDirectory();
  const stored: number[] = [];
  let sent = 0;
  for (const [run, lines] of [7, 30, 61].entries()) {
    const told = await runAndKill(directory.path, run * 100_000, lines);
    stored.push(...told.stored);
    sent = Math.max(sent, told.sent);
  }
  const [senderRef, receiverRef] = [reference('sender'), reference('receiver')];
  const options = { directory: directory.path, root: patientRoot(receiverRef, senderRef), keeper: WITHOUT_STANDBY };
  await using test = await startTestRuntime(options);
  const sender = test.runtime.worker(senderRef);
  const receiver = test.runtime.worker(receiverRef);
  // Stored behind all others, so it is run behind them.
  await receiver.cast.note('program', 9_999_999);
  const ofProgram = await until('the last one has run', async () => {
    const numbers = await numbersFrom(receiver, 'program');
    return numbers.at(-1) === 9_999_999 ? numbers : undefined;
  });
  // What was on its way when the program died may be there besides, once.
  expect(ofProgram).toEqual(expect.arrayContaining(stored));
  expect(new Set(ofProgram).size).toBe(ofProgram.length);
  expect(ofProgram).toEqual(ofProgram.toSorted((one, other) => one - other));
  expect(ofProgram.length - 1 - stored.length).toBeLessThanOrEqual(3);
  const counted = (await sender.tables.sent.lookup('receiver'))?.count ?? 0;
  expect(counted).toBeGreaterThanOrEqual(sent);
  expect((await numbersFrom(receiver, 'sender')).length).toBe(counted);
  expect(await test.runtime.deadLetters.list()).toEqual([]);
});
