/**
 * The store's file as bytes: whether LMDB can be trusted with it.
 *
 * LMDB maps the file into memory; one that is shorter than its own records say kills the process that reads it with SIGBUS,
 * and garbage makes it abort. So the parts it relies on first are checked here before it sees the file: both meta pages, the
 * size of the file, and the header of the root page of each tree that the newer meta page names.
 *
 * What lies deeper is
 * checked by a walk over every page (store-walk.ts): where a file is shorter than its last page, and when a runtime starts on a
 * store of at most WALK_BYTES_MAX. A file that passes can still be damaged: larger ones inside, all of them within a row.
 */
import { StoreError } from './errors.js';
import { META_BYTES, parseMetaPage } from './meta-page.js';
import type { MetaPage } from './meta-page.js';
import { NO_PAGE, PAGE_HEADER_BYTES } from './page.js';
import { StoreFile, readBytes } from './page-file.js';
import { isTreeWhole } from './store-walk.js';

const BRANCH_OR_LEAF_FLAGS = 0x03;

/** The largest store of which every page is read when a runtime starts: some tens of milliseconds. */
export const WALK_BYTES_MAX: number = 64 * 1024 * 1024;

/** How much of a file is checked: its beginning, or every page of one that is not too large for that. */
export type CheckDepth = 'beginning' | 'pages';

/** Throws StoreError ERR_STORE_DAMAGED unless the file is that of a whole store, as far as `depth` looks. */
export function checkStoreFile(path: string, depth: CheckDepth): void {
  const file = new StoreFile(path);
  try {
    const first = readMeta(path, file, 0);
    const second = readMeta(path, file, 1);
    const newest = second.transaction > first.transaction ? second : first;
    const sizeMin = (newest.lastPage + 1n) * BigInt(newest.pageBytes);
    for (const root of newest.roots) checkRoot(path, file, newest, root);
    const isLongEnough = BigInt(file.bytes) >= sizeMin;
    if (isLongEnough && (depth === 'beginning' || file.bytes > WALK_BYTES_MAX)) return;
    if (newest.roots.every((root) => isTreeWhole(file, root))) return;
    if (isLongEnough) throw damaged(path, 'one of its pages is not what its tree takes it for');
    throw damaged(path, `it has ${file.bytes} bytes, and its records need ${sizeMin}`);
  } finally {
    file.close();
  }
}

function readMeta(path: string, file: StoreFile, page: 0 | 1): MetaPage {
  const meta = parseMetaPage(readBytes(file, page * file.pageBytes, META_BYTES), page);
  if (typeof meta === 'string') throw damaged(path, meta);
  return meta;
}

function checkRoot(path: string, file: StoreFile, meta: MetaPage, root: bigint): void {
  if (root === NO_PAGE) return;
  if (root > meta.lastPage) throw damaged(path, `a tree begins at page ${root}, behind the last one`);
  const header = readBytes(file, Number(root) * meta.pageBytes, PAGE_HEADER_BYTES);
  const isHeader = header.length === PAGE_HEADER_BYTES && header.readBigUInt64LE(0) === root;
  if (!isHeader || (header.readUInt16LE(18) & BRANCH_OR_LEAF_FLAGS) === 0)
    throw damaged(path, `page ${root} should be the root of a tree`);
}

/** Makes the error for a store that is not what a keeper leaves behind. */
export function damaged(path: string, how: string, cause?: unknown): StoreError {
  const message = `The store ${path} is damaged: ${how}. Nothing was changed. Restore it from a backup, or move it away to begin anew.`;
  return new StoreError('ERR_STORE_DAMAGED', message, { path }, { cause });
}
