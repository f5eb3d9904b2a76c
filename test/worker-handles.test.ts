/**
 * Tables of other workers inside handlers: what can be asked, when it happens, and what is refused (G4, G9, G12).
 *
 * Mutations that make this fail, each tried: an iteration that is left goes on; a call that threw behind a write to another worker
 * says that nothing was changed. What happens inside of the worker, with mutations of it, is in worker/test/asks.
 */
import { worker } from 'heirloom';
import type { WorkerReference } from 'heirloom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type askerWorker from './workers/asker.worker.js';
import type { Question } from './workers/asker.worker.js';
import type shelvesWorker from './workers/shelves.worker.js';

const asker = (name: string, env: Readonly<Record<string, string>> = {}): WorkerReference<typeof askerWorker> =>
  worker<typeof askerWorker>(name, workerModule('asker'), { env, standby: false });
const shelvesRef = worker<typeof shelvesWorker>('shelves', workerModule('shelves'), { standby: false });
const question = (worker: string, table: string, operation: string, ...operands: readonly unknown[]): Question => ({
  worker,
  table,
  operation,
  operands,
});
const count = (worker: string, id: string): Question =>
  question(worker, 'hits', 'updateCounter', id, 'count', 1, { default: { id, count: 0 } });

const askerRef = asker('asker');
const otherRef = asker('other');

describe('a handler asks for tables of another worker', () => {
  let directory: TestDirectory;
  let test: TestRuntime;

  beforeAll(async () => {
    directory = await testDirectory();
    test = await startTestRuntime({ directory: directory.path, root: patientRoot(askerRef, otherRef, shelvesRef) });
  });
  afterAll(async () => {
    await test[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  it.each(['set', 'orderedSet', 'bag', 'fleetingSet', 'fleetingOrderedSet', 'fleetingBag'])(
    'with every operation, and the answers of the program’s own handle: %s',
    async (table) => {
      const isBag = table.toLowerCase().endsWith('bag');
      const asks = test.runtime.worker(askerRef).call.ask;
      const own = test.runtime.worker(shelvesRef).tables as unknown as Readonly<
        Record<string, Readonly<Record<string, (...operands: readonly unknown[]) => unknown>>>
      >; // By name, as the questions are.
      const rows = [3, 1, 2].map((n) => ({ id: `r${n}`, n }));
      const bagWrites: [operation: string, ...operands: unknown[]][] = [
        ['insertMany', rows],
        ['insert', { id: 'r1', n: 1 }],
        ['insertNew', { id: 'r1', n: 9 }],
        ['insertNewMany', [{ id: 'r4', n: 4 }]],
        ['delete', 'r4'],
        ['deleteObject', { id: 'r2', n: 2 }],
        ['take', 'r3'],
        ['insertMany', rows],
        ['selectDelete', { n: { gt: 5 } }],
        ['selectReplace', { n: 2 }, { n: 7 }],
        ['matchDelete', { n: 3 }],
      ];
      const writes: typeof bagWrites = isBag
        ? bagWrites
        : [...bagWrites, ['updateCounter', 'r1', 'n', 5], ['updateElement', 'r1', { n: 1 }]];
      for (const [operation, ...operands] of [...writes, ['insertMany', rows]] as typeof writes) {
        const [answer] = await asks([question('shelves', table, operation, ...operands)]);
        expect(answer?.error, operation).toBeUndefined();
      }
      const reads: typeof bagWrites = [
        ['size'],
        ['lookup', 'r1'],
        ['lookup', 'nobody'],
        ['member', 'r1'],
        ['lookupElement', 'r1', 'n'],
        ['lookupElement', 'nobody', 'n', { default: 'none' }],
        ['first'],
        ['last'],
        ['next', 'r1'],
        ['prev', 'r2'],
        ['firstLookup'],
        ['lastLookup'],
        ['nextLookup', 'r1'],
        ['prevLookup', 'r2'],
        ['select', { where: { n: { gte: 2 } } }],
        ['selectReverse', {}],
        ['selectPage', { limit: 1 }],
        ['selectCount', { n: 1 }],
        ['match', { n: 1 }, ['id']],
        ['matchObject', { n: 1 }],
        ['explain', { id: 'r1' }],
        ['tab2list'],
      ];
      const answers = await asks(
        reads.map(([operation, ...operands]) => question('shelves', table, operation, ...operands)),
      );
      for (const [index, [operation, ...operands]] of reads.entries()) {
        expect(answers[index], operation).toEqual({ value: await own[table]?.[operation]?.(...operands) });
      }
      for (const isStable of [true, false]) {
        const selection = { pageRows: 2, isStable, where: { n: { gte: 1 } }, fields: ['id'] };
        const expected: unknown[] = [];
        const rowsOf = own[table]?.['rows'] as (selection: object) => AsyncIterable<unknown>; // A remote table has it.
        for await (const each of rowsOf(selection)) expected.push(each);
        expect(expected.length).toBeGreaterThan(1);
        expect(await asks([question('shelves', table, 'rows', selection)])).toEqual([{ value: expected }]);
      }
      const [info] = await asks([question('shelves', table, 'info')]);
      expect(info).toMatchObject({ value: { size: await own[table]?.['size']?.() } });
      expect(await asks([question('shelves', table, 'deleteAllObjects'), question('shelves', table, 'size')])).toEqual([
        { value: undefined },
        { value: 0 },
      ]);
    },
  );

  it('by the name that it has, also to give it another one', async () => {
    const { call } = test.runtime.worker(askerRef);
    expect(await call.ask([question('other', 'log', 'rename', 'the log')])).toEqual([{ value: undefined }]);
    expect(await test.runtime.whereis('the log')).toBeDefined();
    expect(await call.ask([question('other', 'hits', 'rename', 'the log')])).toMatchObject([
      { error: 'ERR_TABLE_NAME' },
    ]);
  });

  it('and is told by the same errors as the program, of the same classes', async () => {
    const { call } = test.runtime.worker(askerRef);
    const answers = await call.ask([
      question('shelves', 'secret', 'lookup', 'a'),
      question('shelves', 'guarded', 'insert', { id: 'a', n: 1 }),
      question('shelves', 'set', 'insert', { id: {}, n: 1 }),
      question('shelves', 'set', 'lookupElement', 'nobody', 'n'),
      question('shelves', 'nowhere', 'lookup', 'a'),
      { ...question('shelves', 'set', 'insert'), isUnsendable: true },
      question('shelves', 'set', 'watch'),
      question('shelves', 'set', 'foldl'),
      question('shelves', 'set', 'rows.next', 3),
      question('shelves', 'set', 'rows', { pageRows: 0 }),
    ]);
    expect(answers.map(({ error, name }) => [name, error])).toEqual([
      ['TableError', 'ERR_TABLE_ACCESS'],
      ['TableError', 'ERR_TABLE_ACCESS'],
      ['TableError', 'ERR_TABLE_VALUE'],
      ['TableError', 'ERR_TABLE_BADKEY'],
      ['TableError', 'ERR_TABLE_ARGUMENT'],
      ['CallError', 'ERR_CALL_ARGUMENTS'],
      [undefined, 'no operation'],
      [undefined, 'no operation'],
      [undefined, 'no operation'],
      ['TableError', 'ERR_TABLE_ARGUMENT'],
    ]);
    const wrong = { code: 'ERR_CALL_THREW', cause: { name: 'WorkerError', code: 'ERR_WORKER_REFERENCE' } };
    for (const reference of [undefined, 'shelves', { kind: 'worker_ref', name: 'nobody' }]) {
      await expect(call.wrongReference(reference)).rejects.toMatchObject(wrong);
    }
    for (const options of [
      { timeout: 5 },
      { timeoutMs: 0 },
      { timeoutMs: 2 ** 31 },
      { signal: 1 },
      { retry: 'never' },
    ]) {
      const cause = { name: 'WorkerError', code: 'ERR_WORKER_OPTION' };
      await expect(call.wrongOptions(options)).rejects.toMatchObject({ code: 'ERR_CALL_THREW', cause });
    }
  });

  it('and reads what is released, so not what it has changed itself', async () => {
    const { call } = test.runtime.worker(askerRef);
    const read = question('asker', 'hits', 'lookup', 'own');
    expect(await call.changeAndAsk('own', [read])).toEqual([{ value: undefined }]);
    expect(await call.ask([read])).toEqual([{ value: { id: 'own', count: 1 } }]);
  });

  it('and what it writes stays, also when it throws', async () => {
    const { call } = test.runtime.worker(askerRef);
    const thrown = { code: 'ERR_CALL_THREW', cause: { message: 'after the write' } };
    await expect(call.throwAfter(count('other', 'thrown'))).rejects.toMatchObject({ ...thrown, outcome: 'unknown' });
    const read = question('other', 'hits', 'size');
    await expect(call.throwAfter(read)).rejects.toMatchObject({ ...thrown, outcome: 'none' });
    expect(await test.runtime.worker(otherRef).tables.hits.lookup('thrown')).toEqual({ id: 'thrown', count: 1 });
  });

  it('and what it does not wait for happens, too', async () => {
    const { call } = test.runtime.worker(askerRef);
    await call.float([
      count('other', 'floating'),
      count('other', 'floating'),
      question('other', 'hits', 'lookup', 'x'),
    ]);
    const other = test.runtime.worker(otherRef).tables.hits;
    await until('both are there', async () => (await other.lookup('floating'))?.count === 2);
  });

  it('until it has settled, and then no more', async () => {
    const { call } = test.runtime.worker(askerRef);
    await call.keep();
    const closed = { name: 'TableError', error: 'ERR_TABLE_CLOSED' };
    expect(await call.askLate(question('shelves', 'set', 'size'))).toMatchObject(closed);
    expect(await call.askLate(count('other', 'late'))).toMatchObject(closed);
    expect(await call.askLate(question('shelves', 'set', 'rows'))).toMatchObject(closed);
    expect(await test.runtime.worker(otherRef).tables.hits.member('late')).toBe(false);
  });

  it('many at once, as many as may be open (G9)', async () => {
    const { call } = test.runtime.worker(askerRef);
    const reads = (length: number): Question[] => Array.from({ length }, () => question('shelves', 'set', 'size'));
    for (const answer of await call.askAtOnce(reads(256))) expect(answer).toEqual({ value: expect.any(Number) });
    const answers = await call.askAtOnce(reads(257));
    expect(answers.filter(({ error }) => error === 'ERR_CALL_OVERLOADED')).toEqual([
      expect.objectContaining({ name: 'CallError', outcome: 'none' }),
    ]);
    const large = { ...question('shelves', 'bag', 'insertNew', { id: 'large', n: 1 }), padBytes: 15 * 1024 * 1024 };
    const many = await call.askAtOnce([large, large, large]);
    expect(many.map(({ error }) => error)).toEqual([undefined, undefined, 'ERR_CALL_OVERLOADED']);
    expect(await call.ask([question('shelves', 'bag', 'deleteAllObjects')])).toEqual([{ value: undefined }]);
  });

  it('and leaves an iteration where it wants, so that nothing is held', async () => {
    const shelves = test.runtime.worker(shelvesRef);
    await shelves.call.fill('set', 20, 1);
    const { call } = test.runtime.worker(askerRef);
    // The keeper holds 64 snapshots at most.
    for (let round = 0; round < 70; round++) expect(await call.someRows('shelves', 3, 4)).toHaveLength(4);
    expect(await call.walk('shelves')).toHaveLength(20);
    expect(await shelves.tables.set.size()).toBe(40);
  });

  it('for as long as it says', async () => {
    const asks = test.runtime.worker(askerRef).call.ask;
    const shelves = test.runtime.worker(shelvesRef);
    process.kill(shelves.pid ?? Number.NaN, 'SIGSTOP');
    try {
      const write = question('shelves', 'set', 'insert', { id: 'slow', n: 1 });
      const read = question('shelves', 'fleetingSet', 'size');
      expect(
        await asks([
          { ...write, timeoutMs: 50 },
          { ...write, abortAfterMs: 50 },
          { ...write, abortAfterMs: 0 },
          { ...read, timeoutMs: 50 },
          question('shelves', 'set', 'member', 'slow'),
        ]),
      ).toMatchObject([
        { error: 'ERR_CALL_TIMEOUT', outcome: 'unknown' },
        { error: 'ERR_CALL_ABORTED', outcome: 'unknown' },
        { error: 'ERR_CALL_ABORTED' },
        { error: 'ERR_CALL_TIMEOUT' },
        { value: false },
      ]);
    } finally {
      process.kill(shelves.pid ?? Number.NaN, 'SIGCONT');
    }
    await until('what was sent is done', () => shelves.tables.set.member('slow'));
  });
});
