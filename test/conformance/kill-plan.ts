/**
 * When a sequence's worker is killed, and who runs each of its steps: all from one seed and the sequence's id, so that a
 * sequence is replayed alike with others and alone.
 */
import { SeededRandom } from '../support/random.js';

/** When a kill happens at a step: before it is sent, some time after, or once it is answered. */
export interface KillMoment {
  /** Which of the sequence's kills it is, counted from 1. */
  readonly number: number;
  readonly when: 'before' | 'during' | 'after';
  /** How long after the step was sent, in milliseconds. */
  readonly delayMs: number;
}

/** A step takes about one millisecond; a kill that comes later than this would be one after it. */
const DELAY_MS_MAX = 2;

export class KillPlan {
  readonly #moments = new Map<number, KillMoment>();
  readonly #isRemote: readonly boolean[];

  /** Plans at most `kills` kills, at steps of their own. */
  constructor(seed: number, id: number | string, steps: number, kills: number) {
    const random = new SeededRandom(mixed(seed, String(id)));
    this.#isRemote = Array.from({ length: steps }, () => random.next() < 0.5);
    const chosen = new Set<number>();
    while (chosen.size < Math.min(kills, steps)) chosen.add(random.integer(0, steps - 1));
    for (const [index, step] of [...chosen].sort((a, b) => a - b).entries()) {
      const when = random.pick(['before', 'during', 'during', 'after'] as const);
      this.#moments.set(step, { number: index + 1, when, delayMs: random.next() * DELAY_MS_MAX });
    }
  }

  /** The kill at a step, if there is one; steps are counted from 0. */
  momentAt(step: number): KillMoment | undefined {
    return this.#moments.get(step);
  }

  /** Whether a step is an operation of a handle; otherwise it is a call whose handler does it. */
  isRemote(step: number): boolean {
    return this.#isRemote[step] ?? false;
  }
}

/** FNV-1a over the id, from the seed on. */
function mixed(seed: number, id: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (const character of id) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}
