/**
 * Rows of traces and the tables that hold them: `[key, a, b]`, as tuples whose key is their first element.
 */
import { row, table } from '@heirloom/tables';
import type { TableDefinition, TableType } from '@heirloom/tables';
import { isInteger } from './trace-fields.js';
import type { TraceFields } from './trace-fields.js';

/** A pair stands for an Erlang tuple of two. */
export type TraceKey = number | string | readonly [string, number];
export type TraceScalar = number | string | boolean | null;
export type TraceRow = readonly [key: TraceKey, a: number, b: TraceScalar];

/** The names that traces give to the positions of a row. */
export const ROW_FIELDS = ['key', 'a', 'b'] as const;
export type RowField = (typeof ROW_FIELDS)[number];

/** The position of a field. */
export function positionOf(field: RowField): 0 | 1 | 2 {
  // There are three fields.
  return ROW_FIELDS.indexOf(field) as 0 | 1 | 2;
}

export type TraceDefinition<Type extends TableType> = TableDefinition<TraceRow, 0, Type, 'public'>;

/** The definition of a table for traces of one type. */
export function traceTable<const Type extends TableType>(type: Type): TraceDefinition<Type> {
  return table({ row: row<TraceRow>(), key: 0, type, access: 'public' });
}

/** Reads a key: an integer, another finite number, a string, or a pair of a string and an integer. */
export function readKey(fields: TraceFields, name: string): TraceKey {
  const value = fields.value(name);
  return isTraceKey(value) ? value : fields.refuse(name, value, 'a number, a string or a pair [string, integer]');
}

function isTraceKey(value: unknown): value is TraceKey {
  if (Array.isArray(value)) return value.length === 2 && typeof value[0] === 'string' && isInteger(value[1]);
  return typeof value === 'string' || Number.isFinite(value);
}

/** Reads what `b` may be. */
export function readScalar(fields: TraceFields, name: string): TraceScalar {
  const value = fields.value(name);
  return isScalar(value) ? value : fields.refuse(name, value, 'an integer, a string, true, false or null');
}

function isScalar(value: unknown): value is TraceScalar {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || isInteger(value);
}

/** Reads a row. */
export function readTraceRow(fields: TraceFields, name: string): TraceRow {
  const value = fields.value(name);
  return isTraceRow(value) ? value : fields.refuse(name, value, 'a row [key, integer, value]');
}

/** Reads a list of rows. */
export function readTraceRows(fields: TraceFields, name: string): readonly TraceRow[] {
  return fields.list(name).map(({ value }) => {
    return isTraceRow(value) ? value : fields.refuse(name, value, 'rows [key, integer, value]');
  });
}

function isTraceRow(value: unknown): value is TraceRow {
  return (
    Array.isArray(value) && value.length === 3 && isTraceKey(value[0]) && isInteger(value[1]) && isScalar(value[2])
  );
}
