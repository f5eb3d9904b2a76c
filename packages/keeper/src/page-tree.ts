/**
 * One database of the store, read from the file by a process that is not the keeper, without LMDB.
 *
 * LMDB is made for many processes, but the build in lmdb-js 3.5.6 sets the shared number of the last transaction whenever
 * a process opens the file, also for reading: if the keeper commits just then, its next transaction builds on the one before,
 * and a commit is lost. A reader of ours therefore **writes nothing that the keeper reads**: no lock file, no reader's slot.
 *
 * 1. LMDB never overwrites what the last two transactions refer to: while N is the newest one, the next writes no page of N or
 *    N - 1. So what was read for transaction S is right if S or S + 1 is the newest one *afterwards*, and S's meta page is still as
 *    it was read. Otherwise it is read again, from the newest transaction.
 * 2. Until that is known, what was read is not believed: it may be anything. A page is looked at only as far as it is whole
 *    (page.ts); if it is not, and the transaction still stands, the store is damaged.
 * 3. Each leaf is read for itself, within microseconds, so no commit that goes on elsewhere can keep a read from ending. Two
 *    leaves of one range may be of two transactions; that is all right for who reads what nobody else writes (hydration).
 * 4. A large value lies in pages of its own, and may take longer. It is right also if the newest transaction still has the
 *    same pages for this key, written by the same transaction as before. Memory is taken only for one that is in the file.
 * 5. The keys of a leaf ascend, and lie between the separators above it; otherwise the store is damaged. So a page that refers to
 *    a wrong one of the same tree neither gives rows of elsewhere nor hides those that should be there.
 * 6. A range goes on behind (or before) a separator that was compared with where it stood, so it ends whatever the pages are.
 *
 * What is visible here may be a commit whose flush has not ended. The keeper's word, not the file, says what is durable.
 */
import { Buffer } from 'node:buffer';
import { META_BYTES, metaTransaction, parseMetaPage } from './meta-page.js';
import type { MetaPage } from './meta-page.js';
import { NO_PAGE, PAGE_HEADER_BYTES, TREE_DEPTH_MAX, parsePage, parseRun } from './page.js';
import type { Page, PageData } from './page.js';
import { readBytes } from './page-file.js';
import type { PageFile } from './page-file.js';
import type { KeyRange, KeyValue, SortedRows } from './row-scan.js';

const NOTHING = Buffer.alloc(0);

/** One committed transaction: its meta page, and the bytes that it was read from. */
interface Snapshot {
  readonly meta: MetaPage;
  readonly page: 0 | 1;
  readonly bytes: Buffer;
}

interface Entry {
  readonly key: Buffer;
  readonly data: PageData;
}

/** The entries of one leaf that a range wants, and where the range goes on behind or before them; undefined at its end. */
interface LeafPart {
  readonly entries: readonly Entry[];
  readonly next: Buffer | undefined;
}

/** From which key on a leaf is read, in which direction, at or behind it or before it, and how many entries are wanted. */
interface Seek {
  readonly key: Uint8Array;
  readonly isReverse: boolean;
  readonly limit: number;
}

export class PageTree implements SortedRows {
  private readonly file: PageFile;
  private readonly name: Buffer;
  private readonly damaged: (how: string) => Error;
  /** What is read most often is always read to the same place, as fresh memory costs more than the read. */
  private readonly page: Buffer;
  private readonly metas: Buffer;

  /** `damaged` makes the error that is thrown if the file is not what LMDB leaves behind. */
  constructor(file: PageFile, name: string, damaged: (how: string) => Error) {
    this.file = file;
    // The binding ends the names of databases with a zero byte.
    this.name = Buffer.from(`${name}\0`);
    this.damaged = damaged;
    this.page = Buffer.alloc(file.pageBytes);
    this.metas = Buffer.alloc(file.pageBytes + META_BYTES);
  }

  get(key: Uint8Array): Buffer | undefined {
    const { entry, snapshot } = this.find(key);
    return entry === undefined ? undefined : this.value(entry, snapshot);
  }

  *getRange({ start, end, reverse = false, inclusiveEnd = false }: KeyRange): Generator<KeyValue, void, undefined> {
    let seek: Seek | undefined = { key: start, isReverse: reverse, limit: Infinity };
    while (seek !== undefined) {
      const { part, snapshot } = this.leafPart(seek);
      for (const entry of part.entries) {
        if (isBehind(entry.key, end, reverse, inclusiveEnd)) return;
        const value = this.value(entry, snapshot);
        if (value !== undefined) yield { key: entry.key, value };
      }
      seek = part.next && { ...seek, key: part.next };
    }
  }

  private find(key: Uint8Array): { entry: Entry | undefined; snapshot: Snapshot } {
    const { part, snapshot } = this.leafPart({ key, isReverse: false, limit: 1 });
    const [entry] = part.entries;
    return { entry: entry !== undefined && Buffer.compare(entry.key, key) === 0 ? entry : undefined, snapshot };
  }

  /** Reads until the outcome is one that invariant 1 holds for. */
  private leafPart(seek: Seek): { part: LeafPart; snapshot: Snapshot } {
    for (;;) {
      const snapshot = this.newest();
      const part = this.readDatabase(snapshot, seek);
      if (!this.isUntouched(snapshot)) continue;
      if (part === undefined) throw this.damaged('one of its pages is not what its tree takes it for');
      return { part, snapshot };
    }
  }

  /** The leaf part, or undefined where pages are not what they should be. */
  private readDatabase(snapshot: Snapshot, seek: Seek): LeafPart | undefined {
    const part = this.readLeaf(snapshot.meta.roots[1], { key: this.name, isReverse: false, limit: 1 });
    const [database] = part?.entries ?? [];
    if (database?.data.kind !== 'tree' || Buffer.compare(database.key, this.name) !== 0) return undefined;
    return this.readLeaf(database.data.root, seek);
  }

  private readLeaf(root: bigint, seek: Seek): LeafPart | undefined {
    if (root === NO_PAGE) return { entries: [], next: undefined };
    let number = Number(root);
    // The nearest separators, at the deepest levels that have them: where the neighbours of the leaf begin and end.
    let low: Buffer | undefined;
    let high: Buffer | undefined;
    for (let depth = 0; depth < TREE_DEPTH_MAX; depth++) {
      const page = this.readPage(number);
      if (page === undefined) return undefined;
      if (!page.isBranch)
        return isBetween(page, low, high) ? leafPartOf(page, seek, seek.isReverse ? low : high) : undefined;
      if (page.size === 0) return undefined;
      const index = childIndex(page, seek);
      if (index > 0) low = Buffer.from(page.key(index));
      if (index + 1 < page.size) high = Buffer.from(page.key(index + 1));
      number = page.child(index);
    }
    return undefined;
  }

  /** The page is gone when the next one is read. */
  private readPage(number: number): Page | undefined {
    const { file, page } = this;
    const got = file.readInto(page, number * file.pageBytes);
    return got === page.length ? parsePage(page, number) : undefined;
  }

  /** What a key has; undefined if it is gone meanwhile. */
  private value(entry: Entry, found: Snapshot): Buffer | undefined {
    let { data } = entry;
    let snapshot = found;
    for (;;) {
      if (data.kind === 'value') return data.bytes;
      if (data.kind === 'tree') throw this.damaged('a value of its rows is a tree');
      const { number } = data;
      const before = this.runWriter(number, data.bytes);
      const bytes = before === undefined ? NOTHING : this.runBytes(number, data.bytes);
      const isRun = before !== undefined && before <= snapshot.meta.transaction && bytes.length === data.bytes;
      if (isRun && this.isUntouched(snapshot)) return bytes;
      const again = this.find(entry.key);
      const isSame = again.entry?.data.kind === 'run' && again.entry.data.number === number;
      if (isSame && isRun && this.runWriter(number, data.bytes) === before) return bytes;
      if (!isRun && again.snapshot.meta.transaction === snapshot.meta.transaction)
        throw this.damaged('a large value of its rows is not where it should be');
      if (again.entry === undefined) return undefined;
      ({ data } = again.entry);
      ({ snapshot } = again);
    }
  }

  /** Who wrote a run that has room for so many bytes and is in the file to its end; undefined if there is none. */
  private runWriter(number: number, bytes: number): number | undefined {
    const at = number * this.file.pageBytes;
    const run = parseRun(readBytes(this.file, at, PAGE_HEADER_BYTES), number);
    if (run === undefined || PAGE_HEADER_BYTES + bytes > run.pages * this.file.pageBytes) return undefined;
    const isInFile = readBytes(this.file, at + PAGE_HEADER_BYTES + bytes - 1, 1).length === 1;
    return isInFile ? run.transaction : undefined;
  }

  private runBytes(number: number, bytes: number): Buffer {
    return readBytes(this.file, number * this.file.pageBytes + PAGE_HEADER_BYTES, bytes);
  }

  private newest(): Snapshot {
    this.readMetaPages();
    const page = this.transactionOf(1) > this.transactionOf(0) ? 1 : 0;
    const bytes = Buffer.from(this.metaPage(page));
    const meta = parseMetaPage(bytes, page);
    if (typeof meta === 'string') throw this.damaged(meta);
    return { meta, page, bytes };
  }

  private isUntouched({ meta, page, bytes }: Snapshot): boolean {
    this.readMetaPages();
    return bytes.equals(this.metaPage(page)) && this.transactionOf(page === 0 ? 1 : 0) <= meta.transaction + 1;
  }

  private readMetaPages(): void {
    if (this.file.readInto(this.metas, 0) < this.metas.length)
      throw this.damaged('it ends inside of its first records');
  }

  private transactionOf(page: 0 | 1): number {
    return metaTransaction(this.metas, page * this.file.pageBytes);
  }

  private metaPage(page: 0 | 1): Buffer {
    const start = page * this.file.pageBytes;
    return this.metas.subarray(start, start + META_BYTES);
  }
}

/** The last child whose subtree can have what is sought. */
function childIndex(page: Page, { key, isReverse }: Seek): number {
  // Of the children from 1 on, those before `high` begin at the key or before it; before it, if what is sought is.
  let low = 1;
  let high = page.size;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = page.compareKey(middle, key);
    if (order < 0 || (order === 0 && !isReverse)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Whether a leaf's keys are at or behind one separator, and before the other one. */
function isBetween(page: Page, low: Buffer | undefined, high: Buffer | undefined): boolean {
  if (page.size === 0) return true;
  const isBehindLow = low === undefined || page.compareKey(0, low) >= 0;
  return isBehindLow && (high === undefined || page.compareKey(page.size - 1, high) < 0);
}

/** The leaf part, or undefined where keys do not go on in the direction of the seek. */
function leafPartOf(page: Page, seek: Seek, next: Buffer | undefined): LeafPart | undefined {
  const entries = entriesOf(page, seek);
  const direction = seek.isReverse ? -1 : 1;
  for (let index = 1; index < entries.length; index++) {
    if (Buffer.compare(keyAt(entries, index), keyAt(entries, index - 1)) !== direction) return undefined;
  }
  return { entries, next };
}

function keyAt(entries: readonly Entry[], index: number): Buffer {
  return (entries[index] as Entry).key; // Inside of the bounds.
}

function entriesOf(page: Page, { key, isReverse, limit }: Seek): Entry[] {
  let low = 0;
  let high = page.size;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (page.compareKey(middle, key) < 0) low = middle + 1;
    else high = middle;
  }
  const step = isReverse ? -1 : 1;
  const start = isReverse ? low - 1 : low;
  const last = isReverse ? Math.max(start - limit + 1, 0) : Math.min(start + limit, page.size) - 1;
  // The page is read over; copying it as a whole is quicker than copying each entry.
  const copy = page.copy();
  const entries: Entry[] = [];
  for (let index = start; isReverse ? index >= last : index <= last; index += step) {
    entries.push({ key: copy.key(index), data: copy.data(index) });
  }
  return entries;
}

function isBehind(key: Buffer, end: Uint8Array, isReverse: boolean, isInclusive: boolean): boolean {
  const order = Buffer.compare(key, end) * (isReverse ? -1 : 1);
  return isInclusive ? order > 0 : order >= 0;
}
