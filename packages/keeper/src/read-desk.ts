/**
 * The turns of reads: a few at a time, so that what waits to be sent is bounded (G9).
 *
 * 1. At most READS_AT_ONCE reads run, and none begins while the router has not taken the answers before. So what waits to be sent is
 *    at most that many of the largest answers.
 * 2. At most `readsMax` reads of tables wait; those who watch are not counted: each asks once at a time, and the router bounds them.
 *
 * What fails: KeeperError ERR_KEEPER_BUSY.
 */
import { KeeperError } from './errors.js';

/** How many reads run at the same time: their answers, a page or a row each, together stay below what a connection queues. */
const READS_AT_ONCE = 4;

export interface ReadDeskOptions {
  readonly readsMax: number;
  /** Whether answers before have not been taken yet. */
  readonly isCongested: () => boolean;
}

export class ReadDesk {
  private readonly options: ReadDeskOptions;
  /** Reads that wait for their turn, and how many have theirs. */
  private readonly waiting: (() => void)[] = [];
  private running = 0;
  /** Of those that wait, the ones that are limited. */
  private limited = 0;

  constructor(options: ReadDeskOptions) {
    this.options = options;
  }

  /** Throws ERR_KEEPER_BUSY if too many reads wait for one more. */
  checkRoom(): void {
    const { readsMax } = this.options;
    if (this.limited < readsMax) return;
    const message = `${this.limited} reads wait already. Try again when some have ended.`;
    throw new KeeperError('ERR_KEEPER_BUSY', message, { readsMax });
  }

  /** Runs a read, for which there was room, when its turn comes. */
  async limitedTurn<T>(run: () => Promise<T>): Promise<T> {
    this.limited++;
    return this.turn(() => {
      this.limited--;
      return run();
    });
  }

  /** Runs a read of one who watches when its turn comes. */
  async turn<T>(run: () => T | Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      this.waiting.push(resolve);
      this.start();
    });
    try {
      return await run();
    } finally {
      this.running--;
      // After the answer was queued, so that its size counts.
      setImmediate(() => this.start());
    }
  }

  /** To be called when answers may have been taken. */
  start(): void {
    while (this.running < READS_AT_ONCE && !this.options.isCongested()) {
      const begin = this.waiting.shift();
      if (begin === undefined) return;
      this.running++;
      begin();
    }
  }
}
