/**
 * The stored casts and dead letters, and how they change, inside of the transactions of batches and submissions.
 *
 *   made ──▶ stored ──handler returns──▶ gone
 *              ├──handler throws, or there is none──▶ dead letter ──run again, returns──▶ gone
 *              └──kills its worker again and again──▶ dead letter      └─throws or kills──▶ stays, with more tries
 *   a call that kills its worker again and again ───▶ dead letter ──deleted──▶ gone
 *
 * Invariants
 * 1. G2, G3: a cast is there from the commit of the batch that made it until the commit of the batch of its handler, and in each
 *    moment as a cast or as a letter.
 * 2. Mail is numbered by one counter of the store, in the order of the commits; so the casts of one sender to one receiver are
 *    numbered as they were made, and letters as they became ones.
 * 3. The totals of each sender only grow: what it ever made, and what is not stored as a cast any more. Told again or told late,
 *    they say the same to whoever counts what is between.
 * 4. G9: `lettersMax` letters of `lettersBytesMax` are stored (keeper-limits.ts). At the limit nothing is dropped: a cast whose handler throws stays a
 *    cast, is run again when its worker is started for good again, and goes on to count for its sender. A call has its
 *    rejected caller to know of it.
 * 5. G3: submissions of an instance of the runtime are numbered, and the last number is stored with what it did, together with
 *    the lower ones that were refused: none happens twice, and one that was refused does not count as done.
 */
import { castBytes } from '@heirloom/wire';
import type { Cast, CastEnding, CastTotals, OutboxGrant, StoredLetter, Submission } from '@heirloom/wire';
import type { Database } from 'lmdb';
import { KEEPER_LIMITS } from './keeper-limits.js';
import type { KeeperLimits } from './keeper-limits.js';
import { MAIL_KEY, castKey, senderKey, u64Key } from './layout.js';
import type { StoreWriter } from './store.js';
import { decodeCast, decodeLetter, encodeCast, encodeLetter, encodeMailState, encodeOutbox } from './stored-mail.js';
import type { MailState, StoredCast } from './stored-mail.js';

/** The program as a sender: no worker has this name. */
export const PROGRAM_SENDER = '';

/** What a commit did to casts and letters. */
export interface MailNews {
  /** Workers with new casts. */
  readonly receivers: Set<string>;
  /** Senders with casts that are not stored any more. */
  readonly consumedOf: Set<string>;
  hasLetters: boolean;
  /** How many dead letters there was no room for. */
  refused: number;
}

/** What opening a store has read of its mail. */
export interface MailContents {
  readonly state: MailState;
  readonly outboxes: Map<string, OutboxGrant>;
}

type NewLetter = { readonly [Field in Exclude<keyof StoredLetter, 'at'>]: StoredLetter[Field] };

const NONE: CastTotals = { count: 0, bytes: 0 };
const EMPTY: OutboxGrant = { made: NONE, consumed: NONE };

export class CastStore {
  readonly casts: Database<Buffer, Buffer>;
  readonly letters: Database<Buffer, Buffer>;
  /** Set by the keeper that opens the store. */
  limits: Pick<KeeperLimits, 'lettersMax' | 'lettersBytesMax'> = KEEPER_LIMITS;
  private readonly path: string;
  private readonly outboxes: Map<string, OutboxGrant>;
  private current: MailState;
  /** What the transaction under way has changed, beside its records. */
  private readonly changedOutboxes = new Set<string>();
  private hasChanged = false;
  /** What batches have ended that are received and not committed. */
  private readonly ending = new Set<number>();

  constructor(
    path: string,
    databases: { readonly casts: Database<Buffer, Buffer>; readonly letters: Database<Buffer, Buffer> },
    { state, outboxes }: MailContents,
  ) {
    this.path = path;
    this.casts = databases.casts;
    this.letters = databases.letters;
    this.current = state;
    this.outboxes = outboxes;
  }

  get state(): MailState {
    return this.current;
  }

  /** How the casts of a sender stand; undefined if it never made one. */
  outbox(sender: string): OutboxGrant | undefined {
    return this.outboxes.get(sender);
  }

  /** The casts of a sender that are stored. */
  outstanding(sender: string): CastTotals {
    const { made, consumed } = this.outboxes.get(sender) ?? EMPTY;
    return { count: made.count - consumed.count, bytes: made.bytes - consumed.bytes };
  }

  /** Whether a submission of this instance of the runtime was carried out; every one before `settledBefore` is answered. */
  wasSubmitted(instance: number, number: number, settledBefore: number): boolean {
    // In memory: it is written with the next one that is carried out, and not needed before.
    if (this.current.instance !== instance) this.current = { ...this.current, instance, submitted: 0, refused: [] };
    const { refused, submitted } = this.current;
    if (refused.length > 0) this.current = { ...this.current, refused: refused.filter((one) => one >= settledBefore) };
    return number <= submitted && !refused.includes(number);
  }

  /** A submission was refused: it has changed nothing. */
  refuse(number: number): void {
    const { refused } = this.current;
    if (!refused.includes(number)) this.current = { ...this.current, refused: [...refused, number] };
  }

  cast(receiver: string, id: number): StoredCast | undefined {
    const bytes = this.casts.get(castKey(receiver, id));
    return bytes === undefined ? undefined : decodeCast(this.path, bytes);
  }

  letter(id: number): StoredLetter | undefined {
    const bytes = this.letters.get(u64Key(id));
    return bytes === undefined ? undefined : decodeLetter(this.path, bytes);
  }

  /** Whether a worker can have run this; true once until the next commit. */
  claim(worker: string, id: number): boolean {
    if (this.ending.has(id)) return false;
    // Most are casts.
    if (!this.casts.doesExist(castKey(worker, id)) && this.letter(id)?.worker !== worker) return false;
    this.ending.add(id);
    return true;
  }

  /** Stores a cast. */
  put(writer: StoreWriter, news: MailNews, sender: string, cast: Cast): void {
    const { to, name, arguments: bytes } = cast;
    writer.put('casts', castKey(to, this.nextId()), encodeCast({ sender, to, name, arguments: bytes }));
    this.count(sender, 'made', castBytes(cast));
    news.receivers.add(to);
  }

  /** A worker's handler of a cast or letter has ended; `error` is encoded, of one that threw. */
  end(writer: StoreWriter, news: MailNews, worker: string, ending: CastEnding, error: Uint8Array): void {
    const { id, how } = ending;
    const key = castKey(worker, id);
    const cast = this.cast(worker, id);
    if (cast === undefined) return this.endLetter(writer, worker, ending, error);
    if (how !== 'done') {
      const { sender, name, arguments: bytes } = cast;
      const made = { worker, sender, name, kind: 'cast', reason: how, error, tries: 1, arguments: bytes } as const;
      if (!this.putLetter(writer, news, made)) return;
    }
    writer.remove('casts', key);
    this.count(cast.sender, 'consumed', castBytes(cast));
    news.consumedOf.add(cast.sender);
  }

  private endLetter(writer: StoreWriter, worker: string, { id, how }: CastEnding, error: Uint8Array): void {
    const letter = this.letter(id);
    if (letter?.worker !== worker) return;
    if (how === 'done') this.removeLetter(writer, id, letter);
    else this.changeLetter(writer, id, letter, { reason: how, error, tries: letter.tries + 1 });
  }

  /** Carries out a submission that was checked. */
  submit(writer: StoreWriter, news: MailNews, number: number, submission: Submission): void {
    const { submitted, refused } = this.current;
    this.change({ submitted: Math.max(submitted, number), refused: refused.filter((one) => one !== number) });
    if (submission.kind === 'cast') return this.put(writer, news, PROGRAM_SENDER, submission);
    if (submission.kind === 'letter') {
      const { worker, name, error, tries, arguments: bytes } = submission;
      const made = { worker, sender: undefined, name, kind: 'call', reason: 'poisoned', error, tries } as const;
      this.putLetter(writer, news, { ...made, arguments: bytes });
    } else if (submission.kind === 'bury') this.bury(writer, news, submission);
    else {
      const letter = this.letter(submission.id);
      if (letter !== undefined) this.removeLetter(writer, submission.id, letter);
    }
  }

  private bury(writer: StoreWriter, news: MailNews, submission: Extract<Submission, { kind: 'bury' }>): void {
    const { worker, id, error, tries } = submission;
    const cast = this.cast(worker, id);
    const letter = this.letter(id);
    if (cast !== undefined) {
      const { sender, name, arguments: bytes } = cast;
      const made = { worker, sender, name, kind: 'cast', reason: 'poisoned', error, tries, arguments: bytes } as const;
      if (!this.putLetter(writer, news, made)) return;
      writer.remove('casts', castKey(worker, id));
      this.count(sender, 'consumed', castBytes(cast));
      news.consumedOf.add(sender);
    } else if (letter?.worker === worker) {
      this.changeLetter(writer, id, letter, { reason: 'poisoned', error, tries: letter.tries + tries });
    }
  }

  /** False when there is no room. */
  private putLetter(writer: StoreWriter, news: MailNews, made: NewLetter): boolean {
    const letter: StoredLetter = { ...made, at: Date.now() };
    const letters = this.current.letters + 1;
    const letterBytes = this.current.letterBytes + letterSize(letter);
    const { lettersMax, lettersBytesMax } = this.limits;
    if (letters > lettersMax || letterBytes > lettersBytesMax) {
      news.refused++;
      return false;
    }
    writer.put('letters', u64Key(this.nextId()), encodeLetter(letter));
    this.change({ letters, letterBytes });
    news.hasLetters = true;
    return true;
  }

  private changeLetter(writer: StoreWriter, id: number, letter: StoredLetter, change: Partial<StoredLetter>): void {
    const changed = { ...letter, ...change };
    writer.put('letters', u64Key(id), encodeLetter(changed));
    // What it takes more is its error's, which is bounded.
    this.change({ letterBytes: this.current.letterBytes - letterSize(letter) + letterSize(changed) });
  }

  private removeLetter(writer: StoreWriter, id: number, letter: StoredLetter): void {
    writer.remove('letters', u64Key(id));
    const { letters, letterBytes } = this.current;
    this.change({ letters: letters - 1, letterBytes: letterBytes - letterSize(letter) });
  }

  /** Writes what goes with the records that were changed, at the end of the transaction. */
  finish(writer: StoreWriter): void {
    for (const sender of this.changedOutboxes) {
      writer.put('outboxes', senderKey(sender), encodeOutbox(this.outboxes.get(sender) ?? EMPTY));
    }
    if (this.hasChanged) writer.put('meta', MAIL_KEY, encodeMailState(this.current));
    this.changedOutboxes.clear();
    this.hasChanged = false;
    this.ending.clear();
  }

  private nextId(): number {
    this.change({ last: this.current.last + 1 });
    return this.current.last;
  }

  private change(changes: Partial<MailState>): void {
    this.current = { ...this.current, ...changes };
    this.hasChanged = true;
  }

  private count(sender: string, which: keyof OutboxGrant, bytes: number): void {
    const outbox = this.outboxes.get(sender) ?? EMPTY;
    const totals = outbox[which];
    const counted = { count: totals.count + 1, bytes: totals.bytes + bytes };
    this.outboxes.set(sender, { ...outbox, [which]: counted });
    this.changedOutboxes.add(sender);
  }
}

function letterSize(letter: Pick<StoredLetter, 'arguments' | 'error'>): number {
  return castBytes(letter) + letter.error.length;
}
