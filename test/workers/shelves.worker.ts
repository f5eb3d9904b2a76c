/** Tables of every type and access, each twice: one with an heir and one that survives nothing. */
import { defineWorker, row, table } from 'heirloom/worker';

export interface Item {
  readonly id: string | number;
  readonly n: number;
  readonly at?: { readonly city: string };
}
const item = row<Item>();
const fleeting = { survives: 'nothing', access: 'public' } as const;

export default defineWorker({
  tables: {
    set: table({ row: item, key: 'id', access: 'public' }),
    orderedSet: table({ row: item, key: 'id', type: 'ordered_set', access: 'public' }),
    bag: table({ row: item, key: 'id', type: 'bag', access: 'public' }),
    duplicateBag: table({ row: item, key: 'id', type: 'duplicate_bag', access: 'public' }),
    composite: table({ row: item, key: ['id', 'n'], type: 'ordered_set', access: 'public' }),
    tuples: table({ row: row<[string | number, number, string]>(), key: 0, type: 'ordered_set', access: 'public' }),
    fleetingSet: table({ row: item, key: 'id', ...fleeting }),
    fleetingOrderedSet: table({ row: item, key: 'id', type: 'ordered_set', ...fleeting }),
    fleetingBag: table({ row: item, key: 'id', type: 'bag', ...fleeting }),
    fleetingDuplicateBag: table({ row: item, key: 'id', type: 'duplicate_bag', ...fleeting }),
    fleetingComposite: table({ row: item, key: ['id', 'n'], type: 'ordered_set', ...fleeting }),
    fleetingTuples: table({ row: row<[string | number, number, string]>(), key: 0, type: 'ordered_set', ...fleeting }),
    guarded: table({ row: item, key: 'id' }),
    secret: table({ row: item, key: 'id', access: 'private' }),
    fleetingGuarded: table({ row: item, key: 'id', survives: 'nothing' }),
    fleetingSecret: table({ row: item, key: 'id', survives: 'nothing', access: 'private' }),
  },
  calls: {
    /** Does any operation as the owner. */
    own({ tables }, name: string, operation: string, operands: readonly unknown[]): unknown {
      const known: Readonly<Record<string, unknown>> = tables;
      const owned = known[name] as Readonly<Record<string, unknown>>; // The test names tables and operations that there are.
      const member = owned[operation];
      return typeof member === 'function' ? Reflect.apply(member, owned, operands) : member;
    },
    fill({ tables }, name: 'set' | 'orderedSet', count: number, n: number) {
      tables[name].deleteAllObjects();
      for (let id = 0; id < count; id++) tables[name].insert({ id, n });
    },
  },
});
