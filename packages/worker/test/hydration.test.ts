import { describe, expect, test } from 'vitest';
import { encodeKey, row, table } from '@heirloom/tables';
import type { RowSource, StoredRow } from '@heirloom/tables';
import type { TableGrant } from '@heirloom/wire';
import { RowCodec } from '@heirloom/wire';
import { defineWorker } from '../src/definition.js';
import { HYDRATION_CHUNK_ROWS } from '../src/hydration.js';
import type { RowReader } from '../src/hydration.js';
import { Harness, settled } from './incarnation-harness.js';

const ROWS = 5 * HYDRATION_CHUNK_ROWS;

const definition = defineWorker({
  tables: {
    people: table({ row: row<{ id: number; name: string }>(), key: 'id' }),
    empty: table({ row: row<{ id: number }>(), key: 'id', type: 'bag' }),
  },
  calls: {
    name: ({ tables }, id: number) => tables.people.lookup(id)?.name,
    rename: ({ tables }, id: number, name: string) => tables.people.updateElement(id, { name }),
    add: ({ tables }, id: number) => tables.empty.insert({ id }),
    count: ({ tables }) => [tables.people.size, tables.people.tab2list().length],
  },
});

/** A store of people, encoded as the keeper keeps them. */
class FakeStore {
  readonly codec = new RowCodec();
  readonly rows = Array.from({ length: ROWS }, (_, id) => {
    const rowBytes = Uint8Array.prototype.slice.call(this.codec.encodeRow({ id, name: `n${id}` }));
    return { keyBytes: encodeKey(id, true), rowBytes };
  });
  scanned = 0;
  looked = 0;
  closed = 0;
  onScan: () => void = () => undefined;

  readonly grants: readonly TableGrant[] = [
    { name: 'people', tableId: 1, extent: 11, size: ROWS, nextSequence: 1, shapes: this.codec.takeNewShapes() },
    { name: 'empty', tableId: 2, extent: 12, size: 0, nextSequence: 41, shapes: [] },
  ];

  readonly reader = (): RowReader => ({
    source: (extent, _type, codec) => {
      expect(extent).toBe(11);
      return this.source(codec);
    },
    close: () => {
      this.closed++;
    },
  });

  private source(codec: RowCodec): RowSource {
    const stored = ({ keyBytes, rowBytes }: (typeof this.rows)[number]): StoredRow => ({
      keyBytes,
      sequence: 0,
      row: codec.decodeRow(rowBytes),
    });
    return {
      rowsOf: (keyBytes) => {
        this.looked++;
        return this.rows.filter((each) => Buffer.compare(each.keyBytes, keyBytes) === 0).map(stored);
      },
      scan: ({ from, limit }) => {
        this.scanned++;
        this.onScan();
        const start = this.rows.findIndex(({ keyBytes }) => from === undefined || Buffer.compare(keyBytes, from) >= 0);
        return start === -1 ? [] : this.rows.slice(start, start + limit).map(stored);
      },
    };
  }
}

describe('hydration', () => {
  test('answers the first call from the store before anything was loaded, then loads all and closes the store', async () => {
    const store = new FakeStore();
    const harness = new Harness(definition, store.reader);
    harness.activate(true, store.grants);
    const call = harness.call('name', ROWS - 1);
    await harness.until(() => harness.outcome(call) !== undefined);
    expect(harness.outcome(call)?.value).toBe(`n${ROWS - 1}`);
    expect([store.scanned, store.looked]).toEqual([0, 1]);
    while (store.closed === 0) await settled();
    const looked = store.looked;
    const count = harness.call('count');
    await settled();
    expect(harness.outcome(count)?.value).toEqual([ROWS, ROWS]);
    expect(store.looked).toBe(looked);
  });

  test('makes progress while calls never end (G9)', async () => {
    const store = new FakeStore();
    const harness = new Harness(definition, store.reader);
    harness.activate(true, store.grants);
    // Each reply is followed by the next call, so that one always waits.
    const feed = (): void => void harness.call('name', 0);
    store.onScan = feed;
    for (let i = 0; i < 3; i++) feed();
    while (store.closed === 0) {
      feed();
      await settled();
    }
    expect(store.scanned).toBeGreaterThanOrEqual(ROWS / HYDRATION_CHUNK_ROWS);
  });

  test('keeps what handlers changed meanwhile, and numbers rows on from the stored sequence', async () => {
    const store = new FakeStore();
    const harness = new Harness(definition, store.reader);
    harness.activate(true, store.grants);
    harness.call('rename', 3, 'changed');
    harness.call('add', 1);
    await settled();
    while (store.closed === 0) await settled();
    const call = harness.call('name', 3);
    await settled();
    harness.releaseAll();
    expect(harness.outcome(call)?.value).toBe('changed');
    expect(harness.journal[0]?.tables[0]).toMatchObject({ tableId: 1, size: ROWS, shapes: [] });
    expect(harness.journal[1]?.tables[0]?.changes[0]?.sequence).toBe(41);
  });

  test('does not open the store for tables that are empty', () => {
    const store = new FakeStore();
    const harness = new Harness(definition);
    harness.activate(
      true,
      store.grants.map((grant) => ({ ...grant, size: 0 })),
    );
    expect(harness.events).toContain('active');
  });

  test('fails the start when the store cannot be read (G11)', () => {
    const store = new FakeStore();
    const harness = new Harness(definition, () => {
      throw new Error('no store');
    });
    harness.activate(true, store.grants);
    expect(harness.events).toContain('initFailed Error: no store');
  });

  test('has a table without rows loaded from the start', () => {
    const store = new FakeStore();
    const harness = new Harness(definition, store.reader);
    harness.activate(true, store.grants);
    const tables = harness.incarnation['transaction'].tables;
    expect(tables.get('empty')?.isHydrated).toBe(true);
    expect(tables.get('empty')?.nextSequence).toBe(41);
    expect(tables.get('people')?.isHydrated).toBe(false);
  });
});
