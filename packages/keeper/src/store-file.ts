/**
 * The store's file as bytes: whether LMDB can be trusted with it.
 *
 * LMDB maps the file into memory; one that is shorter than its own records say kills the process that reads it with SIGBUS,
 * and garbage makes it abort. So the parts it relies on first are checked here before it sees the file: both meta pages, the
 * size of the file, and the header of the root page of each tree that the newer meta page names.
 *
 *   meta page   u64 page number · u64 transaction · u16 pad · u16 flags (8) · 4 bytes · u32 magic · u32 version · u64 address
 *               · u64 map size · 2 × tree (free list, databases) · u64 last page · u64 transaction · u64 boot id
 *   tree        u32 pad (in the first: the page size) · u16 flags · u16 depth · 4 × u64 counts · u64 root page
 *
 * All numbers are of this machine's order, little-endian on every platform that lmdb has binaries for. What lies deeper is
 * checked by a walk over every page (store-walk.ts): where a file is shorter than its last page, and when a runtime starts on a
 * store of at most WALK_BYTES_MAX. A file that passes can still be damaged: larger ones inside, all of them within a row.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StoreError } from './errors.js';
import { isTreeWhole, NO_PAGE } from './store-walk.js';

const META_BYTES = 168;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const META_FLAG = 0x08;
const BRANCH_OR_LEAF_FLAGS = 0x03;
const PAGE_BYTES_MIN = 512;
const PAGE_BYTES_MAX = 65_536;

/** The largest store of which every page is read when a runtime starts: some tens of milliseconds. */
export const WALK_BYTES_MAX: number = 64 * 1024 * 1024;

/** How much of a file is checked: its beginning, or every page of one that is not too large for that. */
export type CheckDepth = 'beginning' | 'pages';

interface Meta {
  readonly pageBytes: number;
  readonly lastPage: bigint;
  readonly transaction: bigint;
  readonly roots: readonly bigint[];
}

/** Throws StoreError ERR_STORE_DAMAGED unless the file is that of a whole store, as far as `depth` looks. */
export function checkStoreFile(path: string, depth: CheckDepth): void {
  const descriptor = openSync(path, 'r');
  try {
    const size = fstatSync(descriptor).size;
    const first = readMeta(path, descriptor, 0, 0);
    const second = readMeta(path, descriptor, first.pageBytes, 1);
    const newest = second.transaction > first.transaction ? second : first;
    const sizeMin = (newest.lastPage + 1n) * BigInt(newest.pageBytes);
    for (const root of newest.roots) checkRoot(path, descriptor, newest, root);
    const isLongEnough = BigInt(size) >= sizeMin;
    if (isLongEnough && (depth === 'beginning' || size > WALK_BYTES_MAX)) return;
    const file = { descriptor, bytes: size, pageBytes: newest.pageBytes };
    if (newest.roots.every((root) => isTreeWhole(file, root))) return;
    if (isLongEnough) throw damaged(path, 'one of its pages is not what its tree takes it for');
    throw damaged(path, `it has ${size} bytes, and its records need ${sizeMin}`);
  } finally {
    closeSync(descriptor);
  }
}

function readMeta(path: string, descriptor: number, at: number, expectedPage: number): Meta {
  const view = readAt(path, descriptor, at, META_BYTES);
  if (view.getUint32(24, true) !== MAGIC) throw damaged(path, `meta page ${expectedPage} does not begin as one`);
  if ((view.getUint32(28, true) & 0xffff) !== DATA_VERSION) throw damaged(path, 'its LMDB format is another');
  const pageBytes = view.getUint32(48, true);
  const isPage = view.getBigUint64(0, true) === BigInt(expectedPage) && (view.getUint16(18, true) & META_FLAG) !== 0;
  const isSize = pageBytes >= PAGE_BYTES_MIN && pageBytes <= PAGE_BYTES_MAX && (pageBytes & (pageBytes - 1)) === 0;
  if (!isPage || !isSize) throw damaged(path, `meta page ${expectedPage} makes no sense`);
  return {
    pageBytes,
    lastPage: view.getBigUint64(144, true),
    transaction: view.getBigUint64(152, true),
    roots: [view.getBigUint64(88, true), view.getBigUint64(136, true)],
  };
}

function checkRoot(path: string, descriptor: number, meta: Meta, root: bigint): void {
  if (root === NO_PAGE) return;
  if (root > meta.lastPage) throw damaged(path, `a tree begins at page ${root}, behind the last one`);
  const header = readAt(path, descriptor, Number(root) * meta.pageBytes, 24);
  const isTree = header.getBigUint64(0, true) === root && (header.getUint16(18, true) & BRANCH_OR_LEAF_FLAGS) !== 0;
  if (!isTree) throw damaged(path, `page ${root} should be the root of a tree`);
}

function readAt(path: string, descriptor: number, at: number, count: number): DataView {
  const bytes = new Uint8Array(count);
  const got = readSync(descriptor, bytes, 0, count, at);
  if (got < count) throw damaged(path, `it ends at ${at + got} bytes, inside of its first records`);
  return new DataView(bytes.buffer);
}

/** Makes the error for a store that is not what a keeper leaves behind. */
export function damaged(path: string, how: string, cause?: unknown): StoreError {
  const message = `The store ${path} is damaged: ${how}. Nothing was changed. Restore it from a backup, or move it away to begin anew.`;
  return new StoreError('ERR_STORE_DAMAGED', message, { path }, { cause });
}
