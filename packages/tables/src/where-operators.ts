/**
 * The operators of a `where`: which operands they take, and the test that each becomes.
 */
import { fingerprint, isEqual } from './equality.js';
import { keyIdentity } from './key-codec.js';
import { compareKeys, isSameKeyClass } from './key.js';
import type { TableKey } from './key.js';

/** Whether a value passes. */
export type Test = (value: unknown) => boolean;

/** An operator that compares a value with an operand; `at`, which looks inside, is the tree's (`where-tree.ts`). */
export type OperatorName = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte' | 'in' | 'prefix';

/** The operators by name, as messages list them. */
export const OPERATORS: readonly OperatorName[] = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'prefix'];

/** Whether a value is in the domain of keys, and so has an order. */
export function isKey(value: unknown): value is TableKey {
  try {
    keyIdentity(value, true);
    return true;
  } catch {
    return false;
  }
}

/** Makes the test of one operator; the operand is of the operator's kind. */
export function operatorTest(name: OperatorName, operand: unknown): Test {
  switch (name) {
    case 'eq':
      return (value) => isEqual(value, operand);
    case 'ne':
      return (value) => !isEqual(value, operand);
    case 'in':
      // The tree lets only an array pass.
      return memberTest(operand as readonly unknown[]);
    case 'prefix':
      return prefixTest(operand);
    default:
      // The tree lets only keys pass.
      return orderTest(name, operand as TableKey);
  }
}

/** Scalars are found by a `Set`, whose equality is theirs; what has structure by its fingerprint. */
function memberTest(members: readonly unknown[]): Test {
  const scalars = new Set(members);
  const structured = new Map<string, unknown[]>();
  for (const member of members) {
    if (typeof member !== 'object' || member === null) continue;
    const name = fingerprint(member);
    const twins = structured.get(name);
    if (twins === undefined) structured.set(name, [member]);
    else twins.push(member);
  }
  return (value) => {
    if (typeof value !== 'object' || value === null) return scalars.has(value);
    if (structured.size === 0) return false;
    return structured.get(fingerprint(value))?.some((member) => isEqual(member, value)) ?? false;
  };
}

function prefixTest(operand: unknown): Test {
  if (typeof operand === 'string') return (value) => typeof value === 'string' && value.startsWith(operand);
  // The tree lets only strings and arrays pass.
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
