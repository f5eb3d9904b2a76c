/**
 * The stored rows as they were at one moment, whatever is committed afterwards: a read transaction of LMDB that is held.
 *
 * 1. It shows what was committed last when it was made, and nothing later, also when rows are deleted and their pages would be
 *    used again: LMDB keeps the pages of the oldest reader. So the file grows while one is open, and each is to be closed soon;
 *    snapshot-desk.ts and released-reader.ts see to that.
 * 2. The binding hands one read transaction to everybody who reads in the same turn, until something is committed: its
 *    `transactionSync` ends that. So it is never older than the last commit, and later readers get another one.
 * 3. After `close` nothing reads any more: the binding would follow a dangling address.
 */
import { invariant } from '@heirloom/tables';
import type { Database, Transaction } from 'lmdb';
import type { KeyRange, KeyValue, SortedRows } from './row-scan.js';

export class RowsSnapshot implements SortedRows {
  private readonly rows: Database<Buffer, Buffer>;
  private transaction: Transaction | undefined;

  constructor(rows: Database<Buffer, Buffer>) {
    this.rows = rows;
    this.transaction = rows.useReadTransaction();
  }

  get(key: Buffer): Buffer | undefined {
    return this.rows.get(key, { transaction: this.open() });
  }

  getRange(range: KeyRange): Iterable<KeyValue> {
    return this.rows.getRange({ ...range, transaction: this.open() });
  }

  /** Lets go of the pages. Iterators of `getRange` must have ended. */
  close(): void {
    this.transaction?.done();
    this.transaction = undefined;
  }

  private open(): Transaction {
    invariant(this.transaction !== undefined, 'a snapshot is read after it was closed');
    return this.transaction;
  }
}
