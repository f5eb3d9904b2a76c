/**
 * What a transaction did to one key, as changes to commit.
 *
 * A row's identity is its key and its sequence; a set's sequence is 0. Rows are replaced, never changed, and a bag's row that
 * is replaced keeps its sequence; so comparing what was there with what is there now gives the net changes.
 */
import { BagRows } from './bag-rows.js';
import { encodeKey } from './key-codec.js';
import type { TableKey } from './key.js';

/** One net change of a committed transaction. */
export type RowChange =
  | { readonly kind: 'clear' }
  | { readonly kind: 'put'; readonly keyBytes: Uint8Array; readonly sequence: number; readonly row: unknown }
  | { readonly kind: 'delete'; readonly keyBytes: Uint8Array; readonly sequence: number };

/** What one key has: a row (set types) or `BagRows`; never undefined. */
export type Slot = object;

/** What one key had before a transaction changed it. */
export interface Touched {
  readonly key: TableKey;
  readonly before: Slot | undefined;
  /** How many rows a bag's slot had. */
  readonly length: number;
}

/** Adds the net changes of one key to `changes`: none if it has now what it had. */
export function addNetChanges(touched: Touched, now: Slot | undefined, exact: boolean, changes: RowChange[]): void {
  const { key, before, length } = touched;
  if (before instanceof BagRows || now instanceof BagRows) {
    const old = before instanceof BagRows ? before : undefined;
    addBagChanges(encodeKey(key, exact), old, length, now instanceof BagRows ? now : undefined, changes);
  } else if (now !== before) {
    const keyBytes = encodeKey(key, exact);
    changes.push(
      now === undefined ? { kind: 'delete', keyBytes, sequence: 0 } : { kind: 'put', keyBytes, sequence: 0, row: now },
    );
  }
}

/** The difference between the first `length` rows that a key had and those it has; a replaced row keeps its sequence. */
function addBagChanges(
  keyBytes: Uint8Array,
  before: BagRows | undefined,
  length: number,
  now: BagRows | undefined,
  changes: RowChange[],
): void {
  let old = 0;
  let current = before !== undefined && before === now ? length : 0;
  if (current > 0) old = length;
  const currentLength = now?.rows.length ?? 0;
  while (old < length || current < currentLength) {
    const oldSequence = old < length ? before?.sequences[old] : undefined;
    const sequence = current < currentLength ? now?.sequences[current] : undefined;
    if (oldSequence !== undefined && oldSequence === sequence) {
      const row = now?.rows[current];
      if (row !== before?.rows[old]) changes.push({ kind: 'put', keyBytes, sequence, row });
      old++;
      current++;
    } else if (oldSequence !== undefined && (sequence === undefined || oldSequence < sequence)) {
      changes.push({ kind: 'delete', keyBytes, sequence: oldSequence });
      old++;
    } else if (sequence !== undefined) {
      changes.push({ kind: 'put', keyBytes, sequence, row: now?.rows[current] });
      current++;
    }
  }
}
