/** Waiting for something to become true, told by events instead of by asking again and again. */

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

/** Conditions over one piece of state; whoever changes the state says so with `changed`. */
export class Condition {
  readonly #waiters = new Set<Waiter>();
  #failure: { readonly reason: unknown } | undefined;

  /** Looks at every open wait again. */
  changed(): void {
    for (const waiter of this.#waiters) {
      if (waiter.isMet()) this.#settle(waiter, waiter.resolve);
    }
  }

  /** Rejects every open and later wait with `reason`. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    for (const waiter of this.#waiters) this.#settle(waiter, () => waiter.reject(reason));
  }

  /** Resolves once `isMet` holds; with a `limit`, rejects with what `late` makes when that takes longer than `ms`. */
  async until(isMet: () => boolean, limit?: { readonly ms: number; readonly late: () => Error }): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.reason;
    if (isMet()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = limit && setTimeout(() => this.#settle(waiter, () => reject(limit.late())), limit.ms);
      const waiter: Waiter = { isMet, resolve, reject, timer };
      this.#waiters.add(waiter);
    });
  }

  #settle(waiter: Waiter, settle: () => void): void {
    this.#waiters.delete(waiter);
    clearTimeout(waiter.timer);
    settle();
  }
}
