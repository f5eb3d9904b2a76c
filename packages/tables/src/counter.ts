/**
 * Counters: what `updateCounter` does to a row (ETS's `update_counter`).
 *
 * 1. All operations are validated and computed before anything is stored.
 * 2. A counter is a safe integer or a bigint; the two never mix. A number that would leave the safe integers is refused.
 * 3. With a threshold, a result beyond it (above for `by` >= 0, below for `by` < 0) becomes `setValue`.
 */
import type { KeySpec } from './definition.js';
import { TableError } from './errors.js';
import { keyParts, withFields } from './row-key.js';
import type { AnyRow } from './row-key.js';
import { showValue } from './shown-value.js';

/** One step of `updateCounter`. */
export interface CounterOperation<
  Field extends string | number = string | number,
  N extends number | bigint = number | bigint,
> {
  readonly field: Field;
  /** What to add; default 1. */
  readonly by?: N;
  /** Beyond this the counter wraps to `setValue`; both or neither. */
  readonly threshold?: N;
  readonly setValue?: N;
}

/** Runs counter operations in order on a row; returns the new row and each operation's result. */
export function runCounterOperations(
  key: KeySpec,
  row: unknown,
  operations: readonly CounterOperation[],
): { readonly row: unknown; readonly results: readonly (number | bigint)[] } {
  const running = new Map<string, number | bigint>();
  if (
    !Array.isArray(operations) ||
    !operations.every((operation) => typeof operation === 'object' && operation !== null)
  ) {
    const advice = 'Give a field and what to add, or an array of { field, by }.';
    throw new TableError('ERR_TABLE_ARGUMENT', `The operations of the counter are ${showValue(operations)}. ${advice}`);
  }
  const results = operations.map((operation) => {
    const field = checkField(key, row, operation.field);
    const result = count(field, running.get(field) ?? readCounter(row, field), operation);
    running.set(field, result);
    return result;
  });
  return { row: withFields(row, [...running]), results };
}

function checkField(key: KeySpec, row: unknown, field: unknown): string {
  const isName = typeof field === 'string' || typeof field === 'number';
  // Rows are objects or arrays.
  if (isName && keyParts(key).some((part) => String(part) === String(field))) {
    throw new TableError(
      'ERR_TABLE_KEYPOS',
      `The field '${String(field)}' is part of the key, which no update changes.`,
      {
        field,
      },
    );
  }
  if (!isName || !Object.hasOwn(row as object, field)) {
    throw new TableError('ERR_TABLE_POSITION', `The row has no field ${showValue(field)}. Name one that it has.`, {
      field,
    });
  }
  return String(field);
}

function readCounter(row: unknown, field: string): number | bigint {
  // Rows are objects or arrays, and the field is one of its own.
  return checkInteger(field, 'value', (row as AnyRow)[field]);
}

function checkInteger(field: string, role: string, value: unknown): number | bigint {
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) return value;
  throw new TableError(
    'ERR_TABLE_VALUE',
    `The ${role} of the counter '${field}' is ${showValue(value)}. Counters are safe integers or bigints.`,
    { field, role, path: `.${field}` },
  );
}

function count(field: string, value: number | bigint, operation: CounterOperation): number | bigint {
  const same = (role: string, operand: unknown): number | bigint => {
    const integer = checkInteger(field, role, operand);
    if (typeof integer === typeof value) return integer;
    throw new TableError(
      'ERR_TABLE_VALUE',
      `The ${role} of the counter '${field}' is a ${typeof integer}, but its value is a ${typeof value}. Use one type.`,
      { field, role, path: `.${field}` },
    );
  };
  const by = operation.by === undefined ? (typeof value === 'bigint' ? 1n : 1) : same('increment', operation.by);
  const { threshold, setValue } = operation;
  if ((threshold === undefined) !== (setValue === undefined)) {
    throw new TableError(
      'ERR_TABLE_ARGUMENT',
      `The counter '${field}' has only one of threshold and setValue. Give both.`,
      {
        field,
      },
    );
  }
  const wrapTo = threshold === undefined ? undefined : same('setValue', setValue);
  const limit = threshold === undefined ? undefined : same('threshold', threshold);
  const sum = add(value, by);
  if (limit !== undefined && wrapTo !== undefined && (by < 0 ? sum < limit : sum > limit)) return wrapTo;
  if (typeof sum === 'number' && !Number.isSafeInteger(sum)) {
    throw new TableError('ERR_TABLE_LIMIT', `The counter '${field}' would leave the safe integers. Use a bigint.`, {
      field,
      value,
      by,
    });
  }
  return sum;
}

function add(value: number | bigint, by: number | bigint): number | bigint {
  if (typeof value === 'bigint' && typeof by === 'bigint') return value + by;
  // Both are numbers then, as `same` has checked. Adding 0 turns -0 into 0.
  return (value as number) + (by as number) + 0;
}
