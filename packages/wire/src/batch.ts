/**
 * A batch: everything that one handler did, as the worker puts it into its journal.
 *
 *   batch     uint53 number · u8 flags · varuint count · count × outcome · varuint count · count × table
 *             · (flag 2) migration · (flag 4) steps · (flag 8) casts · (flag 16) keeping (outcome-key.ts)
 *   flags     1: this is the batch of `init` · 2: one step of a migration, and nothing else · 4: it has ownership steps
 *             · 8: its handler has made casts, or was that of a cast · 16: its one outcome is kept under an idempotency key
 *   migration u8 step (1 rows, 2 flip, 3 abandon) · (rows) u8 flags (1: a row has moved, 2: complete)
 *             · length-prefixed cursor · table
 *   steps     length-prefixed value: list of OwnershipStep
 *   casts     varuint count · count × cast (cast.ts) · u8 flags (1: it was that of a cast) · (flag 1) ending (cast.ts)
 *   table     varuint tableId · varuint size · uint53 nextSequence · u8 flags (1: cleared first)
 *             · varuint count · count × shape · varuint count · count × change
 *   shape     varuint id · varuint count · count × string
 *   steps     length-prefixed value: a list of OwnershipStep, in order, each behind all changes
 *   change    u8 kind (1 put, 2 delete) · length-prefixed key bytes · varuint sequence · (put) length-prefixed row bytes
 *
 * `size` and `nextSequence` are the table's after the batch. A cleared table is empty before its changes. The outcomes are those
 * of the handler's own call; a list, so that later kinds of batch can carry none or several. A change names each
 * (key, sequence) at most once. Sequence is 0 in tables of type set and ordered_set.
 */
import { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import type { Outcome } from './call-messages.js';
import type { Cast, CastEnding } from './cast.js';
import { CAST_BYTES_MIN, readCast, readEnding, writeCast, writeEnding } from './cast.js';
import { readOutcomes, writeOutcome } from './call-messages.js';
import { malformed } from './errors.js';
import type { OutcomeKeeping } from './outcome-key.js';
import { readKeeping, writeKeeping } from './outcome-key.js';
import type { FieldCheck } from './field.js';
import { anything, expectMessage, listOf, natural, oneOf, optional, record, text } from './field.js';
import type { StoredShape } from './table-grant.js';
import { decodeValue, encodeValue } from './value-codec.js';

export interface Batch {
  readonly number: number;
  readonly isInit: boolean;
  readonly outcomes: readonly Outcome[];
  readonly tables: readonly TableChanges[];
  /** Then there are neither outcomes nor tables beside it. */
  readonly migration?: MigrationStep | undefined;
  /** What becomes of tables as a whole, in order; undefined for nothing. */
  readonly steps?: readonly OwnershipStep[];
  /** The casts that the handler has made, in order; undefined for none. */
  readonly casts?: readonly Cast[];
  /** The stored cast or dead letter whose handler this was: then there is one outcome, that of the run. */
  readonly ending?: CastEnding | undefined;
  /** That its one outcome is to be kept; undefined if not. */
  readonly keeping?: OutcomeKeeping | undefined;
}
/**
 * A step on the way of the stored rows to a new version of their tables: some rows of one table in their new form; all tables of
 * the worker at once get their new rows and version; or everything that was made is given up.
 */
export type MigrationStep = MigratedRows | { readonly step: 'flip' } | { readonly step: 'abandon' };
export interface MigratedRows {
  readonly step: 'rows';
  /** The table's new rows; `size` and `nextSequence` are those of the new rows so far. */
  readonly rows: TableChanges;
  /** Where the next step goes on in the old rows: a key's bytes and a sequence. */
  readonly cursor: Uint8Array;
  /** Whether a row of the table has got another key so far. */
  readonly hasMoved: boolean;
  /** Whether this was the last of the old rows. */
  readonly isComplete: boolean;
}
/**
 * What a handler did to the ownership of a table: gave it to another worker, named another heir for it, or, as the new owner,
 * took note of it.
 */
export interface OwnershipStep {
  readonly kind: 'give' | 'heir' | 'accept';
  readonly tableId: number;
  /** The new owner or heir; undefined for no heir but the keeper. */
  readonly to: string | undefined;
  /** What the new owner is told, now or when it inherits. */
  readonly data: unknown;
}
export interface TableChanges {
  readonly tableId: number;
  readonly size: number;
  readonly nextSequence: number;
  readonly cleared: boolean;
  readonly shapes: readonly StoredShape[];
  readonly changes: readonly Change[];
}
/** A row that is there after the batch, or, without row bytes, one that is not. */
export interface Change {
  readonly keyBytes: Uint8Array;
  readonly sequence: number;
  readonly rowBytes: Uint8Array | undefined;
}

/** The most bytes of a step's data, encoded: it is kept with its table, and told to each life of the new owner until one takes note. */
export const TRANSFER_DATA_BYTES_MAX: number = 64 * 1024;

const PUT = 1;
const DELETE = 2;
const INIT_FLAG = 1;
const MIGRATION_FLAG = 2;
const STEPS_FLAG = 4;
const CASTS_FLAG = 8;
const KEEPING_FLAG = 16;
const CLEARED_FLAG = 1;
const MOVED_FLAG = 1;
const COMPLETE_FLAG = 2;
const ENDING_FLAG = 1;
/** By their numbers, from 1. */
const STEPS = ['rows', 'flip', 'abandon'] as const;
/** Fewest bytes of each repeated part, by which a hostile count is refused. */
const TABLE_BYTES_MIN = 13;
const SHAPE_BYTES_MIN = 2;
export const CHANGE_BYTES_MIN = 3;

const stepList: FieldCheck<readonly OwnershipStep[]> = listOf(
  record({ kind: oneOf('give', 'heir', 'accept'), tableId: natural, to: optional(text), data: anything }),
);

export function writeBatch(writer: ByteWriter, batch: Batch): void {
  const { steps = [], casts = [], ending } = batch;
  const hasCasts = casts.length > 0 || ending !== undefined;
  writer.uint53(batch.number);
  const { migration, keeping } = batch;
  const init = batch.isInit ? INIT_FLAG : 0;
  const hasKeeping = keeping === undefined ? 0 : KEEPING_FLAG;
  const extras = (steps.length > 0 ? STEPS_FLAG : 0) | (hasCasts ? CASTS_FLAG : 0) | hasKeeping;
  writer.u8(init | (migration === undefined ? 0 : MIGRATION_FLAG) | extras);
  writer.varuint(batch.outcomes.length);
  for (const outcome of batch.outcomes) writeOutcome(writer, outcome);
  writer.varuint(batch.tables.length);
  for (const table of batch.tables) writeTableChanges(writer, table);
  if (migration !== undefined) writeMigration(writer, migration);
  if (steps.length > 0) writer.lengthPrefixed(encodeValue(steps));
  if (hasCasts) writeCasts(writer, casts, ending);
  if (keeping !== undefined) writeKeeping(writer, keeping);
}

function writeCasts(writer: ByteWriter, casts: readonly Cast[], ending: CastEnding | undefined): void {
  writer.varuint(casts.length);
  for (const cast of casts) writeCast(writer, cast);
  writer.u8(ending === undefined ? 0 : ENDING_FLAG);
  if (ending !== undefined) writeEnding(writer, ending);
}

function writeMigration(writer: ByteWriter, migration: MigrationStep): void {
  writer.u8(STEPS.indexOf(migration.step) + 1);
  if (migration.step !== 'rows') return;
  writer.u8((migration.hasMoved ? MOVED_FLAG : 0) | (migration.isComplete ? COMPLETE_FLAG : 0));
  writer.lengthPrefixed(migration.cursor);
  writeTableChanges(writer, migration.rows);
}

function writeTableChanges(writer: ByteWriter, table: TableChanges): void {
  writer.varuint(table.tableId);
  writer.varuint(table.size);
  writer.uint53(table.nextSequence);
  writer.u8(table.cleared ? CLEARED_FLAG : 0);
  writer.varuint(table.shapes.length);
  for (const shape of table.shapes) {
    writer.varuint(shape.id);
    writer.varuint(shape.fields.length);
    for (const field of shape.fields) writer.string(field);
  }
  writer.varuint(table.changes.length);
  for (const change of table.changes) writeChange(writer, change);
}

export function writeChange(writer: ByteWriter, change: Change): void {
  writer.u8(change.rowBytes === undefined ? DELETE : PUT);
  writer.lengthPrefixed(change.keyBytes);
  writer.varuint(change.sequence);
  if (change.rowBytes !== undefined) writer.lengthPrefixed(change.rowBytes);
}

/** Decodes the body of a batch; its bytes are views on the body. Throws WireError ERR_WIRE_DECODE or ERR_WIRE_MESSAGE. */
export function decodeBatch(body: Uint8Array): Batch {
  const reader = new ByteReader(body);
  const number = reader.uint53();
  const flags = readFlags(reader, INIT_FLAG | MIGRATION_FLAG | STEPS_FLAG | CASTS_FLAG | KEEPING_FLAG);
  const outcomes = readOutcomes(reader);
  const tables: TableChanges[] = [];
  for (let count = reader.count(TABLE_BYTES_MIN); count > 0; count--) tables.push(readTableChanges(reader));
  const migration = (flags & MIGRATION_FLAG) === 0 ? undefined : readMigration(reader);
  const steps = (flags & STEPS_FLAG) === 0 ? undefined : readSteps(reader);
  const castPart = (flags & CASTS_FLAG) === 0 ? undefined : readCasts(reader);
  const keeping = (flags & KEEPING_FLAG) === 0 ? undefined : readKeeping(reader);
  reader.finish();
  if (keeping !== undefined && outcomes.length !== 1)
    throw malformed('A batch keeps an outcome, and has not one.', { number });
  const batch = { number, isInit: (flags & INIT_FLAG) !== 0, outcomes, tables };
  const extras = { ...(migration && { migration }), ...(steps && { steps }), ...castPart, ...(keeping && { keeping }) };
  return { ...batch, ...extras };
}

function readMigration(reader: ByteReader): MigrationStep {
  const number = reader.u8();
  const step = STEPS[number - 1];
  if (step === undefined) throw malformed(`A migration has an unknown step ${number}.`);
  if (step !== 'rows') return { step };
  const flags = readFlags(reader, MOVED_FLAG | COMPLETE_FLAG);
  const cursor = reader.lengthPrefixed();
  const rows = readTableChanges(reader);
  return {
    step,
    rows,
    cursor,
    hasMoved: (flags & MOVED_FLAG) !== 0,
    isComplete: (flags & COMPLETE_FLAG) !== 0,
  };
}

function readSteps(reader: ByteReader): readonly OwnershipStep[] {
  const steps = expectMessage('batch', stepList, decodeValue(reader.lengthPrefixed()));
  if (steps.length === 0) throw malformed('A batch has an empty list of ownership steps.');
  return steps;
}

function readCasts(reader: ByteReader): Pick<Batch, 'casts' | 'ending'> {
  const casts: Cast[] = [];
  for (let count = reader.count(CAST_BYTES_MIN); count > 0; count--) casts.push(readCast(reader));
  const hasEnding = readFlags(reader, ENDING_FLAG) === ENDING_FLAG;
  if (!hasEnding && casts.length === 0) throw malformed('A batch has an empty list of casts.');
  return { ...(casts.length > 0 && { casts }), ...(hasEnding && { ending: readEnding(reader) }) };
}

function readFlags(reader: ByteReader, known: number): number {
  const flags = reader.u8();
  if ((flags & ~known) !== 0) throw malformed(`A batch has unknown flags ${flags}.`);
  return flags;
}

function readTableChanges(reader: ByteReader): TableChanges {
  const tableId = reader.varuint();
  const size = reader.varuint();
  const nextSequence = reader.uint53();
  const cleared = readFlags(reader, CLEARED_FLAG) === CLEARED_FLAG;
  const shapes: StoredShape[] = [];
  for (let count = reader.count(SHAPE_BYTES_MIN); count > 0; count--) shapes.push(readShape(reader));
  const changes: Change[] = [];
  for (let count = reader.count(CHANGE_BYTES_MIN); count > 0; count--) changes.push(readChange(reader));
  return { tableId, size, nextSequence, cleared, shapes, changes };
}

function readShape(reader: ByteReader): StoredShape {
  const id = reader.varuint();
  const fields: string[] = [];
  for (let count = reader.count(1); count > 0; count--) fields.push(reader.string());
  return { id, fields };
}

/** Reads one change; its bytes are views on the reader's. Throws WireError ERR_WIRE_DECODE. */
export function readChange(reader: ByteReader): Change {
  const kind = reader.u8();
  if (kind !== PUT && kind !== DELETE) throw malformed(`A change has unknown kind ${kind}.`);
  const keyBytes = reader.lengthPrefixed();
  const sequence = reader.varuint();
  return { keyBytes, sequence, rowBytes: kind === PUT ? reader.lengthPrefixed() : undefined };
}
