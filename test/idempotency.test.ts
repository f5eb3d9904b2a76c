/**
 * Calls with idempotency keys: made again, they give their first outcome, whatever dies in between, the program among it (G1, G2, G3).
 *
 * The parts are held to it by keeper/test/outcome-store, heirloom/test/keyed-calls and worker/test/kept-outcome, with their mutations.
 */
import { CallError, worker } from 'heirloom';
import type { WorkerHandle, WorkerReference } from 'heirloom';
import type { Fault } from 'heirloom/testing';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { runSeed, SeededRandom } from './support/random.js';
import { faultsIn, killWorker, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type paymentsWorker from './workers/payments.worker.js';
import type { Receipt } from './workers/payments.worker.js';

type Payments = WorkerReference<typeof paymentsWorker>;

const reference = (name: string): Payments =>
  worker<typeof paymentsWorker>(name, workerModule('payments'), { standby: false });
const paymentsRef = reference('payments');
const thereRef = reference('there');
const kill = (point: string, hit: number): Fault => ({ point, hit, action: 'kill' });
const start = (
  directory: TestDirectory,
  faults: Readonly<Record<string, readonly Fault[]>> = {},
): Promise<TestRuntime> => {
  const keeper = { intensity: 1_000, standby: false };
  const root = patientRoot(thereRef, paymentsRef);
  return startTestRuntime({ directory: directory.path, root, keeper }, { faults: faultsIn(faults) });
};
const seed = runSeed();

/** Checks that each payment was run once. */
async function expectPaidOnce(payments: WorkerHandle<typeof paymentsWorker>, ids: readonly number[]): Promise<void> {
  const rows = await payments.tables.payments.tab2list();
  const paid = rows.map(({ id }) => id).toSorted((one, other) => one - other);
  expect(paid).toEqual(ids.toSorted((one, other) => one - other));
  const amount = ids.reduce((sum, id) => sum + id, 0);
  expect(await payments.tables.totals.lookup('all')).toEqual({ id: 'all', count: ids.length, amount });
}

describe('a call with a key', () => {
  it('gives its first outcome when it is made again, also when it changes nothing, in the next life and the next run', async () => {
    await using directory = await testDirectory();
    const outcomes = async ({ runtime }: TestRuntime): Promise<unknown[]> => {
      const payments = runtime.worker(paymentsRef);
      const keyed = (key: string): typeof payments => payments.with({ idempotencyKey: key });
      return Promise.all([
        keyed('a').call.pay(1, 1),
        keyed('a').call.pay(1, 1),
        keyed('b').call.draw(),
        keyed('c')
          .call.refuse(2)
          .catch((error: unknown) => error),
        keyed('d')
          .call.payThere(3)
          .catch((error: unknown) => error),
        runtime.worker(thereRef).with({ idempotencyKey: 'a' }).call.pay(4, 4),
      ]);
    };
    const shown = (values: readonly unknown[]): unknown =>
      values.map((value) => {
        if (!(value instanceof CallError)) return value;
        const { code, outcome, message, details, cause } = value;
        return [code, outcome, message, details, String(cause)];
      });
    let first: unknown;
    {
      await using test = await start(directory);
      const { runtime } = test;
      const values = await outcomes(test);
      first = shown(values);
      expect(values[0]).toMatchObject({ number: 1, key: 'a' });
      expect(values[3]).toMatchObject({ code: 'ERR_CALL_THREW', outcome: 'none', cause: { name: 'RangeError' } });
      expect(values[4]).toMatchObject({ code: 'ERR_CALL_THREW', outcome: 'unknown' });
      expect(shown(await outcomes(test))).toEqual(first);
      await killWorker(runtime, runtime.worker(paymentsRef));
      expect(shown(await outcomes(test))).toEqual(first);
      const { pid } = runtime.keeper;
      process.kill(pid ?? Number.NaN, 'SIGKILL');
      expect(shown(await outcomes(test))).toEqual(first);
      // Without a key it is another call.
      expect(await runtime.worker(paymentsRef).call.pay(5, 5)).toMatchObject({ number: 2, key: undefined });
    }
    await using test = await start(directory);
    expect(shown(await outcomes(test))).toEqual(first);
    await expectPaidOnce(test.runtime.worker(paymentsRef), [1, 5]);
    expect((await test.runtime.worker(thereRef).tables.payments.tab2list()).length).toBe(2);
  });

  it('is refused under the key of another, also in the next run, and tables have no keys', async () => {
    await using directory = await testDirectory();
    const reused = { code: 'ERR_CALL_KEY_REUSED', outcome: 'none' };
    {
      await using test = await start(directory);
      const { call } = test.runtime.worker(paymentsRef).with({ idempotencyKey: 'a' });
      await call.pay(1, 1);
      await expect(call.pay(1, 2)).rejects.toMatchObject(reused);
    }
    await using test = await start(directory);
    const payments = test.runtime.worker(paymentsRef);
    const keyed = payments.with({ idempotencyKey: 'a' });
    await expect(keyed.call.pay(2, 1)).rejects.toMatchObject(reused);
    await expect(keyed.call.draw()).rejects.toMatchObject(reused);
    expect(() => keyed.tables.totals).toThrow(expect.objectContaining({ code: 'ERR_RUNTIME_OPTION' }));
    await expectPaidOnce(keyed.with({ idempotencyKey: undefined }), [1]);
  });

  it('is joined when it is made again while it runs, also by who has given it up', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory);
    const payments = test.runtime.worker(paymentsRef);
    const { pid = Number.NaN } = payments;
    process.kill(pid, 'SIGSTOP');
    const { call } = payments.with({ idempotencyKey: 'a', timeoutMs: 100 });
    const timeout = { code: 'ERR_CALL_TIMEOUT', outcome: 'unknown' };
    await expect(call.pay(1, 1)).rejects.toMatchObject(timeout);
    await expect(call.pay(1, 1)).rejects.toMatchObject(timeout);
    const patient = payments.with({ idempotencyKey: 'a', timeoutMs: 30_000 });
    const receipts = Promise.all([patient.call.pay(1, 1), patient.call.pay(1, 1)]);
    process.kill(pid, 'SIGCONT');
    const [receipt, other] = await receipts;
    expect(other).toEqual(receipt);
    // One that was given up by all, and then run, is found.
    process.kill(pid, 'SIGSTOP');
    await expect(payments.with({ idempotencyKey: 'b', timeoutMs: 100 }).call.pay(2, 2)).rejects.toMatchObject(timeout);
    process.kill(pid, 'SIGCONT');
    await payments.call.draw();
    expect(await patient.with({ idempotencyKey: 'b' }).call.pay(2, 2)).toMatchObject({ number: 2 });
    await expectPaidOnce(payments, [1, 2]);
  });

  it('is run again when its worker died and somebody has joined it since', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory);
    const payments = test.runtime.worker(paymentsRef);
    process.kill(payments.pid ?? Number.NaN, 'SIGSTOP');
    const keyed = payments.with({ idempotencyKey: 'a', timeoutMs: 30_000 });
    await expect(keyed.with({ timeoutMs: 100 }).call.pay(1, 1)).rejects.toMatchObject({ outcome: 'unknown' });
    const receipt = keyed.call.pay(1, 1);
    process.kill(payments.pid ?? Number.NaN, 'SIGKILL');
    expect(await receipt).toMatchObject({ number: 1 });
    await expectPaidOnce(payments, [1]);
  });

  it('that was poisoned or is unknown has no outcome, and may be made again', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory);
    const payments = test.runtime.worker(paymentsRef).with({ timeoutMs: 30_000 });
    const { call } = payments.with({ idempotencyKey: 'a' });
    await expect(call.dieUntilPaid(1)).rejects.toMatchObject({ code: 'ERR_CALL_POISONED', outcome: 'none' });
    await payments.call.pay(2, 2);
    expect(await call.dieUntilPaid(1)).toBe('alive');
    expect(await call.dieUntilPaid(1)).toBe('alive');
    expect(await payments.tables.payments.selectCount({ id: 1 })).toBe(1);
    const unknown = payments.with({ idempotencyKey: 'b' });
    const calls = unknown.call as unknown as Readonly<Record<string, () => Promise<unknown>>>; // A call that it does not have.
    await expect(calls['nowhere']?.()).rejects.toMatchObject({ code: 'ERR_CALL_UNKNOWN' });
    expect(await unknown.call.draw()).toEqual(expect.any(String));
  });

  it('is run again when the time of its outcome is over, which is swept', async () => {
    await using directory = await testDirectory();
    await using test = await start(directory);
    const payments = test.runtime.worker(paymentsRef);
    const { call } = payments.with({ idempotencyKey: 'a', keepOutcomeMs: 1 });
    const first = await call.draw();
    await until('it is another one', async () => (await call.draw()) !== first);
  });
});

/** Makes payments with these faults, each by several callers and again behind its answer; returns how often each process died. */
async function payRun(faults: Readonly<Record<string, readonly Fault[]>>): Promise<Readonly<Record<string, number>>> {
  await using directory = await testDirectory();
  await using test = await start(directory, faults);
  const deaths: Record<string, number> = {};
  const died = (name: string): void => void (deaths[name] = (deaths[name] ?? 0) + 1);
  test.runtime.on('crash', ({ worker: name }) => died(name));
  test.runtime.on('keeper_crash', () => died('keeper'));
  const payments = test.runtime.worker(paymentsRef).with({ timeoutMs: 30_000 });
  const ids = Array.from({ length: 12 }, (_, id) => id);
  const receipts = new Map<number, Receipt>();
  const client = async (): Promise<void> => {
    for (const id of ids) {
      const { call } = payments.with({ idempotencyKey: `payment ${id}` });
      const receipt = await call.pay(id, id);
      expect(receipt).toEqual(receipts.get(id) ?? receipt);
      receipts.set(id, receipt);
      expect(await call.pay(id, id)).toEqual(receipt);
    }
  };
  await Promise.all([client(), client(), client()]);
  await expectPaidOnce(payments, ids);
  return deaths;
}

describe.concurrent('a call with a key happens once', () => {
  it('when nothing dies', async () => {
    expect(await payRun({})).toEqual({});
  });

  it.each(['worker.handler:start', 'worker.handler:end', 'worker.journal:before', 'worker.journal:after'])(
    'and its worker dies at %s, also in its next life',
    async (point) => {
      const faults = { 'payments 1': [kill(point, 5)], 'payments 2': [kill(point, 3)] };
      expect(await payRun(faults)).toEqual({ payments: 2 });
    },
  );

  it.each([
    'keeper.batch:received',
    'keeper.commit:before',
    'keeper.commit:during',
    'keeper.commit:after',
    'keeper.replies:before',
    'keeper.replies:after',
  ])('and the keeper dies at %s, also the next one', async (point) => {
    expect(await payRun({ 'keeper 1': [kill(point, 8)], 'keeper 2': [kill(point, 3)] })).toEqual({ keeper: 2 });
  });

  it.each([
    ['worker.journal:after', 'keeper.commit:after'],
    ['worker.handler:end', 'keeper.replies:before'],
    ['worker.journal:before', 'keeper.commit:during'],
  ])('and both die, at %s and at %s', async (point, keeperPoint) => {
    const faults = { 'payments 1': [kill(point, 5)], 'keeper 1': [kill(keeperPoint, 9)] };
    expect(await payRun(faults)).toEqual({ payments: 1, keeper: 1 });
  });
});

// Some ten programs start, one after the other.
const PROGRAMS_TIMEOUT_MS = 180_000;
it(
  `a call with a key happens once over programs that are killed, seed ${seed}`,
  { timeout: PROGRAMS_TIMEOUT_MS },
  async () => {
    await using directory = await testDirectory();
    const random = new SeededRandom(seed);
    const program = fileURLToPath(workerModule('payments')).replace('payments.worker.js', 'paying-program.js');
    const COUNT = 60;
    const receipts = new Map<number, Receipt>();
    let kills = 0;
    for (let isOver = false; !isOver;) {
      const child = spawn(process.execPath, [program, directory.path, `${COUNT}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      // Killed behind so many answers; later, the longer it goes on, and some day not at all.
      const answersMax = random.integer(0, 20 + kills * 60);
      let answers = 0;
      for await (const line of createInterface(child.stdout)) {
        isOver ||= line === 'all';
        const [, id, receipt] = /^paid (\d+) (.*)$/.exec(line) ?? [];
        if (id !== undefined && receipt !== undefined) {
          const known = receipts.get(Number(id));
          const answered = JSON.parse(receipt) as Receipt; // As the program has written it.
          if (known !== undefined) expect(answered).toEqual(known);
          receipts.set(Number(id), answered);
        }
        if (!isOver && (line === 'started' || id !== undefined) && answers++ === answersMax && child.kill('SIGKILL'))
          kills++;
      }
    }
    expect(kills).toBeGreaterThan(3);
    await using test = await start(directory);
    await expectPaidOnce(
      test.runtime.worker(paymentsRef),
      Array.from({ length: COUNT }, (_, id) => id),
    );
  },
);
