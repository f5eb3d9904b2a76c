/** The worker that the benchmark measures. */
import { defineWorker, row, table } from 'heirloom/worker';

export default defineWorker({
  tables: {
    rows: table({ row: row<{ id: number; name: string; amount: number; isOpen: boolean }>(), key: 'id' }),
  },
  calls: {
    put({ tables }, id: number) {
      tables.rows.insert({ id, name: `row ${id}`, amount: id * 2, isOpen: true });
    },
    putMany({ tables }, first: number, count: number) {
      for (let id = first; id < first + count; id++) {
        tables.rows.insert({ id, name: `row ${id}`, amount: id * 2, isOpen: true });
      }
    },
    get({ tables }, id: number) {
      return tables.rows.lookup(id)?.amount;
    },
    size({ tables }) {
      return tables.rows.size;
    },
  },
});
