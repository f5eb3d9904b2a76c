/**
 * Reading the store's file without LMDB, against LMDB. Broken on purpose and seen to fail: believing what was read without
 * looking at the meta pages again, or with one transaction more between; a large value without that look, or without
 * looking who wrote it; an error for pages that were overwritten meanwhile. Not shown: a large value that is half written, as commits
 * of the same process are whole.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { armFailpoints } from '@heirloom/wire';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreFile } from '../src/page-file.js';
import type { PageFile } from '../src/page-file.js';
import { PageTree } from '../src/page-tree.js';
import type { KeyRange, KeyValue, SortedRows } from '../src/row-scan.js';
import { openStoreReader } from '../src/store-reader.js';
import type { Store, StoreWriter } from '../src/store.js';
import { openStore } from '../src/store-opening.js';

let directory: string;
let path: string;
let store: Store;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'heirloom-tree-'));
  path = join(directory, 'data.mdb');
  // Without flushes: what is read here is what was written, and thousands of commits would take a minute on a slow disk.
  armFailpoints([{ point: 'keeper.flush:none', hit: 1, action: 'EIO' }]);
  store = await openStore(directory);
});
afterEach(async () => {
  armFailpoints([]);
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

const damaged = (how: string): Error => new Error(`damaged: ${how}`);
const keyOf = (number: number): Buffer => Buffer.from(`key ${String(number).padStart(5, '0')}`);

/** A value that says whether it is whole. */
function valueOf(seed: string, bytes: number): Buffer {
  const body = Buffer.alloc(bytes, seed);
  return Buffer.concat([createHash('md5').update(body).digest(), body]);
}

function isWhole(value: Buffer): boolean {
  return createHash('md5').update(value.subarray(16)).digest().equals(value.subarray(0, 16));
}

/** Buffers as text: comparing many of them one by one takes seconds. */
function digest(value: Buffer | undefined): string {
  return value === undefined ? 'none' : createHash('md5').update(value).digest('hex');
}

function shown(rows: Iterable<KeyValue>): string {
  return Array.from(rows, ({ key, value }) => `${key.toString()}: ${digest(value)}`).join('\n');
}

describe('reading the pages of a store', () => {
  it('gives what LMDB gives, key by key and range by range', () => {
    const change = fc.record({
      key: fc.nat(400),
      bytes: fc.oneof(fc.nat(100), fc.nat(3_000), fc.constantFrom(0, 2_000, 4_057, 20_000)),
      isRemoved: fc.boolean(),
    });
    const ends = fc.record({ low: fc.nat(410), high: fc.nat(410), reverse: fc.boolean() });
    const file = new StoreFile(path);
    const tree = new PageTree(file, 'rows', damaged);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120 }), fc.array(ends, { maxLength: 8 }), (changes, ranges) => {
        store.transaction((writer) => {
          for (const { key, bytes, isRemoved } of changes) {
            if (isRemoved) writer.remove('rows', keyOf(key));
            else writer.put('rows', keyOf(key), valueOf(String(key), bytes));
          }
        });
        const of = (rows: SortedRows): string => changes.map(({ key }) => digest(rows.get(keyOf(key)))).join();
        expect(of(tree)).toBe(of(store.rows));
        for (const { low, high, reverse } of ranges) {
          const range: KeyRange = reverse
            ? { start: keyOf(high), end: keyOf(low), reverse, exclusiveStart: true, inclusiveEnd: true }
            : { start: keyOf(low), end: keyOf(high), inclusiveEnd: low % 2 === 0 };
          expect(shown(tree.getRange(range))).toBe(shown(store.rows.getRange(range)));
        }
      }),
      { numRuns: 100 },
    );
    file.close();
  }, 60_000);

  it('leaves no trace that LMDB could see, as a reader that does has made it lose a commit (G1, G5)', () => {
    store.transaction((writer) => writer.put('rows', keyOf(1), Buffer.from('one')));
    const lock = readFileSync(`${path}-lock`);
    const reader = openStoreReader(path);
    const codec = { decodeRow: (bytes: Uint8Array) => bytes };
    expect(reader.source(0, 'set', codec as never).scan({ limit: 10 })).toEqual([]); // Only this of it is used.
    expect(readFileSync(`${path}-lock`)).toEqual(lock);
    reader.close();
    expect(readFileSync(`${path}-lock`)).toEqual(lock);
  });
});

/** Runs something between two reads of a file: commits, as they happen while a reader is frozen. */
class InterruptedFile implements PageFile {
  readonly pageBytes: number;
  private readonly file: PageFile;
  private readonly interrupt: () => void;

  constructor(file: PageFile, interrupt: () => void) {
    this.file = file;
    this.pageBytes = file.pageBytes;
    this.interrupt = interrupt;
  }

  readInto(target: Uint8Array, at: number): number {
    this.interrupt();
    // Half of it before, and half of it after: a page may be overwritten while it is copied.
    const middle = target.length >> 1;
    const got = this.file.readInto(target.subarray(0, middle), at);
    if (got < middle) return got;
    this.interrupt();
    return got + this.file.readInto(target.subarray(middle), at + middle);
  }
}

describe('reading while the keeper commits', () => {
  const STABLE = 300;
  const CHANGING = 40;
  let round = 0;

  const stableValue = (i: number): Buffer => valueOf(String(i), i % 9 === 4 ? 12_000 : 60);

  /** Commits that change rows among the others, and so free and take pages all over the file. */
  function commit(): void {
    round++;
    store.transaction((writer) => {
      for (let i = 0; i < CHANGING; i += 1 + (round % 3)) change(writer, i);
    });
  }

  function change(writer: StoreWriter, i: number): void {
    const key = keyOf(i * 8 + 1);
    if ((i + round) % 5 === 0) writer.remove('rows', key);
    else writer.put('rows', key, valueOf(`${i} of ${round}`, (i * 997 + round * 1_009) % 9_000));
  }

  beforeEach(() => {
    store.transaction((writer) => {
      for (let i = 0; i < STABLE; i++) writer.put('rows', keyOf(i * 2), stableValue(i));
    });
    for (let i = 0; i < 20; i++) commit();
  });

  it('gives every row that is not changed, and whole versions of the others (G11)', () => {
    const plain = new StoreFile(path);
    fc.assert(
      fc.property(
        fc.infiniteStream(fc.integer({ min: 0, max: 99 })),
        fc.array(fc.nat(STABLE * 2 - 1), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        (pauses, keys, reverse) => {
          // Now and then, one to five commits pass between two reads.
          const interrupt = (): void => {
            const { value: pause } = pauses.next() as { value: number }; // The stream has no end.
            for (let i = 94; i < pause; i++) commit();
          };
          const tree = new PageTree(new InterruptedFile(plain, interrupt), 'rows', damaged);
          for (const key of keys) {
            const value = tree.get(keyOf(key));
            if (key % 2 === 0) expect(digest(value)).toBe(digest(stableValue(key / 2)));
            else if (value !== undefined) expect(isWhole(value)).toBe(true);
          }
          const ends = { start: keyOf(reverse ? STABLE * 2 : 0), end: keyOf(reverse ? 0 : STABLE * 2) };
          const found = [...tree.getRange({ ...ends, reverse, inclusiveEnd: reverse })];
          expect(found.every(({ value }) => isWhole(value))).toBe(true);
          const stable = found.map(({ key }) => Number(key.subarray(4))).filter((key) => key % 2 === 0);
          const expected = Array.from({ length: STABLE }, (_, i) => i * 2);
          expect(reverse ? stable.toReversed() : stable).toEqual(expected);
        },
      ),
      { numRuns: 15 },
    );
    plain.close();
  }, 60_000);
});

describe('reading a damaged store', () => {
  it('says so where a page or a large value is not what it should be', () => {
    store.transaction((writer) => {
      for (let i = 0; i < 500; i++) writer.put('rows', keyOf(i), valueOf(String(i), i === 250 ? 50_000 : 50));
    });
    const bytes = readFileSync(path);
    const pageBytes = bytes.readUInt32LE(48);
    const wrong = new Map<string, number>();
    for (let page = 2; page < bytes.length / pageBytes; page++) {
      const copy = Buffer.from(bytes);
      copy.fill(0xee, page * pageBytes, page * pageBytes + 24);
      const file = {
        pageBytes,
        readInto: (target: Uint8Array, at: number) => copy.copy(target, 0, at, at + target.length),
      };
      const tree = new PageTree(file, 'rows', damaged);
      let outcome = 'nothing';
      try {
        const found = [...tree.getRange({ start: keyOf(0), end: keyOf(500) })];
        if (found.length !== 500) outcome = 'rows missing';
      } catch (error) {
        outcome = (error as Error).message;
      }
      wrong.set(outcome, (wrong.get(outcome) ?? 0) + 1);
    }
    // Pages that are free, or amid a run, where no header is, do not matter here.
    expect([...wrong.keys()].sort()).toEqual([
      'damaged: a large value of its rows is not where it should be',
      'damaged: one of its pages is not what its tree takes it for',
      'nothing',
    ]);
  });
});
