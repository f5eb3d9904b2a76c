/**
 * Handlers that would wait for one another in a circle are told so, and everything else goes on (G9); what handlers may ask that are
 * no calls, or whose worker's table is with somebody else; how much is kept; and what becomes of handlers when the runtime closes.
 *
 * Mutations that make this fail, each tried: circles are not looked for; edges stay when a process is gone or its handler goes
 * on, or are not made when a question is asked again or for the later pages of an iteration; `init` may write; a runtime that
 * closes takes no calls for handlers, or lets them wait for workers that have ended.
 */
import { worker } from 'heirloom';
import type { WorkerHandle, WorkerReference } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type askerWorker from './workers/asker.worker.js';
import type { Question } from './workers/asker.worker.js';
import type shelvesWorker from './workers/shelves.worker.js';

type Asker = WorkerReference<typeof askerWorker>;

const asker = (name: string, env: Readonly<Record<string, string>> = {}): Asker =>
  worker<typeof askerWorker>(name, workerModule('asker'), { env, standby: false });
const question = (of: string, table: string, operation: string, ...operands: readonly unknown[]): Question => ({
  worker: of,
  table,
  operation,
  operands,
  timeoutMs: 20_000,
});
const count = (of: string, id: string): Question =>
  question(of, 'hits', 'updateCounter', id, 'count', 1, { default: { id, count: 0 } });
const start = (directory: TestDirectory, ...references: readonly WorkerReference[]): Promise<TestRuntime> =>
  startTestRuntime({ directory: directory.path, root: patientRoot(...references), keeper: { standby: false } });

describe('a circle is refused at once, and named', () => {
  it('of a worker that asks itself, for a write or for what survives nothing', async () => {
    await using directory = await testDirectory();
    const ref = asker('a');
    await using test = await start(directory, ref);
    const own = { worker: 'a', table: 'fleeting', operation: 'size' };
    const answers = await test.runtime.worker(ref).call.ask([count('a', 'x'), own, question('a', 'hits', 'size')]);
    const refused = { name: 'CallError', error: 'ERR_CALL_CYCLE', outcome: 'none', workers: ['a', 'a'] };
    expect(answers).toMatchObject([refused, refused, { value: 0 }]);
    expect(answers[0]?.message).toContain('Use tables or inherited');
  });

  it.each([
    ['two', ['a', 'b']],
    ['three', ['a', 'b', 'c']],
  ])('of %s workers, each with an outer call of its own', async (_what, names) => {
    await using directory = await testDirectory();
    const references = names.map((name) => asker(name));
    await using test = await start(directory, ...references, asker('board'));
    // Each has begun before any of them asks the next one.
    const answers = await Promise.all(
      references.map((reference, index) => {
        const next = names[(index + 1) % names.length] as string; // There are names.
        const { call } = test.runtime.worker(reference).with({ timeoutMs: 30_000 });
        return call.meet(names, 'board', [count(next, 'x')]);
      }),
    );
    const outcomes = answers.map(([answer]) => answer?.error ?? answer?.value);
    expect(outcomes.filter((outcome) => outcome === 'ERR_CALL_CYCLE')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 1)).toHaveLength(names.length - 1);
    const [refused] = answers.flat().filter(({ error }) => error !== undefined);
    const circle = refused?.workers as readonly string[]; // Of a cycle error.
    expect(circle).toHaveLength(names.length + 1);
    expect(circle.at(-1)).toBe(circle[0]);
    expect(new Set(circle)).toEqual(new Set(names));
    // Nobody waits any more.
    for (const [index, reference] of references.entries()) {
      const next = names[(index + 1) % names.length] as string; // As above.
      const { call } = test.runtime.worker(reference);
      expect(await call.ask([count(next, 'y')])).toEqual([{ value: 1 }]);
    }
  });

  it('of a worker whose iteration waits for the next page of another (G9)', async () => {
    await using directory = await testDirectory();
    const [a, b, board] = [asker('a'), asker('b'), asker('board')];
    await using test = await start(directory, a, b, board);
    const { runtime } = test;
    const first = runtime.worker(a).with({ timeoutMs: 30_000 });
    const second = runtime.worker(b).with({ timeoutMs: 30_000 });
    for (const id of ['x', 'y']) await second.tables.fleeting.insert({ id, count: 1 });
    const walks = first.call.walkAndMeet('b', ['b'], 'board');
    await until('a has its first page', () => runtime.worker(board).tables.hits.member('a'));
    const asks = second.call.meet([], 'board', [count('a', 'z')]);
    const answers = [await walks, ...(await asks)];
    // One of the two is refused, whichever comes second; then the other is answered.
    expect(answers.flatMap(({ error }) => error ?? [])).toEqual(['ERR_CALL_CYCLE']);
  });

  it('but not with one that has given up its question', async () => {
    await using directory = await testDirectory();
    const [a, b, board, slow] = [asker('a'), asker('b'), asker('board'), asker('slow')];
    await using test = await start(directory, a, b, board, slow);
    const { runtime } = test;
    const first = runtime.worker(a).with({ timeoutMs: 30_000 });
    const second = runtime.worker(b).with({ timeoutMs: 30_000 });
    const { hits } = runtime.worker(board).tables;
    const told = (id: string): Question => question('board', 'hits', 'insert', { id, count: 1 });
    const { pid = Number.NaN } = runtime.worker(slow);
    process.kill(pid, 'SIGSTOP');
    try {
      const asksA = second.call.meet(['go'], 'board', [count('a', 'y'), told('asked')]);
      await until('b has begun', () => hits.member('b'));
      // The question of a waits for the handler of b until it is aborted; then a waits for another worker.
      const aborted = { ...count('b', 'x'), abortAfterMs: 50 };
      const asksB = first.call.ask([aborted, told('go'), question('slow', 'fleeting', 'size')]);
      await until('b has asked', () => hits.member('asked'));
      process.kill(pid, 'SIGCONT');
      expect(await asksA).toEqual([{ value: 1 }, { value: undefined }]);
      expect(await asksB).toMatchObject([{ error: 'ERR_CALL_ABORTED', outcome: 'unknown' }, {}, { value: 0 }]);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  it('but not with one that is dead: it waits for nobody, until its next life asks again', async () => {
    await using directory = await testDirectory();
    // The next life of `a` comes to its call only when its init has not heard of `slow` for a while.
    const isSlow = { ...question('slow', 'fleeting', 'size'), timeoutMs: 3_000 };
    const a = asker('a', { ON_START: JSON.stringify([isSlow]) });
    const [b, board, slow] = [asker('b'), asker('board'), asker('slow')];
    await using test = await start(directory, a, b, board, slow);
    const { runtime } = test;
    const [first, second, third] = [a, b, board].map((reference) =>
      runtime.worker(reference).with({ timeoutMs: 30_000 }),
    ) as [WorkerHandle<typeof askerWorker>, WorkerHandle<typeof askerWorker>, WorkerHandle<typeof askerWorker>]; // Of three.
    const isAt = (name: string): Promise<boolean> => until(`${name} has begun`, () => third.tables.hits.member(name));
    const asksA = second.call.meet(['go'], 'board', [count('a', 'y')]);
    await isAt('b');
    const asksB = first.call.meet([], 'board', [count('b', 'x')]);
    await isAt('a');
    // The question of `a` comes while this is stored; it waits for the handler of `b`.
    await third.call.change('tick');
    const crashed = new Promise((resolve) => void runtime.on('crash', resolve));
    const { pid = Number.NaN } = runtime.worker(slow);
    process.kill(pid, 'SIGSTOP');
    try {
      process.kill(first.pid ?? Number.NaN, 'SIGKILL');
      await crashed;
      await third.tables.hits.insert({ id: 'go', count: 1 });
      expect(await asksA).toEqual([{ value: 1 }]);
      // It is run again when `b` waits for it: now this is the question that would close the circle. What it asked for goes on.
      expect(await asksB).toMatchObject([{ error: 'ERR_CALL_CYCLE', outcome: 'unknown', workers: ['a', 'b', 'a'] }]);
      await until('it is done once', async () => (await second.tables.hits.lookup('x'))?.count === 1);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });
});

describe('what is no call', () => {
  const questions = (of: string): string =>
    JSON.stringify([
      question(of, 'hits', 'size'),
      { ...question(of, 'fleeting', 'size'), timeoutMs: 200 },
      question(of, 'hits', 'rows', { pageRows: 1 }),
      count(of, 'init'),
    ] satisfies Question[]);

  it('may read in init, also of a worker that is not started yet, and not write', async () => {
    await using directory = await testDirectory();
    const [a, b] = [asker('a', { ON_START: questions('b') }), asker('b', { ON_START: questions('a') })];
    const noWrite = { name: 'WorkerError', error: 'ERR_WORKER_NO_CALL' };
    const unknown = { name: 'KeeperError', error: 'ERR_TABLE_UNKNOWN' };
    const answersOf = async (test: TestRuntime, reference: Asker): Promise<unknown[]> =>
      (await test.runtime.worker(reference).call.answers()).map(({ answered: [answer] }) => answer);
    {
      await using test = await start(directory, a, b);
      expect(await answersOf(test, a)).toMatchObject([unknown, unknown, unknown, noWrite]);
      expect(await answersOf(test, b)).toMatchObject([{ value: 0 }, { value: 0 }, { value: [] }, noWrite]);
      const { call } = test.runtime.worker(b);
      for (const id of ['x', 'y', 'z']) await call.change(id);
    }
    await using test = await start(directory, a, b);
    const rows = ['x', 'y', 'z'].map((id) => ({ id, count: 1 }));
    expect((await answersOf(test, a)).slice(4)).toMatchObject([{ value: 3 }, unknown, { value: rows }, noWrite]);
  });

  it('may read in tableTransferred, and not write', async () => {
    await using directory = await testDirectory();
    const [a, b] = [asker('a'), asker('b', { ON_TRANSFER: questions('a') })];
    await using test = await start(directory, a, b);
    await test.runtime.worker(a).call.give('b');
    const answers = await until('it is told', async () => {
      const found = await test.runtime.worker(b).call.answers();
      return found.length === 4 ? found : undefined;
    });
    expect(answers.map(({ answered: [answer] }) => answer?.error ?? answer?.value)).toEqual([
      0,
      0,
      [],
      'ERR_WORKER_NO_CALL',
    ]);
  });
});

it('a write follows a table to its present owner, for whom it is a circle', async () => {
  await using directory = await testDirectory();
  const [a, b, c] = [asker('a'), asker('b'), asker('c')];
  await using test = await start(directory, a, b, c);
  const { runtime } = test;
  await runtime.worker(a).call.give('b');
  expect(await runtime.worker(c).call.ask([count('a', 'x'), question('a', 'hits', 'lookup', 'x')])).toEqual([
    { value: 1 },
    { value: { id: 'x', count: 1 } },
  ]);
  expect(await runtime.worker(b).call.own('a/hits', 'x')).toBe(2);
  expect(await runtime.worker(b).call.ask([count('a', 'x')])).toMatchObject([
    { error: 'ERR_CALL_CYCLE', workers: ['b', 'b'] },
  ]);
  // Its own table is with another worker, so asking for it is no circle.
  expect(await runtime.worker(a).call.ask([count('a', 'x')])).toEqual([{ value: 3 }]);
});

describe('what is kept for when a handler is run again is bounded (G9)', () => {
  const shelvesRef = worker<typeof shelvesWorker>('shelves', workerModule('shelves'), { standby: false });
  const read = question('shelves', 'set', 'lookup', 'large');
  const write = question('shelves', 'set', 'insert', { id: 'small', n: 1 });

  it('reads go on behind the limit, writes are refused, and reads behind a write', async () => {
    await using directory = await testDirectory();
    const ref = asker('a');
    await using test = await start(directory, ref, shelvesRef);
    const { call } = test.runtime.worker(ref).with({ timeoutMs: 30_000 });
    const fill = { ...question('shelves', 'set', 'insert', { id: 'large', n: 1 }), padBytes: 5 * 1024 * 1024 };
    expect(await call.ask([fill])).toEqual([{ value: undefined }]);
    const errors = async (...questions: Question[]): Promise<unknown[]> => {
      // Only what fits into a result: whether there was an error.
      const answers = await call.errors(questions);
      return answers.map(({ error, outcome }) => (error === undefined ? 'ok' : [error, outcome]));
    };
    const refused = ['ERR_CALL_KEPT_LIMIT', 'none'];
    expect(await errors(read, read, read, write, read)).toEqual(['ok', 'ok', 'ok', 'ok', refused]);
    expect(await errors(read, read, read, read, write, read)).toEqual(['ok', 'ok', 'ok', 'ok', refused, 'ok']);
    expect(await errors(write, read, read, read, read, write)).toEqual(['ok', 'ok', 'ok', 'ok', refused, 'ok']);
    // A call of its own keeps nothing of the one before.
    expect(await errors(read, write)).toEqual(['ok', 'ok']);
  });
});

describe('a handler that runs while the runtime closes', () => {
  it('is answered as long as the other worker lives', async () => {
    await using directory = await testDirectory();
    const [a, b] = [asker('a'), asker('b')];
    await using test = await start(directory, a, b);
    const second = test.runtime.worker(b);
    const { pid = Number.NaN } = second;
    process.kill(pid, 'SIGSTOP');
    const answers = second.call.ask([count('a', 'x')]);
    // It is stopped first, so the other one is there when it asks, though no more calls are taken.
    const closing = test.runtime.close();
    process.kill(pid, 'SIGCONT');
    expect(await answers).toEqual([{ value: 1 }]);
    await closing;
  });

  it('and is told when it does not any more', async () => {
    await using directory = await testDirectory();
    const [a, b] = [asker('a'), asker('b')];
    await using test = await start(directory, a, b);
    const first = test.runtime.worker(a);
    const { pid = Number.NaN } = first;
    process.kill(pid, 'SIGSTOP');
    const answers = first.call.ask([count('b', 'x')]);
    const closing = test.runtime.close();
    await until('the other one has ended', () => test.runtime.worker(b).pid === undefined);
    process.kill(pid, 'SIGCONT');
    expect(await answers).toMatchObject([{ error: 'ERR_CALL_STOPPED', outcome: 'none' }]);
    await closing;
  });
});
