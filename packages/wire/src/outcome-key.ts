/**
 * What names an outcome that is kept: the idempotency key of a call, with what the call must say again to get that outcome.
 *
 *   outcome key   string key · DIGEST_BYTES × u8 digest · uint53 keepMs
 *   keeping       outcome key · u8 flags (1: the handler has asked other workers for changes)
 *
 * An outcome key comes behind a call (call-messages.ts), and with the batch of its handler (batch.ts), by which the outcome is
 * stored. The digest is that of the call's name and arguments, made by the router.
 */
import { Buffer } from 'node:buffer';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { malformed } from './errors.js';

export interface OutcomeKey {
  readonly key: string;
  /** The same for the same name and arguments, and for no others. */
  readonly digest: Uint8Array;
  /** For how long the outcome is kept, from when it is stored. */
  readonly keepMs: number;
}
/** That the outcome of a batch is to be kept. */
export interface OutcomeKeeping extends OutcomeKey {
  /** Whether the handler has called other workers or written to their tables, which stays also if it threw. */
  readonly hasWritten: boolean;
}
/** An outcome that is kept. */
export interface KeptOutcome {
  readonly digest: Uint8Array;
  readonly hasWritten: boolean;
  readonly threw: boolean;
  readonly payload: Uint8Array;
}

/** The longest key, in bytes of UTF-8: with the longest name of a worker it is part of one of LMDB's keys. */
export const OUTCOME_KEY_BYTES_MAX = 512;
/** The longest time for which an outcome is kept: a year. What must be known for longer is a row of a table. */
export const KEEP_OUTCOME_MS_MAX: number = 366 * 24 * 60 * 60 * 1000;
/** SHA-256. */
export const DIGEST_BYTES = 32;

const WRITTEN_FLAG = 1;

export function writeOutcomeKey(writer: ByteWriter, { key, digest, keepMs }: OutcomeKey): void {
  writer.string(key);
  writer.raw(digest);
  writer.uint53(keepMs);
}

/** Throws WireError ERR_WIRE_DECODE for what no sender writes. */
export function readOutcomeKey(reader: ByteReader): OutcomeKey {
  const key = reader.string();
  if (key === '' || Buffer.byteLength(key) > OUTCOME_KEY_BYTES_MAX)
    throw malformed('An idempotency key is too long or empty.');
  // A copy, as the frame's bytes are not kept.
  const digest = Uint8Array.from(reader.raw(DIGEST_BYTES));
  const keepMs = reader.uint53();
  if (keepMs < 1 || keepMs > KEEP_OUTCOME_MS_MAX) throw malformed(`An outcome cannot be kept for ${keepMs} ms.`);
  return { key, digest, keepMs };
}

export function writeKeeping(writer: ByteWriter, keeping: OutcomeKeeping): void {
  writeOutcomeKey(writer, keeping);
  writer.u8(keeping.hasWritten ? WRITTEN_FLAG : 0);
}

export function readKeeping(reader: ByteReader): OutcomeKeeping {
  const key = readOutcomeKey(reader);
  const flags = reader.u8();
  if (flags > WRITTEN_FLAG) throw malformed(`The keeping of an outcome has unknown flags ${flags}.`);
  return { ...key, hasWritten: flags === WRITTEN_FLAG };
}
