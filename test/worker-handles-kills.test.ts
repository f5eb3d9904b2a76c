/**
 * G1, G2, G3 of what handlers ask of other workers: the worker that asks, the one that is asked, and the keeper are killed at every
 * named point around it. Each call reads a count of another worker, writes there twice, one write saying what was read, and
 * changes a table of its own; all of that must have happened once, and fit together.
 *
 * Mutations that make this fail, each tried: what was answered is forgotten with the process that asked; reads are asked anew; reads
 * are kept although nothing was written; a question that is still open is asked a second time.
 */
import type { Fault } from 'heirloom/testing';
import { worker } from 'heirloom';
import type { WorkerReference } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { faultsIn, killWorker, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type askerWorker from './workers/asker.worker.js';

const kill = (point: string, hit: number): Fault => ({ point, hit, action: 'kill' });
const reference = (name: string): WorkerReference<typeof askerWorker> =>
  worker<typeof askerWorker>(name, workerModule('asker'), { standby: false });
const CALLS = 9;
const CLIENTS = 3;

/** Makes the calls with these faults; returns how often each process died. */
async function payRun(faults: Readonly<Record<string, readonly Fault[]>>): Promise<Readonly<Record<string, number>>> {
  await using directory = await testDirectory();
  const payerRef = reference('payer');
  const bankRef = reference('bank');
  const root = patientRoot(payerRef, bankRef);
  const keeper = { intensity: 1_000, standby: false };
  await using test = await startTestRuntime({ directory: directory.path, root, keeper }, { faults: faultsIn(faults) });
  const deaths: Record<string, number> = {};
  const died = (name: string): void => void (deaths[name] = (deaths[name] ?? 0) + 1);
  test.runtime.on('crash', ({ worker: name }) => died(name));
  test.runtime.on('keeper_crash', () => died('keeper'));
  const payer = test.runtime.worker(payerRef).with({ timeoutMs: 30_000 });
  const bank = test.runtime.worker(bankRef).with({ timeoutMs: 30_000 });
  const totals = new Map<number, number>();
  let next = 0;
  const client = async (): Promise<void> => {
    for (let id = next++; id < CALLS; id = next++) totals.set(id, await payer.call.pay(id, 'bank'));
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));

  const done = (await payer.tables.done.tab2list()).toSorted((one, other) => one.total - other.total);
  expect(done.map(({ total }) => total)).toEqual(Array.from({ length: CALLS }, (_, index) => index + 1));
  expect(new Set(done.map(({ id }) => id)).size).toBe(CALLS);
  for (const { id, seen, total } of done) {
    expect(totals.get(id)).toBe(total);
    // One call at a time pays, so what it read is what the one before it had left; a read that was repeated would show itself.
    expect(seen).toBe(total - 1);
    expect(await bank.tables.log.lookup(`${id}`)).toEqual([{ id: `${id}`, text: `saw ${seen}` }]);
  }
  expect(await bank.tables.hits.lookup('total')).toEqual({ id: 'total', count: CALLS });
  expect(await bank.tables.log.size()).toBe(CALLS);
  return deaths;
}

describe.concurrent(
  'what a handler writes to other workers happens once, and what it read stays the same (G1, G2, G3)',
  () => {
    it('when nothing dies', async () => {
      expect(await payRun({})).toEqual({});
    });

    describe.each([
      // Three questions and answers of each call: before and behind the read, the first write and the second write of the fourth.
      ['worker.ask:before', [10, 11, 12]],
      ['worker.answer:before', [10, 11, 12]],
      ['worker.handler:start', [5]],
      ['worker.handler:change', [4]],
      ['worker.handler:end', [4]],
      ['worker.journal:before', [5]],
      ['worker.journal:after', [5]],
    ] as const)('and the worker that asks dies at %s', (point, hits) => {
      // The second life dies of the same call, the third of a later one: a call that kills three is poisoned.
      it.each(hits)('hit %i, also in its next two lives', async (hit) => {
        const faults = {
          'payer 1': [kill(point, hit)],
          'payer 2': [kill(point, 1)],
          'payer 3': [kill(point, hit - 2)],
        };
        expect(await payRun(faults)).toEqual({ payer: 3 });
      });
    });

    describe.each([
      'worker.handler:start',
      'worker.handler:change',
      'worker.handler:end',
      'worker.journal:before',
      'worker.journal:after',
    ])('and the worker that is asked dies at %s', (point) => {
      it('hit 5, also in its next life', async () => {
        expect(await payRun({ 'bank 1': [kill(point, 5)], 'bank 2': [kill(point, 3)] })).toEqual({ bank: 2 });
      });
    });

    describe.each([
      'keeper.batch:received',
      'keeper.commit:before',
      'keeper.commit:during',
      'keeper.commit:after',
      'keeper.replies:before',
      'keeper.replies:after',
    ])('and the keeper dies at %s', (point) => {
      it.each([8, 9])('hit %i, also the next one', async (hit) => {
        expect(await payRun({ 'keeper 1': [kill(point, hit)], 'keeper 2': [kill(point, 3)] })).toEqual({ keeper: 2 });
      });
    });

    it.each([
      ['worker.answer:before', 11, 'worker.journal:after', 5],
      ['worker.answer:before', 12, 'worker.handler:start', 9],
      ['worker.ask:before', 12, 'worker.handler:end', 8],
      ['worker.handler:end', 4, 'worker.handler:change', 7],
    ])('and both die, at %s (hit %i) and at %s (hit %i)', async (askerPoint, askerHit, targetPoint, targetHit) => {
      const faults = { 'payer 1': [kill(askerPoint, askerHit)], 'bank 1': [kill(targetPoint, targetHit)] };
      expect(await payRun(faults)).toEqual({ payer: 1, bank: 1 });
    });

    it.each([
      ['worker.answer:before', 11, 'keeper.replies:before', 12],
      ['worker.ask:before', 12, 'keeper.commit:during', 10],
      ['worker.handler:end', 4, 'keeper.commit:after', 12],
    ])(
      'and the worker that asks dies at %s (hit %i), the keeper at %s (hit %i)',
      async (point, hit, keeperPoint, keeperHit) => {
        const faults = { 'payer 1': [kill(point, hit)], 'keeper 1': [kill(keeperPoint, keeperHit)] };
        expect(await payRun(faults)).toEqual({ payer: 1, keeper: 1 });
      },
    );
  },
);

it('the worker that is asked is to blame when it dies of what it is asked, and not the one that asks', async () => {
  await using directory = await testDirectory();
  const payerRef = reference('payer');
  const bankRef = reference('bank');
  // Every process of the bank dies of the first write, as it would of a poisoned one.
  const faults = (target: { readonly worker: string | undefined }): readonly Fault[] =>
    target.worker === 'bank' ? [kill('worker.handler:change', 1)] : [];
  await using test = await startTestRuntime(
    { directory: directory.path, root: patientRoot(payerRef, bankRef) },
    { faults },
  );
  const poisoned: unknown[] = [];
  test.runtime.on('poisoned', (event) => poisoned.push(event));
  const payer = test.runtime.worker(payerRef).with({ timeoutMs: 30_000 });
  const write = {
    worker: 'bank',
    table: 'hits',
    operation: 'insert',
    operands: [{ id: 'a', count: 1 }],
    timeoutMs: 30_000,
  };
  const epoch = payer.epoch;
  expect(await payer.call.ask([write])).toMatchObject([{ error: 'ERR_CALL_POISONED', outcome: 'none' }]);
  expect(poisoned).toEqual([{ worker: 'bank', call: '$table.insert', tries: 3 }]);
  expect(payer.epoch).toBe(epoch);
});

describe('a handler that is run again', () => {
  it('waits for the question that was open when it died, and does not ask twice', async () => {
    await using directory = await testDirectory();
    const [payerRef, bankRef, boardRef] = [reference('payer'), reference('bank'), reference('board')];
    const root = patientRoot(payerRef, bankRef, boardRef);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const { runtime } = test;
    const payer = runtime.worker(payerRef).with({ timeoutMs: 30_000 });
    const bank = runtime.worker(bankRef);
    const board = runtime.worker(boardRef);
    const pay = {
      worker: 'bank',
      table: 'hits',
      operation: 'updateCounter',
      operands: ['x', 'count', 1, { default: { id: 'x', count: 0 } }],
      timeoutMs: 30_000,
    };
    process.kill(bank.pid ?? Number.NaN, 'SIGSTOP');
    const answers = payer.call.meet([], 'board', [pay]);
    await until('it has come to its question', () => board.tables.hits.member('payer'));
    // The question comes while this is stored, and so it does in the next life.
    await board.call.change('tick');
    await killWorker(runtime, payer);
    for (let tick = 0; tick < 20; tick++) await board.call.change('tick');
    process.kill(bank.pid ?? Number.NaN, 'SIGCONT');
    expect(await answers).toEqual([{ value: 1 }]);
    expect(await bank.tables.hits.lookup('x')).toEqual({ id: 'x', count: 1 });
  });

  it.each([
    ['behind a write and asks for something else is refused', true],
    ['without having written may ask for something else', false],
  ])('%s', async (_what, isWriting) => {
    await using directory = await testDirectory();
    const payerRef = reference('payer');
    const bankRef = reference('bank');
    const faults = faultsIn({ 'payer 1': [kill('worker.handler:end', 1)] });
    await using test = await startTestRuntime(
      { directory: directory.path, root: patientRoot(payerRef, bankRef) },
      { faults },
    );
    const payer = test.runtime.worker(payerRef).with({ timeoutMs: 30_000 });
    const call = payer.call.diverge('bank', isWriting);
    if (isWriting) {
      const cause = { name: 'CallError', code: 'ERR_CALL_DIVERGED', outcome: 'none' };
      await expect(call).rejects.toMatchObject({ code: 'ERR_CALL_THREW', cause });
    } else expect(await call).toBeUndefined();
    expect(payer.epoch).toBe(2);
    expect((await test.runtime.worker(bankRef).tables.hits.lookup('diverge'))?.count).toBe(isWriting ? 1 : undefined);
    // What was kept is gone with the call.
    expect(await payer.call.pay(1, 'bank')).toBe(1);
  });
});
