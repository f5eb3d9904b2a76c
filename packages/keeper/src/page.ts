/**
 * One page of the store's file as LMDB lays it out, read without LMDB.
 *
 *   page      u64 number · u64 transaction · u16 pad · u16 flags · u16 lower · u16 upper (overflow: u32 pages) · u16 pointers
 *   node      at 24 + pointer: u16 low · u16 high · u16 flags · u16 key size · key · data
 *             branch: low, high and flags are the child's number; leaf: low and high are the data's size
 *   data      flag 1: u64 number of the first page of a run; flag 2: a tree record of 48 bytes, its root in the last 8
 *   run       overflow pages in a row, of which only the first has a header; the data lies behind that
 *
 * All numbers are of this machine's order, little-endian on every platform that lmdb has binaries for.
 */
import { Buffer } from 'node:buffer';

export const PAGE_HEADER_BYTES = 24;
/** The number of a page that is not there: the root of an empty tree. */
export const NO_PAGE = 0xffff_ffff_ffff_ffffn;
/** LMDB's own limit on the depth of a tree. */
export const TREE_DEPTH_MAX = 32;

const FLAGS_AT = 18;
const LOWER_AT = 20;
const NODE_BYTES = 8;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const BIG_DATA = 0x01;
const SUB_TREE = 0x02;
const TREE_BYTES = 48;

/** What a leaf has under a key: the data itself, where it lies, or the root of another tree. */
export type PageData =
  | { readonly kind: 'value'; readonly bytes: Buffer }
  | { readonly kind: 'run'; readonly number: number; readonly bytes: number }
  | { readonly kind: 'tree'; readonly root: bigint };

/** A branch or a leaf; everything it refers to within itself is inside of it. */
export class Page {
  readonly isBranch: boolean;
  /** How many nodes it has. */
  readonly size: number;
  private readonly bytes: Buffer;
  /** The same bytes, which are quicker to read so; everything in a page lies at an even place. */
  private readonly pairs: Uint16Array;

  /** See `parsePage`. */
  constructor(bytes: Buffer, pairs: Uint16Array) {
    this.bytes = bytes;
    this.pairs = pairs;
    this.isBranch = (pairAt(pairs, FLAGS_AT) & BRANCH) !== 0;
    this.size = pairAt(pairs, LOWER_AT) >> 1;
  }

  /** The same page in memory of its own. */
  copy(): Page {
    const bytes = Buffer.from(this.bytes);
    return new Page(bytes, pairsOf(bytes));
  }

  /** A view on the key of a node. In a branch it is the first key of the child's subtree, and that of node 0 means nothing. */
  key(index: number): Buffer {
    const at = this.nodeAt(index);
    return this.bytes.subarray(at + NODE_BYTES, at + NODE_BYTES + pairAt(this.pairs, at + 6));
  }

  /** The order of a node's key and another one: below zero if the node's comes first. */
  compareKey(index: number, other: Uint8Array): number {
    const at = this.nodeAt(index);
    const start = at + NODE_BYTES;
    return this.bytes.compare(other, 0, other.length, start, start + pairAt(this.pairs, at + 6));
  }

  /** The number of a branch's child. */
  child(index: number): number {
    const at = this.nodeAt(index);
    return this.bytes.readUInt32LE(at) + pairAt(this.pairs, at + 4) * 0x1_0000_0000;
  }

  /** What a leaf has at a node. */
  data(index: number): PageData {
    const { bytes, pairs } = this;
    const at = this.nodeAt(index);
    const size = bytes.readUInt32LE(at);
    const flags = pairAt(pairs, at + 4);
    const start = at + NODE_BYTES + pairAt(pairs, at + 6);
    if ((flags & BIG_DATA) !== 0) return { kind: 'run', number: Number(bytes.readBigUInt64LE(start)), bytes: size };
    if ((flags & SUB_TREE) !== 0) return { kind: 'tree', root: bytes.readBigUInt64LE(start + TREE_BYTES - 8) };
    return { kind: 'value', bytes: bytes.subarray(start, start + size) };
  }

  private nodeAt(index: number): number {
    return PAGE_HEADER_BYTES + pairAt(this.pairs, PAGE_HEADER_BYTES + 2 * index);
  }
}

/** The bytes as a branch or a leaf of this number; undefined if they are none, or one with something outside of it. */
export function parsePage(bytes: Buffer, number: number): Page | undefined {
  if (bytes.length < PAGE_HEADER_BYTES || readHeader(bytes).number !== number) return undefined;
  const pairs = pairsOf(bytes);
  const flags = pairAt(pairs, FLAGS_AT);
  const isBranch = (flags & BRANCH) !== 0;
  if (!isBranch && (flags & LEAF) === 0) return undefined;
  const end = PAGE_HEADER_BYTES + pairAt(pairs, LOWER_AT);
  if (end > bytes.length) return undefined;
  for (let at = PAGE_HEADER_BYTES; at < end; at += 2) {
    const node = PAGE_HEADER_BYTES + pairAt(pairs, at);
    if ((node & 1) !== 0 || node + NODE_BYTES > bytes.length || nodeEnd(pairs, node, isBranch) > bytes.length)
      return undefined;
  }
  return new Page(bytes, pairs);
}

function nodeEnd(pairs: Uint16Array, node: number, isBranch: boolean): number {
  const data = node + NODE_BYTES + pairAt(pairs, node + 6);
  if (isBranch) return data;
  const flags = pairAt(pairs, node + 4);
  if ((flags & BIG_DATA) !== 0) return data + 8;
  const size = pairAt(pairs, node) + pairAt(pairs, node + 2) * 0x1_0000;
  return (flags & SUB_TREE) !== 0 && size !== TREE_BYTES ? Infinity : data + size;
}

function pairsOf(bytes: Buffer): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
}

/** Two bytes at an even place; what is outside of the page reads as zero. */
function pairAt(pairs: Uint16Array, at: number): number {
  return pairs[at >> 1] ?? 0;
}

/** The header of a run: who wrote it, and how many pages it has; undefined if there is no run of this number. */
export function parseRun(header: Buffer, number: number): { transaction: number; pages: number } | undefined {
  if (header.length < PAGE_HEADER_BYTES || (header.readUInt16LE(FLAGS_AT) & OVERFLOW) === 0) return undefined;
  const { number: found, transaction } = readHeader(header);
  return found === number ? { transaction, pages: header.readUInt32LE(LOWER_AT) } : undefined;
}

function readHeader(bytes: Buffer): { number: number; transaction: number } {
  return { number: Number(bytes.readBigUInt64LE(0)), transaction: Number(bytes.readBigUInt64LE(8)) };
}
