import { describe, expect, expectTypeOf, it } from 'vitest';
import { KEEP_BYTES_DEFAULT, KEEP_BYTES_MAX, row, table } from '@heirloom/tables';
import type {
  AccessOf,
  AnyTableDefinition,
  KeyOf,
  NumericFieldOf,
  RowOf,
  TableDefinition,
  TypeOf,
} from '@heirloom/tables';

interface Account {
  id: string;
  tenant: number;
  balance: number;
  big: bigint;
  nickname?: string;
  tags: { colour: string };
}

describe('table', () => {
  it('infers row, key, type and access from its options', () => {
    const accounts = table({ row: row<Account>(), key: 'id' });
    expectTypeOf(accounts).toEqualTypeOf<TableDefinition<Account, 'id', 'set', 'protected'>>();
    expectTypeOf<KeyOf<typeof accounts>>().toEqualTypeOf<string>();
    expectTypeOf<RowOf<typeof accounts>>().toEqualTypeOf<Account>();
    expectTypeOf<NumericFieldOf<typeof accounts>>().toEqualTypeOf<'tenant' | 'balance' | 'big'>();
    expectTypeOf(accounts).toExtend<AnyTableDefinition>();
    expect(accounts).toEqual({
      kind: 'table',
      row: { kind: 'row' },
      type: 'set',
      key: 'id',
      access: 'protected',
      survives: 'power_loss',
      name: undefined,
      version: 1,
      keepBytes: undefined,
    });
    expect(Object.isFrozen(accounts)).toBe(true);
  });

  it('keeps changes only where it is asked to, and within limits', () => {
    const keepBytes = (watch?: unknown): number | undefined =>
      table({ row: row<Account>(), key: 'id', ...(watch === undefined ? {} : { watch: watch as boolean }) }).keepBytes;
    expect([keepBytes(), keepBytes(false)]).toEqual([undefined, undefined]);
    expect([keepBytes(true), keepBytes({ keepBytes: 1 })]).toEqual([KEEP_BYTES_DEFAULT, 1]);
    expect(keepBytes({ keepBytes: KEEP_BYTES_MAX })).toBe(KEEP_BYTES_MAX);
    const wrong = [
      {},
      null,
      1,
      'yes',
      { keepBytes: 0 },
      { keepBytes: 1.5 },
      { keepBytes: KEEP_BYTES_MAX + 1 },
      { keepBytes: 1, more: 1 },
    ];
    for (const watch of wrong) {
      expect(() => keepBytes(watch)).toThrow(expect.objectContaining({ code: 'ERR_TABLE_ARGUMENT' }));
    }
    // Nobody could watch these.
    for (const option of [{ access: 'private' }, { survives: 'nothing' }] as const) {
      const define = (): unknown => table({ row: row<Account>(), key: 'id', watch: true, ...option });
      expect(define).toThrow(expect.objectContaining({ code: 'ERR_TABLE_ARGUMENT' }));
    }
  });

  it('infers composite keys as tuples', () => {
    const composite = table({ row: row<Account>(), key: ['tenant', 'id'], type: 'ordered_set', access: 'public' });
    expectTypeOf<KeyOf<typeof composite>>().toEqualTypeOf<readonly [number, string]>();
    expectTypeOf<TypeOf<typeof composite>>().toEqualTypeOf<'ordered_set'>();
    expectTypeOf<AccessOf<typeof composite>>().toEqualTypeOf<'public'>();
    expectTypeOf<NumericFieldOf<typeof composite>>().toEqualTypeOf<'balance' | 'big'>();
  });

  it('infers tuple positions', () => {
    const tuples = table({ row: row<[string, number, { a: 1 }]>(), key: 0, type: 'bag' });
    expectTypeOf<KeyOf<typeof tuples>>().toEqualTypeOf<string>();
    expectTypeOf<NumericFieldOf<typeof tuples>>().toEqualTypeOf<1>();
  });

  it('infers the row of a Standard Schema', () => {
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) => ({ value: value as { id: number } }),
        types: undefined as { input: { id: string }; output: { id: number } } | undefined,
      },
    } as const;
    const numbers = table({ row: schema, key: 'id' });
    expectTypeOf<RowOf<typeof numbers>>().toEqualTypeOf<{ id: number }>();
    expectTypeOf<KeyOf<typeof numbers>>().toEqualTypeOf<number>();
  });

  it('does not compile with a key that is misspelt, optional, or no key', () => {
    // @ts-expect-error A misspelt field.
    table({ row: row<Account>(), key: 'idd' });
    // @ts-expect-error A misspelt field of a composite key.
    table({ row: row<Account>(), key: ['tenant', 'idd'] });
    // @ts-expect-error An optional field.
    table({ row: row<Account>(), key: 'nickname' });
    // @ts-expect-error A field whose values are no keys.
    table({ row: row<Account>(), key: 'tags' });
    // @ts-expect-error A position out of range.
    table({ row: row<[string, number]>(), key: 2 });
    expect(true).toBe(true);
  });

  it.each([
    ['type', { type: 'tree' }],
    ['access', { access: 'secret' }],
    ['survives', { survives: 'all' }],
    ['name', { name: '' }],
    ['version', { version: 0 }],
    ['key', { key: [] }],
    ['key', { key: ['id', 'id'] }],
    ['key', { key: -1 }],
    ['key', { key: undefined }],
    ['row', { row: {} }],
  ])('refuses a malformed %s: %j', (option, override) => {
    const options = { row: row<Account>(), key: 'id', ...override };
    // The point is an option that the types refuse.
    expect(() => table(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_TABLE_ARGUMENT', details: expect.objectContaining({ option }) }),
    );
  });
});
