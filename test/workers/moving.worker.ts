/**
 * A worker with a watched table that goes to others and comes back, in the first or, by the environment variable FORM, the
 * second form that its rows had.
 */
import { defineWorker, row, table } from 'heirloom/worker';

export interface FirstItem {
  readonly id: number;
  readonly text: string;
}
export interface SecondItem {
  readonly code: string;
  readonly text: string;
}

/** What the migration makes of a row, also for the model of the tests. */
export function secondItem({ id, text }: FirstItem): SecondItem {
  return { code: `c${id}`, text: text.toUpperCase() };
}

const heirName = process.env['HEIR'];
const heir = heirName === undefined ? {} : { heir: heirName };
// Tests that declare it protected, by the environment variable ACCESS, also try what the types forbid.
const access = (process.env['ACCESS'] ?? 'public') as 'public';
const first = table({ row: row<FirstItem>(), key: 'id', access, watch: true, ...heir });
const second = table({
  row: row<SecondItem>(),
  key: 'code',
  type: 'ordered_set',
  access: 'public',
  watch: true,
  ...heir,
  version: 2,
  migrate: secondItem,
});

export default defineWorker({
  tables: {
    // Tests that use the second form look at rows only, which they take as they are.
    items: process.env['FORM'] === 'second' ? (second as unknown as typeof first) : first,
    told: table({ row: row<{ table: string; from: string; size: number }>(), type: 'duplicate_bag', key: 'table' }),
  },
  tableTransferred({ table: name, from }, { tables, inherited }) {
    const size = name === 'home/items' && !inherited.names().includes(name) ? tables.items.size : -1;
    tables.told.insert({ table: name, from, size });
  },
  calls: {
    put({ tables }, item: FirstItem) {
      tables.items.insert(item);
    },
    rows({ tables }): readonly unknown[] {
      return tables.items.tab2list();
    },
    give({ tables }, to: string) {
      tables.items.giveAway(to);
    },
    /** Changes the table of another worker that this one has. */
    putInherited({ inherited }, item: FirstItem) {
      inherited.get<typeof first>('home/items')?.insert(item);
      return inherited.names();
    },
    /** Changes it and gives it away, in one batch. */
    giveInherited({ inherited }, item: FirstItem, to: string) {
      const items = inherited.get<typeof first>('home/items');
      items?.insert(item);
      items?.giveAway(to);
    },
    told({ tables }) {
      return tables.told.tab2list();
    },
  },
});
