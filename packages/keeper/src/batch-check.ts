/**
 * Whether a decoded batch may be stored: everything in it that the keeper relies on, so that one worker cannot harm another
 * (G12).
 */
import { TableError } from '@heirloom/tables';
import { TRANSFER_DATA_BYTES_MAX, WireError, encodeValue } from '@heirloom/wire';
import type { Batch, CastTotals } from '@heirloom/wire';
import { problemOfCasts } from './cast-check.js';
import type { CastStore } from './cast-store.js';
import { WORKER_NAME_BYTES_MAX } from './layout.js';
import { problemOf } from './stored-rows.js';
import { isChangedBy, learnShapes } from './table-catalog.js';
import type { StoredTable, TableCatalog } from './table-catalog.js';
import { checkMigration } from './table-migration.js';
import type { TableOwnership } from './table-ownership.js';

/** What a batch is checked against, beside the tables. */
export interface CheckedMail {
  readonly mail: CastStore;
  /** The casts of its worker that are received and not committed. */
  readonly staged: CastTotals;
}

/**
 * Checks a batch of a worker and makes its new shapes known; returns the stored table of each of its tables.
 * Throws WireError ERR_WIRE_MESSAGE, or what `RowCodec.addShapes` throws, and then nothing of the batch is known.
 */
export function checkBatch(
  catalog: TableCatalog,
  owners: Pick<TableOwnership, 'checkSteps'>,
  worker: string,
  batch: Batch,
  { mail, staged }: CheckedMail,
): StoredTable[] {
  const { casts, ending } = batch;
  if (batch.migration !== undefined && (casts !== undefined || ending !== undefined)) {
    throw refusal(batch, 'has casts besides a step of a migration');
  }
  if (batch.migration !== undefined) {
    checkMigration(catalog, worker, batch, batch.migration);
    return [];
  }
  const seen = new Set<number>();
  const tables = batch.tables.map((changes) => {
    const table = ownedTable(catalog, worker, batch, changes.tableId);
    if (seen.has(changes.tableId)) throw refusal(batch, `names table ${changes.tableId} twice`);
    seen.add(changes.tableId);
    const problem = problemOf(changes.changes, table.declaration.type);
    if (problem !== undefined) throw refusal(batch, `${problem}: table ${table.tableId}`);
    // All before any is added: what a refused batch taught a table would be taken for stored.
    table.codec.checkShapes(changes.shapes);
    return table;
  });
  const leaving = checkSteps(catalog, owners, worker, batch);
  // Last, as what it ends is claimed.
  const problem = problemOfCasts(mail, worker, batch, staged);
  if (problem !== undefined) throw refusal(batch, problem);
  for (const table of leaving) table.isLeaving = true;
  for (const [index, { shapes }] of batch.tables.entries()) {
    learnShapes(tables[index] as StoredTable, shapes); // One for each, by the map above.
  }
  return tables;
}

function ownedTable(catalog: TableCatalog, worker: string, batch: Batch, tableId: number): StoredTable {
  const table = catalog.byId.get(tableId);
  if (table === undefined || !isChangedBy(table, worker))
    throw refusal(batch, `names table ${tableId}, which is not one of '${worker}'`);
  if (table.migration !== undefined) throw refusal(batch, `changes table ${tableId}, which is migrated first`);
  return table;
}

/** The tables that a batch gives away. */
function checkSteps(
  catalog: TableCatalog,
  owners: Pick<TableOwnership, 'checkSteps'>,
  worker: string,
  batch: Batch,
): StoredTable[] {
  const { steps = [] } = batch;
  if (steps.length === 0) return [];
  const given: StoredTable[] = [];
  for (const { kind, tableId, to, data } of steps) {
    const table = ownedTable(catalog, worker, batch, tableId);
    if (encodeValue(data).length > TRANSFER_DATA_BYTES_MAX) {
      throw refusal(batch, `gives more than ${TRANSFER_DATA_BYTES_MAX} bytes with table ${tableId}`);
    }
    if (to !== undefined && (to === '' || Buffer.byteLength(to) > WORKER_NAME_BYTES_MAX)) {
      throw refusal(batch, `names a worker that cannot be one for table ${tableId}`);
    }
    if (kind !== 'give') continue;
    if (to === undefined || to === worker) throw refusal(batch, `gives table ${tableId} to nobody else`);
    given.push(table);
  }
  try {
    owners.checkSteps(worker, steps);
  } catch (error) {
    if (error instanceof TableError) throw refusal(batch, `does what its worker may not: ${error.message}`);
    throw error;
  }
  return given;
}

function refusal(batch: Batch, problem: string): WireError {
  return new WireError('ERR_WIRE_MESSAGE', `Batch ${batch.number} ${problem}.`, { number: batch.number });
}
