/** Reading records of the store that were written as values: what does not have the expected fields is damage. */
import {
  anything,
  decodeValue,
  flag,
  listOf,
  migrationProgressFields,
  natural,
  optional,
  record,
  tableDeclaration,
  text,
  transferNotice,
} from '@heirloom/wire';
import type { FieldCheck, MigrationProgress, TableDeclaration, TransferNotice } from '@heirloom/wire';
import type { EpochRecord } from './epochs.js';
import { damaged } from './store-file.js';

/** The one record that says where the whole store stands. */
export interface StoreState {
  /** Grows when a start may have lost what an earlier run had committed; LSNs of different timelines do not compare. */
  readonly timeline: number;
  /** How many keepers have opened the store. */
  readonly generation: number;
  /** How many times a runtime was started on the store; call ids belong to an instance. */
  readonly instance: number;
  readonly lsn: number;
  readonly confirmedLsn: number;
  readonly nextTableId: number;
  readonly nextExtent: number;
  readonly bootId: string;
  /** Whether the last run said good-bye. */
  readonly isClean: boolean;
}

/** What is stored of a table beside its counts, shapes and rows. */
export interface TableRecord {
  readonly worker: string;
  readonly extent: number;
  readonly declaration: TableDeclaration;
  readonly migration: StoredMigration | undefined;
  /** Undefined in stores of versions whose tables had no owners but their workers. */
  readonly ownership?: OwnershipRecord | undefined;
}

/** How far the rows of a table are on their way to a new version; see table-migration.ts. */
export interface StoredMigration extends MigrationProgress {
  /** What the table becomes. */
  readonly target: TableDeclaration;
}

/** Who owns a table, and where it goes; see table-ownership.ts. */
export interface OwnershipRecord {
  /** The worker that may change it, or will have it in its next life. */
  readonly owner: string;
  /** The worker that inherits it; undefined for the keeper alone. */
  readonly heir: string | undefined;
  /** What the heir is told. */
  readonly heirData: unknown;
  /** How often it has had another owner. */
  readonly moves: number;
  /** When it came to its owner: an LSN. */
  readonly since: number;
  /** What the owner has not taken note of. */
  readonly notice: TransferNotice | undefined;
  /** The runtime-wide name: the declared one until it is renamed. */
  readonly publicName: string | undefined;
}

const stateCheck: FieldCheck<StoreState> = record({
  timeline: natural,
  generation: natural,
  instance: natural,
  lsn: natural,
  confirmedLsn: natural,
  nextTableId: natural,
  nextExtent: natural,
  bootId: text,
  isClean: flag,
});
const epochCheck: FieldCheck<EpochRecord> = record({
  epoch: natural,
  isOpen: flag,
  lastBatch: natural,
  isInitialized: flag,
});
const tableCheck: FieldCheck<TableRecord> = record({
  worker: text,
  extent: natural,
  declaration: tableDeclaration,
  migration: optional(record({ target: tableDeclaration, ...migrationProgressFields })),
  ownership: optional(
    record({
      owner: text,
      heir: optional(text),
      heirData: anything,
      moves: natural,
      since: natural,
      notice: optional(transferNotice),
      publicName: optional(text),
    }),
  ),
});

export function decodeState(path: string, bytes: Uint8Array): StoreState {
  return decodeRecord(path, 'state', bytes, stateCheck);
}

export function decodeEpoch(path: string, bytes: Uint8Array): EpochRecord {
  return decodeRecord(path, 'epoch', bytes, epochCheck);
}

export function decodeTable(path: string, bytes: Uint8Array): TableRecord {
  return decodeRecord(path, 'table', bytes, tableCheck);
}

export function decodeShapeFields(path: string, bytes: Uint8Array): readonly string[] {
  return decodeRecord(path, 'shape', bytes, listOf(text));
}

/** Decodes and checks a stored value; throws ERR_STORE_DAMAGED, which names the file and `what` the record is of. */
export function decodeRecord<T>(path: string, what: string, bytes: Uint8Array, check: FieldCheck<T>): T {
  let value: unknown;
  try {
    value = decodeValue(bytes);
  } catch (cause) {
    throw damaged(path, `a record of a ${what} cannot be decoded`, cause);
  }
  if (check(value)) return value;
  throw damaged(path, `a record of a ${what} has not the fields of one`);
}
