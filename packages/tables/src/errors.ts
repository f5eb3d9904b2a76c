/**
 * The errors of this package, and the base class of every Heirloom error.
 *
 * 1. An operating failure is a `HeirloomError`: its `code` is stable, its `details` are plain data, its message says
 *    what failed, which name and value, and what to do.
 * 2. A bug is an `InvariantError`. It is never caught to carry on: in a worker it ends the worker.
 */

/** The base class of every operating failure that Heirloom reports; `code` is stable across versions. */
export class HeirloomError<Code extends string = string> extends Error {
  override readonly name: string = 'HeirloomError';
  readonly code: Code;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: Code,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** A failed invariant: a bug in Heirloom or in code that broke its contract, never an operating failure. */
export class InvariantError extends Error {
  override readonly name: string = 'InvariantError';
  readonly code: 'ERR_INVARIANT' = 'ERR_INVARIANT' as const;
}

/** Throws an `InvariantError` with `message` unless `condition` holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/**
 * Why a table refused an operation.
 *
 * - `ERR_TABLE_ARGUMENT`: an option, operator or argument is malformed.
 * - `ERR_TABLE_BADKEY`: the operation needs a row of this key, and there is none.
 * - `ERR_TABLE_KEYPOS`: the operation would change a key field.
 * - `ERR_TABLE_POSITION`: the row has no such field.
 * - `ERR_TABLE_TYPE`: the table's type has no such operation.
 * - `ERR_TABLE_ACCESS`: the table's access does not allow it.
 * - `ERR_TABLE_VALUE`: a row, key or operand is outside its domain; `details.path` leads to it.
 * - `ERR_TABLE_LIMIT`: a named maximum would be passed.
 * - `ERR_TABLE_SCHEMA`: the row's schema refused it; `details.issues` says why.
 * - `ERR_TABLE_CLOSED`: the handler that the table was lent to has settled.
 * - `ERR_TABLE_UNKNOWN`: there is no such table.
 * - `ERR_TABLE_OWNER`: only the table's owner may do this, or it is the owner that cannot; `details.owner` says who it is.
 * - `ERR_TABLE_NAME`: another table has the name.
 * - `ERR_TABLE_PROCESS`: a table cannot go to this process, or be used by it, as it is not alive.
 * - `ERR_TABLE_CURSOR`: the page before was of a table of another form, as before a migration.
 * - `ERR_TABLE_UNWATCHED`: the table keeps no changes to watch.
 */
export type TableErrorCode =
  | 'ERR_TABLE_ARGUMENT'
  | 'ERR_TABLE_BADKEY'
  | 'ERR_TABLE_KEYPOS'
  | 'ERR_TABLE_POSITION'
  | 'ERR_TABLE_TYPE'
  | 'ERR_TABLE_ACCESS'
  | 'ERR_TABLE_VALUE'
  | 'ERR_TABLE_LIMIT'
  | 'ERR_TABLE_SCHEMA'
  | 'ERR_TABLE_CLOSED'
  | 'ERR_TABLE_UNKNOWN'
  | 'ERR_TABLE_OWNER'
  | 'ERR_TABLE_NAME'
  | 'ERR_TABLE_PROCESS'
  | 'ERR_TABLE_CURSOR'
  | 'ERR_TABLE_UNWATCHED';

/** An operation on a table was refused; the table is unchanged. See `TableErrorCode` for the codes. */
export class TableError extends HeirloomError<TableErrorCode> {
  override readonly name: string = 'TableError';
}
