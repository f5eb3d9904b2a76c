/**
 * What the types of a table refuse, and what they say of results. The checks are the `@ts-expect-error` lines, which fail the type
 * check of the tests when the line below them compiles. The functions are never called.
 */
import { Table, row, table } from '@heirloom/tables';
import type {
  AnyTableDefinition,
  KeyedRows,
  OwnerTable,
  ReadableTable,
  RemoteTable,
  SelectPage,
  StoredRowOf,
} from '@heirloom/tables';
import { expectTypeOf, it } from 'vitest';

interface Account {
  id: string;
  balance: number;
  opened: Date;
  address: { city: string; lines: readonly string[] };
  closed?: boolean;
}
const accounts = table({ row: row<Account>(), key: 'id', type: 'ordered_set' });
const pairs = table({ row: row<[string, number, boolean]>(), key: 0, type: 'bag' });
const open = table({ row: row<Account>(), key: 'id', access: 'public' });
const closed = table({ row: row<Account>(), key: 'id', access: 'private' });
declare const owned: OwnerTable<typeof accounts>;
declare const tuples: OwnerTable<typeof pairs>;
declare const remote: RemoteTable<typeof accounts>;
declare const remoteOpen: RemoteTable<typeof open>;
declare const remoteClosed: RemoteTable<typeof closed>;

export function conditions(): void {
  owned.select({ where: { balance: { gte: 1, lt: 5 }, id: { in: ['a', 'b'] }, closed: true } });
  owned.select({ where: { address: { at: { city: { prefix: 'B' }, lines: { at: { 0: 'x' } } } } } });
  owned.select({ where: { $or: [{ id: 'a' }, { $and: [{ $not: { balance: 0 } }] }] } });
  owned.select({ where: ({ balance, address }) => balance > 1 && address.city === 'Bern' });
  owned.select({ where: { id: { gte: 'a' }, $and: [({ balance }) => balance > 1] } });
  tuples.select({ where: { 0: 'a', 1: { gt: 1 } } });
  // @ts-expect-error A misspelt field.
  owned.select({ where: { balanec: 1 } });
  // @ts-expect-error A value of another type.
  owned.select({ where: { balance: 'much' } });
  // @ts-expect-error An operand of another type.
  owned.select({ where: { balance: { gt: 'much' } } });
  // @ts-expect-error An unknown operator.
  owned.select({ where: { balance: { above: 1 } } });
  // @ts-expect-error A number has no beginning.
  owned.select({ where: { balance: { prefix: 'm' } } });
  // @ts-expect-error A number has nothing inside.
  owned.select({ where: { balance: { at: {} } } });
  // @ts-expect-error A date has nothing inside.
  owned.select({ where: { opened: { at: { time: 1 } } } });
  // @ts-expect-error A misspelt field inside.
  owned.select({ where: { address: { at: { town: 'Bern' } } } });
  // @ts-expect-error A value of another type inside.
  owned.select({ where: { address: { at: { lines: { at: { 0: 5 } } } } } });
  // @ts-expect-error A misspelt field in a group.
  owned.select({ where: { $or: [{ balanec: 1 }] } });
  // @ts-expect-error A group that is no list.
  owned.select({ where: { $and: { balance: 1 } } });
  // @ts-expect-error A function of a field that rows lack.
  owned.select({ where: ({ balanec }) => balanec > 1 });
  // @ts-expect-error A position that tuples lack.
  tuples.select({ where: { 3: 1 } });
  // @ts-expect-error A misspelt option.
  owned.select({ were: { balance: 1 } });
}

export function projections(): void {
  expectTypeOf(owned.select()).toEqualTypeOf<StoredRowOf<typeof accounts>[]>();
  expectTypeOf(owned.select({ where: { id: 'a' } })).toEqualTypeOf<StoredRowOf<typeof accounts>[]>();
  expectTypeOf(owned.select({ fields: ['id', 'closed'] })).toEqualTypeOf<
    Readonly<{ id: string; closed?: boolean }>[]
  >();
  expectTypeOf(tuples.select({ fields: [1, 0] })).toEqualTypeOf<(readonly [number, string])[]>();
  expectTypeOf(tuples.select()).toEqualTypeOf<Readonly<[string, number, boolean]>[]>();
  expectTypeOf(owned.selectReverse({ fields: ['id'] })).toEqualTypeOf<Readonly<{ id: string }>[]>();
  expectTypeOf(owned.match({ closed: true }, ['balance', 'id'])).toEqualTypeOf<(readonly [number, string])[]>();
  expectTypeOf(owned.matchObject({ balance: 1 })).toEqualTypeOf<StoredRowOf<typeof accounts>[]>();
  expectTypeOf(owned.selectPage({ fields: ['id'], limit: 5 }).rows).toEqualTypeOf<
    readonly Readonly<{ id: string }>[]
  >();
  expectTypeOf(owned.selectPage()).toEqualTypeOf<SelectPage<typeof accounts>>();
  expectTypeOf(owned.firstLookup()).toEqualTypeOf<KeyedRows<typeof accounts> | undefined>();
  expectTypeOf(owned.foldl((sum, { balance }) => sum + balance, 0)).toEqualTypeOf<number>();
  // @ts-expect-error A misspelt field.
  owned.select({ fields: ['idd'] });
  // @ts-expect-error A position that tuples lack.
  tuples.select({ fields: [3] });
  // @ts-expect-error A field that was not asked for.
  void owned.select({ fields: ['id'] })[0]?.balance;
  // @ts-expect-error A field of a pattern of another type.
  owned.matchObject({ balance: '1' });
  // @ts-expect-error Match needs its fields.
  owned.match({ balance: 1 });
  // @ts-expect-error A reverse selection has its direction.
  owned.selectReverse({ reverse: false });
}

/** Without `fields`, rows, also where the result's type is wanted or the definition is a type parameter. */
export function wholeRows(): void {
  const rows: readonly Account[] = owned.select({});
  const limited: Readonly<Account>[] = owned.selectReverse(rows.length > 0 ? { limit: 1 } : {});
  expectTypeOf(owned.selectPage({}).rows).toEqualTypeOf<readonly Readonly<Account>[]>();
  expectTypeOf(owned.matchObject({}, {})).toEqualTypeOf<Readonly<Account>[]>();
  expectTypeOf(new Table(accounts).select({ limit: 1 })).toEqualTypeOf<Readonly<Account>[]>();
  expectTypeOf(new Table(accounts).select({ fields: ['id'] })).toEqualTypeOf<Readonly<{ id: string }>[]>();
  expectTypeOf(remote.select({})).toEqualTypeOf<Promise<Readonly<Account>[]>>();
  expectTypeOf(remote.selectReverse({})).toEqualTypeOf<Promise<Readonly<Account>[]>>();
  expectTypeOf(remote.selectPage({ limit: 1 })).toEqualTypeOf<Promise<SelectPage<typeof accounts>>>();
  expectTypeOf(remote.matchObject({}, { limit: 1 })).toEqualTypeOf<Promise<Readonly<Account>[]>>();
  expectTypeOf(remote.rows({})).toEqualTypeOf<AsyncIterable<Readonly<Account>>>();
  expectTypeOf(remote.rows()).toEqualTypeOf<AsyncIterable<Readonly<Account>>>();
  // @ts-expect-error A row of fields is no row.
  const few: readonly Account[] = owned.select({ fields: ['id'] });
  expectTypeOf([limited, few]).toBeArray();
}
export function anyOwner<D extends AnyTableDefinition>(any: OwnerTable<D>): readonly StoredRowOf<D>[] {
  return [...any.select({}), ...any.selectReverse({}), ...any.selectPage({}).rows, ...any.matchObject({}, {})];
}
export async function anyReader<D extends AnyTableDefinition>(any: ReadableTable<D>): Promise<StoredRowOf<D>[]> {
  for await (const one of any.rows({})) return [one, ...(await any.select({})), ...(await any.matchObject({}, {}))];
  const { rows } = await any.selectPage({ limit: 1 });
  return rows.length > 0 ? any.select({}) : any.selectReverse({ limit: 1 });
}

export function changes(): void {
  owned.selectReplace({ balance: 0 }, { closed: true });
  owned.selectReplace(
    ({ balance }) => balance < 0,
    (one) => ({ ...one, balance: 0 }),
  );
  owned.selectDelete({ $not: { closed: true } });
  // @ts-expect-error A patch of a key field.
  owned.selectReplace({}, { id: 'b' });
  // @ts-expect-error A patch of another type.
  owned.selectReplace({}, { balance: 'x' });
  // @ts-expect-error A function that gives no row.
  owned.selectReplace({}, ({ id }) => ({ id }));
  // @ts-expect-error A misspelt field.
  owned.matchDelete({ balanec: 1 });
}

export function remotes(): void {
  expectTypeOf(remote.select({ fields: ['id'] })).toEqualTypeOf<Promise<Readonly<{ id: string }>[]>>();
  expectTypeOf(remote.match({}, ['id', 'balance'])).toEqualTypeOf<Promise<(readonly [string, number])[]>>();
  expectTypeOf(remote.lookupElement('a', 'balance')).toEqualTypeOf<Promise<number>>();
  expectTypeOf(remote.rows({ fields: ['id'] })).toEqualTypeOf<AsyncIterable<Readonly<{ id: string }>>>();
  void remoteOpen.selectReplace({ id: 'a' }, { balance: 1 });
  void remoteOpen.matchDelete({ balance: 1 });
  // @ts-expect-error A function does not travel.
  void remote.select({ where: () => true });
  // @ts-expect-error Nor in a group.
  void remote.selectCount({ $and: [() => true] });
  // @ts-expect-error Nor as a change.
  void remoteOpen.selectReplace({}, (one) => one);
  // @ts-expect-error A fold is for the owner.
  void remote.foldl;
  // @ts-expect-error A protected table has no writes for others.
  void remote.selectDelete({});
  // @ts-expect-error Nor this one.
  void remote.matchDelete({});
  // @ts-expect-error Nor this one.
  void remote.selectReplace({}, { balance: 1 });
  // @ts-expect-error A private table has no reads for others.
  void remoteClosed.select();
}

it('is checked by the compiler', () => {
  expectTypeOf([conditions, projections, wholeRows, anyOwner, anyReader, changes, remotes]).toBeArray();
});
