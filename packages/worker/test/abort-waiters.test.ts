/**
 * One listener of a signal, however many wait for it.
 *
 * Mutations that make this fail, each tried: each waiter has a listener of its own; the listener stays when the last one stops; who
 * has stopped waiting is told; one function waits once only.
 */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { onAbort } from '../src/abort-waiters.js';

describe('those who wait for a signal', () => {
  it('are told once, in the order in which they began, unless they stopped waiting', () => {
    const controller = new AbortController();
    const { signal } = controller;
    const told: string[] = [];
    const twice = (): void => void told.push('twice');
    const stop = onAbort(signal, () => told.push('stopped before'));
    onAbort(signal, () => {
      told.push('first');
      stopLater();
    });
    onAbort(signal, twice);
    const stopLater = onAbort(signal, () => told.push('stopped meanwhile'));
    onAbort(signal, twice);
    stop();
    controller.abort();
    expect(told).toEqual(['first', 'twice', 'twice']);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('have one listener together, and none when the last has gone (G9)', () => {
    const { signal } = new AbortController();
    for (let round = 0; round < 2; round++) {
      const stops = Array.from({ length: 5_000 }, () => onAbort(signal, () => {}));
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      for (const stop of stops) {
        stop();
        stop();
      }
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    }
  });

  it('wait for nothing without a signal', () => {
    expect(onAbort(undefined, () => {})).not.toThrow();
  });
});
