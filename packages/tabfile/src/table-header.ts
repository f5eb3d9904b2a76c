/**
 * The header of a table file: what the table is, as plain data, and the definition that a table like it has.
 *
 * 1. A header decodes only if a definition can be made of it, so whoever has one has a valid type and key.
 * 2. Every field is present, an absent name as undefined, and there are no others.
 */
import { table } from '@heirloom/tables';
import type { AnyTableDefinition, RowType, TableInfo } from '@heirloom/tables';
import { encodeValue, decodeValue, listOf, natural, oneOf, optional, record, text } from '@heirloom/wire';
import type { FieldCheck } from '@heirloom/wire';
import { misshapen } from './errors.js';
import { EXTENDED_INFO_KINDS } from './format.js';
import type { ExtendedInfo } from './format.js';

/** What the header says of a table: `size` is that at the start of the dump. */
export interface TableHeader extends TableInfo {
  readonly extendedInfo: readonly ExtendedInfo[];
}

const ROW: RowType<unknown> = { kind: 'row' };

const isPart = (part: unknown): part is string | number => typeof part === 'string' || natural(part);
const isParts = listOf(isPart);
const headerCheck: FieldCheck<TableHeader> = record({
  name: optional(text),
  type: oneOf('set', 'ordered_set', 'bag', 'duplicate_bag'),
  key: (key: unknown): key is TableInfo['key'] => isPart(key) || isParts(key),
  access: oneOf('private', 'protected', 'public'),
  survives: oneOf('power_loss', 'runtime_crash', 'nothing'),
  version: natural,
  size: natural,
  extendedInfo: listOf(oneOf(...EXTENDED_INFO_KINDS)),
});

export function encodeHeader(header: TableHeader): Uint8Array {
  return encodeValue(header);
}

/** Decodes a header whose check was right. Throws ERR_TABFILE_FORMAT. */
export function decodeHeader(path: string, bytes: Uint8Array): TableHeader {
  try {
    const header = decodeValue(bytes);
    if (!headerCheck(header)) throw new TypeError('The header lacks a field, or has one of another type.');
    definitionOf(header);
    return header;
  } catch (cause) {
    throw misshapen(path, 'has a header that describes no table', cause);
  }
}

/** The definition of a table like the one that was written, without a schema. Throws TableError ERR_TABLE_ARGUMENT. */
export function definitionOf({ type, key, access, survives, version }: TableInfo): AnyTableDefinition {
  // Which fields a row has is known only at run time, so the key cannot be one of its type.
  return table({ row: ROW, type, key: key as never, access, survives, version });
}
