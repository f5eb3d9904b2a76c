/**
 * A worker's table seen from the embedding process.
 *
 * Reads of a table with an heir are answered by the keeper from released state, whatever its owner does (G8); reads of a table
 * that survives nothing, and all writes, are calls to the owner. Who may do what is decided where the data is (G12): this
 * object only sends what it is asked for.
 *
 * A write goes to whoever owns the table when it is sent. One that meets a worker that has given it away or lost it changes
 * nothing there (ERR_TABLE_OWNER); then the keeper is asked for a sign of life, before which it tells of every move, and
 * the present owner is called. So a write happens once, also across a move (G3).
 */
import { TableError, checkSelectOptions, showValue } from '@heirloom/tables';
import type { TableDeclaration } from '@heirloom/wire';
import { REMOTE_READS, REMOTE_WRITES, TABLE_CALL_PREFIX } from '@heirloom/worker/process-url';
import type { Question } from './keeper-link.js';
import type { CallOptions } from './pending-call.js';
import { CALL_TIMEOUT_DEFAULT_MS } from './pending-call.js';
import { CallError } from './errors.js';
import type { Router } from './router.js';
import type { WorkerSlot } from './worker-slot.js';

const READS: ReadonlySet<string> = new Set(REMOTE_READS);
const WRITES: ReadonlySet<string> = new Set(REMOTE_WRITES);
/** How many rows `rows()` asks for at a time. */
export const ROWS_PAGE_DEFAULT = 500;
/** How often a write follows a table that moves on before it gives up: a table that goes in circles is a mistake. */
export const OWNER_TRIES_MAX = 16;
const SELECT_OPTIONS: readonly string[] = ['where', 'limit', 'reverse', 'after'];

type Operation = (...operationArguments: unknown[]) => unknown;

export class TableClient {
  readonly #router: Router;
  readonly #slot: WorkerSlot;
  readonly #name: string;
  readonly #options: CallOptions;

  constructor(router: Router, slot: WorkerSlot, name: string, options: CallOptions) {
    this.#router = router;
    this.#slot = slot;
    this.#name = name;
    this.#options = options;
  }

  /** The operation of this name; undefined when there is none. */
  operation(name: string): Operation | undefined {
    if (READS.has(name)) return (...operationArguments) => this.#read(name, operationArguments);
    if (WRITES.has(name)) return (...operationArguments) => this.#write(name, operationArguments);
    if (name === 'rows') return (options) => this.#rows(options);
    if (name === 'rename') return (newName) => this.#rename(newName);
    return undefined;
  }

  async #read(operation: string, operationArguments: readonly unknown[]): Promise<unknown> {
    const { survives } = this.#declaration();
    if (operation === 'select') checkSelectOptions(operationArguments[0], SELECT_OPTIONS);
    if (survives === 'nothing') return this.#write(operation, operationArguments);
    const question = this.#router.link.ask({
      type: 'read',
      worker: this.#slot.name,
      table: this.#name,
      operation,
      arguments: operationArguments,
    });
    return withDeadline(question, `${this.#slot.name}.tables.${this.#name}.${operation}`, this.#options);
  }

  async #write(operation: string, operationArguments: readonly unknown[]): Promise<unknown> {
    this.#declaration();
    const { timeoutMs = CALL_TIMEOUT_DEFAULT_MS } = this.#options;
    const endAt = timeoutMs === 'infinity' ? Infinity : performance.now() + timeoutMs;
    for (let tries = 1; ; tries++) {
      const owner = this.#router.tables.ownerOf(this.#slot, this.#name);
      try {
        return await this.#callOwner(owner, operation, operationArguments, endAt);
      } catch (error) {
        if (tries === OWNER_TRIES_MAX || !isElsewhere(error)) throw error;
        await this.#router.link.request({ type: 'barrier' });
        const isUnmoved = this.#router.tables.ownerOf(this.#slot, this.#name) === owner;
        if (isUnmoved && !(error instanceof TableError)) throw error;
      }
    }
  }

  async #callOwner(
    owner: WorkerSlot,
    operation: string,
    operationArguments: readonly unknown[],
    endAt: number,
  ): Promise<unknown> {
    const timeoutMs = endAt === Infinity ? 'infinity' : Math.max(1, endAt - performance.now());
    // A table that is not its worker's own is named with the worker that declares it.
    const name = owner === this.#slot ? this.#name : [this.#slot.name, this.#name];
    const call = this.#router.calls.call(owner, TABLE_CALL_PREFIX + operation, [name, ...operationArguments], {
      ...this.#options,
      timeoutMs,
    });
    try {
      return await call;
    } catch (error) {
      // What the table said is what its user wants to see.
      if (error instanceof CallError && error.cause instanceof TableError) throw error.cause;
      throw error;
    }
  }

  async #rename(name: unknown): Promise<void> {
    this.#declaration();
    if (typeof name !== 'string') {
      throw new TableError('ERR_TABLE_ARGUMENT', `A table's name is a string, not ${showValue(name)}.`);
    }
    const { name: worker } = this.#slot;
    const question = this.#router.link.ask({ type: 'rename', worker, table: this.#name, name });
    await withDeadline(question, `${worker}.tables.${this.#name}.rename`, this.#options);
  }

  async *#rows(options: unknown = {}): AsyncGenerator {
    checkSelectOptions(options, ['where', 'pageRows']);
    const { where, pageRows = ROWS_PAGE_DEFAULT } = options as RowsOptions; // Both are checked where they are used.
    let after: unknown;
    do {
      const selection = { where, limit: pageRows, after };
      const page = (await this.#read('select', [selection])) as { rows: readonly unknown[]; after?: unknown }; // A page of the keeper or owner.
      yield* page.rows;
      ({ after } = page);
    } while (after !== undefined);
  }

  #declaration(): TableDeclaration {
    const declaration = this.#slot.table(this.#name);
    if (declaration !== undefined) return declaration;
    const names = this.#slot.definition?.tables.map(({ name }) => name).join(', ');
    throw new TableError(
      'ERR_TABLE_ARGUMENT',
      `Worker ${this.#slot.name} has no table ${JSON.stringify(this.#name)}; it has ${names === '' ? 'none' : names}.`,
      { worker: this.#slot.name, table: this.#name },
    );
  }
}

/** Whether a write left no trace where it was sent, as the table is not there, or not any more. */
function isElsewhere(error: unknown): boolean {
  if (error instanceof TableError) return error.code === 'ERR_TABLE_OWNER';
  return error instanceof CallError && error.code === 'ERR_CALL_STOPPED' && error.outcome === 'none';
}

interface RowsOptions {
  readonly where?: unknown;
  readonly pageRows?: number;
}

/** The answer to a question within its time; rejects with CallError ERR_CALL_TIMEOUT or ERR_CALL_ABORTED. */
export function withDeadline(question: Question, what: string, options: CallOptions): Promise<unknown> {
  const { timeoutMs = CALL_TIMEOUT_DEFAULT_MS, signal } = options;
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      question.giveUp();
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => {
      finish();
      const details = { operation: what, outcome: 'none' } as const;
      reject(new CallError('ERR_CALL_ABORTED', `The read ${what} was aborted.`, details, { cause: signal?.reason }));
    };
    const onTimeout = (): void => {
      finish();
      const details = { operation: what, outcome: 'none' } as const;
      reject(new CallError('ERR_CALL_TIMEOUT', `The read ${what} was not answered within ${timeoutMs} ms.`, details));
    };
    const timer = timeoutMs === 'infinity' ? undefined : setTimeout(onTimeout, timeoutMs);
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    question.answer.then(resolve, reject).finally(finish);
  });
}
