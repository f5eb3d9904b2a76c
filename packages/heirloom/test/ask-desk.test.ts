/**
 * What handlers ask, with a keeper that the test is.
 *
 * Mutations that make this fail, each tried: the bytes of a selection are not counted before it is whole; a call is taken whose
 * name no definition can have; one is taken that belongs to no call.
 */
import { ByteWriter, decodeReply, decodeValue, encodeValue } from '@heirloom/wire';
import type { Outcome } from '@heirloom/wire';
import { expect, it } from 'vitest';
import { ANSWER_BYTES_MAX, AskDesk } from '../src/ask-desk.js';
import type { Router } from '../src/router.js';
import type { WorkerProcess } from '../src/worker-source.js';

const PAGE_BYTES = 1024 * 1024;
const PAGES = 64;

it('a selection that does not fit into an answer is refused before all of it is here (G9)', async () => {
  let pages = 0;
  const ended: number[] = [];
  // What a question of a table that is stored needs of it.
  const router = {
    calls: { isOpen: () => true },
    tables: { slot: () => ({ name: 'vast', definition: undefined }), workers: ['vast'] },
    link: {
      nextSnapshotId: () => 7,
      endSnapshot: (id: number) => ended.push(id),
      ask: () => {
        pages++;
        const answer = Promise.resolve({
          rows: [{ id: pages, text: 'x'.repeat(PAGE_BYTES) }],
          after: pages < PAGES ? pages : undefined,
        });
        return { answer, giveUp: () => undefined };
      },
    },
  } as unknown as Router;
  const answered = new Promise<Outcome>((resolve) => {
    const send = (_kind: number, write: (writer: ByteWriter) => void): void => {
      const writer = new ByteWriter();
      write(writer);
      resolve(decodeReply(writer.take()));
    };
    const process = { worker: 'asker', liveEpoch: 1, connection: { queuedBytes: 0, send } } as unknown as WorkerProcess; // As far as it is used.
    new AskDesk(router).take(process, {
      requestId: 1,
      callId: 1,
      ordinal: 0,
      worker: 'vast',
      table: 'rows',
      operation: 'select',
      arguments: encodeValue([{}]),
      timeoutMs: undefined,
    });
  });
  const { threw, payload } = await answered;
  expect(threw).toBe(true);
  expect(decodeValue(payload)).toMatchObject({ code: 'ERR_TABLE_LIMIT' });
  expect(pages).toBe(ANSWER_BYTES_MAX / PAGE_BYTES);
  expect(ended).toEqual([7]);
});

it.each([
  ['by the name of what no definition can have', 1, '$table.insert'],
  ['and belongs to no call', undefined, 'deposit'],
])('a worker that calls another %s is refused here, too (G12)', async (_what, callId, operation) => {
  let isCalled = false;
  const router = {
    calls: { isOpen: () => true, call: () => (isCalled = true) },
    tables: { slot: () => ({ name: 'bank' }), workers: ['bank'] },
  } as unknown as Router; // What a question that is refused may need of it.
  const outcome = new Promise<Outcome>((resolve) => {
    const send = (_kind: number, write: (writer: ByteWriter) => void): void => {
      const writer = new ByteWriter();
      write(writer);
      resolve(decodeReply(writer.take()));
    };
    const process = { worker: 'asker', liveEpoch: 1, connection: { queuedBytes: 0, send } } as unknown as WorkerProcess; // As far as it is used.
    new AskDesk(router).take(process, {
      requestId: 1,
      callId,
      ordinal: 0,
      worker: 'bank',
      table: undefined,
      operation,
      arguments: encodeValue([]),
      timeoutMs: undefined,
    });
  });
  const { threw, payload } = await outcome;
  expect(threw).toBe(true);
  expect(decodeValue(payload)).toMatchObject({ code: 'ERR_CALL_UNKNOWN' });
  expect(isCalled).toBe(false);
});
