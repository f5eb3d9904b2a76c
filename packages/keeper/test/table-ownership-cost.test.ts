/**
 * What the death or the start of a worker costs does not grow with the other workers: nobody walks over all tables or epochs.
 *
 * Mutations that make this fail, each tried: `inherit` or `checkSteps` builds the rules of all tables (`this.model()`); `bringHome`,
 * `inherited` or `elsewhere` looks through all of them.
 */
import { expect, test } from 'vitest';
import type { Store, StoreWriter } from '../src/store.js';
import { TableCatalog, newTable } from '../src/table-catalog.js';
import { TableOwnership, applySteps } from '../src/table-ownership.js';
import { declare } from './keeper-harness.js';

/** A map whose entries can be asked for by key only. */
class Keyed<Key, Value> extends Map<Key, Value> {
  isClosed = false;
  override values(): ReturnType<Map<Key, Value>['values']> {
    expect(this.isClosed, 'all of it is walked').toBe(false);
    return super.values();
  }
  override keys(): ReturnType<Map<Key, Value>['keys']> {
    expect(this.isClosed, 'all of it is walked').toBe(false);
    return super.keys();
  }
  override [Symbol.iterator](): ReturnType<Map<Key, Value>['entries']> {
    expect(this.isClosed, 'all of it is walked').toBe(false);
    return super[Symbol.iterator]();
  }
}

test('a worker’s death, start and batch look at what is its own, and at who gets it', () => {
  const names = ['a', 'b', 'c', 'd'];
  const epochs = new Keyed(names.map((name) => [name, { epoch: 1, isOpen: true, lastBatch: 0, isInitialized: true }]));
  const catalog = new TableCatalog();
  const byId = new Keyed<number, ReturnType<typeof newTable>>();
  Object.assign(catalog, { byId });
  for (const [index, name] of names.entries()) {
    catalog.add(newTable(index + 1, index + 1, name, declare('things', { heir: name === 'a' ? 'b' : undefined })));
  }
  // As much of a store as is asked here.
  const store = { epochs, catalog, state: { lsn: 7 }, putTable: () => {} } as unknown as Store;
  const writer = {} as StoreWriter;
  const owners = new TableOwnership(store, names);
  byId.isClosed = true;
  epochs.isClosed = true;

  expect(owners.inherit(writer, 'a').map(({ worker }) => worker)).toEqual(['a']);
  expect(owners.inherited('b').map(({ worker, owner }) => [worker, owner])).toEqual([['a', 'b']]);
  expect(owners.elsewhere('a').map(({ worker }) => worker)).toEqual(['a']);
  expect(catalog.ownedBy('a')).toEqual([]);
  owners.bringHome(writer, 'a');
  expect(catalog.ownedBy('b').map(({ worker }) => worker)).toEqual(['b', 'a']);
  const steps = [{ kind: 'give' as const, tableId: 1, to: 'c', data: undefined }];
  owners.checkSteps('b', steps);
  expect(() => owners.checkSteps('c', steps)).toThrow(/owned by "b"/);
  applySteps(store, writer, 'b', steps);
  expect(catalog.changedBy('c').map(({ worker }) => worker)).toEqual(['c', 'a']);
  expect(owners.inherit(writer, 'd')).toEqual([]);
});
