/**
 * Outcomes that are kept under idempotency keys, as they leave the worker.
 *
 * Mutations that make this fail, each tried: what changes nothing answers directly; what a handler throws is not kept; the handler is
 * not told its key; what it asked of others is not said.
 */
import { table, row } from '@heirloom/tables';
import { expect, test } from 'vitest';
import { defineWorker } from '../src/definition.js';
import { workerRef } from '../src/worker-ref.js';
import { Harness, settled } from './incarnation-harness.js';

const other = defineWorker({ tables: {}, calls: { note: (_context, text: string) => text } });
const definition = defineWorker({
  tables: { notes: table({ row: row<{ id: string }>(), key: 'id' }) },
  calls: {
    key: ({ call }) => call.idempotencyKey,
    note: ({ tables }, id: string) => tables.notes.insert({ id }),
    throw: (): never => {
      throw new RangeError('on purpose');
    },
    async ask({ remote }) {
      void remote(workerRef<typeof other>('other'))
        .call.note('a')
        .catch(() => {});
    },
  },
});

async function active(): Promise<Harness> {
  const harness = new Harness(definition);
  const grants = [{ name: 'notes', tableId: 1, extent: 1, size: 0, nextSequence: 1, shapes: [] }];
  harness.incarnation.activate({ epoch: 7, lsn: 0, restarted: true, tables: grants, workers: ['tested', 'other'] });
  await settled();
  return harness;
}

test.each([
  ['key', [], { value: 'a' }],
  ['note', ['x'], { value: undefined }],
  ['throw', [], { error: expect.objectContaining({ message: 'on purpose' }) }],
])('%s goes into the journal with its key, and is answered by nobody else', async (name, operands, outcome) => {
  const harness = await active();
  const callId = harness.keyed('a', name, ...operands);
  await settled();
  expect(harness.replies).toEqual([]);
  const [batch, ...others] = harness.journal;
  expect(others).toEqual([]);
  const keeping = { key: 'a', keepMs: 5, digest: new Uint8Array(32).fill(3), hasWritten: false };
  expect(batch?.keeping).toEqual(keeping);
  expect(harness.outcome(callId)).toEqual({ callId, ...outcome });
});

test('what a handler asked of others is said, as it stays', async () => {
  const harness = await active();
  harness.keyed('a', 'ask');
  await settled();
  expect(harness.journal[0]?.keeping?.hasWritten).toBe(true);
});

test('a call that there is not has no outcome, and one without a key is not kept', async () => {
  const harness = await active();
  const callId = harness.keyed('a', 'nowhere');
  harness.call('note', 'x');
  const key = harness.call('key');
  await settled();
  harness.releaseAll();
  expect(harness.outcome(callId)?.error).toMatchObject({ code: 'ERR_WORKER_CALL_UNKNOWN' });
  expect(harness.journal.map(({ keeping }) => keeping)).toEqual([undefined]);
  expect(harness.outcome(key)).toEqual({ callId: key, value: undefined });
});
