/**
 * The rows of one key of a bag: in order of insertion, each with a sequence number.
 *
 * 1. Sequences ascend. `append` is the only change in place; removing makes a new `BagRows`. So a transaction can undo
 *    any change by keeping the old object and its length, whatever the number of rows.
 * 2. `find` compares one by one while rows are few, and through an index by fingerprint from then on; the index is
 *    rebuilt when rows were cut off behind its back.
 */
import { fingerprint, isEqual } from './equality.js';
import type { TableKey } from './key.js';
import { LargeMap } from './large-map.js';

/** Up to this many rows comparing each is faster than naming one. */
const INDEX_ROWS_MIN = 9;

/** The rows of one key; see the header. */
export class BagRows {
  readonly key: TableKey;
  readonly rows: unknown[];
  readonly sequences: number[];
  #index: LargeMap<string, unknown[]> | undefined;

  constructor(key: TableKey, rows: unknown[] = [], sequences: number[] = []) {
    this.key = key;
    this.rows = rows;
    this.sequences = sequences;
  }

  append(row: unknown, sequence: number): void {
    this.rows.push(row);
    this.sequences.push(sequence);
    if (this.#index !== undefined) addToIndex(this.#index, row);
  }

  /** A stored row that is equal to `row`, if there is one. */
  find(row: unknown): unknown {
    if (this.rows.length < INDEX_ROWS_MIN) return this.rows.find((stored) => isEqual(stored, row));
    if (this.#index === undefined) {
      this.#index = new LargeMap();
      for (const stored of this.rows) addToIndex(this.#index, stored);
    }
    return this.#index.get(fingerprint(row))?.find((stored) => isEqual(stored, row));
  }

  /** These rows without those equal to `row`, or undefined if none is. */
  without(row: unknown): BagRows | undefined {
    if (this.find(row) === undefined) return undefined;
    return this.withoutWhere((stored) => isEqual(stored, row));
  }

  /** These rows without those that `isRemoved` names. */
  withoutWhere(isRemoved: (row: unknown) => boolean): BagRows {
    const rows: unknown[] = [];
    const sequences: number[] = [];
    for (const [index, row] of this.rows.entries()) {
      if (isRemoved(row)) continue;
      rows.push(row);
      // The two arrays have one length.
      sequences.push(this.sequences[index] as number);
    }
    return new BagRows(this.key, rows, sequences);
  }

  /** These rows with others in their places; with `isDistinct`, one that equals a row before it goes. */
  replaced(replacementOf: (row: unknown) => unknown, isDistinct: boolean): BagRows {
    const next = new BagRows(this.key);
    for (const [index, stored] of this.rows.entries()) {
      const row = replacementOf(stored);
      // The two arrays have one length.
      if (!isDistinct || next.find(row) === undefined) next.append(row, this.sequences[index] as number);
    }
    return next;
  }

  /** Cuts off what was appended behind `length`. */
  truncate(length: number): void {
    if (length === this.rows.length) return;
    this.rows.length = length;
    this.sequences.length = length;
    this.#index = undefined;
  }

  /** The index of the first row whose sequence is above `sequence`. */
  indexAfter(sequence: number): number {
    let low = 0;
    let high = this.sequences.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      // In bounds by the loop's condition.
      if ((this.sequences[middle] as number) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function addToIndex(index: LargeMap<string, unknown[]>, row: unknown): void {
  const name = fingerprint(row);
  const rows = index.get(name);
  if (rows === undefined) index.set(name, [row]);
  else rows.push(row);
}
