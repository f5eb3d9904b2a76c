/**
 * The timers of one life in the order in which they are due, and which of them are on their way. Pure: it reads no clock.
 *
 *   waiting ──due──▶ announced ──its handler's batch removes or advances it──▶ gone, or waiting again
 *
 * 1. Timers are due in the order of their times, and those of one time in the order in which they were started.
 * 2. Each generation is announced once in a life. At most ANNOUNCED_MAX are on their way, so that a worker with thousands of
 *    timers that are overdue takes its calls in between.
 * 3. A timer whose handler the code does not have is never due.
 */
import { compareTimers } from './timer.js';
import type { Timer } from './timer.js';

/** The most timers that are on their way at a time: as many as calls can be suspected of a death. */
export const ANNOUNCED_MAX = 64;

export class TimerSchedule {
  private readonly hasHandler: (handler: string) => boolean;
  private readonly byName = new Map<string, Timer>();
  /** Those that wait, in the order of (1). Sorted, not a heap, as few change and names() wants them in order. */
  private readonly waiting: Timer[] = [];
  private readonly announced = new Set<Timer>();

  constructor(hasHandler: (handler: string) => boolean) {
    this.hasHandler = hasHandler;
  }

  get size(): number {
    return this.byName.size;
  }

  get(name: string): Timer | undefined {
    return this.byName.get(name);
  }

  /** Every timer, in the order of (1). */
  all(): readonly Timer[] {
    return [...this.byName.values()].sort(compareTimers);
  }

  /** Takes many at once, at the beginning. */
  load(timers: readonly Timer[]): void {
    for (const timer of timers) this.byName.set(timer.name, timer);
    this.waiting.push(...timers.filter(({ handler }) => this.hasHandler(handler)));
    this.waiting.sort(compareTimers);
  }

  /** Takes a timer in the place of the one that has its name. */
  put(timer: Timer): void {
    this.delete(timer.name);
    this.byName.set(timer.name, timer);
    if (this.hasHandler(timer.handler)) this.waiting.splice(this.placeOf(timer), 0, timer);
  }

  delete(name: string): void {
    const timer = this.byName.get(name);
    if (timer === undefined) return;
    this.byName.delete(name);
    if (this.announced.delete(timer)) return;
    const place = this.placeOf(timer);
    if (this.waiting[place] === timer) this.waiting.splice(place, 1);
  }

  /** Those that are due now and may be announced, which they are then. */
  announce(now: number): readonly Timer[] {
    const room = ANNOUNCED_MAX - this.announced.size;
    let count = 0;
    while (count < room && isDue(this.waiting[count], now)) count++;
    const due = this.waiting.splice(0, count);
    for (const timer of due) this.announced.add(timer);
    return due;
  }

  /** When the next one is due that may be announced; undefined when there is none. */
  get nextAt(): number | undefined {
    return this.announced.size < ANNOUNCED_MAX ? this.waiting[0]?.at : undefined;
  }

  /** Where a timer is among those that wait, or would be. */
  private placeOf(timer: Timer): number {
    let low = 0;
    let high = this.waiting.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.waiting[middle];
      if (other !== undefined && compareTimers(other, timer) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isDue(timer: Timer | undefined, now: number): boolean {
  return timer !== undefined && timer.at <= now;
}
