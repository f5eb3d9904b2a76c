/** The writes of the model tests, each in a transaction. */
import * as fc from 'fast-check';
import type { TableType } from '@heirloom/tables';
import { POOL, keyName, modelRow, plainRow } from './model.js';
import type { Model, ModelRow, PoolKey } from './model.js';
import { command, found, inRange, rowOf, rowsIn, some, someRow, someRows } from './model-operation.js';
import type { SomeRow } from './model-operation.js';
import type { LoadingTable } from './model-world.js';

/** The counter of a set type; a table whose type is not known has none, as far as its type says. */
const COUNTER = 'v' as never;

function update(model: Model, pool: PoolKey, change: (row: ModelRow) => ModelRow, fallback?: SomeRow): boolean {
  if (fallback !== undefined && model.of(pool).length === 0) model.insert(modelRow(pool, fallback.v, fallback.w));
  return model.update(pool, change);
}

/** All rows of a table, those of a hash type by the names of their keys. */
function sortedRows(subject: LoadingTable, type: TableType): readonly ModelRow[] {
  const rows = subject.tab2list();
  return type === 'ordered_set' ? rows : rows.toSorted((a, b) => (keyName(a.id) < keyName(b.id) ? -1 : 1));
}

/** Rows of so many neighbouring keys that a loading table reads them in several steps. */
const manyKeys = (from: number, v: number): readonly ModelRow[] =>
  POOL.slice(from, from + 150).map((pool) => modelRow(pool, v, 'x'));
/** So many rows of one key that a bag finds equal ones by an index. */
const manyRows = (pool: PoolKey, count: number): readonly ModelRow[] =>
  Array.from({ length: count }, (_, index) => modelRow(pool, 0, `w${index}`));

export const writes = [
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
    name: 'insertMany of many keys',
    args: fc.record({ from: fc.nat({ max: POOL.length - 1 }), v: fc.integer({ min: 0, max: 2 }) }),
    expected: (model, { from, v }) => model.insertMany(manyKeys(from, v)),
    actual: (world, { from, v }) => world.write((subject) => subject.insertMany(manyKeys(from, v))),
  }),
  command({
    name: 'insertMany of many rows of one key',
    args: fc.record({ pool: some, count: fc.integer({ min: 8, max: 14 }) }),
    expected: (model, { pool, count }) => model.insertMany(manyRows(pool, count)),
    actual: (world, { pool, count }) => world.write((subject) => subject.insertMany(manyRows(pool, count))),
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
        subject.updateCounter(pool.key, COUNTER, by as never, fallback === null ? {} : { default: rowOf(fallback) }),
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
