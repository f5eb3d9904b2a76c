/**
 * The output gate against a list, and its limits (G4, G9).
 *
 * Mutations that make this fail, each tried: a reply leaves one batch early; what is released or has left goes on to count in
 * bytes; held bytes are not limited; a batch is missed when released ones are cut off.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  HELD_BYTES_MAX,
  HELD_REPLIES_MAX,
  OutputGate,
  UNRELEASED_BATCHES_MAX,
  UNRELEASED_BYTES_MAX,
} from '../src/output-gate.js';

const outcome = (callId: number) => ({ callId, threw: false, payload: new Uint8Array() });
const bytes = (number: number): Uint8Array => Uint8Array.of(number & 255, (number >> 8) & 255);

describe('the output gate', () => {
  test('lets nothing out before what it depends on is released, in order, and keeps what is not (G4)', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant('batch' as const) },
      { weight: 3, arbitrary: fc.constant('reply' as const) },
      { weight: 2, arbitrary: fc.constant('ask' as const) },
      // Few at a time, so that most releases leave something behind.
      { weight: 2, arbitrary: fc.nat({ max: 4 }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const gate = new OutputGate();
        let appended = 0;
        let released = 0;
        let nextCall = 0;
        const waiting: { callId: number; behind: number }[] = [];
        const asks: { requestId: number; behind: number }[] = [];
        for (const each of steps) {
          if (each === 'batch') gate.append(bytes(++appended));
          else if (each === 'ask') {
            if (gate.isOpen) continue;
            gate.holdAsk(nextCall);
            asks.push({ requestId: nextCall++, behind: appended });
          } else if (each === 'reply') {
            if (gate.isOpen) expect(waiting).toEqual([]);
            else if (gate.canHold) {
              gate.hold(outcome(nextCall));
              waiting.push({ callId: nextCall++, behind: appended });
            } else expect(waiting.length).toBe(HELD_REPLIES_MAX);
          } else {
            released = Math.min(appended, released + each);
            const leaving = gate.release(released).map(({ callId }) => callId);
            const expected = waiting.filter(({ behind }) => behind <= released).map(({ callId }) => callId);
            expect(leaving).toEqual(expected);
            waiting.splice(0, expected.length);
            const free = asks.filter(({ behind }) => behind <= released).map(({ requestId }) => requestId);
            expect(gate.takeAsks()).toEqual(free);
            asks.splice(0, free.length);
          }
          expect(gate.isOpen).toBe(appended === released);
          expect([gate.lastNumber, gate.released, gate.heldCount]).toEqual([appended, released, waiting.length]);
          expect(gate.unreleasedBytes).toBe(2 * (appended - released));
          // Whatever a new keeper has, all that is later is there.
          for (let number = released + 1; number <= appended; number++)
            expect(gate.batch(number)).toEqual(bytes(number));
        }
      }),
    );
  });

  test('finds every batch by its number when thousands came and went', () => {
    const gate = new OutputGate();
    const total = 5_000;
    for (let number = 1; number <= total; number++) gate.append(bytes(number));
    for (let released = 1; released < total; released++) {
      gate.release(released);
      expect(gate.batch(released + 1)).toEqual(bytes(released + 1));
    }
    expect(gate.batch(total)).toEqual(bytes(total));
    expect([gate.released, gate.unreleasedCount, gate.unreleasedBytes]).toEqual([total - 1, 1, 2]);
  });

  test('ignores a release that it has seen, and refuses one of a batch that does not exist', () => {
    const gate = new OutputGate();
    gate.append(bytes(1));
    gate.append(bytes(2));
    gate.release(2);
    expect(gate.release(1)).toEqual([]);
    expect(gate.released).toBe(2);
    expect(() => gate.release(3)).toThrow(expect.objectContaining({ code: 'ERR_WORKER_PROTOCOL' }));
  });

  test('is full at its limits and not below (G9)', () => {
    const gate = new OutputGate();
    for (let i = 1; i < UNRELEASED_BATCHES_MAX; i++) gate.append(bytes(i));
    expect(gate.isFull).toBe(false);
    gate.append(bytes(0));
    expect(gate.isFull).toBe(true);
    gate.release(1);
    expect(gate.isFull).toBe(false);
    gate.release(gate.lastNumber);
    gate.append(new Uint8Array(UNRELEASED_BYTES_MAX));
    expect(gate.isFull).toBe(true);
  });

  test('holds no further reply at its limit of held bytes, until some have left (G9)', () => {
    const gate = new OutputGate();
    gate.append(bytes(1));
    gate.hold({ callId: 1, threw: false, payload: new Uint8Array(HELD_BYTES_MAX) });
    expect(gate.canHold).toBe(false);
    gate.release(1);
    expect(gate.canHold).toBe(true);
  });
});
