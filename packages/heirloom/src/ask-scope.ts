/**
 * What one call has asked of other workers, or one life of a worker outside of its calls: the open questions, the kept answers, and
 * the iterations that go on.
 *
 * An iteration is named by the ordinal of the question that began it. It holds a snapshot in the keeper, so it ends with its
 * scope, when it is left, and behind its last page.
 */
import { TableError } from '@heirloom/tables';
import type { AskMessage } from '@heirloom/wire';
import { askError } from '@heirloom/worker/process-url';
import { KeptAnswers } from './kept-answers.js';
import type { RowsPage } from './table-client.js';
import type { WorkerProcess } from './worker-source.js';

/** The process that gets an answer. */
export interface Asker {
  readonly process: WorkerProcess;
  readonly requestId: number;
  /** False once its handler goes on without the answer. */
  isWaiting: boolean;
}

/** A question that is being carried out. */
export interface OpenAsk {
  readonly scope: AskScope;
  readonly message: AskMessage;
  readonly isWrite: boolean;
  /** Who gets the answer; undefined when that process is gone. */
  asker: Asker | undefined;
  /** The worker whose mailbox it waits for. */
  target: string | undefined;
  hasEdge: boolean;
}

/** An iteration over the rows of a table. */
export interface Iteration {
  readonly pages: AsyncGenerator<RowsPage>;
  /** The question that asks for the page that is being read: it is the one that waits for whom the page comes from. */
  ask: OpenAsk;
}

/** A page as it is answered: `iteration` is to be asked for the next one with, undefined behind the last. */
interface AnsweredPage {
  readonly rows: readonly unknown[];
  readonly iteration: number | undefined;
}

export class AskScope {
  readonly worker: string;
  readonly kept: KeptAnswers | undefined;
  readonly open: Map<number, OpenAsk> = new Map();
  readonly #iterations = new Map<number, Iteration>();
  #isClosed = false;

  private constructor(worker: string, kept: KeptAnswers | undefined) {
    this.worker = worker;
    this.kept = kept;
  }

  /** The scope of a call. */
  static kept(worker: string): AskScope {
    return new AskScope(worker, new KeptAnswers());
  }

  /** The scope of what is no call and only reads. */
  static unkept(worker: string): AskScope {
    return new AskScope(worker, undefined);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get hasWritten(): boolean {
    return this.kept?.hasWritten ?? false;
  }

  async firstPage(iteration: Iteration): Promise<AnsweredPage> {
    return this.#page(iteration.ask.message.ordinal, iteration);
  }

  async nextPage(number: unknown, ask: OpenAsk): Promise<AnsweredPage> {
    const iteration = typeof number === 'number' ? this.#iterations.get(number) : undefined;
    if (typeof number === 'number' && iteration !== undefined) {
      iteration.ask = ask;
      return this.#page(number, iteration);
    }
    throw askError(
      'ERR_CALL_DIVERGED',
      'none',
      ask.message,
      'goes on with an iteration that was left, or has failed. Begin again',
    );
  }

  /** No further page is wanted. */
  leave(number: number): void {
    const iteration = this.#iterations.get(number);
    if (iteration === undefined || !this.#iterations.delete(number)) return;
    void iteration.pages.return(undefined).catch(() => {}); // What it was reading is wanted by nobody.
  }

  /** The call is settled, or is to be run again as if it had asked nothing. */
  close(): void {
    this.#isClosed = true;
    for (const number of this.#iterations.keys()) this.leave(number);
  }

  async #page(number: number, iteration: Iteration): Promise<AnsweredPage> {
    this.#iterations.set(number, iteration);
    const next = await iteration.pages.next().catch((error: unknown) => {
      this.#iterations.delete(number);
      throw error;
    });
    if (next.done !== true && !next.value.isLast && !this.#isClosed) {
      return { rows: next.value.rows, iteration: number };
    }
    this.leave(number);
    if (next.done !== true) return { rows: next.value.rows, iteration: undefined };
    throw new TableError('ERR_TABLE_ARGUMENT', 'An iteration was left while its page was read.');
  }
}
