/** What `rows` of a remote table takes, checked. */
import { TableError, checkSelectOptions, showValue } from '@heirloom/tables';

/** How many rows `rows()` asks for at a time. */
export const ROWS_PAGE_DEFAULT = 500;
/** The most that can be asked for at a time. */
export const ROWS_PAGE_MAX = 1_000;
const ROWS_OPTIONS: readonly string[] = ['where', 'fields', 'pageRows', 'isStable'];

export interface RowsOptions {
  readonly where?: unknown;
  readonly fields?: unknown;
  readonly pageRows: number;
  readonly isStable: boolean;
}

/** Throws ERR_TABLE_ARGUMENT; conditions and fields are checked where they are used. */
export function rowsOptions(options: unknown): RowsOptions {
  checkSelectOptions(options, ROWS_OPTIONS);
  // It is undefined or an object, and any object can be read by name.
  const given = (options ?? {}) as Readonly<Record<string, unknown>>;
  const { where, fields, pageRows = ROWS_PAGE_DEFAULT, isStable = true } = given;
  if (typeof isStable !== 'boolean') throw badOption('isStable', isStable, 'Give true or false.');
  if (typeof pageRows !== 'number' || !Number.isSafeInteger(pageRows) || pageRows < 1 || pageRows > ROWS_PAGE_MAX) {
    throw badOption('pageRows', pageRows, `Give a whole number from 1 to ${ROWS_PAGE_MAX}.`);
  }
  return { where, fields, pageRows, isStable };
}

function badOption(option: string, value: unknown, advice: string): TableError {
  const message = `The option '${option}' of rows is ${showValue(value)}. ${advice}`;
  return new TableError('ERR_TABLE_ARGUMENT', message, { option });
}
