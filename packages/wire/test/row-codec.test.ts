import { RowCodec, SHAPES_MAX, SHAPES_NESTED_MAX } from '@heirloom/wire';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryRow, isSame } from './arbitrary-value.js';

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe('RowCodec', () => {
  it('gives rows back exactly through a reader that knows only the shapes it was sent (G7)', () => {
    fc.assert(
      fc.property(fc.array(arbitraryRow, { maxLength: 8 }), (rows) => {
        const owner = new RowCodec();
        const reader = new RowCodec();
        for (const row of rows) {
          const bytes = owner.encodeRow(row);
          reader.addShapes(owner.takeNewShapes());
          expect(isSame(reader.decodeRow(bytes), row)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('gives each shape out once, in the order of its number', () => {
    const codec = new RowCodec();
    codec.encodeRow({ id: 1, name: 'a' });
    codec.encodeRow({ name: 'b', id: 2 });
    codec.encodeRow({ id: 3, name: 'c' });
    expect(codec.takeNewShapes()).toEqual([
      { id: 0, fields: ['id', 'name'] },
      { id: 1, fields: ['name', 'id'] },
    ]);
    codec.encodeRow({ id: 4, name: 'd' });
    expect(codec.takeNewShapes()).toEqual([]);
    expect(codec.hasShape(1)).toBe(true);
    expect(codec.hasShape(2)).toBe(false);
  });

  it('writes no field names once the shape is known', () => {
    const codec = new RowCodec();
    expect(codec.encodeRow({ aVeryLongFieldName: 1, another: { innerFieldName: 2 } })).toHaveLength(6);
  });

  it('refuses a shape it has not been given, and reads the row after it was', () => {
    const owner = new RowCodec();
    const bytes = owner.encodeRow({ id: 1 });
    const reader = new RowCodec();
    expect(() => reader.decodeRow(bytes)).toThrow(code('ERR_WIRE_SHAPE'));
    reader.addShapes(owner.allShapes());
    expect(reader.decodeRow(bytes)).toEqual({ id: 1 });
  });

  it('goes on with the numbers of the shapes it starts with', () => {
    const codec = new RowCodec([{ id: 4, fields: ['id'] }]);
    codec.encodeRow({ id: 1 });
    expect(codec.takeNewShapes()).toEqual([]);
    codec.encodeRow({ other: 1 });
    expect(codec.takeNewShapes()).toEqual([{ id: 5, fields: ['other'] }]);
  });

  it('refuses shapes that contradict the known ones, and takes the same one again', () => {
    const codec = new RowCodec([{ id: 0, fields: ['id'] }]);
    codec.addShapes([{ id: 0, fields: ['id'] }]);
    expect(() => codec.addShapes([{ id: 0, fields: ['other'] }])).toThrow(code('ERR_WIRE_SHAPE'));
    expect(() => codec.addShapes([{ id: 1, fields: ['id'] }])).toThrow(code('ERR_WIRE_SHAPE'));
    expect(() => codec.addShapes([{ id: SHAPES_MAX, fields: ['x'] }])).toThrow(code('ERR_WIRE_SHAPE'));
    expect(() => codec.addShapes([{ id: 2, fields: ['x', 'x'] }])).toThrow(code('ERR_WIRE_SHAPE'));
  });

  it('writes names past the limit of shapes, and keeps numbers for rows when objects inside use up theirs (G9)', () => {
    const codec = new RowCodec();
    const rows: object[] = Array.from({ length: 300 }, (_, i) => ({ id: i, index: { [`key${i}`]: i } }));
    rows.push(...Array.from({ length: 300 }, (_, i) => ({ [`field${i}`]: i })));
    const encoded = rows.map((row) => codec.encodeRow(row));
    const shapes = codec.takeNewShapes();
    expect(shapes).toHaveLength(SHAPES_MAX);
    expect(shapes.findIndex(({ fields }) => fields[0] === 'field0')).toBe(SHAPES_NESTED_MAX);
    const reader = new RowCodec(shapes);
    expect(encoded.map((bytes) => reader.decodeRow(bytes))).toEqual(rows);
  });

  it.each([
    ['a number outside the limits', { id: SHAPES_MAX, fields: ['x'] }],
    ['the fields of another', { id: 8, fields: ['a', 'b'] }],
    ['a field twice', { id: 8, fields: ['x', 'x'] }],
  ])('adds none of a list of shapes if one has %s', (_name, bad) => {
    const codec = new RowCodec();
    const good = { id: 3, fields: ['a', 'b'] };
    for (const refuse of [() => codec.addShapes([good, bad]), () => codec.checkShapes([good, bad])]) {
      expect(refuse).toThrow(code('ERR_WIRE_SHAPE'));
      expect(codec.allShapes()).toEqual([]);
    }
    codec.checkShapes([good]);
    expect(codec.allShapes()).toEqual([]);
    codec.addShapes([{ id: 3, fields: ['other'] }]);
    expect(codec.allShapes()).toEqual([{ id: 3, fields: ['other'] }]);
    // Numbers are given on from there, and the fields that were refused are free again.
    codec.encodeRow({ a: 1, b: 2 });
    expect(codec.takeNewShapes()).toEqual([{ id: 4, fields: ['a', 'b'] }]);
  });

  it('tells a row from one whose fields are its first', () => {
    const codec = new RowCodec();
    const rows = [{ id: 1 }, { id: 1, list: [] }, { id: 2, list: [], more: {} }];
    expect(rows.map((row) => codec.decodeRow(codec.encodeRow(row)))).toEqual(rows);
  });

  it('takes no exponential time for deep objects without shapes', () => {
    const codec = new RowCodec();
    for (let i = 0; i < 300; i++) codec.encodeRow({ a: 1, [`field${i}`]: i });
    let row: Record<string, unknown> = { a: 1, z: 1 };
    for (let i = 0; i < 60; i++) row = { a: row, z: 1 };
    expect(codec.decodeRow(codec.encodeRow(row))).toEqual(row);
  });

  it('leaves inherited fields out', () => {
    const codec = new RowCodec();
    // oxlint-disable-next-line no-extend-native -- This is what a careless library does.
    Object.defineProperty(Object.prototype, 'inherited', { value: 1, enumerable: true, configurable: true });
    try {
      codec.encodeRow({ id: 1 });
    } finally {
      delete (Object.prototype as Record<string, unknown>)['inherited'];
    }
    expect(codec.takeNewShapes()).toEqual([{ id: 0, fields: ['id'] }]);
  });

  it('refuses what cannot be stored, and writes nothing of it', () => {
    const codec = new RowCodec();
    expect(() => codec.encodeRow({ id: 1, at: [new Error('x')] })).toThrow(code('ERR_WIRE_VALUE'));
    expect(codec.decodeRow(codec.encodeRow({ id: 2 }))).toEqual({ id: 2 });
  });
});
