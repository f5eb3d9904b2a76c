/**
 * The cases of ETS's own test suite about changing rows in place: counters, elements and `selectReplace`; the numbers are those of
 * ets-rows.test.ts.
 *
 * Broken on purpose, each of which these tests reported: a counter that wraps when its threshold is reached; `selectReplace` that
 * writes before the last row is checked, that lets any key change or `1` become `1n`, that gives a replaced row of a bag a new
 * place, that leaves equal rows in a bag, and whose change a commit does not see.
 */
import { describe, expect, it } from 'vitest';
import { Table, row, table } from '@heirloom/tables';
import type { OwnerWhere, RowChange, TableKey, TableType } from '@heirloom/tables';
import { TYPES, SETS, BAGS, make, code, range, numbered, values, rowsOf, untyped } from './ets-items.js';
import type { itemsOf } from './ets-items.js';

describe('updates', () => {
  const counters = table({ row: row<{ id: TableKey; n: number; m: number; big: bigint }>(), key: 'id' });
  const counting = (): Table<typeof counters> => {
    const made = new Table(counters);
    made.insert({ id: 'k', n: 10, m: 0, big: 0n });
    return made;
  };

  it.each(TYPES)('C31 selectReplace counts what it replaces, by a patch or a function: %s', (type) => {
    const tuples = new Table(table({ row: row<[number, number] | [number, number, string]>(), key: 0, type }));
    tuples.insertMany(range(10_000).map((id) => [id, id] as [number, number]));
    expect(
      tuples.selectReplace(
        ([id]) => id % 5 > 2,
        ([id, n]) => [id, n, 'wide'],
      ),
    ).toBe(4_000);
    expect(tuples.selectCount({ 2: { eq: 'wide' } })).toBe(4_000);
    expect(
      tuples.selectReplace(
        (one) => one.length === 3,
        ([id, n]) => [id, n],
      ),
    ).toBe(4_000);
    expect(tuples.selectReplace({}, (one) => one)).toBe(10_000);
    expect(tuples.selectReplace({ 0: { gte: 3_000, lt: 6_000 } }, { 1: -1 })).toBe(3_000);
    expect([tuples.selectCount({ 1: -1 }), tuples.size]).toEqual([3_000, 10_000]);
  });

  it('C33 counters count by field, in lists, with thresholds, and beyond 2^64 and back', () => {
    const made = counting();
    expect([made.updateCounter('k', 'n'), made.updateCounter('k', 'n', -3)]).toEqual([11, 8]);
    const operations = [
      { field: 'n', by: 1 },
      { field: 'n', by: 2, threshold: 10, setValue: 0 },
      { field: 'm', by: -5, threshold: -4, setValue: 9 },
    ] as const;
    expect(made.updateCounter('k', operations)).toEqual([9, 0, 9]);
    expect(made.updateCounter('k', [])).toEqual([]);
    for (const sign of [1n, -1n]) for (let bit = 0n; bit < 70n; bit++) made.updateCounter('k', 'big', sign * 2n ** bit);
    expect(made.lookup('k')).toEqual({ id: 'k', n: 0, m: 9, big: 0n });
    expect(() => made.updateCounter('k', 'n', Number.MAX_SAFE_INTEGER + 1)).toThrow(code('ERR_TABLE_VALUE'));
  });

  it('C34 a default is inserted under the key once, and refused whole', () => {
    const made = counting();
    const fallback = { id: 'other', n: 5, m: 0, big: 0n };
    expect(made.updateCounter('new', 'n', 1, { default: fallback })).toBe(6);
    expect(made.updateCounter('new', 'n', 1, { default: { ...fallback, n: 100 } })).toBe(7);
    expect([made.lookup('new')?.id, made.member('other'), made.size]).toEqual(['new', false, 2]);
    // The point is defaults that the types refuse.
    for (const bad of [{ ...fallback, n: 'x' }, { id: 'x' }] as never[]) {
      expect(() => made.updateCounter('late', 'n', 1, { default: bad })).toThrow();
      expect(made.member('late')).toBe(false);
    }
    expect(() => made.updateCounter('k', 'n', 1, { default: 5 as never })).toThrow(code('ERR_TABLE_VALUE'));
  });

  it('C35 updateElement changes fields, inserts a default, and leaves the key alone', () => {
    const made = counting();
    expect(made.updateElement('k', { n: 1, m: 2 })).toBe(true);
    expect(made.updateElement('k', {})).toBe(true);
    expect(made.updateElement('none', { n: 1 })).toBe(false);
    expect(made.updateElement('new', { n: 1 }, { default: { id: 'x', n: 0, m: 7, big: 0n } })).toBe(true);
    expect([made.lookup('k'), made.lookup('new')]).toEqual([
      { id: 'k', n: 1, m: 2, big: 0n },
      { id: 'new', n: 1, m: 7, big: 0n },
    ]);
    expect(() => made.updateElement('k', { n: 5, id: 'x' } as never)).toThrow(code('ERR_TABLE_KEYPOS'));
    expect(made.lookup('k')?.n).toBe(1);
  });
});

describe('updates at their edges', () => {
  const tuples = (type: TableType) => {
    const made = new Table(table({ row: row<[string, number, number]>(), key: 0, type }));
    made.insert(['k', 1, 2]);
    return made;
  };

  it.each(SETS)('N13 a bad field anywhere in a patch changes nothing: %s', (type) => {
    const made = tuples(type);
    const update = untyped(made)['updateElement']?.bind(made);
    for (const [bad, why] of [
      [{ 0: 'x' }, 'ERR_TABLE_KEYPOS'],
      [{ 3: 1 }, 'ERR_TABLE_POSITION'],
      [{ '-1': 1 }, 'ERR_TABLE_POSITION'],
      [{ 1: Symbol('v') }, 'ERR_TABLE_VALUE'],
    ] as const) {
      expect(() => update?.('k', { 1: 9, ...bad })).toThrow(code(why));
      expect(() => update?.('k', { ...bad, 2: 9 })).toThrow();
    }
    expect(made.lookup('k')).toEqual(['k', 1, 2]);
    expect(update?.('none', { 7: 1 })).toBe(false);
  });

  it.each(SETS)('N14 a bad counter operation anywhere changes nothing: %s', (type) => {
    const made = tuples(type);
    const update = untyped(made)['updateCounter']?.bind(made);
    const good = { field: 1, by: 1 };
    for (const [bad, why] of [
      [{ field: 1, by: 1.5 }, 'ERR_TABLE_VALUE'],
      [{ field: 1, by: '1' }, 'ERR_TABLE_VALUE'],
      [{ field: 1, by: 1n }, 'ERR_TABLE_VALUE'],
      [{ field: 0 }, 'ERR_TABLE_KEYPOS'],
      [{ field: 3 }, 'ERR_TABLE_POSITION'],
      [{ field: 1, threshold: 5 }, 'ERR_TABLE_ARGUMENT'],
      [{ field: 1, threshold: 5, setValue: 0.5 }, 'ERR_TABLE_VALUE'],
    ] as const) {
      expect(() => update?.('k', [good, bad])).toThrow(code(why));
      expect(() => update?.('k', [bad, good])).toThrow(code(why));
    }
    expect(made.lookup('k')).toEqual(['k', 1, 2]);
    expect(() => update?.('none', [{ field: 99 }])).toThrow(code('ERR_TABLE_BADKEY'));
  });

  it.each(BAGS)('updates of single rows are for sets: %s', (type) => {
    for (const operation of ['updateCounter', 'updateElement']) {
      expect(() => untyped(tuples(type))[operation]?.('k', { 1: 1 })).toThrow(code('ERR_TABLE_TYPE'));
    }
  });

  it('N15 a counter wraps beyond its threshold, not at it, and goes on from there', () => {
    const made = new Table(table({ row: row<{ id: string; n: number }>(), key: 'id' }));
    made.insert({ id: 'k', n: 8 });
    const by = (increment: number, threshold: number, setValue: number): number =>
      made.updateCounter('k', 'n', increment, { threshold, setValue });
    expect([by(2, 10, 0), by(1, 10, 99), by(0, 10, 20), by(-20, 0, 5), by(-1, 0, 5)]).toEqual([10, 99, 20, 0, 5]);
    const operations = [
      { field: 'n', by: 6, threshold: 10, setValue: 1 },
      { field: 'n', by: 1 },
    ] as const;
    expect(made.updateCounter('k', operations)).toEqual([1, 2]);
  });

  it.each(TYPES)('N18 selectReplace refuses another key for all rows before it writes the first: %s', (type) => {
    const items = make(type, numbered(10));
    const before = items.tab2list();
    expect(() => items.selectReplace({}, (one) => ({ ...one, v: 'x', id: one.id === 9 ? 10 : one.id }))).toThrow(
      code('ERR_TABLE_KEYPOS'),
    );
    expect(() => items.selectReplace({}, (one) => (one.id === 9 ? ({} as never) : { ...one, v: 'x' }))).toThrow(
      code('ERR_TABLE_VALUE'),
    );
    expect(() => make(type).selectReplace({}, { id: 5 } as never)).toThrow(code('ERR_TABLE_KEYPOS'));
    expect(() => make(type).selectReplace({}, 5 as never)).toThrow(code('ERR_TABLE_ARGUMENT'));
    expect(items.tab2list()).toEqual(before);
    if (type !== 'ordered_set') {
      expect(() => items.selectReplace({ id: 1 }, (one) => ({ ...one, id: 1n }))).toThrow(code('ERR_TABLE_KEYPOS'));
    }
    // Compare and swap: the whole old row is the condition.
    const swap = (): number => items.selectReplace({ id: 3, v: { eq: 3 } }, { v: 'new' });
    expect([swap(), swap(), values(rowsOf(items, 3))]).toEqual([1, 0, ['new']]);
  });

  it('N19 selectReplace works on bags, in place; a bag drops a row that became equal to another', () => {
    const rows = ['a', 'b', 'c', 'b2', 'd'].map((v) => ({ id: 'k', v }));
    for (const type of BAGS) {
      const items = make(type, rows);
      const toX: OwnerWhere<ReturnType<typeof itemsOf>> = { v: { in: ['b', 'b2'] } };
      expect(items.selectReplace(toX, { v: 'x' })).toBe(2);
      expect(values(rowsOf(items, 'k'))).toEqual(type === 'bag' ? ['a', 'x', 'c', 'd'] : ['a', 'x', 'c', 'x', 'd']);
      expect(items.size).toBe(type === 'bag' ? 4 : 5);
      items.insert({ id: 'k', v: 'x' });
      expect(items.size).toBe(type === 'bag' ? 4 : 6);
      expect(items.selectReplace({ v: 'd' }, { v: 'a' })).toBe(1);
      expect(values(rowsOf(items, 'k')).slice(0, 2)).toEqual(['a', 'x']);
    }
  });

  it.each(TYPES)('N19 what selectReplace changes is committed, and rolled back: %s', (type) => {
    const items = make(type, [...numbered(4), ...numbered(4).map(({ id }) => ({ id, v: 'second' }))]);
    const before = items.tab2list();
    items.begin();
    items.selectReplace({ id: { gte: 2 } }, { v: 'x' });
    items.rollback();
    expect(items.tab2list()).toEqual(before);
    items.begin();
    expect(items.selectReplace({ id: 2 }, (one) => ({ ...one, n: one.v }))).toBe(type.endsWith('bag') ? 2 : 1);
    expect(items.pendingBytes).toBeGreaterThan(0);
    const puts = items.commit().map((change) => (change.kind === 'put' ? change.row : change.kind));
    expect(puts).toEqual(rowsOf(items, 2));
    items.begin();
    expect(items.commit()).toEqual([] satisfies RowChange[]);
  });
});
