import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeValue } from '@heirloom/wire';
import type { Inspection } from '../src/inspection.js';
import { Harness, declare, until } from './keeper-harness.js';

let harness: Harness;

beforeEach(() => {
  harness = new Harness();
});
afterEach(() => harness.dispose());

it('stops reading journals while the router does not take replies, and loses none of them (G9)', async () => {
  await harness.start();
  const worker = await harness.openWorker('a', [declare('t')]);
  harness.control.pauseReading();
  const payload = encodeValue('x'.repeat(64 * 1024));
  const calls = 200;
  for (let call = 1; call <= calls; call++)
    worker.send([], [], { outcomes: [{ callId: call, threw: false, payload }] });
  await until(() => worker.acks.length > 0, 'the first are committed');
  let still = 0;
  let seen = -1;
  await until(() => {
    still = worker.acks.length === seen ? still + 1 : 0;
    seen = worker.acks.length;
    return still > 50;
  }, 'the keeper commits no more');
  expect(worker.acks.at(-1)).toBeLessThan(calls);
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
  for (let confirmed = 0; worker.acks.at(-1) !== 40; confirmed = harness.replies.at(-1)?.lsn ?? 0) {
    harness.confirm(confirmed);
    const inspection = (await harness.request({ type: 'inspect' })) as Inspection;
    expect(inspection.lsn - inspection.confirmedLsn).toBeLessThan(40);
  }
  expect(harness.replies.flatMap(({ outcomes }) => outcomes)).toHaveLength(40);
});
