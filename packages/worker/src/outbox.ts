/**
 * The casts of a worker: those of the handler that runs, and how many of all that it ever made are stored. Pure.
 *
 * 1. G2, G4: a cast is part of the handler's batch: it is dropped when the handler throws, and leaves when the batch is stored.
 * 2. G7: arguments are encoded when the cast is made.
 * 3. G9: at most OUTBOX_CASTS_MAX casts of OUTBOX_BYTES_MAX bytes of one worker are stored or on their way; one more throws in the
 *    handler (ERR_CALL_OVERLOADED) and never waits. What the keeper tells of those that are not stored any more only grows, so
 *    what comes late makes the limit lower, never higher.
 */
import { showValue } from '@heirloom/tables';
import { ARGUMENT_BYTES_MAX, OUTBOX_BYTES_MAX, OUTBOX_CASTS_MAX, castBytes, encodeValue } from '@heirloom/wire';
import type { Cast, CastTotals, OutboxGrant } from '@heirloom/wire';
import { CallError } from './call-error.js';
import type { CallErrorCode } from './call-error.js';
import { NAME_CHARS_MAX } from './definition.js';

const NONE: CastTotals = { count: 0, bytes: 0 };
const NO_CASTS: readonly Cast[] = Object.freeze([]);

export class Outbox {
  /** Of all batches of the worker, those on their way included. */
  private made: CastTotals = NONE;
  private consumed: CastTotals = NONE;
  private pending: Cast[] = [];
  private pendingBytes = 0;
  private readonly charge: (bytes: number) => void;

  /** `charge` takes account of what goes into the handler's batch, and throws when that is too much. */
  constructor(charge: (bytes: number) => void) {
    this.charge = charge;
  }

  /** Takes how the worker's casts stand when its life begins. */
  begin(grant: OutboxGrant | undefined): void {
    this.made = grant?.made ?? NONE;
    this.consumed = grant?.consumed ?? NONE;
  }

  /** Takes how many of all are not stored any more. */
  consume(totals: CastTotals): void {
    if (totals.count >= this.consumed.count) this.consumed = totals;
  }

  /** The casts that are stored or on their way. */
  get outstanding(): CastTotals {
    const count = this.made.count + this.pending.length - this.consumed.count;
    return { count, bytes: this.made.bytes + this.pendingBytes - this.consumed.bytes };
  }

  /** Makes a cast of the handler that runs. Throws CallError ERR_CALL_OVERLOADED, ERR_CALL_ARGUMENTS or ERR_CALL_UNKNOWN. */
  add(to: string, name: string, castArguments: readonly unknown[]): void {
    checkCastName(to, name);
    const cast = { to, name, arguments: encodeCastArguments(to, name, castArguments) };
    const bytes = castBytes(cast);
    const { outstanding } = this;
    if (outstanding.count + 1 > OUTBOX_CASTS_MAX || outstanding.bytes + bytes > OUTBOX_BYTES_MAX) {
      const has = `${outstanding.count} casts of this worker, of ${outstanding.bytes} bytes, were not run yet; ${OUTBOX_CASTS_MAX} of ${OUTBOX_BYTES_MAX} are the most`;
      throw castError('ERR_CALL_OVERLOADED', to, name, `was refused: ${has}. Cast again when some were run`);
    }
    this.charge(bytes);
    this.pending.push(cast);
    this.pendingBytes += bytes;
  }

  /** The casts of the handler that has returned, which go into its batch. */
  take(): readonly Cast[] {
    if (this.pending.length === 0) return NO_CASTS;
    const { pending } = this;
    const { count, bytes } = this.made;
    this.made = { count: count + pending.length, bytes: bytes + this.pendingBytes };
    this.rollback();
    return pending;
  }

  /** The handler has thrown. */
  rollback(): void {
    if (this.pending.length === 0) return;
    this.pending = [];
    this.pendingBytes = 0;
  }
}

/** Throws ERR_CALL_UNKNOWN for what no worker can have as a call. */
export function checkCastName(worker: string, name: string): void {
  if (name !== '' && name.length <= NAME_CHARS_MAX && !name.startsWith('$')) return;
  throw castError('ERR_CALL_UNKNOWN', worker, name, 'names no call that a worker can have');
}

/** Throws ERR_CALL_ARGUMENTS. */
export function encodeCastArguments(worker: string, name: string, castArguments: readonly unknown[]): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = encodeValue(castArguments);
  } catch (cause) {
    // A Proxy among the arguments may throw anything.
    const reason = cause instanceof Error ? cause.message : `reading it threw ${showValue(cause)}`;
    throw castError('ERR_CALL_ARGUMENTS', worker, name, `has an argument that cannot be sent: ${reason}`, cause);
  }
  if (bytes.length <= ARGUMENT_BYTES_MAX) return bytes;
  const what = `has arguments of ${bytes.length} bytes, over the limit of ${ARGUMENT_BYTES_MAX}. Send less at a time`;
  throw castError('ERR_CALL_ARGUMENTS', worker, name, what);
}

function castError(code: CallErrorCode, worker: string, name: string, what: string, cause?: unknown): CallError {
  const message = `The cast ${worker}.${name.slice(0, NAME_CHARS_MAX)} ${what}. Nothing was cast.`;
  const details = { worker, call: name.slice(0, NAME_CHARS_MAX), outcome: 'none' } as const;
  return new CallError(code, message, details, cause === undefined ? undefined : { cause });
}
