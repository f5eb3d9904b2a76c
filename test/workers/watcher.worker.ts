/** A worker that monitors others as a test wants, and writes down what it is told. */
import { defineWorker, row, table, workerRef } from 'heirloom/worker';
import type { DownMessage, Monitor } from 'heirloom/worker';

/** What it was told, and in which of its lives. */
export interface Told {
  readonly worker: string;
  readonly epoch: number | undefined;
  readonly reason: string;
  readonly error: string | undefined;
  readonly monitor: number;
  readonly life: number;
}

export default defineWorker({
  tables: { told: table({ row: row<Told>(), type: 'duplicate_bag', key: 'worker' }) },
  async init({ monitor }) {
    const name = process.env['WATCHES'];
    if (name !== undefined) await monitor(workerRef(name));
  },
  down({ error, ...message }: DownMessage, { tables, worker }) {
    if (message.worker === process.env['THROWS_AT']) throw new Error('told too much');
    tables.told.insert({ ...message, error: error?.message, life: worker.incarnation });
  },
  calls: {
    watch: ({ monitor }, name: string): Promise<Monitor> => monitor(workerRef(name)),
    unwatch: ({ demonitor }, monitor: Monitor): Promise<boolean> => demonitor(monitor),
    async watchAndThrow({ monitor }, name: string) {
      await monitor(workerRef(name));
      throw new Error('after the monitor');
    },
    /** Watches in a handler that takes as long as a test wants. */
    async watchAndWait({ monitor, tables }, name: string, milliseconds: number) {
      await monitor(workerRef(name));
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      return tables.told.size;
    },
    async watchOften({ monitor }, name: string, times: number) {
      const asked = Array.from({ length: times }, () => monitor(workerRef(name)));
      return (await Promise.all(asked)).map(({ number }) => number);
    },
    told: ({ tables }): readonly Told[] => tables.told.tab2list(),
    crash() {
      process.nextTick(() => {
        throw new Error('on purpose');
      });
      return new Promise<void>(() => {});
    },
    exit() {
      process.exit(0);
    },
  },
});
