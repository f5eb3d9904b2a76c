/**
 * The two meta pages at the beginning of the store's file, which LMDB writes in turn: the newer one is what was committed last.
 *
 *   meta page   u64 page number · u64 transaction · u16 pad · u16 flags (8) · 4 bytes · u32 magic · u32 version · u64 address
 *               · u64 map size · 2 × tree (free list, databases) · u64 last page · u64 transaction · u64 boot id
 *   tree        u32 pad (in the first: the page size) · u16 flags · u16 depth · 4 × u64 counts · u64 root page
 */
import type { Buffer } from 'node:buffer';

export const META_BYTES = 168;
const TRANSACTION_AT = 152;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const META_FLAG = 0x08;
const PAGE_BYTES_MIN = 512;
const PAGE_BYTES_MAX = 65_536;

export interface MetaPage {
  readonly pageBytes: number;
  readonly lastPage: bigint;
  readonly transaction: number;
  /** The roots of the list of free pages, and of the tree of databases. */
  readonly roots: readonly [bigint, bigint];
}

/** A meta page from its first META_BYTES, or what is wrong with it. */
export function parseMetaPage(bytes: Buffer, page: 0 | 1): MetaPage | string {
  if (bytes.length < META_BYTES) return 'it ends inside of its first records';
  if (bytes.readUInt32LE(24) !== MAGIC) return `meta page ${page} does not begin as one`;
  if ((bytes.readUInt32LE(28) & 0xffff) !== DATA_VERSION) return 'its LMDB format is another';
  const pageBytes = bytes.readUInt32LE(48);
  const isPage = bytes.readBigUInt64LE(0) === BigInt(page) && (bytes.readUInt16LE(18) & META_FLAG) !== 0;
  if (!isPage || !isPageSize(pageBytes)) return `meta page ${page} makes no sense`;
  return {
    pageBytes,
    lastPage: bytes.readBigUInt64LE(144),
    transaction: metaTransaction(bytes, 0),
    roots: [bytes.readBigUInt64LE(88), bytes.readBigUInt64LE(136)],
  };
}

/** Whether LMDB can have pages of this size. */
export function isPageSize(bytes: number): boolean {
  return bytes >= PAGE_BYTES_MIN && bytes <= PAGE_BYTES_MAX && (bytes & (bytes - 1)) === 0;
}

/** Only the transaction of the meta page that begins at a place. */
export function metaTransaction(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at + TRANSACTION_AT));
}
