/**
 * What a worker has promised itself to do next: gen_server's `{continue, Argument}`.
 *
 *   continueWith ──batch committed──▶ pending ──handleContinue, batch──▶ done, or pending again
 *      └── the handler throws or is killed: nothing is pending      └── it throws: the worker crashes, and it is still pending
 *
 * 1. G3: what is pending is a row of the hidden table, put there by the batch of the handler that asked for it, and taken away by the batch
 *    of `handleContinue`. A process that dies between the two leaves it to the next life.
 * 2. It runs before anything that waits. After `init`, what `init` has asked for runs first, as handlers may need what it sets up;
 *    then what a handler of a former life has.
 * 3. At most two are pending: one on behalf of `init`, which the `init` of the next life replaces, as it asks anew, and one on behalf of a
 *    handler. `handleContinue` goes on for whom it runs.
 */
import { showValue } from '@heirloom/tables';
import { decodeValue, encodeValue } from '@heirloom/wire';
import { WorkerError } from './errors.js';
import type { ContinueWith } from './handler-context.js';
import type { LifeLease } from './life-lease.js';
import type { LifeTable } from './life-table.js';

/** The most bytes of an argument, encoded: what is larger belongs into a table. */
export const CONTINUE_BYTES_MAX: number = 1024 * 1024;

/** On whose behalf something is continued. */
export type ContinueOrigin = 'init' | 'handler';

export interface Continuation {
  readonly origin: ContinueOrigin;
  readonly argument: unknown;
}

/** In the order in which they run. */
const ORIGINS: readonly ContinueOrigin[] = ['init', 'handler'];

/** What a handler of a worker without `handleContinue` has. */
export const refuseToContinue: ContinueWith = () => {
  throw problem('its definition has no handleContinue. Define one');
};

export class Continuations {
  private readonly hasHandler: boolean;
  private table: LifeTable | undefined;
  /** What is to run, as the last batch has left it. */
  private pending: readonly ContinueOrigin[] = [];
  /** Whether the handler that has begun has asked for one, or consumed one. */
  private isTouched = false;

  constructor(hasHandler: boolean) {
    this.hasHandler = hasHandler;
  }

  /** Takes what is stored; whether something is pending that this code cannot run. */
  load(table: LifeTable): boolean {
    this.table = table;
    const stored = ORIGINS.filter((origin) => table.continuation(origin) !== undefined);
    if (this.hasHandler) this.pending = stored;
    return !this.hasHandler && stored.length > 0;
  }

  get isPending(): boolean {
    return this.pending.length > 0;
  }

  /** What runs next. */
  next(): Continuation | undefined {
    const [origin] = this.pending;
    const row = origin === undefined ? undefined : this.table?.continuation(origin);
    return origin === undefined || row === undefined ? undefined : { origin, argument: decodeValue(row.argument) };
  }

  /** Takes away what runs now, with the batch of `handleContinue`. */
  consume(origin: ContinueOrigin): void {
    this.isTouched = true;
    this.table?.deleteContinuation(origin);
  }

  /** A handler begins; undefined for one that cannot go on. */
  begin(origin: ContinueOrigin | undefined, lease: LifeLease): ContinueWith {
    const { table } = this;
    if (!this.hasHandler || table === undefined) return refuseToContinue;
    let hasAsked = false;
    return (argument) => {
      lease.check('continueWith');
      if (origin === undefined) throw problem('a worker that is migrated or ends has no next handler. Do it in init');
      if (hasAsked) throw problem('this handler has asked for one. Give it all in one argument');
      const encoded = encodeArgument(argument);
      this.isTouched = true;
      table.put({ kind: 'continue', name: origin, argument: encoded });
      hasAsked = true;
    };
  }

  commit(): void {
    if (!this.isTouched) return;
    this.isTouched = false;
    this.pending = ORIGINS.filter((origin) => this.table?.continuation(origin) !== undefined);
  }

  rollback(): void {
    this.isTouched = false;
  }
}

function encodeArgument(argument: unknown): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = encodeValue(argument);
  } catch (cause) {
    // A Proxy may throw anything.
    const reason = cause instanceof Error ? cause.message : showValue(cause);
    throw problem(`its argument cannot be kept: ${reason}`, { cause });
  }
  if (bytes.length <= CONTINUE_BYTES_MAX) return bytes;
  throw problem(`its argument has ${bytes.length} bytes, and ${CONTINUE_BYTES_MAX} are the most. Put it into a table`);
}

function problem(why: string, options?: { readonly cause: unknown }): WorkerError {
  return new WorkerError('ERR_WORKER_CONTINUE', `A worker cannot continue, as ${why}.`, {}, options);
}
