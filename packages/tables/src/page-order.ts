/**
 * The order in which pages go through a table, and the rows behind a place in it.
 *
 * 1. In an ordered set it is key order; in hash types, whose rows have no order that outlasts a change, that of key bytes.
 *    Within a key of a bag it is that of sequences.
 * 2. A place is a row's key bytes and sequence, so it is good also when its row has gone, or everything that was kept here.
 * 3. The keys of a hash type are sorted when a traversal begins, and kept until one ends; one that begins when no key has come
 *    since takes what is kept. So a row that was there when a traversal began, and stays, is among them. Keys that have gone
 *    may be.
 */
import { decodeKey, encodeKey, keyName } from './key-codec.js';
import type { KeyAccess } from './key-access.js';
import { cutAt } from './key-range.js';
import { compareBytes } from './key.js';
import type { TableKey } from './key.js';
import type { RowStorage } from './row-storage.js';
import type { CursorPlace } from './select-cursor.js';

/** A row with its place. */
export interface PlacedRow {
  readonly key: TableKey;
  readonly sequence: number;
  readonly row: unknown;
}

/** The order of one table; see the header. */
export class PageOrder {
  readonly #storage: RowStorage;
  readonly #keyOf: (row: unknown) => TableKey;
  /** The bytes of every key of a hash type as latin1, sorted; that is their order. */
  #names: readonly string[] | undefined;
  /** How many keys had come when they were sorted. */
  #sortedAt = 0;

  constructor(storage: RowStorage, keyOf: (row: unknown) => TableKey) {
    this.#storage = storage;
    this.#keyOf = keyOf;
  }

  /** Lets go of what is kept: when a traversal has ended, or when rows came back that no traversal saw. */
  forget(): void {
    this.#names = undefined;
  }

  /** The rows that an access leads to and that lie behind a place, or all of them. */
  *rows(access: KeyAccess, after: CursorPlace | undefined, reverse: boolean): Generator<PlacedRow, void, undefined> {
    if (access.kind === 'keys') {
      const backwards = reverse && this.#storage.isOrdered;
      for (const { key, keyBytes } of this.#placedKeys(access.keys, backwards)) {
        const order = after === undefined ? 1 : compareBytes(keyBytes, after.keyBytes) * (backwards ? -1 : 1);
        if (order > 0) yield* this.#rowsOf(key, undefined);
        else if (order === 0 && this.#storage.isBag) yield* this.#rowsOf(key, after);
      }
    } else if (this.#storage.isOrdered) {
      const place = after && cutAt(decodeKey(after.keyBytes), reverse ? 'before' : 'after');
      // A place that the range does not contain, as another traversal left it, only makes the walk longer.
      const rest = { ...access.range, ...(place && (reverse ? { to: place } : { from: place })) };
      for (const row of this.#storage.rows(rest, reverse)) yield { key: this.#keyOf(row), sequence: 0, row };
    } else {
      yield* this.#hashRows(after);
    }
  }

  #placedKeys(keys: readonly TableKey[], backwards: boolean): readonly { key: TableKey; keyBytes: Uint8Array }[] {
    const placed = keys.map((key) => ({ key, keyBytes: encodeKey(key, this.#storage.exact) }));
    placed.sort((one, other) => compareBytes(one.keyBytes, other.keyBytes));
    return backwards ? placed.toReversed() : placed;
  }

  *#hashRows(after: CursorPlace | undefined): Generator<PlacedRow, void, undefined> {
    const names = this.#namesFor(after === undefined);
    const start = after === undefined ? undefined : nameOf(after.keyBytes);
    let index = start === undefined ? 0 : lowerBound(names, start);
    for (; index < names.length; index++) {
      const name = names[index] ?? '';
      const key = decodeKey(Buffer.from(name, 'latin1'));
      if (name !== start) yield* this.#rowsOf(key, undefined);
      else if (this.#storage.isBag) yield* this.#rowsOf(key, after);
    }
  }

  /** The rows of one key, of a bag only those behind a place; as they are now, whatever happens meanwhile. */
  #rowsOf(key: TableKey, after: CursorPlace | undefined): readonly PlacedRow[] {
    if (!this.#storage.isBag) return this.#storage.rowsOf(key).map((row) => ({ key, sequence: 0, row }));
    const bag = this.#storage.bag(key);
    if (bag === undefined) return [];
    const start = after === undefined ? 0 : bag.indexAfter(after.sequence);
    return bag.rows.slice(start).map((row, index) => ({ key, sequence: bag.sequences[start + index] ?? 0, row }));
  }

  #namesFor(isBeginning: boolean): readonly string[] {
    const isGood = !isBeginning || this.#sortedAt === this.#storage.keysCome;
    if (this.#names !== undefined && isGood) return this.#names;
    const names: string[] = [];
    for (const key of this.#storage.keys()) names.push(keyName(key, this.#storage.exact));
    this.#names = names.sort();
    this.#sortedAt = this.#storage.keysCome;
    return names;
  }
}

function nameOf(keyBytes: Uint8Array): string {
  return Buffer.from(keyBytes.buffer, keyBytes.byteOffset, keyBytes.byteLength).toString('latin1');
}

/** The index of the first name that is not below `name`. */
function lowerBound(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
