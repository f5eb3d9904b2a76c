/**
 * Makes the rows of a new version of the stored ones, with the `migrate` of their table, before `init` and the first call.
 *
 *   for each table:  rows ── rows ── … ── rows (complete)      then, for all of them at once:  flip
 *                      └── a row fails: abandon
 *
 * 1. Old rows are read in the order of their bytes from where the last committed step ended; the new ones of a step travel in one
 *    batch with the place behind their old ones. So every row is migrated once, also when this worker or its keeper is killed.
 * 2. A step is built only when the one before is released; then its new rows are in the store, where keys are looked up that rows
 *    have moved to. Time, rows and bytes of a step are bounded, and it is all that is held in memory.
 * 3. What `migrate` returns is inserted into a table of the new definition, schema and all (migrated-row.ts of the tables).
 * 4. A row that cannot be migrated ends the start with WorkerError ERR_WORKER_MIGRATION, after everything that was made was given
 *    up: the tables are as they were, and a corrected program begins again with the first row.
 */
import { InvariantError, Table, decodeKey, insertMigrated, invariant, showValue } from '@heirloom/tables';
import type { AnyTableDefinition, MigrateRow, MigrationProblem, RowSource, StoredRow } from '@heirloom/tables';
import { failpoint } from '@heirloom/wire';
import type { MigratedRows, MigrationGrant, MigrationStep, TableGrant } from '@heirloom/wire';
import type { BatchEncoder } from './batch-encoder.js';
import { WorkerError } from './errors.js';
import type { TableDefinitions } from './handler-context.js';
import type { RowReader } from './hydration.js';

/** The most old rows of one step: some milliseconds of work and one commit. */
export const MIGRATION_STEP_ROWS = 2_000;
/** The bytes at which a step ends early; one row more may exceed them. */
export const MIGRATION_STEP_BYTES: number = 4 * 1024 * 1024;
/** How long a step's `migrate` functions may run together: one that is slow must not keep the worker from its messages. */
export const MIGRATION_STEP_MS = 50;
/** Old rows read at once; few, as each may have ROW_BYTES_MAX. */
const READ_ROWS = 64;

const SEQUENCE_BYTES = 8;

export interface MigrationOptions {
  readonly definitions: TableDefinitions;
  readonly grants: readonly TableGrant[];
  readonly encoder: BatchEncoder;
  readonly reader: RowReader;
  /** Puts a step into the journal; resolves when it is released. */
  readonly commit: (step: MigrationStep) => Promise<void>;
  /** The most old rows of one step; default MIGRATION_STEP_ROWS. */
  readonly stepRows?: number;
}

/** Migrates every table that has to be, and returns the grants of all tables as they are then. Rejects with WorkerError. */
export async function migrateTables({ grants, commit, ...rest }: MigrationOptions): Promise<readonly TableGrant[]> {
  const migrations = new Map<string, TableMigration>();
  for (const grant of grants) {
    if (grant.migration !== undefined) migrations.set(grant.name, new TableMigration(grant, grant.migration, rest));
  }
  try {
    for (const migration of migrations.values()) {
      while (!migration.isComplete) await commit(migration.nextStep());
    }
  } catch (error) {
    if (error instanceof WorkerError) await commit({ step: 'abandon' });
    throw error;
  }
  await commit({ step: 'flip' });
  return grants.map((grant) => migrations.get(grant.name)?.grant ?? grant);
}

/** The store's new rows as far as a step must look at them; see `rowsOf`. */
class NewRows implements RowSource {
  readonly #store: RowSource;
  /** Whether a row has got another key, so that new rows may be anywhere. */
  hasMoved: boolean;
  /** The key of the old row whose new one is looked up. */
  oldKey: Uint8Array = new Uint8Array(0);
  /** The key of the last old row of the steps before, which can have more. */
  readonly lastKey: Uint8Array;

  constructor(store: RowSource, hasMoved: boolean, lastKey: Uint8Array) {
    this.#store = store;
    this.hasMoved = hasMoved;
    this.lastKey = lastKey;
  }

  /** As old rows are in the order of keys, one that keeps its key meets none of an earlier step while all have kept theirs. */
  rowsOf(keyBytes: Uint8Array): readonly StoredRow[] {
    if (Buffer.compare(keyBytes, this.oldKey) !== 0) this.hasMoved = true;
    if (!this.hasMoved && Buffer.compare(keyBytes, this.lastKey) !== 0) return [];
    return this.#store.rowsOf(keyBytes);
  }

  scan(): readonly StoredRow[] {
    throw new InvariantError('a migration reads new rows by their keys only');
  }
}

class TableMigration {
  readonly #name: string;
  readonly #definition: AnyTableDefinition;
  readonly #migrate: MigrateRow;
  readonly #encoder: BatchEncoder;
  readonly #grant: TableGrant;
  readonly #oldRows: RowSource;
  readonly #newRows: RowSource;
  readonly #stepRows: number;
  #state: MigrationGrant;

  constructor(
    grant: TableGrant,
    migration: MigrationGrant,
    { definitions, encoder, reader, stepRows = MIGRATION_STEP_ROWS }: Omit<MigrationOptions, 'grants' | 'commit'>,
  ) {
    const definition = definitions[grant.name];
    invariant(definition?.migrate !== undefined, `the keeper wants '${grant.name}' migrated, which cannot be`);
    this.#name = grant.name;
    this.#definition = definition;
    this.#migrate = definition.migrate;
    this.#encoder = encoder;
    this.#grant = grant;
    this.#state = migration;
    this.#stepRows = stepRows;
    const codec = encoder.codecOf(grant.name);
    this.#oldRows = reader.source(grant.extent, migration.fromType, codec);
    this.#newRows = reader.source(migration.extent, definition.type, codec);
  }

  get isComplete(): boolean {
    return this.#state.isComplete;
  }

  /** The table as it is granted after the flip. */
  get grant(): TableGrant {
    const { extent, size, nextSequence } = this.#state;
    return { ...this.#grant, extent, size, nextSequence, migration: undefined };
  }

  /** Migrates the next old rows. Throws WorkerError ERR_WORKER_MIGRATION. */
  nextStep(): MigratedRows {
    failpoint('worker.migration:step');
    const { cursor, hasMoved, size, nextSequence } = this.#state;
    const seen = new NewRows(this.#newRows, hasMoved, cursor.subarray(0, -SEQUENCE_BYTES));
    const table = new Table(this.#definition, { name: this.#name, transactional: true });
    table.hydrateFrom(seen, { size, nextSequence });
    table.begin();
    const { last, isComplete } = this.#migrateSome(table, seen);
    const rows = this.#encoder.rows({ name: this.#name, table, changes: table.commit() });
    this.#state = {
      ...this.#state,
      size: table.size,
      nextSequence: table.nextSequence,
      cursor: last === undefined ? cursor : placeBehind(last),
      hasMoved: seen.hasMoved,
      isComplete,
    };
    failpoint('worker.migration:made');
    return { step: 'rows', rows, cursor: this.#state.cursor, hasMoved: seen.hasMoved, isComplete };
  }

  #migrateSome(
    table: Table<AnyTableDefinition>,
    seen: NewRows,
  ): { readonly last: StoredRow | undefined; readonly isComplete: boolean } {
    const end = performance.now() + MIGRATION_STEP_MS;
    let last: StoredRow | undefined;
    for (let count = 0; count < this.#stepRows;) {
      const from = last === undefined ? this.#state.cursor : placeBehind(last);
      const limit = Math.min(READ_ROWS, this.#stepRows - count);
      const rows = this.#oldRows.scan({ from, limit });
      for (const old of rows) {
        seen.oldKey = old.keyBytes;
        this.#migrateRow(table, old);
        last = old;
        count++;
        if (table.pendingBytes >= MIGRATION_STEP_BYTES || performance.now() >= end) return { last, isComplete: false };
      }
      if (rows.length < limit) return { last, isComplete: true };
    }
    return { last, isComplete: false };
  }

  #migrateRow(table: Table<AnyTableDefinition>, old: StoredRow): void {
    const { fromVersion } = this.#state;
    const problem = insertMigrated(table, this.#migrate, { row: old.row, version: fromVersion });
    if (problem !== undefined) throw this.#failure(old, problem);
  }

  #failure(old: StoredRow, { problem, cause, ...more }: MigrationProblem): WorkerError {
    const key = decodeKey(old.keyBytes);
    const { fromVersion } = this.#state;
    const { version } = this.#definition;
    const message = `The migrate function of table '${this.#name}', from version ${fromVersion} to ${version}, ${problem}. It was the row of key ${showValue(key)}. No row was changed.`;
    const details = { table: this.#name, key, fromVersion, version, ...more };
    return new WorkerError('ERR_WORKER_MIGRATION', message, details, cause === undefined ? {} : { cause });
  }
}

/** The place behind a row in the order of the store: its key's bytes and the next sequence. */
function placeBehind({ keyBytes, sequence }: StoredRow): Uint8Array {
  const place = new Uint8Array(keyBytes.length + SEQUENCE_BYTES);
  place.set(keyBytes);
  new DataView(place.buffer).setBigUint64(keyBytes.length, BigInt(sequence + 1));
  return place;
}
