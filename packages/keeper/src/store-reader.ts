/**
 * The read-only side of the store: what a new incarnation reads its rows from while it rehydrates.
 *
 * Every read sees what was committed last; nothing that is not flushed can be seen (store.ts). Reads are synchronous, and
 * no cursor outlives a call, so a reader never pins old pages for longer than one turn of its event loop.
 */
import { open } from 'lmdb';
import type { RowSource, StoredRow } from '@heirloom/tables';
import type { RowCodec } from '@heirloom/wire';
import { StoreError } from './errors.js';
import { DATABASE_OPTIONS, ENVIRONMENT_OPTIONS } from './layout.js';
import { rowsOfKey, scanRows } from './row-scan.js';
import type { RawRow, RowsDatabase } from './row-scan.js';

export interface StoreReader {
  /** The rows of an extent, decoded with the table's shapes. */
  source(extent: number, type: string, rowCodec: RowCodec): RowSource;
  close(): Promise<void>;
}

/** Opens a store's file for reading. Throws StoreError ERR_STORE_DAMAGED if that fails. */
export function openStoreReader(storePath: string): StoreReader {
  const environment = openEnvironment(storePath);
  const rows = environment.openDB<Buffer, Buffer>('rows', DATABASE_OPTIONS);
  return {
    source: (extent, type, rowCodec) => extentSource(rows, { extent, type }, rowCodec),
    close: () => environment.close(),
  };
}

function openEnvironment(storePath: string): ReturnType<typeof open> {
  try {
    return open(storePath, { ...ENVIRONMENT_OPTIONS, readOnly: true });
  } catch (cause) {
    const message = `The store ${storePath} cannot be opened for reading. Restart the runtime; its keeper says what is wrong.`;
    throw new StoreError('ERR_STORE_DAMAGED', message, { storePath }, { cause });
  }
}

function extentSource(rows: RowsDatabase, place: { extent: number; type: string }, rowCodec: RowCodec): RowSource {
  const decode = ({ keyBytes, sequence, rowBytes }: RawRow): StoredRow => ({
    keyBytes,
    sequence,
    row: rowCodec.decodeRow(rowBytes),
  });
  return {
    rowsOf(keyBytes) {
      rows.resetReadTxn();
      return rowsOfKey(rows, place, keyBytes).map(decode);
    },
    scan(options) {
      rows.resetReadTxn();
      return scanRows(rows, place, options).map(decode);
    },
  };
}
