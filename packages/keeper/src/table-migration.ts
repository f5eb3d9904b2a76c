/**
 * The stored half of a migration: the rows of a table in their new form, in an extent of their own until all are there.
 *
 *   none ──openEpoch of a higher version──▶ rows, step by step ──complete──▶ flip: the new rows are the table
 *     ▲                                        │
 *     └── the worker gives up, or loses the table, or an epoch is opened that wants another version ─┘
 *
 * Invariants
 * 1. Until the flip the table is as it was: type, key, version, rows and counts, for readers too. Its worker can change nothing in
 *    it meanwhile.
 * 2. The new rows of a step and the cursor behind their old ones are committed in one transaction, so that each old row is
 *    migrated once whatever is killed (G3).
 * 3. All tables of a worker flip in one transaction, and none before every one of them is complete.
 * 4. What a worker says is checked (G12): a step is of its own tables, and of such as migrate.
 * 5. Only a table that its worker has migrates. While another worker owns it that one changes its rows in their old form, so
 *    it stays as it is stored until its worker begins an epoch with it. One that is inherited meanwhile goes as it was.
 *
 * The worker's half, which runs the user's code, is worker/src/migration.ts.
 */
import { KEY_BYTES_MAX, isSameForm } from '@heirloom/tables';
import { WireError, failpoint } from '@heirloom/wire';
import type { Batch, MigratedRows, MigrationGrant, MigrationStep, TableDeclaration } from '@heirloom/wire';
import { alignFeed, restartFeed } from './change-feed.js';
import { doomExtent } from './extent-sweeper.js';
import type { Store, StoreWriter } from './store.js';
import { problemOf, writeRows } from './stored-rows.js';
import type { OwnershipRecord, StoredMigration } from './stored-record.js';
import { FIRST_SEQUENCE, learnShapes } from './table-catalog.js';
import type { StoredTable, TableCatalog } from './table-catalog.js';

/** The longest cursor: a key and a sequence. */
const CURSOR_BYTES_MAX = KEY_BYTES_MAX + 8;

/**
 * Takes a new declaration of a stored table, which was found to go with it, inside of a transaction: at once, or as what the
 * table becomes when its rows are migrated. A migration to the same version goes on; one to another begins again.
 * A heir or name that was changed since stays, unless it is declared anew.
 */
export function redeclare(store: Store, writer: StoreWriter, table: StoredTable, declared: TableDeclaration): void {
  const { type, key, version } = table.declaration;
  const { migration } = table;
  table.ownership = redeclaredOwnership(table, declared);
  table.declaration = { ...declared, type, key, version };
  if (migration !== undefined && isSameForm(migration.target, declared)) {
    table.migration = { ...migration, target: declared };
  } else {
    giveUp(store, writer, table);
    const isHome = table.ownership.owner === table.worker;
    if (isHome && declared.version !== version) table.migration = beginMigration(store, writer, declared);
  }
  store.putTable(writer, table);
  alignFeed(store, writer, table);
}

function redeclaredOwnership({ declaration, ownership }: StoredTable, declared: TableDeclaration): OwnershipRecord {
  const heir = declaration.heir === declared.heir ? {} : { heir: declared.heir, heirData: undefined };
  const name = declaration.publicName === declared.publicName ? {} : { publicName: declared.publicName };
  return { ...ownership, ...heir, ...name };
}

function beginMigration(store: Store, writer: StoreWriter, target: TableDeclaration): StoredMigration {
  failpoint('keeper.migration:begin');
  const extent = store.takeExtent(writer);
  const nothing = { size: 0, nextSequence: FIRST_SEQUENCE, cursor: new Uint8Array(0) };
  return { target, extent, ...nothing, hasMoved: false, isComplete: false };
}

/** What the worker must know to go on; undefined if there is nothing to migrate. */
export function migrationGrant({ migration, declaration }: StoredTable): MigrationGrant | undefined {
  if (migration === undefined) return undefined;
  const { target: _, ...progress } = migration;
  return { fromVersion: declaration.version, fromType: declaration.type, ...progress };
}

/** Checks a step and makes its shapes known. Throws WireError ERR_WIRE_MESSAGE or ERR_WIRE_SHAPE, and then nothing of it is. */
export function checkMigration(catalog: TableCatalog, worker: string, batch: Batch, step: MigrationStep): void {
  const { number, isInit, outcomes, tables } = batch;
  const refused = (problem: string): WireError =>
    new WireError('ERR_WIRE_MESSAGE', `The migration in batch ${number} of '${worker}' ${problem}.`, { number });
  if (isInit || outcomes.length > 0 || tables.length > 0) throw refused('comes with something else');
  const migrating = migratingTables(catalog, worker);
  if (migrating.length === 0) throw refused('is of no table');
  if (step.step === 'abandon') return;
  if (step.step === 'flip') {
    if (migrating.every(({ migration }) => migration.isComplete)) return;
    throw refused('flips before it is complete');
  }
  const table = migrating.find(({ tableId }) => tableId === step.rows.tableId);
  if (table === undefined) throw refused(`names table ${step.rows.tableId}, which does not migrate`);
  if (table.migration.isComplete) throw refused(`goes on with table ${table.tableId}, which is complete`);
  checkRows(step, table.migration, refused);
  learnShapes(table, step.rows.shapes);
}

function checkRows({ rows, cursor }: MigratedRows, migration: StoredMigration, refused: (why: string) => Error): void {
  if (rows.cleared) throw refused('clears a table');
  if (cursor.length > CURSOR_BYTES_MAX) throw refused(`has a cursor of ${cursor.length} bytes`);
  if (rows.changes.some(({ rowBytes }) => rowBytes === undefined)) throw refused('deletes a row');
  const problem = problemOf(rows.changes, migration.target.type);
  if (problem !== undefined) throw refused(problem);
}

/** Writes a step that was found good, inside of a transaction; returns the tables that have other rows now. */
export function writeMigration(
  store: Store,
  writer: StoreWriter,
  worker: string,
  step: MigrationStep,
): readonly StoredTable[] {
  const migrating = migratingTables(store.catalog, worker);
  if (step.step === 'rows') {
    const table = migrating.find(({ tableId }) => tableId === step.rows.tableId);
    if (table !== undefined) writeStep(store, writer, table, step);
  } else if (step.step === 'flip') {
    for (const table of migrating) flip(store, writer, table);
  } else {
    for (const table of migrating) {
      giveUp(store, writer, table);
      store.putTable(writer, table);
    }
  }
  failpoint(`keeper.migration:${step.step}`);
  return step.step === 'flip' ? migrating : [];
}

type MigratingTable = StoredTable & { migration: StoredMigration };

function migratingTables(catalog: TableCatalog, worker: string): MigratingTable[] {
  const isMigrating = (table: StoredTable): table is MigratingTable => table.migration !== undefined;
  return catalog.changedBy(worker).filter(isMigrating);
}

function writeStep(store: Store, writer: StoreWriter, table: MigratingTable, step: MigratedRows): void {
  const { rows, cursor, hasMoved, isComplete } = step;
  const { target, extent } = table.migration;
  writeRows(writer, { extent, type: target.type }, rows.changes);
  for (const shape of rows.shapes) store.putShape(writer, table.tableId, shape);
  const { size, nextSequence } = rows;
  // The cursor is a view on the batch.
  table.migration = { target, extent, size, nextSequence, cursor: cursor.slice(), hasMoved, isComplete };
  store.putTable(writer, table);
}

/** The new rows are the table from now on, and the old ones are to be deleted. */
function flip(store: Store, writer: StoreWriter, table: MigratingTable): void {
  const { target, extent, size, nextSequence } = table.migration;
  doomExtent(store, writer, table.extent);
  Object.assign(table, { declaration: target, extent, size, nextSequence, migration: undefined });
  restartFeed(store, writer, table);
  store.putTable(writer, table);
  store.putCounts(writer, table);
}

/** Gives up what was made of a migration, inside of a transaction; the caller writes the table's record. */
export function giveUp(store: Store, writer: StoreWriter, table: StoredTable): void {
  if (table.migration === undefined) return;
  doomExtent(store, writer, table.migration.extent);
  table.migration = undefined;
}
