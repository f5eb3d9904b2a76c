/**
 * A worker's table seen from outside of it: for the embedding process, and for what handlers of other workers ask (ask-desk.ts).
 *
 * 1. Reads of a table with an heir are answered by the keeper from released state, whatever its owner does (G8); reads of a
 *    table that survives nothing, and all writes, are calls to the owner. Who may do what is decided where the data is (G12):
 *    this object only sends what it is asked for.
 * 2. Every answer shows one moment. A selection of many rows comes from the keeper in pages of one snapshot; when that is lost,
 *    as with its keeper, a selection that has handed out nothing begins again, and an iteration says so.
 * 3. A snapshot is ended as soon as nobody wants its rows any more: at the end, at `return()`, at an error, when the signal is
 *    aborted.
 * 4. A write goes to whoever owns the table when it is sent. One that meets a worker that has given it away or lost it changes
 *    nothing there (ERR_TABLE_OWNER); then the keeper is asked for a sign of life, before which it tells of every move, and
 *    the present owner is called. So a write happens once, also across a move (G3).
 * 5. Whoever must know which worker is waited for is told before each call of an owner, and may refuse it.
 */
import { KeeperError, SELECTION_OPERATIONS } from '@heirloom/keeper/process-url';
import { TableError, showValue } from '@heirloom/tables';
import { encodeValue } from '@heirloom/wire';
import type { SnapshotPage, TableDeclaration } from '@heirloom/wire';
import { WorkerError } from '@heirloom/worker';
import { REMOTE_READS, REMOTE_WRITES, TABLE_CALL_PREFIX, onAbort } from '@heirloom/worker/process-url';
import { CallError } from './errors.js';
import { CALL_TIMEOUT_DEFAULT_MS } from './pending-call.js';
import type { CallOptions } from './pending-call.js';
import { ReadDeadline } from './read-deadline.js';
import type { Router } from './router.js';
import { ROWS_PAGE_MAX, rowsOptions } from './rows-options.js';
import { TableWatch } from './table-watch.js';
import { checkWatchOptions } from './watch-options.js';
import type { WorkerSlot } from './worker-slot.js';

const READS: ReadonlySet<string> = new Set(REMOTE_READS);
const WRITES: ReadonlySet<string> = new Set(REMOTE_WRITES);
/** How often a selection begins whose keepers are gone before it ends. */
export const SELECTION_TRIES_MAX = 5;
/** How often a write follows a table that moves on before it gives up: a table that goes in circles is a mistake. */
export const OWNER_TRIES_MAX = 16;

type Operation = (...operationArguments: unknown[]) => unknown;

interface Page {
  readonly rows: readonly unknown[];
  readonly after?: unknown;
}

/** Some rows of an iteration. */
export interface RowsPage {
  readonly rows: readonly unknown[];
  readonly isLast: boolean;
}

/** A worker whose handler asks. */
export interface Asker {
  readonly worker: string;
  /** Told that an operation waits for the mailbox of a worker; what it returns is called when it does not any more. */
  readonly waits: (owner: string) => () => void;
  /** Told how many bytes the rows of a selection have so far, encoded; throws when they are too many. */
  readonly takes: (bytes: number) => void;
}

export class TableClient {
  readonly #router: Router;
  readonly #slot: WorkerSlot;
  readonly #name: string;
  readonly #options: CallOptions;
  /** Undefined for the embedding process. */
  readonly #asker: Asker | undefined;

  constructor(router: Router, slot: WorkerSlot, name: string, options: CallOptions, asker?: Asker) {
    this.#router = router;
    this.#slot = slot;
    this.#name = name;
    this.#options = options;
    this.#asker = asker;
  }

  /** The operation of this name; undefined when there is none. */
  operation(name: string): Operation | undefined {
    if (READS.has(name)) return (...operationArguments) => this.#read(name, operationArguments);
    if (WRITES.has(name)) return (...operationArguments) => this.#write(name, operationArguments);
    if (name === 'rows') return (options) => this.#rows(options);
    if (name === 'watch') return (options) => this.#watch(options);
    if (name === 'rename') return (newName) => this.#rename(newName);
    return undefined;
  }

  async #read(operation: string, operationArguments: readonly unknown[]): Promise<unknown> {
    if (!this.#isStored()) return this.#write(operation, operationArguments);
    const deadline = this.#deadline(operation);
    if (SELECTION_OPERATIONS.has(operation)) return this.#selection(operation, operationArguments, deadline);
    return this.#ask(operation, operationArguments, deadline);
  }

  #deadline(operation: string): ReadDeadline {
    return new ReadDeadline(`${this.#slot.name}.tables.${this.#name}.${operation}`, this.#options);
  }

  async #ask(
    operation: string,
    operationArguments: readonly unknown[],
    deadline: ReadDeadline,
    snapshot?: SnapshotPage,
  ): Promise<unknown> {
    const question = this.#router.link.ask({
      type: 'read',
      worker: this.#slot.name,
      table: this.#name,
      operation,
      arguments: operationArguments,
      snapshot,
    });
    return deadline.wait(question);
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
    const timeoutMs = endAt === Infinity ? 'infinity' : Math.max(1, Math.ceil(endAt - performance.now()));
    // A table that is not its worker's own is named with the worker that declares it.
    const name = owner === this.#slot ? this.#name : [this.#slot.name, this.#name];
    const isNested = this.#asker !== undefined;
    const done = this.#asker?.waits(owner.name);
    const call = this.#router.calls.call(
      owner,
      TABLE_CALL_PREFIX + operation,
      [name, ...operationArguments],
      { ...this.#options, timeoutMs },
      isNested,
    );
    try {
      return await call;
    } catch (error) {
      // What the table said is what its user wants to see.
      if (error instanceof CallError && error.cause instanceof TableError) throw error.cause;
      if (error instanceof CallError && isTooLarge(error.cause)) throw this.#tooLarge(operation, error.cause);
      throw error;
    } finally {
      done?.();
    }
  }

  async #rename(name: unknown): Promise<void> {
    this.#declaration();
    if (typeof name !== 'string') {
      throw new TableError('ERR_TABLE_ARGUMENT', `A table's name is a string, not ${showValue(name)}.`);
    }
    const { name: worker } = this.#slot;
    const question = this.#router.link.ask({
      type: 'rename',
      worker,
      table: this.#name,
      name,
      by: this.#asker?.worker,
    });
    await this.#deadline('rename').wait(question);
  }

  /** All rows of a selection, of one moment. */
  async #selection(operation: string, operands: readonly unknown[], deadline: ReadDeadline): Promise<unknown[]> {
    for (let tries = 1; ; tries++) {
      const rows: unknown[] = [];
      let bytes = 0;
      try {
        for await (const page of this.#pages(operation, operands, ROWS_PAGE_MAX, deadline)) {
          // What is one page is measured as the answer that it is.
          if (this.#asker !== undefined && (rows.length > 0 || !page.isLast)) {
            this.#asker.takes((bytes += encodeValue(page.rows).length));
          }
          for (const row of page.rows) rows.push(row);
        }
        return rows;
      } catch (error) {
        // Nobody has seen a row yet.
        if (!isSnapshotLost(error) || tries === SELECTION_TRIES_MAX) throw error;
      }
    }
  }

  /** The pages of a selection, of one snapshot. */
  async *#pages(
    operation: string,
    operands: readonly unknown[],
    rowsMax: number,
    deadline: ReadDeadline,
  ): AsyncGenerator<RowsPage> {
    const { link } = this.#router;
    const id = link.nextSnapshotId();
    const end = (): void => link.endSnapshot(id);
    let after: unknown;
    let isOver = false;
    const stopWaiting = onAbort(deadline.signal, end);
    try {
      do {
        const page = (await this.#ask(operation, operands, deadline, { id, after, rowsMax })) as Page; // A page of the keeper.
        ({ after } = page);
        isOver = after === undefined;
        yield { rows: page.rows, isLast: isOver };
      } while (!isOver);
    } finally {
      stopWaiting();
      if (!isOver) end();
    }
  }

  async *#rows(given: unknown): AsyncGenerator {
    for await (const page of this.pages(given)) yield* page.rows;
  }

  /** The pages that `rows` reads, each when it is asked for. */
  async *pages(given: unknown): AsyncGenerator<RowsPage> {
    const options = rowsOptions(given);
    const isStored = this.#isStored();
    const { where, fields } = options;
    const selection = { ...(where === undefined ? {} : { where }), ...(fields === undefined ? {} : { fields }) };
    if (!options.isStable) {
      yield* this.#passingPages(selection, options.pageRows);
    } else if (!isStored) {
      // Rows, as the owner selected them.
      yield { rows: (await this.#write('select', [selection])) as readonly unknown[], isLast: true };
    } else {
      const deadline = this.#deadline('rows');
      for await (const page of this.#pages('select', [selection], options.pageRows, deadline)) {
        yield page;
        deadline.restart();
      }
    }
  }

  /** Pages that are each as of their own moment. */
  async *#passingPages(selection: object, limit: number): AsyncGenerator<RowsPage> {
    let after: unknown;
    do {
      const page = (await this.#read('selectPage', [{ ...selection, limit, after }])) as Page; // A page of the keeper or owner.
      ({ after } = page);
      yield { rows: page.rows, isLast: after === undefined };
    } while (after !== undefined);
  }

  #watch(options: unknown): TableWatch {
    const declaration = this.#declaration();
    const { from, signal } = checkWatchOptions(options);
    if (declaration.keepBytes === undefined) {
      const message = `Table ${this.#name} of worker ${this.#slot.name} keeps no changes. Declare it with watch: true.`;
      throw new TableError('ERR_TABLE_UNWATCHED', message, { worker: this.#slot.name, table: this.#name });
    }
    const signals = [signal, this.#options.signal].flatMap((one) => (one === undefined ? [] : [one]));
    return new TableWatch(this.#router.link, { worker: this.#slot.name, table: this.#name, from, signals });
  }

  #tooLarge(operation: string, cause: WorkerError): TableError {
    const message =
      `What ${this.#slot.name}.tables.${this.#name}.${operation} asks for does not fit into an answer. Nothing was changed. ` +
      'Ask for less, or in pages: selectPage, or rows({ isStable: false }).';
    return new TableError('ERR_TABLE_LIMIT', message, { ...cause.details, table: this.#name }, { cause });
  }

  /** Whether the keeper answers reads. It is asked for what a worker has that was never started here: it knows what is stored. */
  #isStored(): boolean {
    return this.#slot.definition === undefined || this.#declaration().survives !== 'nothing';
  }

  #declaration(): TableDeclaration {
    const declaration = this.#slot.table(this.#name);
    if (declaration !== undefined) return declaration;
    const names = this.#slot.tables.map(({ name }) => name).join(', ');
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

function isTooLarge(error: unknown): error is WorkerError {
  return error instanceof WorkerError && error.code === 'ERR_WORKER_RESULT_LIMIT';
}

function isSnapshotLost(error: unknown): boolean {
  return error instanceof KeeperError && error.code === 'ERR_KEEPER_SNAPSHOT';
}
