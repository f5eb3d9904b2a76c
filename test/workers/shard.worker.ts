/** One partition of a worker, which asks the partition of a key, be it itself or another one. */
import { defineWorker, partitionedRef, row, table } from 'heirloom/worker';
import type { CallSignatures, WorkerDefinition, WorkerIdentity } from 'heirloom/worker';

const tables = {
  entries: table({ row: row<{ id: string | number; value: number }>(), key: 'id', access: 'public' }),
};
/** As far as its partitions ask one another. */
type Shard = WorkerDefinition<typeof tables, CallSignatures>;

const shards = partitionedRef<Shard>('shards');

export default defineWorker({
  tables,
  calls: {
    put({ tables, worker }, id: string | number, value: number) {
      tables.entries.insert({ id, value });
      return worker.name;
    },
    get: ({ tables }, id: string | number) => tables.entries.lookup(id)?.value,
    clear({ tables }) {
      tables.entries.deleteAllObjects();
    },
    identity: ({ worker }): WorkerIdentity => worker,
    /** Puts a row where it belongs, which must be another partition. */
    async putThere({ remote }, id: string | number, value: number) {
      const there = remote(shards.of(id));
      await there.tables.entries.insert({ id, value });
      return there.name;
    },
    async askOfNobody({ remote }, name: string) {
      await remote(partitionedRef<Shard>(name).of('a')).tables.entries.size();
    },
  },
});
