/**
 * The commands of the model tests: each operation once as the model says it and once on the real table.
 *
 * A result is something that can be compared; what a type leaves open, such as the order of a hash type's keys, is put in
 * order on both sides. A refusal is the error's code, and then nothing may have changed.
 */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { TableType } from '@heirloom/tables';
import { POOL, inOrder, keyClass, keyName, modelRow, plainRow } from './model.js';
import type { Model, ModelRow, PoolKey } from './model.js';
import { seenOf, seenOfModel } from './model-world.js';
import type { LoadingTable, World } from './model-world.js';

/** One operation, with what it takes. */
interface Operation<Args> {
  readonly name: string;
  readonly args: fc.Arbitrary<Args>;
  readonly types?: readonly TableType[];
  readonly expected: (model: Model, args: Args) => unknown;
  readonly actual: (world: World, args: Args) => unknown;
}

class TableCommand<Args> implements fc.Command<Model, World> {
  readonly #operation: Operation<Args>;
  readonly #args: Args;

  constructor(operation: Operation<Args>, args: Args) {
    this.#operation = operation;
    this.#args = args;
  }

  check(model: Readonly<Model>): boolean {
    return this.#operation.types?.includes(model.type) ?? true;
  }

  run(model: Model, world: World): void {
    const wanted = this.#operation.expected(model, this.#args);
    expect(codeOr(() => this.#operation.actual(world, this.#args))).toEqual(wanted);
    expect([world.table.size, world.table.info().size]).toEqual([model.entries.length, model.entries.length]);
    expect(world.table.nextSequence).toBe(model.nextSequence);
  }

  toString(): string {
    return `${this.#operation.name}(${fc.stringify(this.#args)})`;
  }
}

/** What a function returns, or the code of the error that it throws. */
function codeOr(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== 'string' || code === 'ERR_INVARIANT') throw error;
    return code;
  }
}

const HASH: readonly TableType[] = ['set', 'bag', 'duplicate_bag'];

const some = fc.oneof(
  fc.constantFrom(...POOL),
  // Often the same few, so that keys meet.
  fc.constantFrom(
    ...POOL.filter(({ name }) => ['null', '1', '1n', '2n', 'n11', 'a', 'array-a', '2^53'].includes(name)),
  ),
);
interface SomeRow {
  readonly pool: PoolKey;
  readonly v: number;
  readonly w: ModelRow['w'];
}
const someRow: fc.Arbitrary<SomeRow> = fc.record({
  pool: some,
  v: fc.integer({ min: 0, max: 2 }),
  w: fc.constantFrom<ModelRow['w'][]>('x', 'y', [1]),
});
const someRows = fc.array(someRow, { maxLength: 5 });
const rowOf = ({ pool, v, w }: SomeRow): ModelRow => modelRow(pool, v, w);
const found = (result: unknown): readonly string[] =>
  // A row or undefined in sets, rows in bags.
  result === undefined ? [] : Array.isArray(result) ? result.map(plainRow) : [plainRow(result as ModelRow)];
const rowsIn = (model: Model): readonly ModelRow[] => model.sorted().map(({ row }) => row);
const ofExactly = (model: Model, pools: readonly PoolKey[]): readonly ModelRow[] =>
  rowsIn(model).filter(({ id }) => pools.some(({ key }) => keyName(key) === keyName(id)));
/** The counter of a set type; a table whose type is not known has none, as far as its type says. */
const COUNTER = 'v' as never;

function inRange(model: Model, from: PoolKey, below: PoolKey | undefined): readonly ModelRow[] {
  const bounds = [from, ...(below === undefined ? [] : [below])];
  return model
    .sorted()
    .filter(({ pool }) => bounds.every(({ key }) => keyClass(key) === keyClass(pool.key)))
    .filter(({ pool }) => pool.rank >= from.rank && (below === undefined || pool.rank < below.rank))
    .map(({ row }) => row);
}

function update(model: Model, pool: PoolKey, change: (row: ModelRow) => ModelRow, fallback?: SomeRow): boolean {
  if (fallback !== undefined && model.of(pool).length === 0) model.insert(modelRow(pool, fallback.v, fallback.w));
  return model.update(pool, change);
}

function command<Args>(operation: Operation<Args>): fc.Arbitrary<fc.Command<Model, World>> {
  return operation.args.map((args) => new TableCommand(operation, args));
}

const none = fc.constant(undefined);

const writes = [
  command({
    name: 'insert',
    args: someRow,
    expected: (model, one) => model.insert(rowOf(one)),
    actual: (world, one) => world.write((subject) => subject.insert(rowOf(one))),
  }),
  command({
    name: 'insertMany',
    args: someRows,
    expected: (model, rows) => model.insertMany(rows.map(rowOf)),
    actual: (world, rows) => world.write((subject) => subject.insertMany(rows.map(rowOf))),
  }),
  command({
    name: 'insertNew',
    args: someRow,
    expected: (model, one) => model.insertNew([rowOf(one)]),
    actual: (world, one) => world.write((subject) => subject.insertNew(rowOf(one))),
  }),
  command({
    name: 'insertNewMany',
    args: someRows,
    expected: (model, rows) => model.insertNew(rows.map(rowOf)),
    actual: (world, rows) => world.write((subject) => subject.insertNewMany(rows.map(rowOf))),
  }),
  command({
    name: 'insertMany with a bad row at the end',
    args: someRows,
    expected: () => 'ERR_TABLE_VALUE',
    actual: (world, rows) =>
      world.write((subject) => subject.insertMany([...rows.map(rowOf), { id: Number.NaN, v: 0, w: '' }])),
  }),
  command({
    name: 'delete',
    args: some,
    expected: (model, pool) => model.delete(pool),
    actual: (world, pool) => world.write((subject) => subject.delete(pool.key)),
  }),
  command({
    name: 'deleteObject',
    args: someRow,
    expected: (model, one) => model.deleteObject(rowOf(one)),
    actual: (world, one) => world.write((subject) => subject.deleteObject(rowOf(one))),
  }),
  command({
    name: 'deleteObject of what is there',
    args: fc.nat(),
    expected: (model, n) => {
      const entry = model.sorted()[n % Math.max(1, model.entries.length)];
      return entry === undefined ? 0 : model.deleteObject(entry.row);
    },
    actual: (world, n) => {
      const rows = sortedRows(world.table, world.type);
      const chosen = rows[n % Math.max(1, rows.length)];
      return chosen === undefined ? 0 : world.write((subject) => subject.deleteObject(chosen));
    },
    // In the others the model and the table count their rows in different orders of keys.
    types: ['ordered_set'],
  }),
  command({
    name: 'take',
    args: some,
    expected: (model, pool) => {
      const rows = model.of(pool).map(({ row }) => plainRow(row));
      model.delete(pool);
      return rows;
    },
    actual: (world, pool) => world.write((subject) => found(subject.take(pool.key))),
  }),
  command({
    name: 'updateCounter',
    args: fc.record({ pool: some, by: fc.integer({ min: -2, max: 2 }), default: fc.option(someRow) }),
    expected: (model, { pool, by, default: fallback }) => {
      if (model.isBag) return 'ERR_TABLE_TYPE';
      const isThere = update(model, pool, (old) => ({ ...old, v: old.v + by }), fallback ?? undefined);
      return isThere ? model.of(pool)[0]?.row.v : 'ERR_TABLE_BADKEY';
    },
    actual: (world, { pool, by, default: fallback }) =>
      world.write((subject) =>
        subject.updateCounter(
          pool.key,
          COUNTER,
          by as never,
          fallback === null ? {} : { default: rowOf({ ...fallback, pool: POOL[0] as PoolKey }) },
        ),
      ),
  }),
  command({
    name: 'updateCounter with several operations, the last of them bad',
    args: some,
    expected: (model, pool) =>
      model.isBag ? 'ERR_TABLE_TYPE' : model.of(pool).length === 0 ? 'ERR_TABLE_BADKEY' : 'ERR_TABLE_KEYPOS',
    actual: (world, pool) =>
      world.write((subject) => subject.updateCounter(pool.key, [{ field: COUNTER }, { field: 'id' as never }])),
  }),
  command({
    name: 'updateElement',
    args: fc.record({ pool: some, w: fc.constantFrom('y', 'z'), default: fc.option(someRow) }),
    expected: (model, { pool, w, default: fallback }) =>
      model.isBag ? 'ERR_TABLE_TYPE' : update(model, pool, (old) => ({ ...old, w }), fallback ?? undefined),
    actual: (world, { pool, w, default: fallback }) =>
      world.write((subject) =>
        subject.updateElement(pool.key, { w }, fallback === null ? {} : { default: rowOf(fallback) }),
      ),
  }),
  command({
    name: 'selectDelete',
    args: fc.record({ v: fc.integer({ min: 0, max: 2 }), from: fc.option(some) }),
    expected: (model, { v, from }) => {
      const rows = new Set(from === null ? rowsIn(model) : inRange(model, from, undefined));
      return model.deleteWhere((one) => one.v === v && rows.has(one));
    },
    actual: (world, { v, from }) =>
      world.write((subject) => subject.selectDelete(from === null ? { v } : { v, id: { gte: from.key } })),
  }),
  command({
    name: 'selectDelete of everything or deleteAllObjects',
    args: fc.integer({ min: 0, max: 9 }),
    expected: (model, n) => (n > 2 ? undefined : void model.deleteWhere(() => true)),
    actual: (world, n) => {
      if (n === 0) world.write((subject) => subject.selectDelete());
      else if (n <= 2) world.write((subject) => subject.deleteAllObjects());
    },
  }),
];

/** All rows of a table, those of a hash type by the names of their keys. */
function sortedRows(subject: LoadingTable, type: TableType): readonly ModelRow[] {
  const rows = subject.tab2list();
  return type === 'ordered_set' ? rows : rows.toSorted((a, b) => (keyName(a.id) < keyName(b.id) ? -1 : 1));
}

const reads = [
  command({
    name: 'lookup and member',
    args: some,
    expected: (model, pool) => [model.of(pool).map(({ row }) => plainRow(row)), model.of(pool).length > 0],
    actual: ({ table: subject }, { key }) => [found(subject.lookup(key)), subject.member(key)],
  }),
  command({
    name: 'lookupElement',
    args: fc.record({ pool: some, hasDefault: fc.boolean() }),
    expected: (model, { pool, hasDefault }) => {
      const values = model.of(pool).map(({ row }) => row.v);
      if (values.length === 0) return hasDefault ? 'none' : 'ERR_TABLE_BADKEY';
      return model.isBag ? values : values[0];
    },
    actual: ({ table: subject }, { pool, hasDefault }) =>
      hasDefault ? subject.lookupElement(pool.key, 'v', { default: 'none' }) : subject.lookupElement(pool.key, 'v'),
  }),
  command({
    name: 'first, last, next and prev',
    args: some,
    types: ['ordered_set'],
    expected: (model, { rank }) => {
      const keys = model.sortedKeys();
      const next = keys.find((one) => one.rank > rank);
      const previous = keys.findLast((one) => one.rank < rank);
      return [keys.at(0), keys.at(-1), next, previous].map((one) => keyName(one?.key));
    },
    actual: ({ table: subject }, { key }) =>
      [subject.first(), subject.last(), subject.next(key), subject.prev(key)].map(keyName),
  }),
  command({
    name: 'next of an absent key',
    args: some,
    types: HASH,
    expected: (model, pool) => (model.of(pool).length === 0 ? 'ERR_TABLE_BADKEY' : 'a key'),
    actual: ({ table: subject }, { key }) => {
      subject.next(key);
      return 'a key';
    },
  }),
  command({
    name: 'a walk over all keys',
    args: none,
    expected: (model) =>
      model
        .sortedKeys()
        .map(({ key }) => keyName(key))
        .toSorted(),
    actual: ({ table: subject }) => {
      const names: string[] = [];
      for (let key = subject.first(); key !== undefined; key = subject.next(key)) names.push(keyName(key));
      return names.toSorted();
    },
  }),
  command({
    name: 'select by key',
    args: fc.array(some, { minLength: 1, maxLength: 3 }),
    expected: (model, pools) => [
      inOrder(ofExactly(model, pools.slice(0, 1)), model.type),
      inOrder(ofExactly(model, pools), model.type),
    ],
    actual: ({ table: subject, type }, pools) => [
      inOrder(subject.select({ where: { id: { eq: pools[0]?.key } } } as never), type),
      inOrder(subject.select({ where: { id: { in: pools.map(({ key }) => key) } } }), type),
    ],
  }),
  command({
    name: 'select a range',
    args: fc.record({ from: some, below: fc.option(some), reverse: fc.boolean() }),
    expected: (model, { from, below, reverse }) => {
      const rows = inRange(model, from, below ?? undefined);
      return inOrder(reverse && model.type === 'ordered_set' ? rows.toReversed() : rows, model.type);
    },
    actual: ({ table: subject, type }, { from, below, reverse }) => {
      const bounds = below === null ? { gte: from.key } : { gte: from.key, lt: below.key };
      return inOrder(subject.select({ where: { id: bounds }, reverse }), type);
    },
  }),
  command({
    name: 'select with a limit',
    args: fc.record({ limit: fc.integer({ min: 1, max: 9 }), v: fc.integer({ min: 0, max: 2 }) }),
    expected: (model, { limit, v }) => {
      const rows = rowsIn(model).filter((one) => one.v === v);
      return model.type === 'ordered_set' ? rows.slice(0, limit).map(plainRow) : Math.min(limit, rows.length);
    },
    actual: ({ table: subject, type }, { limit, v }) => {
      const rows = subject.select({ where: { v }, limit });
      return type === 'ordered_set' ? rows.map(plainRow) : rows.length;
    },
  }),
  command({
    name: 'select and selectCount',
    args: fc.integer({ min: 0, max: 2 }),
    expected: (model, v) => {
      const rows = rowsIn(model).filter((one) => one.v >= v);
      return [inOrder(rows, model.type), rows.length];
    },
    actual: ({ table: subject, type }, v) => [
      inOrder(subject.select({ where: { v: { gte: v } } }), type),
      subject.selectCount({ v: { gte: v } }),
    ],
  }),
  command({
    name: 'everything',
    args: fc.integer({ min: 0, max: 9 }),
    expected: (model, n) => (n > 1 ? undefined : seenOfModel(model)),
    actual: ({ table: subject, type }, n) => (n > 1 ? undefined : seenOf(subject, type)),
  }),
];

/** In a hash type what is seen of some keys is open: of a removed one, and whether a replaced row is the old or the new. */
function whatStays(rows: readonly ModelRow[], type: TableType, goes: PoolKey, comes: SomeRow): readonly string[] {
  const open = [goes, ...(type === 'set' ? [comes.pool] : [])].map(({ key }) => keyName(key));
  return inOrder(
    rows.filter(({ id }) => !open.includes(keyName(id))),
    type,
  );
}

const changesWhileIterating = command({
  name: 'an iteration during which a key goes and a row comes',
  args: fc.record({ after: fc.integer({ min: 0, max: 6 }), goes: some, comes: someRow }),
  expected: (model, { after, goes, comes }) => {
    const before = model.sorted();
    const place = before[after];
    if (place !== undefined) {
      model.delete(goes);
      model.insert(rowOf(comes));
    }
    if (model.type !== 'ordered_set') {
      const rows = before.map(({ row }) => row);
      return whatStays(rows, model.type, goes, comes);
    }
    const ahead = model.sorted().filter(({ pool }) => place !== undefined && pool.rank > place.pool.rank);
    return [...before.slice(0, after + 1), ...ahead].map(({ row }) => plainRow(row));
  },
  actual: (world, { after, goes, comes }) =>
    world.write((subject) => {
      const seen: ModelRow[] = [];
      for (const one of subject) {
        if (seen.push(one) !== after + 1) continue;
        subject.delete(goes.key);
        subject.insert(rowOf(comes));
      }
      return world.type === 'ordered_set' ? seen.map(plainRow) : whatStays(seen, world.type, goes, comes);
    }),
});

const transactions = [
  command({
    name: 'begin',
    args: none,
    expected: (model) => void model.begin(),
    actual: (world) => (world.isBegun ? undefined : world.begin()),
  }),
  command({
    name: 'commit',
    args: none,
    expected: (model) => void model.commit(),
    actual: (world) => (world.isBegun ? world.commit() : undefined),
  }),
  command({
    name: 'rollback',
    args: none,
    expected: (model) => void model.rollback(),
    actual: (world) => (world.isBegun ? world.rollback() : undefined),
  }),
];

const incarnations = [
  command({
    name: 'the store shows a commit',
    args: none,
    expected: () => undefined,
    actual: (world) => world.store.settle(1),
  }),
  command({
    name: 'hydrate',
    args: fc.integer({ min: 1, max: 30 }),
    expected: () => undefined,
    actual: (world, rows) => void world.table.hydrate(rows),
  }),
  command({
    name: 'crash',
    args: fc.integer({ min: 0, max: 20 }),
    expected: (model) => {
      model.rollback();
      return seenOfModel(model);
    },
    actual: (world, loadedRows) => {
      world.crash(loadedRows);
      return seenOf(world.open(), world.type);
    },
  }),
];

/** Every command, writes and reads in about the numbers that find most. */
export const modelCommands: fc.Arbitrary<fc.Command<Model, World>>[] = [
  ...writes,
  ...writes,
  ...reads,
  changesWhileIterating,
  ...transactions,
  ...incarnations,
  ...incarnations,
];
