/** Traces of several processes that use, give away, inherit, rename and delete tables: their steps, and reading them. */
import type { Access, TableType } from '@heirloom/tables';
import { readId, showStep, TABLE_TYPES } from './ets-trace.js';
import { TraceFields } from './trace-fields.js';
import type { TraceLine } from './trace-lines.js';
import { readResult } from './trace-result.js';
import type { RecordedResult } from './trace-result.js';
import { readKey, readScalar } from './trace-row.js';
import type { TraceKey, TraceScalar } from './trace-row.js';

export type PairRow = readonly [key: TraceKey, value: TraceScalar];

/** The arguments of every operation, by its name in traces. */
export interface OwnershipArguments {
  new: {
    readonly table: string;
    readonly type: TableType;
    readonly access: Access;
    readonly name: string | undefined;
    readonly heir: string | undefined;
  };
  insert: { readonly table: string; readonly row: PairRow };
  lookup: { readonly table: string; readonly key: TraceKey };
  member: { readonly table: string; readonly key: TraceKey };
  count: { readonly table: string };
  give_away: { readonly table: string; readonly to: string; readonly data: string };
  set_heir: { readonly table: string; readonly heir: string | undefined };
  rename: { readonly table: string; readonly name: string; readonly named: boolean };
  delete_table: { readonly table: string };
  whereis: { readonly name: string };
  info: { readonly table: string };
  spawn: object;
  kill: object;
  exit: object;
}

export type OwnershipOperation = keyof OwnershipArguments;

/** An operation with its arguments, and the process that acts. */
export type OwnershipCommand = {
  [Operation in OwnershipOperation]: {
    readonly op: Operation;
    readonly by: string;
    readonly arguments: OwnershipArguments[Operation];
  };
}[OwnershipOperation];

/** A message that announced a new owner. */
export interface RecordedTransfer {
  readonly to: string;
  readonly table: string;
  readonly from: string;
  readonly data: string;
}

export interface OwnershipStep {
  readonly command: OwnershipCommand;
  readonly result: RecordedResult;
  readonly transfers: readonly RecordedTransfer[];
  /** The step without its outcome, as it stands in the trace. */
  readonly shown: string;
}

export interface OwnershipSequence {
  readonly id: number | string;
  readonly steps: readonly OwnershipStep[];
}

const ACCESSES = ['private', 'protected', 'public'] as const;

const noArguments = (): object => ({});
const oneTable = (fields: TraceFields) => ({ table: fields.string('table') });
const keyInTable = (fields: TraceFields) => ({ ...oneTable(fields), key: readKey(fields, 'key') });

const READ_ARGUMENTS: {
  readonly [Operation in OwnershipOperation]: (fields: TraceFields) => OwnershipArguments[Operation];
} = {
  new: (fields) => ({
    ...oneTable(fields),
    type: fields.oneOf('type', TABLE_TYPES),
    access: fields.oneOf('access', ACCESSES),
    name: fields.stringOrNull('name'),
    heir: fields.stringOrNull('heir'),
  }),
  insert: (fields) => ({ ...oneTable(fields), row: readPair(fields) }),
  lookup: keyInTable,
  member: keyInTable,
  count: oneTable,
  give_away: (fields) => ({ ...oneTable(fields), to: fields.string('to'), data: fields.string('data') }),
  set_heir: (fields) => ({ ...oneTable(fields), heir: fields.stringOrNull('heir') }),
  rename: (fields) => ({ ...oneTable(fields), name: fields.string('name'), named: fields.boolean('named') }),
  delete_table: oneTable,
  whereis: (fields) => ({ name: fields.string('name') }),
  info: oneTable,
  spawn: noArguments,
  kill: noArguments,
  exit: noArguments,
};

/** Every operation there is in traces. */
export const OWNERSHIP_OPERATIONS = Object.keys(READ_ARGUMENTS) as readonly OwnershipOperation[]; // The record has exactly these keys.

/** Reads a sequence. Throws `TraceFormatError` for whatever is not in the format. */
export function readOwnershipSequence(line: TraceLine): OwnershipSequence {
  const fields = new TraceFields(line.place, line.value);
  const id = readId(fields);
  const steps = fields.steps('ops').map(({ place, value }) => readStep(place, value));
  fields.done();
  return { id, steps };
}

function readStep(place: string, value: unknown): OwnershipStep {
  const fields = new TraceFields(place, value);
  const op = fields.oneOf('op', OWNERSHIP_OPERATIONS);
  const by = fields.string('by');
  const step = {
    // The record pairs each operation with the arguments that are read for it.
    command: { op, by, arguments: READ_ARGUMENTS[op](fields) } as OwnershipCommand,
    result: readResult(fields),
    transfers: fields.list('transfers').map((transfer) => readTransfer(transfer.place, transfer.value)),
    shown: showStep(value),
  };
  fields.done();
  return step;
}

function readTransfer(place: string, value: unknown): RecordedTransfer {
  const fields = new TraceFields(place, value);
  const [to, table] = [fields.string('to'), fields.string('table')];
  const [from, data] = [fields.string('from'), fields.string('data')];
  fields.done();
  return { to, table, from, data };
}

function readPair(fields: TraceFields): PairRow {
  const { place } = fields;
  const [key, value, ...others] = fields.list('row');
  if (key === undefined || value === undefined || others.length > 0)
    return fields.refuse('row', others, 'a row [key, value]');
  const row = new TraceFields(place, { key: key.value, value: value.value });
  return [readKey(row, 'key'), readScalar(row, 'value')];
}
