/** A worker whose calls must not happen twice, and can be counted when they do. */
import { defineWorker, row, table, workerRef } from 'heirloom/worker';
import type { CallSignatures, WorkerDefinition } from 'heirloom/worker';

interface PayCalls extends CallSignatures {
  pay: (id: number, amount: number) => Promise<Receipt>;
}
type Payments = WorkerDefinition<Record<string, never>, PayCalls>;

/** What a payment answers: another one for each time that it is run. */
export interface Receipt {
  readonly number: number;
  readonly key: string | undefined;
  readonly stamp: string;
}

const stamp = (): string => `${process.pid} ${Math.random()}`;

export default defineWorker({
  tables: {
    /** One row for each time that a payment is run. */
    payments: table({ row: row<{ id: number; amount: number }>(), type: 'duplicate_bag', key: 'id' }),
    totals: table({ row: row<{ id: string; count: number; amount: number }>(), key: 'id' }),
  },
  calls: {
    pay({ tables, call }, id: number, amount: number): Receipt {
      tables.payments.insert({ id, amount });
      const before = tables.totals.lookup('all') ?? { id: 'all', count: 0, amount: 0 };
      const number = before.count + 1;
      tables.totals.insert({ id: 'all', count: number, amount: before.amount + amount });
      return { number, key: call.idempotencyKey, stamp: stamp() };
    },
    /** Changes nothing, and answers something else each time. */
    draw(): string {
      return stamp();
    },
    refuse({ tables }, id: number): never {
      tables.payments.insert({ id, amount: 0 });
      throw new RangeError(`refused ${stamp()}`);
    },
    /** Pays by another worker, then throws. */
    async payThere({ remote }, id: number): Promise<never> {
      await remote(workerRef<Payments>('there')).call.pay(id, 1);
      throw new RangeError(`behind the payment ${stamp()}`);
    },
    /** Kills its process until there is a total. */
    dieUntilPaid({ tables }, id: number): string {
      if (tables.totals.size === 0) process.kill(process.pid, 'SIGKILL');
      tables.payments.insert({ id, amount: 0 });
      return 'alive';
    },
  },
});
