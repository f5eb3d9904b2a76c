/**
 * The real side of the model tests: a table as a worker has it, the store that it commits to, and its incarnations.
 *
 * Every write is part of a transaction: the one that is open, or one of its own. What a transaction changed goes to the store,
 * which shows it after a while. A crash loses the open transaction and the memory; the next incarnation has the store.
 */
import { expect } from 'vitest';
import { row, table } from '@heirloom/tables';
import type { OwnerTable, RowChange, RowSource, TableType } from '@heirloom/tables';
import { FakeStore } from './fake-store.js';
import { inOrder, keyName } from './model.js';
import type { Model, ModelRow } from './model.js';

export const modelDefinition = (type: TableType) => table({ row: row<ModelRow>(), key: 'id', type });

/** What the tests need of a table besides its operations. */
export interface LoadingTable extends OwnerTable<ReturnType<typeof modelDefinition>> {
  begin(): void;
  commit(): readonly RowChange[];
  rollback(): void;
  readonly nextSequence: number;
  hydrateFrom(source: RowSource, state: { readonly size: number; readonly nextSequence: number }): void;
  hydrate(rowsMax: number): boolean;
}

/** Makes an empty table; a parameter, so that tests can run on tables that are built differently. */
export type MakeTable = (type: TableType) => LoadingTable;

/** A table and all that is behind it; see the header. */
export class World {
  readonly type: TableType;
  readonly store = new FakeStore();
  table: LoadingTable;
  isBegun = false;
  readonly #make: MakeTable;
  #granted = { size: 0, nextSequence: 1 };

  constructor(type: TableType, make: MakeTable) {
    this.type = type;
    this.#make = make;
    this.table = make(type);
  }

  begin(): void {
    this.isBegun = true;
    this.table.begin();
  }

  commit(): void {
    this.isBegun = false;
    const changes = this.table.commit();
    expectDistinct(changes);
    this.store.commit(changes);
    this.#granted = { size: this.table.size, nextSequence: this.table.nextSequence };
  }

  rollback(): void {
    this.isBegun = false;
    this.table.rollback();
  }

  /** Runs a write in the open transaction, or in one of its own, which is rolled back if it throws. */
  write<Result>(change: (table: LoadingTable) => Result): Result {
    if (this.isBegun) return change(this.table);
    this.begin();
    try {
      const result = change(this.table);
      this.commit();
      return result;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** The process dies; all that it had committed is drained into the store, and a new incarnation has loaded some of it. */
  crash(loadedRows: number): void {
    this.isBegun = false;
    this.store.settle(Number.POSITIVE_INFINITY);
    this.table = this.open();
    if (loadedRows > 0) this.table.hydrate(loadedRows);
  }

  /** Another incarnation beside the present one, of what is committed. */
  open(): LoadingTable {
    const opened = this.#make(this.type);
    opened.hydrateFrom(this.store, this.#granted);
    return opened;
  }
}

/** A commit names a row once, and clears first if it clears at all. */
function expectDistinct(changes: readonly RowChange[]): void {
  const names = changes.map((change, index) =>
    change.kind === 'clear'
      ? `clear ${index}`
      : `${Buffer.from(change.keyBytes).toString('hex')} ${String(change.sequence)}`,
  );
  expect(new Set(names).size).toBe(names.length);
  expect(changes.slice(1).filter(({ kind }) => kind === 'clear')).toEqual([]);
}

/** Everything that can be seen of a table, to be compared with `seenOfModel`. */
export function seenOf(subject: LoadingTable, type: TableType): unknown {
  return {
    size: subject.size,
    nextSequence: subject.nextSequence,
    rows: inOrder(subject.tab2list(), type),
    keys: [...subject.keys()].map(keyName).toSorted(),
  };
}

/** What `seenOf` must give. */
export function seenOfModel(model: Model): unknown {
  const rows = model.sorted().map((entry) => entry.row);
  return {
    size: rows.length,
    nextSequence: model.nextSequence,
    rows: inOrder(rows, model.type),
    keys: model
      .sortedKeys()
      .map(({ key }) => keyName(key))
      .toSorted(),
  };
}
