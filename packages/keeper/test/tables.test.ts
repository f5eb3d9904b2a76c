import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TABLE_OPERATIONS, decodeKey, encodeKey } from '@heirloom/tables';
import { RowCodec } from '@heirloom/wire';
import type { Inspection } from '../src/inspection.js';
import { placeOf } from '../src/row-scan.js';
import { SELECTIONS } from '../src/selection-query.js';
import { openStoreReader } from '../src/store-reader.js';
import { LONG_READS, SHORT_READS } from '../src/table-reads.js';
import { Harness, declare, until } from './keeper-harness.js';
import type { WorkerEnd } from './keeper-harness.js';

let harness: Harness;

beforeEach(async () => {
  harness = new Harness();
  await harness.start();
});
afterEach(() => harness.dispose());

async function committed(worker: WorkerEnd): Promise<void> {
  await until(() => worker.acks.at(-1) === worker.number, 'everything is committed');
}

interface Page {
  readonly rows: readonly { id: number }[];
  readonly after: unknown;
}

it('answers every read of the list that is for others', () => {
  const names = Object.entries(TABLE_OPERATIONS).flatMap(([name, operation]) =>
    operation.remote && operation.class !== 'write' ? [name] : [],
  );
  expect([...SHORT_READS.keys(), ...LONG_READS.keys(), ...SELECTIONS.keys()].sort()).toEqual(names.sort());
});

describe('reads of released tables (G8)', () => {
  it('answer every operation, also when the owner is dead', async () => {
    const worker = await harness.openWorker('a', [declare('o', { type: 'ordered_set' })]);
    const rows = [3, 1, 2].map((id) => ({ key: id, row: { id, even: id % 2 === 0 } }));
    worker.send([worker.changes('o', rows, { size: 3 })]);
    worker.die();
    await harness.close('a', 1);
    const read = (operation: string, ...parameters: unknown[]): Promise<unknown> =>
      harness.read('a', 'o', operation, ...parameters);
    expect(await read('lookup', 2)).toEqual({ id: 2, even: true });
    expect(await read('lookup', 9)).toBeUndefined();
    expect(await read('member', 1)).toBe(true);
    expect(await read('member', 0)).toBe(false);
    expect(await read('size')).toBe(3);
    expect([await read('first'), await read('last')]).toEqual([1, 3]);
    expect([await read('next', 1), await read('next', 3), await read('next', 1.5)]).toEqual([2, undefined, 2]);
    expect([await read('prev', 2), await read('prev', 1)]).toEqual([1, undefined]);
    expect(await read('selectPage', { where: { id: { gte: 2 } } })).toEqual({
      rows: [
        { id: 2, even: true },
        { id: 3, even: false },
      ],
      after: undefined,
    });
    expect(await read('selectCount', { even: false })).toBe(2);
    expect(await read('info')).toMatchObject({ name: 'o', type: 'ordered_set', size: 3 });
  });

  it('page through more rows than fit into a page', async () => {
    const worker = await harness.openWorker('a', [declare('o', { type: 'ordered_set' })]);
    const rows = Array.from({ length: 2_500 }, (_, id) => ({ key: id, row: { id } }));
    worker.send([worker.changes('o', rows, { size: rows.length })]);
    await committed(worker);
    const seen: number[] = [];
    let after: unknown;
    let pages = 0;
    do {
      const page = (await harness.read('a', 'o', 'selectPage', {
        where: { id: { lt: 2_400 } },
        limit: 700,
        after,
      })) as Page;
      expect(page.rows.length).toBeLessThanOrEqual(700);
      seen.push(...page.rows.map(({ id }) => id));
      ({ after } = page);
      pages++;
    } while (after !== undefined);
    expect(seen).toEqual(Array.from({ length: 2_400 }, (_, id) => id));
    expect(pages).toBe(4);
    expect(await harness.read('a', 'o', 'selectCount', { id: { gte: 100 } })).toBe(2_400);
  });

  it('give the rows of a bag in the order of their insertion', async () => {
    const worker = await harness.openWorker('a', [declare('b', { type: 'duplicate_bag' })]);
    const rows = [
      { key: 'k', row: { id: 'k', n: 2 }, sequence: 1 },
      { key: 'j', row: { id: 'j', n: 1 }, sequence: 2 },
      { key: 'k', row: { id: 'k', n: 2 }, sequence: 300 },
      { key: 'k', row: { id: 'k', n: 1 }, sequence: 4 },
    ];
    worker.send([worker.changes('b', rows, { size: 4, nextSequence: 301 })]);
    await committed(worker);
    expect(await harness.read('a', 'b', 'lookup', 'k')).toEqual([2, 1, 2].map((n) => ({ id: 'k', n })));
    expect(await harness.read('a', 'b', 'lookup', 'none')).toEqual([]);
    const first = (await harness.read('a', 'b', 'selectPage', { where: { id: 'k' }, limit: 2 })) as Page;
    const second = (await harness.read('a', 'b', 'selectPage', { where: { id: 'k' }, after: first.after })) as Page;
    expect([...first.rows, ...second.rows]).toHaveLength(3);
    expect(second.after).toBeUndefined();
  });

  it('are refused for private tables, unknown ones, and malformed arguments (G12)', async () => {
    await harness.openWorker('a', [declare('p', { access: 'private' }), declare('t')]);
    await expect(harness.read('a', 'p', 'lookup', 1)).rejects.toMatchObject({ code: 'ERR_TABLE_ACCESS' });
    expect(await harness.read('a', 'p', 'info')).toMatchObject({ access: 'private', size: 0 });
    await expect(harness.read('a', 'x', 'size')).rejects.toMatchObject({ code: 'ERR_TABLE_UNKNOWN' });
    await expect(harness.read('x', 't', 'size')).rejects.toMatchObject({ code: 'ERR_TABLE_UNKNOWN' });
    await expect(harness.read('a', 't', 'insert', {})).rejects.toMatchObject({ code: 'ERR_TABLE_ARGUMENT' });
    await expect(harness.read('a', 't', 'lookup', {})).rejects.toMatchObject({ code: 'ERR_TABLE_VALUE' });
    await expect(harness.read('a', 't', 'selectPage', { limit: -1 })).rejects.toMatchObject({
      code: 'ERR_TABLE_ARGUMENT',
    });
    await expect(harness.read('a', 't', 'selectPage', { after: 3 })).rejects.toMatchObject({
      code: 'ERR_TABLE_ARGUMENT',
    });
    const place = { version: 1, type: 'set', key: 'id', keyBytes: encodeKey(1, true), sequence: 0 };
    const stale = { ...place, timeline: 77 };
    await expect(harness.read('a', 't', 'selectPage', { after: stale })).rejects.toMatchObject({
      code: 'ERR_KEEPER_CURSOR',
    });
    await expect(harness.read('a', 't', 'selectPage', { after: { ...place, type: 'bag' } })).rejects.toMatchObject({
      code: 'ERR_TABLE_CURSOR',
    });
    await expect(harness.read('a', 't', 'selectPage', { after: place })).resolves.toMatchObject({ rows: [] });
  });
});

describe('a group', () => {
  it('writes what the last of several changes to a row says', async () => {
    const worker = await harness.openWorker('a', [declare('t')]);
    const put = (key: string, n: number, size: number): void =>
      worker.send([worker.changes('t', [{ key, row: { id: key, n } }], { size })]);
    put('x', 1, 1);
    put('y', 1, 2);
    put('x', 2, 2);
    worker.send([worker.changes('t', [{ key: 'y' }], { size: 1 })]);
    put('z', 1, 2);
    worker.send([worker.changes('t', [{ key: 'z' }], { size: 1 })]);
    put('z', 5, 2);
    await committed(worker);
    expect(await harness.read('a', 't', 'lookup', 'x')).toEqual({ id: 'x', n: 2 });
    expect(await harness.read('a', 't', 'member', 'y')).toBe(false);
    expect(await harness.read('a', 't', 'lookup', 'z')).toEqual({ id: 'z', n: 5 });
    expect(await harness.read('a', 't', 'size')).toBe(2);
  });

  it('clears a table among other changes, and the old rows are swept away, also after a restart', async () => {
    const worker = await harness.openWorker('a', [declare('t')]);
    const many = Array.from({ length: 5_000 }, (_, id) => ({ key: id, row: { id } }));
    worker.send([worker.changes('t', many, { size: many.length })]);
    await committed(worker);
    worker.send([worker.changes('t', [{ key: 'gone', row: { id: 'gone' } }], { size: 5_001 })]);
    worker.send([worker.changes('t', [{ key: 'new', row: { id: 'new' } }], { size: 1, cleared: true })]);
    await committed(worker);
    expect(await harness.read('a', 't', 'selectPage')).toEqual({ rows: [{ id: 'new' }], after: undefined });
    const doomed = async (): Promise<number> =>
      ((await harness.request({ type: 'inspect' })) as Inspection).doomedExtents;
    let left = await doomed();
    await harness.stop();
    await harness.start();
    while (left > 0) left = await doomed();
    const reader = openStoreReader(harness.ready?.storePath ?? '');
    const grant = worker.opened.tables[0];
    const codec = new RowCodec([...(grant?.shapes ?? []), ...worker.codec.allShapes()]);
    expect(reader.source(grant?.extent ?? 0, 'set', codec).scan({ limit: 10 })).toEqual([]);
    reader.close();
    expect(await harness.read('a', 't', 'selectPage')).toEqual({ rows: [{ id: 'new' }], after: undefined });
  });
});

describe('the reader of a new incarnation', () => {
  for (const type of ['ordered_set', 'duplicate_bag'] as const) {
    it(`shows the rows of a ${type} as a sorted list has them`, async () => {
      const worker = await harness.openWorker('a', [declare('t', { type })]);
      const keys = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? `s${i % 20}` : (i * 7) % 40));
      const rows = new Map(
        keys.map((key, i) => [
          `${String(key)}/${type === 'duplicate_bag' ? i : ''}`,
          { key, row: { id: key, i }, sequence: type === 'duplicate_bag' ? i + 1 : 0 },
        ]),
      );
      worker.send([worker.changes('t', [...rows.values()], { size: rows.size, nextSequence: 1_000 })]);
      await committed(worker);
      const reader = openStoreReader(harness.ready?.storePath ?? '');
      const source = reader.source(worker.opened.tables[0]?.extent ?? 0, type, worker.codec);
      const model = [...rows.values()]
        .map(({ key, row, sequence }) => ({ keyBytes: encodeKey(key, type !== 'ordered_set'), sequence, row }))
        .sort((left, right) => Buffer.compare(placeOf(left), placeOf(right)));
      const plain = (found: readonly { keyBytes: Uint8Array; sequence: number; row: unknown }[]): unknown[] =>
        found.map(({ keyBytes, sequence, row }) => [decodeKey(keyBytes), sequence, row]);
      for (const { keyBytes } of model) {
        const expected = model.filter((row) => Buffer.compare(row.keyBytes, keyBytes) === 0);
        expect(plain(source.rowsOf(keyBytes))).toEqual(plain(expected));
      }
      const bound = fc.option(
        fc.tuple(fc.constantFrom(...model), fc.constantFrom('key', 'place', 'behind', 'cut')).map(([row, at]) => {
          if (at === 'key') return row.keyBytes;
          if (at === 'place') return placeOf(row);
          if (at === 'behind') return placeOf({ ...row, sequence: row.sequence + 1 });
          return Uint8Array.from([...row.keyBytes, 0xff]);
        }),
        { nil: undefined },
      );
      fc.assert(
        fc.property(bound, bound, fc.boolean(), fc.integer({ min: 1, max: 70 }), (from, to, reverse, limit) => {
          const inside = model.filter(
            (row) =>
              (from === undefined || Buffer.compare(placeOf(row), from) >= 0) &&
              (to === undefined || Buffer.compare(placeOf(row), to) < 0),
          );
          const expected = (reverse ? inside.toReversed() : inside).slice(0, limit);
          expect(plain(source.scan({ from, to, reverse, limit }))).toEqual(plain(expected));
        }),
        { numRuns: 300 },
      );
      reader.close();
    });
  }
});
