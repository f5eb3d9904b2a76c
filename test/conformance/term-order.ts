/**
 * Conditions in Erlang's term order, said as `where`.
 *
 * Erlang orders all terms: number < atom (false < null < true) < tuple < binary; strings of traces are binaries. A `where`
 * compares only within a class. So a bound becomes a condition for each class that it admits something of, joined by `$or`:
 * what is at or above 2 is a number from 2 on, or an atom, or a tuple, or a string. Bounds within one class are one range.
 */
import type { Where } from '@heirloom/tables';
import type { TraceCondition, TraceWhere } from './ets-trace.js';
import { positionOf } from './trace-row.js';
import type { RowField, TraceDefinition, TraceKey, TraceScalar } from './trace-row.js';

type Term = TraceKey | TraceScalar;
/** Operators on one field, in the words of `where`. */
type FieldOperators = Readonly<Record<string, unknown>>;

interface Bounds {
  readonly gte?: Term;
  readonly lt?: Term;
  readonly lte?: Term;
}

const ATOMS: readonly Term[] = [false, null, true];
const CLASSES = ['number', 'atom', 'tuple', 'string'] as const;
type TermClass = (typeof CLASSES)[number];
/** Everything of a class but the atoms, of which there are three. */
const WHOLE_CLASS: Readonly<Record<Exclude<TermClass, 'atom'>, FieldOperators>> = {
  number: { gte: Number.NEGATIVE_INFINITY },
  tuple: { gte: [] },
  string: { gte: '' },
};
/** What each field of a row can hold, by the format of traces. */
const CLASSES_OF_FIELD: Readonly<Record<RowField, readonly TermClass[]>> = {
  key: ['number', 'tuple', 'string'],
  a: ['number'],
  b: ['number', 'atom', 'string'],
};

/** The `where` of a table that matches the rows that Erlang's comparison would. */
export function whereOf(where: TraceWhere): Where<TraceDefinition<'set'>> {
  if (where === undefined) return {};
  const conditions = conditionsOf(where).map((condition) => onField(where.field, condition));
  const [only, ...others] = conditions;
  // A where is data by position; these were read as conditions on a field that rows have.
  return (others.length === 0 ? only : { $and: conditions }) as Where<TraceDefinition<'set'>>;
}

/** The `where` of the keys from `gte` up to, but not with, `lt`. */
export function rangeOf(gte: TraceKey, lt: TraceKey): Where<TraceDefinition<'set'>> {
  return whereOf({ field: 'key', gte, lt });
}

/** Alternatives each; all of the lists must hold. */
function conditionsOf({ field, eq, gte, lt, lte }: TraceCondition): readonly (readonly FieldOperators[])[] {
  const lower = gte === undefined ? {} : { gte };
  const conditions: (readonly FieldOperators[])[] = [];
  if (eq !== undefined) conditions.push([{ eq }]);
  if (lt !== undefined) conditions.push(alternatives(field, { ...lower, lt }));
  if (lte !== undefined) conditions.push(alternatives(field, { ...lower, lte }));
  if (gte !== undefined && lt === undefined && lte === undefined) conditions.push(alternatives(field, lower));
  return conditions;
}

function onField(field: RowField, operators: readonly FieldOperators[]): object {
  const [only, ...others] = operators.map((one) => ({ [positionOf(field)]: one }));
  if (only === undefined) return { [positionOf(field)]: { in: [] } };
  return others.length === 0 ? only : { $or: [only, ...others] };
}

/** What lies between the bounds, class by class. */
function alternatives(field: RowField, bounds: Bounds): readonly FieldOperators[] {
  return CLASSES_OF_FIELD[field].flatMap((termClass) => {
    const rank = CLASSES.indexOf(termClass);
    const { gte, lt, lte } = bounds;
    // Null is a term.
    const upper = lt === undefined ? lte : lt;
    const isBelow = gte !== undefined && rank < rankOf(gte);
    const isAbove = upper !== undefined && rank > rankOf(upper);
    if (isBelow || isAbove) return [];
    return [termClass === 'atom' ? atomsBetween(bounds) : classBetween(termClass, bounds)];
  });
}

/** The bounds that lie in a class bound it; one that lies in another does not. */
function classBetween(termClass: keyof typeof WHOLE_CLASS, bounds: Bounds): FieldOperators {
  const own = Object.entries(bounds).filter(([, term]) => classOf(term as Term) === termClass); // Bounds hold terms.
  return own.length === 0 ? WHOLE_CLASS[termClass] : Object.fromEntries(own);
}

function atomsBetween({ gte, lt, lte }: Bounds): FieldOperators {
  const place = (term: Term): number => {
    if (classOf(term) === 'atom') return ATOMS.indexOf(term);
    return rankOf(term) < CLASSES.indexOf('atom') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  };
  const isBetween = (atom: Term): boolean =>
    (gte === undefined || place(atom) >= place(gte)) &&
    (lt === undefined || place(atom) < place(lt)) &&
    (lte === undefined || place(atom) <= place(lte));
  return { in: ATOMS.filter(isBetween) };
}

function rankOf(term: Term): number {
  return CLASSES.indexOf(classOf(term));
}

function classOf(term: Term): TermClass {
  if (typeof term === 'number') return 'number';
  if (typeof term === 'string') return 'string';
  return Array.isArray(term) ? 'tuple' : 'atom';
}
