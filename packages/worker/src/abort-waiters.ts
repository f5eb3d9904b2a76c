/**
 * Who waits for an AbortSignal: all of them by one listener.
 *
 * A program gives one signal to thousands of calls and reads. Node warns of a leak at the eleventh listener of a signal, and
 * looks through all of them whenever one is added or removed.
 *
 * 1. Each waiter is told once, in the order in which they began to wait, unless it has stopped waiting before.
 * 2. A signal that nobody waits for has no listener.
 */

type Waiter = () => void;

/** By signal, while somebody waits for it. */
const waiters = new WeakMap<AbortSignal, AbortWaiters>();

class AbortWaiters {
  readonly #signal: AbortSignal;
  /** In the order of their beginning; each has a key of its own, as one function may wait twice. */
  readonly #waiting = new Map<object, Waiter>();
  readonly #listener = (): void => {
    this.#let();
    for (const [key, waiter] of this.#waiting) {
      this.#waiting.delete(key);
      waiter();
    }
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#listener, { once: true });
  }

  add(waiter: Waiter): () => void {
    const key = {};
    this.#waiting.set(key, waiter);
    return () => {
      if (this.#waiting.delete(key) && this.#waiting.size === 0) this.#let();
    };
  }

  #let(): void {
    this.#signal.removeEventListener('abort', this.#listener);
    if (waiters.get(this.#signal) === this) waiters.delete(this.#signal);
  }
}

/** Calls `waiter` when the signal is aborted from now on; returns what ends the wait. */
export function onAbort(signal: AbortSignal | undefined, waiter: Waiter): () => void {
  if (signal === undefined) return () => {};
  const present = waiters.get(signal) ?? new AbortWaiters(signal);
  waiters.set(signal, present);
  return present.add(waiter);
}
