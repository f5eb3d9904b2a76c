/**
 * Tables as others than their owner read them: every read, from the keeper and from the owner of what survives nothing, with
 * equal results (G8).
 *
 * Mutations that make this fail, each tried: the owner answers in its own order; the keeper takes `reverse` for the other types;
 * the keeper stops a page before it knows whether there is more.
 */
import { Table, TABLE_OPERATIONS, encodeKey, row, table } from '@heirloom/tables';
import type { TableKey } from '@heirloom/tables';
import { worker } from 'heirloom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { SeededRandom, runSeed } from './support/random.js';
import { patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type shelvesWorker from './workers/shelves.worker.js';

type Row = Readonly<Record<string | number, unknown>>;
type Remote = Readonly<Record<string, (...operands: unknown[]) => Promise<unknown>>>;

/** The rows of one table, in the order in which others see them. */
interface Model {
  readonly name: 'set' | 'orderedSet' | 'bag' | 'duplicateBag' | 'composite' | 'tuples';
  readonly type: 'set' | 'ordered_set' | 'bag' | 'duplicate_bag';
  readonly key: string | 0 | readonly string[];
  rows: Row[];
}

const reference = worker<typeof shelvesWorker>('shelves', workerModule('shelves'));
const models: readonly Model[] = [
  { name: 'set', type: 'set', key: 'id', rows: [] },
  { name: 'orderedSet', type: 'ordered_set', key: 'id', rows: [] },
  { name: 'bag', type: 'bag', key: 'id', rows: [] },
  { name: 'duplicateBag', type: 'duplicate_bag', key: 'id', rows: [] },
  { name: 'composite', type: 'ordered_set', key: ['id', 'n'], rows: [] },
  { name: 'tuples', type: 'ordered_set', key: 0, rows: [] },
];
const seed = runSeed();

let directory: TestDirectory;
let test: TestRuntime;

const keyOf = ({ key }: Model, row: Row): TableKey =>
  (typeof key === 'object' ? key.map((part) => row[part]) : row[key]) as TableKey; // The rows of this test have keys.
const bytesOf = (model: Model, key: TableKey): Buffer => Buffer.from(encodeKey(key, model.type !== 'ordered_set'));
const isBag = ({ type }: Model): boolean => type === 'bag' || type === 'duplicate_bag';
const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

function insert(model: Model, row: Row): void {
  const at = (other: Row): number =>
    Buffer.compare(bytesOf(model, keyOf(model, other)), bytesOf(model, keyOf(model, row)));
  if (!isBag(model)) model.rows = model.rows.filter((other) => at(other) !== 0);
  else if (model.type === 'bag' && model.rows.some((other) => isSame(other, row))) return;
  const place = model.rows.findIndex((other) => at(other) > 0);
  model.rows.splice(place === -1 ? model.rows.length : place, 0, row);
}

function randomRow(random: SeededRandom, model: Model): Row {
  const id = random.pick<string | number>([random.integer(0, 9), random.pick(['a', 'b', 'bb', 'c', ''])]);
  const n = random.integer(0, 4);
  if (model.key === 0) return [id, n, random.pick(['x', 'y'])] as unknown as Row; // A tuple is read by position.
  return random.next() < 0.5 ? { id, n } : { id, n, at: { city: random.pick(['Bern', 'Basel']) } };
}

/** The two remote tables that hold what the model does. */
function remotes({ name }: Model): readonly [kind: string, remote: Remote][] {
  const tables = test.runtime.worker(reference).tables as unknown as Readonly<Record<string, Remote>>; // By name, as the models are.
  const fleeting = `fleeting${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`;
  return [
    [`${name}, from the keeper`, tables[name] as Remote],
    [`${name}, from the owner`, tables[fleeting] as Remote],
  ];
}

/** Asks both, and compares with what is expected. */
async function expectBoth(
  model: Model,
  operation: string,
  operands: readonly unknown[],
  expected: unknown,
): Promise<void> {
  for (const [kind, remote] of remotes(model)) {
    const answer = await remote[operation]?.(...operands);
    expect(answer, `${kind}: ${operation} ${JSON.stringify(operands)} (seed ${seed})`).toEqual(expected);
  }
}

async function expectRefusals(
  model: Model,
  operation: string,
  operands: readonly unknown[],
  code: string,
): Promise<void> {
  for (const [kind, remote] of remotes(model)) {
    const what = `${kind}: ${operation} ${JSON.stringify(operands)}`;
    await expect(remote[operation]?.(...operands), what).rejects.toMatchObject({ name: 'TableError', code });
  }
}

beforeAll(async () => {
  directory = await testDirectory();
  test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
  const random = new SeededRandom(seed);
  for (const model of models) {
    const rows = Array.from({ length: 60 }, () => randomRow(random, model));
    for (const row of rows) insert(model, row);
    for (const [, remote] of remotes(model)) await Promise.all(rows.map(async (row) => remote['insert']?.(row)));
  }
});

afterAll(async () => {
  await test[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

it('has every operation of the list that is for others, and no other', () => {
  const [, remote] = remotes(models[0] as Model)[0] ?? [];
  for (const [name, operation] of Object.entries(TABLE_OPERATIONS)) {
    expect(typeof remote?.[name], name).toBe(operation.remote ? 'function' : 'undefined');
  }
});

describe.each(models)('$name', (model) => {
  const field = model.key === 0 ? 1 : 'n';
  const some: readonly TableKey[] =
    typeof model.key === 'object'
      ? [
          ['a', 1],
          [3, 2],
          [99, 0],
          ['zz', 0],
        ]
      : ['a', 'bb', 0, 3, 99, 'zz', -1, 3.5];
  const rowsOf = (key: TableKey): Row[] =>
    model.rows.filter((row) => bytesOf(model, keyOf(model, row)).equals(bytesOf(model, key)));
  const keys = (): TableKey[] => {
    const found: TableKey[] = [];
    for (const row of model.rows) if (!isSame(found.at(-1), keyOf(model, row))) found.push(keyOf(model, row));
    return found;
  };
  const keyed = (key: TableKey | undefined): unknown => (key === undefined ? undefined : { key, rows: rowsOf(key) });
  const after = (key: TableKey): TableKey | undefined =>
    keys().find((other) => Buffer.compare(bytesOf(model, other), bytesOf(model, key)) > 0);
  const before = (key: TableKey): TableKey | undefined =>
    keys().findLast((other) => Buffer.compare(bytesOf(model, other), bytesOf(model, key)) < 0);

  it('is read by key', async () => {
    await expectBoth(model, 'size', [], model.rows.length);
    for (const key of some) {
      const rows = rowsOf(key);
      await expectBoth(model, 'lookup', [key], isBag(model) ? rows : rows[0]);
      await expectBoth(model, 'member', [key], rows.length > 0);
      const values = rows.map((row) => row[field]);
      const none = { default: 'none' };
      const element = rows.length === 0 ? 'none' : isBag(model) ? values : values[0];
      await expectBoth(model, 'lookupElement', [key, field, none], element);
      if (rows.length === 0) await expectRefusals(model, 'lookupElement', [key, field], 'ERR_TABLE_BADKEY');
      else {
        await expectBoth(model, 'lookupElement', [key, field], element);
        await expectRefusals(model, 'lookupElement', [key, model.key === 0 ? 7 : 'nowhere'], 'ERR_TABLE_POSITION');
      }
    }
    for (const operation of ['lookup', 'member', 'lookupElement', 'nextLookup', 'prev']) {
      await expectRefusals(model, operation, [{}], 'ERR_TABLE_VALUE');
    }
  });

  it('is walked by keys that need not be there', async () => {
    await expectBoth(model, 'first', [], keys()[0]);
    await expectBoth(model, 'last', [], keys().at(-1));
    await expectBoth(model, 'firstLookup', [], keyed(keys()[0]));
    await expectBoth(model, 'lastLookup', [], keyed(keys().at(-1)));
    for (const key of [...some, ...keys()]) {
      await expectBoth(model, 'next', [key], after(key));
      await expectBoth(model, 'prev', [key], before(key));
      await expectBoth(model, 'nextLookup', [key], keyed(after(key)));
      await expectBoth(model, 'prevLookup', [key], keyed(before(key)));
    }
  });

  const id = model.key === 0 ? 0 : 'id';
  const conditions: [where: object | undefined, test: (row: Row) => boolean][] = [
    [undefined, () => true],
    [{}, () => true],
    [{ [id]: 'a' }, (row) => row[id] === 'a'],
    [{ [id]: { in: ['bb', 3, 99, 'a'] } }, (row) => ['bb', 3, 'a'].includes(row[id] as string)],
    [{ [id]: { gte: 2, lt: 7 } }, (row) => typeof row[id] === 'number' && row[id] >= 2 && row[id] < 7],
    [{ [id]: { prefix: 'b' } }, (row) => typeof row[id] === 'string' && row[id].startsWith('b')],
    [{ [field]: { gt: 2 } }, (row) => (row[field] as number) > 2],
    [{ $or: [{ [id]: 3 }, { [id]: 'c' }] }, (row) => row[id] === 3 || row[id] === 'c'],
    [
      { $not: { [field]: 1 }, [id]: { lte: 5 } },
      (row) => row[field] !== 1 && typeof row[id] === 'number' && row[id] <= 5,
    ],
    [{ [id]: 'nobody' }, () => false],
  ];
  if (model.key !== 0) {
    conditions.push([
      { at: { at: { city: 'Bern' } } },
      ({ at }) => (at as { city: string } | undefined)?.city === 'Bern',
    ]);
  }
  const isOrdered = model.type === 'ordered_set';
  const directed = (rows: readonly Row[], reverse: boolean): readonly Row[] =>
    reverse && isOrdered ? rows.toReversed() : rows;

  it('is selected from', async () => {
    for (const [where, matches] of conditions) {
      const rows = model.rows.filter(matches);
      const given = where === undefined ? {} : { where };
      await expectBoth(model, 'select', [given], rows);
      await expectBoth(model, 'selectReverse', [given], directed(rows, true));
      await expectBoth(model, 'select', [{ ...given, limit: 3, reverse: true }], directed(rows, true).slice(0, 3));
      await expectBoth(model, 'selectCount', where === undefined ? [] : [where], rows.length);
      const fields = model.key === 0 ? [2, 0] : ['at', 'id'];
      const projected = rows.map((row) =>
        model.key === 0 ? [row[2], row[0]] : { id: row['id'], ...('at' in row ? { at: row['at'] } : {}) },
      );
      await expectBoth(model, 'select', [{ ...given, fields }], projected);
    }
    await expectBoth(model, 'select', [], model.rows);
    await expectBoth(model, 'tab2list', [], model.rows);
    for (const wrong of [
      { were: {} },
      { limit: 0 },
      { reverse: 1 },
      { fields: 'id' },
      { where: { [id]: { near: 1 } } },
      7,
    ]) {
      for (const operation of ['select', 'selectReverse', 'selectPage']) {
        await expectRefusals(model, operation, [wrong], 'ERR_TABLE_ARGUMENT');
      }
    }
  });

  it('is matched with patterns', async () => {
    const second = model.key === 0 ? { 2: 'x' } : { at: { city: 'Bern' } };
    for (const pattern of [{}, { [id]: 3 }, { [field]: 2 }, second, { [id]: 'nobody' }]) {
      const rows = model.rows.filter((row) =>
        Object.entries(pattern).every(([name, value]) => isSame(row[name], value)),
      );
      await expectBoth(model, 'matchObject', [pattern], rows);
      await expectBoth(model, 'matchObject', [pattern, { limit: 2, reverse: true }], directed(rows, true).slice(0, 2));
      await expectBoth(
        model,
        'match',
        [pattern, [field, id]],
        rows.map((row) => [row[field], row[id]]),
      );
      await expectBoth(
        model,
        'match',
        [pattern, [id], { limit: 1 }],
        rows.slice(0, 1).map((row) => [row[id]]),
      );
    }
    await expectRefusals(model, 'matchObject', [7], 'ERR_TABLE_ARGUMENT');
    await expectRefusals(model, 'match', [{}, 'id'], 'ERR_TABLE_ARGUMENT');
  });

  it.each([1, 4, 7])('is paged through, %i rows at a time', async (limit) => {
    for (const reverse of [false, true]) {
      for (const [where, matches] of conditions) {
        const rows = directed(model.rows.filter(matches), reverse);
        for (const [kind, remote] of remotes(model)) {
          const seen: Row[] = [];
          let pages = 0;
          for (let from: unknown, isOver = false; !isOver;) {
            const options = { reverse, limit, ...(where === undefined ? {} : { where }), after: from };
            const page = (await remote['selectPage']?.(options)) as { rows: Row[]; after: unknown };
            seen.push(...page.rows);
            pages++;
            from = page.after;
            isOver = from === undefined;
          }
          expect(seen, `${kind} ${JSON.stringify(where)} (seed ${seed})`).toEqual(rows);
          expect(pages, kind).toBe(Math.max(1, Math.ceil(rows.length / limit)));
        }
      }
    }
  });

  it('is iterated over', async () => {
    const fields = model.key === 0 ? [0] : ['id'];
    for (const [kind, remote] of remotes(model)) {
      for (const isStable of [true, false]) {
        const rows = remote['rows'] as unknown as (options?: object) => AsyncIterable<unknown>; // It is the one that is no promise.
        const seen: unknown[] = [];
        for await (const row of rows({ pageRows: 7, isStable, where: { [field]: { gt: 1 } }, fields })) seen.push(row);
        const expected = model.rows.filter((row) => (row[field] as number) > 1);
        expect(seen, kind).toEqual(expected.map((row) => (model.key === 0 ? [row[0]] : { id: row['id'] })));
      }
      for (const wrong of [{ pageRows: 0 }, { pageRows: 1_001 }, { isStable: 'yes' }, { limit: 5 }, 7]) {
        const rows = remote['rows'] as unknown as (options?: unknown) => AsyncGenerator; // As above.
        await expect(rows(wrong).next(), kind).rejects.toMatchObject({ code: 'ERR_TABLE_ARGUMENT' });
      }
    }
  });

  it('says what it is, and how it would be read', async () => {
    const definition = table({ row: row<Record<string, unknown>>(), key: model.key as never, type: model.type });
    for (const [where] of conditions) {
      await expectBoth(model, 'explain', [where], new Table(definition).explain(where));
    }
    const info = { type: model.type, access: 'public', size: model.rows.length, key: model.key };
    await expectBoth(model, 'info', [], expect.objectContaining(info));
  });
});
