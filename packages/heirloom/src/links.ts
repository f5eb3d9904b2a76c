/**
 * Which lives of workers are linked, so that the end of one is the end of the other (erlang:link/1). Pure: it says who is linked.
 *
 * 1. A worker has one life at a time, so lives are known by the names of their workers; `ended` comes behind each life and before the
 *    next one of that worker.
 * 2. A link is of both: it is the same whoever made it, there is one at most between two lives, and either takes it back.
 * 3. `ended` takes out all links of a life, so nothing is kept of one that is over; it tells of each link once.
 * 4. G9: there are at most as many links of a life as there are other workers.
 */
export class Links {
  readonly #peers = new Map<string, Set<string>>();

  /** How many links there are. */
  get size(): number {
    let ends = 0;
    for (const peers of this.#peers.values()) ends += peers.size;
    return ends / 2;
  }

  /** Links two lives; a life that links itself is not linked. */
  link(one: string, other: string): void {
    if (one === other) return;
    this.#peersOf(one).add(other);
    this.#peersOf(other).add(one);
  }

  unlink(one: string, other: string): void {
    this.#drop(one, other);
    this.#drop(other, one);
  }

  /** The life of a worker is over: those that it was linked to, in the order in which they were linked. */
  ended(worker: string): readonly string[] {
    const peers = [...(this.#peers.get(worker) ?? [])];
    for (const peer of peers) this.unlink(worker, peer);
    return peers;
  }

  #peersOf(worker: string): Set<string> {
    const peers = this.#peers.get(worker) ?? new Set();
    this.#peers.set(worker, peers);
    return peers;
  }

  #drop(worker: string, peer: string): void {
    const peers = this.#peers.get(worker);
    if (peers?.delete(peer) === true && peers.size === 0) this.#peers.delete(worker);
  }
}
