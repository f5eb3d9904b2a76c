/** A table of the worker of traces, as others than its owner have it. */
import type { TableType, WritableTable } from '@heirloom/tables';
import type { WorkerHandle } from 'heirloom';
import type { EtsCommand } from './ets-trace.js';
import type traceWorker from './trace.worker.js';
import type { AsSet, TracedTable } from './traced-table.js';

export interface RemoteTracedTable extends TracedTable {
  /** Runs an operation as a call of the owner, whose handler does it. */
  runInOwner(command: EtsCommand): Promise<unknown>;
}

/** A table by its name, through a worker's handle. */
export function remoteTable(
  handle: WorkerHandle<typeof traceWorker>,
  name: string,
  type: TableType,
): RemoteTracedTable {
  const operations = handle.tables[name] as unknown as WritableTable<AsSet>; // See `AsSet`.
  const runInOwner = (command: EtsCommand): Promise<unknown> => handle.call.run(name, type, command);
  return {
    type,
    operations,
    selectKeys: async (where) => (await operations.select({ where, fields: [0] })).map(([key]) => key),
    size: () => operations.size(),
    // A fold takes a function, which runs where the table is.
    sum: (field) => runInOwner({ op: 'fold_sum', arguments: { field } }),
    runInOwner,
  };
}
