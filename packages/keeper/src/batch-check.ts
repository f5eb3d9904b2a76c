/**
 * Whether a decoded batch may be stored: everything in it that the keeper relies on, so that one worker cannot harm another
 * (G12).
 */
import { KEY_BYTES_MAX } from '@heirloom/tables';
import { WireError } from '@heirloom/wire';
import type { Batch, TableChanges } from '@heirloom/wire';
import { isBag } from './layout.js';
import type { StoredTable, TableCatalog } from './table-catalog.js';
import { checkMigration } from './table-migration.js';

/**
 * Checks a batch of a worker and makes its new shapes known; returns the stored table of each of its tables.
 * Throws WireError ERR_WIRE_MESSAGE, or what `RowCodec.addShapes` throws, and then nothing of the batch is known.
 */
export function checkBatch(catalog: TableCatalog, worker: string, batch: Batch): StoredTable[] {
  if (batch.migration !== undefined) {
    checkMigration(catalog, worker, batch, batch.migration);
    return [];
  }
  const seen = new Set<number>();
  const tables = batch.tables.map((changes) => {
    const table = catalog.byId.get(changes.tableId);
    if (table?.worker !== worker)
      throw refusal(batch, `names table ${changes.tableId}, which is not one of '${worker}'`);
    if (seen.has(changes.tableId)) throw refusal(batch, `names table ${changes.tableId} twice`);
    seen.add(changes.tableId);
    if (table.migration !== undefined)
      throw refusal(batch, `changes table ${changes.tableId}, which is migrated first`);
    checkChanges(batch, changes, table);
    // All before any is added: what a refused batch taught a table would be taken for stored.
    table.codec.checkShapes(changes.shapes);
    return table;
  });
  for (const [index, { shapes }] of batch.tables.entries()) {
    const table = tables[index] as StoredTable; // One for each, by the map above.
    const added = shapes.filter(({ id }) => !table.codec.hasShape(id));
    table.codec.addShapes(shapes);
    table.shapes.push(...added);
  }
  return tables;
}

function checkChanges(batch: Batch, changes: TableChanges, table: StoredTable): void {
  const hasSequence = isBag(table.declaration.type);
  for (const { keyBytes, sequence } of changes.changes) {
    if (keyBytes.length === 0 || keyBytes.length > KEY_BYTES_MAX) {
      throw refusal(batch, `has a key of ${keyBytes.length} bytes, and the limit is ${KEY_BYTES_MAX}`);
    }
    if (!hasSequence && sequence !== 0)
      throw refusal(batch, `has a sequence in table ${table.tableId}, which is no bag`);
  }
}

function refusal(batch: Batch, problem: string): WireError {
  return new WireError('ERR_WIRE_MESSAGE', `Batch ${batch.number} ${problem}.`, { number: batch.number });
}
