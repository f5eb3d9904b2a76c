/**
 * Key analysis: under which keys, or in which range of keys, the rows that pass a tree of conditions can be.
 *
 * 1. The answer may be too large, never too small: whatever passes lies in it. Functions, `$not` and `at` only filter.
 * 2. Conditions on one field, wherever `$and` puts them, work together. A branch of `$or` is analysed with all that holds around
 *    it; if every branch binds keys, they are looked up, and otherwise an ordered set is walked from the first to the last place
 *    where one of them can be.
 * 3. A composite key whose fields are all bound is looked up; on an ordered set its first bound fields are a range of keys.
 */
import type { KeySpec } from './definition.js';
import { compareBytes, compareKeys } from './key.js';
import type { TableKey } from './key.js';
import { keyIdentity } from './key-codec.js';
import { compareToCut, cutAt, cutBytes } from './key-range.js';
import type { KeyCut, KeyRange } from './key-range.js';
import { keyParts } from './row-key.js';
import { isKey } from './where-operators.js';
import type { OperatorName } from './where-operators.js';
import { WHERE_IN_MAX } from './where-tree.js';
import type { FieldNode, WhereNode } from './where-tree.js';

/** Where the rows that match can be: under these keys, in key order, or in this range of keys (all of them if empty). */
export type KeyAccess =
  { readonly kind: 'keys'; readonly keys: readonly TableKey[] } | { readonly kind: 'range'; readonly range: KeyRange };

type Operators = ReadonlyMap<OperatorName, unknown>;

/**
 * How many conditions, candidates and keys an analysis looks at, all branches together. What it has no steps left for, it takes to
 * be anywhere: a walk costs less then than finding out where not to walk.
 */
const ANALYSIS_STEPS_MAX = 1_000_000;

const NOTHING: KeyAccess = Object.freeze({ kind: 'keys', keys: Object.freeze([]) });
const EVERYTHING: KeyAccess = Object.freeze({ kind: 'range', range: Object.freeze({}) });

/** Where the rows that pass a tree can be; see the header. */
export function keyAccess(key: KeySpec, tree: WhereNode, isOrdered: boolean): KeyAccess {
  return new KeyAnalysis(key, isOrdered).access(tree, []);
}

/** What holds together: conditions on fields, and the choices that there are. */
interface Conjunction {
  readonly fields: FieldNode[];
  readonly choices: (readonly WhereNode[])[];
}

class KeyAnalysis {
  readonly #isComposite: boolean;
  readonly #parts: readonly string[];
  readonly #isOrdered: boolean;
  #stepsLeft = ANALYSIS_STEPS_MAX;

  constructor(key: KeySpec, isOrdered: boolean) {
    this.#isComposite = typeof key === 'object';
    this.#parts = keyParts(key).map(String);
    this.#isOrdered = isOrdered;
  }

  /** Where what passes a node and the conditions around it can be. */
  access(node: WhereNode, around: readonly FieldNode[]): KeyAccess {
    const conjunction: Conjunction = { fields: [...around], choices: [] };
    this.#collect(node, conjunction);
    let access = this.#ofFields(conjunction.fields);
    for (const choice of conjunction.choices) {
      access = this.#both(access, this.#ofChoice(choice, conjunction.fields));
    }
    return access;
  }

  #collect(node: WhereNode, conjunction: Conjunction): void {
    if (node.kind === 'and') for (const inner of node.nodes) this.#collect(inner, conjunction);
    else if (node.kind === 'or') conjunction.choices.push(node.nodes);
    else if (node.kind === 'field' && this.#parts.includes(node.field)) conjunction.fields.push(node);
  }

  #ofChoice(branches: readonly WhereNode[], around: readonly FieldNode[]): KeyAccess {
    const accesses = branches.map((branch) => this.access(branch, around)).filter((access) => !isNothing(access));
    const keys = accesses.flatMap((access) => (access.kind === 'keys' ? access.keys : []));
    if (accesses.every(({ kind }) => kind === 'keys')) {
      const distinct = this.#distinct(keys);
      if (distinct.length <= WHERE_IN_MAX) return { kind: 'keys', keys: distinct };
    }
    if (!this.#isOrdered) return EVERYTHING;
    const hulls = accesses.map(hull);
    const from = hulls.map((range) => range.from).reduce((one, other) => one && other && extreme(one, other, -1));
    const to = hulls.map((range) => range.to).reduce((one, other) => one && other && extreme(one, other, 1));
    return rangeBetween(from, to);
  }

  // One key, or all of its fields.

  #ofFields(fields: readonly FieldNode[]): KeyAccess {
    for (const { operators } of fields) this.#stepsLeft -= 1 + memberCount(operators);
    if (this.#stepsLeft < 0) return EVERYTHING;
    const candidates = this.#parts.map((part) => candidatesOf(fields.filter(({ field }) => field === part)));
    if (candidates.some((values) => values?.length === 0)) return NOTHING;
    const keys = this.#combinations(candidates);
    if (keys !== undefined) return { kind: 'keys', keys: this.#distinct(keys) };
    return this.#isOrdered ? this.#rangeOf(fields, candidates) : EVERYTHING;
  }

  /** Every key that takes each field from its candidates; undefined when a field has none, or when there are too many. */
  #combinations(candidates: readonly (readonly TableKey[] | undefined)[]): readonly TableKey[] | undefined {
    if (!this.#isComposite) return candidates[0];
    let prefixes: readonly (readonly TableKey[])[] = [[]];
    for (const values of candidates) {
      const count = prefixes.length * (values?.length ?? 0);
      if (values === undefined || count > WHERE_IN_MAX || count > this.#stepsLeft) return undefined;
      prefixes = prefixes.flatMap((prefix) => values.map((value) => [...prefix, value]));
    }
    this.#stepsLeft -= prefixes.length;
    // A composite key can be too long where none of its parts is; then no row has it.
    return prefixes.filter(isKey);
  }

  #rangeOf(fields: readonly FieldNode[], candidates: readonly (readonly TableKey[] | undefined)[]): KeyAccess {
    // The first parts that are bound to one value, and then the first that is not.
    const length = candidates.findIndex((values) => values?.length !== 1);
    const bound = candidates.slice(0, length).flatMap((values) => values ?? []);
    const place = (value: TableKey, side: KeyCut['side']): KeyCut | undefined => {
      const key = this.#isComposite ? [...bound, value] : value;
      // A cut that is too long to be one narrows nothing.
      return isKey(key) ? { key, isPrefix: this.#isComposite, side } : undefined;
    };
    let from: KeyCut | undefined;
    let to: KeyCut | undefined;
    const narrow = (lower: KeyCut | undefined, upper: KeyCut | undefined): void => {
      from = extreme(from, lower, 1);
      to = extreme(to, upper, -1);
    };
    if (bound.length > 0 && isKey(bound)) {
      narrow({ key: bound, isPrefix: true, side: 'before' }, { key: bound, isPrefix: true, side: 'after' });
    }
    const values = candidates[length]?.toSorted(compareKeys);
    const [least, greatest] = [values?.at(0), values?.at(-1)];
    if (least !== undefined && greatest !== undefined) narrow(place(least, 'before'), place(greatest, 'after'));
    for (const { field, operators } of fields) {
      if (field === this.#parts[length]) narrow(lowerCut(operators, place), upperCut(operators, place));
    }
    return rangeBetween(from, to);
  }

  #distinct(keys: readonly TableKey[]): readonly TableKey[] {
    if (keys.length < 2) return keys;
    const byIdentity = new Map(keys.map((key) => [keyIdentity(key, !this.#isOrdered), key]));
    return [...byIdentity.values()].sort(compareKeys);
  }

  /** Where what is in both can be. */
  #both(one: KeyAccess, other: KeyAccess): KeyAccess {
    if (one.kind === 'keys' && other.kind === 'keys') {
      const isExact = !this.#isOrdered;
      const identities = new Set(other.keys.map((key) => keyIdentity(key, isExact)));
      return { kind: 'keys', keys: one.keys.filter((key) => identities.has(keyIdentity(key, isExact))) };
    }
    if (one.kind === 'range' && other.kind === 'range') {
      return rangeBetween(extreme(one.range.from, other.range.from, 1), extreme(one.range.to, other.range.to, -1));
    }
    return one.kind === 'keys' ? keysInside(one, other) : keysInside(other, one);
  }
}

function isNothing(access: KeyAccess): boolean {
  return access.kind === 'keys' && access.keys.length === 0;
}

function rangeBetween(from: KeyCut | undefined, to: KeyCut | undefined): KeyAccess {
  return { kind: 'range', range: { ...(from && { from }), ...(to && { to }) } };
}

/** The range that an access lies in; its keys, if it is by keys, are in key order and not none. */
function hull(access: KeyAccess): KeyRange {
  if (access.kind === 'range') return access.range;
  const [first, last] = [access.keys.at(0), access.keys.at(-1)];
  if (first === undefined || last === undefined) return {};
  return { from: cutAt(first, 'before'), to: cutAt(last, 'after') };
}

function keysInside(one: KeyAccess, other: KeyAccess): KeyAccess {
  if (one.kind !== 'keys' || other.kind !== 'range') return one;
  return { kind: 'keys', keys: one.keys.filter((key) => isInside(key, other.range)) };
}

function isInside(key: TableKey, { from, to }: KeyRange): boolean {
  return (from === undefined || compareToCut(key, from) > 0) && (to === undefined || compareToCut(key, to) < 0);
}

function compareCuts(one: KeyCut, other: KeyCut): number {
  return compareBytes(cutBytes(one, false), cutBytes(other, false));
}

/** The higher (`sign` 1) or lower (-1) of two cuts; one that is missing does not count. */
function extreme(one: KeyCut | undefined, other: KeyCut | undefined, sign: 1 | -1): KeyCut | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return compareCuts(one, other) * sign >= 0 ? one : other;
}

/** The only values that a field can have, when an `eq` or `in` names them; what can be no key cannot match a key field. */
function candidatesOf(conditions: readonly FieldNode[]): readonly TableKey[] | undefined {
  let fewest: readonly TableKey[] | undefined;
  for (const { operators } of conditions) {
    const values = boundValues(operators);
    if (values !== undefined && (fewest === undefined || values.length < fewest.length)) fewest = values;
  }
  return fewest?.filter((value) => conditions.every(({ test }) => test(value)));
}

function memberCount(operators: Operators): number {
  const members = operators.get('in');
  return Array.isArray(members) ? members.length : 0;
}

function boundValues(operators: Operators): readonly TableKey[] | undefined {
  if (operators.has('eq')) return [operators.get('eq')].filter(isKey);
  // The tree let only an array pass.
  if (operators.has('in')) return (operators.get('in') as readonly unknown[]).filter(isKey);
  return undefined;
}

type Placer = (value: TableKey, side: KeyCut['side']) => KeyCut | undefined;

function lowerCut(operators: Operators, place: Placer): KeyCut | undefined {
  // Operands of these operators were found to be keys.
  if (operators.has('gt')) return place(operators.get('gt') as TableKey, 'after');
  if (operators.has('gte')) return place(operators.get('gte') as TableKey, 'before');
  if (operators.has('prefix')) return place(operators.get('prefix') as TableKey, 'before');
  return undefined;
}

function upperCut(operators: Operators, place: Placer): KeyCut | undefined {
  // Operands of these operators were found to be keys.
  if (operators.has('lt')) return place(operators.get('lt') as TableKey, 'before');
  if (operators.has('lte')) return place(operators.get('lte') as TableKey, 'after');
  const prefix = operators.get('prefix');
  const successor = typeof prefix === 'string' ? successorOfPrefix(prefix) : undefined;
  return successor === undefined ? undefined : place(successor, 'before');
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
