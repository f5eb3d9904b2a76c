/**
 * Calls of other workers inside handlers: what they answer, what stays, and what is refused (G2, G4, G9, G12). That they happen once
 * is shown in worker-calls-kills.test.ts.
 *
 * Mutations that make this fail, each tried: a call has no edge in the graph of who waits; a call counts as a read. What the router
 * refuses of workers that do not keep to it is in heirloom/test/ask-desk.
 */
import { worker } from 'heirloom';
import type { WorkerReference } from 'heirloom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type chainWorker from './workers/chain.worker.js';
import type { Became, Wanted } from './workers/chain.worker.js';

type Chain = WorkerReference<typeof chainWorker>;

const chain = (name: string, env: Readonly<Record<string, string>> = {}): Chain =>
  worker<typeof chainWorker>(name, workerModule('chain'), { env, standby: false });
const start = (directory: TestDirectory, ...references: readonly Chain[]): Promise<TestRuntime> =>
  startTestRuntime({ directory: directory.path, root: patientRoot(...references), keeper: { standby: false } });
const count = (of: string, id: string): Wanted => ({ worker: of, call: 'count', operands: [id], timeoutMs: 20_000 });

const [aRef, bRef, cRef] = [chain('a'), chain('b'), chain('c')];

describe('a handler calls another worker', () => {
  let directory: TestDirectory;
  let test: TestRuntime;

  beforeAll(async () => {
    directory = await testDirectory();
    test = await start(directory, aRef, bRef, cRef);
  });
  afterAll(async () => {
    await test[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });
  const call = (): ReturnType<typeof test.runtime.worker<typeof chainWorker>>['call'] => test.runtime.worker(aRef).call;
  const countOf = async (reference: Chain, id: string): Promise<number | undefined> =>
    (await test.runtime.worker(reference).tables.counts.lookup(id))?.count;

  it('and gets what it returned, also along a chain', async () => {
    expect(await call().pass(1, ['b', 'c'])).toEqual([
      { worker: 'a', count: 1 },
      { worker: 'b', count: 1 },
      { worker: 'c', count: 1 },
    ]);
    expect(await test.runtime.worker(bRef).tables.passes.lookup(1)).toEqual([
      { id: 1, count: 1, below: [{ worker: 'c', count: 1 }] },
    ]);
  });

  it('behind changes of its own, and several at a time (G4)', async () => {
    expect(await call().changeAndMake([count('b', 'many'), count('b', 'many'), count('c', 'many')])).toEqual([
      { value: 1 },
      { value: 2 },
      { value: 1 },
    ]);
  });

  it('and is told by the same errors as the program', async () => {
    const became = await call().make([
      { worker: 'b', call: 'throw' },
      { worker: 'b', call: 'nowhere' },
      { worker: 'b', call: 'n'.repeat(200) },
      { worker: 'b', call: 'count', isUnsendable: true },
      { worker: 'b', call: '$table.insert', operands: ['counts', { id: 'forged', count: 9 }] },
    ]);
    const none = { name: 'CallError', outcome: 'none' };
    expect(became).toMatchObject([
      { ...none, error: 'ERR_CALL_THREW', cause: 'on purpose' },
      { ...none, error: 'ERR_CALL_UNKNOWN' },
      { ...none, error: 'ERR_CALL_UNKNOWN' },
      { ...none, error: 'ERR_CALL_ARGUMENTS' },
      { ...none, error: 'ERR_CALL_UNKNOWN' },
    ]);
    expect(became[0]?.message).toBe('b.throw threw, and changed nothing: on purpose');
    expect(await countOf(bRef, 'forged')).toBeUndefined();
    const cause = { name: 'WorkerError', code: 'ERR_WORKER_OPTION' };
    await expect(call().wrongOptions({ retry: 'never' })).rejects.toMatchObject({ code: 'ERR_CALL_THREW', cause });
  });

  it('and what the other one did stays, also when the handler throws', async () => {
    const thrown = { code: 'ERR_CALL_THREW', cause: { message: 'behind the call' }, outcome: 'unknown' };
    await expect(call().throwBehind(count('b', 'thrown'))).rejects.toMatchObject(thrown);
    expect(await countOf(bRef, 'thrown')).toBe(1);
  });

  it('and what it does not wait for happens, too', async () => {
    await call().float([count('b', 'floating'), count('b', 'floating')]);
    await until('both are there', async () => (await countOf(bRef, 'floating')) === 2);
  });

  it('until it has settled, and then no more', async () => {
    await call().keep();
    expect(await call().makeLate(count('b', 'late'))).toMatchObject({ error: 'ERR_TABLE_CLOSED' });
    expect(await countOf(bRef, 'late')).toBeUndefined();
  });

  it('for as long as it says', async () => {
    const { pid = Number.NaN } = test.runtime.worker(bRef);
    process.kill(pid, 'SIGSTOP');
    try {
      const slow = { ...count('b', 'slow'), timeoutMs: 50 };
      expect(await call().make([slow, { ...count('b', 'slow'), abortAfterMs: 50 }])).toMatchObject([
        { error: 'ERR_CALL_TIMEOUT', outcome: 'unknown' },
        { error: 'ERR_CALL_ABORTED', outcome: 'unknown' },
      ]);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('what was sent is done', async () => (await countOf(bRef, 'slow')) === 2);
  });

  it('and is refused at once when that one waits for it, or is itself (G9)', async () => {
    const refused = { name: 'CallError', error: 'ERR_CALL_CYCLE', outcome: 'none' };
    const [own] = await call().make([count('a', 'own')]);
    expect(own).toMatchObject({ ...refused, workers: ['a', 'a'] });
    expect(own?.message).toContain('a.call.count would never be answered: a would wait for itself');
    // Through one, and through two others.
    const back = (of: string, then: Wanted): Wanted => ({ ...count(of, ''), call: 'make', operands: [[then]] });
    expect(await call().make([back('b', count('a', 'own'))])).toMatchObject([
      { value: [{ ...refused, workers: ['b', 'a', 'b'] }] },
    ]);
    expect(await call().make([back('b', back('c', count('a', 'own')))])).toMatchObject([
      { value: [{ value: [{ ...refused, workers: ['c', 'a', 'b', 'c'] }] }] },
    ]);
    expect(await countOf(aRef, 'own')).toBe(1); // Of the test above; nobody waits any more.
    expect(await call().make([count('b', 'free')])).toEqual([{ value: 1 }]);
  });

  it('of which one is refused when two call each other at the same time (G9)', async () => {
    const meet = (reference: Chain, other: string): Promise<Became> =>
      test.runtime.worker(reference).with({ timeoutMs: 30_000 }).call.meet([other], 'c', count(other, 'met'));
    const became = await Promise.all([meet(aRef, 'b'), meet(bRef, 'a')]);
    expect(new Set(became.map(({ error, value }) => error ?? value))).toEqual(new Set([1, 'ERR_CALL_CYCLE']));
  });
});

it('what is no call may call nobody', async () => {
  await using directory = await testDirectory();
  const wanted = JSON.stringify([count('b', 'init')]);
  const [first, second] = [chain('a', { ON_START: wanted, ON_TRANSFER: wanted }), chain('b')];
  await using test = await start(directory, second, first);
  await test.runtime.worker(second).call.give('a');
  const { call } = test.runtime.worker(first);
  const became = await until('it is told of the table', async () => {
    const all = await call.became();
    return all.length === 2 ? all : undefined;
  });
  const refused = { became: { name: 'WorkerError', error: 'ERR_WORKER_NO_CALL' } };
  expect(became).toMatchObject([
    { at: 'init', ...refused },
    { at: 'transfer', ...refused },
  ]);
});
