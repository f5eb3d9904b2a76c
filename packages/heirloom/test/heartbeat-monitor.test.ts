import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeartbeatMonitor } from '../src/heartbeat-monitor.js';

const OPTIONS = { intervalMs: 100, timeoutMs: 1_000 };

/** Checks at these times; gives back the first at which it is late. */
function lateAt(monitor: HeartbeatMonitor, times: readonly number[]): number | undefined {
  return times.find((time) => monitor.isLate(time));
}
const every = (step: number, from: number, to: number): number[] =>
  Array.from({ length: Math.floor((to - from) / step) }, (_, index) => from + (index + 1) * step);

describe('the monitor of heartbeats', () => {
  it('finds who is silent for the timeout, within an interval', () => {
    const monitor = new HeartbeatMonitor(OPTIONS);
    monitor.beat(0);
    expect(lateAt(monitor, every(100, 0, 5_000))).toBe(1_000);
  });

  it('waits for the first sign of life for ever', () => {
    expect(lateAt(new HeartbeatMonitor(OPTIONS), every(100, 0, 100_000))).toBeUndefined();
  });

  it('is never late for who beats, however its own time passes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100_000), { maxLength: 50 }), (pauses) => {
        const monitor = new HeartbeatMonitor(OPTIONS);
        let now = 0;
        monitor.beat(now);
        for (const pause of pauses) {
          // This process was blocked; what came meanwhile is read behind the check.
          now += pause;
          expect(monitor.isLate(now)).toBe(false);
          monitor.beat(now);
        }
      }),
    );
  });

  it('does not count its own lag, but what it has observed around it', () => {
    const monitor = new HeartbeatMonitor(OPTIONS);
    monitor.beat(0);
    expect(lateAt(monitor, every(100, 0, 500))).toBeUndefined();
    expect(monitor.isLate(60_000)).toBe(false);
    expect(lateAt(monitor, every(100, 60_000, 70_000))).toBe(60_400);
  });

  it('takes a clock that goes back for one that stands', () => {
    const monitor = new HeartbeatMonitor(OPTIONS);
    monitor.beat(1_000);
    expect(monitor.isLate(500)).toBe(false);
    expect(lateAt(monitor, every(100, 500, 5_000))).toBe(1_500);
  });
});
