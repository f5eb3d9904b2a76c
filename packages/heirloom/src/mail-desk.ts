/**
 * The router's part in casts and dead letters: what the program casts, what is brought to the workers, and what is given up.
 *
 * 1. What changes something in the keeper is submitted, with numbers by which it happens once, whatever becomes of the keeper
 *    (keeper-link.ts).
 * 2. What was given up is a dead letter before its caller is told, if there is a keeper then or later.
 * 3. Dead letters are told by an event each, once: the keeper says that there are new ones, and a new keeper is asked. One that
 *    comes when the program dies is told to nobody; it is in the list.
 */
import { decodeError, decodeValue, encodeError, encodeValue } from '@heirloom/wire';
import type { CastsPage, LettersPage, MailMessage, Submission } from '@heirloom/wire';
import { CastFeed } from './cast-feed.js';
import type { CastFeedPorts } from './cast-feed.js';
import type { PendingCall } from './pending-call.js';
import { callFailure } from './pending-call.js';
import type { Router } from './router.js';
import { timerOf } from './timer-desk.js';
import type { WorkerSlot } from './worker-slot.js';

/** How many letters are asked for at a time. */
const LETTERS_AT_ONCE = 1_000;

export class MailDesk {
  readonly #router: Router;
  readonly #feeds = new WeakMap<WorkerSlot, CastFeed>();
  readonly #ports: CastFeedPorts;
  /** The number of the last dead letter that was told of; undefined until there is a keeper. */
  #toldLetter: number | undefined;
  #isTelling = false;
  #hasLetters = false;

  constructor(router: Router) {
    this.#router = router;
    this.#ports = {
      // The keeper's answer to casts.
      pull: (worker, after) => router.link.request({ type: 'casts', worker, after }) as Promise<CastsPage>,
      deliver: (slot, cast, settled) => {
        router.calls.deliver(slot, cast.name, cast.arguments, { id: cast.id, kind: 'cast', settled });
      },
      onFailed: (worker, err) => this.#failed(err, { worker }, 'the stored casts of a worker cannot be read'),
    };
  }

  /** What brings a worker its casts. */
  feed(slot: WorkerSlot): CastFeed {
    const feed = this.#feeds.get(slot) ?? new CastFeed(slot, this.#ports);
    this.#feeds.set(slot, feed);
    return feed;
  }

  /** A keeper is there, and says which mail was stored last; what the one before had to tell may be lost. */
  keeperReady(lastMail: number): void {
    const { tables } = this.#router;
    for (const worker of tables.workers) this.#wake(worker);
    if (this.#toldLetter === undefined) this.#toldLetter = lastMail;
    else this.#tellLetters();
  }

  /** Takes what the keeper tells. */
  told({ receivers, hasLetters }: MailMessage): void {
    for (const worker of receivers) this.#wake(worker);
    if (hasLetters) this.#tellLetters();
  }

  /**
   * Rejects a call that is poisoned, behind its becoming a dead letter. A stored cast has nobody to be told. That of a timer becomes
   * none: it is taken out by its desk. Nor does one with an idempotency key: it is made again under its key, and a letter would be
   * run beside that.
   */
  async bury(call: PendingCall): Promise<void> {
    const { calls, link } = this.#router;
    const { name, tries, argumentBytes, delivery, slot } = call;
    const what = `killed its worker ${tries} times and is not run again`;
    if (timerOf(call) !== undefined || call.outcomeKey !== undefined)
      return calls.fail(call, 'ERR_CALL_POISONED', 'none', what);
    const error = encodeValue(encodeError(callFailure(call, 'ERR_CALL_POISONED', 'none', what)));
    const worker = slot.name;
    const submission: Submission =
      delivery === undefined
        ? { kind: 'letter', worker, name, arguments: argumentBytes, error, tries }
        : { kind: 'bury', worker, id: delivery.id, error, tries };
    try {
      await link.submit(submission).answer;
    } catch (err) {
      this.#failed(err, { worker, call: name }, 'what is poisoned could not be stored as a dead letter');
    }
    calls.fail(call, 'ERR_CALL_POISONED', 'none', what);
  }

  #wake(worker: string): void {
    const slot = this.#router.tables.slot(worker);
    if (slot !== undefined) this.feed(slot).wake();
  }

  #tellLetters(): void {
    this.#hasLetters = true;
    if (this.#isTelling) return;
    this.#isTelling = true;
    void this.#tellAll()
      .catch((err: unknown) => this.#failed(err, {}, 'the new dead letters cannot be read'))
      .finally(() => {
        this.#isTelling = false;
      });
  }

  async #tellAll(): Promise<void> {
    const { link, events, logger } = this.#router;
    while (this.#hasLetters) {
      this.#hasLetters = false;
      let after: number | undefined = this.#toldLetter ?? 0;
      while (after !== undefined) {
        const asked = { type: 'letters', worker: undefined, after, limit: LETTERS_AT_ONCE, isWhole: false } as const;
        const page = (await link.request(asked)) as LettersPage; // The keeper's answer to letters.
        for (const { id, worker, name: call, kind, reason, tries, error: bytes } of page.letters) {
          this.#toldLetter = id;
          const error = decodeError(decodeValue(bytes));
          logger.error({ worker, call, kind, reason, tries, letter: id, err: error }, 'there is a new dead letter');
          events.emit('dead_letter', { id, worker, call, kind, reason, tries, error });
        }
        ({ after } = page);
      }
    }
  }

  #failed(err: unknown, fields: object, message: string): void {
    if (!this.#router.link.hasFailed) this.#router.logger.error({ ...fields, err }, message);
  }
}
