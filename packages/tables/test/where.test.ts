import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Table, WHERE_IN_MAX, compareToCut, compileWhere, row, table } from '@heirloom/tables';
import type { TableKey, Where } from '@heirloom/tables';

interface Thing {
  id: TableKey;
  n: number;
  tags?: readonly string[];
}
const things = table({ row: row<Thing>(), key: 'id', type: 'ordered_set' });
const composite = table({ row: row<{ a: TableKey; b: TableKey }>(), key: ['a', 'b'], type: 'ordered_set' });
const matches = (where: Where<typeof things>, thing: Thing): boolean => compileWhere(things, where).matches(thing);

const simpleKey: fc.Arbitrary<TableKey> = fc.oneof(
  fc.constantFrom(null, true, 0, 1, 1n, 2, 2n, 3),
  fc.constantFrom('', 'a', 'ab', 'b', 'a\u{10ffff}', '\ud7ff', '\ue000'),
  fc.array(fc.constantFrom('a', 1), { maxLength: 2 }),
);
const operators = fc.dictionary(fc.constantFrom('eq', 'lt', 'lte', 'gt', 'gte', 'ne'), simpleKey, {
  minKeys: 1,
  maxKeys: 2,
});
const anyCondition = fc.oneof(
  operators,
  fc.record({ in: fc.array(simpleKey, { maxLength: 4 }) }),
  fc.record({
    prefix: fc.oneof(
      fc.constantFrom('', 'a', 'a\u{10ffff}', '\ud7ff'),
      fc.array(fc.constantFrom('a', 1), { maxLength: 2 }),
    ),
  }),
);

describe('where', () => {
  it('finds by its key range exactly what a walk over all rows finds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(simpleKey, simpleKey), { maxLength: 30 }),
        anyCondition,
        anyCondition,
        fc.boolean(),
        (keys, first, second, reverse) => {
          const single = new Table(things);
          const double = new Table(composite);
          for (const [a, b] of keys) {
            single.insert({ id: a, n: 0 });
            double.insert({ a, b });
          }
          // Conditions on keys of any class, which the types would not mix.
          const one = { id: first } as Where<typeof things>;
          const two = { a: first, b: second } as Where<typeof composite>;
          const inOrder = <T>(rows: readonly T[]): readonly T[] => (reverse ? rows.toReversed() : rows);
          expect(single.select({ where: one, reverse })).toEqual(
            inOrder(single.tab2list().filter(compileWhere(things, one).matches)),
          );
          expect(double.select({ where: two, reverse })).toEqual(
            inOrder(double.tab2list().filter(compileWhere(composite, two).matches)),
          );
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('compares in key order, but only within a class', () => {
    expect(matches({ id: { gt: 1 } }, { id: 'a', n: 0 })).toBe(false);
    expect(matches({ id: { gt: 1 } }, { id: 2n, n: 0 })).toBe(true);
    expect(matches({ id: { gt: '\uffff' } }, { id: '\u{10000}', n: 0 })).toBe(true);
    expect(matches({ id: { gte: new Date(5) } }, { id: new Date(5), n: 0 })).toBe(true);
    expect(matches({ n: { lt: 5 } }, { id: 1, n: NaN })).toBe(false);
    expect(matches({ id: { gt: false } }, { id: true, n: 0 })).toBe(true);
  });

  it('has all conditions hold, and equality be structural', () => {
    const thing = { id: 1, n: 5, tags: ['a', 'b'] };
    expect(matches({ id: 1, n: { gt: 4, lte: 5 } }, thing)).toBe(true);
    expect(matches({ id: 1, n: { gt: 4, lt: 5 } }, thing)).toBe(false);
    expect(matches({ tags: ['a', 'b'] }, thing)).toBe(true);
    expect(matches({ tags: { prefix: ['a'] } }, thing)).toBe(true);
    expect(matches({ tags: { ne: ['a', 'b'] } }, thing)).toBe(false);
    expect(matches({ id: { in: [2, 1] } }, thing)).toBe(true);
    expect(matches({ id: 1n }, thing)).toBe(false);
    expect(matches({ tags: { eq: undefined } }, { id: 1, n: 1 })).toBe(true);
    expect(matches({ constructor: { eq: undefined } } as never, thing)).toBe(true);
  });

  it('turns a bound key into a lookup, and a range into cuts', () => {
    expect(compileWhere(things, { id: 'a' }).access).toEqual({ kind: 'keys', keys: ['a'] });
    expect(compileWhere(things, { id: { in: ['b', 'a', 'b'] } }).access).toEqual({ kind: 'keys', keys: ['a', 'b'] });
    expect(compileWhere(composite, { a: 1, b: 2 }).access).toEqual({ kind: 'keys', keys: [[1, 2]] });
    expect(compileWhere(things, { n: 1 }).access).toEqual({ kind: 'range', range: {} });
    const { access } = compileWhere(composite, { a: 1, b: { gt: 2 } });
    const inside = (key: TableKey): boolean =>
      access.kind === 'range' &&
      access.range.from !== undefined &&
      access.range.to !== undefined &&
      compareToCut(key, access.range.from) > 0 &&
      compareToCut(key, access.range.to) < 0;
    expect(
      [
        [1, 2],
        [1, 3],
        [1, 'z'],
        [2, 3],
        [0, 5],
      ].map(inside),
    ).toEqual([false, true, true, false, false]);
  });

  it.each([
    ['an unknown operator', { id: { above: 1 } }],
    ['no operator', { id: {} }],
    ['an undefined condition', { id: undefined }],
    ['an operand without an order', { n: { gt: NaN } }],
    ['an operand without an order', { n: { lt: {} } }],
    ['a list that is no array', { n: { in: 5 } }],
    ['a list that is too long', { n: { in: Array.from({ length: WHERE_IN_MAX + 1 }) } }],
    ['a prefix of a number', { n: { prefix: 5 } }],
    ['a function', (): boolean => true],
    ['null', null],
  ])('refuses %s before reading a row', (_, where) => {
    // The point is conditions that the types refuse.
    expect(() => compileWhere(things, where as never)).toThrow(expect.objectContaining({ code: 'ERR_TABLE_ARGUMENT' }));
  });

  it('refuses names where rows are tuples, and limits that are no count', () => {
    const tuples = table({ row: row<[string, number]>(), key: 0 });
    expect(() => compileWhere(tuples, { name: 1 } as never)).toThrow(
      expect.objectContaining({ code: 'ERR_TABLE_ARGUMENT' }),
    );
    for (const limit of [0, -1, 1.5, NaN]) {
      expect(() => new Table(tuples).select({ limit })).toThrow(
        expect.objectContaining({ code: 'ERR_TABLE_ARGUMENT' }),
      );
    }
  });
});
