import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallQueueLimits, QueuedCall } from '../src/call-queue.js';
import { CallQueue } from '../src/call-queue.js';

const limits: CallQueueLimits = {
  waitingMax: 100,
  waitingBytesMax: 1_000,
  sentMax: 8,
  sentBytesMax: 1_000,
  triesMax: 3,
  suspectWindow: 2,
};

function call(callId: number, retry: QueuedCall['retry'] = 'if_no_trace'): QueuedCall {
  return { callId, retry, bytes: 10, tries: 0, cancelled: false };
}
function queueOf(count: number, overrides: Partial<CallQueueLimits> = {}): CallQueue<QueuedCall> {
  const queue = new CallQueue({ ...limits, ...overrides });
  for (let id = 1; id <= count; id++) queue.offer(call(id));
  return queue;
}
const ids = (calls: readonly QueuedCall[]): number[] => calls.map(({ callId }) => callId);

describe('CallQueue', () => {
  it('sends calls in order, at most as many as may be unanswered', () => {
    const queue = queueOf(10);
    expect(ids(queue.takeSendable())).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(queue.takeSendable()).toEqual([]);
    queue.settle(3);
    expect(ids(queue.takeSendable())).toEqual([9]);
  });

  it('refuses a call when as many wait as may (G9)', () => {
    const queue = queueOf(2, { waitingMax: 2 });
    expect(queue.offer(call(3))).toBe(false);
    queue.takeSendable();
    expect(queue.offer(call(3))).toBe(true);
  });

  it('bounds the bytes that wait and the bytes that are sent (G9)', () => {
    const queue = queueOf(5, { waitingBytesMax: 50, sentBytesMax: 25 });
    expect(queue.offer(call(6))).toBe(false);
    expect(ids(queue.takeSendable())).toEqual([1, 2, 3]);
    expect(queue.takeSendable()).toEqual([]);
    expect(queue.offer(call(6))).toBe(true);
    queue.settle(1);
    expect(ids(queue.takeSendable())).toEqual([4]);
  });

  it('answers a call once (G3)', () => {
    const queue = queueOf(1);
    queue.takeSendable();
    expect(queue.settle(1)?.callId).toBe(1);
    expect(queue.settle(1)).toBeUndefined();
  });

  it('runs calls without a trace again: suspects one at a time, then the others, then new ones (G3)', () => {
    const queue = queueOf(4);
    queue.takeSendable();
    queue.offer(call(5));
    expect(queue.died('unknown')).toMatchObject({ counted: true, rerun: 4, poisoned: [], abandoned: [] });
    expect(ids(queue.takeSendable())).toEqual([1]);
    expect(queue.takeSendable()).toEqual([]);
    queue.settle(1);
    expect(ids(queue.takeSendable())).toEqual([2]);
    queue.settle(2);
    expect(ids(queue.takeSendable())).toEqual([3, 4, 5]);
  });

  it('poisons the call that kills its worker whenever it runs, and counts only the first death against the worker', () => {
    const queue = queueOf(3, { suspectWindow: 64 });
    queue.takeSendable();
    expect(queue.died('unknown').counted).toBe(true);
    expect(ids(queue.takeSendable())).toEqual([1]);
    const second = queue.died('unknown');
    expect(second).toMatchObject({ counted: false, poisoned: [] });
    expect(ids(queue.takeSendable())).toEqual([1]);
    const third = queue.died('unknown');
    expect(third.counted).toBe(false);
    expect(ids(third.poisoned)).toEqual([1]);
    expect(ids(queue.takeSendable())).toEqual([2]);
    queue.settle(2);
    expect(ids(queue.takeSendable())).toEqual([3]);
  });

  it('takes the call that was running as the last suspect when it is known', () => {
    const queue = queueOf(5, { suspectWindow: 64 });
    queue.takeSendable();
    queue.died({ running: 2 });
    expect(ids(queue.takeSendable())).toEqual([1]);
    queue.settle(1);
    expect(ids(queue.takeSendable())).toEqual([2]);
    queue.settle(2);
    expect(ids(queue.takeSendable())).toEqual([3, 4, 5]);
  });

  it('charges only the call that is known to have been running', () => {
    const queue = queueOf(3, { suspectWindow: 64, triesMax: 2 });
    queue.takeSendable();
    queue.died({ running: 2 });
    queue.takeSendable();
    queue.settle(1);
    expect(ids(queue.takeSendable())).toEqual([2]);
    expect(ids(queue.died('unknown').poisoned)).toEqual([2]);
    // Had the third been charged as well, this death would poison it.
    expect(ids(queue.takeSendable())).toEqual([3]);
    expect(queue.died('unknown').poisoned).toEqual([]);
  });

  it('poisons nobody for a death that may have been the doing of several, however few tries there are', () => {
    const queue = queueOf(5, { suspectWindow: 64, triesMax: 1 });
    queue.takeSendable();
    expect(queue.died('unknown')).toMatchObject({ counted: true, rerun: 5, poisoned: [] });
    expect(ids(queue.takeSendable())).toEqual([1]);
    expect(ids(queue.died('unknown').poisoned)).toEqual([1]);
  });

  it("charges nobody for a death that was no call's doing, and counts it against the worker", () => {
    const queue = queueOf(2, { triesMax: 1 });
    for (let death = 0; death < 5; death++) {
      expect(ids(queue.takeSendable())).toEqual([1, 2]);
      expect(queue.died('nobody')).toMatchObject({ counted: true, rerun: 2, poisoned: [] });
    }
    queue.takeSendable();
    queue.died('unknown');
    expect(ids(queue.takeSendable())).toEqual([1]);
    // The suspect that was alone stays one.
    expect(queue.died('nobody')).toMatchObject({ counted: true, rerun: 1, poisoned: [] });
    expect(ids(queue.takeSendable())).toEqual([1]);
  });

  it('does not run a call again that must not be, nor one whose caller gave up', () => {
    const queue = new CallQueue<QueuedCall>(limits);
    const never = call(1, 'never');
    const given = call(2);
    queue.offer(never);
    queue.offer(given);
    queue.takeSendable();
    expect(queue.cancel(given)).toBe('unknown');
    const verdict = queue.died('unknown');
    expect(ids(verdict.abandoned)).toEqual([1]);
    expect(ids(verdict.cancelled)).toEqual([2]);
    expect(queue.takeSendable()).toEqual([]);
  });

  it('withdraws a call that was not sent', () => {
    const queue = new CallQueue<QueuedCall>(limits);
    const first = call(1);
    queue.offer(first);
    queue.offer(call(2));
    expect(queue.cancel(first)).toBe('none');
    expect(ids(queue.takeSendable())).toEqual([2]);
  });

  it('withdraws a suspect that waits for its turn', () => {
    const queue = new CallQueue<QueuedCall>(limits);
    const second = call(2);
    queue.offer(call(1));
    queue.offer(second);
    queue.takeSendable();
    queue.died('unknown');
    expect(queue.cancel(second)).toBe('none');
    expect(ids(queue.takeSendable())).toEqual([1]);
    queue.settle(1);
    expect(queue.takeSendable()).toEqual([]);
  });

  it('keeps every call in exactly one place and in order, whatever happens (G3)', () => {
    const step = fc.oneof(
      fc.constant({ type: 'offer' as const }),
      fc.constant({ type: 'send' as const }),
      fc.record({ type: fc.constant('settle' as const), index: fc.nat(8) }),
      fc.constant({ type: 'die' as const }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = new CallQueue<QueuedCall>(limits);
        const open = new Map<number, QueuedCall>();
        const sent = new Set<number>();
        let lastId = 0;
        for (const action of steps) {
          if (action.type === 'offer') {
            const made = call(++lastId);
            if (queue.offer(made)) open.set(made.callId, made);
          } else if (action.type === 'send') {
            const sendable = ids(queue.takeSendable());
            // Nothing is sent twice within one incarnation, and older calls go before newer ones.
            for (const id of sendable) expect(sent.has(id)).toBe(false);
            const oldestUnsent = Math.min(...[...open.keys()].filter((id) => !sent.has(id)));
            if (sendable.length > 0) expect(sendable[0]).toBe(oldestUnsent);
            for (const id of sendable) sent.add(id);
          } else if (action.type === 'settle') {
            const id = [...sent][action.index];
            if (id === undefined) continue;
            expect(queue.settle(id)).toBe(open.get(id));
            open.delete(id);
            sent.delete(id);
          } else {
            const verdict = queue.died('unknown');
            expect(verdict.rerun + verdict.poisoned.length).toBe(sent.size);
            for (const { callId } of verdict.poisoned) open.delete(callId);
            sent.clear();
          }
          expect(queue.sentCount).toBe(sent.size);
        }
        const rest = queue.drain();
        expect([...ids(rest.unsent), ...ids(rest.sent)].sort((a, b) => a - b)).toEqual([...open.keys()]);
      }),
    );
  });
});
