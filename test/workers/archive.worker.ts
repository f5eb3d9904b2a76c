/** A worker whose tables go to files and come back. */
import { defineWorker, readTabfile, row, tab2file, table } from 'heirloom/worker';

const things = table({
  row: row<{ id: number; text: string; at: Date }>(),
  type: 'ordered_set',
  key: 'id',
  access: 'public',
});
const INSERT_ROWS = 500;

export default defineWorker({
  tables: {
    things,
    hidden: table({ row: row<{ id: number }>(), key: 'id', access: 'private' }),
    fleeting: table({ row: row<{ id: number }>(), key: 'id', survives: 'nothing' }),
  },
  calls: {
    fill({ tables }, from: number, count: number) {
      for (let id = from; id < from + count; id++) {
        tables.things.insert({ id, text: `thing ${id}`, at: new Date(id) });
        tables.fleeting.insert({ id });
      }
    },
    change({ tables }, id: number, text: string) {
      tables.things.updateElement(id, { text });
    },
    dump({ tables }, path: string) {
      return tab2file(tables.things, path, { extendedInfo: ['objectCount', 'sha256sum'], sync: true });
    },
    /** Does not await the dump, which then finds its table closed. */
    dumpFloating({ tables, log }, path: string) {
      tab2file(tables.things, path).catch((error: unknown) => {
        log.warn('the dump failed', { code: (error as { code?: unknown }).code });
      });
    },
    async load({ tables }, path: string) {
      let batch = [];
      for await (const each of readTabfile(path, { definition: things, verify: true })) {
        if (batch.push(each) < INSERT_ROWS) continue;
        tables.things.insertMany(batch);
        batch = [];
      }
      tables.things.insertMany(batch);
      return tables.things.size;
    },
  },
});
