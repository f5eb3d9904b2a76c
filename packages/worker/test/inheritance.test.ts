/**
 * Tables that come to an incarnation and go from it: taken in once, between two handlers, and told of as a batch of its own.
 *
 * Mutations that make this fail, each tried: an adoption that comes again is taken again; the note is not part of the batch of
 * `tableTransferred`; what a throwing one did is kept; a rollback leaves the table away; one that came back in another form is taken
 * in; one that was granted is taken in once more; how a table is declared now is not taken over; one that went is loaded on, or is
 * when another came before it went.
 */
import { encodeKey, row, table } from '@heirloom/tables';
import type { RowSource } from '@heirloom/tables';
import { TRANSFER_DATA_BYTES_MAX } from '@heirloom/wire';
import type { Adoption, RowCodec, TableGrant } from '@heirloom/wire';
import { describe, expect, test } from 'vitest';
import { defineWorker } from '../src/definition.js';
import type { TableTransfer } from '../src/handler-context.js';
import type { RowReader } from '../src/hydration.js';
import { HYDRATION_CHUNK_ROWS, HYDRATION_SLICE_MS } from '../src/hydration.js';
import { Harness, grantsOf, settled } from './incarnation-harness.js';

const account = row<{ id: number; n: number }>();
const own = table({ row: account, key: 'id', access: 'public' });

/** What `tableTransferred` is to do. */
let act: 'note' | 'throw' | 'give' | 'later' = 'note';
let resume = (): void => undefined;

const definition = defineWorker({
  tables: { own, notes: table({ row: row<TableTransfer>(), type: 'duplicate_bag', key: 'table' }) },
  async tableTransferred(transfer, { tables, inherited }) {
    tables.notes.insert(transfer);
    if (act === 'throw') throw new Error('refused');
    if (act === 'later') await new Promise<void>((resolve) => void (resume = resolve));
    if (act === 'give') inherited.get(transfer.table)?.giveAway('third', 'passed on');
  },
  calls: {
    sum({ inherited }, name: string) {
      const found = inherited.get<typeof own>(name);
      return found === undefined ? undefined : found.tab2list().reduce((sum, { n }) => sum + n, 0);
    },
    add({ inherited }, name: string, id: number, n: number) {
      inherited.get<typeof own>(name)?.insert({ id, n });
    },
    give({ tables }, to: string, data?: unknown) {
      tables.own.insert({ id: 1, n: 1 });
      tables.own.giveAway(to, data);
    },
    giveAndThrow({ tables }) {
      tables.own.giveAway('third');
      throw new RangeError('no');
    },
    setHeir({ tables }, options: unknown) {
      tables.own.setOptions(options as { heir: string });
    },
    size({ tables }) {
      return tables.own.size;
    },
    notes({ tables }) {
      return tables.notes.size;
    },
  },
});

const ROWS = 3 * HYDRATION_CHUNK_ROWS;

/** A store with the rows 0, 1, 2, … in every extent, each with n = 1, that tells of its scans and of its end. */
function storeOf(
  onScan: (extent: number) => void = () => undefined,
  onClose = (): void => undefined,
  size: number = ROWS,
): () => RowReader {
  return () => ({
    source: (extent: number, _type: string, codec: RowCodec): RowSource => {
      codec.addShapes([]);
      const stored = Array.from({ length: size }, (_, id) => ({
        keyBytes: encodeKey(id, true),
        sequence: 0,
        row: { id, n: 1 },
      })).toSorted((one, other) => Buffer.compare(one.keyBytes, other.keyBytes));
      return {
        rowsOf: (keyBytes) => stored.filter((one) => Buffer.compare(one.keyBytes, keyBytes) === 0),
        scan: ({ from, limit }) => {
          onScan(extent);
          const start = from === undefined ? 0 : stored.findIndex((one) => Buffer.compare(one.keyBytes, from) >= 0);
          return start < 0 ? [] : stored.slice(start, start + limit);
        },
      };
    },
    close: onClose,
  });
}

function adoption(changes: Partial<Adoption> = {}): Adoption {
  const grant: TableGrant = { name: 'accounts', tableId: 90, extent: 9, size: ROWS, nextSequence: 1, shapes: [] };
  return {
    worker: 'bank',
    declaration: {
      name: 'accounts',
      type: 'set',
      access: 'public',
      survives: 'power_loss',
      key: 'id',
      publicName: undefined,
      keepBytes: undefined,
      version: 1,
    },
    grant,
    moves: 1,
    owner: 'tested',
    epoch: 7,
    notice: { from: 'bank', data: 'gift' },
    ...changes,
  };
}

async function started(
  more: { inherited?: readonly Adoption[]; elsewhere?: readonly { name: string; owner: string }[] } = {},
  reader = storeOf(),
  grants: readonly TableGrant[] = grantsOf(definition.tables),
): Promise<Harness> {
  act = 'note';
  const harness = new Harness(definition, reader);
  const workers = ['tested', 'bank', 'third'];
  harness.incarnation.activate({ epoch: 7, lsn: 0, restarted: true, tables: grants, workers, ...more });
  await settled();
  return harness;
}

async function call(harness: Harness, name: string, ...operands: unknown[]): Promise<unknown> {
  const callId = harness.call(name, ...operands);
  await settled();
  harness.releaseAll();
  const outcome = harness.outcome(callId);
  if (outcome?.error !== undefined) throw outcome.error;
  return outcome?.value;
}

describe('a table that comes', () => {
  test('is there for the calls behind it, and told of as a batch that takes note', async () => {
    const harness = await started();
    harness.incarnation.adopt(adoption());
    await expect(call(harness, 'sum', 'bank/accounts')).resolves.toBe(ROWS);
    expect(harness.journal).toMatchObject([
      { isInit: false, outcomes: [], tables: [{ size: 1 }], steps: [{ kind: 'accept', tableId: 90 }] },
    ]);
    await call(harness, 'add', 'bank/accounts', -1, 5);
    expect(harness.journal[1]?.tables).toMatchObject([{ tableId: 90, size: ROWS + 1 }]);
  });

  test('is written to by others as it was declared last, with what was done to it so far (G12)', async () => {
    const harness = await started({ inherited: [adoption()] });
    const insert = (id: number): Promise<unknown> => call(harness, '$table.insert', ['bank', 'accounts'], { id, n: 5 });
    await insert(-1);
    const { declaration } = adoption();
    harness.incarnation.adopt(adoption({ declaration: { ...declaration, access: 'protected' }, notice: undefined }));
    await expect(insert(-2)).rejects.toMatchObject({ code: 'ERR_TABLE_ACCESS', details: { table: 'bank/accounts' } });
    await expect(call(harness, 'sum', 'bank/accounts')).resolves.toBe(ROWS + 5);
  });

  test('is told of once, however often that comes', async () => {
    const harness = await started({ inherited: [adoption()] });
    harness.incarnation.adopt(adoption());
    harness.incarnation.adopt(adoption());
    await call(harness, 'add', 'bank/accounts', -1, 5);
    harness.incarnation.adopt(adoption());
    await expect(call(harness, 'sum', 'bank/accounts')).resolves.toBe(ROWS + 5);
    await expect(call(harness, 'notes')).resolves.toBe(1);
  });

  test('at the beginning without a notice is not told of', async () => {
    const harness = await started({ inherited: [adoption({ notice: undefined })] });
    await expect(call(harness, 'sum', 'bank/accounts')).resolves.toBe(ROWS);
    expect(harness.journal).toEqual([]);
  });

  test('waits for the handler that runs, and calls wait for it', async () => {
    const harness = await started();
    act = 'later';
    harness.incarnation.adopt(adoption());
    await settled();
    const sum = harness.call('sum', 'bank/accounts');
    harness.incarnation.adopt(adoption({ grant: { ...adoption().grant, tableId: 91 }, worker: 'third' }));
    await settled();
    expect(harness.outcome(sum)).toBeUndefined();
    act = 'note';
    resume();
    await harness.until(() => harness.journal.length === 2);
    await settled();
    harness.releaseAll();
    expect(harness.outcome(sum)).toMatchObject({ value: ROWS });
  });

  test('kills a worker whose tableTransferred throws, and nothing of it is sent (G2)', async () => {
    const harness = await started();
    act = 'throw';
    harness.incarnation.adopt(adoption());
    await settled();
    expect(harness.journal).toEqual([]);
    expect(harness.events.at(-1)).toBe('crash 0 Error: refused');
  });

  test('can be given away by what is told of it', async () => {
    const harness = await started();
    act = 'give';
    harness.incarnation.adopt(adoption());
    await expect(call(harness, 'sum', 'bank/accounts')).resolves.toBeUndefined();
    expect(harness.journal[0]?.steps).toMatchObject([
      { kind: 'accept', tableId: 90 },
      { kind: 'give', tableId: 90, to: 'third', data: 'passed on' },
    ]);
  });

  test('answers public writes of others by the name of its worker, and refuses them when it is not there', async () => {
    const harness = await started({ inherited: [adoption({ notice: undefined })] });
    await call(harness, '$table.insert', ['bank', 'accounts'], { id: -1, n: 5 });
    await expect(call(harness, 'sum', 'bank/accounts')).resolves.toBe(ROWS + 5);
    await expect(call(harness, '$table.insert', ['third', 'accounts'], { id: 1, n: 1 })).rejects.toMatchObject({
      code: 'ERR_TABLE_OWNER',
    });
  });
});

describe('a table that goes', () => {
  test('goes with its changes, refuses everything from then on, and names its owner', async () => {
    const harness = await started();
    await call(harness, 'give', 'third', { a: 1n });
    expect(harness.journal).toMatchObject([
      { tables: [{ tableId: 1, size: 1 }], steps: [{ kind: 'give', tableId: 1, to: 'third', data: { a: 1n } }] },
    ]);
    for (const operation of ['size', 'give', 'setHeir']) {
      await expect(call(harness, operation, 'third')).rejects.toMatchObject({
        code: 'ERR_TABLE_OWNER',
        details: { owner: 'third' },
      });
    }
    await expect(call(harness, '$table.insert', 'own', { id: 1, n: 1 })).rejects.toMatchObject({
      code: 'ERR_TABLE_OWNER',
    });
  });

  test('comes back with the rows that it has then', async () => {
    const harness = await started();
    await call(harness, 'give', 'third');
    const { declaration, grant } = adoption();
    harness.incarnation.adopt(
      adoption({
        worker: 'tested',
        declaration: { ...declaration, name: 'own' },
        grant: { ...grant, tableId: 1 },
        moves: 2,
      }),
    );
    await expect(call(harness, 'size')).resolves.toBe(ROWS);
  });

  test.each([{ version: 2 }, { type: 'bag' }, { key: 'n' }] as const)(
    'that comes back in another form, as of %o, refuses everything, and is not told of',
    async (form) => {
      const harness = await started({ elsewhere: [{ name: 'own', owner: 'third' }] }, storeOf(), []);
      const declaration = { ...adoption().declaration, name: 'own', ...form };
      const grant = { ...adoption().grant, tableId: 1 };
      harness.incarnation.adopt(adoption({ worker: 'tested', declaration, grant, moves: 2 }));
      const details = { owner: 'tested', stored: declaration.version, declared: 1 };
      await expect(call(harness, 'size')).rejects.toMatchObject({ code: 'ERR_TABLE_OWNER', details });
      await expect(call(harness, 'give', 'third')).rejects.toMatchObject({ code: 'ERR_TABLE_OWNER' });
      await expect(call(harness, 'notes')).resolves.toBe(0);
      expect(harness.journal).toEqual([]);
    },
  );

  test('and came back while its worker was dead is granted, and told of once', async () => {
    const { declaration, grant } = adoption();
    const back = adoption({
      worker: 'tested',
      declaration: { ...declaration, name: 'own' },
      // What the keeper says of the rows with the notice may be of before their migration.
      grant: { ...grant, name: 'own', tableId: 1, size: 0 },
      moves: 2,
    });
    const grants = grantsOf(definition.tables).map((one) => (one.name === 'own' ? { ...one, size: ROWS } : one));
    const harness = await started({ inherited: [back] }, storeOf(), grants);
    harness.incarnation.adopt(back);
    await expect(call(harness, 'size')).resolves.toBe(ROWS);
    await expect(call(harness, 'notes')).resolves.toBe(1);
    expect(harness.journal).toMatchObject([{ steps: [{ kind: 'accept', tableId: 1 }] }]);
  });

  test('stays when the handler throws', async () => {
    const harness = await started();
    await expect(call(harness, 'giveAndThrow')).rejects.toThrow('no');
    await expect(call(harness, 'size')).resolves.toBe(0);
    expect(harness.journal).toEqual([]);
  });

  test('that is elsewhere at the beginning refuses everything', async () => {
    const harness = await started({ elsewhere: [{ name: 'own', owner: 'third' }] }, storeOf(), []);
    await expect(call(harness, 'size')).rejects.toMatchObject({ code: 'ERR_TABLE_OWNER', details: { owner: 'third' } });
  });

  describe('while it still loads', () => {
    const CHUNKS = 20;
    const size = CHUNKS * HYDRATION_CHUNK_ROWS;
    const OWN_EXTENT = 8;
    let scans: Map<number, number>;
    let closed: number;

    /** A slice of time passes with each chunk, so that each takes a turn. */
    const slowStore = storeOf(
      (extent) => {
        scans.set(extent, (scans.get(extent) ?? 0) + 1);
        const end = performance.now() + HYDRATION_SLICE_MS;
        while (performance.now() < end);
      },
      () => closed++,
      size,
    );
    const grants = grantsOf(definition.tables).map((grant) =>
      grant.name === 'own' ? { ...grant, extent: OWN_EXTENT, size } : grant,
    );

    async function startedSlowly(): Promise<Harness> {
      scans = new Map();
      closed = 0;
      return started({}, slowStore, grants);
    }
    async function turns(count: number): Promise<void> {
      for (let turn = 0; turn < count; turn++) await settled();
    }

    test('is not loaded any further, and the store is closed', async () => {
      const harness = await startedSlowly();
      harness.call('give', 'third');
      await settled();
      const before = scans.get(OWN_EXTENT) ?? 0;
      expect(before).toBeGreaterThan(0);
      expect(before).toBeLessThan(CHUNKS / 2);
      await turns(2 * CHUNKS);
      expect(scans.get(OWN_EXTENT)).toBe(before);
      expect(closed).toBe(1);
    });

    test('is not loaded any further when another came meanwhile, which is', async () => {
      const harness = await startedSlowly();
      const came = adoption({ grant: { ...adoption().grant, size } });
      harness.incarnation.adopt(came);
      await settled();
      harness.call('give', 'third');
      await settled();
      const before = scans.get(OWN_EXTENT) ?? 0;
      expect(before).toBeLessThan(CHUNKS / 2);
      await turns(2 * CHUNKS);
      expect(scans.get(OWN_EXTENT)).toBe(before);
      expect(scans.get(came.grant.extent)).toBeGreaterThanOrEqual(CHUNKS);
      expect(closed).toBe(2);
    });
  });

  test.each([
    ['nobody', undefined, 'ERR_TABLE_PROCESS'],
    ['tested', undefined, 'ERR_TABLE_OWNER'],
    ['third', 'x'.repeat(TRANSFER_DATA_BYTES_MAX), 'ERR_TABLE_LIMIT'],
  ])('is refused to %s with %s', async (to, data, code) => {
    const harness = await started();
    await expect(call(harness, 'give', to, data)).rejects.toMatchObject({ code });
    await expect(call(harness, 'size')).resolves.toBe(0);
  });

  test('takes an heir by setOptions, and refuses what is none', async () => {
    const harness = await started();
    await call(harness, 'setHeir', { heir: 'third', heirData: 5 });
    await call(harness, 'setHeir', { heir: undefined });
    expect(harness.journal.map(({ steps }) => steps)).toEqual([
      [{ kind: 'heir', tableId: 1, to: 'third', data: 5 }],
      [{ kind: 'heir', tableId: 1, to: undefined, data: undefined }],
    ]);
    for (const options of [undefined, {}, 'third', { heir: 'third', more: 1 }]) {
      await expect(call(harness, 'setHeir', options)).rejects.toMatchObject({ code: 'ERR_TABLE_ARGUMENT' });
    }
    await expect(call(harness, 'setHeir', { heir: 'nobody' })).rejects.toMatchObject({ code: 'ERR_TABLE_PROCESS' });
  });
});
