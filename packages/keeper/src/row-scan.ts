/**
 * Reading the stored rows of one extent, synchronously and in bounded pieces.
 *
 * Bounds are compared with `key bytes ++ sequence` (8 bytes), as hydration has it, although rows of sets are stored without a
 * sequence: a bound that lies inside of a row's sequence is judged row by row, which concerns one row at most.
 */
import { Buffer } from 'node:buffer';
import { extentEnd, isBag, readU64, rowKey } from './layout.js';

export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** From `start` up to `end`; or in reverse from before `start` down to `end`. */
export interface KeyRange {
  readonly start: Buffer;
  readonly end: Buffer;
  readonly reverse?: boolean;
  /** Given exactly when `reverse` is. */
  readonly exclusiveStart?: boolean;
  readonly inclusiveEnd?: boolean;
}

/** Keys and values by the order of the keys' bytes: the database as the keeper has it, or as others read it (page-tree.ts). */
export interface SortedRows {
  get(key: Buffer): Buffer | undefined;
  getRange(range: KeyRange): Iterable<KeyValue>;
}

/** One row as it is stored; `rowBytes` is a copy. */
export interface RawRow {
  readonly keyBytes: Uint8Array;
  readonly sequence: number;
  readonly rowBytes: Uint8Array;
}

/** Where the rows of a table lie. */
export interface Extent {
  readonly extent: number;
  readonly type: string;
}

export interface RowRange {
  /** Only rows at or behind these bytes. */
  readonly from?: Uint8Array | undefined;
  /** Only rows before these bytes. */
  readonly to?: Uint8Array | undefined;
  readonly reverse?: boolean;
  /** The most rows to return; fewer mean that there are no more, unless `bytesMax` is given. */
  readonly limit: number;
  /** The bytes of rows from which on no further row is added. */
  readonly bytesMax?: number;
}

const SEQUENCE_BYTES = 8;
const ZEROES = new Uint8Array(SEQUENCE_BYTES);
const NOTHING = new Uint8Array(0);

/** Every row of one key, by sequence. */
export function rowsOfKey(rows: SortedRows, place: Extent, keyBytes: Uint8Array): RawRow[] {
  if (!isBag(place.type)) {
    const rowBytes = rows.get(rowKey(place.extent, keyBytes));
    return rowBytes === undefined ? [] : [{ keyBytes, sequence: 0, rowBytes }];
  }
  const start = rowKey(place.extent, keyBytes, 0);
  const end = rowKey(place.extent, keyBytes, Number.MAX_SAFE_INTEGER);
  const found: RawRow[] = [];
  for (const { key, value } of rows.getRange({ start, end, inclusiveEnd: true })) found.push(rawRow(key, value, true));
  return found;
}

/** Rows in the order of their bytes, or in reverse. */
export function scanRows(rows: SortedRows, place: Extent, range: RowRange): RawRow[] {
  const hasSequence = isBag(place.type);
  const found: RawRow[] = [];
  if (range.limit <= 0) return found;
  let bytesLeft = range.bytesMax ?? Number.POSITIVE_INFINITY;
  for (const { key, value } of rows.getRange(bounds(place.extent, range, hasSequence))) {
    const row = rawRow(key, value, hasSequence);
    if (!hasSequence && !isInside(row.keyBytes, range)) continue;
    found.push(row);
    bytesLeft -= row.rowBytes.length;
    if (found.length === range.limit || bytesLeft <= 0) break;
  }
  return found;
}

function bounds(extent: number, { from = NOTHING, to, reverse = false }: RowRange, hasSequence: boolean): KeyRange {
  const lower = rowKey(extent, hasSequence ? from : withoutZeroes(from));
  const upper = to === undefined ? extentEnd(extent) : rowKey(extent, to);
  if (!reverse) return { start: lower, end: upper };
  return { start: upper, end: lower, reverse, exclusiveStart: true, inclusiveEnd: true };
}

/** A lower bound from which on no row of a set can be missed. */
function withoutZeroes(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes.length - end < SEQUENCE_BYTES && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

function isInside(keyBytes: Uint8Array, { from, to }: RowRange): boolean {
  return (
    (from === undefined || comparePlace(keyBytes, from) >= 0) && (to === undefined || comparePlace(keyBytes, to) < 0)
  );
}

/** Compares the place of a set's row with a bound. */
function comparePlace(keyBytes: Uint8Array, bound: Uint8Array): number {
  const head = Buffer.compare(keyBytes, bound.subarray(0, keyBytes.length));
  return head === 0 ? Buffer.compare(ZEROES, bound.subarray(keyBytes.length)) : head;
}

function rawRow(key: Buffer, rowBytes: Buffer, hasSequence: boolean): RawRow {
  if (!hasSequence) return { keyBytes: key.subarray(4), sequence: 0, rowBytes };
  const end = key.length - SEQUENCE_BYTES;
  return { keyBytes: key.subarray(4, end), sequence: readU64(key, end), rowBytes };
}

/** The place of a row as bytes, to go on behind or before it. */
export function placeOf(row: Pick<RawRow, 'keyBytes' | 'sequence'>): Uint8Array {
  return rowKey(0, row.keyBytes, row.sequence).subarray(4);
}
