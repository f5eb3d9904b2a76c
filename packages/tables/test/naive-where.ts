/**
 * What a `where` means, said once more: every condition of every row is evaluated as it stands, with nothing of the code under
 * test. It knows the values that the tests of queries use: null, booleans, numbers, bigints, strings, arrays, plain objects.
 */
import { isDeepStrictEqual } from 'node:util';

type Fields = Readonly<Record<string, unknown>>;

export function naiveMatches(where: unknown, row: unknown): boolean {
  if (typeof where === 'function') return (where as (row: unknown) => unknown)(row) === true;
  return Object.entries(where as Fields).every(([name, operand]) => {
    if (name === '$and') return (operand as unknown[]).every((inner) => naiveMatches(inner, row));
    if (name === '$or') return (operand as unknown[]).some((inner) => naiveMatches(inner, row));
    if (name === '$not') return !naiveMatches(operand, row);
    return naiveCondition(operand, fieldOf(row, name));
  });
}

function naiveCondition(condition: unknown, value: unknown): boolean {
  if (!isObject(condition)) return isDeepStrictEqual(value, condition);
  return Object.entries(condition).every(([operator, operand]) => naiveOperator(operator, operand, value));
}

function naiveOperator(operator: string, operand: unknown, value: unknown): boolean {
  const order = naiveOrder(value, operand);
  switch (operator) {
    case 'eq':
      return isDeepStrictEqual(value, operand);
    case 'ne':
      return !isDeepStrictEqual(value, operand);
    case 'in':
      return (operand as unknown[]).some((member) => isDeepStrictEqual(value, member));
    case 'prefix':
      if (typeof operand === 'string') return typeof value === 'string' && value.indexOf(operand) === 0;
      return (
        Array.isArray(value) && (operand as unknown[]).every((element, at) => isDeepStrictEqual(value[at], element))
      );
    case 'at':
      if (!isObject(value) && !Array.isArray(value)) return false;
      return Object.entries(operand as Fields).every(([name, inner]) => {
        if (Array.isArray(value) && !/^\d+$/.test(name)) return false;
        return naiveCondition(inner, fieldOf(value, name));
      });
    case 'lt':
      return order !== undefined && order < 0;
    case 'lte':
      return order !== undefined && order <= 0;
    case 'gt':
      return order !== undefined && order > 0;
    case 'gte':
      return order !== undefined && order >= 0;
    default:
      throw new Error(`no operator: ${operator}`);
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldOf(row: unknown, name: string): unknown {
  return Object.getOwnPropertyDescriptor(row, name)?.value;
}

function kindOf(value: unknown): string {
  if (typeof value === 'bigint') return 'number';
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value;
}

const KINDS = ['null', 'boolean', 'number', 'string', 'array'];

/** The order of two values of one kind; undefined when they have none. */
function naiveOrder(a: unknown, b: unknown): number | undefined {
  return kindOf(a) === kindOf(b) && KINDS.includes(kindOf(a)) ? naiveKeyOrder(a, b) : undefined;
}

/** The order of two keys. */
export function naiveKeyOrder(a: unknown, b: unknown): number {
  if (kindOf(a) !== kindOf(b)) return KINDS.indexOf(kindOf(a)) - KINDS.indexOf(kindOf(b));
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let index = 0; index < Math.min(a.length, b.length); index++) {
      const order = naiveKeyOrder(a[index], b[index]);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  if (typeof a === 'string') return naiveKeyOrder(codePoints(a), codePoints(b as string));
  if (a === null) return 0;
  const [x, y] = [a as number, b as number]; // Booleans and bigints compare as numbers do.
  return x < y ? -1 : x > y ? 1 : 0;
}

function codePoints(text: string): readonly number[] {
  return Array.from(text, (point) => point.codePointAt(0) ?? 0);
}
