/**
 * The feed of a watched table, through a keeper in this process.
 *
 * Mutations that make this fail, each tried:
 * - changes are written under the LSN of the group instead of the batch's;
 * - `trimFeed` leaves `afterLsn` as it was, or deletes what the group at hand has just written;
 * - `readChanges` begins at the position instead of behind it, takes a full page for the present, or does not set `isAwaited`;
 * - an awaited table is said to have changed more than once;
 * - `alignFeed` does not doom the feed of a table that is no longer watched, or the sweeper passes feeds by;
 * - the check of a position leaves out the timeline, or what is ahead of the store;
 * - `readImage` begins at the last row instead of behind it;
 * - a store of format 1 is not converted, or one whose tables have no record of an owner is refused.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeKey } from '@heirloom/tables';
import { RowCodec, decodeChangeRecord, decodeValue, encodeValue } from '@heirloom/wire';
import type { ChangesPage, ImagePage } from '@heirloom/wire';
import { open } from 'lmdb';
import type { Database } from 'lmdb';
import {
  DATABASE_OPTIONS,
  ENVIRONMENT_OPTIONS,
  FORMAT_KEY,
  changeKey,
  databasesOf,
  STORE_FORMAT_VERSION,
  extentEnd,
  u32Key,
} from '../src/layout.js';
import { beginRun } from '../src/run-marker.js';
import type { Store } from '../src/store.js';
import { openStore } from '../src/store-opening.js';
import type { TableRecord } from '../src/stored-record.js';
import { Harness, declare, until } from './keeper-harness.js';
import type { WorkerEnd } from './keeper-harness.js';

const KEEP = 10_000_000;
const watched = declare('t', { keepBytes: KEEP });

let harness: Harness;

beforeEach(() => {
  harness = new Harness();
});
afterEach(() => harness.dispose());

async function committed(worker: WorkerEnd): Promise<void> {
  await until(() => worker.acks.at(-1) === worker.number, 'everything is committed');
}

function changesBehind(lsn?: number, timeline?: number): Promise<ChangesPage> {
  return harness.request({ type: 'changes', worker: 'a', table: 't', timeline, lsn }) as Promise<ChangesPage>;
}

/** A batch that writes one row. */
function put(worker: WorkerEnd, id: number, text: string = ''): void {
  worker.send([worker.changes('t', [{ key: id, row: { id, text } }], { size: 1 })]);
}

/** What a page says, as lists of [LSN, 'clear', or key and row of each change]. */
function read({ batches, shapes }: ChangesPage): unknown[] {
  const codec = new RowCodec(shapes);
  return batches.map(({ lsn, record }) => {
    const { cleared, changes } = decodeChangeRecord(record);
    const rows = changes.map(({ keyBytes, sequence, rowBytes }) => {
      return [decodeKey(keyBytes), sequence, rowBytes === undefined ? undefined : codec.decodeRow(rowBytes)];
    });
    return [lsn, ...(cleared ? ['clear'] : []), ...rows];
  });
}

async function inStore<T>(look: (store: Store) => T): Promise<T> {
  const store = await openStore(harness.storeDirectory);
  try {
    return look(store);
  } finally {
    await store.close();
  }
}

describe('the feed of a watched table', () => {
  it('has each batch by itself, in order, also when one group commits several', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [watched]);
    const { lsn } = await changesBehind();
    put(worker, 1, 'first');
    put(worker, 1, 'second');
    worker.send([worker.changes('t', [{ key: 1 }, { key: 2, row: { id: 2 } }], { size: 1 })]);
    worker.send([worker.changes('t', [{ key: 3, row: { id: 3 } }], { size: 1, cleared: true })]);
    await committed(worker);
    const page = await changesBehind(lsn);
    expect(read(page)).toEqual([
      [lsn + 1, [1, 0, { id: 1, text: 'first' }]],
      [lsn + 2, [1, 0, { id: 1, text: 'second' }]],
      [lsn + 3, [1, 0, undefined], [2, 0, { id: 2 }]],
      [lsn + 4, 'clear', [3, 0, { id: 3 }]],
    ]);
    expect(page).toMatchObject({ timeline: 1, lsn: lsn + 4 });
    expect(read(await changesBehind(lsn + 2))).toHaveLength(2);
    expect(read(await changesBehind(lsn + 4))).toEqual([]);
  });

  it('names the rows of a bag by their sequence', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [{ ...watched, type: 'duplicate_bag' }]);
    const row = { id: 'k', n: 1 };
    const rows = [1, 2].map((sequence) => ({ key: 'k', row, sequence }));
    worker.send([worker.changes('t', rows, { size: 2, nextSequence: 3 })]);
    worker.send([worker.changes('t', [{ key: 'k', sequence: 1 }], { size: 1, nextSequence: 3 })]);
    await committed(worker);
    expect(read(await changesBehind(0))).toEqual([
      [1, ['k', 1, row], ['k', 2, row]],
      [2, ['k', 1, undefined]],
    ]);
  });

  it('says that there are changes once, to who asked and got none, and not before', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [watched]);
    put(worker, 1);
    await committed(worker);
    expect(harness.changed).toEqual([]);
    const { lsn } = await changesBehind();
    await changesBehind(lsn);
    put(worker, 2);
    await until(() => harness.changed.length > 0, 'it says so');
    put(worker, 3);
    await committed(worker);
    await harness.request({ type: 'barrier' });
    expect(harness.changed).toEqual([{ worker: 'a', table: 't' }]);
    expect(read(await changesBehind(lsn))).toHaveLength(2);
  });

  it('is there for the next keeper, and goes on there without a gap', async () => {
    await harness.start();
    let worker = await harness.openWorker('a', [watched]);
    put(worker, 1);
    await committed(worker);
    worker.die();
    await harness.stop();
    await harness.start();
    worker = await harness.openWorker('a', [watched]);
    put(worker, 2);
    await committed(worker);
    expect(read(await changesBehind(0, 1)).flat()).toMatchObject([1, [1, 0, { id: 1 }], 2, [2, 0, { id: 2 }]]);
  });

  it('pages through more batches, and larger ones, than fit into a page', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [watched]);
    const batches = 2_300;
    for (let id = 0; id < batches; id++) put(worker, id, id > 2_290 ? 'x'.repeat(60_000 * (id - 2_290)) : '');
    await committed(worker);
    const seen: number[] = [];
    let pages = 0;
    let lsn = 0;
    do {
      const page = await changesBehind(lsn);
      if (page.batches.length === 0) break;
      expect(page.batches.length).toBeLessThanOrEqual(1_000);
      seen.push(...page.batches.map((batch) => batch.lsn));
      ({ lsn } = page);
      pages++;
    } while (pages < 100);
    expect(seen).toEqual(Array.from({ length: batches }, (_, index) => index + 1));
    expect(pages).toBeGreaterThan(4);
  });
});

describe('what is kept (G9)', () => {
  it('is bounded by keepBytes; a position from before is refused, and the oldest that is left is good', async () => {
    await harness.start();
    const keepBytes = 20_000;
    const worker = await harness.openWorker('a', [{ ...watched, keepBytes }]);
    for (let id = 0; id < 40; id++) {
      put(worker, id, 'x'.repeat(1_000));
      await committed(worker);
    }
    const refused = (await changesBehind(0).catch((error: unknown) => error)) as {
      code: string;
      details: { afterLsn: number };
    };
    expect(refused).toMatchObject({ code: 'ERR_KEEPER_CHANGES', details: { worker: 'a', table: 't', lsn: 0 } });
    const { afterLsn } = refused.details;
    await expect(changesBehind(afterLsn - 1)).rejects.toMatchObject({ code: 'ERR_KEEPER_CHANGES' });
    const kept = read(await changesBehind(afterLsn));
    expect(kept.map((batch) => (batch as unknown[])[0])).toEqual(
      Array.from({ length: 40 - afterLsn }, (_, index) => afterLsn + index + 1),
    );
    expect(kept.length).toBeGreaterThan(15);
    expect(kept.length).toBeLessThan(20);
    worker.die();
    await harness.stop();
    await inStore((store) => {
      const feed = store.catalog.get('a', 't')?.feed;
      const range = { start: changeKey(feed?.id ?? 0, 0), end: extentEnd(feed?.id ?? 0) };
      const bytes = Array.from(store.changes.getRange(range), ({ value }) => value.length + 32);
      expect(feed).toMatchObject({ afterLsn, bytes: bytes.reduce((sum, one) => sum + one, 0) });
      expect(feed?.bytes).toBeLessThanOrEqual(keepBytes);
    });
  });

  it('is at least what the last group wrote', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [{ ...watched, keepBytes: 1 }]);
    put(worker, 1);
    await committed(worker);
    expect(read(await changesBehind(0))).toHaveLength(1);
    put(worker, 2);
    await committed(worker);
    await expect(changesBehind(0)).rejects.toMatchObject({ code: 'ERR_KEEPER_CHANGES' });
    expect(read(await changesBehind(1))).toHaveLength(1);
  });

  it('goes when the table is declared without watch, and a later feed knows nothing of it', async () => {
    await harness.start();
    let worker = await harness.openWorker('a', [watched]);
    put(worker, 1);
    await committed(worker);
    worker.die();
    await harness.close('a', 1);
    worker = await harness.openWorker('a', [declare('t')]);
    await expect(changesBehind(1)).rejects.toMatchObject({ code: 'ERR_TABLE_UNWATCHED' });
    put(worker, 2);
    await committed(worker);
    worker.die();
    await harness.close('a', 2);
    worker = await harness.openWorker('a', [watched]);
    await expect(changesBehind(1)).rejects.toMatchObject({ code: 'ERR_KEEPER_CHANGES' });
    put(worker, 3);
    await committed(worker);
    expect(read(await changesBehind(2))).toMatchObject([[3, [3, 0, { id: 3 }]]]);
    worker.die();
    await harness.stop();
    await inStore((store) => {
      expect(store.doomed).toEqual([]);
      expect(store.changes.getKeysCount()).toBe(1);
    });
  });
});

describe('a position', () => {
  it('of another timeline or ahead of the store is refused, and one of a table that is not watched too', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [watched, declare('plain'), declare('own', { access: 'private' })]);
    put(worker, 1);
    await committed(worker);
    await expect(changesBehind(1, 2)).rejects.toMatchObject({ code: 'ERR_KEEPER_CURSOR' });
    await expect(changesBehind(2, 1)).rejects.toMatchObject({ code: 'ERR_KEEPER_CURSOR' });
    await expect(changesBehind(2)).rejects.toMatchObject({ code: 'ERR_KEEPER_CURSOR' });
    const ask = (table: string): Promise<unknown> =>
      harness.request({ type: 'changes', worker: 'a', table, timeline: 1, lsn: 1 });
    await expect(ask('plain')).rejects.toMatchObject({ code: 'ERR_TABLE_UNWATCHED' });
    await expect(ask('own')).rejects.toMatchObject({ code: 'ERR_TABLE_ACCESS' });
    await expect(ask('none')).rejects.toMatchObject({ code: 'ERR_TABLE_UNKNOWN' });
    expect(await harness.read('a', 't', 'info')).toMatchObject({ position: { timeline: 1, lsn: 1 } });
  });

  it('from before the store may have been rolled back is refused', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [watched]);
    put(worker, 1);
    await committed(worker);
    worker.die();
    await harness.stop();
    const store = await openStore(harness.storeDirectory);
    store.transaction((writer) => store.putState(writer, { bootId: 'an earlier boot', isClean: false }));
    await store.close();
    await harness.start();
    await harness.openWorker('a', [watched]);
    await expect(changesBehind(1, 1)).rejects.toMatchObject({ code: 'ERR_KEEPER_CURSOR' });
    expect(await changesBehind(1, 2)).toMatchObject({ timeline: 2, batches: [] });
  });
});

describe('the image of a table', () => {
  it.each(['set', 'ordered_set', 'duplicate_bag'] as const)(
    'has every row of a %s once, page by page',
    async (type) => {
      await harness.start();
      const worker = await harness.openWorker('a', [{ ...watched, type }]);
      const count = 2_500;
      const rows = Array.from({ length: count }, (_, n) => {
        const id = type === 'duplicate_bag' ? n % 7 : n;
        return {
          key: id,
          row: { id, n, text: n % 500 === 0 ? 'x'.repeat(600_000) : '' },
          sequence: type === 'duplicate_bag' ? n + 1 : 0,
        };
      });
      worker.send([worker.changes('t', rows, { size: count, nextSequence: count + 1 })]);
      await committed(worker);
      const seen: number[] = [];
      let after: Uint8Array | undefined;
      let pages = 0;
      do {
        const page = (await harness.request({ type: 'image', worker: 'a', table: 't', after })) as ImagePage;
        expect(page).toMatchObject({ timeline: 1, lsn: 1 });
        const codec = new RowCodec(page.shapes);
        for (const { rowBytes } of decodeChangeRecord(page.record).changes) {
          seen.push((codec.decodeRow(rowBytes ?? new Uint8Array()) as { n: number }).n);
        }
        ({ after } = page);
        pages++;
      } while (after !== undefined);
      expect(pages).toBeGreaterThan(2);
      expect(seen.sort((left, right) => left - right)).toEqual(rows.map((_, n) => n));
    },
  );
});

/** Takes from the records of tables what those of format 1 did not have. */
function withoutLater(tables: Database<Buffer, Buffer>): void {
  const records = Array.from(tables.getRange());
  for (const { key, value } of records) {
    // As the keeper has written it.
    const { worker, extent, declaration } = decodeValue(value) as TableRecord;
    const { name, type, access, survives, key: keySpec, publicName, version } = declaration;
    const old = { name, type, access, survives, key: keySpec, publicName, version };
    tables.putSync(key, Buffer.from(encodeValue({ worker, extent, declaration: old })));
  }
}

describe('a store of format 1', () => {
  it('is opened with its rows and gets what it lacks; one that was interrupted in that too', async () => {
    const directory = harness.storeDirectory;
    await harness.start();
    const worker = await harness.openWorker('a', [declare('t', { publicName: 'all of t' })]);
    put(worker, 1);
    await committed(worker);
    worker.die();
    await harness.stop();
    const environment = open<Buffer, Buffer>(`${directory}/data.mdb`, ENVIRONMENT_OPTIONS);
    for (const name of databasesOf(STORE_FORMAT_VERSION).filter((one) => !databasesOf(1).includes(one))) {
      await environment.openDB<Buffer, Buffer>(name, DATABASE_OPTIONS).drop();
    }
    environment.openDB<Buffer, Buffer>('meta', DATABASE_OPTIONS).putSync(FORMAT_KEY, u32Key(1));
    withoutLater(environment.openDB<Buffer, Buffer>('tables', DATABASE_OPTIONS));
    await environment.close();
    for (const format of [1, 3]) {
      await inStore((store) => {
        beginRun(store, 0);
        expect(store.catalog.get('a', 't'), `format ${format}`).toMatchObject({
          size: 1,
          feed: undefined,
          migration: undefined,
          ownership: { owner: 'a', heir: undefined, moves: 0, publicName: 'all of t' },
        });
        expect(store.rows.getKeysCount()).toBe(1);
        expect(store.changes.getKeysCount()).toBe(0);
      });
    }
    const again = open<Buffer, Buffer>(`${directory}/data.mdb`, ENVIRONMENT_OPTIONS);
    expect(again.openDB<Buffer, Buffer>('meta', DATABASE_OPTIONS).get(FORMAT_KEY)?.readUInt32BE(0)).toBe(
      STORE_FORMAT_VERSION,
    );
    await again.close();
    await harness.start();
    const later = await harness.openWorker('a', [watched]);
    put(later, 2);
    await committed(later);
    expect(read(await changesBehind(1))).toMatchObject([[2, [2, 0, { id: 2 }]]]);
  });
});
