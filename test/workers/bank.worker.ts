/** A bank whose every operation leaves a mark that shows whether it was lost, repeated or half done. */
import { defineWorker, row, table } from 'heirloom/worker';

export default defineWorker({
  tables: {
    /** Balances: an increment that is repeated or lost shows. */
    accounts: table({ row: row<{ id: string; balance: number; operations: number }>(), key: 'id' }),
    /** One row for each operation: one that is repeated is here twice. */
    entries: table({
      row: row<{ account: string; operation: number; amount: number }>(),
      type: 'duplicate_bag',
      key: 'account',
    }),
    /** Operations in order, with what they did. */
    log: table({ row: row<{ operation: number; kind: string }>(), type: 'ordered_set', key: 'operation' }),
  },
  calls: {
    deposit({ tables }, operation: number, account: string, amount: number) {
      tables.entries.insert({ account, operation, amount });
      tables.log.insert({ operation, kind: 'deposit' });
      tables.accounts.updateCounter(account, 'operations', 1, { default: { id: account, balance: 0, operations: 0 } });
      return tables.accounts.updateCounter(account, 'balance', amount);
    },
    transfer({ tables }, operation: number, from: string, to: string, amount: number) {
      for (const [account, by] of [
        [from, -amount],
        [to, amount],
      ] as const) {
        tables.entries.insert({ account, operation, amount: by });
        tables.accounts.updateCounter(account, 'operations', 1, {
          default: { id: account, balance: 0, operations: 0 },
        });
        tables.accounts.updateCounter(account, 'balance', by);
      }
      tables.log.insert({ operation, kind: 'transfer' });
    },
    async slowDeposit({ tables }, operation: number, account: string, amount: number) {
      tables.entries.insert({ account, operation, amount });
      await new Promise((resolve) => setImmediate(resolve));
      tables.log.insert({ operation, kind: 'slowDeposit' });
      tables.accounts.updateCounter(account, 'operations', 1, { default: { id: account, balance: 0, operations: 0 } });
      await new Promise((resolve) => setImmediate(resolve));
      return tables.accounts.updateCounter(account, 'balance', amount);
    },
    failingDeposit({ tables }, operation: number, account: string, amount: number): number {
      tables.entries.insert({ account, operation, amount });
      tables.log.insert({ operation, kind: 'failingDeposit' });
      tables.accounts.updateCounter(account, 'balance', amount, {
        default: { id: account, balance: 0, operations: 0 },
      });
      throw new RangeError(`operation ${operation} fails on purpose`);
    },
    balance({ tables }, account: string) {
      return tables.accounts.lookup(account)?.balance ?? 0;
    },
    sizes({ tables }) {
      return { accounts: tables.accounts.size, entries: tables.entries.size, log: tables.log.size };
    },
  },
});
