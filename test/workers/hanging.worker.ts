/** A worker that hangs in every way that user code can. */
import { defineWorker, row, table } from 'heirloom/worker';

export default defineWorker({
  tables: { counters: table({ row: row<{ name: string; count: number }>(), key: 'name' }) },
  handlerTimeoutMs: Number(process.env['HANDLER_TIMEOUT_MS'] ?? 60_000),
  calls: {
    increment({ tables }) {
      return tables.counters.updateCounter('a', 'count', 1, { default: { name: 'a', count: 0 } });
    },
    /** Hangs behind this handler. */
    loopLater() {
      setTimeout(() => {
        for (;;);
      });
    },
    loopInMicrotasksLater() {
      const again = (): void => queueMicrotask(again);
      setTimeout(again);
    },
    block(_context, ms: number) {
      const end = performance.now() + ms;
      while (performance.now() < end);
      return 'blocked';
    },
    async wait(_context, ms: number): Promise<string> {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return 'waited';
    },
  },
});
