/**
 * The deadline of the handler that runs, in memory that is shared by who runs it and who watches it.
 *
 * 1. Arming and disarming cost the runner two writes, and no timer.
 * 2. Time in which the watcher did not run is not counted: then the process was stopped, or the machine busy, and in most cases the
 *    handler did not run either. So a handler may exceed its time by what its watcher is late, and is never ended too early.
 *
 * Shared memory (Float64): [0] the deadline in milliseconds since 1970 by the clock that is never set, performance.timeOrigin +
 * performance.now(), which is the same in every thread of a process, 0 for none; [1] the id of the call; [2] 1 while
 * a handler runs. The heartbeat of a process (lifeline.ts) uses [3] how often the main thread has turned its event loop, 0 while it
 * loads, and [4] 1 under a debugger, where no handler exceeds its time.
 */

/** How often a watcher compares the deadline with the clock: the precision of handler timeouts. */
export const WATCH_INTERVAL_MS = 50;

/** The runner's end. */
export class HandlerDeadline {
  readonly shared: Float64Array;

  constructor(shared: Float64Array = new Float64Array(new SharedArrayBuffer(5 * Float64Array.BYTES_PER_ELEMENT))) {
    this.shared = shared;
  }

  /** Arms the deadline of the handler that now begins; `timeoutMs` 0 for none. */
  handlerBegins(callId: number, timeoutMs: number): void {
    this.shared[1] = callId;
    this.shared[0] = timeoutMs === 0 ? 0 : clock() + timeoutMs;
    this.shared[2] = 1;
  }

  handlerEnded(): void {
    this.shared[0] = 0;
    this.shared[2] = 0;
  }

  /** Only a process has a heartbeat. */
  loaded(): void {}
}

/** The watcher's end, to be asked every WATCH_INTERVAL_MS. */
export class DeadlineWatch {
  private readonly shared: Float64Array;
  private readonly intervalMs: number;
  /** The deadline that was last seen, and by how much it is put off because nothing ran. */
  private seen = 0;
  private putOffMs = 0;
  private lastCheck: number;

  constructor(shared: Float64Array, intervalMs: number = WATCH_INTERVAL_MS, now: number = clock()) {
    this.shared = shared;
    this.intervalMs = intervalMs;
    this.lastCheck = now;
  }

  /** The id of the call whose handler has exceeded its time. */
  check(now: number = clock()): number | undefined {
    const elapsedMs = now - this.lastCheck;
    const lateMs = elapsedMs - this.intervalMs;
    this.lastCheck = now;
    const deadline = this.shared[0] ?? 0;
    if (deadline !== this.seen) {
      this.seen = deadline;
      this.putOffMs = 0;
    }
    if (lateMs > this.intervalMs) this.putOffMs += lateMs;
    // Whoever looks at a handler in a debugger has time.
    else if (this.shared[4] === 1) this.putOffMs += elapsedMs;
    return deadline === 0 || now < deadline + this.putOffMs ? undefined : this.shared[1];
  }
}

function clock(): number {
  return performance.timeOrigin + performance.now();
}
