/**
 * A walk over every page of the store that its trees refer to, without LMDB: whether all of them are in the file.
 *
 * It is needed for files that are shorter than their last page says. That is no damage by itself, as LMDB does not write pages
 * at the end that were taken and given back within one transaction. And it finds pages that were overwritten, which LMDB may take
 * for empty ones, or die of. It costs a read of every page, so it is not for every start.
 */
import { NO_PAGE, PAGE_HEADER_BYTES, TREE_DEPTH_MAX, parsePage, parseRun } from './page.js';
import type { Page } from './page.js';
import { readBytes } from './page-file.js';
import type { PageFile } from './page-file.js';

/** Whether every page from a root on is in the file and is what its parent takes it for. */
export function isTreeWhole(file: PageFile, root: bigint): boolean {
  return isSubtreeWhole({ file, seen: new Set() }, root, 0);
}

/** A walk, and the pages that it has seen: one that is met again makes no tree, and could keep the walk from ending. */
interface Walk {
  readonly file: PageFile;
  readonly seen: Set<number>;
}

function isSubtreeWhole(walk: Walk, root: bigint, depth: number): boolean {
  if (root === NO_PAGE) return true;
  const { file, seen } = walk;
  const number = Number(root);
  if (depth > TREE_DEPTH_MAX || seen.has(number)) return false;
  seen.add(number);
  const page = parsePage(readBytes(file, number * file.pageBytes, file.pageBytes), number);
  if (page === undefined) return false;
  for (let index = 0; index < page.size; index++) {
    if (!isNodeWhole(walk, page, index, depth)) return false;
  }
  return true;
}

function isNodeWhole(walk: Walk, page: Page, index: number, depth: number): boolean {
  if (page.isBranch) return isSubtreeWhole(walk, BigInt(page.child(index)), depth + 1);
  const data = page.data(index);
  if (data.kind === 'tree') return isSubtreeWhole(walk, data.root, depth + 1);
  return data.kind === 'value' || isRunWhole(walk.file, data.number);
}

function isRunWhole(file: PageFile, number: number): boolean {
  const at = number * file.pageBytes;
  const run = parseRun(readBytes(file, at, PAGE_HEADER_BYTES), number);
  if (run === undefined) return false;
  const last = at + run.pages * file.pageBytes - 1;
  return readBytes(file, last, 1).length === 1;
}
