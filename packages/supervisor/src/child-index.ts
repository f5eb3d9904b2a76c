/**
 * Where each child is in the list of children, so that a step costs the same whatever the length of the list.
 *
 * 1. An index belongs to one list at a time, the newest. Asked about another one, as when a state is stepped twice, it is made
 *    anew: so it can be wrong for none, and states may share it.
 * 2. A removal moves the children behind it one place towards the start. That is made up for when they are looked for, and after
 *    REMOVALS_MAX removals all at once.
 */

import { invariant } from '@heirloom/tables';

/** How far a place may be behind: looking back that far costs less than what else a step does. */
const REMOVALS_MAX = 64;

interface Identified {
  readonly spec: { readonly id: string };
}

export class ChildIndex {
  #list: readonly Identified[] | undefined;
  #places = new Map<string, number>();
  #removals = 0;

  /** The place of the child in the list, or -1. */
  placeOf(list: readonly Identified[], id: string): number {
    if (list !== this.#list) this.#make(list);
    const known = this.#places.get(id);
    if (known === undefined) return -1;
    let place = Math.min(known, list.length - 1);
    while (place >= 0 && list[place]?.spec.id !== id) place -= 1;
    invariant(place >= 0, `The child "${id}" is not where its index says, nor before that.`);
    this.#places.set(id, place);
    return place;
  }

  /** `copy`, which has the same children, takes the place of the list. */
  moved(list: readonly Identified[], copy: readonly Identified[]): void {
    if (list === this.#list) this.#list = copy;
  }

  /** A child was added at the end of the list. */
  appended(list: readonly Identified[], id: string): void {
    if (list === this.#list) this.#places.set(id, list.length - 1);
  }

  /** A child was taken out of the list. */
  removed(list: readonly Identified[], id: string): void {
    if (list !== this.#list) return;
    this.#places.delete(id);
    this.#removals += 1;
    if (this.#removals > REMOVALS_MAX) this.#list = undefined;
  }

  #make(list: readonly Identified[]): void {
    this.#list = list;
    this.#places = new Map(list.map((child, place) => [child.spec.id, place]));
    this.#removals = 0;
  }
}
