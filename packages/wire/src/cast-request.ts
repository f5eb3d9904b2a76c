/**
 * What the router asks the keeper about casts and dead letters, and the answers.
 *
 * What changes something is a *submission*: the router numbers them, and the keeper keeps the last number with what it did, and
 * those before it that it has refused, so that one which is asked again of the next keeper happens once.
 */
import type { CastTotals } from './cast.js';
import type { FieldCheck } from './field.js';
import { binary, flag, natural, oneOf, optional, record, text } from './field.js';

/** Why something is a dead letter. */
export type LetterReason = 'poisoned' | 'threw' | 'unknown_call';

export type Submission =
  /** The program casts. */
  | { readonly kind: 'cast'; readonly to: string; readonly name: string; readonly arguments: Uint8Array }
  /** A call was given up that is stored nowhere; it becomes a letter. */
  | {
      readonly kind: 'letter';
      readonly worker: string;
      readonly name: string;
      readonly arguments: Uint8Array;
      readonly error: Uint8Array;
      readonly tries: number;
    }
  /** A stored cast or letter of this worker was given up after `tries` more runs. */
  | {
      readonly kind: 'bury';
      readonly worker: string;
      readonly id: number;
      readonly error: Uint8Array;
      readonly tries: number;
    }
  /** A letter is not wanted any more. */
  | { readonly kind: 'delete'; readonly id: number };

export type CastRequest =
  | {
      readonly type: 'submit';
      readonly number: number;
      /** Every submission with a lower number is answered. */
      readonly settledBefore: number;
      readonly submission: Submission;
    }
  /** Some of the casts that are stored for a worker, behind one of them. */
  | { readonly type: 'casts'; readonly worker: string; readonly after: number }
  /** Some of the dead letters behind one of them, of one worker or of all; without their arguments unless `isWhole`. */
  | {
      readonly type: 'letters';
      readonly worker: string | undefined;
      readonly after: number;
      readonly limit: number;
      readonly isWhole: boolean;
    };

/** Stored casts, in the order of their numbers. */
export interface CastsPage {
  readonly casts: readonly {
    readonly id: number;
    readonly sender: string;
    readonly name: string;
    readonly arguments: Uint8Array;
  }[];
  readonly isLast: boolean;
}
/** A dead letter as it is stored. */
export interface StoredLetter {
  readonly worker: string;
  /** Who has cast it, '' for the program; undefined for a call. */
  readonly sender: string | undefined;
  readonly name: string;
  readonly kind: 'call' | 'cast';
  readonly reason: LetterReason;
  /** Encoded, by `encodeError`. */
  readonly error: Uint8Array;
  readonly tries: number;
  /** When it became a letter, in milliseconds since 1970. */
  readonly at: number;
  readonly arguments: Uint8Array;
}
/** Dead letters, in the order in which they became ones. */
export interface LettersPage {
  readonly letters: readonly (StoredLetter & { readonly id: number })[];
  /** Behind what the next page begins; undefined behind the last one. */
  readonly after: number | undefined;
}
/** What a worker has to know of its casts when it begins: all that it ever made, and those that are not stored any more. */
export interface OutboxGrant {
  readonly made: CastTotals;
  readonly consumed: CastTotals;
}

const totals: FieldCheck<CastTotals> = record({ count: natural, bytes: natural });
export const outboxGrant: FieldCheck<OutboxGrant> = record({ made: totals, consumed: totals });
/** The check of a stored letter. */
export const storedLetter: FieldCheck<StoredLetter> = record({
  worker: text,
  sender: optional(text),
  name: text,
  kind: oneOf('call', 'cast'),
  reason: oneOf('poisoned', 'threw', 'unknown_call'),
  error: binary,
  tries: natural,
  at: natural,
  arguments: binary,
});

const kind = text;
const submissions: Readonly<Record<Submission['kind'], FieldCheck<unknown>>> = {
  cast: record({ kind, to: text, name: text, arguments: binary }),
  letter: record({ kind, worker: text, name: text, arguments: binary, error: binary, tries: natural }),
  bury: record({ kind, worker: text, id: natural, error: binary, tries: natural }),
  delete: record({ kind, id: natural }),
};
const submissionCheck: FieldCheck<Submission> = (value): value is Submission => {
  if (typeof value !== 'object' || value === null) return false;
  const named = (value as { readonly kind?: unknown }).kind; // A decoded value: reading runs no code.
  if (typeof named !== 'string' || !Object.hasOwn(submissions, named)) return false;
  return submissions[named as Submission['kind']](value); // One of the names, by the check above.
};

/** The checks of the requests, by their type. */
export const castRequestFields: Readonly<Record<CastRequest['type'], FieldCheck<unknown>>> = {
  submit: record({ type: text, number: natural, settledBefore: natural, submission: submissionCheck }),
  casts: record({ type: text, worker: text, after: natural }),
  letters: record({ type: text, worker: optional(text), after: natural, limit: natural, isWhole: flag }),
};
