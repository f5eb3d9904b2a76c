import { Table, row, table } from '@heirloom/tables';
import type { AnyTableDefinition, OwnerTable } from '@heirloom/tables';
import { armFailpoints } from '@heirloom/wire';
import { afterEach, expect, test } from 'vitest';
import { READ_OPERATIONS, WRITE_OPERATIONS, leaseTables } from '../src/leased-table.js';
import type { Lease } from '../src/leased-table.js';

const definition = table({ row: row<{ id: string; n: number }>(), key: 'id' });
const lend = (lease: Lease) => {
  const lent = new Table(definition);
  // The lease serves any table.
  const { t } = leaseTables([['t', lent as unknown as Table<AnyTableDefinition>]], lease);
  return t as unknown as OwnerTable<typeof definition>;
};
/** Every operation of an owner; the compiler sees to it that none is missing. */
const operations: Readonly<Record<Exclude<keyof OwnerTable<AnyTableDefinition>, symbol>, true>> = {
  size: true,
  insert: true,
  insertMany: true,
  insertNew: true,
  insertNewMany: true,
  lookup: true,
  member: true,
  lookupElement: true,
  delete: true,
  deleteObject: true,
  take: true,
  updateCounter: true,
  updateElement: true,
  first: true,
  last: true,
  next: true,
  prev: true,
  select: true,
  selectCount: true,
  selectDelete: true,
  selectReverse: true,
  selectPage: true,
  selectReplace: true,
  match: true,
  matchObject: true,
  matchDelete: true,
  explain: true,
  firstLookup: true,
  lastLookup: true,
  nextLookup: true,
  prevLookup: true,
  foldl: true,
  foldr: true,
  deleteAllObjects: true,
  tab2list: true,
  keys: true,
  info: true,
};

/** Tables that are lent without a hold have no name to give. */
const rename = (): Promise<void> => Promise.reject(new Error('nobody is asked'));

afterEach(() => armFailpoints([]));

test('lends every operation of an owner, and nothing of transactions or loading', () => {
  const lent = lend({ isOpen: true, rename });
  for (const operation of Object.keys(operations)) expect(lent).toHaveProperty(operation);
  expect(new Set([...READ_OPERATIONS, ...WRITE_OPERATIONS, 'size', 'keys'])).toEqual(new Set(Object.keys(operations)));
  for (const hidden of ['begin', 'commit', 'rollback', 'hydrate', 'hydrateFrom'])
    expect(lent).not.toHaveProperty(hidden);
});

test('works as the table does while the lease is open', () => {
  const lent = lend({ isOpen: true, rename });
  lent.insertMany([
    { id: 'a', n: 1 },
    { id: 'b', n: 2 },
  ]);
  expect(lent.updateCounter('a', 'n')).toBe(2);
  expect([...lent].map(({ n }) => n)).toEqual([2, 2]);
  expect([...lent.keys()]).toEqual(['a', 'b']);
  expect(lent.size).toBe(2);
});

test('refuses every operation once the lease is over', () => {
  const lease = { isOpen: true, rename };
  const lent = lend(lease);
  lent.insert({ id: 'a', n: 1 });
  lease.isOpen = false;
  const closed = expect.objectContaining({ code: 'ERR_TABLE_CLOSED' });
  for (const operation of [...READ_OPERATIONS, ...WRITE_OPERATIONS, 'keys'] as const) {
    // Called without operands: the lease is asked before they are.
    expect(() => Reflect.apply(lent[operation] as () => unknown, lent, []), operation).toThrow(closed);
  }
  expect(() => lent.size).toThrow(closed);
  expect(() => lent[Symbol.iterator]()).toThrow(closed);
});

test('passes a failpoint after each write and after no read', () => {
  const lent = lend({ isOpen: true, rename });
  armFailpoints([{ point: 'worker.handler:change', hit: 2, action: 'EIO' }]);
  lent.insert({ id: 'a', n: 1 });
  lent.lookup('a');
  expect(() => lent.delete('a')).toThrow('EIO');
  expect(lent.size).toBe(0);
});
