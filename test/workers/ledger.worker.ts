/** A worker whose tables go to others: given away, or inherited by the worker `auditor`. */
import { defineWorker, row, table } from 'heirloom/worker';

const account = row<{ id: string; balance: number }>();

export default defineWorker({
  tables: {
    accounts: table({ row: account, key: 'id', access: 'public', name: 'all accounts', heir: 'auditor' }),
    drafts: table({ row: account, key: 'id', access: 'public', name: 'all drafts' }),
    guarded: table({ row: account, key: 'id', name: 'guarded accounts' }),
    scratch: table({ row: account, key: 'id', access: 'public', name: 'scratch', survives: 'nothing' }),
    starts: table({ row: row<{ n: number; restarted: boolean; elsewhere: readonly string[] }>(), key: 'n' }),
    told: table({ row: row<{ table: string; from: string; data: unknown }>(), type: 'duplicate_bag', key: 'table' }),
  },
  init({ tables, restarted, elsewhere }) {
    const where = Array.from(elsewhere, ([name, owner]) => `${name} at ${owner}`);
    tables.starts.insert({ n: tables.starts.size, restarted, elsewhere: where });
  },
  tableTransferred(transfer, { tables }) {
    tables.told.insert(transfer);
  },
  calls: {
    deposit({ tables }, name: 'accounts' | 'drafts', id: string, amount: number) {
      return tables[name].updateCounter(id, 'balance', amount, { default: { id, balance: 0 } });
    },
    fill({ tables }, name: 'accounts' | 'drafts', count: number) {
      for (let i = 0; i < count; i++) tables[name].insert({ id: `row ${i}`, balance: i });
    },
    give({ tables }, name: 'accounts' | 'drafts' | 'scratch', to: string, data: unknown) {
      tables[name].giveAway(to, data);
    },
    /** Changes the table, gives it away, and finds that it is not to be used then. */
    depositAndGive({ tables }, id: string, amount: number, to: string) {
      tables.accounts.updateCounter(id, 'balance', amount, { default: { id, balance: 0 } });
      tables.drafts.insert({ id: 'note', balance: amount });
      tables.accounts.giveAway(to, { amount });
      try {
        return tables.accounts.size;
      } catch (error) {
        return (error as { code: string }).code;
      }
    },
    giveAndThrow({ tables }, to: string): void {
      tables.accounts.insert({ id: 'never', balance: 1 });
      tables.accounts.giveAway(to, 'never');
      throw new Error('thrown after the table was given away');
    },
    setHeir({ tables }, name: 'accounts' | 'drafts' | 'scratch', heir: string | undefined, heirData: unknown) {
      tables[name].setOptions({ heir, heirData });
    },
    /** Renames the table, and leaves a note of it in another. */
    async rename({ tables }, name: 'accounts' | 'guarded' | 'scratch', newName: string): Promise<void> {
      tables.told.insert({ table: name, from: 'rename', data: newName });
      await tables[name].rename(newName);
    },
    balance({ tables }, name: 'accounts' | 'drafts', id: string) {
      return tables[name].lookup(id)?.balance;
    },
    told({ tables }) {
      return tables.told.tab2list();
    },
    starts({ tables }) {
      return tables.starts.tab2list().toSorted((one, other) => one.n - other.n);
    },
  },
});
