/** What a program without types can pass: each is refused by a TableError that names it. */
import { row, table, Table } from '@heirloom/tables';
import { describe, expect, it } from 'vitest';

const definition = table({ row: row<{ id: string; n: number }>(), key: 'id' });
// As JavaScript would use it.
const untyped = (): Record<string, (...operands: unknown[]) => unknown> =>
  new Table(definition) as unknown as Record<string, (...operands: unknown[]) => unknown>;

describe('a table that is used without types', () => {
  it.each([
    ['select', [null], 'options of select are null'],
    ['select', [5], 'options of select are 5'],
    ['select', [{ were: { id: 'a' } }], '"were" is not an option of select'],
    ['select', [{ limit: 0 }], 'limit is 0'],
    ['insertMany', [5], 'rows are 5'],
    ['insertMany', [null], 'rows are null'],
    ['insertNewMany', [{ id: 'a', n: 1 }], 'rows are {"id":"a","n":1}'],
  ])('refuses %s of %j', (operation, operands, problem) => {
    const expected = { code: 'ERR_TABLE_ARGUMENT', message: expect.stringContaining(problem) as string };
    expect(() => untyped()[operation]?.(...operands)).toThrow(expect.objectContaining(expected));
  });

  it('refuses the field of a counter that is no name', () => {
    const accounts = untyped();
    accounts['insert']?.({ id: 'a', n: 1 });
    const refused = (field: unknown, code: string): void =>
      expect(() => accounts['updateCounter']?.('a', field, 1)).toThrow(expect.objectContaining({ code }));
    refused(Symbol('n'), 'ERR_TABLE_POSITION');
    refused(undefined, 'ERR_TABLE_POSITION');
    refused(Object.create(null), 'ERR_TABLE_ARGUMENT');
    refused(null, 'ERR_TABLE_ARGUMENT');
    refused([5], 'ERR_TABLE_ARGUMENT');
  });

  it('refuses options of a definition that JSON cannot show', () => {
    expect(() => table({ row: row<{ id: string }>(), key: 5n } as never)).toThrow(
      expect.objectContaining({ code: 'ERR_TABLE_ARGUMENT', message: expect.stringContaining('5n') as string }),
    );
  });
});
