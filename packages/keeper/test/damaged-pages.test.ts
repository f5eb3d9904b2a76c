/**
 * A store's file that was damaged inside, on purpose or not, as those see it who read it without LMDB: rows that ascend, or
 * StoreError; never another error, no end, or memory for what is not there (G9, G11).
 *
 * Broken on purpose and seen to fail: places that no file has are read; the size of a page is believed; a large value is read
 * without looking whether the file has it; leaves are not compared with the separators above them; keys of a leaf are not
 * compared with each other; the walk visits a page twice; what the codec throws is passed on.
 *
 * HEIRLOOM_SEED replays a run.
 */
import { Buffer } from 'node:buffer';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RowCodec } from '@heirloom/wire';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { rowKey } from '../src/layout.js';
import { parseMetaPage } from '../src/meta-page.js';
import { parsePage } from '../src/page.js';
import { StoreFile } from '../src/page-file.js';
import type { PageFile } from '../src/page-file.js';
import { PageTree } from '../src/page-tree.js';
import { openStore } from '../src/store-opening.js';
import { openStoreReader } from '../src/store-reader.js';
import { isTreeWhole } from '../src/store-walk.js';
import { randomFrom, runSeed } from '../../wire/test/mutate.js';

const ROWS = 2_000;
const RUNS = 100;
/** More reads than any way through the file takes: six of a page for each row. */
const READS_MAX = ROWS * 20;
const seed = runSeed();
/** Hundreds of files are read whole, on a machine that may do other things. */
vi.setConfig({ testTimeout: 120_000 });

let directory: string;
let bytes: Buffer;
let pageBytes: number;

/** What the readers say of damage; anything else that they throw is a bug. */
class Damaged extends Error {}

const keyOf = (number: number): Buffer => Buffer.from(`key ${String(number).padStart(5, '0')}`);
const ALL = { start: keyOf(0), end: keyOf(ROWS) };
const ALL_REVERSE = { start: keyOf(ROWS), end: keyOf(0), reverse: true, inclusiveEnd: true };

/** A file in memory that counts its reads, so that a reader without end fails its test. */
class MemoryFile implements PageFile {
  readonly pageBytes: number = pageBytes;
  readonly content: Buffer;
  reads = 0;

  constructor(content: Buffer) {
    this.content = content;
  }

  readInto(target: Uint8Array, at: number): number {
    if (++this.reads > READS_MAX) throw new Error(`HEIRLOOM_SEED=${seed}: the reader does not end`);
    return at < this.content.length ? this.content.copy(target, 0, at, at + target.length) : 0;
  }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'heirloom-damaged-'));
  const store = await openStore(directory);
  for (let part = 0; part < 4; part++) {
    store.transaction((writer) => {
      for (let i = part; i < ROWS; i += 4) writer.put('rows', keyOf(i), Buffer.alloc(i % 97 === 5 ? 9_000 : 60, 'x'));
    });
  }
  bytes = readFileSync(join(directory, 'data.mdb'));
  pageBytes = bytes.readUInt32LE(48);
  await store.close();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a reader makes of bytes: the keys that it gives, or 'damaged'. */
function keysIn(content: Buffer, range: typeof ALL): readonly string[] | 'damaged' {
  const tree = new PageTree(new MemoryFile(content), 'rows', (how) => new Damaged(how));
  try {
    return Array.from(tree.getRange(range), ({ key }) => key.toString('latin1'));
  } catch (error) {
    if (error instanceof Damaged) return 'damaged';
    throw new Error(`HEIRLOOM_SEED=${seed}: not said to be damage`, { cause: error });
  }
}

function isAscending(keys: readonly string[]): boolean {
  // One character of latin1 is one byte, so text and bytes are of one order.
  return keys.every((key, index) => index === 0 || (keys[index - 1] ?? '') < key);
}

/** The branches or the leaves of the file, of this transaction and of earlier ones. */
function pages(kind: 'branch' | 'leaf'): { readonly at: number; readonly size: number }[] {
  const found = [];
  for (let at = 2 * pageBytes; at < bytes.length; at += pageBytes) {
    const page = parsePage(Buffer.from(bytes.subarray(at, at + pageBytes)), at / pageBytes);
    if (page !== undefined && page.isBranch === (kind === 'branch') && page.size > 1)
      found.push({ at, size: page.size });
  }
  return found;
}

/** Where a node of a page begins. */
const nodeAt = (page: number, index: number): number => page + 24 + bytes.readUInt16LE(page + 24 + 2 * index);

describe('a damaged file', () => {
  it('gives rows that ascend, or is called damaged, whatever is wrong in its pages', () => {
    const random = randomFrom(seed);
    let damaged = 0;
    for (let run = 0; run < RUNS; run++) {
      const content = Buffer.from(bytes);
      for (let changes = 1 + random(3); changes > 0; changes--) damage(content, random);
      for (const range of [ALL, ALL_REVERSE]) {
        const keys = keysIn(content, range);
        if (keys === 'damaged') damaged++;
        else expect([run, isAscending(range === ALL ? keys : keys.toReversed())]).toEqual([run, true]);
      }
      expect([true, false]).toContain(isWhole(content));
    }
    expect(damaged).toBeGreaterThan(RUNS / 20);
  });

  function damage(content: Buffer, random: (below: number) => number): void {
    const page = random(content.length / pageBytes) * pageBytes;
    const at = page + ([random(24), 24 + random(200), random(pageBytes), 88 + random(60)][random(4)] ?? 0);
    if (at + 8 > content.length) return;
    const kind = random(4);
    if (kind === 0) content.writeUInt8(content.readUInt8(at) ^ (1 << random(8)), at);
    else if (kind === 1) content.writeUInt16LE(random(0x1_0000), at & ~1);
    else if (kind === 2) content.writeUInt32LE(random(content.length / pageBytes + 3), at & ~1);
    else content.fill(0xff, at, at + 1 + random(8));
  }

  function isWhole(content: Buffer): boolean {
    const metas = [0, 1].map((page) =>
      parseMetaPage(content.subarray(page * pageBytes, page * pageBytes + 168), page as 0 | 1),
    );
    return metas.every(
      (meta) => typeof meta !== 'string' && meta.roots.every((root) => isTreeWhole(new MemoryFile(content), root)),
    );
  }

  it('is called so where a branch names another page of its tree', () => {
    const whole = Array.from({ length: ROWS }, (_, i) => keyOf(i).toString());
    let damaged = 0;
    for (const { at, size } of pages('branch')) {
      for (let index = 0; index < size; index += 3) {
        const content = Buffer.from(bytes);
        // The six bytes of a child's number.
        bytes.copy(content, nodeAt(at, index), nodeAt(at, (index + 1) % size), nodeAt(at, (index + 1) % size) + 6);
        const found = [keysIn(content, ALL), keysIn(content, ALL_REVERSE)];
        if (found.includes('damaged')) damaged++;
        // A page that the newest transaction does not use.
        else expect(found).toEqual([whole, whole.toReversed()]);
      }
    }
    expect(damaged).toBeGreaterThan(10);
  });

  it('is called so where a branch names itself, by readers and by the walk, which both end', () => {
    let notWhole = 0;
    for (const { at, size } of pages('branch')) {
      const content = Buffer.from(bytes);
      for (let index = 0; index < size; index++) {
        const node = nodeAt(at, index);
        content.writeUInt32LE(at / pageBytes, node);
        content.writeUInt16LE(0, node + 4);
      }
      expect(['damaged', 'whole']).toContain(keysIn(content, ALL) === 'damaged' ? 'damaged' : 'whole');
      if (!isWhole(content)) notWhole++;
    }
    expect(notWhole).toBeGreaterThan(0);
  });

  it('is called so where the rows of a leaf are out of order', () => {
    const whole = Array.from({ length: ROWS }, (_, i) => keyOf(i).toString());
    let damaged = 0;
    for (const { at, size } of pages('leaf')) {
      if (size < 4) continue;
      const content = Buffer.from(bytes);
      // Two of its pointers, neither of them the first or the last.
      content.writeUInt16LE(bytes.readUInt16LE(at + 26), at + 28);
      content.writeUInt16LE(bytes.readUInt16LE(at + 28), at + 26);
      const found = [keysIn(content, ALL), keysIn(content, ALL_REVERSE)];
      if (found.includes('damaged')) damaged++;
      else expect(found).toEqual([whole, whole.toReversed()]);
    }
    expect(damaged).toBeGreaterThan(10);
  });

  it('is not walked twice, where branches name the same page again and again', () => {
    const [levels, children] = [20, 50];
    const content = Buffer.alloc((levels + 1) * pageBytes);
    for (let level = 0; level <= levels; level++) {
      const at = level * pageBytes;
      content.writeBigUInt64LE(BigInt(level), at);
      content.writeUInt16LE(level < levels ? 1 : 2, at + 18);
      if (level === levels) continue;
      content.writeUInt16LE(2 * children, at + 20);
      // All pointers lead to one node, which names the page of the next level and has no key.
      const node = 2 * children;
      for (let index = 0; index < children; index++) content.writeUInt16LE(node, at + 24 + 2 * index);
      content.writeUInt32LE(level + 1, at + 24 + node);
    }
    expect(isTreeWhole(new MemoryFile(content), BigInt(levels))).toBe(true);
    expect(isTreeWhole(new MemoryFile(content), 0n)).toBe(false);
  });
});

describe('a reader of a store', () => {
  /** Opens the bytes as a store, and reads the rows of its first extent. */
  function read(content: Buffer, codec: RowCodec = new RowCodec()): unknown {
    const path = join(directory, 'hostile.mdb');
    writeFileSync(path, content);
    const reader = openStoreReader(path);
    try {
      const source = reader.source(0, 'set', codec);
      return [source.scan({ limit: 10 }), source.rowsOf(Buffer.from('a'))];
    } finally {
      reader.close();
    }
  }
  const refused = expect.objectContaining({ name: 'StoreError', code: 'ERR_STORE_DAMAGED' }) as unknown;

  it('believes no size of pages that LMDB cannot have', () => {
    for (const size of [0, 1, 511, 4_095, 0x8000_0000, 0xffff_ffff]) {
      const content = Buffer.from(bytes);
      for (const page of [0, 1]) content.writeUInt32LE(size, page * pageBytes + 48);
      expect(() => read(content)).toThrow(refused);
    }
  });

  it('asks no disk for places that there are not', () => {
    const file = new StoreFile(join(directory, 'data.mdb'));
    for (const at of [2 ** 53, 2 ** 60, 2 ** 53 - 10]) expect(file.readInto(Buffer.alloc(20), at)).toBe(0);
    file.close();
    for (const place of [88, 136]) {
      const content = Buffer.from(bytes);
      for (const page of [0, 1]) content.writeBigUInt64LE(2n ** 63n, page * pageBytes + place);
      if (place === 136) expect(() => read(content)).toThrow(refused);
    }
  });

  it('takes no memory for a large value that is not in the file', async () => {
    const own = mkdtempSync(join(tmpdir(), 'heirloom-damaged-'));
    const store = await openStore(own);
    const key = rowKey(0, Buffer.from('a'));
    store.transaction((writer) => writer.put('rows', key, Buffer.alloc(20_000, 'x')));
    const content = readFileSync(join(own, 'data.mdb'));
    await store.close();
    rmSync(own, { recursive: true });
    const allocate = vi.spyOn(Buffer, 'allocUnsafe');
    // The node of the value: its key, and before it its size.
    for (let at = content.indexOf(key); at >= 0; at = content.indexOf(key, at + 1)) {
      content.writeUInt32LE(0xffff_fff0, at - 8);
    }
    expect(() => read(content)).toThrow(refused);
    // And the run, whose header says that it has as many pages as that takes.
    for (let at = 2 * pageBytes; at < content.length; at += pageBytes) {
      if (content.readUInt16LE(at + 18) === 4) content.writeUInt32LE(0xffff_ffff, at + 20);
    }
    expect(() => read(content)).toThrow(refused);
    expect(Math.max(...allocate.mock.calls.map(([size]) => size))).toBeLessThan(1_000_000);
    allocate.mockRestore();
  });

  it('says of rows that cannot be decoded that the store is damaged', async () => {
    const own = mkdtempSync(join(tmpdir(), 'heirloom-damaged-'));
    const store = await openStore(own);
    store.transaction((writer) => writer.put('rows', rowKey(0, Buffer.from('a')), Buffer.from([0xff])));
    const content = readFileSync(join(own, 'data.mdb'));
    await store.close();
    rmSync(own, { recursive: true });
    expect(() => read(content)).toThrow(refused);
  });
});
