/**
 * What handlers ask of other workers, as it leaves the worker and is answered, with a router that is the test.
 *
 * Mutations that make this fail, each tried: a write does not wait for the gate, or for the batches of its own time only; ordinals
 * count what left and not what was asked; a session is not closed; what was not answered does not count; an abort forgets a
 * question that was sent; what a handler that throws has not waited for leaves, or nothing that is held at its end does; the
 * router is not told of what is not waited for any more; a timeout that is a text is taken; each question has a listener of its own.
 */
import { getEventListeners } from 'node:events';
import { row, table } from '@heirloom/tables';
import { decodeValue, encodeError, encodeValue } from '@heirloom/wire';
import { describe, expect, test } from 'vitest';
import { ASKS_OPEN_BYTES_MAX, ASKS_OPEN_MAX } from '../src/ask-session.js';
import { CallError } from '../src/call-error.js';
import { defineWorker } from '../src/definition.js';
import type { RemoteWorkers } from '../src/handler-context.js';
import { workerRef } from '../src/worker-ref.js';
import { Harness, settled } from './incarnation-harness.js';

const audited = defineWorker({
  tables: { entries: table({ row: row<{ id: string; text?: string }>(), key: 'id', access: 'public' }) },
  calls: { note: (_context, text: string) => text },
});
const audit = workerRef<typeof audited>('audit');

type Body = (remote: RemoteWorkers) => unknown;

/** A worker whose handlers are the test's, and a change that is not released before the test says so. */
function asking(init?: Body): { readonly harness: Harness; readonly run: (body: Body) => number } {
  let next: Body = () => undefined;
  const harness = new Harness(
    defineWorker({
      tables: { changes: table({ row: row<{ id: number }>(), type: 'duplicate_bag', key: 'id' }) },
      init: async ({ remote }) => void (await init?.(remote)),
      calls: {
        run: ({ remote }) => next(remote),
        change({ tables }) {
          tables.changes.insert({ id: 1 });
        },
      },
    }),
  );
  const { tables } = harness.incarnation['definition'];
  const grants = Object.keys(tables).map((name) => ({
    name,
    tableId: 1,
    extent: 1,
    size: 0,
    nextSequence: 1,
    shapes: [],
  }));
  harness.incarnation.activate({ epoch: 7, lsn: 0, restarted: false, tables: grants, workers: ['tested', 'audit'] });
  return {
    harness,
    run: (body) => {
      next = body;
      return harness.call('run');
    },
  };
}

async function active(): Promise<ReturnType<typeof asking>> {
  const worker = asking();
  await settled();
  worker.harness.releaseAll();
  await settled();
  return worker;
}

const entries = (remote: RemoteWorkers) => remote(audit).tables.entries;
const answer = (harness: Harness, requestId: number, value: unknown): void =>
  harness.incarnation.answered({ callId: requestId, threw: false, payload: encodeValue(value) });

describe('a question', () => {
  test('names its call and its place in it, and says what is asked', async () => {
    const { harness, run } = await active();
    const callId = run(async (remote) => [
      await entries(remote).lookup('a'),
      await entries(remote).insert({ id: 'a' }),
    ]);
    await settled();
    expect(harness.asked).toMatchObject([
      { requestId: 1, callId, ordinal: 0, worker: 'audit', table: 'entries', operation: 'lookup', timeoutMs: 5_000 },
    ]);
    expect(decodeValue(harness.asked[0]?.arguments ?? new Uint8Array())).toEqual(['a']);
    answer(harness, 1, { id: 'a' });
    await settled();
    expect(harness.asked[1]).toMatchObject({ requestId: 2, callId, ordinal: 1, operation: 'insert' });
    answer(harness, 2, undefined);
    await settled();
    expect(harness.outcome(callId)).toEqual({ callId, value: [{ id: 'a' }, undefined] });
  });

  test('is answered with an error of the class that it had', async () => {
    const { harness, run } = await active();
    const callId = run((remote) => entries(remote).lookup('a'));
    await settled();
    const error = new CallError('ERR_CALL_TIMEOUT', 'too late', { outcome: 'unknown' });
    harness.incarnation.answered({ callId: 1, threw: true, payload: encodeValue(encodeError(error)) });
    await settled();
    expect(harness.outcome(callId)?.error).toMatchObject({ code: 'ERR_CALL_TIMEOUT' });
  });

  test('that writes waits until what was there before it is released, one that reads does not (G4)', async () => {
    const { harness, run } = await active();
    harness.call('change');
    const callId = run((remote) => Promise.all([entries(remote).insert({ id: 'a' }), entries(remote).lookup('a')]));
    await settled();
    expect(harness.asked.map(({ operation, ordinal }) => [operation, ordinal])).toEqual([['lookup', 1]]);
    harness.releaseAll();
    expect(harness.asked.map(({ operation, ordinal }) => [operation, ordinal])).toEqual([
      ['lookup', 1],
      ['insert', 0],
    ]);
    for (const { requestId } of harness.asked) answer(harness, requestId, undefined);
    await settled();
    expect(harness.outcome(callId)).toEqual({ callId, value: [undefined, undefined] });
  });

  test('that is a call has no table, and waits as a write does (G4)', async () => {
    const { harness, run } = await active();
    harness.call('change');
    const callId = run((remote) => remote(audit).call.note('a'));
    await settled();
    expect(harness.asked).toEqual([]);
    harness.releaseAll();
    expect(harness.asked).toMatchObject([{ callId, ordinal: 0, worker: 'audit', table: undefined, operation: 'note' }]);
    expect(decodeValue(harness.asked[0]?.arguments ?? new Uint8Array())).toEqual(['a']);
    answer(harness, 1, 'a');
    await settled();
    expect(harness.outcome(callId)).toEqual({ callId, value: 'a' });
  });

  test('is refused for a call that no definition can have', async () => {
    const { harness, run } = await active();
    const calls = (remote: RemoteWorkers): Readonly<Record<string, () => Promise<unknown>>> =>
      remote(audit).call as never;
    const callId = run((remote) => calls(remote)['$table.insert']?.());
    await settled();
    expect(harness.outcome(callId)?.error).toMatchObject({ code: 'ERR_CALL_UNKNOWN', details: { outcome: 'none' } });
    expect(harness.asked).toEqual([]);
  });

  test('that waits so does not wait for what comes later, and leaves also when its handler is over', async () => {
    const { harness, run } = await active();
    harness.call('change');
    run((remote) => void entries(remote).insert({ id: 'a' }));
    await settled();
    const before = harness.journal.length;
    harness.call('change');
    await settled();
    expect(harness.journal.length).toBeGreaterThan(before);
    expect(harness.asked).toEqual([]);
    harness.incarnation.release(before);
    expect(harness.asked.map(({ operation }) => operation)).toEqual(['insert']);
  });

  test('that waits so never leaves when its handler throws, whose caller is told that nothing was changed (G3)', async () => {
    const { harness, run } = await active();
    harness.call('change');
    const callId = run((remote) => {
      void entries(remote).insert({ id: 'a' });
      throw new RangeError('on purpose');
    });
    await settled();
    harness.releaseAll();
    expect(harness.outcome(callId)?.error).toMatchObject({ message: 'on purpose' });
    expect(harness.asked).toEqual([]);
  });

  test('that has left and is not waited for any more is left, not one that waits for the gate', async () => {
    const { harness, run } = await active();
    const left = (): readonly string[] => harness.events.filter((event) => event.startsWith('leave'));
    const controller = new AbortController();
    run(async (remote) => {
      const aborted = remote(audit).with({ signal: controller.signal }).tables.entries.lookup('a');
      await expect(aborted).rejects.toMatchObject({ code: 'ERR_CALL_ABORTED' });
      void entries(remote).rows()[Symbol.asyncIterator]().next();
      void entries(remote).insert({ id: 'a' });
    });
    await settled();
    expect(left()).toEqual([]);
    controller.abort();
    await settled();
    expect(left()).toEqual(['leave 0', 'leave 1', 'leave 2']);
    harness.call('change');
    run((remote) => void entries(remote).insert({ id: 'b' }));
    await settled();
    harness.releaseAll();
    expect(harness.asked.map(({ operation }) => operation)).toEqual(['lookup', 'rows', 'insert', 'insert']);
    expect(left()).toHaveLength(3);
  });

  test.each(['5', 5n, Number.NaN, 0])('takes no timeout of %s', async (timeoutMs) => {
    const { harness, run } = await active();
    const callId = run((remote) => remote(audit).with({ timeoutMs: timeoutMs as number })); // A text or bigint is none.
    await settled();
    expect(harness.outcome(callId)?.error).toMatchObject({ code: 'ERR_WORKER_OPTION' });
  });

  test('that waits so is refused when its time is over, and never leaves', async () => {
    const { harness, run } = await active();
    harness.call('change');
    const callId = run((remote) => remote(audit).with({ timeoutMs: 1 }).tables.entries.insert({ id: 'a' }));
    await harness.until(() => harness.events.includes('end') && harness.gate.heldCount > 0);
    harness.releaseAll();
    expect(harness.outcome(callId)?.error).toMatchObject({ code: 'ERR_CALL_TIMEOUT', details: { outcome: 'none' } });
    expect(harness.asked).toEqual([]);
  });

  test('shares one listener of its signal with all others, and is rejected when that is aborted (G9)', async () => {
    const { harness, run } = await active();
    const controller = new AbortController();
    const { signal } = controller;
    const callId = run(async (remote) => {
      const { entries: table } = remote(audit).with({ signal }).tables;
      const asked = Array.from({ length: 100 }, () => table.lookup('a').catch((error: CallError) => error.code));
      return [...new Set(await Promise.all(asked))];
    });
    await settled();
    expect(harness.asked).toHaveLength(100);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    controller.abort();
    await settled();
    expect(harness.outcome(callId)).toEqual({ callId, value: ['ERR_CALL_ABORTED'] });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('is refused behind the end of its handler, and its answer is dropped', async () => {
    const { harness, run } = await active();
    let kept: RemoteWorkers | undefined;
    let isAnswered = false;
    run((remote) => {
      kept = remote;
      void entries(remote)
        .lookup('a')
        .then(() => (isAnswered = true));
    });
    await settled();
    answer(harness, 1, undefined);
    await settled();
    expect(isAnswered).toBe(false);
    if (kept === undefined) throw new Error('It did not run.');
    await expect(entries(kept).lookup('b')).rejects.toMatchObject({ code: 'ERR_TABLE_CLOSED' });
    expect(harness.asked).toHaveLength(1);
  });

  test('is refused for what init would write or call', async () => {
    const errors: unknown[] = [];
    const { harness } = asking(async (remote) => {
      await remote(audit)
        .call.note('a')
        .catch((error: unknown) => errors.push(error));
      await entries(remote)
        .insert({ id: 'a' })
        .catch((error: unknown) => errors.push(error));
      await entries(remote).lookup('a');
    });
    await settled();
    expect(errors).toMatchObject([{ code: 'ERR_WORKER_NO_CALL' }, { code: 'ERR_WORKER_NO_CALL' }]);
    expect(harness.asked).toMatchObject([{ callId: undefined, operation: 'lookup' }]);
    // Without a call, the ordinal tells questions of one process apart.
    expect(harness.asked[0]?.ordinal).toBe(harness.asked[0]?.requestId);
  });

  test('keeps its ordinal when one before it was refused', async () => {
    const { harness, run } = await active();
    run(async (remote) => {
      const signal = AbortSignal.abort();
      const { entries: aborted } = remote(audit).with({ signal }).tables;
      const refused = { code: 'ERR_CALL_ABORTED', outcome: 'none' };
      await expect(aborted.insert({ id: 'a' })).rejects.toMatchObject(refused);
      await entries(remote).lookup('a');
    });
    await settled();
    expect(harness.asked).toMatchObject([{ ordinal: 1 }]);
  });

  test('is one of so many, also when nobody waits for its answer any more (G9)', async () => {
    const { harness, run } = await active();
    const overloaded = { code: 'ERR_CALL_OVERLOADED', outcome: 'none' };
    run((remote) => {
      for (let i = 0; i < ASKS_OPEN_MAX; i++) void entries(remote).lookup(`${i}`);
    });
    await settled();
    const controller = new AbortController();
    const callId = run(async (remote) => {
      await expect(entries(remote).lookup('more')).rejects.toMatchObject(overloaded);
      answer(harness, 1, undefined);
      const { entries: abortable } = remote(audit).with({ signal: controller.signal }).tables;
      const aborted = abortable.insert({ id: 'a' });
      controller.abort();
      await expect(aborted).rejects.toMatchObject({ code: 'ERR_CALL_ABORTED', outcome: 'unknown' });
      await expect(entries(remote).lookup('more')).rejects.toMatchObject(overloaded);
      answer(harness, ASKS_OPEN_MAX + 2, undefined);
      const text = 'x'.repeat(ASKS_OPEN_BYTES_MAX);
      await expect(entries(remote).insert({ id: 'a', text })).rejects.toMatchObject(overloaded);
      return 'done';
    });
    await harness.until(() => harness.outcome(callId) !== undefined);
    expect(harness.outcome(callId)).toEqual({ callId, value: 'done' });
  });
});

describe('an iteration', () => {
  test('asks for the next page by the number of its first question, and leaves where it is left', async () => {
    const { harness, run } = await active();
    const callId = run(async (remote) => {
      const seen: string[] = [];
      for await (const { id } of entries(remote).rows({ pageRows: 2 })) {
        seen.push(id);
        if (seen.length === 3) break;
      }
      return seen;
    });
    await settled();
    answer(harness, 1, { rows: [{ id: 'a' }, { id: 'b' }], iteration: 0 });
    await settled();
    expect(harness.asked[1]).toMatchObject({ operation: 'rows.next', ordinal: 1 });
    expect(decodeValue(harness.asked[1]?.arguments ?? new Uint8Array())).toEqual([0]);
    answer(harness, 2, { rows: [{ id: 'c' }, { id: 'd' }], iteration: 0 });
    await settled();
    expect(harness.outcome(callId)).toEqual({ callId, value: ['a', 'b', 'c'] });
    expect(harness.events.filter((event) => event.startsWith('leave'))).toEqual(['leave 0']);
  });

  test('that is not left is, when its handler settles; one that is over is not', async () => {
    const { harness, run } = await active();
    run(async (remote) => {
      await entries(remote).rows()[Symbol.asyncIterator]().next();
      for await (const _row of entries(remote).rows()) void _row;
    });
    await settled();
    answer(harness, 1, { rows: [{ id: 'a' }], iteration: 0 });
    await settled();
    answer(harness, 2, { rows: [{ id: 'a' }], iteration: undefined });
    await settled();
    expect(harness.events.filter((event) => event.startsWith('leave'))).toEqual(['leave 0']);
  });
});
