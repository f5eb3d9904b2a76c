/** A worker that chooses not to run while a file is there, after it has changed its tables and asked for nothing to be kept. */
import { existsSync } from 'node:fs';
import { defineWorker, row, table } from 'heirloom/worker';

export default defineWorker({
  tables: {
    starts: table({ row: row<{ epoch: number; restarted: boolean }>(), type: 'ordered_set', key: 'epoch' }),
    marks: table({ row: row<{ mark: number }>(), type: 'duplicate_bag', key: 'mark' }),
  },
  async init({ tables, restarted, worker }) {
    tables.starts.insert({ epoch: worker.incarnation, restarted });
    const file = process.env['HEIRLOOM_TEST_IGNORE'] ?? '';
    if (existsSync(`${file}-hang`))
      process.on('exit', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
    // Some of its time passes in a promise, as with a real look around.
    await Promise.resolve();
    return existsSync(file) ? 'ignore' : undefined;
  },
  calls: {
    mark({ tables }, mark: number) {
      tables.marks.insert({ mark });
    },
    starts({ tables }) {
      return tables.starts.tab2list().map(({ restarted }) => restarted);
    },
  },
});
