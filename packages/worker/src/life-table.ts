/**
 * The hidden table of a worker: what its life needs beside what its handlers keep, in rows that travel with their batches.
 *
 *   kind 'timer'     name: the timer's             a timer that survives crashes (timers.ts)
 *   kind 'version'   name: WORKER_VERSION_NAME     the version of the worker (worker-version.ts)
 *   kind 'continue'  name: on whose behalf         what handleContinue is to run for (continuations.ts)
 *
 * 1. It is a table like any other to the keeper: private, never given away, written with the batch of the handler (G2). Users do not
 *    see it: its name begins with `$`, which no table of theirs does, and it is lent to no handler.
 * 2. A worker has it if its definition needs it (life.ts), or if it is stored: rows that an earlier version of the code has left are found,
 *    and wait for a version that knows what to do with them.
 * 3. It is loaded as a whole when a life begins, before anything else of the worker: it is small, as TIMERS_MAX bounds it.
 */
import { invariant, row, table } from '@heirloom/tables';
import type { AnyTableDefinition, Table, TableDefinition } from '@heirloom/tables';
import type { RowCodec, TableGrant } from '@heirloom/wire';
import type { RowReader } from './hydration.js';

/** The name of the hidden table of every worker that has one. */
export const LIFE_TABLE_NAME = '$life';
/** The name of the only row of its kind. */
const WORKER_VERSION_NAME = 'worker';
/** How many rows are loaded between two looks at whether there are more. */
const LOAD_ROWS = 1_024;

/** A timer that survives crashes. */
export interface TimerRow {
  readonly kind: 'timer';
  readonly name: string;
  readonly handler: string;
  /** When it is due: milliseconds since 1970. */
  readonly at: number;
  /** How long after that it is due again, 0 for never. */
  readonly everyMs: number;
  /** Encoded. */
  readonly arguments: Uint8Array;
  /** The life in which it was started or last fired, and a number in it: together they are said once. */
  readonly epoch: number;
  readonly serial: number;
}

/** A continuation that is to run. */
export interface ContinueRow {
  readonly kind: 'continue';
  readonly name: 'init' | 'handler';
  /** Encoded. */
  readonly argument: Uint8Array;
}

/** The version that what is stored of the worker has. */
export interface VersionRow {
  readonly kind: 'version';
  readonly name: typeof WORKER_VERSION_NAME;
  readonly version: number;
}

export type LifeRow = TimerRow | ContinueRow | VersionRow;

export const LIFE_TABLE: TableDefinition<LifeRow, readonly ['kind', 'name'], 'set', 'private'> = table({
  row: row<LifeRow>(),
  key: ['kind', 'name'],
  access: 'private',
});

/** The hidden table of one incarnation. Writes are for the time of a handler, whose transaction they are part of. */
export class LifeTable {
  private readonly table: Table<typeof LIFE_TABLE>;

  constructor(made: Table<AnyTableDefinition>) {
    // Made from LIFE_TABLE.
    this.table = made as unknown as Table<typeof LIFE_TABLE>;
  }

  /** Loads every row, once. */
  load(grant: TableGrant, codec: RowCodec, openReader: () => RowReader): void {
    const reader = grant.size > 0 ? openReader() : undefined;
    const source = reader?.source(grant.extent, LIFE_TABLE.type, codec) ?? { rowsOf: () => [], scan: () => [] };
    try {
      this.table.hydrateFrom(source, grant);
      while (!this.table.hydrate(LOAD_ROWS));
    } finally {
      reader?.close();
    }
  }

  put(changed: LifeRow): void {
    this.table.insert(changed);
  }

  timer(name: string): TimerRow | undefined {
    return this.find('timer', name);
  }

  /** Whether there was one. */
  deleteTimer(name: string): boolean {
    return this.table.delete(['timer', name]);
  }

  timers(): readonly TimerRow[] {
    invariant(this.table.isHydrated, 'the hidden table is not loaded');
    return [...this.table].filter((each) => each.kind === 'timer');
  }

  continuation(origin: ContinueRow['name']): ContinueRow | undefined {
    return this.find('continue', origin);
  }

  deleteContinuation(origin: ContinueRow['name']): void {
    this.table.delete(['continue', origin]);
  }

  get version(): number | undefined {
    return this.find('version', WORKER_VERSION_NAME)?.version;
  }

  setVersion(version: number): void {
    this.put({ kind: 'version', name: WORKER_VERSION_NAME, version });
  }

  private find<Kind extends LifeRow['kind']>(kind: Kind, name: string): Extract<LifeRow, { kind: Kind }> | undefined {
    // Only rows of the kind lie under keys that begin with it.
    return this.table.lookup([kind, name]) as Extract<LifeRow, { kind: Kind }> | undefined;
  }
}
