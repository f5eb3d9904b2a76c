/**
 * Walks over the stored rows of one table, in the order of their bytes, from any place.
 *
 * 1. A place is key bytes and a sequence. In an ordered set a walk may go in reverse; elsewhere there is one direction.
 * 2. G9: rows are fetched a slice at a time, of at most SLICE_ROWS, which ends at SLICE_BYTES_MAX; between two rows no cursor of
 *    LMDB is open, so that whoever walks may leave the event loop to others.
 */
import { bytesAfter, cutBytes, encodeKey } from '@heirloom/tables';
import type { KeyAccess } from '@heirloom/tables';
import { isBag } from './layout.js';
import { placeOf, rowsOfKey, scanRows } from './row-scan.js';
import type { Extent, RawRow, RowRange, SortedRows } from './row-scan.js';

/** Rows fetched at a time. */
export const SLICE_ROWS = 1_000;
/** Bytes of rows at which a slice ends, with one row more. */
export const SLICE_BYTES_MAX: number = 1024 * 1024;

export type RowPlace = Pick<RawRow, 'keyBytes' | 'sequence'>;
export type PlaceRange = Pick<RowRange, 'from' | 'to' | 'reverse'>;

export class RowWalk {
  private readonly rows: SortedRows;
  private readonly place: Extent;
  private readonly isOrdered: boolean;
  private readonly isBag: boolean;

  constructor(rows: SortedRows, extent: number, type: string) {
    this.rows = rows;
    this.place = { extent, type };
    this.isOrdered = type === 'ordered_set';
    this.isBag = isBag(type);
  }

  /** The first row of a range. */
  first(range: PlaceRange): RawRow | undefined {
    return scanRows(this.rows, this.place, { ...range, limit: 1 })[0];
  }

  hasRow(keyBytes: Uint8Array): boolean {
    if (this.isBag) return this.first(rangeOf(keyBytes)) !== undefined;
    return rowsOfKey(this.rows, this.place, keyBytes).length > 0;
  }

  /** The rows of a key that lie in a range. */
  rowsOfKey(keyBytes: Uint8Array, range: PlaceRange): Iterable<RawRow> {
    if (this.isBag) return this.slices(within(range, rangeOf(keyBytes)), false);
    return rowsOfKey(this.rows, this.place, keyBytes).filter((row) => isInside(row, range));
  }

  /** The rows that can match, in order, from behind a place. */
  *matching(access: KeyAccess, after: RowPlace | undefined, isReverse: boolean): Generator<RawRow, void, undefined> {
    const reverse = isReverse && this.isOrdered;
    const rest: PlaceRange = after === undefined ? {} : reverse ? { to: placeOf(after) } : { from: bytesBehind(after) };
    if (access.kind === 'keys') {
      const keys = access.keys
        .map((key) => encodeKey(key, !this.isOrdered))
        .sort((left, right) => Buffer.compare(left, right));
      if (reverse) keys.reverse();
      for (const keyBytes of keys) yield* this.rowsOfKey(keyBytes, rest);
      return;
    }
    const { from, to } = access.range;
    const range = {
      from: from === undefined ? undefined : cutBytes(from, !this.isOrdered),
      to: to === undefined ? undefined : cutBytes(to, !this.isOrdered),
    };
    yield* this.slices(within(rest, range), reverse);
  }

  private *slices(range: PlaceRange, reverse: boolean): Generator<RawRow, void, undefined> {
    let { from, to } = range;
    for (;;) {
      const slice = scanRows(this.rows, this.place, {
        from,
        to,
        reverse,
        limit: SLICE_ROWS,
        bytesMax: SLICE_BYTES_MAX,
      });
      yield* slice;
      const last = slice.at(-1);
      if (last === undefined || (slice.length < SLICE_ROWS && !isFull(slice, SLICE_BYTES_MAX))) return;
      if (reverse) to = placeOf(last);
      else from = bytesBehind(last);
    }
  }
}

/** The first bytes behind a row. */
function bytesBehind({ keyBytes, sequence }: RowPlace): Uint8Array {
  return placeOf({ keyBytes, sequence: sequence + 1 });
}

/** Where the rows of a key lie. */
function rangeOf(keyBytes: Uint8Array): PlaceRange {
  return { from: keyBytes, to: bytesAfter(keyBytes) };
}

function isInside(row: RawRow, { from, to }: PlaceRange): boolean {
  const place = placeOf(row);
  return (
    (from === undefined || Buffer.compare(place, from) >= 0) && (to === undefined || Buffer.compare(place, to) < 0)
  );
}

/** The common part of two ranges. */
function within(one: PlaceRange, other: PlaceRange): PlaceRange {
  const isLater = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) > 0;
  const from =
    one.from && other.from ? (isLater(one.from, other.from) ? one.from : other.from) : (one.from ?? other.from);
  const to = one.to && other.to ? (isLater(one.to, other.to) ? other.to : one.to) : (one.to ?? other.to);
  return { from, to };
}

/** Whether a scan ended because of its bytes. */
function isFull(rows: readonly RawRow[], bytesMax: number): boolean {
  return rows.reduce((bytes, { rowBytes }) => bytes + rowBytes.length, 0) >= bytesMax;
}
