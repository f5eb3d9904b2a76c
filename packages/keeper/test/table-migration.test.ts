/**
 * The keeper's half of a migration: old rows until the flip, all tables at once, and nothing but what its worker may say (G2, G8, G12).
 *
 * Mutations that make this fail, each tried: steps write into the old extent; a table flips although another is not complete, or
 * by itself, or leaves its old rows in the store; the cursor is not stored with its rows; a batch may change a table that migrates;
 * the new rows of a step that was given up stay, or are taken for those of another version; a table that another worker has begins
 * to migrate, or one that is inherited goes on to; one that migrates can be given away; what goes home does so behind its new
 * declaration; the feed begins before the flip, or forgets who waits; the old feed stays in the store; a
 * cursor of the old form is taken for one of the new.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeKey } from '@heirloom/tables';
import type { MigratedRows, MigrationStep, OwnershipStep, TableChanges, TableDeclaration } from '@heirloom/wire';
import type { Inspection } from '../src/inspection.js';
import { readReleased } from '../src/released-reader.js';
import { openStoreReader } from '../src/store-reader.js';
import { Harness, declare, until } from './keeper-harness.js';
import type { WorkerEnd } from './keeper-harness.js';

let harness: Harness;

beforeEach(async () => {
  harness = new Harness();
  await harness.start();
});
afterEach(() => harness.dispose());

const OLD = [declare('a'), declare('b', { type: 'duplicate_bag' })];
const NEW = [
  declare('a', { version: 2, migrates: true, key: 'name', type: 'ordered_set' }),
  declare('b', { version: 2, migrates: true }),
];

/** A store with one row in each table, whose worker has died, and the worker of the new version. */
async function migrating(declarations = OLD, next = NEW): Promise<WorkerEnd> {
  const old = await harness.openWorker('w', declarations);
  old.send([
    old.changes('a', [{ key: 1, row: { id: 1 } }], { size: 1 }),
    old.changes('b', [{ key: 1, row: { id: 1, b: true }, sequence: 1 }], { size: 1, nextSequence: 2 }),
  ]);
  await released(old);
  old.die();
  await harness.close('w', old.opened.epoch);
  return open(next);
}

/** A worker process with the shapes that are stored. */
async function open(declarations: readonly TableDeclaration[]): Promise<WorkerEnd> {
  const worker = await harness.openWorker('w', declarations);
  for (const { shapes } of worker.opened.tables) worker.codec.addShapes(shapes);
  return worker;
}

async function released(worker: WorkerEnd): Promise<void> {
  await until(() => worker.acks.at(-1) === worker.number, 'everything is committed');
}

function send(worker: WorkerEnd, migration: MigrationStep): Promise<void> {
  worker.send([], [], { migration });
  return released(worker);
}

function newRow(worker: WorkerEnd, name: string, isComplete = true): MigratedRows {
  const row = { id: 7, name: 'seven', [name]: true };
  const rows = worker.changes(name, [{ key: name === 'a' ? 'seven' : 7, row }], { size: 1 });
  const cursor = Buffer.concat([encodeKey(1, true), Buffer.alloc(8, 1)]);
  return { step: 'rows', rows, cursor, hasMoved: true, isComplete };
}

const read = (table: string): Promise<unknown> =>
  harness.read('w', table, 'selectPage').then((page) => (page as { rows: unknown }).rows);
const inspect = (): Promise<Inspection> => harness.request({ type: 'inspect' }) as Promise<Inspection>;

describe('a table that migrates', () => {
  it('shows its old rows until all tables flip, also to a later keeper (G2, G8)', async () => {
    const worker = await migrating();
    const grants = worker.opened.tables;
    expect(grants[0]).toMatchObject({
      size: 1,
      migration: { fromVersion: 1, fromType: 'set', size: 0, isComplete: false },
    });
    expect(grants[0]?.migration?.extent).not.toBe(grants[0]?.extent);
    await send(worker, newRow(worker, 'a'));
    await send(worker, newRow(worker, 'b'));
    expect([await read('a'), await read('b')]).toEqual([[{ id: 1 }], [{ id: 1, b: true }]]);
    expect((await inspect()).tables).toMatchObject([{ version: 1 }, { version: 1, type: 'duplicate_bag' }]);
    await send(worker, { step: 'flip' });
    expect([await read('a'), await read('b')]).toEqual([
      [{ id: 7, name: 'seven', a: true }],
      [{ id: 7, name: 'seven', b: true }],
    ]);
    await expect(harness.read('w', 'a', 'lookup', 'seven')).resolves.toMatchObject({ id: 7 });
    worker.die();
    await harness.stop();
    await harness.start();
    const next = await open(NEW);
    expect(next.opened.tables).toMatchObject([
      { size: 1, migration: undefined },
      { size: 1, migration: undefined },
    ]);
    expect((await inspect()).tables).toMatchObject([
      { version: 2, type: 'ordered_set' },
      { version: 2, type: 'set' },
    ]);
    const store = harness.keeper['open']?.store;
    await until(() => [...(store?.rows.getKeys() ?? [])].length === 2, 'the old rows are deleted');
  });

  it('has pages that go on until it flips, and are refused then, as their places are those of other rows', async () => {
    const old = await open(OLD);
    const rows = [1, 2].map((id) => ({ key: id, row: { id } }));
    old.send([old.changes('a', rows, { size: 2 })]);
    await released(old);
    old.die();
    await harness.close('w', old.opened.epoch);
    const page = (after?: unknown): Promise<unknown> => harness.read('w', 'a', 'selectPage', { limit: 1, after });
    const first = (await page()) as { readonly after: unknown };
    const worker = await open(NEW);
    await send(worker, newRow(worker, 'a'));
    await send(worker, newRow(worker, 'b'));
    expect(await page(first.after)).toMatchObject({ rows: [{ id: 2 }], after: undefined });
    await send(worker, { step: 'flip' });
    await expect(page(first.after)).rejects.toMatchObject({ code: 'ERR_TABLE_CURSOR' });
    expect(await page()).toMatchObject({ rows: [{ id: 7 }] });
  });

  it('has a feed that begins behind the flip, which the former is deleted for, and those who wait are told', async () => {
    const feed = { keepBytes: 10_000_000 };
    const worker = await migrating(
      [declare('a', feed), declare('b', { type: 'duplicate_bag' })],
      [declare('a', { ...feed, version: 2, migrates: true }), declare('b', { type: 'duplicate_bag' })],
    );
    const changesBehind = (lsn?: number): Promise<unknown> =>
      harness.request({ type: 'changes', worker: 'w', table: 'a', lsn, timeline: undefined });
    await send(worker, newRow(worker, 'a'));
    const store = harness.keeper['open']?.store;
    const before = store?.state.lsn ?? Number.NaN;
    // Nothing is behind it, so this waits.
    await expect(changesBehind(before)).resolves.toMatchObject({ lsn: before, batches: [] });
    await send(worker, { step: 'flip' });
    // Who knows of no new row must not think that he has them all.
    await expect(changesBehind(before)).rejects.toMatchObject({ code: 'ERR_KEEPER_CHANGES' });
    await until(() => store?.doomed.length === 0, 'the old rows and the old feed are deleted');
    expect(store?.changes.getKeysCount()).toBe(0);
    await until(() => harness.changed.length > 0, 'those who wait are told of the flip');
    worker.send([worker.changes('a', [{ key: 8, row: { id: 8 } }], { size: 2 })]);
    await released(worker);
    await expect(changesBehind(before + 1)).resolves.toMatchObject({ lsn: before + 2, batches: [{ lsn: before + 2 }] });
  });

  it('is read in the form in which a read began, to its end (G8)', async () => {
    const worker = await open(OLD);
    const rows = Array.from({ length: 1_500 }, (_, id) => ({ key: id, row: { id } }));
    worker.send([worker.changes('a', rows, { size: 1_500 })]);
    await released(worker);
    const { store, snapshots } = harness.keeper['open'] ?? {};
    const table = store?.catalog.get('w', 'a');
    if (store === undefined || snapshots === undefined || table === undefined)
      throw new Error('There is no such table.');
    const request = { worker: 'w', table: 'a', operation: 'selectCount', arguments: [{ id: { gt: 3 } }] } as const;
    await expect(readReleased(store, snapshots, request)).resolves.toBe(1_496);
    // The read goes on in the next turn, when a flip has moved the table.
    const reading = readReleased(store, snapshots, request);
    Object.assign(table, { declaration: { ...table.declaration, version: 2 }, extent: table.extent + 100 });
    await expect(reading).resolves.toBe(1_496);
    await expect(readReleased(store, snapshots, request)).resolves.toBe(0);
  });

  it('goes on where the last committed step ended, with another process and another keeper (G3)', async () => {
    const worker = await migrating();
    await send(worker, newRow(worker, 'a', false));
    worker.die();
    await harness.close('w', worker.opened.epoch);
    await harness.stop();
    await harness.start();
    const next = await open(NEW);
    const grant = next.opened.tables[0];
    expect(grant?.migration).toMatchObject({ size: 1, hasMoved: true, isComplete: false });
    expect(Buffer.from(grant?.migration?.cursor ?? [])).toEqual(
      Buffer.concat([encodeKey(1, true), Buffer.alloc(8, 1)]),
    );
    const reader = openStoreReader(harness.ready?.storePath ?? '');
    const source = reader.source(grant?.migration?.extent ?? 0, 'ordered_set', next.codec);
    expect(source.rowsOf(encodeKey('seven', false))).toMatchObject([{ row: { id: 7 } }]);
    reader.close();
  });

  it('is as it was when the worker gives up, or another version is declared', async () => {
    const worker = await migrating();
    await send(worker, newRow(worker, 'a'));
    await send(worker, { step: 'abandon' });
    worker.die();
    await harness.close('w', worker.opened.epoch);
    const again = await open(NEW);
    expect(again.opened.tables[0]?.migration).toMatchObject({ size: 0, hasMoved: false, isComplete: false });
    await send(again, newRow(again, 'a'));
    again.die();
    await harness.close('w', again.opened.epoch);
    const third = [declare('a', { version: 3, migrates: true }), declare('b', { version: 3, migrates: true })];
    const later = await open(third);
    expect(later.opened.tables[0]?.migration).toMatchObject({ fromVersion: 1, size: 0, isComplete: false });
    later.die();
    await harness.close('w', later.opened.epoch);
    const old = await open(OLD);
    expect(old.opened.tables[0]).toMatchObject({ size: 1, migration: undefined });
    expect(await read('a')).toEqual([{ id: 1 }]);
    old.send([old.changes('a', [{ key: 2, row: { id: 2 } }], { size: 2 })]);
    await released(old);
    // Nothing is left of what was made and given up.
    const store = harness.keeper['open']?.store;
    await until(() => store?.doomed.length === 0, 'what was given up is deleted');
    expect([...(store?.rows.getKeys() ?? [])]).toHaveLength(3);
  });
});

describe('a step that cannot be fences its worker, and changes nothing (G12)', () => {
  const flip = { step: 'flip' } as const;

  it.each<[string, (worker: WorkerEnd) => void]>([
    ['flips before all tables are complete', (worker) => worker.send([], [], { migration: flip })],
    ['comes with outcomes', (worker) => worker.send([], [1], { migration: { step: 'abandon' } })],
    [
      'is of an unknown table',
      (worker) => {
        const step = newRow(worker, 'a');
        worker.send([], [], { migration: { ...step, rows: { ...step.rows, tableId: 99 } } });
      },
    ],
    [
      'deletes a row',
      (worker) => {
        const rows = worker.changes('a', [{ key: 'x' }], { size: 0 });
        worker.send([], [], { migration: { ...newRow(worker, 'a'), rows } });
      },
    ],
    [
      'clears a table',
      (worker) => {
        const rows = worker.changes('a', [], { size: 0, cleared: true });
        worker.send([], [], { migration: { ...newRow(worker, 'a'), rows } });
      },
    ],
    [
      'has a sequence in a set',
      (worker) => {
        const rows = worker.changes('a', [{ key: 'x', row: {}, sequence: 1 }], { size: 1 });
        worker.send([], [], { migration: { ...newRow(worker, 'a'), rows } });
      },
    ],
    [
      'has an endless cursor',
      (worker) => {
        worker.send([], [], { migration: { ...newRow(worker, 'a'), cursor: new Uint8Array(10_000) } });
      },
    ],
    [
      'goes on with a complete table',
      (worker) => {
        worker.send([], [], { migration: newRow(worker, 'a') });
        worker.send([], [], { migration: newRow(worker, 'a') });
      },
    ],
    ['is an ordinary change', (worker) => worker.send([worker.changes('a', [{ key: 'x', row: {} }], { size: 1 })])],
  ])('one that %s', async (_, attempt) => {
    const worker = await migrating();
    attempt(worker);
    await until(() => worker.fencedFor !== undefined && harness.violations.length > 0, 'the worker is fenced');
    expect([await read('a'), await read('b')]).toEqual([[{ id: 1 }], [{ id: 1, b: true }]]);
  });

  it('one of a worker whose tables do not migrate', async () => {
    const worker = await open(OLD);
    worker.send([], [], { migration: flip });
    await until(() => worker.fencedFor !== undefined, 'the worker is fenced');
  });
});

describe('a table of a new version that another worker has', () => {
  const all = ['w', 'v'];
  const openAs = (name: string, tables: readonly TableDeclaration[]): Promise<WorkerEnd> =>
    harness.openWorker(name, tables, all);
  const give = (tableId: number, to: string): OwnershipStep => ({ kind: 'give', tableId, to, data: 'gift' });
  const row = (tableId: number, end: WorkerEnd, id: number): TableChanges => ({
    tableId,
    size: 2,
    nextSequence: 1,
    cleared: false,
    changes: [{ keyBytes: encodeKey(id, true), sequence: 0, rowBytes: new Uint8Array(end.codec.encodeRow({ id })) }],
    shapes: end.codec.takeNewShapes(),
  });

  /** Both tables with one row each, `a` with the worker `v`, and the worker `w` dead. */
  async function given(): Promise<{ v: WorkerEnd; tableId: number }> {
    const v = await openAs('v', []);
    const old = await openAs('w', OLD);
    const tableId = old.opened.tables[0]?.tableId ?? 0;
    old.send([old.changes('a', [{ key: 1, row: { id: 1 } }], { size: 1 })], [], { steps: [give(tableId, 'v')] });
    await released(old);
    v.codec.addShapes(harness.moved.at(-1)?.adoptions[0]?.grant.shapes ?? []);
    old.die();
    await harness.close('w', old.opened.epoch);
    return { v, tableId };
  }

  it('stays as it is stored, is changed there in its old form, and does not keep others from their flip', async () => {
    const { v, tableId } = await given();
    const w = await openAs('w', NEW);
    expect(w.opened).toMatchObject({ tables: [{ name: 'b' }], elsewhere: [{ name: 'a', owner: 'v' }], inherited: [] });
    await send(w, newRow(w, 'b'));
    await send(w, { step: 'flip' });
    v.send([row(tableId, v, 2)], [], { steps: [{ kind: 'accept', tableId, to: undefined, data: undefined }] });
    await released(v);
    expect((await inspect()).tables).toMatchObject([{ version: 1, type: 'set' }, { version: 2 }]);
    await expect(read('a')).resolves.toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('is migrated in the life of its worker that begins with it, which is told of it too', async () => {
    const { v, tableId } = await given();
    const w = await openAs('w', NEW);
    v.send([], [], { steps: [give(tableId, 'w')] });
    await released(v);
    expect(harness.moved.at(-1)?.adoptions).toMatchObject([{ owner: 'w', declaration: { version: 1, type: 'set' } }]);
    w.die();
    await harness.close('w', w.opened.epoch);
    const next = await openAs('w', NEW);
    expect(next.opened).toMatchObject({
      tables: [{ name: 'a', size: 1, migration: { fromVersion: 1, size: 0 } }, { name: 'b' }],
      inherited: [{ moves: 2, notice: { from: 'v', data: 'gift' } }],
      elsewhere: [],
    });
  });

  it('is migrated when it goes home, as the worker that had it is gone for good', async () => {
    await given();
    await harness.stop();
    await harness.start({ workers: ['w'] });
    const w = await harness.openWorker('w', NEW, ['w']);
    expect(w.opened.tables[0]).toMatchObject({ name: 'a', size: 1, migration: { fromVersion: 1 } });
  });

  it('is inherited in the middle of its migration as it was before, and then changed there', async () => {
    const old = await openAs('w', OLD);
    old.send([old.changes('a', [{ key: 1, row: { id: 1 } }], { size: 1 })]);
    await released(old);
    old.die();
    await harness.close('w', old.opened.epoch);
    const w = await openAs('w', [
      declare('a', { version: 2, migrates: true, key: 'name', type: 'ordered_set', heir: 'v' }),
    ]);
    for (const { shapes } of w.opened.tables) w.codec.addShapes(shapes);
    await send(w, newRow(w, 'a'));
    const v = await openAs('v', []);
    w.die();
    await harness.close('w', w.opened.epoch);
    const [adoption] = harness.moved.at(-1)?.adoptions ?? [];
    expect(adoption).toMatchObject({ owner: 'v', declaration: { version: 1, type: 'set' }, grant: { size: 1 } });
    v.codec.addShapes(adoption?.grant.shapes ?? []);
    v.send([row(adoption?.grant.tableId ?? 0, v, 2)]);
    await released(v);
    await expect(read('a')).resolves.toEqual([{ id: 1 }, { id: 2 }]);
    const store = harness.keeper['open']?.store;
    await until(() => [...(store?.rows.getKeys() ?? [])].length === 2, 'the new rows are deleted');
  });

  it('is not given away, nor its heir changed, before it is migrated (G12)', async () => {
    const worker = await migrating();
    worker.send([], [], { steps: [give(worker.opened.tables[0]?.tableId ?? 0, 'v')] });
    await until(() => worker.fencedFor !== undefined, 'the worker is fenced');
    expect(harness.moved).toEqual([]);
  });
});
