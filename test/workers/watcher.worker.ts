/** A worker that monitors others and links itself to them as a test wants, and writes down what it is told. */
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
  async init({ link, monitor }) {
    const { WATCHES, LINKS } = process.env;
    if (WATCHES !== undefined) await monitor(workerRef(WATCHES));
    if (LINKS !== undefined) await link(workerRef(LINKS));
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
    link: ({ link }, name: string) => link(workerRef(name)),
    unlink: ({ unlink }, name: string) => unlink(workerRef(name)),
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
    /** Is alone with its worker for a while. */
    wait: (_context, milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds)),
  },
});
