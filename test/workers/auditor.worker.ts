/** A worker that gets tables of others, and works on them. */
import { defineWorker, row, table } from 'heirloom/worker';
import type ledgerWorker from './ledger.worker.js';

type Accounts = (typeof ledgerWorker)['tables']['accounts'];

export default defineWorker({
  tables: {
    told: table({ row: row<{ table: string; from: string; data: unknown }>(), type: 'duplicate_bag', key: 'table' }),
  },
  async tableTransferred(transfer, { tables, inherited }) {
    tables.told.insert(transfer);
    if (transfer.data === 'throw') throw new Error('the auditor refuses');
    await Promise.resolve();
    // What it does to the table with the note of it is one batch: it happens once.
    inherited.get<Accounts>(transfer.table)?.updateCounter('audits', 'balance', 1, {
      default: { id: 'audits', balance: 0 },
    });
  },
  calls: {
    told({ tables }) {
      return tables.told.tab2list();
    },
    owned({ inherited }) {
      return inherited.names();
    },
    size({ inherited }, name: string) {
      return inherited.get<Accounts>(name)?.size;
    },
    deposit({ inherited }, name: string, id: string, amount: number) {
      return inherited.get<Accounts>(name)?.updateCounter(id, 'balance', amount, { default: { id, balance: 0 } });
    },
    balance({ inherited }, name: string, id: string) {
      return inherited.get<Accounts>(name)?.lookup(id)?.balance;
    },
    async rename({ inherited }, name: string, newName: string): Promise<void> {
      await inherited.get<Accounts>(name)?.rename(newName);
    },
    give({ inherited }, name: string, to: string, data: unknown) {
      inherited.get<Accounts>(name)?.giveAway(to, data);
    },
  },
});
