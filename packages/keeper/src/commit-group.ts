/**
 * A group: the batches that are committed together, with the changes of each table collapsed to what is there after the last.
 * Pure; it is written by group-writing.ts.
 *
 * 1. Batches keep their order of arrival.
 * 2. Of several changes to one (key, sequence) only the last stays. A batch that clears its table takes everything back that
 *    earlier batches of the group did to it.
 */
import { Buffer } from 'node:buffer';
import type { Batch, Change, StoredShape, TableChanges } from '@heirloom/wire';
import { isBag } from './layout.js';
import type { StoredTable } from './table-catalog.js';

/** A batch that was found good, with where it came from. */
export interface ReceivedBatch {
  readonly worker: string;
  readonly epoch: number;
  readonly batch: Batch;
  /** The size of its frame. */
  readonly bytes: number;
}

/** What a group does to one table. */
export class StagedTable {
  readonly table: StoredTable;
  readonly shapes: StoredShape[] = [];
  size = 0;
  nextSequence = 0;
  isCleared = false;
  /** The changes of the only batch so far, whose changes are distinct by themselves. */
  private only: readonly Change[] | undefined;
  private merged: Map<string, Change> | undefined;

  constructor(table: StoredTable) {
    this.table = table;
  }

  add(changes: TableChanges): void {
    this.size = changes.size;
    this.nextSequence = changes.nextSequence;
    this.shapes.push(...changes.shapes);
    if (changes.cleared) {
      this.isCleared = true;
      this.only = undefined;
      this.merged = undefined;
    }
    if (this.only === undefined && this.merged === undefined) {
      this.only = changes.changes;
      return;
    }
    const hasSequence = isBag(this.table.declaration.type);
    this.merged ??= mergeInto(new Map(), this.only ?? [], hasSequence);
    this.only = undefined;
    mergeInto(this.merged, changes.changes, hasSequence);
  }

  changes(): Iterable<Change> {
    return this.merged?.values() ?? this.only ?? [];
  }
}

type Merged = Map<string, Change>;

function mergeInto(merged: Merged, changes: readonly Change[], hasSequence: boolean): Merged {
  for (const change of changes) {
    const { keyBytes, sequence } = change;
    const key = Buffer.from(keyBytes.buffer, keyBytes.byteOffset, keyBytes.length).toString('latin1');
    // A sequence is digits, so what stands before the last '#' is the key.
    merged.set(hasSequence ? `${key}#${sequence}` : key, change);
  }
  return merged;
}

export class CommitGroup {
  readonly received: ReceivedBatch[] = [];
  readonly tables: Map<number, StagedTable> = new Map();
  bytes = 0;

  add(received: ReceivedBatch, tables: readonly StoredTable[]): void {
    this.received.push(received);
    this.bytes += received.bytes;
    for (const [index, changes] of received.batch.tables.entries()) {
      const table = tables[index] as StoredTable; // One for each, by the check of the batch.
      const staged = this.tables.get(table.tableId) ?? new StagedTable(table);
      if (!this.tables.has(table.tableId)) this.tables.set(table.tableId, staged);
      staged.add(changes);
    }
  }
}
