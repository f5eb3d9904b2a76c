/**
 * G1, G2, G3 of calls along a chain of workers, A → B → C: each of them, and the keeper, are killed at every named point around a
 * call; then four workers call one another along random paths while they and the keeper are killed from outside. Each call counts once
 * in each worker on its path, and what a worker was told is what the other one did.
 *
 * Mutations that make this fail, each tried: what was answered is forgotten with the process that asked; a call counts as a read; a
 * question that is still open is asked a second time.
 */
import { worker } from 'heirloom';
import type { Runtime, WorkerReference } from 'heirloom';
import type { Fault } from 'heirloom/testing';
import { describe, expect, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import { runSeed, SeededRandom } from './support/random.js';
import { faultsIn, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type chainWorker from './workers/chain.worker.js';
import type { Step } from './workers/chain.worker.js';

type Chain = WorkerReference<typeof chainWorker>;

const kill = (point: string, hit: number): Fault => ({ point, hit, action: 'kill' });
const chain = (name: string): Chain => worker<typeof chainWorker>(name, workerModule('chain'), { standby: false });
const CALLS = 8;
const CLIENTS = 2;
const seed = runSeed();

/** Checks that each pass counted once in each worker on its path, and that everybody was told what the others did. */
async function expectOnce(
  runtime: Runtime,
  references: readonly Chain[],
  paths: ReadonlyMap<number, readonly string[]>,
  answers: ReadonlyMap<number, readonly Step[]>,
): Promise<void> {
  const done = new Map<string, Step & { readonly below: readonly Step[] }>();
  for (const reference of references) {
    const { name, tables } = runtime.worker(reference);
    const rows = await tables.passes.tab2list();
    const expected = [...paths].filter(([, path]) => path.includes(name)).map(([id]) => id);
    expect(rows.map(({ id }) => id).toSorted((one, other) => one - other)).toEqual(expected);
    // Counted without a gap.
    const counts = rows.map(({ count }) => count).toSorted((one, other) => one - other);
    expect(counts).toEqual(rows.map((_, index) => index + 1));
    for (const { id, count, below } of rows) done.set(`${name} ${id}`, { worker: name, count, below });
  }
  for (const [id, path] of paths) {
    const steps = path.map((name) => done.get(`${name} ${id}`));
    const told = steps.map((step) => ({ worker: step?.worker, count: step?.count }));
    expect(answers.get(id)).toEqual(told);
    for (const [index, step] of steps.entries()) expect(step?.below).toEqual(told.slice(index + 1));
  }
}

/** Makes the calls with these faults; returns how often each process died. */
async function chainRun(faults: Readonly<Record<string, readonly Fault[]>>): Promise<Readonly<Record<string, number>>> {
  await using directory = await testDirectory();
  const references = ['a', 'b', 'c'].map(chain);
  const keeper = { intensity: 1_000, standby: false };
  const options = { directory: directory.path, root: patientRoot(...references), keeper };
  await using test = await startTestRuntime(options, { faults: faultsIn(faults) });
  const deaths: Record<string, number> = {};
  const died = (name: string): void => void (deaths[name] = (deaths[name] ?? 0) + 1);
  test.runtime.on('crash', ({ worker: name }) => died(name));
  test.runtime.on('keeper_crash', () => died('keeper'));
  const first = test.runtime.worker(references[0] as Chain).with({ timeoutMs: 30_000 }); // There are three.
  const answers = new Map<number, readonly Step[]>();
  const paths = new Map<number, readonly string[]>();
  let next = 0;
  const client = async (): Promise<void> => {
    for (let id = next++; id < CALLS; id = next++) {
      paths.set(id, ['a', 'b', 'c']);
      answers.set(id, await first.call.pass(id, ['b', 'c']));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  await expectOnce(test.runtime, references, paths, answers);
  return deaths;
}

describe.concurrent('a call that a handler makes happens once in each worker of a chain (G1, G2, G3)', () => {
  it('when nothing dies', async () => {
    expect(await chainRun({})).toEqual({});
  });

  it.each([
    ['a', 'worker.ask:before', 3],
    ['a', 'worker.answer:before', 3],
    ['a', 'worker.handler:start', 4],
    ['a', 'worker.handler:end', 3],
    ['a', 'worker.journal:before', 4],
    ['a', 'worker.journal:after', 4],
    ['b', 'worker.ask:before', 3],
    ['b', 'worker.answer:before', 3],
    ['b', 'worker.handler:end', 3],
    ['b', 'worker.journal:before', 4],
  ])('and %s, which asks, dies at %s, also in its next two lives', async (name, point, hit) => {
    const faults = {
      [`${name} 1`]: [kill(point, hit)],
      [`${name} 2`]: [kill(point, 1)],
      [`${name} 3`]: [kill(point, 2)],
    };
    expect(await chainRun(faults)).toEqual({ [name]: 3 });
  });

  it.each(['worker.handler:start', 'worker.handler:end', 'worker.journal:before', 'worker.journal:after'])(
    'and c, which is asked, dies at %s, also in its next life',
    async (point) => {
      expect(await chainRun({ 'c 1': [kill(point, 4)], 'c 2': [kill(point, 2)] })).toEqual({ c: 2 });
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
    expect(await chainRun({ 'keeper 1': [kill(point, 9)], 'keeper 2': [kill(point, 4)] })).toEqual({ keeper: 2 });
  });

  it.each([
    ['worker.answer:before', 'worker.handler:end', 'worker.journal:before', 'keeper.commit:after'],
    ['worker.handler:end', 'worker.answer:before', 'worker.journal:after', 'keeper.replies:before'],
  ])('and all of them die, at %s, %s, %s and %s', async (a, b, c, keeper) => {
    const faults = { 'a 1': [kill(a, 3)], 'b 1': [kill(b, 4)], 'c 1': [kill(c, 5)], 'keeper 1': [kill(keeper, 14)] };
    expect(await chainRun(faults)).toEqual({ a: 1, b: 1, c: 1, keeper: 1 });
  });
});

it(`along random paths under random kills, seed ${seed}`, { timeout: 120_000 }, async () => {
  await using directory = await testDirectory();
  const random = new SeededRandom(seed);
  const names = ['a', 'b', 'c', 'd'];
  const references = names.map(chain);
  // Kills from outside hit a call that is alone again and again; it is not to blame.
  const limits = { callTriesMax: 1_000 };
  const keeper = { intensity: 1_000, standby: false };
  await using test = await startTestRuntime({
    directory: directory.path,
    root: patientRoot(...references),
    keeper,
    limits,
  });
  const { runtime } = test;
  const handles = references.map((reference) => runtime.worker(reference).with({ timeoutMs: 60_000 }));
  const answers = new Map<number, readonly Step[]>();
  const paths = new Map<number, readonly string[]>();
  let next = 0;
  let kills = 0;
  const client = async (): Promise<void> => {
    for (let id = next++; id < 120; id = next++) {
      // Paths go one way, as a circle would be refused.
      const path = names.filter(() => random.next() < 0.7);
      const [first = 'a', ...rest] = path;
      const handle = handles[names.indexOf(first)];
      paths.set(id, [first, ...rest]);
      const answer = handle?.call.pass(id, rest);
      if (random.next() < 0.35) {
        const victim = random.pick([...handles, runtime.keeper]);
        if (isKilled(victim.pid)) kills++;
      }
      answers.set(id, (await answer) ?? []);
    }
  };
  await Promise.all(Array.from({ length: 5 }, client));
  await expectOnce(runtime, references, paths, answers);
  expect(kills).toBeGreaterThan(15);
});

function isKilled(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

describe('who is to blame', () => {
  it('is the worker that dies of a call, not those that wait for it', async () => {
    await using directory = await testDirectory();
    const references = ['a', 'b', 'c'].map(chain);
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(...references) });
    const poisoned: unknown[] = [];
    test.runtime.on('poisoned', (event) => poisoned.push(event));
    const [a, b, c] = references.map((reference) => test.runtime.worker(reference).with({ timeoutMs: 30_000 }));
    const count = { worker: 'c', call: 'count', operands: ['x'], timeoutMs: 30_000 };
    const wanted = { worker: 'b', call: 'dieBehind', operands: [count], timeoutMs: 30_000 };
    const epoch = a?.epoch;
    // What the poisoned handler has called stays, once.
    expect(await a?.call.make([wanted])).toMatchObject([{ error: 'ERR_CALL_POISONED', outcome: 'unknown' }]);
    expect(poisoned).toEqual([{ worker: 'b', call: 'dieBehind', tries: 3 }]);
    expect(a?.epoch).toBe(epoch);
    expect((await b?.call.make([]))?.length).toBe(0);
    expect(b?.epoch).toBe(4);
    expect(await c?.tables.counts.lookup('x')).toEqual({ id: 'x', count: 1 });
  });

  it('and a handler that calls with other arguments when it is run again is refused', async () => {
    await using directory = await testDirectory();
    const [a, b] = [chain('a'), chain('b')];
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(a, b) });
    const became = await test.runtime.worker(a).with({ timeoutMs: 30_000 }).call.diverge('b');
    expect(became).toMatchObject({ error: 'ERR_CALL_DIVERGED', outcome: 'none' });
    const { counts } = test.runtime.worker(b).tables;
    expect(await counts.tab2list()).toEqual([{ id: 'life 1', count: 1 }]);
  });
});
