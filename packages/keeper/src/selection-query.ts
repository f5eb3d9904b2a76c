/**
 * What a selection asks for, from its operation and arguments, and where it goes on from one page to the next.
 */
import { TableError, invariant, compilePattern, compileWhere, parseSelection, valuesOf } from '@heirloom/tables';
import type { AnyTableDefinition, CompiledWhere } from '@heirloom/tables';

/** Which rows, in which direction, and what is made of each. */
export interface Query {
  readonly compiled: CompiledWhere;
  readonly reverse: boolean;
  readonly project: (row: unknown) => unknown;
  /** The most rows in all. */
  readonly limit: number;
}

/** Where a selection goes on, and how many rows it has had. */
export interface Continuation {
  readonly keyBytes: Uint8Array;
  readonly sequence: number;
  readonly count: number;
}

type Parse = (definition: AnyTableDefinition, operands: readonly unknown[]) => Query;

/** The operations that answer all that was asked for. */
export const SELECTIONS: ReadonlyMap<string, Parse> = new Map<string, Parse>([
  ['select', (definition, [options]) => selectQuery(definition, 'select', options)],
  ['selectReverse', (definition, [options]) => selectQuery(definition, 'selectReverse', options)],
  ['tab2list', (definition) => selectQuery(definition, 'select', undefined)],
  [
    'match',
    (definition, [pattern, fields, options]) => ({
      ...patternQuery(definition, 'match', pattern, options),
      project: valuesOf(definition, fields),
    }),
  ],
  ['matchObject', (definition, [pattern, options]) => patternQuery(definition, 'matchObject', pattern, options)],
]);

/** Throws ERR_TABLE_ARGUMENT, or ERR_TABLE_LIMIT, for arguments that the operation does not have. */
export function parseQuery(definition: AnyTableDefinition, operation: string, operands: readonly unknown[]): Query {
  const parse = SELECTIONS.get(operation);
  invariant(parse !== undefined, `${operation} is no selection`);
  return parse(definition, operands);
}

/** Their names. */
export const SELECTION_OPERATIONS: ReadonlySet<string> = new Set(SELECTIONS.keys());

function selectQuery(definition: AnyTableDefinition, operation: 'select' | 'selectReverse', options: unknown): Query {
  const { where, limit = Number.POSITIVE_INFINITY, reverse, project } = parseSelection(definition, operation, options);
  return { compiled: compileWhere(definition, where as never), reverse, project, limit }; // It checks what it gets.
}

function patternQuery(
  definition: AnyTableDefinition,
  operation: 'match' | 'matchObject',
  pattern: unknown,
  options: unknown,
): Query {
  const { limit = Number.POSITIVE_INFINITY, reverse, project } = parseSelection(definition, operation, options);
  return { compiled: compilePattern(definition, pattern as never), reverse, project, limit }; // Likewise.
}

/** Throws ERR_TABLE_ARGUMENT for what is no continuation. */
export function checkContinuation(value: unknown): Continuation | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null) {
    const { keyBytes, sequence, count } = value as Readonly<Record<string, unknown>>; // Any object can be read by name.
    if (keyBytes instanceof Uint8Array && isCount(sequence) && isCount(count)) return { keyBytes, sequence, count };
  }
  throw new TableError('ERR_TABLE_ARGUMENT', 'A selection goes on from where no page of it has ended.', {});
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
