/** A worker that is told by its arguments what it is, and writes down in `init` what it was told in each life. */
import { args, defineWorker, row, table } from 'heirloom/worker';

export interface Limits {
  readonly most: number;
  readonly tags: readonly string[];
}

export default defineWorker({
  args: args<[region: string, limits: Limits, since?: Date]>(),
  tables: {
    lives: table({ row: row<{ epoch: number; region: string; most: number }>(), type: 'ordered_set', key: 'epoch' }),
  },
  init({ tables, args: [region, { most }], worker }) {
    tables.lives.insert({ epoch: worker.incarnation, region, most });
  },
  calls: {
    told: ({ args }) => [...args],
    lives: ({ tables }) => tables.lives.tab2list().map(({ region, most }) => `${region} ${most}`),
    // Its types forbid it, and so does what it is.
    change({ args }) {
      (args[1].tags as string[]).push('changed');
    },
  },
});
