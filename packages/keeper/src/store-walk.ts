/**
 * A walk over every page of the store that its trees refer to, without LMDB: whether all of them are in the file.
 *
 * It is needed for files that are shorter than their last page says. That is no damage by itself, as LMDB does not write pages
 * at the end that were taken and given back within one transaction. And it finds pages that were overwritten, which LMDB may take
 * for empty ones, or die of. It costs a read of every page, so it is not for every start.
 *
 *   page      u64 number · u64 transaction · u16 pad · u16 flags · u16 lower · u16 upper (overflow: u32 pages) · u16 pointers
 *   node      at 24 + pointer: u16 low · u16 high · u16 flags · u16 key size · key · data
 *             branch: low, high and flags are the child's number; leaf: low and high are the data's size
 *   data      flag 1: u64 number of the first overflow page; flag 2: a tree record of 48 bytes, its root in the last 8
 */
import { readSync } from 'node:fs';

const HEADER_BYTES = 24;
const NODE_BYTES = 8;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const BIG_DATA = 0x01;
const SUB_TREE = 0x02;
/** The number of a page that is not there: the root of an empty tree. */
export const NO_PAGE = 0xffff_ffff_ffff_ffffn;
/** LMDB's own limit on the depth of a tree. */
const DEPTH_MAX = 32;

export interface PageFile {
  readonly descriptor: number;
  readonly bytes: number;
  readonly pageBytes: number;
}

/** Whether every page from a root on is in the file and is what its parent takes it for. */
export function isTreeWhole(file: PageFile, root: bigint, depth: number = 0): boolean {
  if (root === NO_PAGE) return true;
  if (depth > DEPTH_MAX) return false;
  const page = readPage(file, root);
  if (page === undefined) return false;
  const flags = page.getUint16(18, true);
  const isBranch = (flags & BRANCH) !== 0;
  if (!isBranch && (flags & LEAF) === 0) return false;
  const lower = page.getUint16(20, true);
  if (lower > file.pageBytes - HEADER_BYTES) return false;
  for (let at = HEADER_BYTES; at < HEADER_BYTES + lower; at += 2) {
    const node = HEADER_BYTES + page.getUint16(at, true);
    if (node + NODE_BYTES > file.pageBytes) return false;
    if (!(isBranch ? isTreeWhole(file, childOf(page, node), depth + 1) : isNodeWhole(file, page, node, depth)))
      return false;
  }
  return true;
}

function childOf(page: DataView, node: number): bigint {
  return BigInt(page.getUint32(node, true)) + (BigInt(page.getUint16(node + 4, true)) << 32n);
}

function isNodeWhole(file: PageFile, page: DataView, node: number, depth: number): boolean {
  const flags = page.getUint16(node + 4, true);
  const data = node + NODE_BYTES + page.getUint16(node + 6, true);
  const size = (flags & BIG_DATA) !== 0 ? 8 : page.getUint32(node, true);
  if (data + size > file.pageBytes) return false;
  if ((flags & BIG_DATA) !== 0) return isOverflowWhole(file, page.getBigUint64(data, true));
  if ((flags & SUB_TREE) === 0) return true;
  return size === 48 && isTreeWhole(file, page.getBigUint64(data + 40, true), depth + 1);
}

function isOverflowWhole(file: PageFile, first: bigint): boolean {
  const page = readPage(file, first);
  if (page === undefined || (page.getUint16(18, true) & OVERFLOW) === 0) return false;
  return (first + BigInt(page.getUint32(20, true))) * BigInt(file.pageBytes) <= BigInt(file.bytes);
}

function readPage(file: PageFile, number: bigint): DataView | undefined {
  const { descriptor, bytes, pageBytes } = file;
  if ((number + 1n) * BigInt(pageBytes) > BigInt(bytes)) return undefined;
  const page = new Uint8Array(pageBytes);
  readSync(descriptor, page, 0, pageBytes, Number(number) * pageBytes);
  const view = new DataView(page.buffer);
  return view.getBigUint64(0, true) === number ? view : undefined;
}
