/**
 * The tree of a `where` or of a pattern: what the user gave, checked and copied, so that nobody can change it any more.
 *
 * A node is a group of nodes, a condition on a field of the row, or a function. A `where` object is the group `and` of its
 * fields and groups, an `at` one of its fields.
 */
import type { KeySpec } from './definition.js';
import { TableError } from './errors.js';
import { copyKey } from './key.js';
import { keyParts } from './row-key.js';
import type { AnyRow } from './row-key.js';
import { copyValue, isPlain } from './value.js';
import { OPERATORS, isKey, operatorTest } from './where-operators.js';
import type { OperatorName, Test } from './where-operators.js';

/** A condition on one field: its operators, and what is inside of it. */
export interface FieldNode {
  readonly kind: 'field';
  readonly field: string;
  readonly operators: ReadonlyMap<OperatorName, unknown>;
  /** Whether the field's value passes all operators and what is inside. */
  readonly test: Test;
}

/** See the header. */
export type WhereNode =
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly WhereNode[] }
  | { readonly kind: 'not'; readonly node: WhereNode }
  | { readonly kind: 'function'; readonly test: Test }
  | FieldNode;

/** The most values of one `in`: a longer list is a join, and belongs into a loop of lookups. */
export const WHERE_IN_MAX = 10_000;
/** The most conditions, groups and values of `in` of one `where` together: each row is tested against all of them. */
export const WHERE_NODES_MAX: number = 2 * WHERE_IN_MAX;
/** How deep groups and `at` nest: as deep as values may (`VALUE_DEPTH_MAX`), and far from the end of the stack. */
export const WHERE_DEPTH_MAX = 64;

const GROUPS: ReadonlySet<string> = new Set(['$and', '$or', '$not']);

/** Parses a `where`, which may contain functions if `readRow` makes what they see of a row. */
export function parseWhere(key: KeySpec, where: unknown, readRow: ((row: unknown) => unknown) | undefined): WhereNode {
  return where === undefined ? { kind: 'and', nodes: [] } : new WhereParser(key, readRow).where(where, '', 0);
}

/** Parses a pattern: each field that it names, whatever its name, must be equal by structure. */
export function parsePattern(key: KeySpec, pattern: unknown): WhereNode {
  if (typeof pattern !== 'object' || pattern === null || !isPlain(pattern)) {
    throw new TableError('ERR_TABLE_ARGUMENT', 'The pattern is not a plain object. Give { field: value }.', {});
  }
  const parser = new WhereParser(key, undefined);
  const nodes = Object.keys(pattern).map((field) => parser.field(field, '', { eq: pattern[field] }, 1));
  return { kind: 'and', nodes };
}

/** The test of a row that a tree stands for. */
export function nodeTest(node: WhereNode): Test {
  switch (node.kind) {
    case 'field':
      return (row) => node.test(readField(row, node.field));
    case 'function':
      return node.test;
    case 'not': {
      const test = nodeTest(node.node);
      return (row) => !test(row);
    }
    default: {
      const tests = node.nodes.map(nodeTest);
      if (node.kind === 'or') return (row) => tests.some((test) => test(row));
      return tests.length === 1 && tests[0] !== undefined ? tests[0] : (row) => tests.every((test) => test(row));
    }
  }
}

function readField(row: unknown, field: string): unknown {
  if (field === '__proto__' || !Object.hasOwn(row as object, field)) return undefined;
  // Rows are objects or arrays; both are read by name.
  return (row as AnyRow)[field];
}

class WhereParser {
  readonly #isTuple: boolean;
  readonly #readRow: ((row: unknown) => unknown) | undefined;
  #nodes = 0;

  constructor(key: KeySpec, readRow: ((row: unknown) => unknown) | undefined) {
    this.#isTuple = typeof keyParts(key)[0] === 'number';
    this.#readRow = readRow;
  }

  /** A `where` at `path`, the fields and groups that lead to it. */
  where(where: unknown, path: string, depth: number): WhereNode {
    this.#count(depth);
    if (typeof where === 'function') return this.#function(where as (row: unknown) => unknown, path);
    if (typeof where !== 'object' || where === null || !isPlain(where)) {
      throw badWhere(path, 'is not a plain object', 'Give { field: value } or { field: { gte: value } }.');
    }
    const nodes = Object.keys(where).map((name) =>
      GROUPS.has(name)
        ? this.#group(name, inner(path, name), where[name], depth + 1)
        : this.field(name, path, where[name], depth + 1),
    );
    return { kind: 'and', nodes };
  }

  /** The condition on a field of the row. */
  field(field: string, path: string, condition: unknown, depth: number): FieldNode {
    if (this.#isTuple && !isPosition(field)) {
      throw badWhere(inner(path, field), 'is no position of a tuple', 'Give positions from 0, as { 0: value }.');
    }
    return this.#condition(field, inner(path, field), condition, depth);
  }

  #count(depth: number, nodes = 1): void {
    this.#nodes += nodes;
    if (this.#nodes <= WHERE_NODES_MAX && depth <= WHERE_DEPTH_MAX) return;
    throw new TableError(
      'ERR_TABLE_LIMIT',
      `The where has more than ${WHERE_NODES_MAX} conditions, or nests deeper than ${WHERE_DEPTH_MAX}. Use 'in', or several.`,
      { conditions: WHERE_NODES_MAX, depth: WHERE_DEPTH_MAX },
    );
  }

  #function(predicate: (row: unknown) => unknown, path: string): WhereNode {
    const readRow = this.#readRow;
    if (readRow === undefined) {
      throw badWhere(path, 'is a function, which only the owner of a table can give', 'Give conditions as data.');
    }
    return { kind: 'function', test: (row) => predicate(readRow(row)) === true };
  }

  #group(name: string, path: string, operand: unknown, depth: number): WhereNode {
    this.#count(depth);
    if (name === '$not') return { kind: 'not', node: this.where(operand, path, depth + 1) };
    if (!Array.isArray(operand)) throw badWhere(path, 'is no array', `Give { ${name}: [{ field: value }, …] }.`);
    const nodes = Array.from(operand, (where, index) => this.where(where, `${path}[${index}]`, depth + 1));
    return { kind: name === '$and' ? 'and' : 'or', nodes };
  }

  #condition(field: string, path: string, condition: unknown, depth: number): FieldNode {
    this.#count(depth);
    const operators = new Map<OperatorName, unknown>();
    const tests: Test[] = [];
    for (const [name, operand] of conditionEntries(path, condition)) {
      if (name === 'at') {
        tests.push(this.#inside(path, operand, depth + 1));
        continue;
      }
      const parsed = parseOperand(path, name, operand);
      if (name === 'in') this.#count(depth, (parsed as readonly unknown[]).length); // It let only an array pass.
      operators.set(name, parsed);
      tests.push(operatorTest(name, parsed));
    }
    return { kind: 'field', field, operators, test: (value) => tests.every((test) => test(value)) };
  }

  #inside(path: string, operand: unknown, depth: number): Test {
    if (typeof operand !== 'object' || operand === null || !isPlain(operand)) {
      throw badWhere(path, "has an 'at' that is no plain object", 'Give { at: { field: condition } }.');
    }
    const nodes = Object.keys(operand).map((field) =>
      this.#condition(field, inner(path, field), operand[field], depth),
    );
    const test = nodeTest({ kind: 'and', nodes });
    const hasPositionsOnly = nodes.every(({ field }) => isPosition(field));
    return (value) => {
      if (Array.isArray(value)) return hasPositionsOnly && test(value);
      return typeof value === 'object' && value !== null && isPlain(value) && test(value);
    };
  }
}

function isPosition(field: string): boolean {
  return /^(0|[1-9]\d*)$/.test(field);
}

function inner(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`;
}

function badWhere(path: string, problem: string, advice: string): TableError {
  const message = `The where condition${path === '' ? '' : ` on '${path}'`} ${problem}. ${advice}`;
  return new TableError('ERR_TABLE_ARGUMENT', message, { field: path });
}

function conditionEntries(path: string, condition: unknown): readonly (readonly [OperatorName | 'at', unknown])[] {
  if (condition === undefined) {
    throw badWhere(path, 'is undefined', 'Leave it out, or use { eq: undefined } for fields that are undefined.');
  }
  if (typeof condition !== 'object' || condition === null || !isPlain(condition)) return [['eq', condition]];
  const names = Object.keys(condition);
  const unknown = names.find((name) => name !== 'at' && !OPERATORS.some((operator) => operator === name));
  if (unknown !== undefined || names.length === 0) {
    const problem = unknown === undefined ? 'has no operator' : `has the unknown operator '${unknown}'`;
    throw badWhere(
      path,
      problem,
      `Use ${OPERATORS.join(', ')}, at; to compare with an object, use { eq: object }; to look into one, { at: { field } }.`,
    );
  }
  // All names were just found to be operators.
  return names.map((name) => [name as OperatorName | 'at', condition[name]] as const);
}

function parseOperand(path: string, name: OperatorName, operand: unknown): unknown {
  if (name === 'eq' || name === 'ne') return copyValue(operand);
  if (name === 'in') {
    if (Array.isArray(operand) && operand.length <= WHERE_IN_MAX) return copyValue(operand);
    const problem = `has an 'in' that is no array of at most ${WHERE_IN_MAX} values`;
    throw badWhere(path, problem, 'Give fewer, or look them up.');
  }
  if (name === 'prefix' && typeof operand !== 'string' && !Array.isArray(operand)) {
    throw badWhere(path, "has a 'prefix' that is no string or array", 'Give one.');
  }
  if (!isKey(operand)) {
    throw badWhere(path, `has a '${name}' whose operand has no order`, 'Give a value that could be a key.');
  }
  return copyKey(operand);
}
