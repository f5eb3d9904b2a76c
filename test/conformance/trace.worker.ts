/** The owner of the tables that traces are replayed on: it runs an operation of a trace as one call. */
import type { OwnerTable, TableType } from '@heirloom/tables';
import { defineWorker } from 'heirloom/worker';
import { runCommand } from './ets-command.js';
import type { EtsCommand } from './ets-trace.js';
import { TRACE_TABLES } from './trace-tables.js';
import { traceTable } from './trace-row.js';
import { ownedTable } from './traced-table.js';
import type { AsSet } from './traced-table.js';

export default defineWorker({
  tables: Object.fromEntries(TRACE_TABLES.map(({ name, type }) => [name, traceTable(type)])),
  calls: {
    run({ tables }, name: string, type: TableType, command: EtsCommand) {
      return runCommand(ownedTable(tables[name] as unknown as OwnerTable<AsSet>, type), command); // See `AsSet`.
    },
  },
});
