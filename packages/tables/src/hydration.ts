/**
 * Hydration: how a table is used at once while its rows are still on their way from the store.
 *
 * The source shows committed rows. It may already show commits that this table itself made meanwhile, or not yet, so
 * for every key that memory knows, memory is the truth.
 *
 * 1. A key is known when it lies below the cursor or is in `known`. The source is never asked for a known key again.
 * 2. Every key in memory is known, and every key is made known before it is changed. Keys that are not known are as they
 *    were when the table was opened, so it does not matter when they are read.
 * 3. Loading changes nothing that can be observed: not the size, not a transaction, not the order of anything ordered.
 * 4. All rows of one key are loaded together.
 * 5. The window is the one interval above the cursor all of whose keys are known; it makes a walk in order read each
 *    stretch of the source once.
 *
 * Places are bytes (`key-range.ts`): a row lies at `keyBytes ++ sequence` with the sequence in 8 bytes, big-endian.
 */
import { invariant } from './errors.js';
import { bytesAfter, encodeKey } from './key-codec.js';
import { cutBytes } from './key-range.js';
import type { KeyCut } from './key-range.js';
import { compareBytes } from './key.js';
import type { TableKey } from './key.js';
import { LargeMap } from './large-map.js';

/** One row as the store holds it; a set's sequence is 0. */
export interface StoredRow {
  readonly keyBytes: Uint8Array;
  readonly sequence: number;
  /** Held by nobody else: the table takes it over and freezes it in place. */
  readonly row: unknown;
}

/** What a scan of the source reads. */
export interface ScanOptions {
  /** Only rows whose `keyBytes ++ sequence` (8 bytes, big-endian) are not below these bytes. */
  readonly from?: Uint8Array | undefined;
  /** Only rows whose `keyBytes ++ sequence` are below these bytes. */
  readonly to?: Uint8Array | undefined;
  /** From the last row to the first. */
  readonly reverse?: boolean;
  /** The most rows to return; fewer mean that there are no more. */
  readonly limit: number;
}

/** The committed rows of one table in the store; synchronous. */
export interface RowSource {
  /** All rows of one key, by sequence. */
  rowsOf(keyBytes: Uint8Array): readonly StoredRow[];
  /** Rows in the order of `keyBytes ++ sequence`, or in reverse. */
  scan(options: ScanOptions): readonly StoredRow[];
}

/** The memory that is being filled. */
export interface HydrationTarget {
  readonly exact: boolean;
  /** Puts the rows of one key, which memory does not have, in place. */
  load(rows: readonly StoredRow[]): void;
  /** The first key in memory above a cut; ordered sets only. */
  keyAfter(cut: KeyCut | undefined): TableKey | undefined;
  /** The last key in memory below a cut; ordered sets only. */
  keyBefore(cut: KeyCut | undefined): TableKey | undefined;
}

/** How many rows an ordered walk reads at once: few enough for `first`, enough that a range does not read row by row. */
const READ_AHEAD_ROWS = 64;

const START = new Uint8Array(0);

interface Window {
  readonly from: Uint8Array;
  /** Undefined for the end of the table. */
  readonly to: Uint8Array | undefined;
}

/** A table's way from the store into memory; see the header. */
export class Hydration {
  readonly #source: RowSource;
  readonly #target: HydrationTarget;
  readonly #known = new LargeMap<string, true>();
  #cursor: Uint8Array = START;
  #window: Window | undefined;

  constructor(source: RowSource, target: HydrationTarget) {
    this.#source = source;
    this.#target = target;
  }

  /** Makes one key known. */
  loadKey(key: TableKey): void {
    const keyBytes = encodeKey(key, this.#target.exact);
    if (compareBytes(keyBytes, this.#cursor) < 0 || !this.#learn(keyBytes)) return;
    const rows = this.#source.rowsOf(keyBytes);
    if (rows.length > 0) this.#target.load(rows);
  }

  /** Loads the next rows in key order, about `rowsMax`; true when the source has no more. */
  loadNext(rowsMax: number): boolean {
    const rows = this.#source.scan({ from: this.#cursor, limit: rowsMax });
    const last = rows.at(-1);
    if (last === undefined) return true;
    for (const group of groupsByKey(rows)) {
      const { keyBytes } = firstOf(group);
      if (this.#known.delete(nameOf(keyBytes))) continue;
      // The scan may have stopped amid the rows of its last key.
      const isCut = group.at(-1) === last && rows.length >= rowsMax;
      this.#target.load(isCut ? this.#source.rowsOf(keyBytes) : group);
    }
    this.#cursor = bytesAfter(last.keyBytes);
    return rows.length < rowsMax;
  }

  /** Makes the first key above a cut in memory the first above it at all. Ordered sets only. */
  loadAfter(cut: KeyCut | undefined): void {
    let low = cut === undefined ? START : cutBytes(cut, this.#target.exact);
    for (;;) {
      if (compareBytes(low, this.#cursor) < 0) low = this.#cursor;
      const window = this.#window;
      if (window !== undefined && compareBytes(window.from, low) <= 0) {
        if (window.to === undefined) return;
        if (compareBytes(low, window.to) < 0) low = window.to;
      }
      const key = this.#target.keyAfter(cut);
      if (key !== undefined && compareBytes(encodeKey(key, this.#target.exact), low) < 0) return;
      const last = this.#loadChunk({ from: low, limit: READ_AHEAD_ROWS });
      const to = last && bytesAfter(last);
      const isNext = window?.to !== undefined && compareBytes(window.to, low) === 0;
      this.#window = { from: isNext ? window.from : low, to };
      if (to === undefined) return;
      low = to;
    }
  }

  /** Makes the last key below a cut in memory the last below it at all. Ordered sets only. */
  loadBefore(cut: KeyCut | undefined): void {
    let high = cut === undefined ? undefined : cutBytes(cut, this.#target.exact);
    for (;;) {
      if (this.#windowEndsAbove(high)) high = this.#window?.from;
      if (high !== undefined && compareBytes(high, this.#cursor) <= 0) return;
      const key = this.#target.keyBefore(cut);
      if (key !== undefined && high !== undefined) {
        if (compareBytes(encodeKey(key, this.#target.exact), high) >= 0) return;
      }
      const last = this.#loadChunk({ from: this.#cursor, to: high, reverse: true, limit: READ_AHEAD_ROWS });
      const from = last ?? this.#cursor;
      const isNext = this.#window !== undefined && high !== undefined && compareBytes(this.#window.from, high) === 0;
      this.#window = { from, to: isNext ? this.#window?.to : high };
      if (last === undefined) return;
      high = last;
    }
  }

  /** Whether the window reaches from somewhere below `high` up to it. */
  #windowEndsAbove(high: Uint8Array | undefined): boolean {
    const window = this.#window;
    if (window === undefined) return false;
    if (high === undefined) return window.to === undefined;
    return compareBytes(window.from, high) < 0 && (window.to === undefined || compareBytes(high, window.to) <= 0);
  }

  /** Loads a stretch of an ordered set, one row a key; returns the last key's bytes, or undefined at the source's end. */
  #loadChunk(options: ScanOptions): Uint8Array | undefined {
    const rows = this.#source.scan(options);
    for (const stored of rows) if (this.#learn(stored.keyBytes)) this.#target.load([stored]);
    return rows.length < options.limit ? undefined : rows.at(-1)?.keyBytes;
  }

  /** Adds a key to those known; false if it was there. */
  #learn(keyBytes: Uint8Array): boolean {
    const name = nameOf(keyBytes);
    if (this.#known.has(name)) return false;
    this.#known.set(name, true);
    return true;
  }
}

function nameOf(keyBytes: Uint8Array): string {
  return Buffer.from(keyBytes.buffer, keyBytes.byteOffset, keyBytes.byteLength).toString('latin1');
}

function firstOf(group: readonly StoredRow[]): StoredRow {
  const first = group[0];
  invariant(first !== undefined, 'a group of stored rows is not empty');
  return first;
}

function* groupsByKey(rows: readonly StoredRow[]): Generator<readonly StoredRow[], void, undefined> {
  let group: StoredRow[] = [];
  for (const stored of rows) {
    if (group.length > 0 && compareBytes(firstOf(group).keyBytes, stored.keyBytes) !== 0) {
      yield group;
      group = [];
    }
    group.push(stored);
  }
  if (group.length > 0) yield group;
}
