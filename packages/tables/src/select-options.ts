/**
 * The options of selections, checked: a misspelt `where` would select the whole table.
 */
import type { AnyTableDefinition } from './definition.js';
import { TableError } from './errors.js';
import { keyParts } from './row-key.js';
import type { AnyRow } from './row-key.js';
import { showValue } from './shown-value.js';

/** The rows of a page whose `limit` is left out: enough that paging costs little, few enough to hold at once. */
export const SELECT_PAGE_ROWS_DEFAULT = 1_000;
/** The most fields of a projection. */
export const SELECT_FIELDS_MAX = 1_000;

/** The options that the selections have, by operation. */
export const SELECT_OPTIONS = {
  select: ['where', 'fields', 'limit', 'reverse'],
  selectReverse: ['where', 'fields', 'limit'],
  selectPage: ['where', 'fields', 'limit', 'reverse', 'after'],
  match: ['limit', 'reverse'],
  matchObject: ['fields', 'limit', 'reverse'],
} as const;

/** The options of a selection, ready to run. */
export interface ParsedSelection {
  /** As given: `compileWhere` checks it. */
  readonly where: unknown;
  readonly limit: number | undefined;
  readonly reverse: boolean;
  /** As given: `placeOf` checks it. */
  readonly after: unknown;
  /** Makes what was asked for of a row that may be handed out. */
  readonly project: (row: unknown) => unknown;
}

/**
 * Parses the options of a selection. Throws `ERR_TABLE_ARGUMENT` for options that are no object, for a name that the operation
 * does not have, and for values that are none; a `where` it leaves to `compileWhere`, a
 * cursor to `placeOf`.
 */
export function parseSelection(
  definition: AnyTableDefinition,
  operation: keyof typeof SELECT_OPTIONS,
  options: unknown,
): ParsedSelection {
  checkSelectOptions(options, SELECT_OPTIONS[operation]);
  // It is undefined or an object, and any object can be read by name.
  const { where, fields, limit, reverse, after } = (options ?? {}) as Readonly<Record<string, unknown>>;
  return {
    where,
    limit: checkLimit(limit),
    reverse: operation === 'selectReverse' || checkReverse(reverse),
    after,
    project: fields === undefined ? (row) => row : projection(definition, fields),
  };
}

/** Throws ERR_TABLE_ARGUMENT for options that are no object, and for a name that is none of `names`. */
export function checkSelectOptions(options: unknown, names: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    const message = `The options of select are ${showValue(options)}. Give an object with ${names.join(', ')}, or none.`;
    throw new TableError('ERR_TABLE_ARGUMENT', message, { names });
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const message = `${showValue(unknown)} is not an option of select. It has ${names.join(', ')}.`;
  throw new TableError('ERR_TABLE_ARGUMENT', message, { option: unknown, names });
}

/** Makes the function that projects rows to fields: objects to objects, tuples to the list of values. */
function projection(definition: AnyTableDefinition, fields: unknown): (row: unknown) => unknown {
  if (typeof keyParts(definition.key)[0] === 'number') return valuesOf(definition, fields);
  const names = checkFields(definition, fields);
  return (row) =>
    Object.fromEntries(names.flatMap((name) => (hasField(row, name) ? [[name, fieldOf(row, name)]] : [])));
}

/** Makes the function that lists the values of some fields of a row; undefined for one that it lacks. */
export function valuesOf(definition: AnyTableDefinition, fields: unknown): (row: unknown) => unknown[] {
  const names = checkFields(definition, fields);
  return (row) => names.map((name) => (hasField(row, name) ? fieldOf(row, name) : undefined));
}

function hasField(row: unknown, name: string | number): boolean {
  // Rows are objects or arrays.
  return Object.hasOwn(row as object, name);
}

function fieldOf(row: unknown, name: string | number): unknown {
  // As above. `__proto__` can be a field of its own, which only its descriptor shows.
  if (name === '__proto__') return Object.getOwnPropertyDescriptor(row, name)?.value;
  return (row as AnyRow)[name];
}

function checkFields(definition: AnyTableDefinition, fields: unknown): readonly (string | number)[] {
  const isTuple = typeof keyParts(definition.key)[0] === 'number';
  const isName = (field: unknown): field is string | number =>
    isTuple ? Number.isSafeInteger(field) && (field as number) >= 0 : typeof field === 'string';
  if (Array.isArray(fields) && fields.length <= SELECT_FIELDS_MAX && fields.every(isName)) return fields.slice();
  const message = `The fields of a selection are ${showValue(fields)}. Give a list of at most ${SELECT_FIELDS_MAX} ${
    isTuple ? 'positions from 0' : 'field names'
  }.`;
  throw new TableError('ERR_TABLE_ARGUMENT', message, { fields });
}

function checkLimit(limit: unknown): number | undefined {
  if (limit === undefined || limit === Number.POSITIVE_INFINITY) return undefined;
  if (typeof limit === 'number' && Number.isSafeInteger(limit) && limit > 0) return limit;
  const message = `The limit is ${showValue(limit)}. Give a positive integer.`;
  throw new TableError('ERR_TABLE_ARGUMENT', message, { limit });
}

function checkReverse(reverse: unknown): boolean {
  if (reverse === undefined || typeof reverse === 'boolean') return reverse ?? false;
  throw new TableError('ERR_TABLE_ARGUMENT', `'reverse' is ${showValue(reverse)}. Give true or false.`, { reverse });
}
