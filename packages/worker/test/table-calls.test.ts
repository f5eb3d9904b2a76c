import { beforeEach, describe, expect, test } from 'vitest';
import { row, table } from '@heirloom/tables';
import { defineWorker } from '../src/definition.js';
import { REMOTE_READS, REMOTE_WRITES } from '../src/table-call-names.js';
import { PAGE_ROWS_MAX } from '../src/remote-reads.js';
import { Harness, settled } from './incarnation-harness.js';

const shape = row<{ id: number; n: number }>();
const definition = defineWorker({
  tables: {
    open: table({ row: shape, key: 'id', access: 'public' }),
    guarded: table({ row: shape, key: 'id' }),
    fleeting: table({ row: shape, key: 'id', survives: 'nothing', access: 'public' }),
    bag: table({ row: shape, key: 'id', type: 'bag', survives: 'nothing', access: 'public' }),
    secret: table({ row: shape, key: 'id', survives: 'nothing', access: 'private' }),
  },
  calls: {},
});

describe('remote access to tables (G12)', () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = new Harness(definition);
    harness.activate();
    harness.releaseAll();
    await settled();
  });
  async function call(operation: string, ...operands: unknown[]): Promise<unknown> {
    const callId = harness.call(`$table.${operation}`, ...operands);
    await settled();
    harness.releaseAll();
    const outcome = harness.outcome(callId);
    if (outcome?.error !== undefined) throw outcome.error;
    return outcome?.value;
  }

  test('writes into public tables, each a batch of its own', async () => {
    await call('insert', 'open', { id: 1, n: 1 });
    expect(await call('insertNew', 'open', { id: 1, n: 9 })).toBe(false);
    await call('insertMany', 'open', [
      { id: 2, n: 2 },
      { id: 3, n: 3 },
    ]);
    expect(await call('updateCounter', 'open', 2, 'n', 5)).toBe(7);
    expect(await call('take', 'open', 3)).toEqual({ id: 3, n: 3 });
    expect(await call('delete', 'open', 1)).toBe(true);
    await call('deleteAllObjects', 'open');
    expect(harness.journal.map(({ tables }) => tables.length)).toEqual([0, 1, 1, 1, 1, 1, 1]);
    expect(harness.journal.at(-1)?.tables[0]).toMatchObject({ cleared: true, size: 0 });
  });

  test.each(REMOTE_WRITES)('refuses %s on a table that is not public', async (operation) => {
    for (const name of ['guarded', 'secret']) {
      await expect(call(operation, name, { id: 1, n: 1 })).rejects.toMatchObject({ code: 'ERR_TABLE_ACCESS' });
    }
  });

  test.each(REMOTE_READS)(
    'refuses %s of a table with an heir, and but for info of a private one',
    async (operation) => {
      await expect(call(operation, 'open', 1)).rejects.toMatchObject({ code: 'ERR_TABLE_ACCESS' });
      const secret = call(operation, 'secret', 1);
      if (operation === 'info') await expect(secret).resolves.toMatchObject({ size: 0 });
      else await expect(secret).rejects.toMatchObject({ code: 'ERR_TABLE_ACCESS' });
    },
  );

  test('reads tables that survive nothing', async () => {
    await call('insert', 'fleeting', { id: 1, n: 1 });
    expect(await call('lookup', 'fleeting', 1)).toEqual({ id: 1, n: 1 });
    expect(await call('member', 'fleeting', 2)).toBe(false);
    expect(await call('size', 'fleeting')).toBe(1);
    expect(await call('selectCount', 'fleeting', { n: 1 })).toBe(1);
    expect(harness.journal.length).toBe(1);
  });

  test.each(['nowhere', 'constructor', 7, undefined])('refuses a table that there is none of: %s', async (name) => {
    await expect(call('insert', name, {})).rejects.toMatchObject({ code: 'ERR_WORKER_TABLE_UNKNOWN' });
  });

  test.each(['select', 'selectReverse', 'tab2list'])(
    'answers %s whole, in the order of key bytes',
    async (operation) => {
      const rows = Array.from({ length: 2_500 }, (_, index) => ({ id: (index * 7) % 500, n: index }));
      await call('insertMany', 'bag', rows.toReversed());
      expect(await call(operation, 'bag')).toEqual([...rows].sort((a, b) => a.id - b.id || a.n - b.n));
    },
  );

  test('pages through every row once, in the order of key bytes', async () => {
    const rows = Array.from({ length: 25 }, (_, index) => ({ id: index % 7, n: index }));
    // A bag takes a list from its end.
    await call('insertMany', 'bag', rows.toReversed());
    const seen: unknown[] = [];
    let after: unknown;
    do {
      const page = (await call('selectPage', 'bag', { limit: 4, after })) as { rows: unknown[]; after: unknown };
      expect(page.rows.length).toBeLessThanOrEqual(4);
      seen.push(...page.rows);
      after = page.after;
    } while (after !== undefined);
    expect(seen).toEqual([...rows].sort((a, b) => a.id - b.id || a.n - b.n));
  });

  test('bounds a page and refuses malformed options', async () => {
    const rows = Array.from({ length: PAGE_ROWS_MAX + 1 }, (_, id) => ({ id, n: 0 }));
    await call('insertMany', 'fleeting', rows);
    for (const options of [undefined, {}, { limit: 1_000_000 }]) {
      const page = (await call('selectPage', 'fleeting', options)) as { rows: unknown[] };
      expect(page.rows.length).toBe(PAGE_ROWS_MAX);
    }
    for (const options of [{ limit: 0 }, { limit: 'x' }, { after: {} }, { after: null }, { were: {} }, 7]) {
      for (const operation of ['select', 'selectPage']) {
        await expect(call(operation, 'fleeting', options)).rejects.toMatchObject({ code: 'ERR_TABLE_ARGUMENT' });
      }
    }
  });
});
