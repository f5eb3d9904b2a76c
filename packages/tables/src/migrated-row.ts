/**
 * A row of an earlier version, made a row of the present one and put into a table of the present definition.
 *
 * 1. `migrate` gets the row and its version, and gives the new row or undefined, at once. Whatever else it does is a problem.
 * 2. The new row passes the definition's schema and every other check of `insert`. In a set its key must be new; a `bag` keeps
 *    one of equal rows.
 * 3. A problem is a return value: who migrates knows which row it was, and what becomes of those before. The table is unchanged
 *    by the row that has it.
 */
import type { AnyTableDefinition, MigrateRow } from './definition.js';
import { TableError } from './errors.js';
import type { TableKey } from './key.js';
import type { InputRowOf } from './owner-table.js';
import { showValue } from './shown-value.js';
import { Table } from './table.js';

/** Why a row cannot be migrated. */
export interface MigrationProblem {
  /** What the `migrate` function did, as the rest of a sentence that it begins, with what to do. */
  readonly problem: string;
  /** The key that another row has already. */
  readonly newKey?: TableKey;
  readonly cause?: unknown;
}

/** Inserts what the table's `migrate` makes of a row; undefined when it is done, or when the row was dropped. */
export function insertMigrated<D extends AnyTableDefinition>(
  table: Table<D>,
  migrate: MigrateRow,
  old: { readonly row: unknown; readonly version: number },
): MigrationProblem | undefined {
  let row: unknown;
  try {
    row = migrate(old.row, old.version);
  } catch (cause) {
    return { problem: `threw: ${cause instanceof Error ? cause.message : String(cause)}`, cause };
  }
  if (row === undefined) return undefined;
  if (typeof row !== 'object' || row === null) {
    return { problem: `returned ${showValue(row)}. Return the new row, or undefined to drop it` };
  }
  if (typeof (row as { then?: unknown }).then === 'function') {
    Promise.resolve(row).catch(() => undefined); // Its failure, if it fails, has nobody else to hear it.
    return { problem: 'is asynchronous. Return the new row at once' };
  }
  return insertNew(table, row);
}

function insertNew<D extends AnyTableDefinition>(table: Table<D>, row: object): MigrationProblem | undefined {
  const { type } = table.definition;
  const made = row as InputRowOf<D>; // The table checks whether it is a row of it.
  try {
    if (type === 'bag' || type === 'duplicate_bag') table.insert(made);
    else if (!table.insertNew(made)) return takenKey(table.definition, row);
    return undefined;
  } catch (cause) {
    if (!(cause instanceof TableError)) throw cause;
    return { problem: `gave a row that the table cannot hold: ${cause.message}`, cause };
  }
}

function takenKey(definition: AnyTableDefinition, row: object): MigrationProblem {
  const scratch = new Table(definition);
  scratch.insert(row);
  const key: unknown = scratch.first();
  const newKey = key as TableKey; // Keys of a table whose row is not known.
  const problem = `gave a row the key ${showValue(newKey)}, which another row has already. Give each row a key of its own, or drop one`;
  return { problem, newKey };
}
