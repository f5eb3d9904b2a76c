/**
 * What one call has asked of other workers, or one life of a worker outside of its calls: the open questions, the kept answers, and
 * the iterations that go on.
 *
 * An iteration is named by the ordinal of the question that began it. It holds a snapshot in the keeper, so it ends with its
 * scope, when it is left, and behind its last page.
 */
import { TableError } from '@heirloom/tables';
import type { AskMessage } from '@heirloom/wire';
import { CallError } from './errors.js';
import { KeptAnswers } from './kept-answers.js';
import type { RowsPage } from './table-client.js';
import type { WorkerProcess } from './worker-source.js';

/** A question that is being carried out. */
export interface OpenAsk {
  readonly scope: AskScope;
  readonly message: AskMessage;
  readonly isWrite: boolean;
  /** Who gets the answer; undefined when that process is gone. */
  asker: { readonly process: WorkerProcess; readonly requestId: number } | undefined;
  /** The worker whose mailbox it waits for. */
  target: string | undefined;
  hasEdge: boolean;
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
  readonly #iterations = new Map<number, AsyncGenerator<RowsPage>>();
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

  async firstPage(ordinal: number, pages: AsyncGenerator<RowsPage>): Promise<AnsweredPage> {
    return this.#page(ordinal, pages);
  }

  async nextPage(iteration: unknown, { worker, table }: AskMessage): Promise<AnsweredPage> {
    const pages = typeof iteration === 'number' ? this.#iterations.get(iteration) : undefined;
    if (typeof iteration === 'number' && pages !== undefined) return this.#page(iteration, pages);
    const message = `An iteration over table ${table} of worker ${worker} was left, or has failed. Begin again.`;
    throw new CallError('ERR_CALL_DIVERGED', message, { worker, table, outcome: 'none' });
  }

  /** No further page is wanted. */
  leave(iteration: number): void {
    const pages = this.#iterations.get(iteration);
    if (pages === undefined || !this.#iterations.delete(iteration)) return;
    void pages.return(undefined).catch(() => {}); // What it was reading is wanted by nobody.
  }

  /** The call is settled, or is to be run again as if it had asked nothing. */
  close(): void {
    this.#isClosed = true;
    for (const iteration of this.#iterations.keys()) this.leave(iteration);
  }

  async #page(iteration: number, pages: AsyncGenerator<RowsPage>): Promise<AnsweredPage> {
    this.#iterations.set(iteration, pages);
    const next = await pages.next().catch((error: unknown) => {
      this.#iterations.delete(iteration);
      throw error;
    });
    if (next.done !== true && !next.value.isLast && !this.#isClosed) return { rows: next.value.rows, iteration };
    this.leave(iteration);
    if (next.done !== true) return { rows: next.value.rows, iteration: undefined };
    throw new TableError('ERR_TABLE_ARGUMENT', 'An iteration was left while its page was read.');
  }
}
