/**
 * The store: the LMDB environment of one directory, opened by the one process that writes it (G5).
 *
 * Invariants
 * 1. `transaction` is the only way to write. Each is one classic LMDB commit (`overlappingSync` off, synchronous): the data
 *    pages are flushed before the meta page that makes them visible is written and flushed. So **visible implies flushed**,
 *    for readers in other processes too, and what was committed cannot be lost by a crash of the system.
 * 2. When a transaction throws, its outcome is unknown, as LMDB reports errors also for what is there after the file is opened
 *    again. The store takes no further transaction; the process must end, and the next one opens and reads the store anew.
 *    What is in memory may therefore be changed inside of a transaction.
 * 3. A new store is made under another name and renamed when it is whole, so a file of the store's name is never half made,
 *    and an empty one is damage.
 * 4. Before LMDB sees the file, its first records are checked (store-file.ts).
 *
 * What fails: ERR_STORE_DIRECTORY, ERR_STORE_DAMAGED, ERR_STORE_VERSION when opening; ERR_STORE_DISK_FULL, ERR_STORE_IO,
 * ERR_STORE_COMMIT from a transaction.
 */
import type { Database, RootDatabase } from 'lmdb';
import { encodeValue, failpoint } from '@heirloom/wire';
import type { KeptRow } from '@heirloom/wire';
import { CastStore } from './cast-store.js';
import type { MailContents } from './cast-store.js';
import type { CommitKill } from './commit-kill.js';
import { isDiskFailure, isNoRoom } from './disk-error.js';
import { StoreError } from './errors.js';
import type { EpochRecord } from './epochs.js';
import type { DatabaseName } from './layout.js';
import { STATE_KEY, encodeCounts, encodeFeed, keptKey, keptNumber, shapeKey, u32Key } from './layout.js';
import { OutcomeStore } from './outcome-store.js';
import type { OutcomeTotals } from './outcome-store.js';
import type { StoreState } from './stored-record.js';
import type { Feed, StoredTable, TableCatalog } from './table-catalog.js';

/** The writes of one transaction. A port: tests put failures between. */
export interface StoreWriter {
  put(database: DatabaseName, key: Uint8Array, value: Uint8Array): void;
  remove(database: DatabaseName, key: Uint8Array): void;
}

/** A journal record that the router has not confirmed. */
export interface UnconfirmedRecord {
  readonly lsn: number;
  readonly bytes: number;
}

/** What opening a store has read of it. */
export interface StoreContents {
  readonly path: string;
  readonly environment: RootDatabase<Buffer, Buffer>;
  readonly databases: Readonly<Record<DatabaseName, Database<Buffer, Buffer>>>;
  readonly state: StoreState;
  readonly stateBytes: Uint8Array;
  readonly epochs: Map<string, EpochRecord>;
  readonly catalog: TableCatalog;
  readonly unconfirmed: UnconfirmedRecord[];
  readonly doomed: number[];
  readonly outcomes: OutcomeTotals;
  readonly mail: MailContents;
}

export class Store {
  readonly path: string;
  readonly epochs: Map<string, EpochRecord>;
  readonly catalog: TableCatalog;
  readonly rows: Database<Buffer, Buffer>;
  readonly changes: Database<Buffer, Buffer>;
  readonly outcomes: OutcomeStore;
  readonly mail: CastStore;
  /** By growing LSN. */
  readonly unconfirmed: UnconfirmedRecord[];
  /** Extents and feeds whose contents are to be deleted. */
  readonly doomed: number[];
  unconfirmedBytes: number;
  private readonly contents: StoreContents;
  private current: StoreState;
  /** The same as it was written last. */
  private stateBytes: Uint8Array;
  private failure: StoreError | undefined;
  private commitKill: CommitKill | undefined;
  /** Puts itself between a transaction and LMDB; for tests. */
  wrapWriter: (writer: StoreWriter) => StoreWriter = (writer) => writer;

  /** See `openStore`. */
  constructor(contents: StoreContents, commitKill?: CommitKill) {
    this.contents = contents;
    this.commitKill = commitKill;
    this.path = contents.path;
    this.current = contents.state;
    this.stateBytes = contents.stateBytes;
    this.epochs = contents.epochs;
    this.catalog = contents.catalog;
    this.rows = contents.databases.rows;
    this.changes = contents.databases.changes;
    this.outcomes = new OutcomeStore(contents.path, contents.databases, contents.outcomes);
    this.mail = new CastStore(contents.path, contents.databases, contents.mail);
    this.unconfirmed = contents.unconfirmed;
    this.doomed = contents.doomed;
    this.unconfirmedBytes = contents.unconfirmed.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get state(): StoreState {
    return this.current;
  }

  /** Whether a transaction has failed, so that nothing more can be written here. */
  get hasFailed(): boolean {
    return this.failure !== undefined;
  }

  /** Runs `write`, commits and flushes. Throws StoreError, and then for ever after; see invariant 2. */
  transaction<T>(write: (writer: StoreWriter) => T): T {
    if (this.failure !== undefined) {
      const message = `The store ${this.path} takes no writes after one that failed. Restart the keeper.`;
      throw new StoreError('ERR_STORE_COMMIT', message, { path: this.path }, { cause: this.failure });
    }
    try {
      failpoint('keeper.commit:before');
      // By default such a transaction can be aborted, and is flushed before the call returns.
      const result = this.contents.environment.transactionSync(() => {
        this.checkLastCommit();
        const written = write(this.wrapWriter(this.writer));
        failpoint('keeper.commit:error');
        this.commitKill?.commitBegins();
        return written;
      });
      failpoint('keeper.flush:error');
      failpoint('keeper.commit:after');
      return result;
    } catch (cause) {
      this.failure = commitError(this.path, cause);
      throw this.failure;
    }
  }

  /**
   * G5, G11: what this transaction builds on must be what this keeper committed last. It is not if somebody else writes to the
   * store, or if LMDB forgot a commit, as it can when others open the file with it (page-tree.ts); to go on then would lose
   * what was acknowledged without a word.
   */
  private checkLastCommit(): void {
    const stored = this.contents.databases.meta.get(STATE_KEY);
    if (stored?.equals(this.stateBytes) === true) return;
    const { path, current } = this;
    const message = `The store ${path} is not as this keeper left it at LSN ${current.lsn}. Something else wrote to it, or a commit was lost. Let nothing but Heirloom open it.`;
    throw new StoreError('ERR_STORE_COMMIT', message, { path, lsn: current.lsn });
  }

  /** Changes the state record, inside of a transaction. */
  putState(writer: StoreWriter, changes: Partial<StoreState>): void {
    this.current = { ...this.current, ...changes };
    this.stateBytes = encodeValue(this.current);
    writer.put('meta', STATE_KEY, this.stateBytes);
  }

  /** Takes the number of a new extent or feed, inside of a transaction. */
  takeExtent(writer: StoreWriter): number {
    const extent = this.current.nextExtent;
    this.putState(writer, { nextExtent: extent + 1 });
    return extent;
  }

  putEpoch(writer: StoreWriter, worker: string, record: EpochRecord): void {
    this.epochs.set(worker, record);
    writer.put('epochs', Buffer.from(worker), encodeValue(record));
  }

  putTable(writer: StoreWriter, table: StoredTable): void {
    const { worker, extent, declaration, migration, ownership } = table;
    writer.put('tables', u32Key(table.tableId), encodeValue({ worker, extent, declaration, migration, ownership }));
  }

  putCounts(writer: StoreWriter, table: StoredTable): void {
    writer.put('counts', u32Key(table.tableId), encodeCounts(table.size, table.nextSequence));
  }

  /** Writes where the table's feed stands. */
  putFeed(writer: StoreWriter, tableId: number, { id, afterLsn, bytes }: Feed): void {
    writer.put('feeds', u32Key(tableId), encodeFeed(id, afterLsn, bytes));
  }

  putShape(
    writer: StoreWriter,
    tableId: number,
    shape: { readonly id: number; readonly fields: readonly string[] },
  ): void {
    writer.put('shapes', shapeKey(tableId, shape.id), encodeValue(shape.fields));
  }

  /** Writes or removes what the router keeps under a number. */
  putKept(writer: StoreWriter, number: number, record: Uint8Array | undefined): void {
    if (record === undefined) writer.remove('meta', keptKey(number));
    else writer.put('meta', keptKey(number), record);
  }

  /** What the router keeps, behind a number. */
  *keptRows(after: number): Generator<KeptRow> {
    const range = { start: keptKey(after + 1), end: keptKey(Number.MAX_SAFE_INTEGER) };
    for (const { key, value } of this.contents.databases.meta.getRange(range)) {
      yield { number: keptNumber(key), record: new Uint8Array(value) };
    }
  }

  /** The bytes of a journal record. */
  journalRecord(key: Uint8Array): Uint8Array | undefined {
    return this.contents.databases.journal.get(Buffer.from(key));
  }

  async close(): Promise<void> {
    await this.contents.environment.close();
  }

  private readonly writer: StoreWriter = {
    put: (database, key, value) => {
      // The binding takes any Uint8Array where its types say Buffer.
      this.contents.databases[database].putSync(key as Buffer, value as Buffer);
    },
    remove: (database, key) => {
      this.contents.databases[database].removeSync(key as Buffer);
    },
  };
}

function commitError(path: string, cause: unknown): StoreError {
  const how = String((cause as { message?: unknown }).message); // Read with care: anything can be thrown.
  if (isNoRoom(cause)) {
    const advice = 'Make room; nothing that was acknowledged is lost.';
    return new StoreError(
      'ERR_STORE_DISK_FULL',
      `There is no room to write the store ${path}: ${how}. ${advice}`,
      { path },
      { cause },
    );
  }
  if (isDiskFailure(cause)) {
    return new StoreError(
      'ERR_STORE_IO',
      `The disk failed under the store ${path}: ${how}. Check the disk.`,
      { path },
      { cause },
    );
  }
  return new StoreError('ERR_STORE_COMMIT', `A commit to the store ${path} failed: ${how}.`, { path }, { cause });
}
