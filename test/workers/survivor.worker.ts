/** A worker with a table for each failure that a table can survive. */
import { defineWorker, row, table } from 'heirloom/worker';

const Note = row<{ id: number }>();

export default defineWorker({
  tables: {
    power: table({ row: Note, type: 'duplicate_bag', key: 'id', survives: 'power_loss' }),
    crash: table({ row: Note, type: 'duplicate_bag', key: 'id', survives: 'runtime_crash' }),
    scratch: table({ row: Note, type: 'duplicate_bag', key: 'id', survives: 'nothing' }),
  },
  calls: {
    note({ tables }, id: number, ...names: readonly ('power' | 'crash' | 'scratch')[]) {
      for (const name of names) tables[name].insert({ id });
    },
    noteAndThrow({ tables }, id: number): void {
      for (const name of ['scratch', 'power', 'crash'] as const) tables[name].insert({ id });
      throw new RangeError(`note ${id} fails on purpose`);
    },
    async noteAndHang({ tables, log }, id: number): Promise<void> {
      for (const name of ['scratch', 'power', 'crash'] as const) tables[name].insert({ id });
      log.info('hanging', { id });
      await new Promise(() => {});
    },
    sizes({ tables }) {
      return { power: tables.power.size, crash: tables.crash.size, scratch: tables.scratch.size };
    },
  },
});
