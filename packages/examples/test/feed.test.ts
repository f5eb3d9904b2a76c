import { describe, expect, it } from 'vitest';
import { Condition } from '../src/condition.js';
import { FAILED_CALLS_MAX, feedFlights } from '../src/feed.js';
import type { FeedPorts } from '../src/feed.js';
import type { Flight } from '../src/flight.js';

function flights(count: number): Flight[] {
  return Array.from({ length: count }, (_, number) => ({
    number,
    date: '',
    origin: 'JFK',
    destination: 'LAX',
    distance: 1,
    delay: 0,
  }));
}

function ports(overrides: Partial<FeedPorts>): FeedPorts {
  return {
    flights: [],
    stations: [],
    inFlightMax: 300,
    isHeld: () => false,
    condition: new Condition(),
    onAnswer: () => {},
    onAcknowledged: () => {},
    ...overrides,
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('feedFlights', () => {
  it('calls every station once for each flight and acknowledges what all have answered', async () => {
    const calls: string[] = [];
    const answers: string[] = [];
    const station = (name: string) => ({
      name,
      record: async ({ number }: Flight) => calls.push(`${name}${number}`),
    });
    const acknowledged: number[] = [];
    const result = await feedFlights(
      ports({
        flights: flights(3),
        stations: [station('a'), station('b')],
        onAnswer: (name) => answers.push(name),
        onAcknowledged: (count) => acknowledged.push(count),
      }),
    );
    expect(calls).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
    expect(answers).toHaveLength(6);
    expect(acknowledged).toEqual([1, 2, 3]);
    expect(result).toEqual({ acknowledged: 3, calls: 6, failures: [] });
  });

  it('keeps a bounded number of flights unanswered', async () => {
    const open: (() => void)[] = [];
    const record = (): Promise<number> => new Promise((resolve) => open.push(() => resolve(1)));
    const [inFlightMax, total] = [30, 40];
    const feed = feedFlights(ports({ flights: flights(total), stations: [{ name: 'a', record }], inFlightMax }));
    await turn();
    expect(open).toHaveLength(inFlightMax);
    for (const answer of open.splice(0, 4)) answer();
    await turn();
    expect(open).toHaveLength(inFlightMax);
    for (let answers = 4; answers < total; answers += 1) {
      open.shift()?.();
      await turn();
    }
    expect(await feed).toMatchObject({ acknowledged: total });
  });

  it('starts no flight while it is held', async () => {
    const condition = new Condition();
    let isHeld = true;
    let calls = 0;
    const record = async (): Promise<number> => (calls += 1);
    const feed = feedFlights(
      ports({ flights: flights(2), stations: [{ name: 'a', record }], condition, isHeld: () => isHeld }),
    );
    await turn();
    expect(calls).toBe(0);
    isHeld = false;
    condition.changed();
    expect(await feed).toMatchObject({ calls: 2 });
  });

  it('notes a failed call, does not acknowledge its flight, and goes on', async () => {
    const record = async ({ number }: Flight): Promise<number> => {
      if (number === 1) throw new Error('no');
      return 1;
    };
    const result = await feedFlights(ports({ flights: flights(3), stations: [{ name: 'a', record }] }));
    expect(result).toEqual({
      acknowledged: 2,
      calls: 3,
      failures: ['a: the call for the flight of line 1 failed: no'],
    });
  });

  it('gives up after many failures', async () => {
    const record = (): Promise<number> => Promise.reject(new Error('gone'));
    const feed = feedFlights(ports({ flights: flights(10_000), stations: [{ name: 'a', record }] }));
    await expect(feed).rejects.toMatchObject({
      code: 'ERR_FLIGHT_BOARD_CALLS',
      message: expect.stringMatching(new RegExp(`^[1-9]\\d{2} calls failed.*line 0 failed: gone`)),
    });
    expect(FAILED_CALLS_MAX).toBe(100);
  });

  it('ends with the reason when the run fails', async () => {
    const condition = new Condition();
    const feed = feedFlights(ports({ flights: flights(1), condition, isHeld: () => true }));
    await turn();
    condition.fail(new Error('over'));
    await expect(feed).rejects.toThrow('over');
  });
});
