import { describe, expect, test } from 'vitest';
import { row, table } from '@heirloom/tables';
import type { OwnerTable } from '@heirloom/tables';
import { defineWorker } from '../src/definition.js';
import type { InitContext } from '../src/handler-context.js';
import { HELD_REPLIES_MAX, SUSPECT_WINDOW, UNRELEASED_BATCHES_MAX } from '../src/output-gate.js';
import { BATCH_BYTES_MAX, RESULT_BYTES_MAX } from '../src/transaction.js';
import { Harness, bankDefinition, settled } from './incarnation-harness.js';

const account = () => table({ row: row<{ id: string; balance: number }>(), key: 'id' });

async function started(definition: Parameters<typeof bank>[0] = bankDefinition()): Promise<Harness> {
  const harness = bank(definition);
  harness.activate();
  harness.releaseAll();
  await settled();
  return harness;
}
const bank = (definition: ConstructorParameters<typeof Harness>[0]): Harness => new Harness(definition);

/** A promise with its resolver, for handlers that wait for the test. */
function latch(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

describe('a handler', () => {
  test('that changes tables answers through its batch, with all changes (G2, G4)', async () => {
    const harness = await started();
    harness.call('deposit', 'alice', 10);
    await settled();
    expect(harness.replies).toEqual([]);
    const batch = harness.journal[1];
    expect(batch?.number).toBe(2);
    expect(batch?.outcomes.map(({ callId, threw }) => [callId, threw])).toEqual([[1, false]]);
    expect(harness.outcome(1)).toEqual({ callId: 1, value: 10 });
    expect(batch?.tables.map(({ tableId, size, changes }) => [tableId, size, changes.length])).toEqual([
      [1, 1, 1],
      [2, 1, 1],
    ]);
    expect(batch?.tables.map(({ shapes }) => shapes.map(({ fields }) => fields))).toEqual([
      [['id', 'balance']],
      [['account', 'amount']],
    ]);
  });

  test('sends the shape of its rows once', async () => {
    const harness = await started();
    harness.call('deposit', 'alice', 10);
    harness.call('deposit', 'bob', 10);
    await settled();
    expect(harness.journal[2]?.tables.map(({ shapes }) => shapes)).toEqual([[], []]);
  });

  test('that throws changes none of its tables and gives its caller the error (G2)', async () => {
    const harness = await started();
    const failed = harness.call('everythingThenThrow');
    const sizes = harness.call('sizes');
    await settled();
    expect(harness.outcome(failed)?.error).toBeInstanceOf(RangeError);
    expect(harness.outcome(sizes)?.value).toEqual([0, 0, 0]);
    expect(harness.journal.length).toBe(1);
  });

  test('that is async and throws after it has waited changes none of its tables (G2)', async () => {
    const gate = latch();
    const harness = await started(
      defineWorker({
        tables: { a: account(), b: account(), c: table({ row: row<[string, number]>(), key: 0, type: 'bag' }) },
        calls: {
          async fail({ tables }) {
            tables.a.insert({ id: 'x', balance: 1 });
            tables.c.insert(['x', 1]);
            await gate.promise;
            tables.b.insert({ id: 'x', balance: 1 });
            tables.c.insert(['x', 2]);
            throw new Error('late');
          },
          sizes: ({ tables }) => [tables.a.size, tables.b.size, tables.c.size],
        },
      }),
    );
    const failed = harness.call('fail');
    const sizes = harness.call('sizes');
    await settled();
    expect(harness.outcome(sizes)).toBeUndefined();
    gate.open();
    await harness.until(() => harness.outcome(sizes) !== undefined);
    expect(harness.outcome(failed)?.error?.message).toBe('late');
    expect(harness.outcome(sizes)?.value).toEqual([0, 0, 0]);
    expect(harness.journal.length).toBe(1);
  });

  test('begins after the one before it has settled, in the order of arrival', async () => {
    const order: string[] = [];
    const gates = [latch(), latch(), latch()];
    const harness = await started(
      defineWorker({
        tables: {},
        calls: {
          async wait(_, index: number) {
            order.push(`begin ${index}`);
            await gates[index]?.promise;
            order.push(`end ${index}`);
          },
          quick: (_, index: number) => void order.push(`quick ${index}`),
        },
      }),
    );
    harness.call('wait', 0);
    harness.call('quick', 1);
    harness.call('wait', 2);
    const last = harness.call('quick', 3);
    gates[2]?.open();
    await settled();
    expect(order).toEqual(['begin 0']);
    gates[0]?.open();
    await harness.until(() => harness.outcome(last) !== undefined);
    expect(order).toEqual(['begin 0', 'end 0', 'quick 1', 'begin 2', 'end 2', 'quick 3']);
  });

  test('cannot use its tables after it has settled, also not while another one runs', async () => {
    const kept: { table?: OwnerTable<ReturnType<typeof account>>; rows?: Iterator<unknown> } = {};
    const gate = latch();
    const harness = await started(
      defineWorker({
        tables: { accounts: account() },
        calls: {
          keep({ tables }) {
            tables.accounts.insert({ id: 'a', balance: 1 });
            tables.accounts.insert({ id: 'b', balance: 1 });
            kept.table = tables.accounts;
            kept.rows = tables.accounts[Symbol.iterator]();
            kept.rows.next();
          },
          async other({ tables }) {
            tables.accounts.insert({ id: 'c', balance: 1 });
            await gate.promise;
            return tables.accounts.size;
          },
        },
      }),
    );
    harness.call('keep');
    const other = harness.call('other');
    await settled();
    const closed = expect.objectContaining({ code: 'ERR_TABLE_CLOSED' });
    expect(() => kept.table?.insert({ id: 'z', balance: 1 })).toThrow(closed);
    expect(() => kept.table?.lookup('a')).toThrow(closed);
    expect(() => kept.table?.size).toThrow(closed);
    expect(() => kept.table?.keys()).toThrow(closed);
    expect(() => kept.rows?.next()).toThrow(closed);
    gate.open();
    await harness.until(() => harness.outcome(other) !== undefined);
    expect(harness.outcome(other)?.value).toBe(3);
  });

  test('whose changes would pass the limit of a batch gets an error where it writes (G9)', async () => {
    const seen: unknown[] = [];
    const harness = await started(
      defineWorker({
        tables: { a: table({ row: row<{ id: number; text: string }>(), key: 'id' }), b: account() },
        calls: {
          fill({ tables }) {
            const text = 'x'.repeat(8 * 1024 * 1024);
            try {
              for (let id = 0; id < 10; id++) tables.a.insert({ id, text });
            } catch (error) {
              seen.push(error, tables.a.size);
            }
            tables.a.deleteAllObjects();
          },
        },
      }),
    );
    harness.call('fill');
    await settled();
    expect(seen[0]).toMatchObject({ code: 'ERR_TABLE_LIMIT', details: { limit: BATCH_BYTES_MAX } });
    expect(seen[1]).toBe(5);
  });

  test('whose result cannot be sent, or is too large, changes nothing', async () => {
    const harness = await started(
      defineWorker({
        tables: { a: account() },
        calls: {
          function({ tables }) {
            tables.a.insert({ id: 'a', balance: 1 });
            return () => 1;
          },
          large({ tables }) {
            tables.a.insert({ id: 'a', balance: 1 });
            return new Uint8Array(RESULT_BYTES_MAX);
          },
          size: ({ tables }) => tables.a.size,
        },
      }),
    );
    const ids = [harness.call('function'), harness.call('large'), harness.call('size')];
    await settled();
    expect(ids.map((id) => harness.outcome(id))).toMatchObject([
      { error: { code: 'ERR_WORKER_RESULT' } },
      { error: { code: 'ERR_WORKER_RESULT_LIMIT' } },
      { value: 0 },
    ]);
  });

  test('that there is none of is answered with the names that there are', async () => {
    const harness = await started();
    const ids = [harness.call('depositt'), harness.call('constructor'), harness.call('__proto__')];
    await settled();
    for (const id of ids) expect(harness.outcome(id)?.error).toMatchObject({ code: 'ERR_WORKER_CALL_UNKNOWN' });
    expect(harness.outcome(1)?.error?.message).toContain('deposit, balance');
  });
});

describe('a reply', () => {
  test('of a handler that changed nothing leaves at once when everything is released (G4)', async () => {
    const harness = await started();
    harness.call('balance', 'alice');
    await settled();
    expect(harness.replies).toEqual([{ callId: 1, value: undefined }]);
  });

  test('of a handler behind an unreleased batch waits for its release (G4)', async () => {
    const harness = await started();
    harness.call('deposit', 'alice', 10);
    harness.call('balance', 'alice');
    harness.call('everythingThenThrow');
    await settled();
    expect(harness.replies).toEqual([]);
    harness.releaseAll();
    expect(harness.replies.map(({ callId }) => callId)).toEqual([2, 3]);
    expect(harness.events.at(-1)).toBe('flush');
  });

  test('of a handler that only changed a table that survives nothing makes no batch', async () => {
    const harness = await started();
    harness.call('hit', 'x');
    harness.call('hit', 'x');
    await settled();
    expect(harness.replies.map(({ value }) => value)).toEqual([1, 2]);
    expect(harness.journal.length).toBe(1);
  });

  test('that would be one too many to wait goes through the journal, with no change', async () => {
    const harness = await started();
    harness.call('deposit', 'alice', 10);
    for (let i = 0; i < HELD_REPLIES_MAX + 2; i++) harness.call('balance', 'alice');
    await settled();
    expect(harness.gate.heldCount).toBe(HELD_REPLIES_MAX);
    expect(harness.journal.slice(2).map(({ tables, outcomes }) => [tables.length, outcomes.length])).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });
});

describe('frames', () => {
  test('leave at the latest when a window of calls has no trace, and when the mailbox is empty', async () => {
    const harness = await started();
    harness.events.length = 0;
    for (let i = 0; i < 2 * SUSPECT_WINDOW + 1; i++) harness.call('deposit', 'alice', 1);
    await settled();
    const ends = harness.events.map((event, index) => (event === 'flush' ? index : -1)).filter((index) => index >= 0);
    let begun = 0;
    const perFlush: number[] = [];
    for (const event of harness.events) {
      if (event.startsWith('begin')) begun++;
      if (event === 'flush') perFlush.push(begun);
    }
    expect(ends.length).toBe(3);
    expect(perFlush).toEqual([SUSPECT_WINDOW, 2 * SUSPECT_WINDOW, 2 * SUSPECT_WINDOW + 1]);
  });

  test('leave before the worker waits for an async handler', async () => {
    const gate = latch();
    const harness = await started(
      defineWorker({
        tables: { accounts: account() },
        calls: {
          put: ({ tables }, id: string) => tables.accounts.insert({ id, balance: 1 }),
          wait: () => gate.promise,
        },
      }),
    );
    harness.call('put', 'a');
    harness.call('wait');
    await settled();
    expect(harness.journal.length).toBe(2);
    gate.open();
  });
});

describe('a bound', () => {
  test('of unreleased batches stops handlers until a release (G9)', async () => {
    const harness = await started();
    for (let i = 0; i < UNRELEASED_BATCHES_MAX + 10; i++) harness.call('deposit', 'alice', 1);
    await settled();
    expect(harness.gate.unreleasedCount).toBe(UNRELEASED_BATCHES_MAX);
    harness.incarnation.release(harness.gate.released + 4);
    await settled();
    expect(harness.gate.unreleasedCount).toBe(UNRELEASED_BATCHES_MAX);
    harness.releaseAll();
    await settled();
    expect(harness.outcome(UNRELEASED_BATCHES_MAX + 10)?.value).toBe(UNRELEASED_BATCHES_MAX + 10);
  });

  test('of replies that the router does not read stops handlers until it does (G9)', async () => {
    const harness = await started();
    harness.isCongested = true;
    harness.call('balance', 'alice');
    await settled();
    expect(harness.replies).toEqual([]);
    harness.isCongested = false;
    harness.incarnation.resume();
    await settled();
    expect(harness.replies.length).toBe(1);
  });
});

describe('init', () => {
  const tables = { accounts: account() };
  const withInit = (init: (context: InitContext<typeof tables>) => void | 'ignore' | Promise<void | 'ignore'>) =>
    defineWorker({ tables, init, calls: { size: (context) => context.tables.accounts.size } });
  const withoutInit = defineWorker({ tables, calls: {} });

  test('is a batch of its own, and the worker is active when it is released', async () => {
    const harness = bank(withInit(({ tables }) => tables.accounts.insert({ id: 'a', balance: 1 })));
    harness.call('size');
    harness.activate();
    await settled();
    expect(harness.journal[0]).toMatchObject({ number: 1, isInit: true, outcomes: [] });
    expect(harness.journal[0]?.tables[0]?.changes.length).toBe(1);
    expect(harness.events).not.toContain('active');
    expect(harness.events.some((event) => event.startsWith('begin 1'))).toBe(false);
    harness.releaseAll();
    expect(harness.events).toContain('active');
    await settled();
    expect(harness.replies).toEqual([{ callId: 1, value: 1 }]);
  });

  test('leaves a batch on the first start even if there is none, and none on a restart that changed nothing', async () => {
    const first = bank(withoutInit);
    first.activate(false);
    expect(first.journal.map(({ isInit }) => isInit)).toEqual([true]);
    const told: boolean[] = [];
    const again = bank(withInit(({ restarted }) => void told.push(restarted)));
    again.activate(true);
    expect(again.journal).toEqual([]);
    expect(again.events).toContain('active');
    expect(told).toEqual([true]);
  });

  test.each([false, true])('leaves nothing when it chooses not to run (S03, G2), async: %s', async (isAsync) => {
    const harness = bank(
      withInit(({ tables }) => {
        tables.accounts.insert({ id: 'a', balance: 1 });
        return isAsync ? Promise.resolve('ignore' as const) : 'ignore';
      }),
    );
    harness.activate(false);
    harness.call('size');
    await settled();
    harness.incarnation.stop();
    expect(harness.journal).toEqual([]);
    expect(harness.replies).toEqual([]);
    expect(harness.events.filter((event) => ['ignored', 'active', 'stopped'].includes(event))).toEqual(['ignored']);
  });

  test('runs to its end before any call, also when it is async', async () => {
    const gate = latch();
    const harness = bank(
      withInit(async ({ tables }) => {
        await gate.promise;
        tables.accounts.insert({ id: 'a', balance: 1 });
      }),
    );
    harness.activate(true);
    harness.call('size');
    await settled();
    expect(harness.events.some((event) => event.startsWith('begin 1'))).toBe(false);
    gate.open();
    await harness.until(() => harness.gate.lastNumber === 1);
    expect(harness.events.some((event) => event.startsWith('begin 1'))).toBe(false);
    harness.releaseAll();
    await settled();
    expect(harness.replies).toEqual([{ callId: 1, value: 1 }]);
  });

  test.each(['sync', 'async'])('that throws (%s) leaves nothing and says so', async (kind) => {
    const fail = (): never => {
      throw new Error('no start');
    };
    const harness = bank(withInit(kind === 'sync' ? fail : async () => Promise.resolve().then(fail)));
    harness.activate();
    harness.call('size');
    await settled();
    expect(harness.events).toContain('initFailed Error: no start');
    expect(harness.journal).toEqual([]);
    expect(harness.replies).toEqual([]);
  });
});

describe('stop', () => {
  test('lets what has arrived finish and be released, and takes nothing more', async () => {
    const harness = await started();
    harness.call('deposit', 'alice', 1);
    harness.call('deposit', 'alice', 2);
    harness.incarnation.stop();
    harness.call('deposit', 'alice', 4);
    await settled();
    expect(harness.events).not.toContain('stopped');
    expect(harness.outcome(2)?.value).toBe(3);
    expect(harness.outcome(3)).toBeUndefined();
    harness.releaseAll();
    expect(harness.events.at(-1)).toBe('stopped');
  });

  test('ends a standby at once', () => {
    const harness = bank(bankDefinition());
    harness.incarnation.stop();
    expect(harness.events).toEqual(['stopped']);
  });
});

describe("with onError 'crash'", () => {
  test('the error leaves first, behind what it depends on, then the worker dies', async () => {
    const harness = await started(bankDefinition({ onError: 'crash' }));
    harness.call('deposit', 'alice', 1);
    const failed = harness.call('everythingThenThrow');
    const after = harness.call('balance', 'alice');
    await settled();
    expect(harness.events.some((event) => event.startsWith('crash'))).toBe(false);
    harness.releaseAll();
    expect(harness.outcome(failed)?.error?.message).toBe('no');
    expect(harness.events.at(-1)).toBe(`crash ${failed} RangeError: no`);
    await settled();
    expect(harness.outcome(after)).toBeUndefined();
  });

  test('a refused remote operation on a table does not crash it', async () => {
    const harness = await started(bankDefinition({ onError: 'crash' }));
    const refused = harness.call('$table.insert', 'accounts', { id: 'a', balance: 1 });
    await settled();
    expect(harness.outcome(refused)?.error).toMatchObject({ code: 'ERR_TABLE_ACCESS' });
    expect(harness.events.some((event) => event.startsWith('crash'))).toBe(false);
  });
});
