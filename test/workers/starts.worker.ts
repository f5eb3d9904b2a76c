/** A worker that counts its own starts in `init`. */
import { defineWorker, row, table } from 'heirloom/worker';

export default defineWorker({
  tables: {
    starts: table({ row: row<{ epoch: number; restarted: boolean }>(), type: 'ordered_set', key: 'epoch' }),
    marks: table({ row: row<{ mark: number; epoch: number }>(), type: 'duplicate_bag', key: 'mark' }),
  },
  init({ tables, restarted, worker }) {
    tables.starts.insert({ epoch: worker.incarnation, restarted });
  },
  calls: {
    mark({ tables, worker }, mark: number) {
      tables.marks.insert({ mark, epoch: worker.incarnation });
      return worker.incarnation;
    },
  },
});
