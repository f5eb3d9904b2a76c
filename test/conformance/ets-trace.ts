/** Traces of operations on one table, as recorded from ETS: their steps as types, and reading them. */
import type { TableType } from '@heirloom/tables';
import { TraceFields } from './trace-fields.js';
import type { TraceLine } from './trace-lines.js';
import { readResult } from './trace-result.js';
import type { RecordedResult } from './trace-result.js';
import { positionOf, readKey, readScalar, readTraceRow, readTraceRows, ROW_FIELDS } from './trace-row.js';
import type { RowField, TraceKey, TraceRow, TraceScalar } from './trace-row.js';

/** New values by position, or the values that the positions must have. */
export type TracePatch = Readonly<Record<number, TraceKey | TraceScalar>>;

/** Conditions on one field; all must hold. `undefined` is the empty `where`, which every row matches. */
export type TraceWhere = TraceCondition | undefined;

export interface TraceCondition {
  readonly field: RowField;
  readonly eq?: TraceKey | TraceScalar;
  readonly lt?: TraceKey | TraceScalar;
  readonly gte?: TraceKey | TraceScalar;
  readonly lte?: TraceKey | TraceScalar;
}

/** The arguments of every operation, by its name in traces. */
export interface EtsArguments {
  insert: { readonly row: TraceRow };
  insert_many: { readonly rows: readonly TraceRow[] };
  insert_new: { readonly row: TraceRow };
  insert_new_many: { readonly rows: readonly TraceRow[] };
  lookup: { readonly key: TraceKey };
  take: { readonly key: TraceKey };
  lookup_element: { readonly key: TraceKey; readonly field: RowField };
  member: { readonly key: TraceKey };
  delete: { readonly key: TraceKey };
  delete_object: { readonly row: TraceRow };
  size: object;
  to_list: object;
  select: { readonly where: TraceWhere };
  select_reverse: { readonly where: TraceWhere };
  select_keys: { readonly where: TraceWhere };
  select_pages: { readonly where: TraceWhere; readonly limit: number };
  range: { readonly gte: TraceKey; readonly lt: TraceKey };
  count: { readonly where: TraceWhere };
  select_delete: { readonly where: TraceWhere };
  select_replace: { readonly where: TraceWhere; readonly set: TracePatch };
  match_delete: { readonly pattern: TracePatch };
  delete_all: object;
  fold_sum: { readonly field: RowField };
  update_counter: {
    readonly key: TraceKey;
    readonly field: RowField;
    readonly by: number;
    readonly default: TraceRow | undefined;
    readonly threshold: number | undefined;
    readonly set_value: number | undefined;
  };
  update_element: { readonly key: TraceKey; readonly set: TracePatch; readonly default: TraceRow | undefined };
  first: object;
  last: object;
  next: { readonly key: TraceKey };
  prev: { readonly key: TraceKey };
}

export type EtsOperation = keyof EtsArguments;

/** An operation with its arguments. */
export type EtsCommand = {
  [Operation in EtsOperation]: { readonly op: Operation; readonly arguments: EtsArguments[Operation] };
}[EtsOperation];

export interface EtsStep {
  readonly command: EtsCommand;
  readonly result: RecordedResult;
  /** The step without its result, as it stands in the trace. */
  readonly shown: string;
}

export interface EtsSequence {
  readonly id: number | string;
  readonly type: TableType;
  readonly steps: readonly EtsStep[];
}

export const TABLE_TYPES = ['set', 'ordered_set', 'bag', 'duplicate_bag'] as const;

const noArguments = (): object => ({});
const oneRow = (fields: TraceFields) => ({ row: readTraceRow(fields, 'row') });
const manyRows = (fields: TraceFields) => ({ rows: readTraceRows(fields, 'rows') });
const oneKey = (fields: TraceFields) => ({ key: readKey(fields, 'key') });
const oneWhere = (fields: TraceFields) => ({ where: readWhere(fields) });

const READ_ARGUMENTS: { readonly [Operation in EtsOperation]: (fields: TraceFields) => EtsArguments[Operation] } = {
  insert: oneRow,
  insert_many: manyRows,
  insert_new: oneRow,
  insert_new_many: manyRows,
  lookup: oneKey,
  take: oneKey,
  lookup_element: (fields) => ({ ...oneKey(fields), field: readField(fields) }),
  member: oneKey,
  delete: oneKey,
  delete_object: oneRow,
  size: noArguments,
  to_list: noArguments,
  select: oneWhere,
  select_reverse: oneWhere,
  select_keys: oneWhere,
  select_pages: (fields) => ({ ...oneWhere(fields), limit: fields.integer('limit') }),
  range: (fields) => ({ gte: readKey(fields, 'gte'), lt: readKey(fields, 'lt') }),
  count: oneWhere,
  select_delete: oneWhere,
  select_replace: (fields) => ({ ...oneWhere(fields), set: readPatch(fields, 'set') }),
  match_delete: (fields) => ({ pattern: readPatch(fields, 'pattern') }),
  delete_all: noArguments,
  fold_sum: (fields) => ({ field: readField(fields) }),
  update_counter: (fields) => ({
    ...oneKey(fields),
    field: readField(fields),
    by: fields.integer('by'),
    default: fields.optional('default', readTraceRow),
    threshold: fields.optional('threshold', (of, name) => of.integer(name)),
    set_value: fields.optional('set_value', (of, name) => of.integer(name)),
  }),
  update_element: (fields) => ({
    ...oneKey(fields),
    set: readPatch(fields, 'set'),
    default: fields.optional('default', readTraceRow),
  }),
  first: noArguments,
  last: noArguments,
  next: oneKey,
  prev: oneKey,
};

/** Every operation there is in traces. */
export const ETS_OPERATIONS = Object.keys(READ_ARGUMENTS) as readonly EtsOperation[]; // The record has exactly these keys.

/** Reads a sequence. Throws `TraceFormatError` for whatever is not in the format. */
export function readEtsSequence(line: TraceLine): EtsSequence {
  const fields = new TraceFields(line.place, line.value);
  const id = readId(fields);
  const type = fields.oneOf('type', TABLE_TYPES);
  const steps = fields.steps('ops').map(({ place, value }) => readStep(place, value));
  fields.done();
  return { id, type, steps };
}

/** Reads the number or name of a sequence. */
export function readId(fields: TraceFields): number | string {
  const id = fields.value('id');
  return typeof id === 'string' || typeof id === 'number' ? id : fields.refuse('id', id, 'a number or a string');
}

/** A step as it stands in the trace, without what is compared. */
export function showStep(value: unknown): string {
  // Steps were found to be objects.
  const { result: _result, transfers: _transfers, ...command } = value as Readonly<Record<string, unknown>>;
  return JSON.stringify(command);
}

function readStep(place: string, value: unknown): EtsStep {
  const fields = new TraceFields(place, value);
  const op = fields.oneOf('op', ETS_OPERATIONS);
  const step = {
    // The record pairs each operation with the arguments that are read for it.
    command: { op, arguments: READ_ARGUMENTS[op](fields) } as EtsCommand,
    result: readResult(fields),
    shown: showStep(value),
  };
  fields.done();
  return step;
}

function readField(fields: TraceFields): RowField {
  return fields.oneOf('field', ROW_FIELDS);
}

function readWhere(fields: TraceFields): TraceWhere {
  const where = fields.object('where');
  const [name, ...others] = where.names();
  if (name === undefined) return undefined;
  if (others.length > 0) where.refuse('where', where.names(), 'conditions on one field');
  const field = ROW_FIELDS.find((candidate) => candidate === name);
  if (field === undefined)
    return where.refuse(name, where.value(name), `a condition on one of ${ROW_FIELDS.join(', ')}`);
  const operators = where.object(name);
  if (operators.names().length === 0) operators.refuse(name, {}, 'at least one of eq, lt, gte, lte');
  const condition = { field, ...readOperators(operators, field === 'key' ? readKey : readScalar) };
  operators.done();
  return condition;
}

function readOperators(
  operators: TraceFields,
  read: (fields: TraceFields, name: string) => TraceKey | TraceScalar,
): Omit<TraceCondition, 'field'> {
  const named = (['eq', 'lt', 'gte', 'lte'] as const).filter((name) => operators.has(name));
  return Object.fromEntries(named.map((name) => [name, read(operators, name)]));
}

function readPatch(fields: TraceFields, name: string): TracePatch {
  const patch = fields.object(name);
  const present = ROW_FIELDS.filter((field) => patch.has(field));
  const values = present.map((field) => [positionOf(field), (field === 'key' ? readKey : readScalar)(patch, field)]);
  patch.done();
  // The entries were just made of positions and values.
  return Object.fromEntries(values) as TracePatch;
}
