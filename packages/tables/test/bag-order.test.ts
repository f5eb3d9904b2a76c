/**
 * The order of rows within a key after inserts of lists, as OTP 25.3 was recorded: a bag takes a list from its last row to its
 * first, a duplicate bag from its first to its last, both behind what is there.
 *
 * Mutations that made it fail: a bag that takes a list in order; a duplicate bag that takes it from its end.
 */
import { describe, expect, it } from 'vitest';
import { Table, row, table } from '@heirloom/tables';

interface Entry {
  readonly id: string;
  readonly v: number;
}
const entry = (v: number): Entry => ({ id: 'a', v });

describe.each(['bag', 'duplicate_bag'] as const)('a %s', (type) => {
  const make = () => new Table(table({ row: row<Entry>(), key: 'id', type }));
  const of = (subject: ReturnType<typeof make>): readonly number[] => subject.lookup('a').map(({ v }) => v);
  const isBag = type === 'bag';

  it('holds the rows of one list in its order of lists, behind those that it had', () => {
    const subject = make();
    subject.insert(entry(1));
    subject.insert(entry(2));
    subject.insertMany([entry(3), entry(4), entry(5)]);
    expect(of(subject)).toEqual(isBag ? [1, 2, 5, 4, 3] : [1, 2, 3, 4, 5]);
    expect(subject.lookupElement('a', 'v')).toEqual(of(subject));
    expect(subject.take('a').map(({ v }) => v)).toEqual(isBag ? [1, 2, 5, 4, 3] : [1, 2, 3, 4, 5]);
  });

  it('does so for insertNewMany too', () => {
    const subject = make();
    expect(subject.insertNewMany([entry(1), { id: 'b', v: 9 }, entry(2)])).toBe(true);
    expect(of(subject)).toEqual(isBag ? [2, 1] : [1, 2]);
    expect(subject.insertNewMany([entry(3)])).toBe(false);
    expect(of(subject)).toEqual(isBag ? [2, 1] : [1, 2]);
  });

  it('leaves an equal row where it is, if it is a bag', () => {
    const subject = make();
    subject.insertMany([entry(1), entry(2)]);
    subject.insertMany([entry(1), entry(3), entry(3)]);
    expect(of(subject)).toEqual(isBag ? [2, 1, 3] : [1, 2, 1, 3, 3]);
  });
});
