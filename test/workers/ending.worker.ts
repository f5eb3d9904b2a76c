/**
 * A worker that is told of its end and of its versions: by the environment variable VERSION, none or a number; by MODE its `terminate` or
 * `migrate` goes wrong.
 */
import { defineWorker, row, table } from 'heirloom/worker';

const mode = process.env['MODE'] ?? 'well';
const version = process.env['VERSION'];

const definition = defineWorker({
  onError: 'crash',
  tables: { notes: table({ row: row<{ id: string; text: string; count: number }>(), key: 'id' }) },
  migrate({ tables }, from) {
    const id = `from ${from}`;
    tables.notes.updateCounter(id, 'count', 1, { default: { id, text: 'migrated', count: 0 } });
    if (mode === 'migrate_throws') throw new RangeError('it is migrated badly on purpose');
  },
  init({ tables }) {
    const before = [...tables.notes].filter(({ text }) => text === 'migrated').length;
    tables.notes.insert({ id: 'init', text: `after ${before} migrations`, count: 0 });
  },
  async terminate({ tables }, reason) {
    tables.notes.insert({ id: 'end', text: reason === 'shutdown' ? reason : reason.message, count: tables.notes.size });
    if (mode === 'throws') throw new RangeError('it ends badly on purpose');
    if (mode === 'hangs') await new Promise(() => undefined);
  },
  calls: {
    put({ tables }, id: string) {
      tables.notes.insert({ id, text: 'put', count: 0 });
    },
    fail({ tables }) {
      tables.notes.insert({ id: 'ghost', text: 'never', count: 0 });
      throw new RangeError('this call throws on purpose');
    },
    note({ tables }, id: string) {
      return tables.notes.lookup(id);
    },
  },
});

export default version === undefined ? definition : Object.freeze({ ...definition, version: Number(version) });
