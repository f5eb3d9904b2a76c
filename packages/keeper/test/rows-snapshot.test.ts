/**
 * Snapshots are what the store was when they were made, whatever is committed meanwhile, and leave nothing behind.
 *
 * Mutations that make this fail, each tried: `get` or `getRange` reads without the transaction; `close` forgets to let go of it.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { rowKey } from '../src/layout.js';
import { RowsSnapshot } from '../src/rows-snapshot.js';
import { scanRows } from '../src/row-scan.js';
import { beginRun } from '../src/run-marker.js';
import type { Store } from '../src/store.js';
import { openStore } from '../src/store-opening.js';
import type { SortedRows } from '../src/row-scan.js';

let directory: string;
let store: Store;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'heirloom-snapshot-'));
  store = await openStore(directory);
  beginRun(store, 0);
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

const key = (n: number): Buffer => rowKey(1, Buffer.from([n]));

/** Everything of the extent, as numbers. */
function contents(rows: SortedRows): (number | undefined)[][] {
  const found = scanRows(rows, { extent: 1, type: 'set' }, { limit: 1_000 });
  return found.map(({ keyBytes, rowBytes }) => [keyBytes[0], rowBytes[0]]);
}

it('shows what was committed when it was made, and lets others read what is committed now', () => {
  const put = (n: number, value: number): void =>
    store.transaction((writer) => writer.put('rows', key(n), Buffer.from([value])));
  put(1, 1);
  expect(contents(store.rows)).toEqual([[1, 1]]);
  put(1, 2);
  // In one turn of the event loop, in which the binding would go on with its read transaction.
  const snapshot = new RowsSnapshot(store.rows);
  expect(contents(snapshot)).toEqual([[1, 2]]);
  put(1, 3);
  const later = new RowsSnapshot(store.rows);
  store.transaction((writer) => writer.remove('rows', key(1)));
  expect([contents(snapshot), contents(later)]).toEqual([[[1, 2]], [[1, 3]]]);
  expect([snapshot.get(key(1))?.[0], later.get(key(1))?.[0], store.rows.get(key(1))]).toEqual([2, 3, undefined]);
  snapshot.close();
  later.close();
  expect(() => contents(snapshot)).toThrow('after it was closed');
});

type Step = { readonly do: 'put' | 'remove' | 'open' | 'check' | 'close' | 'read' | 'turn'; readonly n: number };

it('keeps any number of moments apart, in any order of opening, reading, writing and closing', async () => {
  const step: fc.Arbitrary<Step> = fc.record({
    do: fc.constantFrom('put', 'put', 'remove', 'open', 'open', 'check', 'close', 'read', 'turn'),
    n: fc.nat(255),
  });
  let value = 0;
  const model = new Map<number, number>();
  const modelled = (): number[][] => [...model].sort(([a], [b]) => a - b);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 150 }), async (steps) => {
      const open: { snapshot: RowsSnapshot; expected: number[][] }[] = [];
      for (const { do: what, n } of steps) {
        const some = open[n % Math.max(open.length, 1)];
        if (what === 'put') {
          value = (value + 1) % 256;
          const bytes = Buffer.alloc(1 + ((n * 97) % 3_000), value);
          store.transaction((writer) => writer.put('rows', key(n), bytes));
          model.set(n, value);
        } else if (what === 'remove') {
          store.transaction((writer) => writer.remove('rows', key(n)));
          model.delete(n);
        } else if (what === 'open') open.push({ snapshot: new RowsSnapshot(store.rows), expected: modelled() });
        else if (what === 'turn') await new Promise((resolve) => setTimeout(resolve, 1));
        else if (what === 'read') {
          // The binding shows what this turn began with, or something later.
          contents(store.rows);
        } else if (some !== undefined) {
          expect(contents(some.snapshot)).toEqual(some.expected);
          if (what === 'close') {
            some.snapshot.close();
            open.splice(open.indexOf(some), 1);
          }
        }
      }
      for (const { snapshot, expected } of open) {
        expect(contents(snapshot)).toEqual(expected);
        snapshot.close();
      }
    }),
    { numRuns: 60 },
  );
});

it('lets go of its pages, so that the file does not grow for ever', async () => {
  const fill = (value: number): void => {
    for (let i = 0; i < 40; i++)
      store.transaction((writer) => {
        for (let n = 0; n < 50; n++) writer.put('rows', key(n), Buffer.alloc(3_000, value + i));
      });
  };
  const bytes = (): number => statSync(store.path).size;
  for (let round = 0; round < 20; round++) {
    const snapshot = new RowsSnapshot(store.rows);
    store.transaction((writer) => writer.put('rows', key(200), Buffer.from([round])));
    snapshot.close();
  }
  fill(1);
  const before = bytes();
  const snapshot = new RowsSnapshot(store.rows);
  fill(2);
  const held = bytes();
  snapshot.close();
  await new Promise((resolve) => setTimeout(resolve, 1));
  fill(3);
  expect(held).toBeGreaterThan(before * 3);
  const after = bytes();
  fill(4);
  fill(5);
  expect(bytes()).toBe(after);
});
