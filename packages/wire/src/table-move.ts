/**
 * Tables whose owner is another worker than the one that declares them: what an owner is told when it gets one, and what the
 * others are.
 */
import type { FieldCheck } from './field.js';
import { anything, listOf, natural, optional, record, text } from './field.js';
import type { TableDeclaration, TableGrant } from './table-grant.js';
import { tableDeclaration, tableGrant } from './table-grant.js';

/** What the new owner of a table is told once: who had it, and what was given with it. */
export interface TransferNotice {
  readonly from: string;
  readonly data: unknown;
}
/** A table that an incarnation owns besides those that it declares, or one that it declares and gets back. */
export interface Adoption {
  /** The worker that declares the table; with the table's name this is its identity. */
  readonly worker: string;
  readonly declaration: TableDeclaration;
  readonly grant: TableGrant;
  /** How often the table has moved: an adoption may come twice, and is one with its number. */
  readonly moves: number;
  readonly owner: string;
  /** The epoch of the owner that this is for. */
  readonly epoch: number;
  /** What the owner has not taken note of yet. */
  readonly notice: TransferNotice | undefined;
}
/** Which worker has a table now. */
export interface TableMove {
  readonly worker: string;
  readonly name: string;
  readonly owner: string;
}
/** A declared table that another worker owns. */
export interface ElsewhereTable {
  readonly name: string;
  readonly owner: string;
}
/** The check of a notice, as it travels and as it is stored. */
export const transferNotice: FieldCheck<TransferNotice> = record({ from: text, data: anything });
/** The check of an adoption. */
export const adoption: FieldCheck<Adoption> = record({
  worker: text,
  declaration: tableDeclaration,
  grant: tableGrant,
  moves: natural,
  owner: text,
  epoch: natural,
  notice: optional(transferNotice),
});
/** The check of the declared tables that others own. */
export const elsewhere: FieldCheck<readonly ElsewhereTable[]> = listOf(record({ name: text, owner: text }));
