/**
 * Whether a process that should give a sign of life at regular times is late. Pure.
 *
 * 1. Silence is what this process has observed of it: between two checks at most one interval counts. So a time in which this process did
 *    not run, as it was blocked or stopped, or the machine asleep, counts as one interval, and what has come meanwhile is read before
 *    the next check.
 * 2. Nothing is late before its first sign of life, which is that it connects: how long a start may take is for others to say.
 * 3. Late is late once: then the process is to be killed.
 */

export interface HeartbeatOptions {
  /** How often a process gives a sign of life, and how often it is checked. */
  readonly intervalMs: number;
  /** How long it may be silent. */
  readonly timeoutMs: number;
}

export class HeartbeatMonitor {
  readonly #options: HeartbeatOptions;
  #silentMs: number | undefined;
  #checkedAt = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** A sign of life. */
  beat(now: number): void {
    if (this.#silentMs === undefined) this.#checkedAt = now;
    this.#silentMs = 0;
  }

  /** Says whether the process is late; to be called every `intervalMs`. */
  isLate(now: number): boolean {
    if (this.#silentMs === undefined) return false;
    const { intervalMs, timeoutMs } = this.#options;
    this.#silentMs += Math.min(Math.max(now - this.#checkedAt, 0), intervalMs);
    this.#checkedAt = now;
    return this.#silentMs >= timeoutMs;
  }
}
