/**
 * The key of a row, and rows with some fields replaced: what depends on whether rows are objects or tuples.
 */
import type { KeySpec } from './definition.js';
import { TableError } from './errors.js';
import { keyIdentity } from './key-codec.js';
import type { TableKey } from './key.js';

/** A row as the engine sees it: fields by name, or by position. */
export type AnyRow = Readonly<Record<string | number, unknown>>;

/** The parts of a key in order; one for a single field. */
export function keyParts(key: KeySpec): readonly (string | number)[] {
  return typeof key === 'object' ? key : [key];
}

/** Makes the function that reads the key of a valid row. */
export function keyReader(key: KeySpec): (row: unknown) => TableKey {
  if (typeof key !== 'object') return (row) => keyPart(row, key);
  return (row) => key.map((part) => keyPart(row, part));
}

function keyPart(row: unknown, part: string | number): TableKey {
  // Rows are objects or arrays, and whoever calls has checked or will check that this is a key.
  const value = (row as AnyRow)[part] as TableKey;
  return value === 0 ? 0 : value;
}

/** Refuses a row whose key fields hold no key; `details.path` names the field. */
export function checkRowKey(key: KeySpec, row: unknown, exact: boolean): void {
  for (const part of keyParts(key)) {
    const path = typeof part === 'number' ? `[${part}]` : `.${part}`;
    if (!Object.hasOwn(row as object, part)) {
      throw new TableError('ERR_TABLE_VALUE', `The row has no key field ${path}. Every row needs its key.`, { path });
    }
    try {
      keyIdentity(keyPart(row, part), exact);
    } catch (error) {
      if (!(error instanceof TableError)) throw error;
      const inner = typeof error.details['path'] === 'string' ? error.details['path'] : '';
      const details = { ...error.details, path: path + inner };
      throw new TableError(error.code, `In the row's field ${path}: ${error.message}`, details, { cause: error });
    }
  }
  // A composite key can be too long even if none of its parts is.
  if (typeof key === 'object') keyIdentity(keyReader(key)(row), exact);
}

/** A copy of a row with some fields replaced. */
export function withFields(row: unknown, fields: readonly (readonly [string | number, unknown])[]): unknown {
  if (Array.isArray(row)) {
    const copy: unknown[] = row.slice();
    for (const [field, value] of fields) copy[Number(field)] = value;
    return copy;
  }
  // `fromEntries` defines fields, whatever they are called.
  return { ...(row as AnyRow), ...Object.fromEntries(fields) };
}

/** A copy of a row with its key replaced. */
export function withKey(key: KeySpec, row: unknown, value: TableKey): unknown {
  const parts = keyParts(key);
  // A composite key is an array with as many elements as it has parts.
  const values = typeof key === 'object' ? (value as readonly TableKey[]) : [value];
  return withFields(
    row,
    parts.map((part, index) => [part, values[index]] as const),
  );
}
