/**
 * Reads the body of a block: shapes, then rows. The bytes passed their check, but whoever wrote them may be hostile.
 *
 * 1. Every outcome is the rows or TabfileError: ERR_TABFILE_FORMAT for bytes that no writer writes, ERR_TABFILE_ROW for a row
 *    that no table of the header's type and key has.
 * 2. Time and memory are bounded by the bytes: a block of a writer has BLOCK_BYTES and one row, and no other is taken.
 */
import { encodeKey, ROW_BYTES_MAX } from '@heirloom/tables';
import type { TableKey } from '@heirloom/tables';
import { ByteReader, readValue } from '@heirloom/wire';
import type { EncodedShape, RowCodec } from '@heirloom/wire';
import { misshapen, TabfileError } from './errors.js';
import { BLOCK_BYTES } from './format.js';
import type { TableHeader } from './table-header.js';

/** What a block is read with; `objectCount` is the number of rows before it. */
export interface BlockContext {
  readonly path: string;
  readonly header: TableHeader;
  readonly codec: RowCodec;
  readonly objectCount: number;
}

/** Decodes the rows of a block, and makes its shapes known to the codec. */
export function decodeBlock(bytes: Uint8Array, context: BlockContext): readonly object[] {
  const rows = decodeRows(bytes, context);
  const { path, header, objectCount } = context;
  return rows.map((row, index) => checkedRow(row, { path, header, number: objectCount + index }));
}

function decodeRows(bytes: Uint8Array, { path, codec }: BlockContext): readonly unknown[] {
  try {
    const reader = new ByteReader(bytes);
    codec.addShapes(readShapes(reader));
    const count = reader.count(1);
    if (count === 0) throw new RangeError('A block has no row.');
    const start = reader.position;
    const rows: unknown[] = [];
    while (rows.length < count) {
      const { position } = reader;
      if (position - start >= BLOCK_BYTES) throw new RangeError('A row begins behind the end of a full block.');
      rows.push(codec.decode(reader));
      if (reader.position - position > ROW_BYTES_MAX) throw new RangeError('A row is longer than a row may be.');
    }
    reader.finish();
    return rows;
  } catch (cause) {
    throw misshapen(path, 'has a block that cannot be decoded', cause);
  }
}

function readShapes(reader: ByteReader): readonly EncodedShape[] {
  const shapes = readValue(reader);
  if (!Array.isArray(shapes)) throw new TypeError('The shapes of a block are no list.');
  return shapes.map((shape: unknown) => {
    const [id, fields] = Array.isArray(shape) ? (shape as readonly unknown[]) : []; // Both are checked here.
    if (typeof id !== 'number' || !Array.isArray(fields)) throw new TypeError('A shape has no number and list.');
    return { id, fields: fields as readonly string[] }; // The codec checks its elements.
  });
}

function checkedRow(row: unknown, at: { path: string; header: TableHeader; number: number }): object {
  const { key, type } = at.header;
  const parts = typeof key === 'object' ? key : [key];
  const isTuple = typeof parts[0] === 'number';
  if (typeof row !== 'object' || row === null || Array.isArray(row) !== isTuple) {
    throw refusedRow(at.path, at.number, new TypeError(`It is not ${isTuple ? 'a tuple' : 'an object'}.`));
  }
  try {
    const values = parts.map((part) => {
      if (!Object.hasOwn(row, part)) throw new TypeError(`It has no key field ${part}.`);
      return (row as Readonly<Record<string | number, TableKey>>)[part] as TableKey; // The encoder refuses what is no key.
    });
    encodeKey(typeof key === 'object' ? values : (values[0] as TableKey), type !== 'ordered_set'); // There is a part.
    return row;
  } catch (cause) {
    throw refusedRow(at.path, at.number, cause);
  }
}

/** Makes the error for a row that a table refuses; rows are counted from 0. */
export function refusedRow(path: string, number: number, cause: unknown): TabfileError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `Row ${number} of the table file ${path} is refused: ${reason}`;
  return new TabfileError('ERR_TABFILE_ROW', message, { path, row: number }, { cause });
}
