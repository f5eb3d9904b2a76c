/**
 * Cursors are the caller's word: one of another form of a table, or of no page, is a typed error and never other rows.
 *
 * Mutations that make this fail, each tried: the form is not compared, or its version, its type or its key is not; the bytes are not
 * encoded again; the number of a composite key's parts is not looked at; the bytes are not copied; a form of any fields is taken.
 */
import { Table, TableError, cursorAt, encodeKey, placeOf, row, table } from '@heirloom/tables';
import type { AnyTableDefinition, SelectCursor, TableForm, TableKey } from '@heirloom/tables';
import { describe, expect, it } from 'vitest';

interface Item {
  id: number;
  text: string;
}
const SET: AnyTableDefinition = table({ row: row<Item>(), key: 'id' });
const ORDERED: AnyTableDefinition = table({ row: row<Item>(), key: 'id', type: 'ordered_set' });
const COMPOSITE: AnyTableDefinition = table({ row: row<Item>(), key: ['id', 'text'] });
const FORMS: readonly AnyTableDefinition[] = [
  SET,
  table({ row: row<Item>(), key: 'id', version: 2 }),
  ORDERED,
  table({ row: row<Item>(), key: 'id', type: 'bag' }),
  table({ row: row<Item>(), key: 'text' }),
  table({ row: row<Item>(), key: ['id'] }),
  COMPOSITE,
  table({ row: row<[number, string]>(), key: 0 }),
];

function filled(definition: AnyTableDefinition): Table<AnyTableDefinition> {
  const filledTable = new Table(definition);
  for (let id = 0; id < 4; id++) filledTable.insert(definition.key === 0 ? [id, `${id}`] : { id, text: `${id}` });
  return filledTable;
}
const refusal = (code: string): unknown => expect.objectContaining({ name: 'TableError', code });

describe('a cursor', () => {
  it('is good for every table of its form, in any process, and for no other', () => {
    for (const definition of FORMS) {
      const { after } = filled(definition).selectPage({ limit: 3 });
      for (const other of FORMS) {
        const next = (): unknown => filled(other).selectPage({ after: structuredClone(after) }).rows;
        if (other === definition) expect(next()).toHaveLength(1);
        else expect(next).toThrow(refusal('ERR_TABLE_CURSOR'));
      }
    }
  });

  it('that is refused says what it is of, and what to do', () => {
    const after = cursorAt(SET, { keyBytes: encodeKey(1, true), sequence: 0 });
    const form = (type: string): unknown => ({ version: 1, type, key: 'id' });
    expect(() => placeOf(ORDERED, after)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('Begin with the first page'),
        details: { cursor: form('set'), table: form('ordered_set') },
      }),
    );
  });

  it.each([
    ['no object', 5],
    ['null', null],
    ['empty', {}],
    ['without a form', { version: undefined }],
    ['with a version that is no number', { version: '1' }],
    ['with a type that is no text', { type: 1 }],
    ['with a key of anything', { key: {} }],
    ['with a key of anything in a list', { key: [{}] }],
    ['with a negative sequence', { sequence: -1 }],
    ['with a sequence that is no integer', { sequence: 0.5 }],
    ['with bytes that are a list', { keyBytes: [1] }],
    ['without bytes', { keyBytes: new Uint8Array(0) }],
    ['with bytes that are no key', { keyBytes: new Uint8Array([9, 9, 9]) }],
    ['with bytes that are too many', { keyBytes: new Uint8Array(9_999) }],
  ])('that is %s is refused', (_case, wrong) => {
    const definition = ORDERED;
    const right = cursorAt(definition, { keyBytes: encodeKey(1, false), sequence: 0 });
    const after: unknown =
      typeof wrong === 'object' && wrong !== null && Object.keys(wrong).length > 0 ? { ...right, ...wrong } : wrong;
    expect(() => filled(definition).selectPage({ after: after as SelectCursor })).toThrow(
      refusal('ERR_TABLE_ARGUMENT'),
    );
  });

  it('whose bytes no table of its form would write is refused', () => {
    const written: readonly (readonly [AnyTableDefinition, TableKey, boolean])[] = [
      [SET, 1, false], // As an ordered set writes it.
      [ORDERED, 1, true], // As a hash type writes it.
      [COMPOSITE, 1, true],
      [COMPOSITE, [1], true],
      [COMPOSITE, [1, 'a', 2], true],
    ];
    for (const [definition, key, exact] of written) {
      const after = cursorAt(definition, { keyBytes: encodeKey(key, exact), sequence: 0 });
      expect(() => placeOf(definition, after), `${definition.type} ${String(key)}`).toThrow(
        refusal('ERR_TABLE_ARGUMENT'),
      );
    }
  });

  it('of every key of its form leads to its place', () => {
    const keys: readonly TableKey[] = [
      null,
      true,
      0,
      -1.5,
      2n ** 70n,
      new Date(5),
      'a',
      '',
      new Uint8Array([0, 255]),
      [],
      [[1], 'x'],
    ];
    for (const type of ['set', 'ordered_set'] as const) {
      const definition = table({ row: row<{ id: TableKey }>(), key: 'id', type });
      for (const key of keys) {
        const keyBytes = encodeKey(key, type === 'set');
        expect(placeOf(definition, cursorAt(definition, { keyBytes, sequence: 7 }))).toEqual({ keyBytes, sequence: 7 });
      }
    }
  });

  it('cannot be changed while it is used', () => {
    const definition = SET;
    const keyBytes = encodeKey(1, true);
    const place = placeOf(definition, cursorAt(definition, { keyBytes, sequence: 0 }));
    keyBytes.fill(0);
    expect(place?.keyBytes).toEqual(encodeKey(1, true));
    let reads = 0;
    const shifty = { ...cursorAt(definition, { keyBytes: encodeKey(1, true), sequence: 0 }) };
    Object.defineProperty(shifty, 'sequence', { get: () => (reads++ === 0 ? 0 : -1) });
    expect(placeOf(definition, shifty)?.sequence).toBe(0);
  });

  it('of a form with fields of no table is of another form, however it is written', () => {
    const definition = SET;
    for (const form of [{ type: 'heap' }, { key: 'constructor' }, { key: ['id', 'id'] }, { version: Number.NaN }]) {
      const after = {
        ...cursorAt(definition, { keyBytes: encodeKey(1, true), sequence: 0 }),
        ...(form as Partial<TableForm>),
      };
      expect(() => placeOf(definition, after)).toThrow(TableError);
      expect(() => placeOf(definition, after)).toThrow(refusal('ERR_TABLE_CURSOR'));
    }
  });
});
