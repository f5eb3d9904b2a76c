/**
 * Ranges of keys, as pairs of cuts.
 *
 * A cut is a place between keys: just before or just after a key, or all the composite keys that begin with a prefix.
 * It exists in two forms that agree: compared with keys in memory (`compareToCut`), and as bytes in the store
 * (`cutBytes`), where a row of key k and sequence s lies at `encodeKey(k) ++ s` and
 *
 *     before k: encodeKey(k)        after k: encodeKey(k) ++ ff        and so for a prefix
 */
import { bytesAfter, encodeKey, encodeKeyPrefix } from './key-codec.js';
import { compareKeyToPrefix, compareKeys } from './key.js';
import type { TableKey } from './key.js';

/** A place between keys. */
export interface KeyCut {
  readonly key: TableKey;
  /** Whether `key` is an array that stands for every array that begins with it. */
  readonly isPrefix: boolean;
  readonly side: 'before' | 'after';
}

/** The keys between two cuts; a missing cut is the end of the table. */
export interface KeyRange {
  readonly from?: KeyCut;
  readonly to?: KeyCut;
}

/** Negative when the key lies below the cut, positive when above; never zero, as a cut lies between keys. */
export function compareToCut(key: TableKey, cut: KeyCut): number {
  // A prefix cut's key is an array.
  const order = cut.isPrefix ? compareKeyToPrefix(key, cut.key as readonly TableKey[]) : compareKeys(key, cut.key);
  if (order !== 0) return order;
  return cut.side === 'before' ? 1 : -1;
}

/** The cut as bytes, to compare with a row's place in the store. */
export function cutBytes(cut: KeyCut, exact: boolean): Uint8Array {
  // A prefix cut's key is an array.
  const bytes = cut.isPrefix ? encodeKeyPrefix(cut.key as readonly TableKey[], exact) : encodeKey(cut.key, exact);
  return cut.side === 'before' ? bytes : bytesAfter(bytes);
}

/** The cut just before or just after one key. */
export function cutAt(key: TableKey, side: 'before' | 'after'): KeyCut {
  return { key, isPrefix: false, side };
}
