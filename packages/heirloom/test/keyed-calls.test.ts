/**
 * Calls with idempotency keys, with a keeper and a worker that the test is.
 *
 * Mutations that make this fail, each tried: the digest of an open call is not compared; that of a kept outcome is not; who gives up
 * first ends the call for all; who joins a call that was given up does not have it run again; callers share one value; a call that
 * everybody has given up while the keeper is asked is made all the same.
 */
import { encodeError, encodeValue } from '@heirloom/wire';
import type { KeptOutcome, OutcomeFinding } from '@heirloom/wire';
import { beforeEach, describe, expect, it } from 'vitest';
import { KEYED_CALLS_MAX, KeyedCalls } from '../src/keyed-calls.js';
import type { PendingCall } from '../src/pending-call.js';
import { PendingCalls } from '../src/pending-call.js';
import type { KeeperLink } from '../src/keeper-link.js';
import { WorkerSlot } from '../src/worker-slot.js';

const LIMITS = {
  waitingMax: 4,
  waitingBytesMax: 1_000,
  sentMax: 4,
  sentBytesMax: 1_000,
  triesMax: 3,
  suspectWindow: 64,
};
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('calls with a key', () => {
  let slot: WorkerSlot;
  let calls: PendingCalls;
  let keyed: KeyedCalls;
  /** What the keeper is asked and has not answered. */
  let asked: { readonly key: string; readonly answer: (finding: OutcomeFinding) => void; isGivenUp: boolean }[];

  beforeEach(() => {
    slot = new WorkerSlot('bank', LIMITS);
    calls = new PendingCalls();
    asked = [];
    const ask: KeeperLink['ask'] = (request) => {
      if (request.type !== 'outcome') throw new Error('Only that is asked here.');
      const entry = { key: request.key, answer: (_finding: OutcomeFinding): void => {}, isGivenUp: false };
      const answer = new Promise((resolve) => (entry.answer = resolve));
      asked.push(entry);
      return { answer, giveUp: () => (entry.isGivenUp = true) };
    };
    keyed = new KeyedCalls(calls, { ask });
  });

  const call = (key: string, options: object = {}, ...operands: unknown[]): Promise<unknown> =>
    keyed.call(slot, key, 'pay', operands, { timeoutMs: 'infinity', ...options });
  const none = async (): Promise<void> => {
    asked.shift()?.answer({ kind: 'none' });
    await settled();
  };
  /** The calls that are sent now. */
  const sent = (): PendingCall[] => slot.queue.takeSendable();
  const answer = ({ callId }: PendingCall, value: unknown): void =>
    calls.settle('bank', [{ callId, threw: false, payload: encodeValue(value) }]);

  it('ask the keeper first, and are made with their key', async () => {
    const outcome = call('a', { keepOutcomeMs: 5 }, 1);
    expect([asked.length, sent().length]).toEqual([1, 0]);
    await none();
    const [pending] = sent();
    expect(pending).toMatchObject({ name: 'pay', outcomeKey: { key: 'a', keepMs: 5 } });
    if (pending !== undefined) answer(pending, 'paid');
    expect(await outcome).toBe('paid');
    expect(keyed.openCount).toBe(0);
  });

  it('are joined by whoever makes them again, each with a value of its own', async () => {
    const first = call('a', {}, { amount: 1 });
    const second = call('a', {}, { amount: 1 });
    await none();
    const third = call('a', {}, { amount: 1 });
    const [pending, ...others] = sent();
    expect([asked.length, others.length]).toEqual([0, 0]);
    if (pending !== undefined) answer(pending, { paid: 1 });
    const values = await Promise.all([first, second, third]);
    expect(values).toEqual([{ paid: 1 }, { paid: 1 }, { paid: 1 }]);
    expect(new Set(values).size).toBe(3);
  });

  it('are refused when they say something else under the same key, and other keys are others', async () => {
    const first = call('a', {}, 1);
    const reused = { code: 'ERR_CALL_KEY_REUSED', outcome: 'none', details: { idempotencyKey: 'a' } };
    await expect(call('a', {}, 2)).rejects.toMatchObject(reused);
    await expect(keyed.call(slot, 'a', 'refund', [1], {})).rejects.toMatchObject(reused);
    void call('b', {}, 2).catch(() => {});
    expect(asked.map(({ key }) => key)).toEqual(['a', 'b']);
    await none();
    const [pending] = sent();
    if (pending !== undefined) answer(pending, 'paid');
    expect(await first).toBe('paid');
  });

  it('get the outcome that is kept, and are not made', async () => {
    const kept = async (outcome: Partial<KeptOutcome>, ...operands: unknown[]): Promise<unknown> => {
      const found = call('a', {}, ...operands);
      asked
        .shift()
        ?.answer({ kind: 'kept', outcome: { digest, threw: false, hasWritten: false, payload, ...outcome } });
      return found;
    };
    const payload = encodeValue({ paid: 1 });
    const first = call('a', {}, 1);
    await none();
    const [pending] = sent();
    const digest = pending?.outcomeKey?.digest ?? new Uint8Array();
    if (pending !== undefined) answer(pending, 'paid');
    await first;
    expect(await kept({}, 1)).toEqual({ paid: 1 });
    await expect(kept({}, 2)).rejects.toMatchObject({ code: 'ERR_CALL_KEY_REUSED', outcome: 'none' });
    const threw = { threw: true, payload: encodeValue(encodeError(new RangeError('too much'))) };
    const error = { code: 'ERR_CALL_THREW', message: 'bank.pay threw, and changed nothing: too much' };
    await expect(kept(threw, 1)).rejects.toMatchObject({ ...error, outcome: 'none' });
    await expect(kept({ ...threw, hasWritten: true }, 1)).rejects.toMatchObject({ outcome: 'unknown' });
    await expect(kept({ payload: Uint8Array.of(255) }, 1)).rejects.toMatchObject({ code: 'ERR_WIRE_DECODE' });
    expect([sent().length, keyed.openCount]).toEqual([0, 0]);
  });

  it('are refused when no more can be kept', async () => {
    const refused = call('a');
    asked.shift()?.answer({ kind: 'full', count: 7, bytes: 9 });
    await expect(refused).rejects.toMatchObject({ code: 'ERR_CALL_KEY_LIMIT', outcome: 'none' });
    expect([sent().length, keyed.openCount]).toEqual([0, 0]);
  });

  it('have a time for each caller, and go on for the others', async () => {
    const controller = new AbortController();
    const second = call('a', { signal: controller.signal });
    const third = call('a');
    await none();
    const [pending] = sent();
    const first = call('a', { timeoutMs: 1 });
    await expect(first).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT', outcome: 'unknown' });
    controller.abort(new Error('enough'));
    const aborted = { code: 'ERR_CALL_ABORTED', outcome: 'unknown', cause: { message: 'enough' } };
    await expect(second).rejects.toMatchObject(aborted);
    await expect(call('a', { signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_CALL_ABORTED' });
    expect(pending?.cancelled).toBe(false);
    if (pending !== undefined) answer(pending, 'paid');
    expect(await third).toBe('paid');
  });

  it('are withdrawn when everybody has given up before they were sent', async () => {
    await expect(call('a', { timeoutMs: 1 })).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT', outcome: 'none' });
    expect([keyed.openCount, asked[0]?.isGivenUp]).toEqual([0, true]);
    await none();
    expect(sent()).toEqual([]);
    const controller = new AbortController();
    const waiting = call('a', { signal: controller.signal });
    await none();
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_CALL_ABORTED', outcome: 'none' });
    expect([sent().length, keyed.openCount]).toEqual([0, 0]);
  });

  it('that were sent are not run again when everybody has given up, but when somebody has joined them since', async () => {
    const outcomes: unknown[] = [];
    const lost = async (joins: boolean): Promise<void> => {
      const controller = new AbortController();
      const first = call('a', { signal: controller.signal });
      await none();
      expect(sent()).toHaveLength(1);
      controller.abort();
      await expect(first).rejects.toMatchObject({ outcome: 'unknown' });
      if (joins) void call('a').then((value) => outcomes.push(value));
      for (const abandoned of slot.died('nobody').cancelled)
        calls.fail(abandoned, 'ERR_CALL_ABORTED', 'none', 'was given up');
      await settled();
    };
    await lost(false);
    expect([sent().length, keyed.openCount, asked.length]).toEqual([0, 0, 0]);
    await lost(true);
    const [again] = sent();
    if (again !== undefined) answer(again, 'paid');
    await settled();
    expect([outcomes, keyed.openCount, asked.length]).toEqual([['paid'], 0, 0]);
  });

  it('that were poisoned or overloaded have no outcome, and are made anew', async () => {
    const first = call('a');
    await none();
    const [pending] = sent();
    if (pending !== undefined) calls.fail(pending, 'ERR_CALL_POISONED', 'none', 'killed its worker');
    await expect(first).rejects.toMatchObject({ code: 'ERR_CALL_POISONED' });
    if (pending !== undefined) slot.settled(pending);
    const others = Array.from({ length: 5 }, (_, index) => call(`other ${index}`));
    for (const other of others) other.catch(() => {});
    for (const _ of others) await none();
    await expect(others[4]).rejects.toMatchObject({ code: 'ERR_CALL_OVERLOADED', outcome: 'none' });
    void call('a').catch(() => {});
    void call('other 4').catch(() => {});
    expect(asked.map(({ key }) => key)).toEqual(['a', 'other 4']);
  });

  it('are so many at most (G9)', async () => {
    for (let index = 0; index < KEYED_CALLS_MAX; index++) void call('a').catch(() => {});
    const overloaded = { code: 'ERR_CALL_OVERLOADED', outcome: 'none' };
    await expect(call('a')).rejects.toMatchObject(overloaded);
    await expect(call('b')).rejects.toMatchObject(overloaded);
    await none();
    const [pending] = sent();
    if (pending !== undefined) answer(pending, 'paid');
    await settled();
    void call('b').catch(() => {});
    expect(asked.map(({ key }) => key)).toEqual(['b']);
  });
});
