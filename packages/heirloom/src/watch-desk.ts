/**
 * Those who wait for changes of tables, and what wakes them: the keeper's word that there are some, a new keeper, which does not
 * know of them and has to be asked anew, and the end of the runtime.
 *
 * G9: at most WATCHES_MAX wait at a time. Whoever does not wait, as its consumer is busy, is not known here and holds nothing.
 */
import { CallError } from './errors.js';

/** How many watches may wait at a time: as many as reads may be open, and each has one request to the keeper. */
export const WATCHES_MAX = 1_024;

/** A watch, as far as it can be woken. */
export interface Watcher {
  readonly worker: string;
  readonly table: string;
  /** There may be changes. */
  wake(): void;
  /** There will be none any more, as the runtime is over. */
  fail(error: Error): void;
}

export class WatchDesk {
  readonly #watchers = new Map<string, Set<Watcher>>();
  #count = 0;

  /** Throws CallError ERR_CALL_OVERLOADED when too many wait. */
  join(watcher: Watcher): void {
    if (this.#count >= WATCHES_MAX) {
      const message = `${WATCHES_MAX} watches wait for changes, which is the limit. End some of them before you begin others.`;
      throw new CallError('ERR_CALL_OVERLOADED', message, { limit: WATCHES_MAX, outcome: 'none' });
    }
    const place = placeOf(watcher);
    const watchers = this.#watchers.get(place) ?? new Set();
    this.#watchers.set(place, watchers.add(watcher));
    this.#count++;
  }

  leave(watcher: Watcher): void {
    const place = placeOf(watcher);
    const watchers = this.#watchers.get(place);
    if (watchers?.delete(watcher) !== true) return;
    if (watchers.size === 0) this.#watchers.delete(place);
    this.#count--;
  }

  /** How many wait. */
  get size(): number {
    return this.#count;
  }

  /** Wakes those who watch one of these tables. */
  changed(tables: readonly Pick<Watcher, 'worker' | 'table'>[]): void {
    for (const table of tables) for (const watcher of this.#watchers.get(placeOf(table)) ?? []) watcher.wake();
  }

  wakeAll(): void {
    for (const watcher of this.#all()) watcher.wake();
  }

  failAll(error: Error): void {
    for (const watcher of this.#all()) watcher.fail(error);
  }

  #all(): Watcher[] {
    return [...this.#watchers.values()].flatMap((watchers) => [...watchers]);
  }
}

/** A worker's name has no slash. */
function placeOf({ worker, table }: Pick<Watcher, 'worker' | 'table'>): string {
  return `${worker}/${table}`;
}
