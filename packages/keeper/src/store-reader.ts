/**
 * The read-only side of the store: what a new incarnation reads its rows from while it rehydrates.
 *
 * Every read sees what was committed last. Reads are synchronous, and nothing is held between two of them: a reader that is
 * killed, or frozen in the middle, is in nobody's way (page-tree.ts).
 */
import { InvariantError } from '@heirloom/tables';
import type { RowSource, StoredRow } from '@heirloom/tables';
import type { RowCodec } from '@heirloom/wire';
import { StoreError } from './errors.js';
import { StoreFile } from './page-file.js';
import { PageTree } from './page-tree.js';
import { rowsOfKey, scanRows } from './row-scan.js';
import type { RawRow, SortedRows } from './row-scan.js';

export interface StoreReader {
  /** The rows of an extent, decoded with the table's shapes. Reads throw StoreError ERR_STORE_DAMAGED. */
  source(extent: number, type: string, rowCodec: RowCodec): RowSource;
  close(): void;
}

/** Opens a store's file for reading. Throws StoreError ERR_STORE_DAMAGED if that fails. */
export function openStoreReader(storePath: string): StoreReader {
  const file = openFile(storePath);
  const rows = new PageTree(file, 'rows', (how) => unreadable(storePath, how));
  return {
    source: (extent, type, rowCodec) => {
      const source = extentSource(rows, { extent, type }, rowCodec);
      return {
        rowsOf: (keyBytes) => guarded(storePath, () => source.rowsOf(keyBytes)),
        scan: (options) => guarded(storePath, () => source.scan(options)),
      };
    },
    close: () => file.close(),
  };
}

function openFile(storePath: string): StoreFile {
  try {
    return new StoreFile(storePath);
  } catch (cause) {
    throw unreadable(storePath, (cause as Error).message, cause); // Thrown by node:fs.
  }
}

/** Whatever the disk, the codec and the layout say of rows that were stored once, it is the store that cannot be read. */
function guarded<T>(storePath: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof StoreError || cause instanceof InvariantError) throw cause;
    throw unreadable(storePath, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function unreadable(storePath: string, how: string, cause?: unknown): StoreError {
  const message = `The store ${storePath} cannot be read: ${how}. Restart the runtime; its keeper says what is wrong.`;
  return new StoreError('ERR_STORE_DAMAGED', message, { storePath }, { cause });
}

function extentSource(rows: SortedRows, place: { extent: number; type: string }, rowCodec: RowCodec): RowSource {
  const decode = ({ keyBytes, sequence, rowBytes }: RawRow): StoredRow => ({
    keyBytes,
    sequence,
    row: rowCodec.decodeRow(rowBytes),
  });
  return {
    rowsOf: (keyBytes) => rowsOfKey(rows, place, keyBytes).map(decode),
    scan: (options) => scanRows(rows, place, options).map(decode),
  };
}
