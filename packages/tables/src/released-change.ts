/**
 * The released changes of a table, as types: what `watch` gives to others than the owner.
 *
 * A batch is what one handler did to the table. What it did more than once to a row is one change, and each change says what is
 * there afterwards, so that one which is applied again changes nothing.
 */
import type { AnyTableDefinition, KeyOf } from './definition.js';
import type { StoredRowOf, TableInfo } from './table-operands.js';

/** A moment in the history of the store, as plain data that may be kept and sent. A batch is one: the moment right behind it. */
export interface ReleasedPosition {
  /** The history that the LSN belongs to: a store that may have been rolled back begins another. */
  readonly timeline: number;
  /** The sequence number of the last batch, of the whole store, that came before. */
  readonly lsn: number;
}

/** A row that was written or removed, or the removal of all that were there. */
export type ReleasedChange<D extends AnyTableDefinition> =
  | {
      /** The row is there now, in place of one of the same identity. */
      readonly kind: 'insert';
      readonly key: KeyOf<D>;
      /** Names this row of this table, the same for all its changes: its key, and in bags also which of the key's rows it is. */
      readonly identity: string;
      readonly row: StoredRowOf<D>;
    }
  | {
      readonly kind: 'delete';
      /** In an ordered set, a bigint that a number can be comes as that number, which is the same key. */
      readonly key: KeyOf<D>;
      readonly identity: string;
      readonly row: undefined;
    }
  | {
      /** All rows that came before are gone. */
      readonly kind: 'clear';
      readonly key: undefined;
      readonly identity: undefined;
      readonly row: undefined;
    };

/** What one handler changed in the table, and where in the history. */
export interface ReleasedBatch<D extends AnyTableDefinition> extends ReleasedPosition {
  readonly changes: readonly ReleasedChange<D>[];
  /**
   * Whether a copy that has applied everything so far is the table as of this position. False only while a watch from `'start'`
   * reads the rows and catches up with what changed meanwhile; only a position where it is true is one to go on from.
   */
  readonly isConsistent: boolean;
}

/** What `watch` takes. */
export interface WatchOptions {
  /**
   * Where to begin. `'now'` (default): with what is released after this call. `'start'`: with the rows that are there, as
   * inserts. A position: behind it, exactly; a bare LSN is taken for one of the present timeline.
   */
  readonly from?: 'now' | 'start' | number | ReleasedPosition;
  readonly signal?: AbortSignal;
}

/** What is known of a released table. */
export interface ReleasedInfo extends TableInfo {
  /** The moment at which it had this size; undefined for a table that survives nothing. */
  readonly position?: ReleasedPosition;
}
