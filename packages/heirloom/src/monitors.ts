/**
 * Which lives of workers have asked to be told of the end of others (erlang:monitor/2). Pure: it says whom to tell, and of what.
 *
 * 1. A worker has one life at a time, so lives are known by the names of their workers; `ended` comes behind each life and before the
 *    next one of that worker.
 * 2. A watch is given out once: when the life that is watched ends. It is gone before that when it is taken back, and when the life
 *    that made it ends. So nothing is kept of a life that is over.
 * 3. Watches stack: each has a number of its own, which is never used again.
 * 4. G9: a life has at most MONITORS_MAX.
 */

/** The most monitors of one life: many more than there are workers to monitor, few enough that what they are told fits into memory. */
export const MONITORS_MAX = 16_384;

/** One life watches another. */
export interface Watch {
  readonly watcher: string;
  readonly target: string;
  readonly number: number;
}

export class Monitors {
  readonly #byWatcher = new Map<string, Map<number, Watch>>();
  readonly #byTarget = new Map<string, Set<Watch>>();
  #lastNumber = 0;

  /** How many watches there are. */
  get size(): number {
    let size = 0;
    for (const watches of this.#byWatcher.values()) size += watches.size;
    return size;
  }

  /** A number for a watch. */
  nextNumber(): number {
    return ++this.#lastNumber;
  }

  /** Makes a watch; undefined when the watcher has as many as it may. */
  add(watcher: string, target: string): Watch | undefined {
    const own = this.#byWatcher.get(watcher) ?? new Map<number, Watch>();
    if (own.size >= MONITORS_MAX) return undefined;
    const watch = { watcher, target, number: this.nextNumber() };
    this.#byWatcher.set(watcher, own.set(watch.number, watch));
    const watches = this.#byTarget.get(target) ?? new Set();
    this.#byTarget.set(target, watches.add(watch));
    return watch;
  }

  /** Takes back a watch of this watcher; false when there is none of this number, as it was given out, too. */
  remove(watcher: string, number: number): boolean {
    const watch = this.#byWatcher.get(watcher)?.get(number);
    if (watch !== undefined) this.#drop(watch);
    return watch !== undefined;
  }

  /** The life of a worker is over: the watches of others for it, in the order in which they were made. */
  ended(worker: string): readonly Watch[] {
    for (const watch of this.#byWatcher.get(worker)?.values() ?? []) this.#drop(watch);
    const told = [...(this.#byTarget.get(worker) ?? [])];
    for (const watch of told) this.#drop(watch);
    return told;
  }

  #drop(watch: Watch): void {
    const own = this.#byWatcher.get(watch.watcher);
    if (own?.delete(watch.number) === true && own.size === 0) this.#byWatcher.delete(watch.watcher);
    const watches = this.#byTarget.get(watch.target);
    if (watches?.delete(watch) === true && watches.size === 0) this.#byTarget.delete(watch.target);
  }
}
