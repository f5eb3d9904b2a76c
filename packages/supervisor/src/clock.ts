/** The clock port: monotonic milliseconds and one-shot timers, real or virtual. */

/** A timer that was set and may be cleared; clearing it twice or after it fired does nothing. */
export interface Timer {
  clear(): void;
}

/** What the supervision tree needs of time. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary origin. */
  now(): number;
  /** Runs the callback once, after at least so many milliseconds and never within this call. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

/** The clock of this process. A delay of 0 runs after the events that are already waiting, not a millisecond later. */
export const realClock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs, callback) {
    if (delayMs <= 0) {
      const immediate = setImmediate(callback);
      return { clear: () => clearImmediate(immediate) };
    }
    const timeout = setTimeout(callback, delayMs);
    return { clear: () => clearTimeout(timeout) };
  },
};

interface VirtualTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test advances it; timers fire in the order in which they are due. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<VirtualTimer>();

  now(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer: VirtualTimer = { dueMs: this.#nowMs + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return { clear: () => void this.#timers.delete(timer) };
  }

  /** How many timers are set and have not fired. */
  get size(): number {
    return this.#timers.size;
  }

  /** Moves time on and fires what falls due on the way, including timers that those set. */
  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    this.#nowMs = endMs;
  }

  #next(endMs: number): VirtualTimer | undefined {
    let first: VirtualTimer | undefined;
    // Sets iterate in the order of insertion, so the earlier of two timers due at once is found first.
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (first === undefined || timer.dueMs < first.dueMs)) first = timer;
    }
    return first;
  }
}
