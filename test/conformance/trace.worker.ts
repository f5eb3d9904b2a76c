/** The owner of the tables that traces are replayed on: it runs an operation of a trace as one call. */
import type { OwnerTable, TableType } from '@heirloom/tables';
import { defineWorker } from 'heirloom/worker';
import { runCommand } from './ets-command.js';
import type { EtsCommand } from './ets-trace.js';
import { traceTable } from './trace-row.js';
import { ownedTable } from './traced-table.js';
import type { AsSet } from './traced-table.js';

export default defineWorker({
  tables: {
    set: traceTable('set'),
    ordered_set: traceTable('ordered_set'),
    bag: traceTable('bag'),
    duplicate_bag: traceTable('duplicate_bag'),
  },
  calls: {
    run({ tables }, type: TableType, command: EtsCommand) {
      return runCommand(ownedTable(tables[type] as unknown as OwnerTable<AsSet>, type), command); // See `AsSet`.
    },
  },
});
