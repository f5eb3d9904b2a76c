/** A worker that runs out of memory. Its handlers have all the time that it takes, as V8 tries hard before it gives up. */
import { defineWorker, row, table } from 'heirloom/worker';

export default defineWorker({
  tables: { counters: table({ row: row<{ name: string; count: number }>(), key: 'name' }) },
  handlerTimeoutMs: 'infinity',
  calls: {
    increment({ tables }, name: string) {
      return tables.counters.updateCounter(name, 'count', 1, { default: { name, count: 0 } });
    },
    /** Takes memory without end. */
    hoard({ tables }): number {
      tables.counters.insert({ name: 'hoarded', count: 1 });
      const hoard: number[][] = [];
      for (;;) hoard.push(Array.from({ length: 100_000 }, () => 0.5));
    },
  },
});
