/**
 * A table as a trace uses it, whoever has it: its owner in memory, or others through a handle.
 *
 * The two have the same names with the same meanings, and differ in whether an answer is waited for. So what an operation of
 * a trace comes to is written once (`ets-command.ts`), on what they share.
 */
import { TableError } from '@heirloom/tables';
import type { OwnerTable, SelectCursor, TableType, Where } from '@heirloom/tables';
import type { TracePatch } from './ets-trace.js';
import { positionOf } from './trace-row.js';
import type { RowField, TraceDefinition, TraceKey, TraceRow } from './trace-row.js';

/** Tables of traces are used as if they were sets: a type that lacks an operation refuses it, which is what traces record. */
export type AsSet = TraceDefinition<'set'>;
type TraceConditions = Where<AsSet>;

interface Selection {
  readonly where: TraceConditions;
}

/** The operations that a trace needs. An answer is a value or a promise of one. */
export interface TraceOperations {
  insert(row: TraceRow): unknown;
  insertMany(rows: readonly TraceRow[]): unknown;
  insertNew(row: TraceRow): unknown;
  insertNewMany(rows: readonly TraceRow[]): unknown;
  lookup(key: TraceKey): unknown;
  take(key: TraceKey): unknown;
  lookupElement(key: TraceKey, field: 0 | 1 | 2): unknown;
  member(key: TraceKey): unknown;
  delete(key: TraceKey): unknown;
  deleteObject(row: TraceRow): unknown;
  tab2list(): unknown;
  select(options: Selection): unknown;
  selectReverse(options: Selection): unknown;
  selectPage(options: Selection & { readonly limit: number; readonly after?: SelectCursor }): unknown;
  selectCount(where: TraceConditions): unknown;
  selectDelete(where: TraceConditions): unknown;
  selectReplace(where: TraceConditions, change: TracePatch): unknown;
  matchDelete(pattern: TracePatch): unknown;
  deleteAllObjects(): unknown;
  updateCounter(key: TraceKey, field: 1, by: number, options: CounterOptions): unknown;
  updateElement(key: TraceKey, patch: TracePatch, options: { readonly default?: TraceRow }): unknown;
  first(): unknown;
  last(): unknown;
  next(key: TraceKey): unknown;
  prev(key: TraceKey): unknown;
}

export interface CounterOptions {
  readonly default?: TraceRow;
  readonly threshold?: number;
  readonly setValue?: number;
}

export interface TracedTable {
  readonly type: TableType;
  readonly operations: TraceOperations;
  /** The keys of the rows that match, in the order of `select`. */
  selectKeys(where: TraceConditions): unknown;
  size(): unknown;
  /** The sum of a field over all rows. */
  sum(field: RowField): unknown;
}

/** A table as its owner has it. */
export function ownedTable(table: OwnerTable<AsSet>, type: TableType): TracedTable {
  return {
    type,
    operations: table,
    selectKeys: (where) => table.select({ where, fields: [0] }).map(([key]) => key),
    size: () => table.size,
    sum: (field) => table.foldl((sum, row) => sum + summand(row, field), 0),
  };
}

function summand(row: TraceRow, field: RowField): number {
  const value = row[positionOf(field)];
  if (typeof value === 'number') return value;
  throw new TableError('ERR_TABLE_VALUE', `The field '${field}' of a row is no number, and has no sum.`, { field });
}
