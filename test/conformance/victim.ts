/** A worker that is killed with SIGKILL again and again, each of its lives at most once. */
import { until } from '../support/condition.js';

/** A recovery takes tens of milliseconds; on a machine that is busy with other work it may take long. */
const NEXT_LIFE_TIMEOUT_MS = 60_000;

export class Victim {
  readonly #currentPid: () => number | undefined;
  #lastKilled: number | undefined;
  #kills = 0;

  constructor(currentPid: () => number | undefined) {
    this.#currentPid = currentPid;
  }

  /** How many of its lives were ended. */
  get kills(): number {
    return this.#kills;
  }

  /** Kills the present life; when that is over already, waits for the next and kills that. */
  async kill(): Promise<void> {
    // A process that was killed has its number until its exit is seen.
    const isVictim = (pid: number | undefined): pid is number => pid !== undefined && pid !== this.#lastKilled;
    const present = this.#currentPid();
    const pid = isVictim(present)
      ? present
      : await until('the worker lives again', () => this.#next(), NEXT_LIFE_TIMEOUT_MS);
    // Another sequence of the same worker may have been faster.
    if (!isVictim(pid)) return this.kill();
    this.#lastKilled = pid;
    this.#kills++;
    process.kill(pid, 'SIGKILL');
  }

  #next(): number | undefined {
    const pid = this.#currentPid();
    return pid === this.#lastKilled ? undefined : pid;
  }
}
