/** The reads of the model tests, and reading while something changes. */
import * as fc from 'fast-check';
import type { TableType } from '@heirloom/tables';
import { inOrder, keyName, plainRow } from './model.js';
import type { Model, ModelRow, PoolKey } from './model.js';
import { command, found, inRange, none, rowOf, rowsIn, some, someRow } from './model-operation.js';
import type { SomeRow } from './model-operation.js';
import { seenOf, seenOfModel } from './model-world.js';

const HASH: readonly TableType[] = ['set', 'bag', 'duplicate_bag'];

const ofExactly = (model: Model, pools: readonly PoolKey[]): readonly ModelRow[] =>
  rowsIn(model).filter(({ id }) => pools.some(({ key }) => keyName(key) === keyName(id)));
export const reads = [
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
      inOrder(subject.select({ where: { id: { eq: pools[0]?.key } } }), type),
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

export const changesWhileIterating = command({
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

export const removesWhileIterating = command({
  name: 'an iteration that removes some rows as it comes to them',
  args: fc.integer({ min: 0, max: 2 }),
  expected: (model, v) => {
    const rows = model.sorted().map(({ row }) => row);
    model.deleteWhere((one) => one.v === v);
    // All copies of a row go with the first.
    const isFirst = (one: ModelRow, index: number): boolean =>
      rows.findIndex((other) => plainRow(other) === plainRow(one)) === index;
    return inOrder(
      rows.filter((one, index) => one.v !== v || isFirst(one, index)),
      model.type,
    );
  },
  actual: (world, v) =>
    world.write((subject) => {
      const seen: ModelRow[] = [];
      for (const one of subject) {
        seen.push(one);
        if (one.v === v) subject.deleteObject(one);
      }
      return inOrder(seen, world.type);
    }),
});
