import { expectTypeOf, describe, expect, test } from 'vitest';
import { row, table } from '@heirloom/tables';
import { WorkerError, defineWorker } from '../src/index.js';
import type { CallsOf, TablesOf, WorkerDefinition } from '../src/index.js';

const bank = defineWorker({
  tables: {
    accounts: table({ row: row<{ id: string; balance: number }>(), type: 'set', key: 'id' }),
    entries: table({
      row: row<{ account: string; at: number; amount: number }>(),
      type: 'duplicate_bag',
      key: 'account',
    }),
  },
  init({ tables, restarted }) {
    if (!restarted) tables.accounts.insert({ id: 'house', balance: 1 });
  },
  calls: {
    deposit({ tables, now }, account: string, amount: number) {
      tables.entries.insert({ account, at: now(), amount });
      return tables.accounts.updateCounter(account, 'balance', amount, { default: { id: account, balance: 0 } });
    },
    async history({ tables, log, call, worker }, account: string, limit?: number) {
      log.info('history', { account, call: call.id, epoch: worker.incarnation });
      await Promise.resolve();
      return tables.entries.lookup(account).slice(0, limit);
    },
    ping: () => 'pong',
  },
});

describe('defineWorker', () => {
  test('gives callers the signatures of its calls, without the context', () => {
    type Calls = CallsOf<typeof bank>;
    expectTypeOf<Calls['deposit']>().toEqualTypeOf<(account: string, amount: number) => Promise<number>>();
    expectTypeOf<Parameters<Calls['history']>>().toEqualTypeOf<[account: string, limit?: number | undefined]>();
    expectTypeOf<Awaited<ReturnType<Calls['history']>>>().items.toHaveProperty('amount').toEqualTypeOf<number>();
    expectTypeOf<Calls['ping']>().toEqualTypeOf<() => Promise<string>>();
    expectTypeOf<TablesOf<typeof bank>>().toHaveProperty('accounts');
    expectTypeOf(bank).toExtend<WorkerDefinition<TablesOf<typeof bank>, CallsOf<typeof bank>>>();
    expect(Object.keys(bank.handlers)).toEqual(['deposit', 'history', 'ping']);
  });

  test('does not compile with a misspelt table, field or call', () => {
    const check = (calls: CallsOf<typeof bank>): void => {
      // @ts-expect-error There is no such call.
      void calls.depositt('a', 1);
      // @ts-expect-error The amount is a number.
      void calls.deposit('a', '1');
    };
    expect(check).toBeTypeOf('function');
    const { tables } = bank;
    // @ts-expect-error There is no such table.
    expect(tables.acounts).toBeUndefined();
    defineWorker({
      tables,
      calls: {
        // @ts-expect-error There is no such table.
        one: ({ tables: t }) => t.acounts.size,
        // @ts-expect-error There is no such field.
        two: ({ tables: t }) => t.accounts.insert({ id: 'a', balanec: 1 }),
        // @ts-expect-error The key is a string.
        three: ({ tables: t }) => t.accounts.lookup(7),
        // @ts-expect-error A set's row, not a list.
        four: ({ tables: t }) => t.accounts.lookup('a')?.length,
      },
    });
  });

  test.each([
    ['a table that is none', { tables: { a: {} }, calls: {} }, 'tables.a'],
    ['no tables', { calls: {} }, "'tables'"],
    ['no calls', { tables: {} }, "'calls'"],
    ['a call that is no function', { tables: {}, calls: { a: 1 } }, 'calls.a'],
    ['a call with a reserved name', { tables: {}, calls: { $a: () => 1 } }, 'does not begin with $'],
    ['a call with a name that cannot be sent', { tables: {}, calls: { '\ud800': () => 1 } }, 'without lone surrogates'],
    ['an empty name', { tables: {}, calls: { '': () => 1 } }, 'calls'],
    ['a timeout of 0', { tables: {}, calls: {}, handlerTimeoutMs: 0 }, "'infinity'"],
    ['an unknown onError', { tables: {}, calls: {}, onError: 'ignore' }, "'crash'"],
    ['an init that is no function', { tables: {}, calls: {}, init: 1 }, "'init'"],
  ])('refuses %s', (_, options, part) => {
    const define = defineWorker as (options: unknown) => unknown; // On purpose without its types.
    expect(() => define(options)).toThrow(WorkerError);
    expect(() => define(options)).toThrow(part);
    expect(() => define(options)).toThrow(expect.objectContaining({ code: 'ERR_WORKER_DEFINITION' }));
  });

  test('takes a timeout of infinity as none', () => {
    expect(defineWorker({ tables: {}, calls: {}, handlerTimeoutMs: 'infinity' }).handlerTimeoutMs).toBe(0);
    expect(defineWorker({ tables: {}, calls: {} }).handlerTimeoutMs).toBe(30_000);
  });
});
