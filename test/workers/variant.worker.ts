/** A worker that is, by the environment variable VARIANT, declared differently or broken in one of the ways of user code. */
import { defineWorker, row, table } from 'heirloom/worker';

const variant = process.env['VARIANT'];
if (variant === 'throws_on_load') throw new SyntaxError('this module is broken on purpose');
if (variant === 'exits_on_load') process.exit(5);

export default defineWorker({
  tables: {
    items: table({
      row: row<{ id: string; count: number }>(),
      // What is declared is the variant's; the test only needs the types of the first one.
      type: (variant === 'other_type' ? 'ordered_set' : 'set') as 'set',
      key: (variant === 'other_key' ? 'count' : 'id') as 'id',
      version: variant === 'other_version' ? 2 : 1,
      survives: variant === 'not_stored' ? 'nothing' : 'power_loss',
    }),
  },
  init({ restarted }) {
    if (variant === 'init_throws') throw new RangeError('init fails on purpose');
    if (variant !== 'dies_when_restarted' || !restarted) return;
    process.stdout.write('its last words\n');
    process.exit(7);
  },
  calls: {
    put({ tables }, id: string, count: number) {
      tables.items.insert({ id, count });
      return tables.items.size;
    },
    count({ tables }, id: string) {
      return tables.items.lookup(id)?.count;
    },
  },
});
