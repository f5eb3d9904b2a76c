/** A worker whose rows are those of schemas of two libraries. */
import { defineWorker, table } from 'heirloom/worker';
import * as v from 'valibot';
import { z } from 'zod';

/** Defaults, a trim and a nested list; what it gives it takes again. */
export const Order = z.object({
  id: z.string().trim().min(1),
  lines: z.array(z.object({ product: z.string(), count: z.int().positive() })).default([]),
  state: z.enum(['open', 'paid']).default('open'),
});

/** What it takes is a string, and what it gives a date: rows can be inserted, and not be updated. */
export const Payment = v.object({
  order: v.string(),
  amount: v.pipe(v.number(), v.minValue(0)),
  at: v.pipe(
    v.string(),
    v.isoTimestamp(),
    v.transform((text) => new Date(text)),
  ),
});

const Slow = z.object({ id: z.string() }).refine(async () => true);

export default defineWorker({
  tables: {
    orders: table({ row: Order, key: 'id', access: 'public' }),
    payments: table({ row: Payment, key: 'order', type: 'bag', access: 'public' }),
    slow: table({ row: Slow, key: 'id', survives: 'nothing' }),
  },
  calls: {
    order({ tables }, id: string, product?: string) {
      tables.orders.insert({ id, ...(product !== undefined && { lines: [{ product, count: 1 }] }) });
      return tables.orders.lookup(id.trim());
    },
    pay({ tables }, order: string, amount: number, at: string) {
      tables.payments.insert({ order, amount, at });
      tables.orders.updateElement(order, { state: 'paid' });
      return tables.payments.lookup(order);
    },
    slow({ tables }) {
      tables.slow.insert({ id: 'a' });
    },
  },
});
