/** A worker that traps exits, and writes down what it is told. */
import { defineWorker, row, table, workerRef } from 'heirloom/worker';
import type { ExitMessage } from 'heirloom/worker';

interface Told {
  readonly worker: string;
  readonly epoch: number | undefined;
  readonly reason: string;
  readonly error: string | undefined;
  readonly life: number;
}

export default defineWorker({
  tables: { told: table({ row: row<Told>(), type: 'duplicate_bag', key: 'worker' }) },
  trapExit: true,
  exit({ error, ...message }: ExitMessage, { tables, worker }) {
    tables.told.insert({ ...message, error: error?.message, life: worker.incarnation });
  },
  calls: {
    link: ({ link }, name: string) => link(workerRef(name)),
    unlink: ({ unlink }, name: string) => unlink(workerRef(name)),
    told: ({ tables }): readonly Told[] => tables.told.tab2list(),
  },
});
