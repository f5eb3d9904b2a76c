/**
 * A watch of a table: an async iterator over its released changes, which asks the keeper for a page whenever it has none left.
 *
 *   (from 'start') image ─▶ … ─▶ image ─▶ follow ◀─▶ wait        (from 'now', a position) follow ◀─▶ wait
 *      any of them ─▶ ended: return(), the signal, an error, the end of the runtime
 *
 * Invariants
 * 1. Each batch behind the beginning is given once, in the order of LSNs, none left out: a page begins where the one before
 *    ended, whichever keeper gives it, and a keeper that cannot go on from there refuses.
 * 2. G9: it holds one page. Nothing is asked while the consumer is busy, and the keeper keeps nothing for it.
 * 3. After it has ended it holds neither request nor listener, and nothing is given any more. A pending `next` ends too.
 * 4. No wake-up is lost: one that comes while a page is asked for counts as soon as that page is empty, and a new keeper is asked
 *    anew. The keeper sends none before it was asked and had nothing.
 * 5. With 'start', what changes while the rows are read is given behind them (change-reader.ts in the keeper says why that
 *    suffices); until that is done batches say that they are not consistent.
 */
import { KeeperError } from '@heirloom/keeper/process-url';
import type { AnyTableDefinition, ReleasedBatch, ReleasedPosition } from '@heirloom/tables';
import { RowCodec } from '@heirloom/wire';
import type { ChangesPage, ImagePage, KeeperRequest, RowForm } from '@heirloom/wire';
import { onAbort } from '@heirloom/worker/process-url';
import { CallError } from './errors.js';
import type { KeeperLink } from './keeper-link.js';
import { releasedChanges } from './released-change.js';
import type { WatchStart } from './watch-options.js';
import type { Watcher } from './watch-desk.js';

type Batch = ReleasedBatch<AnyTableDefinition>;
type Result = IteratorResult<Batch, undefined>;

/** A batch that was received and is not decoded yet; one without a record changes nothing. */
interface HeldBatch extends ReleasedPosition {
  readonly record: Uint8Array | undefined;
  readonly form: RowForm;
  readonly isConsistent: boolean;
}

export interface TableWatchOptions {
  readonly worker: string;
  readonly table: string;
  readonly from: WatchStart;
  /** Any of them ends the watch. */
  readonly signals: readonly AbortSignal[];
}

export class TableWatch implements AsyncIterableIterator<Batch>, Watcher {
  readonly worker: string;
  readonly table: string;
  readonly #link: KeeperLink;
  readonly #options: TableWatchOptions;
  /** Behind which the next page begins; undefined until the present one is known, or the first rows are. */
  #position: { readonly timeline: number | undefined; readonly lsn: number } | undefined;
  /** While rows are read: where the next ones begin. */
  #image: { readonly after: Uint8Array | undefined } | undefined;
  /** The LSN from which on what was given is consistent. */
  #consistentLsn = 0;
  #held: HeldBatch[] = [];
  #codec = new RowCodec();
  #isWoken = false;
  /** Ends the wait for a page, or for changes. */
  #interrupt: (() => void) | undefined;
  #wakeUp: (() => void) | undefined;
  #end: { error: Error | undefined } | undefined;
  /** The end of what was asked of it so far: it does one thing at a time. */
  #tail: Promise<unknown> = Promise.resolve();
  /** Whether the runtime was over before it began. */
  readonly #isLate: boolean;

  constructor(link: KeeperLink, options: TableWatchOptions) {
    this.#link = link;
    this.#options = options;
    this.worker = options.worker;
    this.table = options.table;
    this.#isLate = link.hasFailed;
    if (options.from === 'start') this.#image = { after: undefined };
    else if (options.from !== 'now') this.#position = options.from;
    // At once, as what is released from now on belongs to it.
    else this.#tail = this.#fetch();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    const result = this.#tail.then(() => this.#advance());
    this.#tail = result.catch(() => undefined);
    return result;
  }

  return(): Promise<Result> {
    this.#stop(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  wake(): void {
    this.#isWoken = true;
    this.#wakeUp?.();
  }

  fail(error: Error): void {
    const isClosed = (error as { code?: unknown }).code === 'ERR_RUNTIME_CLOSED';
    this.#stop(isClosed && !this.#isLate ? undefined : error);
  }

  async #advance(): Promise<Result> {
    for (;;) {
      this.#checkSignals();
      if (this.#end !== undefined) return this.#finish(this.#end);
      const batch = this.#held.shift();
      if (batch === undefined) await this.#fetch();
      else return { done: false, value: this.#decode(batch) };
    }
  }

  /** Throws the error that ended it once, as generators do. */
  #finish(end: { error: Error | undefined }): Result {
    const { error } = end;
    end.error = undefined;
    if (error !== undefined) throw error;
    return { done: true, value: undefined };
  }

  #stop(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#held = [];
    this.#interrupt?.();
    this.#wakeUp?.();
  }

  #checkSignals(): void {
    const aborted = this.#options.signals.find((signal) => signal.aborted);
    if (aborted === undefined) return;
    const details = { worker: this.worker, table: this.table, outcome: 'none' } as const;
    const message = `The watch of ${this.worker}.tables.${this.table} was aborted.`;
    this.#stop(new CallError('ERR_CALL_ABORTED', message, details, { cause: aborted.reason }));
  }

  /** Gets a page, or waits until there may be one. What goes wrong ends the watch. */
  async #fetch(): Promise<void> {
    const { signals } = this.#options;
    const waits = signals.map((signal) => onAbort(signal, () => this.#checkSignals()));
    try {
      this.#checkSignals();
      if (this.#end !== undefined) return;
      this.#link.watches.join(this);
      if (this.#image === undefined) await this.#follow();
      else await this.#read(this.#image.after);
    } catch (error) {
      this.fail(error as Error); // Everything that is thrown here is an Error.
    } finally {
      this.#link.watches.leave(this);
      for (const stopWaiting of waits) stopWaiting();
    }
  }

  async #follow(): Promise<void> {
    const { worker, table } = this;
    const { timeline, lsn } = this.#position ?? { timeline: undefined, lsn: undefined };
    this.#isWoken = false;
    const page = (await this.#ask({ type: 'changes', worker, table, timeline, lsn })) as ChangesPage | undefined; // What the keeper answers.
    if (page === undefined) return;
    this.#position = page;
    this.#codec = new RowCodec(page.shapes);
    const firstConsistent = this.#consistentLsn;
    for (const { lsn: at, record } of page.batches) this.#hold(page, at, record, at >= firstConsistent);
    const last = page.batches.at(-1)?.lsn ?? 0;
    if (page.lsn >= firstConsistent) {
      if (last < firstConsistent) this.#hold(page, page.lsn, undefined, true);
      this.#consistentLsn = 0;
    }
    if (lsn !== undefined && this.#held.length === 0) await this.#sleep();
  }

  async #read(after: Uint8Array | undefined): Promise<void> {
    const { worker, table } = this;
    const page = (await this.#ask({ type: 'image', worker, table, after })) as ImagePage | undefined; // What the keeper answers.
    if (page === undefined) return;
    const begin = this.#position ?? { timeline: page.timeline, lsn: page.lsn };
    if (begin.timeline !== page.timeline) throw this.#otherTimeline(begin.timeline, page.timeline);
    this.#position = begin;
    this.#codec = new RowCodec(page.shapes);
    const isConsistent = page.after === undefined && page.lsn === begin.lsn;
    this.#hold(page, begin.lsn, page.record, isConsistent);
    this.#image = page.after === undefined ? undefined : { after: page.after };
    this.#consistentLsn = isConsistent ? 0 : page.lsn;
  }

  #hold(
    { timeline, form }: ChangesPage | ImagePage,
    lsn: number,
    record: Uint8Array | undefined,
    isConsistent: boolean,
  ): void {
    this.#held.push({ timeline, lsn, record, form, isConsistent });
  }

  #decode({ timeline, lsn, record, form, isConsistent }: HeldBatch): Batch {
    try {
      const changes = record === undefined ? [] : releasedChanges(record, this.#codec, form);
      return { timeline, lsn, changes, isConsistent };
    } catch (error) {
      this.#stop(undefined);
      throw error;
    }
  }

  /** Undefined when the watch ended first. */
  #ask(request: KeeperRequest): Promise<unknown> {
    const question = this.#link.ask(request);
    return new Promise((resolve, reject) => {
      this.#interrupt = () => {
        this.#interrupt = undefined;
        question.giveUp();
        resolve(undefined);
      };
      question.answer.then(resolve, reject).finally(() => (this.#interrupt = undefined));
    });
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isWoken || this.#end !== undefined) return resolve();
      this.#wakeUp = () => {
        this.#wakeUp = undefined;
        resolve();
      };
    });
  }

  #otherTimeline(timeline: number | undefined, current: number): KeeperError {
    const message = `The rows of ${this.worker}.tables.${this.table} were begun in timeline ${timeline} of the store, which is now in ${current}. Begin again.`;
    return new KeeperError('ERR_KEEPER_CURSOR', message, { timeline, current });
  }
}
