import { describe, expect, it } from 'vitest';
import type { RuntimeEvents } from '../src/events.js';
import { EventHub } from '../src/events.js';

const EVENT: RuntimeEvents['restart'] = { worker: 'bank' };

describe('listeners of events', () => {
  it('that throw, or whose promise is rejected, are reported and keep nothing from the others', async () => {
    const errors: unknown[] = [];
    const hub = new EventHub((event, error) => errors.push(event, (error as Error).message));
    const seen: string[] = [];
    hub.on('restart', () => {
      throw new Error('thrown');
    });
    // oxlint-disable-next-line typescript/no-misused-promises -- the type does not keep anyone from it.
    hub.on('restart', () => Promise.reject(new Error('rejected')));
    hub.on('restart', ({ worker }) => seen.push(worker));
    hub.emit('restart', EVENT);
    await Promise.resolve();
    expect(seen).toEqual(['bank']);
    expect(errors).toEqual(['restart', 'thrown', 'restart', 'rejected']);
  });

  it('that unsubscribe or subscribe while they are called change only later events', () => {
    const hub = new EventHub(() => {});
    let calls = 0;
    const again = (): void => {
      calls++;
      hub.on('restart', again);
    };
    const off = hub.on('restart', () => off());
    hub.on('restart', again);
    hub.emit('restart', EVENT);
    expect(calls).toBe(1);
    hub.emit('restart', EVENT);
    expect(calls).toBe(3);
  });

  it.each([
    ['crashed', () => {}],
    ['__proto__', () => {}],
    ['crash', undefined],
    ['crash', {}],
  ])('are refused for %s with %o', (event, listener) => {
    const hub = new EventHub(() => {});
    const subscribe = (): unknown => hub.on(event as 'crash', listener as () => void);
    expect(subscribe).toThrow(expect.objectContaining({ code: 'ERR_RUNTIME_OPTION' }));
  });
});
