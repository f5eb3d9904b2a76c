/**
 * The cases of ETS's own test suite about rows and keys: what a table is made of, what comes in, is looked up and goes. C are the
 * core cases of the reference, N the nasty edges. Where a table does better or otherwise than ETS, the case says so.
 *
 * Broken on purpose, each of which these tests reported: `insertNewMany` that checks only its first row; `deleteObject` of the
 * first copy only; `lookupElement` that gives undefined for a missing field.
 */
import { describe, expect, it } from 'vitest';
import { KEY_BYTES_MAX, Table, row, table } from '@heirloom/tables';
import type { TableKey } from '@heirloom/tables';
import { TYPES, SETS, BAGS, make, code, range, numbered, values, rowsOf, untyped } from './ets-items.js';
import type { Item } from './ets-items.js';

describe('rows', () => {
  it('C01 a table without options is a protected set', () => {
    expect(new Table(table({ row: row<Item>(), key: 'id' })).info()).toMatchObject({
      type: 'set',
      access: 'protected',
      key: 'id',
      name: undefined,
      size: 0,
    });
  });

  it.each([[{ type: 'sat' }], [{ access: 'all' }], [{ key: -1 }], [{ key: 0.5 }], [{ key: [] }], [{ name: 5 }]])(
    'C02 refuses the options %j',
    (options) => {
      // The point is options that the types refuse.
      const bad = { row: row<Item>(), key: 'id', ...options } as never;
      expect(() => table(bad)).toThrow(code('ERR_TABLE_ARGUMENT'));
    },
  );

  it.each(TYPES)('C05 a second row of a key replaces the first in sets, and follows it in bags: %s', (type) => {
    const items = make(type, [
      { id: 'k', v: 1 },
      { id: 'k', v: 2 },
    ]);
    expect(values(rowsOf(items, 'k'))).toEqual(type.endsWith('bag') ? [1, 2] : [2]);
  });

  it.each(TYPES)('C06 the key may be any position: %s', (type) => {
    const pairs = new Table(table({ row: row<[string, string]>(), key: 1, type }));
    pairs.insert(['val', 'key']);
    pairs.insert(['val2', 'key2']);
    expect([pairs.lookup('key2')].flat(type.endsWith('bag') ? 1 : 0)).toEqual([['val2', 'key2']]);
  });

  it.each(TYPES)('C07 an absent key has nothing: %s', (type) => {
    expect(rowsOf(make(type), 'k')).toEqual([]);
  });

  it.each(TYPES)('C08 what is no row is refused, and nothing inserted: %s', (type) => {
    const items = make(type, [{ id: 1, v: 1 }]);
    const before = items.tab2list();
    for (const bad of [{}, { v: 1 }, [], [1], 5, null, undefined, 'row', new Map()]) {
      expect(() => untyped(items)['insert']?.(bad)).toThrow(code('ERR_TABLE_VALUE'));
      expect(() => untyped(items)['insertMany']?.([{ id: 2, v: 2 }, bad])).toThrow(code('ERR_TABLE_VALUE'));
    }
    expect(items.tab2list()).toEqual(before);
  });

  it.each(SETS)('C09 lists with overlapping keys leave one row a key: %s', (type) => {
    const items = make(type);
    for (const id of range(200)) {
      items.insertMany([
        { id, v: 0 },
        { id: id + 1, v: 1 },
      ]);
    }
    expect(items.size).toBe(201);
  });

  it('C10 inserting 25,000 rows twice leaves them once in a bag, twice in a duplicate bag', () => {
    const rows = numbered(25_000);
    const sizes = BAGS.map((type) => {
      const items = make(type, rows);
      items.insertMany(rows);
      return items.size;
    });
    expect(sizes).toEqual([25_000, 50_000]);
  });

  it.each(TYPES)('C11 insertNew takes all rows or none: %s', (type) => {
    const items = make(type, numbered(1_000));
    expect(items.insertNew({ id: 7, v: 'x' })).toBe(false);
    expect(items.insertNew({ id: 1_000, v: 'x' })).toBe(true);
    const some = [2_000, 2_001, 5, 2_002].map((id) => ({ id, v: 0 }));
    expect([items.insertNewMany(some), items.member(2_000), items.size]).toEqual([false, false, 1_001]);
    expect([items.insertNewMany(some.filter(({ id }) => id !== 5)), items.size]).toEqual([true, 1_004]);
  });

  it.each(BAGS)('C12 insertNew looks at the key, not at the row: %s', (type) => {
    const items = make(type, [{ id: 2004, v: 1 }]);
    expect([items.insertNew({ id: 2004, v: 2 }), items.size]).toEqual([false, 1]);
  });

  it.each(BAGS)('C13 a row that is deleted and inserted again comes last: %s', (type) => {
    for (const first of range(3)) {
      for (const second of range(3)) {
        const items = make(
          type,
          ['a', 'b', 'c'].map((v) => ({ id: 1, v })),
        );
        let model = ['a', 'b', 'c'];
        for (const v of [model[first], model[second]] as string[]) {
          items.deleteObject({ id: 1, v });
          items.insert({ id: 1, v });
          model = [...model.filter((other) => other !== v), v];
          expect(values(rowsOf(items, 1))).toEqual(model);
        }
      }
    }
  });

  it.each(BAGS)('C14 many rows of one key keep their order over calls: %s', (type) => {
    const items = make(
      type,
      range(16_005).map((v) => ({ id: 'k', v })),
    );
    for (const v of range(16_005)) items.insert({ id: 'k', v: 16_005 + v });
    expect(new Set(values(rowsOf(items, 'k'))).size).toBe(32_010);
    expect(values(rowsOf(items, 'k').slice(16_005))).toEqual(range(16_005).map((v) => 16_005 + v));
  });

  it.each(TYPES)('C15 lookupElement gives the element, or those of all rows, or a default: %s', (type) => {
    const items = make(type, [{ id: 'k', v: 1, n: 'x' }]);
    expect([items.lookupElement('k', 'v')].flat()).toEqual([1]);
    expect(() => items.lookupElement('none', 'v')).toThrow(code('ERR_TABLE_BADKEY'));
    expect(items.lookupElement('none', 'v', { default: 'd' })).toBe('d');
    expect(items.lookupElement('none', 'v', { default: undefined })).toBe(undefined);
    items.insert({ id: 'k', v: 2 });
    expect(() => items.lookupElement('k', 'n', { default: 'd' })).toThrow(code('ERR_TABLE_POSITION'));
  });

  it.each([Object.create(null), Symbol('v'), ['v'], null, undefined])(
    'C15 lookupElement takes names only: %o',
    (field) => {
      const items = make('set', [{ id: 'k', v: 1 }]);
      expect(() => items.lookupElement('k', field as 'v')).toThrow(code('ERR_TABLE_POSITION'));
    },
  );

  it.each(TYPES)('C16 delete takes a key, deleteObject every equal row: %s', (type) => {
    const items = make(type, [
      { id: 1, v: 'a' },
      { id: 2, v: 'a' },
      { id: 2, v: 'b' },
      { id: 2, v: 'b' },
    ]);
    expect([items.delete(1), items.delete(1), items.member(2)]).toEqual([true, false, true]);
    expect(items.deleteObject({ id: 2, v: 'c' })).toBe(0);
    expect(items.deleteObject({ id: 2, v: 'b' })).toBe(type === 'duplicate_bag' ? 2 : 1);
    expect(values(rowsOf(items, 2))).toEqual(type.endsWith('bag') ? ['a'] : []);
  });

  it.each(TYPES)('C17 matchDelete takes what equals the pattern: %s', (type) => {
    const items = make(type, [
      { id: 1, v: 'a' },
      { id: 2, v: 'b' },
    ]);
    expect([items.matchDelete({ v: 'a' }), values(items.tab2list())]).toEqual([1, ['b']]);
    expect([items.matchDelete({ id: 2, v: 'x' }), items.matchDelete({}), items.tab2list()]).toEqual([0, 1, []]);
  });

  it.each(TYPES)('C18 deleteAllObjects empties 40,000 rows, also in the middle of a walk: %s', (type) => {
    const items = make(type, numbered(40_000));
    let walked = 0;
    for (const _ of items) {
      walked++;
      items.deleteAllObjects();
    }
    expect([walked, items.size, items.first()]).toEqual([1, 0, undefined]);
    items.insertMany(numbered(10));
    expect(items.size).toBe(10);
  });

  it.each(TYPES)('C19 take gives what the key has and removes it: %s', (type) => {
    const items = make(type, [
      { id: 1n, v: 'a' },
      { id: 1n, v: 'b' },
    ]);
    expect([items.take('none') ?? []].flat()).toEqual([]);
    const taken = [items.take(type === 'ordered_set' ? 1 : 1n) ?? []].flat();
    expect(values(taken)).toEqual(type.endsWith('bag') ? ['a', 'b'] : ['b']);
    expect(items.size).toBe(0);
  });

  it.each(TYPES)('C20 member knows before and after a delete, also during a walk: %s', (type) => {
    const items = make(type, numbered(3));
    for (const { id } of items) {
      expect([items.member(id), items.delete(id), items.member(id)]).toEqual([true, true, false]);
    }
    expect(items.size).toBe(0);
  });
});

describe('keys at their edges', () => {
  it('N01 and N02 1 and 1n are one key of an ordered set, with the last one as its form; values stay apart', () => {
    const items = make('ordered_set', [
      { id: 1, v: 'a' },
      { id: 1n, v: 'b' },
    ]);
    expect([items.tab2list(), values(rowsOf(items, 1)), items.member(1)]).toEqual([[{ id: 1n, v: 'b' }], ['b'], true]);
    expect([items.matchObject({ id: 1 }), items.deleteObject({ id: 1, v: 'b' })]).toEqual([[], 0]);
    expect(
      make('set', [
        { id: 1, v: 0 },
        { id: 1n, v: 0 },
      ]).size,
    ).toBe(2);
  });

  it('N03 a counter under 1n is found under 1, and keeps its form', () => {
    const items = new Table(table({ row: row<{ id: TableKey; n: number }>(), key: 'id', type: 'ordered_set' }));
    items.insert({ id: 1n, n: 1 });
    expect(items.updateCounter(1, 'n', 1, { default: { id: 1, n: 0 } })).toBe(2);
    expect(items.tab2list()).toEqual([{ id: 1n, n: 2 }]);
  });

  it('N04 numbers and bigints around 2^53 are told apart exactly', () => {
    const items = make('ordered_set', [
      { id: 9007199254740992, v: 'a' },
      { id: 9007199254740993n, v: 'b' },
    ]);
    expect(values(items.tab2list())).toEqual(['a', 'b']);
    items.insert({ id: 9007199254740992n, v: 'c' });
    expect(values(items.tab2list())).toEqual(['c', 'b']);
  });

  it.each(TYPES)('N05 -0 is 0, and NaN is no key: %s', (type) => {
    const items = make(type, [{ id: -0, v: 1 }]);
    expect([items.member(0), Object.is(items.first(), 0)]).toEqual([true, true]);
    expect(() => items.insert({ id: NaN, v: 1 })).toThrow(code('ERR_TABLE_VALUE'));
    expect(() => items.lookup(NaN)).toThrow(code('ERR_TABLE_VALUE'));
  });

  it.each(TYPES)('N06, N07 and N08 arrays, bytes, dates and strings never share a key: %s', (type) => {
    const strings = [63, 64, 65].flatMap((length) =>
      range(5).map((at) => 'x'.repeat(length) + String.fromCharCode(at)),
    );
    const keys: TableKey[] = [
      'a',
      ['a'],
      [['a']],
      ['a', []],
      [],
      [[]],
      ['x', null, null],
      [1, [2, 3]],
      [1, 2, 3],
      'abc',
      null,
      0,
      new Uint8Array([97, 98, 99]),
      new Uint8Array([0]),
      new Date(0),
      '\uffff',
      '\u{10000}',
      ...strings,
    ];
    const items = make(
      type,
      keys.map((id, v) => ({ id, v })),
    );
    expect(items.size).toBe(keys.length);
    for (const [v, id] of keys.entries()) expect(values(rowsOf(items, id))).toEqual([v]);
    expect(() => items.insert({ id: 'x\ud800', v: 0 })).toThrow(code('ERR_TABLE_VALUE'));
  });

  it.each(TYPES)('N09 and N11 a list with a bad last row inserts nothing: %s', (type) => {
    const items = make(type);
    const good = { id: 'a', v: 1 };
    expect(() => items.insertMany([good, { id: 'x'.repeat(KEY_BYTES_MAX), v: 1 }])).toThrow(code('ERR_TABLE_LIMIT'));
    expect(() => items.insertNewMany([good, { id: 'b', v: () => 1 }])).toThrow(code('ERR_TABLE_VALUE'));
    expect([items.size, items.member('a')]).toEqual([0, false]);
  });

  it('N12 rows of one key in one insertNewMany do not refuse each other', () => {
    const rows = [
      { id: 'a', v: 1 },
      { id: 'a', v: 2 },
    ];
    const sizes = TYPES.map((type) => {
      const items = make(type);
      return [items.insertNewMany(rows), items.size, values(rowsOf(items, 'a')).at(-1)];
    });
    expect(sizes).toEqual([
      [true, 1, 2],
      [true, 1, 2],
      // A bag takes a list from its end.
      [true, 2, 1],
      [true, 2, 2],
    ]);
  });
});
