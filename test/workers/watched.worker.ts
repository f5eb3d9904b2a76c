/** A worker with a watched table of each type, and calls that change them in every way there is. */
import { defineWorker, row, table } from 'heirloom/worker';
import type { OwnerTable } from 'heirloom/worker';

const Item = row<{ id: number; value: number }>();

/** The watched tables of items. */
export const itemTables = {
  set: table({ row: Item, key: 'id', watch: true }),
  ordered: table({ row: Item, type: 'ordered_set', key: 'id', watch: true }),
  bag: table({ row: Item, type: 'bag', key: 'id', watch: true }),
  duplicates: table({ row: Item, type: 'duplicate_bag', key: 'id', watch: true }),
};

type ItemTables = { readonly [Name in keyof typeof itemTables]: OwnerTable<(typeof itemTables)[Name]> };

/** Changes the tables of items by three choices. */
export function changeItems(tables: ItemTables, kind: number, id: number, value: number): void {
  for (const one of [tables.set, tables.ordered, tables.bag, tables.duplicates]) {
    if (kind < 0.7) one.insertMany([0, 1, 2].map((step) => ({ id: (id + step) % 50, value: (value + step) % 3 })));
    else if (kind < 0.8) one.delete(id);
    else if (kind < 0.9) one.deleteObject({ id, value: value % 3 });
    else if (kind < 0.93) one.deleteAllObjects();
    if (kind > 0.92 && kind < 0.96) one.insert({ id, value });
  }
  if (kind >= 0.96) tables.set.updateCounter(id, 'value', 1, { default: { id, value: 0 } });
}

export default defineWorker({
  tables: {
    ...itemTables,
    /** One row for each operation, so that one that is missing or given twice shows. */
    log: table({ row: row<{ operation: number }>(), type: 'duplicate_bag', key: 'operation', watch: true }),
    brief: table({ row: row<{ id: number; text: string }>(), key: 'id', watch: { keepBytes: 10_000 } }),
    plain: table({ row: Item, key: 'id' }),
  },
  calls: {
    /** Changes the tables by an operation's number and three choices. */
    change({ tables }, operation: number, kind: number, id: number, value: number) {
      tables.log.insert({ operation });
      changeItems(tables, kind, id, value);
    },
    /** Writes a row of its own to each table, by which a watch knows that it has seen everything before. */
    mark({ tables }, id: number) {
      for (const one of [tables.set, tables.ordered, tables.bag, tables.duplicates]) one.insert({ id, value: -1 });
      tables.log.insert({ operation: id });
    },
    fill({ tables }, from: number, count: number) {
      for (let id = from; id < from + count; id++) tables.ordered.insert({ id, value: id });
    },
    brief({ tables }, id: number) {
      tables.brief.insert({ id, text: 'x'.repeat(1_000) });
    },
    fail({ tables }, operation: number): void {
      tables.log.insert({ operation });
      throw new RangeError(`operation ${operation} fails on purpose`);
    },
  },
});
