/**
 * Selections of several pages show one moment, whatever happens between them, and leave nothing behind (G9).
 *
 * Mutations that make this fail, each tried: pages are read from the rows as they are now; the table is looked up anew for each
 * page, so that a cleared one has moved; a snapshot is not closed at its last page, at its end, at an error, or when it is idle
 * or too old; an end does not reach a first page that waits; the number of held ones is not bounded; another table's snapshot
 * is taken.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeeperLimits } from '../src/keeper-limits.js';
import { READ_PAGE_BYTES_MAX } from '../src/table-reads.js';
import { Harness, declare, until } from './keeper-harness.js';
import type { WorkerEnd } from './keeper-harness.js';

let harness: Harness;
let worker: WorkerEnd;

async function start(limits: Partial<KeeperLimits> = {}): Promise<void> {
  await harness.start({}, limits);
  worker = await harness.openWorker('a', [
    declare('o', { type: 'ordered_set' }),
    declare('other'),
    declare('secret', { access: 'private' }),
  ]);
  const rows = Array.from({ length: 1_000 }, (_, id) => ({ key: id, row: { id, n: 0 } }));
  worker.send([worker.changes('o', rows, { size: rows.length })]);
  await committed();
}

async function committed(): Promise<void> {
  await until(() => worker.acks.at(-1) === worker.number, 'everything is committed');
}

const allIds = Array.from({ length: 1_000 }, (_, id) => id);
const idsOf = (rows: readonly unknown[]): number[] => (rows as readonly { id: number }[]).map(({ id }) => id);

/** Reads the rest of a selection, and tells what it read. */
async function rest(id: number, after: unknown, rowsMax = 100): Promise<{ id: number; n: number }[]> {
  const rows: unknown[] = [];
  for (let next = after; next !== undefined;) {
    const page = await harness.page('a', 'o', { id, after: next, rowsMax });
    expect(page.rows.length).toBeLessThanOrEqual(rowsMax);
    rows.push(...page.rows);
    next = page.after;
  }
  return rows as { id: number; n: number }[]; // What was inserted.
}

beforeEach(() => {
  harness = new Harness();
});
afterEach(() => harness.dispose());

describe('a selection in pages', () => {
  beforeEach(() => start());

  it('does not show what is changed, inserted and deleted meanwhile', async () => {
    const first = await harness.page('a', 'o', { id: 1, after: undefined, rowsMax: 100 });
    expect((await harness.inspect()).snapshots).toBe(1);
    const changed = allIds.map((id) => (id % 2 === 0 ? { key: id } : { key: id, row: { id, n: 1 } }));
    worker.send([worker.changes('o', [...changed, { key: 5_000, row: { id: 5_000, n: 1 } }], { size: 501 })]);
    await committed();
    const seen = [...(first.rows as { id: number; n: number }[]), ...(await rest(1, first.after))];
    expect(idsOf(seen)).toEqual(allIds);
    expect(seen.every(({ n }) => n === 0)).toBe(true);
    expect((await harness.inspect()).snapshots).toBe(0);
    const now = await harness.page('a', 'o', { id: 2, after: undefined, rowsMax: 1_000 });
    expect(now.rows).toHaveLength(501);
  });

  it('does not show that the table is cleared, filled again, and its old rows swept away', async () => {
    const first = await harness.page('a', 'o', { id: 1, after: undefined, rowsMax: 10 });
    for (let round = 1; round <= 5; round++) {
      const rows = allIds.slice(0, 700).map((id) => ({ key: id, row: { id, n: round } }));
      worker.send([worker.changes('o', rows, { size: rows.length, cleared: true })]);
      await committed();
      while ((await harness.inspect()).doomedExtents > 0);
    }
    const seen = [...(first.rows as { id: number; n: number }[]), ...(await rest(1, first.after, 333))];
    expect(idsOf(seen)).toEqual(allIds);
    expect(seen.every(({ n }) => n === 0)).toBe(true);
  });

  it('stops at its limit, whatever the pages are, and asks for no snapshot that nobody needs', async () => {
    const first = await harness.page('a', 'o', { id: 1, after: undefined, rowsMax: 100 }, 'select', { limit: 250 });
    expect([first.rows.length, (await harness.inspect()).snapshots]).toEqual([100, 1]);
    const seen = idsOf(first.rows);
    for (let { after } = first; after !== undefined;) {
      const page = await harness.page('a', 'o', { id: 1, after, rowsMax: 100 }, 'select', { limit: 250 });
      seen.push(...idsOf(page.rows));
      ({ after } = page);
    }
    expect(seen).toEqual(allIds.slice(0, 250));
    const whole = await harness.page('a', 'o', { id: 2, after: undefined, rowsMax: 100 }, 'select', { limit: 100 });
    expect(whole).toEqual({ rows: first.rows, after: undefined });
    expect((await harness.inspect()).snapshots).toBe(0);
  });

  it('goes backwards too', async () => {
    const seen: number[] = [];
    let after: unknown;
    do {
      const page = await harness.page('a', 'o', { id: 1, after, rowsMax: 170 }, 'selectReverse', {
        where: { id: { gte: 100 } },
        fields: ['id'],
      });
      seen.push(...idsOf(page.rows));
      ({ after } = page);
    } while (after !== undefined);
    expect(seen).toEqual(allIds.slice(100).toReversed());
  });

  it('is given up while it is held, and while its first page waits', async () => {
    const first = await harness.page('a', 'o', { id: 1, after: undefined, rowsMax: 10 });
    await harness.request({ type: 'endSnapshot', snapshot: 1 });
    expect((await harness.inspect()).snapshots).toBe(0);
    await expect(harness.page('a', 'o', { id: 1, after: first.after, rowsMax: 10 })).rejects.toMatchObject({
      code: 'ERR_KEEPER_SNAPSHOT',
    });
    const ids = Array.from({ length: 20 }, (_, index) => 100 + index);
    const pages = ids.map((id) => harness.page('a', 'o', { id, after: undefined, rowsMax: 10 }));
    const ended = ids.map((snapshot) => harness.request({ type: 'endSnapshot', snapshot }));
    const outcomes = await Promise.allSettled(pages);
    await Promise.all(ended);
    // Those whose turn had not come yet.
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: 'ERR_KEEPER_SNAPSHOT' } });
    expect((await harness.inspect()).snapshots).toBe(0);
  });

  it('is given up while a page is read', async () => {
    const rows = Array.from({ length: 30_000 }, (_, id) => ({ key: id, row: { id, isLate: id >= 29_000 } }));
    worker.send([worker.changes('other', rows, { size: rows.length })]);
    await committed();
    let isAnswered = false;
    // It looks at every row before its first page is full.
    const page = harness.page('a', 'other', { id: 1, after: undefined, rowsMax: 900 }, 'select', {
      where: { isLate: true },
    });
    void page.finally(() => (isAnswered = true));
    while ((await harness.inspect()).snapshots === 0);
    expect(isAnswered).toBe(false);
    await harness.request({ type: 'endSnapshot', snapshot: 1 });
    expect((await page).after).toBeDefined();
    expect((await harness.inspect()).snapshots).toBe(0);
  });

  it('holds nothing after a page that failed', async () => {
    const wrong: [string, unknown[], string][] = [
      ['select', [{ where: { id: { like: 1 } } }], 'ERR_TABLE_ARGUMENT'],
      ['select', [{ limit: -1 }], 'ERR_TABLE_ARGUMENT'],
      ['match', [{ id: 1 }, 'id'], 'ERR_TABLE_ARGUMENT'],
      ['matchObject', [7], 'ERR_TABLE_ARGUMENT'],
    ];
    for (const [operation, operands, code] of wrong) {
      const page = harness.page('a', 'o', { id: 1, after: undefined, rowsMax: 10 }, operation, ...operands);
      await expect(page, operation).rejects.toMatchObject({ code });
    }
    const secret = harness.page('a', 'secret', { id: 1, after: undefined, rowsMax: 10 });
    await expect(secret).rejects.toMatchObject({ code: 'ERR_TABLE_ACCESS' });
    const unknown = harness.page('a', 'nowhere', { id: 1, after: undefined, rowsMax: 10 });
    await expect(unknown).rejects.toMatchObject({ code: 'ERR_TABLE_UNKNOWN' });
    const first = await harness.page('a', 'o', { id: 1, after: undefined, rowsMax: 10 });
    for (const after of [7, {}, { ...(first.after as object), count: -1 }]) {
      const page = harness.page('a', 'o', { id: 1, after, rowsMax: 10 });
      await expect(page).rejects.toMatchObject({ code: 'ERR_TABLE_ARGUMENT' });
      await expect(harness.page('a', 'o', { id: 1, after: first.after, rowsMax: 10 })).rejects.toMatchObject({
        code: 'ERR_KEEPER_SNAPSHOT',
      });
      await harness.page('a', 'o', { id: 1, after: undefined, rowsMax: 10 });
    }
    await harness.request({ type: 'endSnapshot', snapshot: 1 });
    expect((await harness.inspect()).snapshots).toBe(0);
  });

  it('reads no other table than the one that it began with', async () => {
    const first = await harness.page('a', 'o', { id: 1, after: undefined, rowsMax: 10 });
    await expect(harness.page('a', 'other', { id: 1, after: first.after, rowsMax: 10 })).rejects.toMatchObject({
      code: 'ERR_KEEPER_SNAPSHOT',
    });
  });

  it('is lost with its keeper, and says so', async () => {
    const first = await harness.page('a', 'o', { id: 1, after: undefined, rowsMax: 10 });
    await harness.stop();
    await harness.start();
    await expect(harness.page('a', 'o', { id: 1, after: first.after, rowsMax: 10 })).rejects.toMatchObject({
      name: 'KeeperError',
      code: 'ERR_KEEPER_SNAPSHOT',
    });
    const again = await harness.page('a', 'o', { id: 1, after: undefined, rowsMax: 10 });
    expect(again.rows).toEqual(first.rows);
  });

  it('ends a page by its bytes', async () => {
    const pad = 'x'.repeat(3_000_000);
    const rows = Array.from({ length: 14 }, (_, id) => ({ key: id, row: { id, pad } }));
    for (const row of rows) worker.send([worker.changes('other', [row], { size: row.key + 1 })]);
    await committed();
    const sizes: number[] = [];
    let after: unknown;
    do {
      const page = await harness.page('a', 'other', { id: 1, after, rowsMax: 100 });
      sizes.push(page.rows.length);
      ({ after } = page);
    } while (after !== undefined);
    const full = Math.ceil(READ_PAGE_BYTES_MAX / pad.length);
    expect(sizes).toEqual([full, full, 14 - 2 * full]);
  });
});

describe('snapshots are bounded (G9)', () => {
  const gone = { code: 'ERR_KEEPER_SNAPSHOT' };

  it('by the time without a page', async () => {
    await start({ snapshotIdleMs: 40 });
    const first = await harness.page('a', 'o', { id: 1, after: undefined, rowsMax: 10 });
    let none = false;
    while (!none) none = (await harness.inspect()).snapshots === 0;
    await expect(harness.page('a', 'o', { id: 1, after: first.after, rowsMax: 10 })).rejects.toMatchObject(gone);
  });

  it('by their age, however often they are asked', async () => {
    await start({ snapshotAgeMaxMs: 60 });
    const first = await harness.page('a', 'o', { id: 1, after: undefined, rowsMax: 1 });
    const ask = async (): Promise<unknown> => {
      for (;;) await harness.page('a', 'o', { id: 1, after: first.after, rowsMax: 1 });
    };
    await expect(ask()).rejects.toMatchObject(gone);
    expect((await harness.inspect()).snapshots).toBe(0);
  });

  it('by their number', async () => {
    await start({ snapshotsMax: 3 });
    const begin = (id: number): Promise<{ after: unknown }> =>
      harness.page('a', 'o', { id, after: undefined, rowsMax: 10 });
    const firsts = [await begin(1), await begin(2), await begin(3)];
    await expect(begin(4)).rejects.toMatchObject({ code: 'ERR_KEEPER_BUSY' });
    expect((await harness.inspect()).snapshots).toBe(3);
    // What fits into a page needs none.
    await harness.page('a', 'o', { id: 5, after: undefined, rowsMax: 1_000 });
    await harness.request({ type: 'endSnapshot', snapshot: 2 });
    await begin(6);
    expect(idsOf(await rest(1, firsts[0]?.after))).toEqual(allIds.slice(10));
  });
});
