/**
 * What lies where in the store: one LMDB environment, `data.mdb`, with a database for each kind of record.
 *
 *   meta      text                             format: u32 · state: value StoreState · mail: value MailState ·
 *                                              outcomes: value OutcomeTotals · kept: and u64: a record of the router
 *   epochs    worker name, UTF-8               value EpochRecord
 *   tables    u32 tableId                      value TableRecord
 *   counts    u32 tableId                      uint53 size · uint53 nextSequence
 *   shapes    u32 tableId · u32 shape id       value: list of field names
 *   rows      u32 extent · key bytes · (bags) u64 sequence      row bytes
 *   journal   u64 LSN of the group's last batch                 journal record (journal-record.ts)
 *   doomed    u32 extent or feed               nothing: what lies under this number is to be deleted
 *   feeds     u32 tableId                      u32 feed · uint53 LSN behind which all changes are kept · uint53 their bytes
 *   changes   u32 feed · u64 LSN               change record of one batch (change-record.ts of @heirloom/wire)
 *   casts     u16 length · receiver · u64 id   cast (stored-mail.ts)
 *   letters   u64 id                           dead letter (stored-mail.ts)
 *   outboxes  sender, UTF-8, ' ' for the program    what it ever cast, and what of it is not stored any more (stored-mail.ts)
 *   outcomes  u16 length · worker · key        uint53 end of its time · digest · u8 flags (1: threw, 2: has written) · payload
 *   expiries  u64 end of its time · key of an outcome    nothing: the order in which outcomes are over
 *
 * All numbers are big-endian, so that bytes are ordered as numbers are. Values are encoded by @heirloom/wire. An extent is where
 * the rows of one table lie; a table that is cleared gets a new one, so clearing a table of any size is one small record. A feed
 * is where the changes of a watched table lie; its number comes from the same counter.
 *
 * Format 1 had neither feeds nor changes; a store of it is given them when it is opened. A keeper of that time would write rows
 * without their changes, so the number is another. Its tables were neither migrated nor owned by others; what their records lack
 * says so. Format 2 had no casts, which a keeper of that time would keep for ever, and kept no outcomes, so that it would run what is
 * repeated a second time.
 *
 * Key bytes are prefix-free, so a sequence behind them can neither collide nor change the order.
 */
import { Buffer } from 'node:buffer';
import type { RootDatabaseOptions } from 'lmdb';

/** The version of this layout. A store of a newer one is refused; an older one would be converted when opened. */
export const STORE_FORMAT_VERSION = 3;
/** The file in the store's directory, and the one a new store is made in before it takes its name. */
export const STORE_FILE = 'data.mdb';
export const STORE_FILE_NEW = 'data.new.mdb';
/**
 * The size of the memory map, and so the most the store can hold. Only addresses are reserved, neither memory nor disk; half of
 * what a process may map on the smallest supported address space (39 bits).
 */
export const STORE_BYTES_MAX: number = 2 ** 38;
/** Reader slots: one for each snapshot that is held, and some; only the keeper reads through LMDB. This is its default. */
export const STORE_READERS_MAX = 126;
/** Owner names lie in keys, which LMDB limits to 1978 bytes. */
export const WORKER_NAME_BYTES_MAX = 1_024;
/** Tables of all workers that ever were; they are all known in memory. */
export const TABLES_MAX = 100_000;

/** The databases of format 1, and those that came with format 2 and 3. */
const FIRST_NAMES = ['meta', 'epochs', 'tables', 'counts', 'shapes', 'rows', 'journal', 'doomed'] as const;
const SECOND_NAMES = ['feeds', 'changes'] as const;
const THIRD_NAMES = ['casts', 'letters', 'outboxes', 'outcomes', 'expiries'] as const;
export type DatabaseName = (typeof FIRST_NAMES)[number] | (typeof SECOND_NAMES)[number] | (typeof THIRD_NAMES)[number];

/** The databases that a store of some format has. */
export function databasesOf(format: number): readonly DatabaseName[] {
  if (format === 1) return FIRST_NAMES;
  return format === 2 ? [...FIRST_NAMES, ...SECOND_NAMES] : [...FIRST_NAMES, ...SECOND_NAMES, ...THIRD_NAMES];
}

/** How the keeper opens the environment, and nobody else does (page-tree.ts). See store.ts for why there is no overlapping sync. */
export const ENVIRONMENT_OPTIONS: RootDatabaseOptions = {
  noSubdir: true,
  encoding: 'binary',
  keyEncoding: 'binary',
  overlappingSync: false,
  mapSize: STORE_BYTES_MAX,
  maxReaders: STORE_READERS_MAX,
  maxDbs: 32,
};
export const DATABASE_OPTIONS = { encoding: 'binary', keyEncoding: 'binary' } as const;

export const FORMAT_KEY: Buffer = Buffer.from('format');
export const STATE_KEY: Buffer = Buffer.from('state');
export const OUTCOME_TOTALS_KEY: Buffer = Buffer.from('outcomes');
export const MAIL_KEY: Buffer = Buffer.from('mail');

const KEPT_PREFIX = 'kept:';
/** Where a record lies that the router has kept under a number. */
export function keptKey(number: number): Buffer {
  return Buffer.concat([Buffer.from(KEPT_PREFIX), u64Key(number)]);
}
/** The number of such a record. */
export function keptNumber(key: Uint8Array): number {
  return readU64(key, KEPT_PREFIX.length);
}

export function isBag(type: string): boolean {
  return type === 'bag' || type === 'duplicate_bag';
}

export function u32Key(value: number): Buffer {
  const key = Buffer.allocUnsafe(4);
  key.writeUInt32BE(value, 0);
  return key;
}

export function u64Key(value: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  writeU64(key, value, 0);
  return key;
}

function writeU64(target: Buffer, value: number, at: number): void {
  target.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
  target.writeUInt32BE(value % 0x1_0000_0000, at + 4);
}

export function readU64(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(at) * 0x1_0000_0000 + view.getUint32(at + 4);
}

export function shapeKey(tableId: number, shapeId: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeUInt32BE(tableId, 0);
  key.writeUInt32BE(shapeId, 4);
  return key;
}

export function encodeCounts(size: number, nextSequence: number): Buffer {
  const value = Buffer.allocUnsafe(16);
  writeU64(value, size, 0);
  writeU64(value, nextSequence, 8);
  return value;
}

export function encodeFeed(feed: number, afterLsn: number, bytes: number): Buffer {
  const value = Buffer.allocUnsafe(20);
  value.writeUInt32BE(feed, 0);
  writeU64(value, afterLsn, 4);
  writeU64(value, bytes, 12);
  return value;
}

/** Where the changes of a batch lie. */
export function changeKey(feed: number, lsn: number): Buffer {
  const key = Buffer.allocUnsafe(12);
  key.writeUInt32BE(feed, 0);
  writeU64(key, lsn, 4);
  return key;
}

/** Where the outcome of an idempotency key lies; those of one worker lie together. */
export function outcomeKey(worker: string, key: string): Buffer {
  const name = Buffer.from(worker);
  const length = Buffer.allocUnsafe(2);
  length.writeUInt16BE(name.length, 0);
  return Buffer.concat([length, name, Buffer.from(key)]);
}

/** Where it says when an outcome is over. */
export function expiryKey(expiresAt: number, outcome: Uint8Array): Buffer {
  return Buffer.concat([u64Key(expiresAt), outcome]);
}

/** Where a cast lies; those for one receiver lie together, in the order of their numbers. */
export function castKey(receiver: string, id: number): Buffer {
  const name = Buffer.from(receiver);
  const key = Buffer.allocUnsafe(2 + name.length + 8);
  key.writeUInt16BE(name.length, 0);
  key.set(name, 2);
  writeU64(key, id, 2 + name.length);
  return key;
}

/** Behind all casts for a receiver. */
export function castsEnd(receiver: string): Buffer {
  return castKey(receiver, 2 ** 63);
}

/** Where the totals of a sender of casts lie: no worker's name has a space, and no key is empty. */
export function senderKey(sender: string): Buffer {
  return Buffer.from(sender === '' ? ' ' : sender);
}

export function senderOf(key: Buffer): string {
  return key.toString().trim();
}

/** Where a row lies; `sequence` is undefined in tables that are no bags. */
export function rowKey(extent: number, keyBytes: Uint8Array, sequence?: number): Buffer {
  const key = Buffer.allocUnsafe(4 + keyBytes.length + (sequence === undefined ? 0 : 8));
  key.writeUInt32BE(extent, 0);
  key.set(keyBytes, 4);
  if (sequence !== undefined) writeU64(key, sequence, 4 + keyBytes.length);
  return key;
}

/** The first key behind everything in an extent or a feed. */
export function extentEnd(extent: number): Buffer {
  return u32Key(extent + 1);
}
