/**
 * Outcomes of calls that are kept under their idempotency keys.
 *
 * 1. An outcome is written in the transaction that stores its handler's batch: there is no moment at which the one is there and
 *    the other is not, so a call whose outcome is not there left no trace (G2, G3).
 * 2. It is found from then on until its time is over, whatever dies meanwhile. What is over is as if it were not there, also before
 *    it is swept; a new outcome of its key takes its place.
 * 3. The time is that of the wall clock, as it goes on while nothing runs. A clock that is set forward ends outcomes early, and a
 *    call that is repeated then is run again; one that is set back keeps them for longer.
 * 4. G9: from OUTCOMES_MAX outcomes or OUTCOMES_BYTES_MAX bytes on, a key that is not known is answered with `full`, so that its call
 *    is not made. Calls that were let through before are stored all the same: the router bounds how many these are.
 * 5. Each outcome has one entry in the order of expiry, by which some at a time are swept.
 */
import { Buffer } from 'node:buffer';
import type { Database } from 'lmdb';
import { ByteReader, ByteWriter, DIGEST_BYTES, decodeValue, encodeValue, natural, record } from '@heirloom/wire';
import type { KeptOutcome, Outcome, OutcomeFinding, OutcomeKeeping } from '@heirloom/wire';
import { OUTCOME_TOTALS_KEY, expiryKey, outcomeKey, readU64, u64Key } from './layout.js';
import type { StoreWriter } from './store.js';
import { damaged } from './store-file.js';

/** The most outcomes: a day of ten calls each second. */
export const OUTCOMES_MAX = 1_000_000;
/** The most bytes of them, with their keys: what a disk of any size has. */
export const OUTCOMES_BYTES_MAX: number = 1024 * 1024 * 1024;
/** What an outcome takes besides its record: its key twice, and what LMDB keeps of it in pages. */
const OVERHEAD_BYTES = 64;

const THREW_FLAG = 1;
const WRITTEN_FLAG = 2;
const NOTHING = Buffer.alloc(1);

/** How many outcomes there are, and their bytes. */
export interface OutcomeTotals {
  readonly count: number;
  readonly bytes: number;
}
export const NO_OUTCOMES: OutcomeTotals = { count: 0, bytes: 0 };

const totalsCheck = record({ count: natural, bytes: natural });

export function decodeOutcomeTotals(path: string, bytes: Uint8Array): OutcomeTotals {
  const value = decodeValue(bytes);
  if (totalsCheck(value)) return value;
  throw damaged(path, 'the record of how many outcomes there are has not the fields of one');
}

interface OutcomeDatabases {
  readonly outcomes: Database<Buffer, Buffer>;
  readonly expiries: Database<Buffer, Buffer>;
}

export interface OutcomeLimits {
  readonly outcomesMax: number;
  readonly outcomeBytesMax: number;
}

interface StoredOutcome extends KeptOutcome {
  readonly expiresAt: number;
}

export class OutcomeStore {
  private readonly path: string;
  private readonly databases: OutcomeDatabases;
  private readonly writer: ByteWriter = new ByteWriter();
  private current: OutcomeTotals;

  constructor(path: string, databases: OutcomeDatabases, totals: OutcomeTotals) {
    this.path = path;
    this.databases = databases;
    this.current = totals;
  }

  /** Of all that are stored, also those that are over. */
  get totals(): OutcomeTotals {
    return this.current;
  }

  /** What is known of a key. */
  find(worker: string, key: string, now: number, limits: OutcomeLimits): OutcomeFinding {
    const stored = this.databases.outcomes.get(outcomeKey(worker, key));
    if (stored !== undefined) {
      const { expiresAt, ...outcome } = this.decode(stored);
      if (expiresAt > now) return { kind: 'kept', outcome };
    }
    const { count, bytes } = this.totals;
    if (count < limits.outcomesMax && bytes < limits.outcomeBytesMax) return { kind: 'none' };
    return { kind: 'full', count, bytes };
  }

  /** Keeps the outcome of a batch, inside of its transaction. */
  put(writer: StoreWriter, worker: string, keeping: OutcomeKeeping, outcome: Outcome, now: number): void {
    const key = outcomeKey(worker, keeping.key);
    this.remove(writer, key);
    const expiresAt = now + keeping.keepMs;
    const value = this.encode(expiresAt, keeping, outcome);
    writer.put('outcomes', key, value);
    writer.put('expiries', expiryKey(expiresAt, key), NOTHING);
    this.add(writer, 1, sizeOf(key, value.length));
  }

  /** When the first outcome is over; undefined when there is none. */
  get nextExpiry(): number | undefined {
    for (const key of this.databases.expiries.getKeys({ limit: 1 })) return readU64(key, 0);
    return undefined;
  }

  /** Deletes some outcomes that are over, inside of a transaction. */
  sweepSome(writer: StoreWriter, now: number, outcomesMax: number): void {
    const over = Array.from(this.databases.expiries.getKeys({ end: u64Key(now + 1), limit: outcomesMax }));
    for (const expiry of over) {
      this.remove(writer, expiry.subarray(8));
      writer.remove('expiries', expiry);
    }
  }

  private remove(writer: StoreWriter, key: Buffer): void {
    const stored = this.databases.outcomes.get(key);
    if (stored === undefined) return;
    writer.remove('outcomes', key);
    writer.remove('expiries', expiryKey(this.decode(stored).expiresAt, key));
    this.add(writer, -1, -sizeOf(key, stored.length));
  }

  private add(writer: StoreWriter, count: number, bytes: number): void {
    this.current = { count: this.current.count + count, bytes: this.current.bytes + bytes };
    writer.put('meta', OUTCOME_TOTALS_KEY, encodeValue(this.current));
  }

  private encode(expiresAt: number, { digest, hasWritten }: OutcomeKeeping, { threw, payload }: Outcome): Uint8Array {
    this.writer.uint53(expiresAt);
    this.writer.raw(digest);
    this.writer.u8((threw ? THREW_FLAG : 0) | (hasWritten ? WRITTEN_FLAG : 0));
    this.writer.raw(payload);
    return this.writer.take();
  }

  private decode(stored: Buffer): StoredOutcome {
    // A copy, as what the binding gives is good until it is asked again.
    const bytes = Uint8Array.from(stored);
    if (bytes.length < 8 + DIGEST_BYTES + 1) throw damaged(this.path, 'a kept outcome is too short to be one');
    const reader = new ByteReader(bytes);
    const expiresAt = reader.uint53();
    const digest = reader.raw(DIGEST_BYTES);
    const flags = reader.u8();
    const payload = reader.raw(reader.remaining);
    return { expiresAt, digest, threw: (flags & THREW_FLAG) !== 0, hasWritten: (flags & WRITTEN_FLAG) !== 0, payload };
  }
}

function sizeOf(key: Uint8Array, valueBytes: number): number {
  return 2 * key.length + valueBytes + OVERHEAD_BYTES;
}
