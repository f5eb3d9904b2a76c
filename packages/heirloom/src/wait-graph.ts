/**
 * Who waits for whom: the workers whose running handler waits for something that another worker has to do between two of its own
 * handlers. Pure.
 *
 * 1. There is an edge from W to T for each open question of W that T answers. As a worker runs one handler at a time, a circle of
 *    edges would stand still for ever; so the edge that would close one is not made (G9), and whoever wanted it is told the way
 *    around. So there is never a circle here.
 * 2. Edges are counted: several questions of one handler may wait for the same worker.
 */
import { invariant } from '@heirloom/tables';

export class WaitGraph {
  /** By the worker that waits, then by the one that it waits for: how many edges there are. */
  readonly #edges = new Map<string, Map<string, number>>();

  /** Makes an edge, unless it would close a circle: then returns the workers on it, beginning and ending with `waiter`. */
  wait(waiter: string, target: string): readonly string[] | undefined {
    const way = this.#way(target, waiter);
    if (way !== undefined) return [waiter, ...way];
    const targets = this.#edges.get(waiter) ?? new Map<string, number>();
    this.#edges.set(waiter, targets.set(target, (targets.get(target) ?? 0) + 1));
    return undefined;
  }

  /** Takes back an edge. */
  done(waiter: string, target: string): void {
    const targets = this.#edges.get(waiter);
    const count = targets?.get(target);
    invariant(targets !== undefined && count !== undefined, `${waiter} does not wait for ${target}`);
    if (count > 1) targets.set(target, count - 1);
    else if (targets.delete(target) && targets.size === 0) this.#edges.delete(waiter);
  }

  /** How many edges there are. */
  get size(): number {
    let size = 0;
    for (const targets of this.#edges.values()) for (const count of targets.values()) size += count;
    return size;
  }

  /** The workers on the way from one to another, both included. */
  #way(from: string, to: string): readonly string[] | undefined {
    /** How each worker was reached. */
    const before = new Map<string, string | undefined>([[from, undefined]]);
    for (const worker of before.keys()) {
      if (worker === to) return wayTo(worker, before);
      for (const next of this.#edges.get(worker)?.keys() ?? []) if (!before.has(next)) before.set(next, worker);
    }
    return undefined;
  }
}

function wayTo(end: string, before: ReadonlyMap<string, string | undefined>): readonly string[] {
  const way: string[] = [];
  for (let worker: string | undefined = end; worker !== undefined; worker = before.get(worker)) way.unshift(worker);
  return way;
}
