/**
 * `where`: conditions on a row as plain data, typed by the row, that can travel to another process.
 *
 * 1. All conditions must hold. A field that the row lacks reads as undefined.
 * 2. `eq`, `ne` and `in` compare by structure (`equality.ts`), so `1` is not `1n`. `lt`, `lte`, `gt`, `gte` compare in
 *    key order and only within a class: they never hold between, say, a number and a string.
 * 3. A compiled `where` names the keys that can match, or a range of them, or neither. That only narrows where to look:
 *    `matches` decides, and it decides alone.
 * 4. Malformed conditions are refused with `ERR_TABLE_ARGUMENT` before any row is read.
 */
import type { AnyTableDefinition, FieldOf, KeySpec, RowOf } from './definition.js';
import { isEqual } from './equality.js';
import { TableError } from './errors.js';
import { keyIdentity } from './key-codec.js';
import { cutAt } from './key-range.js';
import type { KeyCut, KeyRange } from './key-range.js';
import { compareKeys, copyKey, isSameKeyClass } from './key.js';
import type { TableKey } from './key.js';
import { copyValue, isPlain } from './value.js';

/** Values that may stand for `{ eq: value }`; other objects could be mistaken for operators. */
type DirectValue<V> = V extends TableKey ? V : never;

/** The operators on one field; all of them must hold. */
export interface Operators<V> {
  readonly eq?: V | undefined;
  readonly ne?: V | undefined;
  readonly lt?: V;
  readonly lte?: V;
  readonly gt?: V;
  readonly gte?: V;
  readonly in?: readonly V[];
  /** A beginning: of a string, or of an array by its first elements. */
  readonly prefix?: V extends string ? string : V extends readonly (infer Element)[] ? readonly Element[] : never;
}

/** A condition on one field: a value that it equals, or operators. */
export type Condition<V> = DirectValue<V> | Operators<V>;

/** Conditions by field (by position for tuples); all must hold. */
export type Where<D extends AnyTableDefinition> = {
  readonly [Field in FieldOf<RowOf<D>> & keyof RowOf<D>]?: Condition<RowOf<D>[Field]>;
};

/** Where the rows that match a `where` can be: under these keys, or in this range of keys (the whole table if empty). */
export type KeyAccess =
  { readonly kind: 'keys'; readonly keys: readonly TableKey[] } | { readonly kind: 'range'; readonly range: KeyRange };

/** A `where` that is ready to run; see the header. */
export interface CompiledWhere {
  readonly matches: (row: unknown) => boolean;
  readonly access: KeyAccess;
}

type OperatorName = keyof Operators<unknown>;
type Test = (value: unknown) => boolean;

interface FieldCondition {
  readonly field: string;
  readonly operators: ReadonlyMap<OperatorName, unknown>;
  readonly test: Test;
}

/** The most values of one `in`: a longer list is a join, and belongs into a loop of lookups. */
export const WHERE_IN_MAX = 10_000;

const OPERATORS: ReadonlySet<string> = new Set(['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'prefix']);
const EVERYTHING: KeyRange = Object.freeze({});

/**
 * Compiles a `where` for the rows of a definition.
 * On an `ordered_set` conditions on the key become a key range; in every type a key that is bound becomes a lookup.
 * Throws `ERR_TABLE_ARGUMENT` for unknown operators, operands of a wrong kind, and fields that cannot be.
 */
export function compileWhere<D extends AnyTableDefinition>(definition: D, where: Where<D> | undefined): CompiledWhere {
  const conditions = parseWhere(definition.key, where);
  const isOrdered = definition.type === 'ordered_set';
  return {
    matches: (row) => conditions.every(({ field, test }) => test(readField(row, field))),
    access: keyAccess(definition.key, conditions, isOrdered),
  };
}

function readField(row: unknown, field: string): unknown {
  if (field === '__proto__' || !Object.hasOwn(row as object, field)) return undefined;
  // Rows are objects or arrays; both are read by name.
  return (row as Record<string, unknown>)[field];
}

function parseWhere(key: KeySpec, where: unknown): readonly FieldCondition[] {
  if (where === undefined) return [];
  if (typeof where !== 'object' || where === null || !isPlain(where)) {
    throw badWhere('', 'is not a plain object', 'Give { field: value } or { field: { gte: value } }.');
  }
  const isTuple = typeof (Array.isArray(key) ? key[0] : key) === 'number';
  return Object.keys(where).map((field) => {
    if (isTuple && !/^(0|[1-9]\d*)$/.test(field)) {
      throw badWhere(field, 'is no position of a tuple', 'Give positions from 0, as { 0: value }.');
    }
    const operators = parseCondition(field, where[field]);
    const tests = [...operators].map(([name, operand]) => operatorTest(name, operand));
    return { field, operators, test: (value: unknown) => tests.every((test) => test(value)) };
  });
}

function badWhere(field: string, problem: string, advice: string): TableError {
  return new TableError(
    'ERR_TABLE_ARGUMENT',
    `The where condition${field === '' ? '' : ` on '${field}'`} ${problem}. ${advice}`,
    {
      field,
    },
  );
}

function parseCondition(field: string, condition: unknown): ReadonlyMap<OperatorName, unknown> {
  if (condition === undefined) {
    throw badWhere(field, 'is undefined', 'Leave it out, or use { eq: undefined } for fields that are undefined.');
  }
  if (typeof condition !== 'object' || condition === null || !isPlain(condition)) {
    return new Map([['eq', copyValue(condition)]]);
  }
  const names = Object.keys(condition);
  const unknown = names.find((name) => !OPERATORS.has(name));
  if (unknown !== undefined || names.length === 0) {
    const problem = unknown === undefined ? 'has no operator' : `has the unknown operator '${unknown}'`;
    throw badWhere(field, problem, `Use ${[...OPERATORS].join(', ')}; to compare with an object, use { eq: object }.`);
  }
  // All names were just found to be operators.
  return new Map(names.map((name) => [name as OperatorName, parseOperand(field, name, condition[name])]));
}

function parseOperand(field: string, name: string, operand: unknown): unknown {
  if (name === 'eq' || name === 'ne') return copyValue(operand);
  if (name === 'in') {
    if (!Array.isArray(operand) || operand.length > WHERE_IN_MAX) {
      throw badWhere(
        field,
        `has an 'in' that is no array of at most ${WHERE_IN_MAX} values`,
        'Give fewer, or look them up.',
      );
    }
    return copyValue(operand);
  }
  if (name === 'prefix') {
    if (typeof operand !== 'string' && !Array.isArray(operand)) {
      throw badWhere(field, "has a 'prefix' that is no string or array", 'Give one.');
    }
  }
  if (!isKey(operand)) {
    throw badWhere(field, `has a '${name}' whose operand has no order`, 'Give a value that could be a key.');
  }
  return copyKey(operand);
}

/** Whether a value is in the domain of keys. */
function isKey(value: unknown): value is TableKey {
  try {
    keyIdentity(value, true);
    return true;
  } catch {
    return false;
  }
}

function operatorTest(name: OperatorName, operand: unknown): Test {
  switch (name) {
    case 'eq':
      return (value) => isEqual(value, operand);
    case 'ne':
      return (value) => !isEqual(value, operand);
    case 'in': {
      // `parseOperand` let only an array pass.
      const members = operand as readonly unknown[];
      const quick = new Set(members);
      return (value) => quick.has(value) || members.some((member) => isEqual(value, member));
    }
    case 'prefix':
      return prefixTest(operand);
    default:
      // `parseOperand` let only keys pass.
      return orderTest(name, operand as TableKey);
  }
}

function prefixTest(operand: unknown): Test {
  if (typeof operand === 'string') return (value) => typeof value === 'string' && value.startsWith(operand);
  // `parseOperand` let only strings and arrays pass.
  const prefix = operand as readonly unknown[];
  return (value) => Array.isArray(value) && isEqual(value.slice(0, prefix.length), prefix);
}

function orderTest(name: 'lt' | 'lte' | 'gt' | 'gte', operand: TableKey): Test {
  const order = (value: unknown): number | undefined => {
    if (typeof value === 'number' && typeof operand === 'number') return value - operand;
    // Only values that could be keys have an order, and NaN is none of them.
    if (typeof value === 'object' && value !== null && !isKey(value)) return undefined;
    if (value === undefined || Number.isNaN(value)) return undefined;
    return isSameKeyClass(value as TableKey, operand) ? compareKeys(value as TableKey, operand) : undefined;
  };
  const holds: Record<typeof name, (sign: number) => boolean> = {
    lt: (sign) => sign < 0,
    lte: (sign) => sign <= 0,
    gt: (sign) => sign > 0,
    gte: (sign) => sign >= 0,
  };
  const test = holds[name];
  return (value) => {
    const sign = value === operand ? 0 : order(value);
    return sign !== undefined && test(sign);
  };
}

function keyAccess(key: KeySpec, conditions: readonly FieldCondition[], isOrdered: boolean): KeyAccess {
  const isComposite = typeof key === 'object';
  const parts = isComposite ? key : [key];
  const bound: TableKey[] = [];
  for (const part of parts) {
    const operators = conditions.find(({ field }) => field === String(part))?.operators;
    const candidates = operators === undefined ? undefined : boundValues(operators);
    if (candidates?.length !== 1) return partlyBound(isComposite, bound, operators, candidates, isOrdered);
    // There is exactly one.
    bound.push(candidates[0] as TableKey);
  }
  return { kind: 'keys', keys: [isComposite ? bound : (bound[0] as TableKey)] };
}

/** The only values that the field can have, when `eq` or `in` names them; what can be no key cannot match a key field. */
function boundValues(operators: ReadonlyMap<OperatorName, unknown>): readonly TableKey[] | undefined {
  if (operators.has('eq')) return [operators.get('eq')].filter(isKey);
  // `parseOperand` let only an array pass.
  if (operators.has('in')) return (operators.get('in') as readonly unknown[]).filter(isKey);
  return undefined;
}

function partlyBound(
  isComposite: boolean,
  bound: readonly TableKey[],
  operators: ReadonlyMap<OperatorName, unknown> | undefined,
  candidates: readonly TableKey[] | undefined,
  isOrdered: boolean,
): KeyAccess {
  if (candidates?.length === 0) return { kind: 'keys', keys: [] };
  if (candidates !== undefined && !isComposite) return { kind: 'keys', keys: distinctKeys(candidates, isOrdered) };
  if (!isOrdered) return { kind: 'range', range: EVERYTHING };
  const cut = (key: TableKey, side: KeyCut['side']): KeyCut =>
    isComposite ? { key: [...bound, key], isPrefix: true, side } : cutAt(key, side);
  const whole = (side: KeyCut['side']): KeyCut | undefined =>
    bound.length === 0 ? undefined : { key: bound, isPrefix: true, side };
  const from = lowerCut(operators, cut) ?? whole('before');
  const to = upperCut(operators, cut) ?? whole('after');
  return { kind: 'range', range: { ...(from && { from }), ...(to && { to }) } };
}

function distinctKeys(keys: readonly TableKey[], isOrdered: boolean): readonly TableKey[] {
  const byIdentity = new Map(keys.map((key) => [keyIdentity(key, !isOrdered), key]));
  return [...byIdentity.values()].sort(compareKeys);
}

type Cutter = (key: TableKey, side: KeyCut['side']) => KeyCut;

function lowerCut(operators: ReadonlyMap<OperatorName, unknown> | undefined, cut: Cutter): KeyCut | undefined {
  // Operands of these operators were found to be keys.
  if (operators?.has('gt')) return cut(operators.get('gt') as TableKey, 'after');
  if (operators?.has('gte')) return cut(operators.get('gte') as TableKey, 'before');
  if (operators?.has('prefix')) return cut(operators.get('prefix') as TableKey, 'before');
  return undefined;
}

function upperCut(operators: ReadonlyMap<OperatorName, unknown> | undefined, cut: Cutter): KeyCut | undefined {
  // Operands of these operators were found to be keys.
  if (operators?.has('lt')) return cut(operators.get('lt') as TableKey, 'before');
  if (operators?.has('lte')) return cut(operators.get('lte') as TableKey, 'after');
  const prefix = operators?.get('prefix');
  const successor = typeof prefix === 'string' ? successorOfPrefix(prefix) : undefined;
  return successor === undefined ? undefined : cut(successor, 'before');
}

/** The smallest string behind every string that begins with `prefix`, if there is one. */
function successorOfPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0;
    if (point === 0x10ffff) continue;
    // No string contains the code points of surrogates.
    return points.join('') + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
  }
  return undefined;
}
