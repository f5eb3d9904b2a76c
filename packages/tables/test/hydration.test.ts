/**
 * The table that is still loading, its twin that has everything in memory, and the model that is obviously right do the
 * same thing for any commands, whatever has been loaded, committed, rolled back or settled in the store in between.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Table, row, table } from '@heirloom/tables';
import type { RowChange, TableType } from '@heirloom/tables';
import { FakeStore } from './fake-store.js';
import { Model, POOL, inOrder, keyClass, keyName, modelRow, plainRow } from './model.js';
import type { ModelRow, PoolKey } from './model.js';

const poolKey = fc.oneof(
  fc.constantFrom(...POOL),
  fc.constantFrom(...POOL.filter(({ key }) => typeof key !== 'number' || key < 15)),
);
const someRow = fc
  .tuple(poolKey, fc.integer({ min: 0, max: 2 }), fc.constantFrom('x', 'y', [1]))
  .map(([pool, v, w]) => ({ pool, v, w }));
type SomeRow = typeof someRow extends fc.Arbitrary<infer T> ? T : never;

const command = fc.oneof(
  fc.record({ do: fc.constant('insert' as const), row: someRow }),
  fc.record({ do: fc.constant('insertMany' as const), rows: fc.array(someRow, { maxLength: 4 }) }),
  fc.record({ do: fc.constant('insertNewMany' as const), rows: fc.array(someRow, { maxLength: 2 }) }),
  fc.record({
    do: fc.constantFrom(
      'delete',
      'lookup',
      'member',
      'take',
      'next',
      'prev',
      'updateCounter',
      'updateElement',
      'atLeast',
      'below',
      'exactly',
    ),
    pool: poolKey,
  }),
  fc.record({ do: fc.constant('deleteObject' as const), row: someRow }),
  fc.record({
    do: fc.constantFrom('selectV', 'selectDeleteV', 'hydrate', 'settle', 'limit'),
    n: fc.integer({ min: 0, max: 40 }),
  }),
  fc.record({ do: fc.constantFrom('first', 'last', 'size', 'begin', 'begin', 'commit', 'rollback') }),
  fc.record({ do: fc.constant('rare' as const), rare: fc.integer({ min: 0, max: 19 }) }),
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

const definitionOf = (type: TableType) => table({ row: row<ModelRow>(), key: 'id', type });
type ModelTable = Table<ReturnType<typeof definitionOf>>;

const rowOf = ({ pool, v, w }: SomeRow): ModelRow => modelRow(pool, v, w);
/** Runs a command on a table; the result as something comparable. */
function run(subject: ModelTable, step: Command, type: TableType): unknown {
  const isBag = type === 'bag' || type === 'duplicate_bag';
  const found = (result: unknown): unknown =>
    result === undefined ? [] : Array.isArray(result) ? result.map(plainRow) : [plainRow(result as ModelRow)];
  if ('row' in step) {
    return step.do === 'insert' ? subject.insert(rowOf(step.row)) : subject.deleteObject(rowOf(step.row));
  }
  if ('rows' in step) {
    const rows = step.rows.map(rowOf);
    return step.do === 'insertMany' ? subject.insertMany(rows) : subject.insertNewMany(rows);
  }
  if ('rare' in step) {
    if (step.rare === 0) return subject.deleteAllObjects();
    if (step.rare === 1) return inOrder(subject.tab2list(), type);
    if (step.rare === 2) return inOrder([...subject], type);
    if (step.rare === 3 && type === 'ordered_set') return subject.select({ reverse: true }).map(plainRow);
    return undefined;
  }
  if ('pool' in step) {
    const { key } = step.pool;
    switch (step.do) {
      case 'delete':
        return subject.delete(key);
      case 'lookup':
        return found(subject.lookup(key));
      case 'member':
        return subject.member(key);
      case 'take':
        return found(subject.take(key));
      case 'next':
        return type === 'ordered_set' ? keyName(subject.next(key)) : undefined;
      case 'prev':
        return type === 'ordered_set' ? keyName(subject.prev(key)) : undefined;
      case 'updateCounter':
        return !isBag && subject.member(key) ? subject.updateCounter(key, 'v' as never) : undefined;
      case 'updateElement':
        return isBag ? undefined : subject.updateElement(key, { w: 'z' });
      case 'atLeast':
        return inOrder(subject.select({ where: { id: { gte: key } } }), type);
      case 'below':
        return inOrder(subject.select({ where: { id: { lt: key } }, reverse: true }), type);
      default:
        return found(subject.select({ where: { id: { eq: key } } }));
    }
  }
  if ('n' in step) {
    if (step.do === 'selectV') return inOrder(subject.select({ where: { v: { gte: step.n % 3 } } }), type);
    if (step.do === 'selectDeleteV') return step.n < 5 ? subject.selectDelete({ v: step.n % 3 }) : undefined;
    if (step.do === 'limit')
      return type === 'ordered_set' ? subject.select({ limit: step.n + 1 }).map(plainRow) : undefined;
    return undefined;
  }
  if (step.do === 'first') return type === 'ordered_set' ? keyName(subject.first()) : undefined;
  if (step.do === 'last') return type === 'ordered_set' ? keyName(subject.last()) : undefined;
  return subject.size;
}

/** What the model says about the same command. */
function expected(model: Model, step: Command): unknown {
  const { type } = model;
  const rows = (): readonly ModelRow[] => model.sorted().map(({ row }) => row);
  if ('row' in step) return step.do === 'insert' ? model.insert(rowOf(step.row)) : model.deleteObject(rowOf(step.row));
  if ('rows' in step) {
    const list = step.rows.map(rowOf);
    return step.do === 'insertMany' ? model.insertMany(list) : model.insertNew(list);
  }
  if ('rare' in step) {
    if (step.rare === 0) return void model.deleteWhere(() => true);
    if (step.rare <= 2) return inOrder(rows(), type);
    return step.rare === 3 && type === 'ordered_set' ? rows().toReversed().map(plainRow) : undefined;
  }
  if ('pool' in step) return expectedOfKey(model, step.do, step.pool);
  if ('n' in step) {
    if (step.do === 'selectV')
      return inOrder(
        rows().filter(({ v }) => v >= step.n % 3),
        type,
      );
    if (step.do === 'selectDeleteV') return step.n < 5 ? model.deleteWhere(({ v }) => v === step.n % 3) : undefined;
    if (step.do === 'limit')
      return type === 'ordered_set'
        ? rows()
            .slice(0, step.n + 1)
            .map(plainRow)
        : undefined;
    return undefined;
  }
  if (step.do === 'first') return type === 'ordered_set' ? keyName(model.sorted().at(0)?.row.id) : undefined;
  if (step.do === 'last') return type === 'ordered_set' ? keyName(model.sorted().at(-1)?.row.id) : undefined;
  return model.entries.length;
}

function expectedOfKey(model: Model, operation: string, pool: PoolKey): unknown {
  const { type } = model;
  const rows = model.of(pool).map(({ row }) => plainRow(row));
  const inClass = model.sorted().filter((entry) => keyClass(entry.pool.key) === keyClass(pool.key));
  switch (operation) {
    case 'delete':
      return model.delete(pool);
    case 'lookup':
      return rows;
    case 'member':
      return rows.length > 0;
    case 'take':
      model.delete(pool);
      return rows;
    case 'next':
      return type === 'ordered_set' ? keyName(model.sortedKeys().find(({ rank }) => rank > pool.rank)?.key) : undefined;
    case 'prev':
      return type === 'ordered_set'
        ? keyName(model.sortedKeys().findLast(({ rank }) => rank < pool.rank)?.key)
        : undefined;
    case 'updateCounter':
      if (model.isBag || !model.update(pool, (old) => ({ ...old, v: old.v + 1 }))) return undefined;
      return model.of(pool)[0]?.row.v;
    case 'updateElement':
      return model.isBag ? undefined : model.update(pool, (old) => ({ ...old, w: 'z' }));
    case 'atLeast':
      return inOrder(
        inClass.filter((entry) => entry.pool.rank >= pool.rank).map(({ row }) => row),
        type,
      );
    case 'below': {
      const below = inClass.filter((entry) => entry.pool.rank < pool.rank).map(({ row }) => row);
      return inOrder(type === 'ordered_set' ? below.toReversed() : below, type);
    }
    default:
      return model
        .of(pool)
        .filter((entry) => entry.pool.name === pool.name)
        .map(({ row }) => plainRow(row));
  }
}

const byPlace = (changes: readonly RowChange[]): readonly RowChange[] =>
  changes.toSorted((a, b) => {
    if (a.kind === 'clear' || b.kind === 'clear') return a.kind === b.kind ? 0 : a.kind === 'clear' ? -1 : 1;
    return Buffer.compare(a.keyBytes, b.keyBytes) || a.sequence - b.sequence;
  });

function trial(type: TableType, initial: readonly SomeRow[], steps: readonly Command[]): void {
  const model = new Model(type);
  const seed = new Table(definitionOf(type));
  seed.begin();
  for (const one of initial) {
    const made = rowOf(one);
    model.insert(made);
    seed.insert(made);
  }
  const store = new FakeStore();
  store.commit(seed.commit());
  store.settle(1);
  const state = { size: seed.size, nextSequence: seed.nextSequence };
  const lazy = new Table(definitionOf(type));
  lazy.hydrateFrom(store, state);
  const eager = new Table(definitionOf(type));
  eager.hydrateFrom(store, state);
  while (!eager.hydrate(1000));

  let isBegun = false;
  const end = (isCommit: boolean): void => {
    if (!isBegun) return;
    isBegun = false;
    if (isCommit) model.commit();
    if (!isCommit) {
      model.rollback();
      lazy.rollback();
      eager.rollback();
      return;
    }
    const changes = lazy.commit();
    // A hash type leaves open in which order it commits what `selectDelete` found.
    expect(byPlace(eager.commit())).toEqual(byPlace(changes));
    store.commit(changes);
  };
  const begin = (): void => {
    if (isBegun) return;
    isBegun = true;
    for (const subject of [model, lazy, eager]) subject.begin();
  };
  for (const step of steps) {
    if (step.do === 'begin') begin();
    else if (step.do === 'commit') end(true);
    else if (step.do === 'rollback') end(false);
    else if (step.do === 'hydrate' && 'n' in step) lazy.hydrate(step.n + 1);
    else if (step.do === 'settle' && 'n' in step) store.settle(1);
    else {
      begin();
      const wanted = expected(model, step);
      expect(run(lazy, step, type), `${step.do} while loading`).toEqual(wanted);
      expect(run(eager, step, type), `${step.do} when loaded`).toEqual(wanted);
      expect([lazy.size, eager.size]).toEqual([model.entries.length, model.entries.length]);
      expect(lazy.nextSequence).toBe(model.nextSequence);
    }
  }
  end(true);
  store.settle(Number.POSITIVE_INFINITY);
  // What was committed is what the model has, down to the sequences.
  expect(store.sequences()).toEqual(model.sequences());
  expect(inOrder(lazy.tab2list(), type)).toEqual(
    inOrder(
      model.sorted().map((entry) => entry.row),
      type,
    ),
  );
  expect(lazy.isHydrated || type === 'ordered_set').toBe(true);
}

describe('a table that is loading', () => {
  it.each(['set', 'ordered_set', 'bag', 'duplicate_bag'] as const)(
    'does what a loaded one does: %s (G2, G7)',
    (type) => {
      fc.assert(
        fc.property(
          fc.oneof(fc.array(someRow, { maxLength: 30 }), fc.array(someRow, { minLength: 100, maxLength: 250 })),
          fc.array(command, { maxLength: 50 }),
          (initial, steps) => trial(type, initial, steps),
        ),
        { numRuns: 400 },
      );
    },
  );
});
