/**
 * An obviously correct table: a list of rows that every operation walks from end to end.
 *
 * Keys come from a pool that says of each key what it is and where it sorts, so that nothing here depends on the code
 * under test.
 */
import type { TableKey, TableType } from '@heirloom/tables';

export interface PoolKey {
  readonly key: TableKey;
  /** The key's name in types that tell 1 from 1n. */
  readonly name: string;
  /** The key's place in key order; equal for keys that are one in an ordered set. */
  readonly rank: number;
}

export interface ModelRow {
  readonly id: TableKey;
  readonly v: number;
  readonly w: string | readonly number[];
}

function ranked(entries: readonly (readonly [TableKey, string, number?])[]): readonly PoolKey[] {
  return entries.map(([key, name, rank], index) => ({ key, name, rank: rank ?? index * 10 }));
}

const numbers: (readonly [TableKey, string])[] = Array.from({ length: 200 }, (_, index) => [
  index + 10,
  `n${index + 10}`,
]);

/** Keys of every class, in key order. */
export const POOL: readonly PoolKey[] = ranked([
  [null, 'null'],
  [false, 'false'],
  [true, 'true'],
  [-1.5, '-1.5'],
  [0, '0'],
  [1, '1', 55],
  [1n, '1n', 55],
  [2n, '2n'],
  ...numbers,
  [2 ** 53, '2^53'],
  [2n ** 53n + 1n, '2^53+1n'],
  [new Date(0), 'date0'],
  [new Date(5), 'date5'],
  ['', 'empty'],
  ['a', 'a'],
  ['a\u0000', 'a0'],
  ['ab', 'ab'],
  ['\uffff', 'ffff'],
  ['\u{10000}', 'astral'],
  [new Uint8Array([]), 'bytes'],
  [new Uint8Array([0, 1]), 'bytes01'],
  [[], 'array'],
  [['a'], 'array-a'],
  [['a', 1], 'array-a1'],
  [['a', 2], 'array-a2'],
  [['b', [1]], 'array-b1'],
]);

const byRow = new WeakMap<object, PoolKey>();

/** Makes a row and remembers which key of the pool it has. */
export function modelRow(pool: PoolKey, v: number, w: string | readonly number[]): ModelRow {
  const row = { id: pool.key, v, w };
  byRow.set(row, pool);
  return row;
}

function poolOf(row: ModelRow): PoolKey {
  const pool = byRow.get(row);
  if (pool === undefined) throw new Error('not a row of the model');
  return pool;
}

export interface Entry {
  readonly pool: PoolKey;
  readonly row: ModelRow;
  readonly sequence: number;
}

interface ModelState {
  readonly entries: readonly Entry[];
  readonly nextSequence: number;
}

export class Model {
  readonly type: TableType;
  entries: readonly Entry[] = [];
  nextSequence = 1;
  #saved: ModelState | undefined;

  constructor(type: TableType) {
    this.type = type;
  }

  get isBag(): boolean {
    return this.type === 'bag' || this.type === 'duplicate_bag';
  }

  isSameKey(a: PoolKey, b: PoolKey): boolean {
    return this.type === 'ordered_set' ? a.rank === b.rank : a.name === b.name;
  }

  of(pool: PoolKey): readonly Entry[] {
    return this.entries.filter((entry) => this.isSameKey(entry.pool, pool));
  }

  insert(row: ModelRow): void {
    const pool = poolOf(row);
    if (!this.isBag) {
      this.delete(pool);
      this.entries = [...this.entries, { pool, row, sequence: 0 }];
    } else if (this.type === 'duplicate_bag' || !this.of(pool).some((entry) => isSame(entry.row, row))) {
      this.entries = [...this.entries, { pool, row, sequence: this.nextSequence++ }];
    }
  }

  /** A bag takes a list from its end, as ETS was recorded doing. */
  insertMany(rows: readonly ModelRow[]): void {
    for (const row of this.type === 'bag' ? rows.toReversed() : rows) this.insert(row);
  }

  insertNew(rows: readonly ModelRow[]): boolean {
    const isTaken = rows.some((row) => this.of(poolOf(row)).length > 0);
    if (!isTaken) this.insertMany(rows);
    return !isTaken;
  }

  delete(pool: PoolKey): boolean {
    const before = this.entries.length;
    this.entries = this.entries.filter((entry) => !this.isSameKey(entry.pool, pool));
    return this.entries.length < before;
  }

  deleteWhere(matches: (row: ModelRow, pool: PoolKey) => boolean): number {
    const before = this.entries.length;
    this.entries = this.entries.filter((entry) => !matches(entry.row, entry.pool));
    return before - this.entries.length;
  }

  /** Replaces rows in their places; a bag keeps the first of those of a key that are equal then. */
  replaceWhere(matches: (row: ModelRow) => boolean, change: (entry: Entry) => ModelRow): number {
    let count = 0;
    const kept: Entry[] = [];
    for (const entry of this.entries) {
      const isReplaced = matches(entry.row);
      if (isReplaced) count++;
      const row = isReplaced ? change(entry) : entry.row;
      const isDouble = kept.some((other) => this.isSameKey(other.pool, entry.pool) && isSame(other.row, row));
      if (this.type !== 'bag' || !isDouble) kept.push({ ...entry, row });
    }
    this.entries = kept;
    return count;
  }

  deleteObject(row: ModelRow): number {
    const { name } = poolOf(row);
    return this.deleteWhere((stored, pool) => pool.name === name && isSame(stored, row));
  }

  /** Replaces the row of a key, which keeps its representation of the key. */
  update(pool: PoolKey, change: (row: ModelRow) => ModelRow): boolean {
    const found = this.of(pool)[0];
    if (found === undefined) return false;
    const changed = change(found.row);
    this.insert(modelRow(found.pool, changed.v, changed.w));
    return true;
  }

  /** The distinct keys in order. */
  sortedKeys(): readonly PoolKey[] {
    return this.sorted()
      .map(({ pool }) => pool)
      .filter((pool, index, pools) => index === 0 || pools[index - 1]?.name !== pool.name);
  }

  /** The entries by rank and name, those of one key in order of insertion. */
  sorted(): readonly Entry[] {
    return this.entries.toSorted(
      (a, b) => a.pool.rank - b.pool.rank || (a.pool.name < b.pool.name ? -1 : a.pool.name > b.pool.name ? 1 : 0),
    );
  }

  /** Begins a transaction, or goes on with the one that is open. */
  begin(): void {
    this.#saved ??= { entries: this.entries, nextSequence: this.nextSequence };
  }

  commit(): void {
    this.#saved = undefined;
  }

  /** Undoes the open transaction, if there is one. */
  rollback(): void {
    if (this.#saved === undefined) return;
    this.entries = this.#saved.entries;
    this.nextSequence = this.#saved.nextSequence;
    this.#saved = undefined;
  }

  /** The rows with their sequences, in no order. */
  sequences(): readonly string[] {
    return this.entries.map((entry) => `${entry.sequence} ${plainRow(entry.row)}`).toSorted();
  }
}

function isSame(a: ModelRow, b: ModelRow): boolean {
  return a.v === b.v && JSON.stringify(a.w) === JSON.stringify(b.w);
}

/** A key as text that tells every key from every other. */
export function keyName(key: unknown): string {
  if (key === undefined) return 'none';
  if (typeof key === 'bigint') return `${key}n`;
  if (key instanceof Date) return `date${key.getTime()}`;
  return key instanceof Uint8Array ? `bytes${key.join()}` : JSON.stringify(key);
}

/** A row as text that tells every row from every other. */
export function plainRow({ id, v, w }: ModelRow): string {
  return `${keyName(id)}:${v}:${JSON.stringify(w)}`;
}

/** What a hash type leaves open is put in order, which is that of keys but never of the rows of one key. */
export function inOrder(rows: readonly ModelRow[], type: TableType): readonly string[] {
  if (type === 'ordered_set') return rows.map(plainRow);
  const named = rows.map((row) => ({ name: keyName(row.id), shown: plainRow(row) }));
  return named.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)).map(({ shown }) => shown);
}

/** The class that a key is compared in. */
export function keyClass(key: TableKey): string {
  if (typeof key === 'bigint') return 'number';
  if (key instanceof Date) return 'date';
  if (key instanceof Uint8Array) return 'bytes';
  return Array.isArray(key) ? 'array' : key === null ? 'null' : typeof key;
}
