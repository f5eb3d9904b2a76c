/** The queries of the model tests: selections in both directions, patterns, folds, pages while something changes, and replacing. */
import * as fc from 'fast-check';
import { inOrder, keyName, modelRow, plainRow } from './model.js';
import type { Model, ModelRow } from './model.js';
import { command, none, rowOf, rowsIn, some, someRow } from './model-operation.js';
import type { LoadingTable } from './model-world.js';

const COUNTER = 'v' as never; // A table whose type is not known has no counters, as far as its type says.
const someV = fc.integer({ min: 0, max: 2 });
const someW = fc.constantFrom<ModelRow['w'][]>('x', 'y', [1], [1, 2]);

/** The rows in the direction that was asked for; hash types have one. */
function directed(model: Model, reverse: boolean): readonly ModelRow[] {
  return reverse && model.type === 'ordered_set' ? rowsIn(model).toReversed() : rowsIn(model);
}

/** A key with its rows, as text. */
function keyed(found: ReturnType<LoadingTable['firstLookup']>): string {
  return found === undefined ? 'none' : `${keyName(found.key)} ${found.rows.map(plainRow).join()}`;
}

export const queries = [
  command({
    name: 'selectReverse and fields',
    args: someV,
    expected: (model, v) => {
      const rows = directed(model, true).filter((one) => one.v >= v);
      return [inOrder(rows, model.type), rows.map((one) => keyName(one.id)).toSorted()];
    },
    actual: ({ table: subject, type }, v) => [
      inOrder(subject.selectReverse({ where: { v: { gte: v } } }), type),
      subject
        .select({ where: { v: { gte: v } }, fields: ['id'] })
        .map(({ id }) => keyName(id))
        .toSorted(),
    ],
  }),
  command({
    name: 'selectReverse of some keys',
    args: fc.array(some, { minLength: 2, maxLength: 4 }),
    expected: (model, pools) => {
      const names = pools.map(({ key }) => keyName(key));
      return inOrder(
        directed(model, true).filter(({ id }) => names.includes(keyName(id))),
        model.type,
      );
    },
    actual: ({ table: subject, type }, pools) =>
      inOrder(subject.selectReverse({ where: { id: { in: pools.map(({ key }) => key) } } }), type),
  }),
  command({
    name: 'match and matchObject',
    args: fc.record({ v: someV, w: someW, pool: some, hasKey: fc.boolean(), reverse: fc.boolean() }),
    expected: (model, { v, w, pool, hasKey, reverse }) => {
      const isKey = (one: ModelRow): boolean => !hasKey || keyName(one.id) === keyName(pool.key);
      const rows = directed(model, reverse).filter((one) => JSON.stringify([one.v, one.w]) === JSON.stringify([v, w]));
      const matched = rows.filter(isKey);
      return [inOrder(matched, model.type), matched.map((one) => `${one.v} ${keyName(one.id)}`).toSorted()];
    },
    actual: ({ table: subject, type }, { v, w, pool, hasKey, reverse }) => {
      const pattern = hasKey ? { v, w, id: pool.key } : { v, w };
      return [
        inOrder(subject.matchObject(pattern, { reverse }), type),
        subject
          .match(pattern, ['v', 'id'], { reverse })
          .map(([one, id]) => `${one} ${keyName(id)}`)
          .toSorted(),
      ];
    },
  }),
  command({
    name: 'foldl and foldr',
    args: none,
    expected: (model) => [inOrder(directed(model, false), model.type), inOrder(directed(model, true), model.type)],
    actual: ({ table: subject, type }) => {
      const step = (rows: readonly ModelRow[], one: ModelRow): readonly ModelRow[] => [...rows, one];
      return [inOrder(subject.foldl(step, []), type), inOrder(subject.foldr(step, []), type)];
    },
  }),
  command({
    name: 'firstLookup, lastLookup, nextLookup and prevLookup',
    args: some,
    types: ['ordered_set'],
    expected: (model, { rank }) => {
      const entries = model.sorted();
      const next = entries.find(({ pool }) => pool.rank > rank);
      const previous = entries.findLast(({ pool }) => pool.rank < rank);
      return [entries.at(0), entries.at(-1), next, previous].map((one) =>
        one === undefined ? 'none' : `${keyName(one.pool.key)} ${plainRow(one.row)}`,
      );
    },
    actual: ({ table: subject }, { key }) =>
      [subject.firstLookup(), subject.lastLookup(), subject.nextLookup(key), subject.prevLookup(key)].map(keyed),
  }),
  command({
    name: 'a walk over all keys with their rows',
    args: none,
    types: ['set', 'bag', 'duplicate_bag'],
    expected: (model) =>
      model
        .sortedKeys()
        .map(
          (pool) =>
            `${keyName(pool.key)} ${model
              .of(pool)
              .map(({ row }) => plainRow(row))
              .join()}`,
        )
        .toSorted(),
    actual: ({ table: subject }) => {
      const seen: string[] = [];
      for (let at = subject.firstLookup(); at !== undefined; at = subject.nextLookup(at.key)) seen.push(keyed(at));
      return seen.toSorted();
    },
  }),
  command({
    name: 'pages between which a key goes and a row comes',
    args: fc.record({ limit: fc.integer({ min: 1, max: 7 }), reverse: fc.boolean(), goes: some, comes: someRow }),
    expected: (model, { limit, reverse, goes, comes }) => {
      const before = directed(model, reverse);
      const place = before[limit - 1];
      if (before.length <= limit || place === undefined) return inOrder(before, model.type);
      const rank = model.sorted().find(({ row }) => row === place)?.pool.rank ?? 0;
      model.delete(goes);
      model.insert(rowOf(comes));
      if (model.type !== 'ordered_set') {
        const open = [goes, comes.pool].map(({ key }) => keyName(key));
        return inOrder(
          before.filter(({ id }) => !open.includes(keyName(id))),
          model.type,
        );
      }
      const isAhead = (other: number): boolean => (reverse ? other < rank : other > rank);
      const ahead = model
        .sorted()
        .filter(({ pool }) => isAhead(pool.rank))
        .map(({ row }) => row);
      return [...before.slice(0, limit), ...(reverse ? ahead.toReversed() : ahead)].map(plainRow);
    },
    actual: (world, { limit, reverse, goes, comes }) =>
      world.write((subject) => {
        const first = subject.selectPage({ limit, reverse });
        if (first.after === undefined) return inOrder(first.rows, world.type);
        subject.delete(goes.key);
        subject.insert(rowOf(comes));
        const seen = [...first.rows, ...subject.selectPage({ after: structuredClone(first.after), reverse }).rows];
        if (world.type === 'ordered_set') return seen.map(plainRow);
        const open = [goes, comes.pool].map(({ key }) => keyName(key));
        return inOrder(
          seen.filter(({ id }) => !open.includes(keyName(id))),
          world.type,
        );
      }),
  }),
  command({
    name: 'selectReplace, by a patch or a function',
    args: fc.record({ v: someV, to: someV, w: someW, isPatch: fc.boolean() }),
    expected: (model, { v, to, w }) =>
      model.replaceWhere(
        (one) => one.v === v,
        ({ pool }) => modelRow(pool, to, w),
      ),
    actual: (world, { v, to, w, isPatch }) =>
      world.write((subject) => subject.selectReplace({ v }, isPatch ? { v: to, w } : (one) => ({ ...one, v: to, w }))),
  }),
  command({
    name: 'selectReplace of a key',
    args: someV,
    expected: (model, v) => (rowsIn(model).some((one) => one.v === v) ? 'ERR_TABLE_KEYPOS' : 0),
    actual: (world, v) =>
      world.write((subject) => subject.selectReplace({ v }, (one) => ({ ...one, id: 'another key' }))),
  }),
  command({
    name: 'matchDelete',
    args: fc.record({ v: someV, w: someW }),
    expected: (model, { v, w }) =>
      model.deleteWhere((one) => one.v === v && JSON.stringify(one.w) === JSON.stringify(w)),
    actual: (world, pattern) => world.write((subject) => subject.matchDelete(pattern)),
  }),
  command({
    name: 'updateCounter with several operations',
    args: fc.record({ pool: some, by: fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 3 }) }),
    expected: (model, { pool, by }) => {
      if (model.isBag) return 'ERR_TABLE_TYPE';
      const results: number[] = [];
      const isThere = model.update(pool, (old) => {
        let { v } = old;
        for (const each of by) results.push((v += each));
        return { ...old, v };
      });
      return isThere ? results : 'ERR_TABLE_BADKEY';
    },
    actual: (world, { pool, by }) =>
      world.write((subject) =>
        subject.updateCounter(
          pool.key,
          by.map((each) => ({ field: COUNTER, by: each })),
        ),
      ),
  }),
];
