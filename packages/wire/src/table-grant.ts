/**
 * A table as processes tell each other of it: how its worker declares it, and where the keeper has its rows.
 */
import type { KeySpec } from '@heirloom/tables';
import type { Checked, FieldCheck } from './field.js';
import { binary, flag, listOf, natural, oneOf, optional, record, text } from './field.js';

const isKeyPart = (value: unknown): value is string | number => text(value) || natural(value);
const keySpec: FieldCheck<KeySpec> = (value): value is KeySpec =>
  isKeyPart(value) || (Array.isArray(value) && value.length > 0 && value.every(isKeyPart));
/** Whether a table is the worker's own affair, and is shown to nobody: no table of a definition has such a name. */
export function isHiddenTable(name: string): boolean {
  return name.startsWith('$');
}
/** The check of a table's declaration; the keeper stores it as it came. */
export const tableDeclaration: FieldCheck<TableDeclaration> = record({
  name: text,
  type: oneOf('set', 'ordered_set', 'bag', 'duplicate_bag'),
  access: oneOf('private', 'protected', 'public'),
  survives: oneOf('power_loss', 'runtime_crash', 'nothing'),
  key: keySpec,
  publicName: optional(text),
  version: natural,
  migrates: optional(flag),
  keepBytes: optional(natural),
  heir: optional(text),
});
/** A table as its worker's definition declares it. */
export type TableDeclaration = DeclaredFields & {
  /** The worker that inherits the table; without one it is the keeper. */
  readonly heir?: string | undefined;
};
type DeclaredFields = Checked<{
  name: FieldCheck<string>;
  type: FieldCheck<'set' | 'ordered_set' | 'bag' | 'duplicate_bag'>;
  access: FieldCheck<'private' | 'protected' | 'public'>;
  survives: FieldCheck<'power_loss' | 'runtime_crash' | 'nothing'>;
  key: FieldCheck<KeySpec>;
  publicName: FieldCheck<string | undefined>;
  version: FieldCheck<number>;
  /** How many bytes of changes are kept for those who watch; undefined when none are. */
  keepBytes: FieldCheck<number | undefined>;
}> & {
  /** Whether the worker can make rows of this version of those of a lower one. */
  readonly migrates?: boolean | undefined;
};

/** What the bytes of a table's rows are read by; it is the stored one, which may be older than the declared one. */
export type RowForm = Pick<TableDeclaration, 'type' | 'key'>;

/** The field names of one row shape of one table, with the id that encoded rows use. */
export interface StoredShape {
  readonly id: number;
  readonly fields: readonly string[];
}
/** A table as the keeper hands it to a new incarnation: where its rows lie in the store, and how many there are. */
export interface TableGrant {
  readonly name: string;
  readonly tableId: number;
  readonly extent: number;
  readonly size: number;
  readonly nextSequence: number;
  readonly shapes: readonly StoredShape[];
  /** Present if the rows are of a lower version than the declared one: the worker has to migrate them first. */
  readonly migration?: MigrationGrant | undefined;
}
/** How far the rows of a table are on their way to a new version. */
export interface MigrationProgress {
  /** Where the new rows lie, how many there are so far, and the sequence of the next one. */
  readonly extent: number;
  readonly size: number;
  readonly nextSequence: number;
  /** Where to go on in the old rows; empty for their beginning. */
  readonly cursor: Uint8Array;
  /** Whether a row has got another key so far. */
  readonly hasMoved: boolean;
  /** Whether every old row was migrated. */
  readonly isComplete: boolean;
}
/** The progress, with what its worker must know of the old rows. */
export interface MigrationGrant extends MigrationProgress {
  readonly fromVersion: number;
  /** The type with which the old rows are stored. */
  readonly fromType: TableDeclaration['type'];
}
/** The checks of a progress, for what travels and for what is stored. */
export const migrationProgressFields: {
  readonly [Field in keyof MigrationProgress]: FieldCheck<MigrationProgress[Field]>;
} = {
  extent: natural,
  size: natural,
  nextSequence: natural,
  cursor: binary,
  hasMoved: flag,
  isComplete: flag,
};
const migrationGrant: FieldCheck<MigrationGrant> = record({
  fromVersion: natural,
  fromType: oneOf('set', 'ordered_set', 'bag', 'duplicate_bag'),
  ...migrationProgressFields,
});
/** The check of a grant. */
export const tableGrant: FieldCheck<TableGrant> = record({
  name: text,
  tableId: natural,
  extent: natural,
  size: natural,
  nextSequence: natural,
  shapes: listOf(record({ id: natural, fields: listOf(text) })),
  migration: optional(migrationGrant),
});
