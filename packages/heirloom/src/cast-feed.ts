/**
 * What brings the stored casts of one worker into its call queue: they are pulled from the keeper a page at a time, in the order of
 * their numbers, as the worker works them off.
 *
 *   paused ──resume (the worker is up)──▶ open ──wake──▶ pulling ──▶ open
 *      ▲                                    │
 *      └── pause (it stops, or died) ───────┴── reset (it is down for good): begins with the first stored one again
 *
 * 1. G3: a cast is handed to the queue once, until `reset`. Then those that have not run are still stored, and the epoch of the
 *    worker is closed before it is opened again and anything is pulled, so nothing is pulled that has run.
 * 2. Casts keep the order of their numbers: pages come one after the other, and the queue is first in, first out.
 * 3. G9: at most CASTS_AHEAD_MAX casts and CASTS_AHEAD_BYTES of them, and a page more, are in memory; the others stay stored.
 * 4. Who is told late, or twice, pulls once more and finds nothing: news says that there is something, and not what.
 */
import type { CastsPage } from '@heirloom/wire';
import { castBytes } from '@heirloom/wire';
import type { WorkerSlot } from './worker-slot.js';

/** How many casts may be in the queue of a worker: twice a page, so that one can come while the other is run. */
export const CASTS_AHEAD_MAX = 512;
/** The same in bytes; one large cast more. */
export const CASTS_AHEAD_BYTES: number = 8 * 1024 * 1024;

/** A stored cast. */
export type PulledCast = CastsPage['casts'][number];

export interface CastFeedPorts {
  /** Asks the keeper for the casts of a worker behind one of them; rejects when there is no keeper any more, or it cannot read. */
  readonly pull: (worker: string, after: number) => Promise<CastsPage>;
  /** Puts a cast into the queue; `settled` is called when it will not be run again. */
  readonly deliver: (slot: WorkerSlot, cast: PulledCast, settled: () => void) => void;
  readonly onFailed: (worker: string, error: unknown) => void;
}

export class CastFeed {
  readonly #slot: WorkerSlot;
  readonly #ports: CastFeedPorts;
  #isOpen = false;
  #isPulling = false;
  /** Whether there may be casts behind `#position`. */
  #hasMore = true;
  #position = 0;
  #ahead = 0;
  #aheadBytes = 0;
  /** Grows when what is being pulled is not wanted any more. */
  #generation = 0;

  constructor(slot: WorkerSlot, ports: CastFeedPorts) {
    this.#slot = slot;
    this.#ports = ports;
  }

  /** There may be new casts. */
  wake(): void {
    this.#hasMore = true;
    this.#pullIfDue();
  }

  /** The worker takes calls. */
  resume(): void {
    this.#isOpen = true;
    this.wake();
  }

  /** It takes no further ones; those in its queue stay there. */
  pause(): void {
    this.#isOpen = false;
    this.#generation++;
  }

  /** Its queue is empty for good. */
  reset(): void {
    this.pause();
    this.#position = 0;
  }

  #pullIfDue(): void {
    const isDue = this.#isOpen && this.#hasMore && !this.#isPulling;
    if (!isDue || this.#ahead >= CASTS_AHEAD_MAX || this.#aheadBytes >= CASTS_AHEAD_BYTES) return;
    this.#isPulling = true;
    // What is stored from now on is told again.
    this.#hasMore = false;
    void this.#pull(this.#generation);
  }

  async #pull(generation: number): Promise<void> {
    const { name } = this.#slot;
    let page: CastsPage;
    try {
      page = await this.#ports.pull(name, this.#position);
    } catch (error) {
      this.#isPulling = false;
      return this.#ports.onFailed(name, error);
    }
    this.#isPulling = false;
    if (generation !== this.#generation) return this.wake();
    for (const cast of page.casts) this.#deliver(cast);
    if (!page.isLast) this.#hasMore = true;
    this.#pullIfDue();
  }

  #deliver(cast: PulledCast): void {
    const bytes = castBytes(cast);
    this.#position = cast.id;
    this.#ahead++;
    this.#aheadBytes += bytes;
    this.#ports.deliver(this.#slot, cast, () => {
      this.#ahead--;
      this.#aheadBytes -= bytes;
      this.#pullIfDue();
    });
  }
}
