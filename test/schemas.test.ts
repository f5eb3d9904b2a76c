/**
 * Rows of real schema libraries (Standard Schema 1), in real workers: types, transforms, defaults, issues with their paths.
 */
import { worker } from 'heirloom';
import type { WorkerReference } from 'heirloom';
import { Table, table } from '@heirloom/tables';
import type { InputOf, RowOf } from '@heirloom/tables';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import { Order, Payment } from './workers/schema.worker.js';
import type schemaWorker from './workers/schema.worker.js';

const refused = (details: unknown): unknown =>
  expect.objectContaining({ cause: expect.objectContaining({ code: 'ERR_TABLE_SCHEMA', details }) });

describe('the types of a schema', () => {
  const orders = table({ row: Order, key: 'id' });
  const payments = table({ row: Payment, key: 'order', type: 'bag' });

  it('are what it takes and what it gives', () => {
    interface Line {
      product: string;
      count: number;
    }
    expectTypeOf<RowOf<typeof orders>>().toEqualTypeOf<{ id: string; lines: Line[]; state: 'open' | 'paid' }>();
    expectTypeOf<InputOf<typeof orders>>().toEqualTypeOf<{
      id: string;
      lines?: Line[] | undefined;
      state?: 'open' | 'paid' | undefined;
    }>();
    expectTypeOf<RowOf<typeof payments>['at']>().toEqualTypeOf<Date>();
    expectTypeOf<InputOf<typeof payments>['at']>().toEqualTypeOf<string>();
  });

  it('are those of rows in and out', () => {
    const memory = new Table(payments);
    memory.insert({ order: 'a', amount: 1, at: '2026-01-02T03:04:05Z' });
    expect(memory.lookup('a')[0]?.at.getUTCFullYear()).toBe(2026);
    // @ts-expect-error A stored row's field is not what the schema takes.
    expect(() => memory.insert({ order: 'a', amount: 1, at: new Date() })).toThrow(
      expect.objectContaining({ code: 'ERR_TABLE_SCHEMA' }),
    );
    // @ts-expect-error A field that the schema does not know the type of.
    expect(() => memory.insert({ order: 'a', amount: 'much', at: '2026-01-02T03:04:05Z' })).toThrow();
    expect(memory.size).toBe(1);
  });

  it('hold for migrations too, which give what the schema takes', () => {
    const migrated = table({
      row: Payment,
      key: 'order',
      version: 2,
      migrate: (old: { order: string }) => ({ order: old.order, amount: 0, at: '2026-01-02T03:04:05Z' }),
    });
    expect(migrated.migrate?.({ order: 'x' }, 1)).toMatchObject({ order: 'x' });
    // @ts-expect-error A migration that leaves out what the schema needs.
    table({ row: Payment, key: 'order', version: 2, migrate: (old: { order: string }) => ({ order: old.order }) });
  });
});

describe('tables with schemas in a worker', () => {
  const reference: WorkerReference<typeof schemaWorker> = worker<typeof schemaWorker>('schema', workerModule('schema'));
  let directory: TestDirectory;
  let test: TestRuntime;
  beforeAll(async () => {
    directory = await testDirectory();
    test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
  });
  afterAll(async () => {
    await test[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  it('store what the schema gives: defaults, transforms and all', async () => {
    const shop = test.runtime.worker(reference);
    const order = await shop.call.order(' a1 ', 'tea');
    expectTypeOf(order?.state).toEqualTypeOf<'open' | 'paid' | undefined>();
    expect(order).toEqual({ id: 'a1', lines: [{ product: 'tea', count: 1 }], state: 'open' });
    const paid = await shop.call.pay('a1', 3, '2026-01-02T03:04:05Z');
    expect(paid).toEqual([{ order: 'a1', amount: 3, at: new Date('2026-01-02T03:04:05Z') }]);
    await expect(shop.tables.orders.lookup('a1')).resolves.toMatchObject({ state: 'paid' });
  });

  it('take what the schema takes from others, too', async () => {
    const { tables } = test.runtime.worker(reference);
    await tables.orders.insert({ id: 'b1' });
    await tables.payments.insert({ order: 'b1', amount: 1, at: '2026-01-02T03:04:05Z' });
    await expect(tables.orders.lookup('b1')).resolves.toEqual({ id: 'b1', lines: [], state: 'open' });
    await expect(tables.payments.lookup('b1')).resolves.toMatchObject([{ at: new Date('2026-01-02T03:04:05Z') }]);
  });

  it('refuse a row with all issues and their paths, and change nothing', async () => {
    const shop = test.runtime.worker(reference);
    await expect(shop.call.pay('c1', -1, 'yesterday')).rejects.toEqual(
      refused({
        issues: [
          { path: ['amount'], message: expect.any(String) },
          { path: ['at'], message: expect.any(String) },
        ],
      }),
    );
    // What a caller sends need not have the types that it promised.
    const lines = [{ product: 'x', count: 0.5 }] as never;
    await expect(shop.tables.orders.insert({ id: 'c1', lines })).rejects.toMatchObject({
      code: 'ERR_TABLE_SCHEMA',
      details: { issues: [expect.objectContaining({ path: ['lines', '0', 'count'] })] },
    });
    await expect(shop.tables.payments.member('c1')).resolves.toBe(false);
  });

  it('refuse a schema that is asynchronous, with what to do', async () => {
    await expect(test.runtime.worker(reference).call.slow()).rejects.toMatchObject({
      cause: { code: 'ERR_TABLE_SCHEMA', message: expect.stringContaining('without async checks') },
    });
  });

  it('refuse an update if the schema does not take what it gives', async () => {
    const memory = new Table(table({ row: Payment, key: 'order' }));
    memory.insert({ order: 'a', amount: 1, at: '2026-01-02T03:04:05Z' });
    expect(() => memory.updateElement('a', { amount: 2 })).toThrow(
      expect.objectContaining({
        code: 'ERR_TABLE_SCHEMA',
        details: { issues: [expect.objectContaining({ path: ['at'] })] },
      }),
    );
    expect(memory.lookup('a')?.amount).toBe(1);
  });
});
