/**
 * A group: the batches that are committed together, with the changes of each table collapsed to what is there after the last.
 * Pure; it is written by group-writing.ts.
 *
 * 1. Batches keep their order of arrival.
 * 2. Of several changes to one (key, sequence) only the last stays. A batch that clears its table takes everything back that
 *    earlier batches of the group did to it.
 */
import { Buffer } from 'node:buffer';
import { castBytes } from '@heirloom/wire';
import type { Batch, Cast, CastTotals, Change, StoredShape, Submission, TableChanges } from '@heirloom/wire';
import { PROGRAM_SENDER } from './cast-store.js';
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

/** Something that the router has submitted, checked, with whoever waits for its commit. */
export interface ReceivedSubmission {
  readonly number: number;
  readonly submission: Submission;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
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

const NO_CASTS: CastTotals = { count: 0, bytes: 0 };

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
  readonly submissions: ReceivedSubmission[] = [];
  /** The casts that it makes, by sender. */
  private readonly made = new Map<string, CastTotals>();
  bytes = 0;

  get isEmpty(): boolean {
    return this.received.length === 0 && this.submissions.length === 0;
  }

  /** The casts that it makes of one sender. */
  casts(sender: string): CastTotals {
    return this.made.get(sender) ?? NO_CASTS;
  }

  submit(received: ReceivedSubmission): void {
    const { submission } = received;
    this.submissions.push(received);
    this.bytes += 'arguments' in submission ? submission.arguments.length : 0;
    if (submission.kind === 'cast') this.count(PROGRAM_SENDER, [submission]);
  }

  private count(sender: string, casts: readonly Cast[]): void {
    const { count, bytes } = this.casts(sender);
    const total = casts.reduce((sum, cast) => sum + castBytes(cast), bytes);
    this.made.set(sender, { count: count + casts.length, bytes: total });
  }

  add(received: ReceivedBatch, tables: readonly StoredTable[]): void {
    this.received.push(received);
    this.bytes += received.bytes;
    if (received.batch.casts !== undefined) this.count(received.worker, received.batch.casts);
    for (const [index, changes] of received.batch.tables.entries()) {
      const table = tables[index] as StoredTable; // One for each, by the check of the batch.
      const staged = this.tables.get(table.tableId) ?? new StagedTable(table);
      if (!this.tables.has(table.tableId)) this.tables.set(table.tableId, staged);
      staged.add(changes);
    }
  }
}
