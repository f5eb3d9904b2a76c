/**
 * Loads the tables of a new incarnation from the store: missing rows when they are asked for, the rest in the background.
 *
 * 1. A table is usable at once; every operation gives what it would on a table that is loaded (the table's own promise).
 * 2. The background makes progress with every turn of the event loop: one chunk while calls wait, up to SLICE_MS when none do.
 * 3. The store is open for reading until every table is loaded, and no longer.
 */
import { invariant } from '@heirloom/tables';
import type { AnyTableDefinition, RowSource, Table } from '@heirloom/tables';
import type { RowCodec, TableGrant } from '@heirloom/wire';
import type { BatchEncoder } from './batch-encoder.js';

/** How many rows are loaded between two looks at the clock: some 0.2 ms. */
export const HYDRATION_CHUNK_ROWS = 256;
/** How long one slice takes when no call waits: the longest that it delays one that comes meanwhile. */
export const HYDRATION_SLICE_MS = 2;

/** The store as an incarnation reads it: the keeper's `StoreReader`. */
export interface RowReader {
  source(extent: number, type: string, rowCodec: RowCodec): RowSource;
  close(): void;
}

/** What the store has of an empty table; it still goes on with the table's sequence. */
const NO_ROWS: RowSource = { rowsOf: () => [], scan: () => [] };

export interface HydrationOptions {
  readonly tables: ReadonlyMap<string, Table<AnyTableDefinition>>;
  readonly grants: readonly TableGrant[];
  readonly encoder: BatchEncoder;
  /** Opens the store; asked only if a table has rows there. */
  readonly reader: () => RowReader;
  /** Whether a call waits or runs. */
  readonly isBusy: () => boolean;
  /** Takes what is thrown in the background. */
  readonly onBug: (error: unknown) => void;
}

export class Hydration {
  private readonly options: HydrationOptions;
  private readonly waiting: Table<AnyTableDefinition>[] = [];
  private reader: RowReader | undefined;

  /** Makes the tables read from the store. */
  constructor(options: HydrationOptions) {
    this.options = options;
    for (const grant of options.grants) {
      const table = options.tables.get(grant.name);
      invariant(table !== undefined, `the keeper granted an unknown table '${grant.name}'`);
      if (grant.size > 0) this.begin(table, grant);
      else this.skip(table, grant);
    }
  }

  /** Whether every row is in memory. */
  get isDone(): boolean {
    return this.waiting.length === 0;
  }

  /** Goes on in the background until everything is loaded. */
  start(): void {
    if (this.isDone) return this.close();
    setImmediate(() => {
      try {
        this.slice();
        this.start();
      } catch (error) {
        this.options.onBug(error);
      }
    });
  }

  /** Stops loading a table that this worker has no more. */
  forget(table: Table<AnyTableDefinition>): void {
    const index = this.waiting.indexOf(table);
    if (index >= 0) this.waiting.splice(index, 1);
  }

  /** Stops loading, and closes the store at the next turn. */
  cutOff(): void {
    this.waiting.length = 0;
  }

  private begin(table: Table<AnyTableDefinition>, grant: TableGrant): void {
    this.reader ??= this.options.reader();
    const source = this.reader.source(grant.extent, table.definition.type, this.options.encoder.codecOf(grant.name));
    table.hydrateFrom(source, grant);
    this.waiting.push(table);
  }

  /** A table without rows is loaded at once, or it would go on keeping track of what it need not ask the store for. */
  private skip(table: Table<AnyTableDefinition>, grant: TableGrant): void {
    table.hydrateFrom(NO_ROWS, grant);
    invariant(table.hydrate(1), `the table '${grant.name}' of no rows is not loaded`);
  }

  private slice(): void {
    const end = performance.now() + (this.options.isBusy() ? 0 : HYDRATION_SLICE_MS);
    do {
      const table = this.waiting[0];
      if (table === undefined) return;
      if (table.hydrate(HYDRATION_CHUNK_ROWS)) this.waiting.shift();
    } while (performance.now() < end);
  }

  private close(): void {
    this.reader?.close();
    this.reader = undefined;
  }
}
