/**
 * The keeper's part in moving tables: what it takes from whom (G12), what it writes with what, and whom it tells.
 *
 * Mutations that make this fail, each tried: a batch behind the one that gives a table away may change it still; the
 * heirs inherit when the runtime closes, or in the order of the tables' numbers; a table of a dropped worker does not go home;
 * `moved` is sent behind the replies. Who may do what is checked twice, by the rules and by the table's owner, so that one of
 * them alone can be left out.
 */
import type { OwnershipStep, TableDeclaration } from '@heirloom/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Harness, declare, until } from './keeper-harness.js';
import type { WorkerEnd } from './keeper-harness.js';

let harness: Harness;
const things = declare('things', { access: 'public', publicName: 'all things' });
const others = declare('others');

const idOf = (end: WorkerEnd, name: string): number =>
  end.opened.tables.find((table) => table.name === name)?.tableId ?? 0;
const give = (tableId: number, to: string, data: unknown = 'gift'): OwnershipStep => ({
  kind: 'give',
  tableId,
  to,
  data,
});
const heir = (tableId: number, to: string, data: unknown): OwnershipStep => ({ kind: 'heir', tableId, to, data });
const accept = (tableId: number): OwnershipStep => ({ kind: 'accept', tableId, to: undefined, data: undefined });
const open = (worker: string, tables: readonly TableDeclaration[] = []): Promise<WorkerEnd> =>
  harness.openWorker(worker, tables, ['a', 'b', 'c']);
async function die(end: WorkerEnd, isClosing: boolean = false): Promise<void> {
  end.die();
  await harness.close(end.worker, end.opened.epoch, 5_000, isClosing);
}
async function acked(end: WorkerEnd): Promise<void> {
  await until(() => end.acks.at(-1) === end.number, 'everything is acknowledged');
}

beforeEach(async () => {
  harness = new Harness();
  await harness.start();
});
afterEach(() => harness.dispose());

describe('a table that is given away', () => {
  it('has its new owner with the rows of that batch, which is told before the replies are (G2, G4)', async () => {
    const a = await open('a', [things]);
    const b = await open('b');
    const tableId = idOf(a, 'things');
    const rows = [{ key: 'x', row: { id: 'x' } }];
    a.send([a.changes('things', rows, { size: 1 })], [7], { steps: [give(tableId, 'b')] });
    await until(() => harness.replies.length === 1, 'the reply came');
    expect(harness.order.lastIndexOf('moved')).toBeLessThan(harness.order.lastIndexOf('replies'));
    expect(harness.moved).toMatchObject([
      {
        tables: [{ worker: 'a', name: 'things', owner: 'b' }],
        adoptions: [
          { owner: 'b', epoch: 1, moves: 1, grant: { tableId, size: 1 }, notice: { from: 'a', data: 'gift' } },
        ],
      },
    ]);
    b.send([{ tableId, size: 2, nextSequence: 1, cleared: false, shapes: [], changes: [] }], [], {
      steps: [accept(tableId)],
    });
    await acked(b);
    await expect(harness.read('a', 'things', 'info')).resolves.toMatchObject({ owner: 'b', size: 2 });
  });

  it('is not to be changed by what comes behind, also in the same group (G6, G12)', async () => {
    const a = await open('a', [things, others]);
    const tableId = idOf(a, 'things');
    a.send([], [1], { steps: [give(tableId, 'b')] });
    a.send([a.changes('things', [{ key: 'x', row: { id: 'x' } }], { size: 1 })], [2]);
    await until(() => harness.violations.length === 1, 'the batch is refused');
    await until(() => harness.replies.length === 1, 'the batch before is taken');
    await expect(harness.read('a', 'things', 'size')).resolves.toBe(0);
  });

  it.each([
    ['a table of another worker', (_a: WorkerEnd, b: WorkerEnd) => [give(idOf(b, 'others'), 'c')]],
    ['a table to itself', (a: WorkerEnd) => [give(idOf(a, 'things'), 'a')]],
    ['one table twice', (a: WorkerEnd) => [give(idOf(a, 'things'), 'b'), give(idOf(a, 'things'), 'c')]],
    ['the heir of a table of another worker', (_a: WorkerEnd, b: WorkerEnd) => [heir(idOf(b, 'others'), 'a', 0)]],
    ['note of a table of another worker', (_a: WorkerEnd, b: WorkerEnd) => [accept(idOf(b, 'others'))]],
    ['a table that is not there', () => [give(4_711, 'b')]],
    ['a table to nobody', (a: WorkerEnd) => [give(idOf(a, 'things'), '')]],
    ['a table with too much', (a: WorkerEnd) => [give(idOf(a, 'things'), 'b', 'x'.repeat(70_000))]],
  ])('is not %s: the worker that tries is fenced and changes nothing (G12)', async (_name, steps) => {
    const a = await open('a', [things]);
    const b = await open('b', [others]);
    a.send([a.changes('things', [{ key: 'x', row: { id: 'x' } }], { size: 1 })], [1], { steps: steps(a, b) });
    await until(() => harness.violations.length === 1, 'the batch is refused');
    expect(harness.moved).toEqual([]);
    await expect(harness.read('a', 'things', 'size')).resolves.toBe(0);
    await expect(harness.read('b', 'others', 'info')).resolves.toMatchObject({ owner: 'b', heir: undefined });
  });

  it('waits for a new owner that is dead, with what it is to be told, until that has taken note', async () => {
    const a = await open('a', [things]);
    const tableId = idOf(a, 'things');
    a.send([], [], { steps: [give(tableId, 'b')] });
    await acked(a);
    expect(harness.moved.at(-1)).toMatchObject({ tables: [{ owner: 'b' }], adoptions: [] });
    for (let life = 0; life < 2; life++) {
      const b = await open('b');
      expect(b.opened.inherited).toMatchObject([{ worker: 'a', notice: { from: 'a', data: 'gift' }, moves: 1 }]);
      await die(b);
    }
    const b = await open('b');
    b.send([], [], { steps: [accept(tableId)] });
    await acked(b);
    await die(b);
    expect((await open('b')).opened.inherited).toMatchObject([{ worker: 'a', notice: undefined }]);
    await die(a);
    expect((await open('a', [things])).opened).toMatchObject({
      tables: [],
      elsewhere: [{ name: 'things', owner: 'b' }],
    });
  });

  it('is told of by the next keeper, as the router may not have heard', async () => {
    const a = await open('a', [things]);
    const b = await open('b');
    const tableId = idOf(a, 'things');
    a.send([], [], { steps: [give(tableId, 'b')] });
    await acked(a);
    await harness.stop();
    harness.moved.length = 0;
    const live = [a, b].map(({ worker, attachment }) => ({ worker, epoch: 1, attachment }));
    await harness.start({ instance: 1, live, workers: ['a', 'b'] });
    await until(() => harness.moved.length === 1, 'it is told');
    expect(harness.moved).toMatchObject([
      { tables: [{ worker: 'a', name: 'things', owner: 'b' }], adoptions: [{ owner: 'b', epoch: 1 }] },
    ]);
    expect(harness.order.lastIndexOf('keeperReady')).toBeLessThan(harness.order.lastIndexOf('moved'));
  });

  it('is told of to its owner, also by the next keeper, when it is declared otherwise (G12)', async () => {
    const a = await open('a', [things]);
    const b = await open('b');
    const tableId = idOf(a, 'things');
    a.send([], [1], { steps: [give(tableId, 'b')] });
    await until(() => harness.replies.length === 1, 'it is given');
    b.send([], [], { steps: [accept(tableId)] });
    await acked(b);
    await die(a);
    await open('a', [declare('things', { access: 'protected' })]);
    const told = { owner: 'b', epoch: 1, moves: 1, declaration: { access: 'protected' }, notice: undefined };
    expect(harness.moved.at(-1)?.adoptions).toMatchObject([told]);
    expect(harness.order.lastIndexOf('moved')).toBeLessThan(harness.order.lastIndexOf('response'));
    await harness.stop();
    const live = [{ worker: 'b', epoch: 1, attachment: b.attachment }];
    await harness.start({ instance: 1, live, workers: ['a', 'b', 'c'] });
    await harness.request({ type: 'barrier' });
    expect(harness.moved.at(-1)?.adoptions).toMatchObject([told]);
  });

  it('goes home when its owner is no worker of the runtime any more', async () => {
    const a = await open('a', [things]);
    a.send([], [], { steps: [give(idOf(a, 'things'), 'b')] });
    await acked(a);
    await harness.stop();
    await harness.start({ workers: ['a', 'c'] });
    const again = await harness.openWorker('a', [things], ['a', 'c']);
    expect(again.opened).toMatchObject({ tables: [{ name: 'things' }], elsewhere: [], inherited: [] });
  });
});

describe('an heir', () => {
  it('that lives has the table with the close of its owner’s epoch, and is told before the answer (G6)', async () => {
    const a = await open('a', [{ ...things, heir: 'b' }, others]);
    await open('b');
    a.send([], [], { steps: [heir(idOf(a, 'others'), 'b', 'the will')] });
    await acked(a);
    await die(a);
    expect(harness.order.slice(-2)).toEqual(['moved', 'response']);
    expect(harness.moved.at(-1)?.adoptions).toMatchObject([
      { declaration: { name: 'things' }, notice: { from: 'a', data: undefined } },
      { declaration: { name: 'others' }, notice: { from: 'a', data: 'the will' } },
    ]);
    expect((await open('a', [things, others])).opened.tables).toEqual([]);
  });

  it('inherits tables in the order in which they came to their owner, whichever is the oldest', async () => {
    const c = await open('c', [{ ...others, heir: 'b' }]);
    const a = await open('a', [{ ...things, heir: 'b' }]);
    await open('b');
    expect(idOf(c, 'others')).toBeLessThan(idOf(a, 'things'));
    c.send([], [], { steps: [give(idOf(c, 'others'), 'a')] });
    await acked(c);
    await die(a);
    expect(harness.moved.at(-1)?.tables.map(({ name }) => name)).toEqual(['things', 'others']);
  });

  it('that is dead, or the owner itself, does not inherit; the keeper has the table for its owner', async () => {
    const a = await open('a', [
      { ...things, heir: 'b' },
      { ...others, heir: 'a' },
    ]);
    const b = await open('b');
    await die(b);
    await die(a);
    expect(harness.moved).toEqual([]);
    await expect(harness.read('a', 'things', 'info')).resolves.toMatchObject({ owner: undefined, heir: 'b' });
    const again = await open('a', [{ ...things, heir: 'b' }, others]);
    expect(again.opened.tables.map(({ name }) => name)).toEqual(['things', 'others']);
  });

  it('does not inherit when the whole runtime closes', async () => {
    const a = await open('a', [{ ...things, heir: 'b' }]);
    await open('b');
    await die(a, true);
    expect(harness.moved).toEqual([]);
    expect((await open('a', [{ ...things, heir: 'b' }])).opened.tables).toHaveLength(1);
  });

  it('inherits in its later life, and from an heir', async () => {
    const a = await open('a', [{ ...things, heir: 'b' }]);
    await die(await open('b'));
    const b = await open('b');
    await die(a);
    const tableId = harness.moved.at(-1)?.adoptions[0]?.grant.tableId ?? 0;
    await open('c');
    b.send([], [], { steps: [accept(tableId), heir(tableId, 'c', 'second will')] });
    await acked(b);
    await die(b);
    expect(harness.moved.at(-1)?.adoptions).toMatchObject([
      { owner: 'c', moves: 2, notice: { from: 'b', data: 'second will' } },
    ]);
  });
});

describe('names', () => {
  const whereis = (name: string): Promise<unknown> => harness.request({ type: 'whereis', name });
  const rename = (table: string, name: string): Promise<unknown> =>
    harness.request({ type: 'rename', worker: 'a', table, name });

  it('lead to a table while its worker is dead, and stay taken', async () => {
    await die(await open('a', [things]));
    await expect(whereis('all things')).resolves.toEqual({ worker: 'a', table: 'things' });
    const refused = open('b', [declare('stuff', { publicName: 'all things' })]);
    await expect(refused).rejects.toMatchObject({ code: 'ERR_STORE_TABLE_NAME' });
  });

  it('that were given by a rename stay, until the worker declares another', async () => {
    const a = await open('a', [things, others]);
    await rename('things', 'renamed');
    await expect(rename('things', 'renamed')).rejects.toMatchObject({ code: 'ERR_TABLE_NAME' });
    await expect(rename('others', 'mine')).rejects.toMatchObject({ code: 'ERR_TABLE_ACCESS' });
    await expect(rename('nothing', 'mine')).rejects.toMatchObject({ code: 'ERR_TABLE_UNKNOWN' });
    await die(a);
    const again = await open('a', [things, others]);
    await expect(whereis('renamed')).resolves.toEqual({ worker: 'a', table: 'things' });
    await expect(whereis('all things')).resolves.toBeUndefined();
    await die(again);
    await open('a', [{ ...things, publicName: 'declared anew' }]);
    await expect(whereis('declared anew')).resolves.toEqual({ worker: 'a', table: 'things' });
    await expect(whereis('renamed')).resolves.toBeUndefined();
  });

  it('go from one table of a worker to another when it is declared so, also both ways', async () => {
    const named = (one: string | undefined, two: string | undefined): TableDeclaration[] => [
      declare('one', { publicName: one }),
      declare('two', { publicName: two }),
    ];
    const whereis = async (name: string): Promise<unknown> => harness.request({ type: 'whereis', name });
    await die(await open('a', named('x', undefined)));
    await die(await open('a', named(undefined, 'x')));
    await expect(whereis('x')).resolves.toMatchObject({ table: 'two' });
    await die(await open('a', named('y', 'x')));
    await open('a', named('x', 'y'));
    await expect(whereis('x')).resolves.toMatchObject({ table: 'one' });
    await expect(whereis('y')).resolves.toMatchObject({ table: 'two' });
  });

  it('say whose they are to who wants one that is taken', async () => {
    await open('a', [things, others]);
    await open('b', [declare('more', { access: 'public' })]);
    const rename = (worker: string, table: string): Promise<unknown> =>
      harness.request({ type: 'rename', worker, table, name: 'all things' });
    const details = { name: 'all things', table: 'a/things', owner: 'a' };
    await expect(rename('b', 'more')).rejects.toMatchObject({ code: 'ERR_TABLE_NAME', details });
    await expect(rename('a', 'others')).rejects.toMatchObject({
      code: 'ERR_TABLE_ACCESS',
      message: expect.stringContaining('a/others'),
    });
  });

  it('are each given once in a worker’s declarations', async () => {
    const twice = open('a', [things, { ...others, publicName: 'all things' }]);
    await expect(twice).rejects.toMatchObject({ code: 'ERR_STORE_TABLE_MISMATCH' });
  });
});
