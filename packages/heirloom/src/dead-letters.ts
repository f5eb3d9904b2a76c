/**
 * The dead letters of a runtime, as the program looks through them, runs them again and deletes them.
 *
 * 1. A letter is stored: it outlives the runtime, until it is run to its end or deleted.
 * 2. G3: it is run once at a time, and is gone with the batch of the handler that returned. One that throws, or kills its worker,
 *    stays, with its tries raised and the last error.
 */
import { KeeperError } from '@heirloom/keeper/process-url';
import { decodeError, decodeValue } from '@heirloom/wire';
import type { LetterReason, LettersPage } from '@heirloom/wire';
import { CallError, WorkerReferenceError } from './errors.js';
import { checkOptionNames, wrongOption } from './option-check.js';
import type { CallOptions } from './pending-call.js';
import { checkCallOptions } from './pending-call.js';
import { ReadDeadline } from './read-deadline.js';
import type { Router } from './router.js';

/** How many letters `list` gives unless it is told. */
export const LETTERS_LISTED_DEFAULT = 100;
/** The most letters of one list: as many as there can be. */
export const LETTERS_LISTED_MAX = 10_000;

/** A call or cast that was given up. */
export interface DeadLetter {
  /** Grows with the order in which they were given up. */
  readonly id: number;
  /** The worker that it is for. */
  readonly worker: string;
  readonly call: string;
  readonly kind: 'call' | 'cast';
  /** The worker that has cast it; undefined for what the program has called or cast. */
  readonly sender: string | undefined;
  /** Its worker died whenever it ran; its handler threw (casts only: a caller is told); or the worker has no such call. */
  readonly reason: LetterReason;
  /** Of its last run. */
  readonly error: Error;
  /** How often it was run to no good end. */
  readonly tries: number;
  /** When it was given up, in milliseconds since 1970. */
  readonly at: number;
  readonly arguments: readonly unknown[];
}

/** Which dead letters are wanted. */
export interface DeadLetterSelection {
  /** Those of one worker, by its name. Default: of all, also of workers that are not in the tree any more. */
  readonly worker?: string;
  /** Default 100, at most 10,000. */
  readonly limit?: number;
  /** Those behind the one with this id. */
  readonly after?: number;
}

/**
 * What was given up: poisoned calls, and casts that were poisoned, whose handler threw, or whose receiver has no such call. At most
 * 10,000 are stored, of 256 MiB. When there are as many, nothing is dropped: a cast stays a cast, and is run again when its worker
 * is started for good again; a poisoned call has its caller to know of it; and the log says so as an error.
 */
export interface DeadLetters {
  /** The oldest first. Rejects like a read. */
  list(selection?: DeadLetterSelection, options?: CallOptions): Promise<readonly DeadLetter[]>;
  /**
   * Runs a letter again, once, and resolves with the result of its handler; then the letter is gone, in one transaction with what
   * the handler changed. Rejects like a call, and the letter stays; also with CallError ERR_CALL_LETTER_UNKNOWN, with
   * ERR_CALL_LETTER_BUSY while it is run or deleted already, and with WorkerReferenceError ERR_WORKER_UNKNOWN when its worker is
   * not in the tree.
   */
  run(id: number, options?: CallOptions): Promise<unknown>;
  /** Deletes a letter. Rejects with CallError ERR_CALL_LETTER_UNKNOWN or ERR_CALL_LETTER_BUSY. */
  delete(id: number): Promise<void>;
}

export class DeadLetterDesk implements DeadLetters {
  readonly #router: Router;
  /** Those that are run or deleted at the moment. */
  readonly #busy = new Set<number>();

  constructor(router: Router) {
    this.#router = router;
  }

  async list(selection: DeadLetterSelection = {}, options: CallOptions = {}): Promise<readonly DeadLetter[]> {
    checkCallOptions(options);
    const { worker, limit, after } = checkSelection(selection);
    const deadline = new ReadDeadline('runtime.deadLetters.list', options);
    const letters: DeadLetter[] = [];
    let next: number | undefined = after;
    while (next !== undefined && letters.length < limit) {
      const page: LettersPage = await this.#page(worker, next, limit - letters.length, deadline);
      for (const letter of page.letters) letters.push(letterOf(letter));
      next = page.after;
    }
    return letters;
  }

  async run(id: number, options: CallOptions = {}): Promise<unknown> {
    checkCallOptions(options);
    this.#take(id);
    let isHandedOver = false;
    try {
      const deadline = new ReadDeadline('runtime.deadLetters.run', options);
      const [letter] = (await this.#page(undefined, id - 1, 1, deadline)).letters;
      if (letter?.id !== id) throw unknownLetter(id);
      const { calls, tables } = this.#router;
      const slot = tables.slot(letter.worker);
      if (slot === undefined) throw unknownWorker(letter.worker, tables.workers);
      // It may still be run when its caller has given up; it is free when it is settled for good.
      const settled = (): void => void this.#busy.delete(id);
      isHandedOver = true;
      return await calls.runLetter(slot, letter.name, letter.arguments, options, { id, kind: 'letter', settled });
    } finally {
      if (!isHandedOver) this.#busy.delete(id);
    }
  }

  async delete(id: number): Promise<void> {
    this.#take(id);
    try {
      await this.#router.link.submit({ kind: 'delete', id }).answer;
    } catch (error) {
      throw error instanceof KeeperError && error.code === 'ERR_KEEPER_LETTER' ? unknownLetter(id) : error;
    } finally {
      this.#busy.delete(id);
    }
  }

  #take(id: number): void {
    if (!Number.isSafeInteger(id) || id < 1) throw wrongOption('id of a dead letter', id, 'must be one that list gave');
    if (this.#busy.has(id)) {
      const message = `The dead letter ${id} is being run or deleted. Wait for that.`;
      throw new CallError('ERR_CALL_LETTER_BUSY', message, { letter: id, outcome: 'none' });
    }
    this.#busy.add(id);
  }

  async #page(worker: string | undefined, after: number, limit: number, deadline: ReadDeadline): Promise<LettersPage> {
    const question = this.#router.link.ask({ type: 'letters', worker, after, limit, isWhole: true });
    return (await deadline.wait(question)) as LettersPage; // The keeper's answer to letters.
  }
}

function letterOf(stored: LettersPage['letters'][number]): DeadLetter {
  const { id, worker, name: call, kind, sender, reason, tries, at } = stored;
  const error = decodeError(decodeValue(stored.error));
  const bySender = sender === undefined || sender === '' ? undefined : sender;
  return { id, worker, call, kind, sender: bySender, reason, error, tries, at, arguments: argumentsOf(stored) };
}

/** What a hostile worker has cast may be no list of arguments. */
function argumentsOf({ arguments: bytes }: { readonly arguments: Uint8Array }): readonly unknown[] {
  try {
    const value = decodeValue(bytes);
    return Array.isArray(value) ? value : [bytes];
  } catch {
    return [bytes];
  }
}

function checkSelection(selection: DeadLetterSelection): Required<Omit<DeadLetterSelection, 'worker'>> & {
  readonly worker: string | undefined;
} {
  checkOptionNames('deadLetters.list', selection, ['worker', 'limit', 'after']);
  const { worker, limit = LETTERS_LISTED_DEFAULT, after = 0 } = selection;
  if (worker !== undefined && typeof worker !== 'string') throw wrongOption('worker', worker, 'must be a name');
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > LETTERS_LISTED_MAX)
    throw wrongOption('limit', limit, `must be a whole number from 1 to ${LETTERS_LISTED_MAX}`);
  if (!Number.isSafeInteger(after) || after < 0) throw wrongOption('after', after, 'must be the id of a dead letter');
  return { worker, limit, after };
}

function unknownLetter(id: number): CallError {
  const message = `There is no dead letter ${id}: it was run to its end, deleted, or never there. List them.`;
  return new CallError('ERR_CALL_LETTER_UNKNOWN', message, { letter: id, outcome: 'none' });
}

function unknownWorker(worker: string, workers: readonly string[]): WorkerReferenceError {
  const message = `The dead letter is for worker ${worker}, which is not in this runtime. It has: ${workers.join(', ')}.`;
  return new WorkerReferenceError('ERR_WORKER_UNKNOWN', message, { worker });
}
