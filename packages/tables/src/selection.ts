/**
 * What selections take and give, as types: options, projections, pages, patterns.
 */
import type { AnyTableDefinition, FieldOf, FieldValue, KeyOf, RowOf } from './definition.js';
import type { KeyCut } from './key-range.js';
import type { StoredRowOf } from './owner-table.js';
import type { TableForm } from './table-form.js';
import type { Where } from './where.js';

/** A list of fields of a row (positions of a tuple), to project rows to. */
export type FieldsOf<D extends AnyTableDefinition> = readonly (FieldOf<RowOf<D>> & keyof RowOf<D>)[];

/** What a selected row is: whole, or of the fields that were asked for (a tuple: their values, in that order). */
export type SelectedRow<D extends AnyTableDefinition, Fields extends FieldsOf<D>> = [Fields] extends [never]
  ? StoredRowOf<D>
  : RowOf<D> extends readonly unknown[]
    ? MatchedValues<D, Fields>
    : Readonly<Pick<RowOf<D>, Fields[number]>>;

/** The values of some fields of a row, in the order in which they were asked for. */
export type MatchedValues<D extends AnyTableDefinition, Fields extends FieldsOf<D>> = {
  readonly [Index in keyof Fields]: FieldValue<RowOf<D>, Fields[Index]>;
};

/** What `select` takes. */
export interface SelectOptions<D extends AnyTableDefinition, Fields extends FieldsOf<D> = never, Filter = Where<D>> {
  readonly where?: Filter;
  /** Only these fields of each row; a field that a row lacks stays away (undefined in a tuple). */
  readonly fields?: Fields;
  /** The most rows to return, a positive integer. */
  readonly limit?: number;
  /** From the last key to the first; in hash types it changes nothing. */
  readonly reverse?: boolean;
}

/** What `selectPage` takes; `limit` is `SELECT_PAGE_ROWS_DEFAULT` if left out. */
export interface PageOptions<
  D extends AnyTableDefinition,
  Fields extends FieldsOf<D> = never,
  Filter = Where<D>,
> extends SelectOptions<D, Fields, Filter> {
  /** Where the page before ended; without it, the first page. `ERR_TABLE_CURSOR` for one of a table of another form. */
  readonly after?: SelectCursor | undefined;
}

/** What `selectReverse` takes. */
export type ReverseOptions<D extends AnyTableDefinition, Fields extends FieldsOf<D> = never, Filter = Where<D>> = Omit<
  SelectOptions<D, Fields, Filter>,
  'reverse'
>;

/** What `match` takes beside its pattern and fields. */
export interface MatchOptions {
  /** The most rows, a positive integer. */
  readonly limit?: number;
  /** From the last key to the first; in hash types it changes nothing. */
  readonly reverse?: boolean;
}

/** What `matchObject` takes beside its pattern. */
export interface MatchObjectOptions<
  D extends AnyTableDefinition,
  Fields extends FieldsOf<D> = never,
> extends MatchOptions {
  /** Only these fields of each row. */
  readonly fields?: Fields;
}

/** A part of a row (of a tuple: an object by position); a row matches when each named field equals by structure. */
export type Pattern<D extends AnyTableDefinition> = {
  readonly [Field in FieldOf<RowOf<D>> & keyof RowOf<D>]?: RowOf<D>[Field];
};

/**
 * Where a page of rows ended: a plain value that may be kept, sent, and used more than once, also of another owner of the table. It
 * belongs to the form of the table; after a migration it is refused (`ERR_TABLE_CURSOR`).
 */
export interface SelectCursor extends TableForm {
  readonly keyBytes: Uint8Array;
  readonly sequence: number;
}

/** A page of rows. */
export interface SelectPage<D extends AnyTableDefinition, Fields extends FieldsOf<D> = never> {
  readonly rows: readonly SelectedRow<D, Fields>[];
  /** Where the next page begins; undefined exactly when no row that matches was left behind this page. */
  readonly after: SelectCursor | undefined;
}

/** A key with all of its rows: one in sets, in order of insertion in bags. */
export interface KeyedRows<D extends AnyTableDefinition> {
  readonly key: KeyOf<D>;
  readonly rows: readonly StoredRowOf<D>[];
}

/** How a selection finds its rows; plain data. */
export interface Explanation {
  /** By looking keys up, by walking a range of keys, or by walking every row. */
  readonly access: 'lookup' | 'range' | 'scan';
  /** How many keys are looked up. */
  readonly keys?: number;
  /** Where the range begins and ends; an end that is missing is that of the table. */
  readonly from?: KeyCut;
  readonly to?: KeyCut;
  /** Whether rows come in key order. */
  readonly isOrdered: boolean;
}
