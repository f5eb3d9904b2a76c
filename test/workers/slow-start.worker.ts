/** A worker whose start fails or never ends while a file is there that says so. */
import { existsSync } from 'node:fs';
import { defineWorker, row, table } from 'heirloom/worker';

const trouble = process.env['HEIRLOOM_TEST_TROUBLE'] ?? '';
const isIn = (place: string): boolean => existsSync(`${trouble}-${place}`);

if (isIn('top-level-loop')) for (;;);

export default defineWorker({
  tables: { rows: table({ row: row<{ id: string }>(), key: 'id' }) },
  init() {
    if (isIn('init-throw')) throw new Error('init fails on purpose');
    if (isIn('init-loop')) for (;;);
  },
  calls: {
    insert({ tables }, id: string) {
      tables.rows.insert({ id });
      return tables.rows.size;
    },
  },
});
