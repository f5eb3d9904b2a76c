import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeValue } from '@heirloom/wire';
import type { Inspection } from '../src/inspection.js';
import { Harness, declare, until } from './keeper-harness.js';
import type { WorkerEnd } from './keeper-harness.js';

let harness: Harness;

beforeEach(() => {
  harness = new Harness();
});
afterEach(() => harness.dispose());

/** The last batch that is acknowledged when the keeper commits no more. */
async function lastAckOf(worker: WorkerEnd): Promise<number | undefined> {
  let still = 0;
  let seen = -1;
  await until(() => {
    still = worker.acks.length === seen ? still + 1 : 0;
    seen = worker.acks.length;
    return still > 50;
  }, 'the keeper commits no more');
  return worker.acks.at(-1);
}

it('stops reading journals while the router does not take replies, and loses none of them (G9)', async () => {
  await harness.start();
  const worker = await harness.openWorker('a', [declare('t')]);
  harness.control.pauseReading();
  const payload = encodeValue('x'.repeat(64 * 1024));
  const calls = 200;
  for (let call = 1; call <= calls; call++)
    worker.send([], [], { outcomes: [{ callId: call, threw: false, payload }] });
  await until(() => worker.acks.length > 0, 'the first are committed');
  expect(await lastAckOf(worker)).toBeLessThan(calls);
  harness.control.resumeReading();
  await until(() => worker.acks.at(-1) === calls, 'everything is committed');
  await until(() => harness.replies.flatMap(({ outcomes }) => outcomes).length === calls, 'every reply has come');
});

it('stops reading journals while too much is unconfirmed, and goes on with the confirmation (G9)', async () => {
  await harness.start({}, { unconfirmedBytesMax: 50_000, groupBatchesMax: 1 });
  const worker = await harness.openWorker('a', [declare('t')]);
  const payload = encodeValue('x'.repeat(10_000));
  for (let call = 1; call <= 40; call++) {
    worker.send([], [], { outcomes: [{ callId: call, threw: false, payload }] });
    worker.journal.flushNow();
    if (call < 5) await until(() => worker.acks.at(-1) === call, 'it is committed');
  }
  // Five records are below the limit, and the sixth stops the reading.
  expect(await lastAckOf(worker)).toBeLessThan(10);
  for (let confirmed = 0; worker.acks.at(-1) !== 40; confirmed = harness.replies.at(-1)?.lsn ?? 0) {
    harness.confirm(confirmed);
    const inspection = (await harness.request({ type: 'inspect' })) as Inspection;
    expect(inspection.lsn - inspection.confirmedLsn).toBeLessThan(40);
  }
  expect(harness.replies.flatMap(({ outcomes }) => outcomes)).toHaveLength(40);
});

it.each([
  ['groupBatchesMax', { groupBatchesMax: 10 }],
  ['groupBytesMax', { groupBytesMax: 10 * 1_100 }],
])('commits no more at a time than %s (G9)', async (_name, limits) => {
  await harness.start({}, limits);
  const worker = await harness.openWorker('a', [declare('t')]);
  const payload = encodeValue('x'.repeat(1_000));
  for (let call = 1; call <= 95; call++) worker.send([], [], { outcomes: [{ callId: call, threw: false, payload }] });
  await until(() => worker.acks.at(-1) === 95, 'everything is committed');
  const groups = harness.replies.map(({ outcomes }) => outcomes.length);
  expect(Math.max(...groups)).toBeLessThanOrEqual(10);
  expect(groups.reduce((sum, size) => sum + size)).toBe(95);
});

it('refuses reads when as many wait as may, and answers the others (G9)', async () => {
  await harness.start({}, { readsMax: 2 });
  await harness.openWorker('a', [declare('t')]);
  const reads = await Promise.allSettled(Array.from({ length: 40 }, () => harness.read('a', 't', 'size')));
  const refused = reads.filter((read) => read.status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'ERR_KEEPER_BUSY', details: { readsMax: 2 } });
  const answered = reads.filter((read) => read.status === 'fulfilled');
  expect(answered.length).toBeGreaterThanOrEqual(2);
  for (const { value } of answered) expect(value).toBe(0);
});
