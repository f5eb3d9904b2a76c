/**
 * Casts of handlers and of the program: what is cast is run once, in order, without an answer, whatever dies (G1, G2, G3), and what
 * waits is bounded (G9). The kills at each step are in casts-kills, dead letters in dead-letters.
 */
import type { WorkerHandle, WorkerReference } from 'heirloom';
import { worker } from 'heirloom';
import { expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { patientRoot, startTestRuntime, WITHOUT_STANDBY, workerModule } from './support/runtime.js';
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
