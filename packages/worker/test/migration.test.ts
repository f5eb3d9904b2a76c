/**
 * The worker's half of a migration, on a store in memory, with deaths between any two steps: what comes out is what inserting every
 * migrated row in the order of the old keys gives (G3, G9).
 *
 * Mutations that make this fail, each tried: a row that keeps its key is never looked up in the store, or not where the step before
 * had its key; that rows have moved is not noticed, or forgotten with the step; a step is complete when it is full; the sequence of
 * a bag begins anew in each step; what was made is not given up when a row fails, or is when something else does; the cursor does not pass the last row.
 */
import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Table, bytesAfter, encodeKey, row, table } from '@heirloom/tables';
import type { AnyTableDefinition, RowSource, ScanOptions, StoredRow, TableType } from '@heirloom/tables';
import { RowCodec } from '@heirloom/wire';
import type { Change, MigrationGrant, MigrationStep, StoredShape, TableGrant } from '@heirloom/wire';
import { BatchEncoder } from '../src/batch-encoder.js';
import { defineWorker } from '../src/definition.js';
import type { RowReader } from '../src/hydration.js';
import { MIGRATION_STEP_ROWS, migrateTables } from '../src/migration.js';
import { Harness } from './incarnation-harness.js';

interface Old {
  readonly id: number;
  readonly n: number;
}
interface New {
  readonly key: number;
  readonly n: number;
}

const OLD_EXTENT = 1;
const NEW_EXTENT = 2;

/** A death of the process, which the step's commit may have survived or not. */
class Death extends Error {}

/** One stored table and its migration, as the keeper would have them. */
class MemoryStore implements RowReader {
  readonly extents = new Map<number, Map<string, Change>>([
    [OLD_EXTENT, new Map()],
    [NEW_EXTENT, new Map()],
  ]);
  readonly shapes: StoredShape[] = [];
  readonly steps: string[] = [];
  /** How often new rows were looked up. */
  lookups = 0;
  migration: MigrationGrant;
  size = 0;

  constructor(fromType: TableType, rows: readonly Old[]) {
    const empty = { size: 0, nextSequence: 1, cursor: new Uint8Array(0), hasMoved: false, isComplete: false };
    this.migration = { fromVersion: 1, fromType, extent: NEW_EXTENT, ...empty };
    const old = new Table(table({ row: row<Old>(), key: 'id', type: fromType }));
    old.begin();
    old.insertMany(rows);
    const codec = new RowCodec();
    for (const change of old.commit()) {
      if (change.kind !== 'put') throw new Error('Only rows were inserted.');
      this.put(OLD_EXTENT, { ...change, rowBytes: new Uint8Array(codec.encodeRow(change.row)) });
    }
    this.shapes.push(...codec.takeNewShapes());
    this.size = old.size;
  }

  get grant(): TableGrant {
    const { shapes, size, migration } = this;
    return { name: 't', tableId: 1, extent: OLD_EXTENT, size, nextSequence: 99, shapes, migration };
  }

  put(extent: number, change: Change): void {
    this.extents.get(extent)?.set(placeOf(change).toString('latin1'), change);
  }

  apply(step: MigrationStep): void {
    this.steps.push(step.step);
    if (step.step !== 'rows') return;
    const { rows, cursor, hasMoved, isComplete } = step;
    for (const change of rows.changes) {
      this.put(NEW_EXTENT, { ...change, rowBytes: change.rowBytes && new Uint8Array(change.rowBytes) });
    }
    this.shapes.push(...rows.shapes);
    const { size, nextSequence } = rows;
    this.migration = { ...this.migration, size, nextSequence, cursor, hasMoved, isComplete };
  }

  source(extent: number, _type: string, codec: RowCodec): RowSource {
    return {
      rowsOf: (keyBytes) => {
        this.lookups++;
        return this.scan(extent, codec, { from: keyBytes, to: bytesAfter(keyBytes), limit: Number.MAX_SAFE_INTEGER });
      },
      scan: (options) => this.scan(extent, codec, options),
    };
  }

  scan(extent: number, codec: RowCodec, { from, to, limit }: ScanOptions): StoredRow[] {
    return [...(this.extents.get(extent)?.values() ?? [])]
      .filter((change) => from === undefined || Buffer.compare(placeOf(change), from) >= 0)
      .filter((change) => to === undefined || Buffer.compare(placeOf(change), to) < 0)
      .sort((left, right) => Buffer.compare(placeOf(left), placeOf(right)))
      .slice(0, limit)
      .map(({ keyBytes, sequence, rowBytes }) => ({
        keyBytes,
        sequence,
        row: codec.decodeRow(rowBytes ?? new Uint8Array(0)),
      }));
  }

  close(): void {
    // Nothing is open.
  }
}

function placeOf({ keyBytes, sequence }: { readonly keyBytes: Uint8Array; readonly sequence: number }): Buffer {
  const end = Buffer.alloc(8);
  end.writeBigUInt64BE(BigInt(sequence));
  return Buffer.concat([keyBytes, end]);
}

/** Runs the migration to its end over deaths: each number says how many steps live, and its sign whether the last was stored. */
async function migrate(
  store: MemoryStore,
  definition: AnyTableDefinition,
  deaths: readonly number[],
  stepRows: number,
) {
  for (const death of [...deaths, undefined]) {
    let left = death === undefined ? Number.MAX_SAFE_INTEGER : Math.abs(death);
    const commit = async (step: MigrationStep): Promise<void> => {
      if (left-- > 0) return store.apply(step);
      if ((death ?? 0) > 0) store.apply(step);
      throw new Death();
    };
    const { grant } = store;
    const options = { definitions: { t: definition }, grants: [grant], encoder: new BatchEncoder([grant]), commit };
    try {
      return await migrateTables({ ...options, reader: store, stepRows });
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    }
    if (store.steps.at(-1) === 'flip') return undefined;
  }
  return undefined;
}

function newRows(store: MemoryStore, type: TableType): unknown[] {
  return store
    .scan(NEW_EXTENT, new RowCodec(store.shapes), { limit: Number.MAX_SAFE_INTEGER })
    .map(({ keyBytes, row: one }) => {
      expect(Buffer.from(encodeKey((one as New).key, type !== 'ordered_set'))).toEqual(Buffer.from(keyBytes));
      return one;
    });
}

const types = fc.constantFrom<TableType>('set', 'ordered_set', 'bag', 'duplicate_bag');
const oldRows = fc.array(fc.record({ id: fc.integer({ min: 0, max: 30 }), n: fc.integer({ min: 0, max: 3 }) }), {
  maxLength: 60,
});

describe('rows', () => {
  it('of one key whose rows are in several steps, which keep it, are one row of a bag where they are equal, and collide in a set', async () => {
    const rows = [0, 1, 2, 3].map((n) => ({ id: 7, n }));
    const target = (type: TableType) =>
      table({ row: row<New>(), key: 'key', type, version: 2, migrate: ({ id }: Old) => ({ key: id, n: 5 }) });
    const bag = new MemoryStore('duplicate_bag', rows);
    await migrate(bag, target('bag'), [], 1);
    expect(newRows(bag, 'bag')).toEqual([{ key: 7, n: 5 }]);
    const set = new MemoryStore('duplicate_bag', rows);
    await expect(migrate(set, target('set'), [], 1)).rejects.toMatchObject({ code: 'ERR_WORKER_MIGRATION' });
  });

  it(
    'become what inserting the migrated ones gives, whatever the types, keys, drops and deaths (G3)',
    { timeout: 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(
          types,
          types,
          oldRows,
          fc.record({
            stay: fc.nat(30),
            modulus: fc.integer({ min: 1, max: 40 }),
            drop: fc.integer({ min: 2, max: 9 }),
            allStay: fc.boolean(),
          }),
          fc.array(fc.integer({ min: -4, max: 4 }), { maxLength: 4 }),
          fc.integer({ min: 1, max: 9 }),
          async (fromType, type, rows, { stay, modulus, drop, allStay }, deaths, stepRows) => {
            const change = ({ id, n }: Old): New | undefined => {
              if ((id + n) % drop === 1) return undefined;
              // To keys before and behind, onto those of rows that stay too.
              return { key: allStay || id % 3 === stay % 3 ? id : (id * 7 + stay) % modulus, n };
            };
            const seen: Old[] = [];
            const definition = table({
              row: row<New>(),
              key: 'key',
              type,
              version: 2,
              migrate(old: Old) {
                seen.push(old);
                return change(old);
              },
            });
            const store = new MemoryStore(fromType, rows);
            const stored = store
              .scan(OLD_EXTENT, new RowCodec(store.shapes), { limit: 1_000 })
              .map((one) => one.row as Old);
            const model = new Table(definition);
            const isBag = type === 'bag' || type === 'duplicate_bag';
            const collides = !stored.every((old) => {
              const next = change(old);
              if (next === undefined) return true;
              if (!isBag) return model.insertNew(next);
              model.insert(next);
              return true;
            });
            if (collides) {
              await expect(migrate(store, definition, deaths, stepRows)).rejects.toMatchObject({
                code: 'ERR_WORKER_MIGRATION',
              });
              expect(store.steps.at(-1)).toBe('abandon');
              return;
            }
            const grants = await migrate(store, definition, deaths, stepRows);
            const byKey = (a: New, b: New): number => a.key - b.key;
            // Within a key both are in the order of insertion.
            expect(newRows(store, type)).toEqual(model.tab2list().toSorted(byKey));
            expect(store.migration).toMatchObject({ size: model.size, isComplete: true });
            expect(store.steps.at(-1)).toBe('flip');
            if (grants !== undefined) expect(grants).toMatchObject([{ extent: NEW_EXTENT, size: model.size }]);
            // Rows whose step was stored are not migrated again; those of a step that was lost are, and left no trace.
            const lost = deaths.filter((death) => death <= 0).length;
            expect(seen.length).toBeLessThanOrEqual(stored.length + lost * stepRows);
          },
        ),
        { numRuns: 300 },
      );
    },
  );

  it('that keep their keys meet those that have moved there in an earlier step, also over a death', async () => {
    const rows = [1, 2, 3].map((id) => ({ id, n: 0 }));
    const migrateRow = ({ id, n }: Old): New => ({ key: id === 1 ? 3 : id, n });
    for (const deaths of [[], [1], [2]]) {
      const set = table({ row: row<New>(), key: 'key', version: 2, migrate: migrateRow });
      await expect(migrate(new MemoryStore('set', rows), set, deaths, 1)).rejects.toMatchObject({
        code: 'ERR_WORKER_MIGRATION',
        details: { key: 3, newKey: 3 },
      });
      const bag = table({ row: row<New>(), key: 'key', type: 'bag', version: 2, migrate: migrateRow });
      const store = new MemoryStore('set', rows);
      await migrate(store, bag, deaths, 1);
      expect(newRows(store, 'bag')).toEqual([
        { key: 2, n: 0 },
        { key: 3, n: 0 },
      ]);
    }
  });

  it('that keep their keys are not looked up in the store', async () => {
    const definition = table({ row: row<Old>(), key: 'id', version: 2, migrate: (old: Old) => old });
    const store = new MemoryStore(
      'set',
      Array.from({ length: 200 }, (_, id) => ({ id, n: 0 })),
    );
    await migrate(store, definition, [], 50);
    // But for the one before which a step began.
    expect(store.lookups).toBeLessThanOrEqual(4);
    expect(store.steps).toEqual(['rows', 'rows', 'rows', 'rows', 'rows', 'flip']);
  });

  it('are the function’s own, which may change them', async () => {
    const definition = table({
      row: row<{ id: number; n: number; added: string }>(),
      key: 'id',
      version: 5,
      migrate: (old: { id: number; n: number; added: string }, fromVersion) =>
        Object.assign(old, { added: `of ${fromVersion}` }),
    });
    const store = new MemoryStore('set', [{ id: 1, n: 2 }]);
    await migrate(store, definition, [], MIGRATION_STEP_ROWS);
    expect(store.scan(NEW_EXTENT, new RowCodec(store.shapes), { limit: 9 })).toMatchObject([
      { row: { id: 1, n: 2, added: 'of 1' } },
    ]);
  });
});

describe('what was made', () => {
  const definition = table({
    row: row<New>(),
    key: 'key',
    version: 2,
    migrate: ({ id, n }: Old): New => ({ key: id, n }),
  });
  const rows = Array.from({ length: 4 }, (_, id) => ({ id, n: 0 }));

  it('is kept for the next life when something else than a row fails, as reading does', async () => {
    const store = new MemoryStore('set', rows);
    const options = { definitions: { t: definition }, grants: [store.grant], stepRows: 2 };
    const failure = new Error('The rows cannot be read.');
    const failing: RowReader = {
      source: (...of) => {
        const source = store.source(...of);
        const scan = (how: ScanOptions): readonly StoredRow[] => {
          if (store.steps.length === 1) throw failure;
          return source.scan(how);
        };
        return { ...source, scan };
      },
      close: () => store.close(),
    };
    const commit = async (step: MigrationStep): Promise<void> => store.apply(step);
    const encoder = new BatchEncoder([store.grant]);
    await expect(migrateTables({ ...options, encoder, commit, reader: failing })).rejects.toBe(failure);
    expect(store.steps).toEqual(['rows']);
    await migrate(store, definition, [], 2);
    // The first step was not made again.
    expect(store.steps).toEqual(['rows', 'rows', 'rows', 'flip']);
    expect(newRows(store, 'set')).toHaveLength(rows.length);
  });
});

describe('an incarnation with rows to migrate', () => {
  const rows = Array.from({ length: 100 }, (_, id) => ({ id, n: 1 }));
  function started(migrateRow: (old: Old) => Old): { readonly harness: Harness; readonly store: MemoryStore } {
    const definition = defineWorker({
      tables: { t: table({ row: row<Old>(), key: 'id', version: 2, migrate: migrateRow }) },
      init({ tables }) {
        tables.t.insert({ id: -1, n: tables.t.size });
      },
      calls: { look: ({ tables }, id: number) => tables.t.lookup(id) },
    });
    const store = new MemoryStore('set', rows);
    const harness = new Harness(definition, () => store);
    harness.activate(true, [store.grant]);
    return { harness, store };
  }

  /** Stores and releases the next batches, as long as they are steps. */
  async function storeSteps(
    { harness, store }: ReturnType<typeof started>,
    most = Number.MAX_SAFE_INTEGER,
  ): Promise<void> {
    for (let number = 0; number < most; number++) {
      await harness.until(() => harness.journal.length > number);
      const step = harness.journal[number]?.migration;
      if (step === undefined) return;
      store.apply(step);
      harness.incarnation.release(number + 1);
    }
  }

  it('runs its init and its calls on the new rows, when all are released', async () => {
    const run = started(({ id, n }) => ({ id, n: n + 1 }));
    run.harness.call('look', 5);
    await storeSteps(run);
    expect(run.store.steps.at(-1)).toBe('flip');
    expect(run.harness.events).not.toContain('active');
    expect(run.harness.journal.at(-1)).toMatchObject({ number: run.store.steps.length + 1, isInit: true });
    expect(run.harness.journal.at(-1)?.migration).toBeUndefined();
    run.harness.releaseAll();
    await run.harness.until(() => run.harness.replies.length > 0);
    expect(run.harness.replies).toEqual([{ callId: 1, value: { id: 5, n: 2 } }]);
  });

  it('stops between two steps', async () => {
    const run = started((old) => old);
    await storeSteps(run, 1);
    await run.harness.until(() => run.harness.journal.length === 2);
    run.harness.incarnation.stop();
    expect(run.harness.events).not.toContain('stopped');
    run.harness.releaseAll();
    expect(run.harness.events.at(-1)).toBe('stopped');
    await Promise.resolve();
    expect(run.harness.journal).toHaveLength(2);
  });

  it('fails when what was made is given up, and not before', async () => {
    const run = started(() => {
      throw new RangeError('no');
    });
    await run.harness.until(() => run.harness.journal.length === 1);
    expect(run.harness.journal[0]?.migration).toEqual({ step: 'abandon' });
    expect(run.harness.events.some((event) => event.startsWith('initFailed'))).toBe(false);
    run.harness.releaseAll();
    await run.harness.until(() => run.harness.events.some((event) => event.startsWith('initFailed')));
    expect(run.harness.events.at(-1)).toContain('threw: no. It was the row of key 0');
  });
});
