/** A worker whose tables have, by the environment variable FORM, one of several forms that its rows had over the years. */
import { defineWorker, row, table } from 'heirloom/worker';

export interface FirstPerson {
  readonly id: number;
  readonly name: string;
}
export interface SecondPerson extends FirstPerson {
  readonly region: string;
  readonly from: number;
}
export interface ThirdPerson {
  readonly code: string;
  readonly name: string;
  readonly from: number;
}
export interface Mark {
  readonly person: number;
  readonly mark: number;
}
export interface OwnedMark {
  readonly owner: string;
  readonly mark: number;
}

/** What the migrations make of a row, also for the model of the tests. */
export function secondPerson({ id, name }: FirstPerson, from: number): SecondPerson | undefined {
  return id % 10 === 9 ? undefined : { region: id % 2 === 0 ? 'north' : 'south', id, name: name.toUpperCase(), from };
}
/** From a row of the first or the second form. */
export function thirdPerson({ id, name }: FirstPerson, from: number): ThirdPerson {
  return { code: `p${String(1_000_000 - id)}`, name, from };
}
/** Several persons have one owner, so rows with different keys come together. */
export function ownedMark({ person, mark }: Mark): OwnedMark {
  return { owner: `o${person % 100}`, mark };
}

const people = { row: row<FirstPerson>(), key: 'id' } as const;
const marks = { row: row<Mark>(), key: 'person', type: 'duplicate_bag' } as const;
const first = { people: table(people), marks: table(marks) };
const sameMarks = table({ ...marks, version: 2, migrate: (mark: Mark) => mark });

function fail(): never {
  throw new RangeError('no migration for this one');
}

/** Every form of the tables; the tests only need the types of the first. */
const forms: Readonly<Record<string, () => unknown>> = {
  first: () => first,
  second: () => ({
    people: table({ row: row<SecondPerson>(), key: ['region', 'id'], version: 2, migrate: secondPerson }),
    marks: table({
      row: row<OwnedMark>(),
      key: 'owner',
      type: 'duplicate_bag',
      version: 2,
      migrate: ownedMark,
    }),
  }),
  third: () => ({
    people: table({
      row: row<ThirdPerson>(),
      key: 'code',
      type: 'ordered_set',
      access: 'public',
      version: 3,
      migrate: thirdPerson,
    }),
    marks: table({
      row: row<OwnedMark>(),
      key: 'owner',
      type: 'bag',
      version: 3,
      migrate: (mark: Mark | OwnedMark) => ('person' in mark ? ownedMark(mark) : mark),
    }),
  }),
  without: () => ({ people: table({ ...people, version: 2 }), marks: table(marks) }),
  throws: () => ({
    people: table({ ...people, version: 2, migrate: (person: FirstPerson) => ({ ...person, name: 'wrong' }) }),
    marks: table({ ...marks, version: 2, migrate: (mark: Mark) => (mark.person === 3_000 ? fail() : mark) }),
  }),
  collides: () => ({
    people: table({ row: row<FirstPerson>(), key: 'name', version: 2, migrate: (person: FirstPerson) => person }),
    marks: sameMarks,
  }),
  asynchronous: () => ({
    people: table({ ...people, version: 2, migrate: (async (person: FirstPerson) => person) as never }),
    marks: sameMarks,
  }),
  refused: () => ({
    people: table({ ...people, version: 2, migrate: (() => ({ id: 1, name: () => 'no value' })) as never }),
    marks: sameMarks,
  }),
  no_object: () => ({ people: table({ ...people, version: 2, migrate: (() => 7) as never }), marks: sameMarks }),
};

const form = process.env['FORM'] ?? 'first';

export default defineWorker({
  tables: forms[form]?.() as typeof first,
  calls: {
    fill({ tables }, persons: readonly FirstPerson[], given: readonly Mark[]) {
      tables.people.insertMany(persons);
      tables.marks.insertMany(given);
    },
    people: ({ tables }): readonly unknown[] => tables.people.tab2list(),
    marks: ({ tables }): readonly unknown[] => tables.marks.tab2list(),
    sizes: ({ tables }) => [tables.people.size, tables.marks.size],
    /** The key of each row finds it. */
    lookups: ({ tables }) => [...tables.people.keys()].filter((key) => tables.people.lookup(key) !== undefined).length,
  },
});
