import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { KEY_BYTES_MAX, Table, row, table } from '@heirloom/tables';
import type {
  OwnerTable,
  PrivateTable,
  ReadableTable,
  RemoteTable,
  StoredRow,
  TableKey,
  TableType,
  WritableTable,
} from '@heirloom/tables';

interface Account {
  id: TableKey;
  balance: number;
  owner?: string;
}
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- It keeps the literal type.
const accountsOf = <const Type extends TableType>(type: Type) => table({ row: row<Account>(), key: 'id', type });
const counters = table({ row: row<{ id: string; n: number; big: bigint; label: string }>(), key: 'id' });
const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });
const EVERY_TYPE = ['set', 'ordered_set', 'bag', 'duplicate_bag'] as const;

describe('a set', () => {
  const make = () => new Table(table({ row: row<{ id: string; balance: number }>(), key: 'id' }));

  it('keeps one row a key, and gives back rows that nobody can change (G7)', () => {
    const accounts = make();
    const input = { id: 'a', balance: 1 };
    accounts.insert(input);
    input.balance = 99;
    expect(accounts.lookup('a')).toEqual({ id: 'a', balance: 1 });
    expect(Object.isFrozen(accounts.lookup('a'))).toBe(true);
    accounts.insert({ id: 'a', balance: 2 });
    expect(accounts.tab2list()).toEqual([{ id: 'a', balance: 2 }]);
    expect([accounts.size, accounts.member('a'), accounts.lookup('b')]).toEqual([1, true, undefined]);
    expect(accounts.take('a')).toEqual({ id: 'a', balance: 2 });
    expect([accounts.delete('a'), accounts.size]).toEqual([false, 0]);
  });

  it('copies for each reader what cannot be frozen (G7)', () => {
    const events = new Table(table({ row: row<{ id: Date; tags: Set<string> }>(), key: 'id' }));
    events.insert({ id: new Date(1), tags: new Set(['x']) });
    events.lookup(new Date(1))?.tags.clear();
    events.lookup(new Date(1))?.id.setTime(5);
    events.first()?.setTime(7);
    for (const event of events) event.tags.clear();
    expect(events.select()).toEqual([{ id: new Date(1), tags: new Set(['x']) }]);
    expect(events.member(new Date(1))).toBe(true);
  });

  it('inserts many rows or none (G2)', () => {
    const accounts = make();
    const bad = [{ id: 'a', balance: 1 }, { id: 'b', balance: () => 1 } as never];
    expect(() => accounts.insertMany(bad)).toThrow(code('ERR_TABLE_VALUE'));
    expect(accounts.size).toBe(0);
    expect(
      accounts.insertNewMany([
        { id: 'a', balance: 1 },
        { id: 'a', balance: 2 },
      ]),
    ).toBe(true);
    expect(accounts.tab2list()).toEqual([{ id: 'a', balance: 2 }]);
    expect(
      accounts.insertNewMany([
        { id: 'b', balance: 1 },
        { id: 'a', balance: 3 },
      ]),
    ).toBe(false);
    expect([accounts.insertNew({ id: 'a', balance: 4 }), accounts.size]).toEqual([false, 1]);
    expect(accounts.insertMany([])).toBe(undefined);
  });

  it('walks its keys in constant time a step, and refuses to step from an absent one', () => {
    const accounts = make();
    for (let index = 0; index < 20_000; index++) accounts.insert({ id: String(index), balance: index });
    const seen = new Set<string>();
    for (let key = accounts.first(); key !== undefined; key = accounts.next(key)) seen.add(key);
    expect(seen.size).toBe(20_000);
    expect(() => accounts.next('none')).toThrow(code('ERR_TABLE_BADKEY'));
    accounts.insert({ id: 'late', balance: 0 });
    expect(accounts.next('19999')).toBe('late');
  });

  it('survives changes during iteration', () => {
    const accounts = make();
    accounts.insertMany(Array.from({ length: 10 }, (_, index) => ({ id: String(index), balance: index })));
    const seen: string[] = [];
    for (const { id } of accounts) {
      seen.push(id);
      accounts.delete(id);
      accounts.insert({ id, balance: -1 });
      accounts.delete('5');
    }
    expect(seen.toSorted()).toEqual(['0', '1', '2', '3', '4', '6', '7', '8', '9']);
    for (const _ of accounts) accounts.deleteAllObjects();
    expect(accounts.size).toBe(0);
  });

  it('refuses rows whose key is missing, no key, or too long (G9)', () => {
    const accounts = make();
    expect(() => accounts.insert({ balance: 1 } as never)).toThrow(code('ERR_TABLE_VALUE'));
    expect(() => accounts.insert({ id: undefined, balance: 1 } as never)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ path: '.id' }) }),
    );
    expect(() => accounts.insert({ id: 'x'.repeat(KEY_BYTES_MAX), balance: 1 })).toThrow(code('ERR_TABLE_LIMIT'));
    expect(() => accounts.insert(['a', 1] as never)).toThrow(code('ERR_TABLE_VALUE'));
    expect(() => accounts.lookup(NaN as never)).toThrow(code('ERR_TABLE_VALUE'));
    expect(accounts.size).toBe(0);
  });
});

describe('identity of keys', () => {
  it('is one for 1 and 1n in an ordered set, and two elsewhere (N01, N02)', () => {
    const ordered = new Table(accountsOf('ordered_set'));
    ordered.insert({ id: 1, balance: 1 });
    ordered.insert({ id: 1n, balance: 2 });
    expect(ordered.tab2list()).toEqual([{ id: 1n, balance: 2 }]);
    expect(ordered.first()).toBe(1n);
    expect(ordered.member(1)).toBe(true);
    expect(ordered.deleteObject({ id: 1, balance: 2 })).toBe(0);
    expect(ordered.select({ where: { id: 1 } })).toEqual([]);
    expect(ordered.updateCounter(1, 'balance')).toBe(3);
    expect(ordered.lookup(1)).toEqual({ id: 1n, balance: 3 });
    const plain = new Table(accountsOf('set'));
    plain.insertMany([
      { id: 1, balance: 1 },
      { id: 1n, balance: 2 },
    ]);
    expect(plain.size).toBe(2);
  });

  it.each(EVERY_TYPE)('folds -0 into 0 in a key, in a %s (N05)', (type) => {
    const accounts = new Table(accountsOf(type));
    accounts.insert({ id: -0, balance: 1 });
    expect([accounts.member(0), Object.is(accounts.first(), 0), Object.is(accounts.tab2list()[0]?.id, -0)]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it.each(EVERY_TYPE)(
    'tells apart nested, empty and one-element arrays, bytes and text, in a %s (N06, N07)',
    (type) => {
      const accounts = new Table(accountsOf(type));
      const keys: TableKey[] = [
        'a',
        ['a'],
        [['a']],
        ['a', []],
        [],
        [[]],
        [1, [2, 3]],
        [1, 2, 3],
        new Uint8Array([97]),
        null,
        new Date(0),
        0,
      ];
      for (const [index, id] of keys.entries()) accounts.insert({ id, balance: index });
      expect(accounts.size).toBe(keys.length);
      for (const [index, id] of keys.entries()) expect([accounts.lookup(id)].flat()).toEqual([{ id, balance: index }]);
    },
  );
});

describe('an ordered set', () => {
  it('steps from keys that are absent, and iterates in order while it changes', () => {
    const accounts = new Table(accountsOf('ordered_set'));
    for (let index = 1000; index > 0; index--) accounts.insert({ id: index * 2, balance: 0 });
    expect([
      accounts.first(),
      accounts.last(),
      accounts.next(3),
      accounts.prev(3),
      accounts.next(2000),
      accounts.prev(2),
    ]).toEqual([2, 2000, 4, 2, undefined, undefined]);
    const seen: TableKey[] = [];
    for (const { id } of accounts) {
      seen.push(id);
      accounts.delete(id);
      accounts.delete(Number(id) + 2);
      if (Number(id) === 2) accounts.insert({ id: 7, balance: 0 });
    }
    expect(seen.slice(0, 4)).toEqual([2, 6, 7, 10]);
    expect(() => accounts.next(NaN)).toThrow(code('ERR_TABLE_VALUE'));
  });

  it('answers ranges and prefixes of composite keys in order', () => {
    const composite = new Table(
      table({ row: row<{ tenant: string; id: number; v: string }>(), key: ['tenant', 'id'], type: 'ordered_set' }),
    );
    for (const tenant of ['b', 'a', 'c'])
      for (const id of [3, 1, 2]) composite.insert({ tenant, id, v: `${tenant}${id}` });
    const values = (rows: readonly { v: string }[]): string => rows.map(({ v }) => v).join();
    expect(composite.first()).toEqual(['a', 1]);
    expect(composite.lookup(['b', 2])).toEqual({ tenant: 'b', id: 2, v: 'b2' });
    expect(values(composite.select({ where: { tenant: 'b' } }))).toBe('b1,b2,b3');
    expect(values(composite.select({ where: { tenant: 'b', id: { gt: 1 } }, reverse: true }))).toBe('b3,b2');
    expect(values(composite.select({ where: { tenant: { gte: 'b' } }, limit: 4 }))).toBe('b1,b2,b3,c1');
    expect(values(composite.select({ where: { tenant: 'b', id: { in: [3, 1, 9] } } }))).toBe('b1,b3');
    expect(composite.selectDelete({ tenant: { lt: 'c' }, v: { ne: 'a1' } })).toBe(5);
    expect([...composite.keys()]).toEqual([
      ['a', 1],
      ['c', 1],
      ['c', 2],
      ['c', 3],
    ]);
  });
});

describe('bags', () => {
  it('keep the order of insertion, and only a bag refuses equal rows', () => {
    for (const type of ['bag', 'duplicate_bag'] as const) {
      const entries = new Table(table({ row: row<{ id: string; v: number }>(), key: 'id', type }));
      entries.insertMany([
        { id: 'a', v: 2 },
        { id: 'a', v: 1 },
        { id: 'a', v: 2 },
      ]);
      expect(entries.lookup('a').map(({ v }) => v)).toEqual(type === 'bag' ? [2, 1] : [2, 1, 2]);
      expect(entries.insertNew({ id: 'a', v: 9 })).toBe(false);
      expect(entries.deleteObject({ id: 'a', v: 2 })).toBe(type === 'bag' ? 1 : 2);
      entries.insert({ id: 'a', v: 2 });
      expect(entries.lookup('a').map(({ v }) => v)).toEqual([1, 2]);
      expect(entries.lookupElement('a', 'v')).toEqual([1, 2]);
      expect(entries.lookup('b')).toEqual([]);
      expect([entries.first(), entries.next('a'), entries.size]).toEqual(['a', undefined, 2]);
      expect(entries.take('a')).toEqual([
        { id: 'a', v: 1 },
        { id: 'a', v: 2 },
      ]);
      expect(() => entries.updateCounter('a', 'v' as never)).toThrow(code('ERR_TABLE_TYPE'));
      expect(() => entries.updateElement('a', { v: 1 })).toThrow(code('ERR_TABLE_TYPE'));
    }
  });

  it('stay fast with many rows under one key', () => {
    const entries = new Table(table({ row: row<{ id: string; v: number }>(), key: 'id', type: 'bag' }));
    for (let v = 0; v < 50_000; v++) entries.insert({ id: 'a', v });
    for (let v = 0; v < 50_000; v++) entries.insert({ id: 'a', v });
    expect(entries.size).toBe(50_000);
  });
});

describe('updateCounter', () => {
  const make = () => {
    const subject = new Table(counters);
    subject.insert({ id: 'a', n: 5, big: 2n ** 64n, label: 'x' });
    return subject;
  };
  const fallback = { id: 'ignored', n: 10, big: 0n, label: 'new' };

  it('adds, runs several operations in order, and keeps the type of its field', () => {
    const subject = make();
    expect([subject.updateCounter('a', 'n'), subject.updateCounter('a', 'n', -3)]).toEqual([6, 3]);
    expect(subject.updateCounter('a', 'big', -(2n ** 64n))).toBe(0n);
    expect(subject.updateCounter('a', [{ field: 'n', by: 2 }, { field: 'n', by: 5 }, { field: 'big' }])).toEqual([
      5,
      10,
      1n,
    ]);
    expect(subject.updateCounter('a', [])).toEqual([]);
    expect(subject.lookup('a')).toEqual({ id: 'a', n: 10, big: 1n, label: 'x' });
  });

  it('wraps beyond the threshold, not at it (N15)', () => {
    const subject = make();
    const wrap = (by: number, threshold: number, setValue: number): number =>
      subject.updateCounter('a', 'n', by, { threshold, setValue });
    expect([wrap(1, 6, 0), wrap(1, 6, 0), wrap(-1, 0, 9), wrap(0, 8, 100), wrap(0, 8, 50)]).toEqual([6, 0, 9, 100, 50]);
  });

  it('starts from the default under the key that was asked for', () => {
    const subject = make();
    expect(subject.updateCounter('b', 'n', 1, { default: fallback })).toBe(11);
    expect(subject.lookup('b')).toEqual({ id: 'b', n: 11, big: 0n, label: 'new' });
    expect(subject.updateCounter('b', 'n', 1, { default: fallback })).toBe(12);
    expect(subject.updateCounter('c', [], { default: fallback })).toEqual([]);
    expect(subject.size).toBe(3);
  });

  it.each([
    ['an absent key', ['z', [{ field: 'nonsense' }]], 'ERR_TABLE_BADKEY'],
    ['the key', ['a', 'id'], 'ERR_TABLE_KEYPOS'],
    ['a missing field', ['a', 'none'], 'ERR_TABLE_POSITION'],
    ['a text', ['a', 'label'], 'ERR_TABLE_VALUE'],
    ['a fraction', ['a', 'n', 0.5], 'ERR_TABLE_VALUE'],
    ['a bigint for a number', ['a', 'n', 1n], 'ERR_TABLE_VALUE'],
    ['a number for a bigint', ['a', 'big', 1], 'ERR_TABLE_VALUE'],
    ['an unsafe result', ['a', 'n', Number.MAX_SAFE_INTEGER], 'ERR_TABLE_LIMIT'],
    ['a threshold alone', ['a', 'n', 1, { threshold: 5 }], 'ERR_TABLE_ARGUMENT'],
    ['a bad default that is not needed', ['a', 'n', 1, { default: 5 }], 'ERR_TABLE_VALUE'],
    ['one bad operation among good ones', ['a', [{ field: 'n' }, { field: 'id' }]], 'ERR_TABLE_KEYPOS'],
  ])('refuses %s and changes nothing (N13, N14)', (_, args, wanted) => {
    const subject = make();
    const before = subject.lookup('a');
    // The point is arguments that the types refuse.
    expect(() => (subject.updateCounter as (...args: unknown[]) => unknown).apply(subject, args)).toThrow(code(wanted));
    expect(subject.lookup('a')).toBe(before);
    expect(subject.size).toBe(1);
  });
});

describe('updateElement and lookupElement', () => {
  const make = () => {
    const subject = new Table(table({ row: row<[string, number, string]>(), key: 0 }));
    subject.insert(['a', 1, 'x']);
    return subject;
  };

  it('replace and read fields of the row', () => {
    const subject = make();
    expect(subject.updateElement('a', { 1: 2, 2: 'y' })).toBe(true);
    expect(subject.lookup('a')).toEqual(['a', 2, 'y']);
    expect(subject.lookupElement('a', 1)).toBe(2);
    expect(subject.updateElement('b', { 1: 2 })).toBe(false);
    expect(subject.updateElement('b', { 2: 'z' }, { default: ['', 7, ''] })).toBe(true);
    expect(subject.lookup('b')).toEqual(['b', 7, 'z']);
    expect(subject.lookupElement('c', 1, { default: 'none' })).toBe('none');
    expect(subject.updateCounter('b', 1, 3)).toBe(10);
    expect(subject.select({ where: { 1: { gt: 5 } } })).toEqual([['b', 10, 'z']]);
  });

  it('refuse the key, positions that the row lacks, and absent keys', () => {
    const subject = make();
    expect(() => subject.updateElement('a', { 0: 'b' } as never)).toThrow(code('ERR_TABLE_KEYPOS'));
    expect(() => subject.updateElement('a', { 3: 'b' } as never)).toThrow(code('ERR_TABLE_POSITION'));
    expect(() => subject.updateElement('a', { 1: () => 1 } as never)).toThrow(code('ERR_TABLE_VALUE'));
    expect(subject.updateElement('missing', { garbage: 1 } as never)).toBe(false);
    expect(() => subject.lookupElement('a', 3 as never)).toThrow(code('ERR_TABLE_POSITION'));
    expect(() => subject.lookupElement('c', 1)).toThrow(code('ERR_TABLE_BADKEY'));
    expect(subject.lookup('a')).toEqual(['a', 1, 'x']);
  });
});

describe('a schema', () => {
  const schema = (validate: (value: unknown) => unknown) =>
    table({
      // What it says of types is all that inference needs; the rest is checked at run time.
      row: {
        '~standard': { version: 1, vendor: 'test', validate },
      } as unknown as StandardSchemaV1<unknown, { id: string; n: number }>,
      key: 'id',
    });

  it('validates every row that is written, and its output is the row', () => {
    const subject = new Table(
      schema((value) =>
        (value as { n: number }).n > 9 ? { issues: [{ message: 'too large', path: ['n'] }] } : { value },
      ),
    );
    subject.insert({ id: 'a', n: 9 });
    expect(() => subject.insert({ id: 'b', n: 10 })).toThrow(
      expect.objectContaining({
        code: 'ERR_TABLE_SCHEMA',
        details: { issues: [{ message: 'too large', path: ['n'] }] },
      }),
    );
    expect(() => subject.updateCounter('a', 'n')).toThrow(code('ERR_TABLE_SCHEMA'));
    expect(subject.tab2list()).toEqual([{ id: 'a', n: 9 }]);
  });

  it('is refused when it is asynchronous, or gives an updated row another key', () => {
    expect(() => new Table(schema(async (value) => ({ value }))).insert({ id: 'a', n: 1 })).toThrow(
      code('ERR_TABLE_SCHEMA'),
    );
    let id = 'a';
    const moving = new Table(schema((value) => ({ value: { ...(value as object), id } })));
    moving.insert({ id: 'a', n: 1 });
    id = 'b';
    expect(() => moving.updateElement('a', { n: 2 })).toThrow(code('ERR_TABLE_KEYPOS'));
    expect(moving.tab2list()).toEqual([{ id: 'a', n: 1 }]);
  });
});

describe('a transaction', () => {
  const bag = table({ row: row<{ id: string; v: number }>(), key: 'id', type: 'bag' });
  const plain = table({ row: row<{ id: string; v: number }>(), key: 'id' });

  it('commits net changes only', () => {
    const subject = new Table(plain);
    subject.insertMany([
      { id: 'a', v: 1 },
      { id: 'b', v: 1 },
    ]);
    const before = subject.lookup('a');
    subject.begin();
    subject.insert({ id: 'a', v: 2 });
    subject.insert({ id: 'a', v: 3 });
    subject.insert({ id: 'new', v: 1 });
    subject.delete('new');
    subject.delete('b');
    const kinds = subject.commit().map((change) => (change.kind === 'put' ? [change.kind, change.row] : [change.kind]));
    expect(kinds).toEqual([['put', { id: 'a', v: 3 }], ['delete']]);
    subject.begin();
    if (before !== undefined) subject.insert(before);
    const stored = subject.lookup('a');
    if (stored !== undefined) subject.insert(stored);
    subject.delete('a');
    subject.insert({ id: 'z', v: 0 });
    subject.deleteAllObjects();
    subject.insert({ id: 'c', v: 1 });
    expect(subject.commit().map(({ kind }) => kind)).toEqual(['clear', 'put']);
    subject.begin();
    const same = subject.lookup('c');
    if (same !== undefined) subject.insert(same);
    expect(subject.commit()).toEqual([]);
  });

  it('rolls back to exactly what was, also across deleteAllObjects', () => {
    const subject = new Table(bag);
    subject.insertMany([
      { id: 'a', v: 2 },
      { id: 'a', v: 1 },
    ]);
    const before = [subject.nextSequence, subject.size, subject.tab2list()];
    subject.begin();
    subject.insert({ id: 'a', v: 3 });
    subject.deleteObject({ id: 'a', v: 2 });
    subject.insert({ id: 'a', v: 2 });
    subject.deleteAllObjects();
    subject.insert({ id: 'a', v: 9 });
    subject.deleteAllObjects();
    subject.insert({ id: 'b', v: 9 });
    subject.rollback();
    expect([subject.nextSequence, subject.size, subject.tab2list()]).toEqual(before);
  });

  it('announces an upper bound of its bytes before it changes anything, and can be refused (G9)', () => {
    let room = 1000;
    const subject = new Table(plain, {
      transactional: true,
      onPending: (bytes) => {
        if (bytes > room) throw new RangeError('full');
        room -= bytes;
      },
    });
    subject.begin();
    subject.insert({ id: 'a', v: 1 });
    expect(subject.pendingBytes).toBe(1000 - room);
    expect(subject.pendingBytes).toBeGreaterThan(20);
    const rows = Array.from({ length: 100 }, (_, index) => ({ id: String(index), v: 1 }));
    expect(() => subject.insertMany(rows)).toThrow(RangeError);
    expect(() => subject.insert({ id: 'x'.repeat(500), v: 1 })).toThrow(RangeError);
    expect(subject.size).toBe(1);
    room = 0;
    expect(() => subject.delete('a')).toThrow(RangeError);
    expect(() => subject.take('a')).toThrow(RangeError);
    expect(() => subject.updateCounter('a', 'v')).toThrow(RangeError);
    expect(() => subject.deleteAllObjects()).toThrow(RangeError);
    expect(subject.tab2list()).toEqual([{ id: 'a', v: 1 }]);
    expect(subject.commit()).toHaveLength(1);
    expect(subject.pendingBytes).toBe(0);
  });

  it('is needed for every write of a transactional table', () => {
    const subject = new Table(plain, { transactional: true, name: 'bank' });
    const one = { id: 'a', v: 1 };
    const writes = [
      () => subject.insert(one),
      () => subject.insertMany([one]),
      () => subject.insertNew(one),
      () => subject.insertNewMany([one]),
      () => subject.delete('a'),
      () => subject.deleteObject(one),
      () => subject.take('a'),
      () => subject.updateCounter('a', 'v'),
      () => subject.updateElement('a', { v: 1 }),
      () => subject.selectDelete(),
      () => subject.selectDelete({ v: 1 }),
      () => subject.deleteAllObjects(),
    ];
    for (const write of writes) expect(write).toThrow(code('ERR_TABLE_CLOSED'));
    expect(subject.lookup('a')).toBe(undefined);
    expect(subject.info()).toEqual({
      name: 'bank',
      type: 'set',
      key: 'id',
      access: 'protected',
      survives: 'power_loss',
      version: 1,
      size: 0,
    });
  });

  it('can begin only once, and end only when begun', () => {
    const subject = new Table(plain);
    expect(() => subject.commit()).toThrow(code('ERR_INVARIANT'));
    subject.begin();
    expect(() => subject.begin()).toThrow(code('ERR_INVARIANT'));
  });

  it('rolled back in a loading table leaves it loading after a deleteAllObjects', () => {
    const seed = new Table(plain);
    seed.begin();
    seed.insertMany([
      { id: 'a', v: 1 },
      { id: 'b', v: 1 },
    ]);
    const stored: StoredRow[] = [];
    for (const change of seed.commit()) if (change.kind === 'put') stored.push(change);
    const fresh = (rows: readonly StoredRow[]): StoredRow[] =>
      rows.map((one) => ({ ...one, row: structuredClone(one.row) }));
    const subject = new Table(plain);
    subject.hydrateFrom(
      {
        rowsOf: (keyBytes) => fresh(stored.filter((one) => Buffer.compare(one.keyBytes, keyBytes) === 0)),
        scan: ({ from = new Uint8Array(), limit }) =>
          fresh(stored.filter((one) => Buffer.compare(one.keyBytes, from) >= 0).slice(0, limit)),
      },
      { size: 2, nextSequence: 1 },
    );
    subject.begin();
    subject.delete('a');
    subject.deleteAllObjects();
    expect([subject.isHydrated, subject.size, subject.lookup('b')]).toEqual([true, 0, undefined]);
    subject.rollback();
    expect([subject.isHydrated, subject.size, subject.member('a')]).toEqual([false, 2, true]);
    expect(subject.hydrate(1)).toBe(false);
    expect(subject.hydrate(1)).toBe(false);
    expect(subject.hydrate(1)).toBe(true);
    expect(
      subject
        .tab2list()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(['a', 'b']);
  });
});

describe('the types of a table', () => {
  it('follow its definition', () => {
    const accounts = new Table(counters);
    expectTypeOf(accounts).toExtend<OwnerTable<typeof counters>>();
    expectTypeOf(accounts.lookup('a')).toEqualTypeOf<
      Readonly<{ id: string; n: number; big: bigint; label: string }> | undefined
    >();
    const bag = new Table(table({ row: row<{ id: string; v: number }>(), key: 'id', type: 'bag', access: 'public' }));
    expectTypeOf(bag.lookup('a')).toEqualTypeOf<readonly Readonly<{ id: string; v: number }>[]>();
    const compileOnly = (): void => {
      expectTypeOf(accounts.updateCounter('a', 'big', 1n)).toEqualTypeOf<bigint>();
      // @ts-expect-error A key of another type.
      accounts.lookup(1);
      // @ts-expect-error A field that is no counter.
      accounts.updateCounter('a', 'label');
      // @ts-expect-error A bag has no counters.
      bag.updateCounter('a', 'v');
      // @ts-expect-error The key is not updated.
      accounts.updateElement('a', { id: 'b' });
      // @ts-expect-error A misspelt field.
      accounts.select({ where: { nn: 1 } });
      // @ts-expect-error A value of another type.
      accounts.select({ where: { n: { gt: 'x' } } });
      // @ts-expect-error A missing field.
      accounts.insert({ id: 'a', n: 1, big: 1n });
    };
    expect(compileOnly).toBeTypeOf('function');
  });

  it('give others what its access allows', () => {
    const open = table({ row: row<{ id: string }>(), key: 'id', access: 'public' });
    const closed = table({ row: row<{ id: string }>(), key: 'id', access: 'private' });
    expectTypeOf<RemoteTable<typeof counters>>().toEqualTypeOf<ReadableTable<typeof counters>>();
    expectTypeOf<RemoteTable<typeof open>>().toEqualTypeOf<WritableTable<typeof open>>();
    expectTypeOf<RemoteTable<typeof closed>>().toEqualTypeOf<PrivateTable>();
    expect([open.access, closed.access]).toEqual(['public', 'private']);
  });
});
