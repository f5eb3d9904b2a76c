/**
 * How long one read may take, over all the questions that it needs, and the signal that ends it.
 */
import { onAbort } from '@heirloom/worker/process-url';
import { CallError } from './errors.js';
import type { Question } from './keeper-link.js';
import type { CallOptions } from './pending-call.js';
import { CALL_TIMEOUT_DEFAULT_MS } from './pending-call.js';

export class ReadDeadline {
  readonly #what: string;
  readonly #timeoutMs: number | 'infinity';
  readonly #signal: AbortSignal | undefined;
  #endsAt: number;

  /** `what` names the read in errors. */
  constructor(what: string, { timeoutMs = CALL_TIMEOUT_DEFAULT_MS, signal }: CallOptions) {
    this.#what = what;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    this.#endsAt = this.#fromNow();
  }

  get signal(): AbortSignal | undefined {
    return this.#signal;
  }

  /** Gives the whole time again: for the next page of an iteration, as its consumer may take long in between. */
  restart(): void {
    this.#endsAt = this.#fromNow();
  }

  /** Resolves with the answer. Rejects with CallError ERR_CALL_TIMEOUT or ERR_CALL_ABORTED, or as the question does. */
  wait(question: Question): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const signal = this.#signal;
      const finish = (): void => {
        question.giveUp();
        clearTimeout(timer);
        stopWaiting();
      };
      const aborted = (): void => {
        finish();
        const details = { operation: this.#what, outcome: 'none' } as const;
        const message = `The read ${this.#what} was aborted.`;
        reject(new CallError('ERR_CALL_ABORTED', message, details, { cause: signal?.reason }));
      };
      const onTimeout = (): void => {
        finish();
        const details = { operation: this.#what, outcome: 'none' } as const;
        const message = `The read ${this.#what} was not answered within ${this.#timeoutMs} ms.`;
        reject(new CallError('ERR_CALL_TIMEOUT', message, details));
      };
      const leftMs = Math.max(0, this.#endsAt - performance.now());
      const timer = this.#timeoutMs === 'infinity' ? undefined : setTimeout(onTimeout, leftMs);
      const stopWaiting = onAbort(signal, aborted);
      if (signal?.aborted === true) aborted();
      question.answer.then(resolve, reject).finally(finish);
    });
  }

  #fromNow(): number {
    return this.#timeoutMs === 'infinity' ? Number.POSITIVE_INFINITY : performance.now() + this.#timeoutMs;
  }
}
