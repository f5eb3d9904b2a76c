/** A worker whose `init` fails while a file is there, and that keeps large rows. */
import { existsSync } from 'node:fs';
import { defineWorker, row, table } from 'heirloom/worker';

export default defineWorker({
  tables: { blobs: table({ row: row<{ id: string; text: string }>(), key: 'id' }) },
  init() {
    const trouble = process.env['HEIRLOOM_TEST_TROUBLE'] ?? '';
    if (existsSync(`${trouble}-throw`)) throw new Error('init fails on purpose');
    if (existsSync(`${trouble}-kill`)) process.kill(process.pid, 'SIGKILL');
  },
  calls: {
    keep({ tables }, id: string, length: number) {
      tables.blobs.insert({ id, text: 'x'.repeat(length) });
    },
    count({ tables }) {
      return tables.blobs.size;
    },
    block(_context, ms: number) {
      const end = Date.now() + ms;
      while (Date.now() < end);
    },
    async clearThenThrow({ tables }) {
      tables.blobs.deleteAllObjects();
      // Long enough for the background to take its chance at loading.
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      throw new Error('the clear is taken back');
    },
    lengths({ tables }) {
      return tables.blobs.tab2list().length;
    },
  },
});
