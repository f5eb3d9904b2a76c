/**
 * The rows of one table in memory, with what one handler changed, and with the store behind them while they load.
 *
 * A slot holds what one key has: the row itself in set types, `BagRows` in bags. A hash type keeps its slots in a `LargeMap`
 * by `keyIdentity`, an ordered set in an `OrderedMap`.
 *
 * 1. `rollback` restores exactly what `begin` found: rows, size, order within bags, the sequence counter, and what was
 *    left to load.
 * 2. `commit` gives the net changes: nothing for a key that is as it was. `clear` comes first if it comes at all.
 * 3. Loading is no change. See `hydration.ts` for why it can happen at any time.
 * 4. Iterating is safe while the table changes: a row that is there from beginning to end is seen once; one that goes
 *    before its turn is not seen; one that comes is seen if it lies ahead in an ordered set, and not in the others, where
 *    however a set's new row of a key that was there is seen in that key's turn.
 *
 * Nothing in here is validated: rows are the table's own, keys are keys.
 */
import { BagRows } from './bag-rows.js';
import type { TableType } from './definition.js';
import { invariant } from './errors.js';
import { Hydration } from './hydration.js';
import type { HydrationTarget, RowSource, StoredRow } from './hydration.js';
import { keyIdentity } from './key-codec.js';
import type { KeyIdentity } from './key-codec.js';
import { cutAt } from './key-range.js';
import type { KeyCut, KeyRange } from './key-range.js';
import { copyKey } from './key.js';
import type { TableKey } from './key.js';
import { LargeMap } from './large-map.js';
import { OrderedMap } from './ordered-map.js';
import { addNetChanges } from './row-change.js';
import type { RowChange, Slot, Touched } from './row-change.js';

export type { RowChange } from './row-change.js';

type TouchedKeys = LargeMap<KeyIdentity, Touched>;

interface Contents {
  readonly hash: LargeMap<KeyIdentity, Slot>;
  readonly ordered: OrderedMap<Slot>;
  readonly hydration: Hydration | undefined;
}

interface Transaction {
  touched: TouchedKeys;
  readonly size: number;
  readonly nextSequence: number;
  /** What `clear` put aside. */
  cleared: (Contents & { readonly touched: TouchedKeys }) | undefined;
}

/** What a storage must know of its table. */
export interface StorageOptions {
  readonly type: TableType;
  readonly keyOf: (row: unknown) => TableKey;
  /** Takes over a row of the store. */
  readonly adopt: (row: unknown) => void;
}

/** The rows of one table; see the header. */
export class RowStorage implements HydrationTarget {
  readonly isOrdered: boolean;
  readonly isBag: boolean;
  /** Whether number and bigint keys are distinct. */
  readonly exact: boolean;
  size = 0;
  nextSequence = 1;
  /** Grows with every key that comes to have rows, but not by a rollback. */
  keysCome = 0;
  readonly #keyOf: (row: unknown) => TableKey;
  readonly #adopt: (row: unknown) => void;
  #hash = new LargeMap<KeyIdentity, Slot>();
  #ordered = new OrderedMap<Slot>();
  #hydration: Hydration | undefined;
  #transaction: Transaction | undefined;

  constructor({ type, keyOf, adopt }: StorageOptions) {
    this.isOrdered = type === 'ordered_set';
    this.isBag = type === 'bag' || type === 'duplicate_bag';
    this.exact = !this.isOrdered;
    this.#keyOf = keyOf;
    this.#adopt = adopt;
  }

  get isHydrated(): boolean {
    return this.#hydration === undefined;
  }

  get isInTransaction(): boolean {
    return this.#transaction !== undefined;
  }

  // Reading.

  /** The row of a key; set types. Throws `ERR_TABLE_VALUE` if it is no key. */
  row(key: TableKey): object | undefined {
    invariant(!this.isBag, 'a bag has rows, not a row');
    return this.#slot(key);
  }

  /** The rows of a key by sequence; bags. */
  bag(key: TableKey): BagRows | undefined {
    invariant(this.isBag, 'only a bag has several rows a key');
    // A bag's slots are BagRows.
    return this.#slot(key) as BagRows | undefined;
  }

  /** All rows of a key, whatever the type. The array may be the table's own: it is read at once or copied. */
  rowsOf(key: TableKey): readonly unknown[] {
    const slot = this.#slot(key);
    if (slot === undefined) return [];
    return slot instanceof BagRows ? slot.rows : [slot];
  }

  #slot(key: TableKey): Slot | undefined {
    const identity = keyIdentity(key, this.exact);
    const slot = this.#peek(identity, key);
    if (slot !== undefined || this.#hydration === undefined) return slot;
    this.#hydration.loadKey(key);
    return this.#peek(identity, key);
  }

  #peek(identity: KeyIdentity, key: TableKey): Slot | undefined {
    return this.isOrdered ? this.#ordered.get(key) : this.#hash.get(identity);
  }

  #keyOfSlot(slot: Slot): TableKey {
    return slot instanceof BagRows ? slot.key : this.#keyOf(slot);
  }

  // Changing. Every change reads its key first, which makes the key known to a hydration.

  /** Puts the row of a key in place, or removes it; set types. */
  setRow(key: TableKey, row: object | undefined): void {
    const before = this.row(key);
    this.#touch(key, before);
    this.#place(key, row);
    if (before === undefined && row !== undefined) this.keysCome++;
    this.size += (row === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
  }

  /** Adds a row behind those of its key; bags. */
  appendRow(key: TableKey, row: unknown): void {
    const before = this.bag(key);
    this.#touch(key, before);
    const rows = before ?? new BagRows(copyKey(key));
    rows.append(row, this.nextSequence++);
    if (before === undefined) {
      this.#place(key, rows);
      this.keysCome++;
    }
    this.size++;
  }

  /** Replaces the rows of a key by some of them, or by none; bags. */
  setBag(key: TableKey, rows: BagRows | undefined): void {
    const before = this.bag(key);
    if (before === undefined) return;
    this.#touch(key, before);
    this.#place(key, rows !== undefined && rows.rows.length > 0 ? rows : undefined);
    this.size -= before.rows.length - (rows?.rows.length ?? 0);
  }

  /** Removes every row, also those not loaded. */
  clear(): void {
    const transaction = this.#transaction;
    if (transaction !== undefined) {
      const contents = { hash: this.#hash, ordered: this.#ordered, hydration: this.#hydration };
      transaction.cleared ??= { ...contents, touched: transaction.touched };
      transaction.touched = new LargeMap();
    }
    this.#restore({ hash: new LargeMap(), ordered: new OrderedMap(), hydration: undefined });
    this.size = 0;
  }

  #restore(contents: Contents): void {
    this.#hash = contents.hash;
    this.#ordered = contents.ordered;
    this.#hydration = contents.hydration;
  }

  #place(key: TableKey, slot: Slot | undefined): void {
    if (this.isOrdered) {
      if (slot === undefined) this.#ordered.delete(key);
      else this.#ordered.set(this.#keyOfSlot(slot), slot);
      return;
    }
    const identity = keyIdentity(key, this.exact);
    if (slot === undefined) this.#hash.delete(identity);
    else this.#hash.set(identity, slot);
  }

  #touch(key: TableKey, before: Slot | undefined): void {
    const touched = this.#transaction?.touched;
    if (touched === undefined) return;
    const identity = keyIdentity(key, this.exact);
    if (touched.has(identity)) return;
    const length = before instanceof BagRows ? before.rows.length : 0;
    touched.set(identity, { key: copyKey(key), before, length });
  }

  // Transactions.

  begin(): void {
    invariant(this.#transaction === undefined, 'a transaction begins after the last one has ended');
    this.#transaction = {
      touched: new LargeMap(),
      size: this.size,
      nextSequence: this.nextSequence,
      cleared: undefined,
    };
  }

  commit(): readonly RowChange[] {
    const transaction = this.#transaction;
    invariant(transaction !== undefined, 'only a begun transaction commits');
    this.#transaction = undefined;
    const changes: RowChange[] = transaction.cleared === undefined ? [] : [{ kind: 'clear' }];
    for (const [identity, touched] of transaction.touched.entries()) {
      addNetChanges(touched, this.#peek(identity, touched.key), this.exact, changes);
    }
    return changes;
  }

  rollback(): void {
    const transaction = this.#transaction;
    invariant(transaction !== undefined, 'only a begun transaction rolls back');
    this.#transaction = undefined;
    if (transaction.cleared !== undefined) this.#restore(transaction.cleared);
    for (const { key, before, length } of (transaction.cleared ?? transaction).touched.values()) {
      if (before instanceof BagRows) before.truncate(length);
      this.#place(key, before);
    }
    this.size = transaction.size;
    this.nextSequence = transaction.nextSequence;
  }

  // Hydration.

  hydrateFrom(source: RowSource, state: { readonly size: number; readonly nextSequence: number }): void {
    invariant(
      this.size === 0 && this.#transaction === undefined,
      'only an empty table outside a transaction is hydrated',
    );
    this.size = state.size;
    this.nextSequence = state.nextSequence;
    this.keysCome++;
    this.#hydration = new Hydration(source, this);
  }

  hydrate(rowsMax: number): boolean {
    if (this.#hydration?.loadNext(rowsMax) === true) this.#hydration = undefined;
    // A rollback of a clear may bring the source back, so until then it is still needed.
    return this.#hydration === undefined && this.#transaction?.cleared?.hydration === undefined;
  }

  /** Loads all that is left. */
  hydrateAll(): void {
    while (this.#hydration !== undefined) this.hydrate(HYDRATE_ALL_ROWS);
  }

  load(rows: readonly StoredRow[]): void {
    const first = rows[0];
    if (first === undefined) return;
    for (const { row } of rows) this.#adopt(row);
    const key = this.#keyOf(first.row);
    const slot = this.isBag
      ? new BagRows(
          key,
          rows.map(({ row }) => row),
          rows.map(({ sequence }) => sequence),
        )
      : // Rows are objects or arrays.
        (first.row as object);
    this.#place(key, slot);
  }

  keyAfter(cut: KeyCut | undefined): TableKey | undefined {
    return this.#ordered.after(cut)?.key;
  }

  keyBefore(cut: KeyCut | undefined): TableKey | undefined {
    return this.#ordered.before(cut)?.key;
  }

  // Walking.

  /** The first key above a cut; ordered sets. */
  firstKey(cut: KeyCut | undefined): TableKey | undefined {
    this.#hydration?.loadAfter(cut);
    return this.keyAfter(cut);
  }

  /** The last key below a cut; ordered sets. */
  lastKey(cut: KeyCut | undefined): TableKey | undefined {
    this.#hydration?.loadBefore(cut);
    return this.keyBefore(cut);
  }

  /** The key behind one that is present, or the first, in no particular order; hash types. O(1) along a walk. */
  keyFollowing(key: TableKey | undefined): TableKey | undefined {
    this.hydrateAll();
    const next = this.#hash.keyAfter(key === undefined ? undefined : keyIdentity(key, this.exact));
    const slot = next === undefined ? undefined : this.#hash.get(next);
    return slot === undefined ? undefined : this.#keyOfSlot(slot);
  }

  /** The keys, each once, as `rows` orders them. */
  *keys(): Generator<TableKey, void, undefined> {
    if (this.isOrdered) {
      for (const row of this.rows({}, false)) yield this.#keyOf(row);
      return;
    }
    this.hydrateAll();
    for (const identities of this.#hash.snapshot()) {
      for (const identity of identities) {
        const slot = this.#hash.get(identity);
        if (slot !== undefined) yield this.#keyOfSlot(slot);
      }
    }
  }

  /** The rows whose keys lie in a range, in key order; in a hash type all rows, in no particular order of keys. */
  *rows(range: KeyRange, reverse: boolean): Generator<unknown, void, undefined> {
    if (this.isOrdered) {
      yield* this.#orderedRows(range, reverse);
      return;
    }
    this.hydrateAll();
    const end = this.nextSequence;
    for (const identities of this.#hash.snapshot()) {
      for (const identity of identities) {
        const slot = this.#hash.get(identity);
        if (slot instanceof BagRows) yield* this.#bagRows(identity, slot, end);
        else if (slot !== undefined) yield slot;
      }
    }
  }

  /** The rows of a key whose sequences are below `end`. */
  *#bagRows(identity: KeyIdentity, start: BagRows, end: number): Generator<unknown, void, undefined> {
    let slot: Slot | undefined = start;
    let index = 0;
    while (slot instanceof BagRows) {
      const sequence = slot.sequences[index];
      if (sequence === undefined || sequence >= end) return;
      yield slot.rows[index];
      const now = this.#hash.get(identity);
      index = now === slot || !(now instanceof BagRows) ? index + 1 : now.indexAfter(sequence);
      slot = now;
    }
  }

  *#orderedRows(range: KeyRange, reverse: boolean): Generator<unknown, void, undefined> {
    let rest = range;
    for (;;) {
      const map = this.#ordered;
      if (reverse) this.#hydration?.loadBefore(rest.to);
      else this.#hydration?.loadAfter(rest.from);
      let isStale = false;
      for (const { key, value } of map.entries(rest, reverse)) {
        yield value;
        isStale = map !== this.#ordered || this.#hydration !== undefined;
        if (!isStale) continue;
        rest = reverse ? { ...rest, to: cutAt(key, 'before') } : { ...rest, from: cutAt(key, 'after') };
        break;
      }
      if (!isStale) return;
    }
  }
}

/** How many rows are loaded at a time when all are needed: large steps, but not one allocation for a whole table. */
const HYDRATE_ALL_ROWS = 10_000;
