/**
 * The cases of ETS's own test suite about walks, matches, selections, pages and folds; the numbers are those of ets-rows.test.ts.
 *
 * Broken on purpose, each of which these tests reported: `foldr` in ascending order; `selectDelete(5)` that deletes everything.
 */
import { describe, expect, it } from 'vitest';
import { Table, compileWhere, row, table } from '@heirloom/tables';
import type { OwnerWhere, SelectCursor, TableKey } from '@heirloom/tables';
import { TYPES, BAGS, itemsOf, make, code, range, numbered, values, rowsOf, byText, untyped } from './ets-items.js';
import type { Item } from './ets-items.js';

describe('walks, matches and selections', () => {
  it.each(TYPES)('C21 and C22 a walk by keys, with or without their rows, meets each once: %s', (type) => {
    expect([make(type).first(), make(type).last(), make(type).firstLookup()]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const items = make(type, [...numbered(100), ...numbered(100).map(({ id }) => ({ id, v: 'again' }))]);
    const seen: TableKey[] = [];
    for (let key = items.first(); key !== undefined; key = items.next(key)) seen.push(key);
    expect(new Set(seen)).toEqual(new Set(range(100)));
    expect(seen).toHaveLength(100);
    for (let found = items.firstLookup(); found !== undefined; found = items.nextLookup(found.key)) {
      expect(found.key).toBe(seen.shift());
      expect(found.rows).toEqual(rowsOf(items, found.key));
    }
    const last = items.lastLookup();
    expect(last?.key).toBe(items.last());
    expect(items.prevLookup(last?.key ?? 0)?.key).toBe(items.prev(last?.key ?? 0));
  });

  it('C23 an ordered set walks forwards, backwards and from keys that it lacks', () => {
    const keys = [...range(28), 2 ** 33].toSorted((a, b) => Math.sin(a) - Math.sin(b));
    const items = make(
      'ordered_set',
      keys.map((id) => ({ id, v: 0 })),
    );
    const sorted = keys.toSorted((a, b) => a - b);
    const forwards: TableKey[] = [];
    for (let key = items.first(); key !== undefined; key = items.next(key)) forwards.push(key);
    const backwards: TableKey[] = [];
    for (let key = items.last(); key !== undefined; key = items.prev(key)) backwards.push(key);
    expect([forwards, backwards]).toEqual([sorted, sorted.toReversed()]);
    expect([items.next(27.5), items.prev(28), items.prev(-1), items.next(2 ** 34)]).toEqual([
      2 ** 33,
      27,
      undefined,
      undefined,
    ]);
    expect(items.prevLookup(2 ** 34)).toEqual({ key: 2 ** 33, rows: [{ id: 2 ** 33, v: 0 }] });
  });

  it.each(TYPES)(
    'C24 match lists the fields in the order asked for; what joins two fields is a function: %s',
    (type) => {
      const items = make(type, [
        { id: 1, v: 'a', n: 'a' },
        { id: 2, v: 'a', n: 'b' },
        { id: 3, v: 'c' },
      ]);
      expect(items.match({ v: 'a' }, ['n', 'id']).toSorted(byText)).toEqual([
        ['a', 1],
        ['b', 2],
      ]);
      expect(items.match({ id: 3 }, ['n', 'v', 'v'])).toEqual([[undefined, 'c', 'c']]);
      expect(items.match({}, [])).toEqual([[], [], []]);
      expect(items.select({ where: ({ v, n }) => v === n, fields: ['id'] })).toEqual([{ id: 1 }]);
      const wider = new Table(table({ row: row<[string, number] | [string, number, number]>(), key: 0, type }));
      wider.insertMany([
        ['a', 1],
        ['b', 1, 1],
      ]);
      expect(wider.matchObject({ 0: 'b', 1: 1 })).toEqual([['b', 1, 1]]);
    },
  );

  it.each(TYPES)('C25 a pattern with the key looks it up: %s', (type) => {
    const pairs = new Table(table({ row: row<[string, number, string]>(), key: 1, type }));
    for (const at of range(10)) pairs.insert([`v${at}`, at % 5, 'z']);
    expect(pairs.matchObject({ 1: 3 })).toEqual(
      type.endsWith('bag')
        ? [
            ['v3', 3, 'z'],
            ['v8', 3, 'z'],
          ]
        : [['v8', 3, 'z']],
    );
    expect(pairs.matchObject({ 1: 9 })).toEqual([]);
    expect(pairs.explain({ 1: 3 })).toMatchObject({ access: 'lookup', keys: 1 });
  });

  it.each(TYPES)('C26 composite keys match by some of their fields: %s', (type) => {
    const visits = new Table(
      table({ row: row<{ town: string; year: number; v: string }>(), key: ['town', 'year'], type }),
    );
    for (const town of ['Bern', 'Brig']) for (const year of [1, 2]) visits.insert({ town, year, v: `${town}${year}` });
    expect(values(visits.matchObject({ year: 2 })).toSorted(byText)).toEqual(['Bern2', 'Brig2']);
    expect(values(visits.matchObject({ town: 'Brig' })).toSorted(byText)).toEqual(['Brig1', 'Brig2']);
    expect(visits.matchObject({ town: 'Visp' })).toEqual([]);
    expect(visits.matchObject({ town: 'Bern', year: 1 }, { fields: ['v'] })).toEqual([{ v: 'Bern1' }]);
  });

  it('C27 what an ordered set matches comes in key order, and can be deleted by another field', () => {
    const items = make(
      'ordered_set',
      range(3_000).map((at) => ({ id: (at * 7) % 3_000, v: at % 3 })),
    );
    const found = items.match({ v: 1 }, ['id']).flat() as number[];
    expect(found).toEqual(found.toSorted((a, b) => a - b));
    expect([found.length, items.matchDelete({ v: 1 }), items.size]).toEqual([1_000, 1_000, 2_000]);
    expect(items.selectCount({ v: { eq: 1 } })).toBe(0);
  });

  it.each(TYPES)('C28 selectCount and selectDelete of 10,000 rows, whole and one key at a time: %s', (type) => {
    const items = make(type, numbered(10_000));
    const isWanted: OwnerWhere<ReturnType<typeof itemsOf>> = ({ id }) => (id as number) % 5 > 2;
    expect([items.selectCount(isWanted), items.selectDelete(isWanted), items.size]).toEqual([4_000, 4_000, 6_000]);
    for (const id of range(100)) items.selectDelete({ id });
    expect(items.size).toBe(5_940);
    expect([items.selectDelete(), items.size]).toEqual([5_940, 0]);
  });

  it.each(TYPES)(
    'C29 selectReverse is select from the other end in an ordered set, and select elsewhere: %s',
    (type) => {
      const items = make(type, numbered(100));
      const where = { v: { gte: 10 } };
      const rows = items.select({ where });
      expect(items.selectReverse({ where })).toEqual(type === 'ordered_set' ? rows.toReversed() : rows);
      expect(items.selectReverse({ where, limit: 3 })).toEqual(items.select({ where, limit: 3, reverse: true }));
      const paged: Item[] = [];
      let after: SelectCursor | undefined;
      do {
        const page = items.selectPage({ where, limit: 7, reverse: true, after });
        paged.push(...page.rows);
        ({ after } = page);
      } while (after !== undefined);
      if (type === 'ordered_set') expect(paged).toEqual(rows.toReversed());
      else expect(new Set(paged)).toEqual(new Set(rows));
    },
  );

  it('C30 pages of 10,000 rows are of the size asked for', () => {
    const items = make('ordered_set', numbered(10_000));
    for (const limit of [1_000, 3_000, 9_999, 10_000]) {
      const sizes: number[] = [];
      let after: SelectCursor | undefined;
      do {
        const page = items.selectPage({ limit, after });
        sizes.push(page.rows.length);
        ({ after } = page);
      } while (after !== undefined);
      const full = Math.floor(10_000 / limit);
      expect(sizes).toEqual([...range(full).map(() => limit), 10_000 - full * limit].filter((size) => size > 0));
    }
  });

  it('C32 a where can be tried on one row, and a bad one is an error', () => {
    const definition = itemsOf('set');
    const { matches } = compileWhere(definition, { v: { gt: 1 } });
    expect([matches({ id: 1, v: 2 }), matches({ id: 1, v: 1 })]).toEqual([true, false]);
    expect(() => compileWhere(definition, { v: { above: 1 } } as never)).toThrow(code('ERR_TABLE_ARGUMENT'));
    expect(() => compileWhere(definition, () => true)).toThrow(code('ERR_TABLE_ARGUMENT'));
  });

  it.each(TYPES)('C36 folds go over every row, in an ordered set from either end: %s', (type) => {
    expect(make(type).foldl(() => 'called', 'initial')).toBe('initial');
    const items = make(type, numbered(50));
    const list = (seen: readonly unknown[], { v }: Readonly<Item>): readonly unknown[] => [...seen, v];
    const [up, down] = [items.foldl(list, []), items.foldr(list, [])];
    expect(new Set(up)).toEqual(new Set(range(50)));
    expect(down).toEqual(type === 'ordered_set' ? range(50).toReversed() : up);
    expect(() => untyped(items)['foldl']?.('sum', 0)).toThrow(code('ERR_TABLE_ARGUMENT'));
  });
});

describe('selections at their edges', () => {
  it.each(TYPES)('N16 bad conditions are refused also where there is nothing to match: %s', (type) => {
    const items = untyped(make(type));
    for (const operation of ['selectCount', 'selectDelete', 'explain']) {
      expect(() => items[operation]?.({ v: { above: 1 } })).toThrow(code('ERR_TABLE_ARGUMENT'));
    }
    for (const operation of ['matchObject', 'matchDelete', 'match']) {
      expect(() => items[operation]?.(5, [])).toThrow(code('ERR_TABLE_ARGUMENT'));
    }
    const bad = [{ fields: 'v' }, { fields: [1] }, { fields: [null] }, { limit: 0 }, { reverse: 1 }, { were: {} }, 5];
    for (const options of bad) {
      expect(() => items['select']?.(options)).toThrow(code('ERR_TABLE_ARGUMENT'));
      expect(() => items['selectPage']?.(options)).toThrow(code('ERR_TABLE_ARGUMENT'));
    }
    expect(() => items['match']?.({}, 'v')).toThrow(code('ERR_TABLE_ARGUMENT'));
    expect(() => items['selectReverse']?.({ reverse: true })).toThrow(code('ERR_TABLE_ARGUMENT'));
  });

  it.each(TYPES)('N16 what is no where deletes nothing: %s', (type) => {
    const items = make(type, numbered(5));
    for (const bad of [null, 5, '', true, []]) {
      expect(() => untyped(items)['selectDelete']?.(bad)).toThrow(code('ERR_TABLE_ARGUMENT'));
      expect(() => untyped(items)['matchDelete']?.(bad)).toThrow(code('ERR_TABLE_ARGUMENT'));
    }
    expect(items.size).toBe(5);
  });

  it('N17 a function that throws is heard, where a guard of ETS would just not match', () => {
    const items = make('set', numbered(3));
    const fault = new Error('of the function');
    const throws = (): boolean => {
      throw fault;
    };
    expect(() => items.select({ where: throws })).toThrow(fault);
  });

  it('N20 a page from one cursor can be had twice, and a cleared table just has no more', () => {
    const items = make('ordered_set', numbered(10));
    const { after } = items.selectPage({ limit: 4 });
    expect(items.selectPage({ after, limit: 4 })).toEqual(items.selectPage({ after, limit: 4 }));
    items.deleteAllObjects();
    expect(items.selectPage({ after })).toEqual({ rows: [], after: undefined });
    items.insertMany(numbered(6));
    expect(values(items.selectPage({ after }).rows)).toEqual([4, 5]);
  });

  it.each(TYPES)('N21 a key that goes before its page comes is not in it: %s', (type) => {
    const items = make(type, numbered(100));
    let { rows, after } = items.selectPage({ limit: 10 });
    const seen = new Set(rows.map(({ id }) => id));
    const gone = range(100).find((id) => !seen.has(id)) ?? 0;
    items.delete(gone);
    while (after !== undefined) {
      ({ rows, after } = items.selectPage({ limit: 10, after }));
      for (const { id } of rows) seen.add(id);
    }
    expect(seen).toEqual(new Set(range(100).filter((id) => id !== gone)));
  });

  it('N22 a cursor says that something is left, where the last one of ETS may lead to an empty page', () => {
    const items = make('set', numbered(4));
    expect(items.selectPage({ limit: 4 }).after).toBe(undefined);
    expect(items.selectPage({ limit: 3 }).after).not.toBe(undefined);
    expect(items.selectPage({ where: { id: 1 }, limit: 1 }).after).toBe(undefined);
  });

  it.each(BAGS)('N24 and N26 a walk meets the keys that still have rows when it comes to them: %s', (type) => {
    const counts = [1, 2, 3, 4];
    for (const deleted of range(2 ** counts.length)) {
      const items = make(
        type,
        counts.flatMap((count) => range(count).map((v) => ({ id: count, v }))),
      );
      const isGone = (id: TableKey): boolean => (deleted & (1 << ((id as number) - 1))) !== 0;
      const met: TableKey[] = [];
      for (const id of items.keys()) {
        if (met.length === 0) {
          for (const count of counts) if (count !== id && isGone(count)) items.delete(count);
          items.deleteObject({ id: 4, v: 3 });
        }
        met.push(id);
        expect(rowsOf(items, id)).toHaveLength(id === 4 ? 3 : (id as number));
      }
      expect(new Set(met)).toEqual(new Set(counts.filter((id) => id === met[0] || !isGone(id))));
    }
  });
});
