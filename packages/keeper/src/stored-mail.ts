/**
 * The form of stored casts and dead letters, and of the records beside them; what does not have the expected fields is damage.
 *
 *   cast      value {sender, to, name, arguments}
 *   letter    value StoredLetter
 *   outbox    value OutboxGrant: what a sender ever made, and what is not stored as a cast any more
 *   mail      value MailState: the counter, and what is counted over all of them
 */
import { binary, encodeValue, listOf, natural, outboxGrant, record, storedLetter, text } from '@heirloom/wire';
import type { Cast, FieldCheck, OutboxGrant, StoredLetter } from '@heirloom/wire';
import { decodeRecord } from './stored-record.js';

/** A cast as it is stored; the sender is empty for the program. */
export interface StoredCast extends Cast {
  readonly sender: string;
}

/** Where the mail of the whole store stands. */
export interface MailState {
  /** The last number that was given to a cast or letter. */
  readonly last: number;
  /** The instance of the runtime that has submitted something last, and the number of that. */
  readonly instance: number;
  readonly submitted: number;
  /** Those of lower numbers that were refused, as far as the router may not know it. */
  readonly refused: readonly number[];
  /** How many letters there are, and what they take. */
  readonly letters: number;
  readonly letterBytes: number;
}

export const NO_MAIL: MailState = { last: 0, instance: 0, submitted: 0, refused: [], letters: 0, letterBytes: 0 };

const castCheck: FieldCheck<StoredCast> = record({ sender: text, to: text, name: text, arguments: binary });
const mailCheck: FieldCheck<MailState> = record({
  last: natural,
  instance: natural,
  submitted: natural,
  refused: listOf(natural),
  letters: natural,
  letterBytes: natural,
});

export const encodeCast = (cast: StoredCast): Uint8Array => encodeValue(cast);
export const encodeLetter = (letter: StoredLetter): Uint8Array => encodeValue(letter);
export const encodeOutbox = (outbox: OutboxGrant): Uint8Array => encodeValue(outbox);
export const encodeMailState = (state: MailState): Uint8Array => encodeValue(state);

export function decodeCast(path: string, bytes: Uint8Array): StoredCast {
  return decodeRecord(path, 'cast', bytes, castCheck);
}

export function decodeLetter(path: string, bytes: Uint8Array): StoredLetter {
  return decodeRecord(path, 'dead letter', bytes, storedLetter);
}

export function decodeOutbox(path: string, bytes: Uint8Array): OutboxGrant {
  return decodeRecord(path, 'sender of casts', bytes, outboxGrant);
}

export function decodeMailState(path: string, bytes: Uint8Array): MailState {
  return decodeRecord(path, 'mail', bytes, mailCheck);
}
