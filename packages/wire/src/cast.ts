/**
 * Casts: what a handler, or the program, has a worker do without waiting for it. A cast is stored with the batch that makes it,
 * and deleted with the batch of the handler that it was for.
 *
 *   cast      string to · string name · length-prefixed arguments (an encoded list)
 *   ending    uint53 id · u8 how (0 done, 1 threw, 2 the receiver has no such call)
 *   delivery  uint53 callId · uint53 id · u8 kind (0 cast, 1 letter) · string name · length-prefixed arguments
 *   consumed  uint53 count · uint53 bytes      of all casts that the worker ever made, those that are not stored any more
 *
 * 1. Casts and dead letters are numbered by the keeper, in one order for the whole store; a number is never used again.
 * 2. Arguments travel as bytes and are decoded where they are used, so that what one worker sends can harm no other on its way.
 */
import { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { malformed } from './errors.js';

/** The largest arguments of a call or cast, encoded: they travel in one frame. */
export const ARGUMENT_BYTES_MAX: number = 32 * 1024 * 1024;
/** The most casts of one sender that are stored: what a receiver that lives works off in about a second. */
export const OUTBOX_CASTS_MAX = 16_384;
/** The most that they take together: the largest cast twice. */
export const OUTBOX_BYTES_MAX: number = 64 * 1024 * 1024;
/** What a cast takes besides its arguments: its key, its names, and what the store keeps of it in a page. */
export const CAST_OVERHEAD_BYTES = 128;

/** A cast as its sender makes it. */
export interface Cast {
  /** The worker that it is for. */
  readonly to: string;
  /** The call that is to be run there. */
  readonly name: string;
  /** The encoded list of its arguments. */
  readonly arguments: Uint8Array;
}

/** How the handler of a stored cast or dead letter has ended. */
export interface CastEnding {
  readonly id: number;
  readonly how: 'done' | 'threw' | 'unknown_call';
}

/** A stored cast, or a dead letter, that a worker is to run. */
export interface Delivery {
  /** As of a call: the id by which the router knows this run. */
  readonly callId: number;
  readonly id: number;
  /** The result of a letter goes to whoever runs it; that of a cast to nobody. */
  readonly kind: 'cast' | 'letter';
  readonly name: string;
  readonly arguments: Uint8Array;
}

/** How many casts, and bytes of them, by `castBytes`. */
export interface CastTotals {
  readonly count: number;
  readonly bytes: number;
}

/** What a cast counts for, where casts are bounded. */
export function castBytes(cast: Pick<Cast, 'arguments'>): number {
  return cast.arguments.length + CAST_OVERHEAD_BYTES;
}

const ENDINGS = ['done', 'threw', 'unknown_call'] as const;
const KINDS = ['cast', 'letter'] as const;
/** The fewest bytes of a cast, by which a hostile count is refused. */
export const CAST_BYTES_MIN = 3;

export function writeCast(writer: ByteWriter, cast: Cast): void {
  writer.string(cast.to);
  writer.string(cast.name);
  writer.lengthPrefixed(cast.arguments);
}

export function readCast(reader: ByteReader): Cast {
  return { to: reader.string(), name: reader.string(), arguments: reader.lengthPrefixed() };
}

export function writeEnding(writer: ByteWriter, { id, how }: CastEnding): void {
  writer.uint53(id);
  writer.u8(ENDINGS.indexOf(how));
}

export function readEnding(reader: ByteReader): CastEnding {
  const id = reader.uint53();
  const number = reader.u8();
  const how = ENDINGS[number];
  if (how === undefined) throw malformed(`A cast cannot end in the way ${number}.`, { id });
  return { id, how };
}

export function writeDelivery(writer: ByteWriter, delivery: Delivery): void {
  writer.uint53(delivery.callId);
  writer.uint53(delivery.id);
  writer.u8(KINDS.indexOf(delivery.kind));
  writer.string(delivery.name);
  writer.lengthPrefixed(delivery.arguments);
}

export function decodeDelivery(body: Uint8Array): Delivery {
  const reader = new ByteReader(body);
  const callId = reader.uint53();
  const id = reader.uint53();
  const number = reader.u8();
  const kind = KINDS[number];
  if (kind === undefined) throw malformed(`Nothing is delivered of kind ${number}.`, { callId });
  const delivery = { callId, id, kind, name: reader.string(), arguments: reader.lengthPrefixed() };
  reader.finish();
  return delivery;
}

export function writeTotals(writer: ByteWriter, { count, bytes }: CastTotals): void {
  writer.uint53(count);
  writer.uint53(bytes);
}

export function decodeTotals(body: Uint8Array): CastTotals {
  const reader = new ByteReader(body);
  const totals = { count: reader.uint53(), bytes: reader.uint53() };
  reader.finish();
  return totals;
}
