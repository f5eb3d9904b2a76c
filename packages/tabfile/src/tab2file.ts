/**
 * `tab2file`: writes a table to a file, as ETS's does (`ets:tab2file/3`), block by block.
 *
 * 1. Memory is that of one block and one row, whatever the table's size: rows are encoded as they are iterated.
 * 2. The path has its old content until the new one is whole; on any error it keeps it (ETS deletes it first).
 * 3. A table that changes meanwhile is seen as its iteration shows it: each row that is there from beginning to end is written
 *    once. Errors of the table come through as they are.
 */
import type { TableInfo } from '@heirloom/tables';
import { checkNotAborted, checkOptions, pathOf, refused } from './arguments.js';
import { TabfileError } from './errors.js';
import { EXTENDED_INFO_KINDS } from './format.js';
import type { ExtendedInfo } from './format.js';
import { ReplacementFile } from './replacement-file.js';
import { definitionOf } from './table-header.js';
import type { TableHeader } from './table-header.js';
import { TabfileEncoder } from './tabfile-encoder.js';

/** A table in memory: a `Table`, or one of a handler. */
export interface TableInMemory {
  info(): TableInfo;
  [Symbol.iterator](): Iterator<unknown>;
}

/** A table that is asked for: the handle of a worker's table that is not private. */
export interface TableByHandle {
  info(): Promise<TableInfo>;
  rows(): AsyncIterable<unknown>;
}

/** Options of `tab2file`. */
export interface Tab2fileOptions {
  /**
   * What the file says of itself for `verify` to compare: `'objectCount'`, how many rows were really written; `'md5sum'` and
   * `'sha256sum'`, digests of header and rows. Default none.
   */
  readonly extendedInfo?: readonly ExtendedInfo[];
  /** Whether the file is flushed to the disk before the promise resolves; default false, as in ETS. */
  readonly sync?: boolean;
  /** Ends the dump between two rows or blocks. */
  readonly signal?: AbortSignal;
}

/** What `tab2file` wrote. */
export interface WrittenTabfile {
  /** The rows in the file. */
  readonly objectCount: number;
  /** The length of the file. */
  readonly bytes: number;
}

/**
 * Writes a table to a file at `path`, in the place of what was there. The table is one in memory, a handler's, or the handle of a
 * worker's; a handler awaits it, as its table is lent until the handler settles.
 *
 * Rejects with TabfileError: ERR_TABFILE_ARGUMENT, ERR_TABFILE_WRITE, ERR_TABFILE_ABORTED; and with what the table throws, as
 * TableError ERR_TABLE_ACCESS for the handle of a private table. Then nothing was written and the path is as it was.
 */
export async function tab2file(
  table: TableInMemory | TableByHandle,
  path: string | URL,
  options: Tab2fileOptions = {},
): Promise<WrittenTabfile> {
  checkOptions('tab2file', options, ['extendedInfo', 'sync', 'signal']);
  const target = pathOf(path);
  const { sync = false, signal } = options;
  if (typeof sync !== 'boolean') throw refused('sync', sync, 'Give true or false.');
  const encoder = new TabfileEncoder(await headerOf(table, options.extendedInfo ?? []));
  checkNotAborted(signal);
  const file = await ReplacementFile.create(target);
  try {
    let bytes = 0;
    for await (const piece of pieces(table, encoder, signal)) {
      await file.write(piece);
      bytes += piece.length;
    }
    await file.commit({ sync });
    return { objectCount: encoder.objectCount, bytes };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

async function* pieces(
  table: TableInMemory | TableByHandle,
  encoder: TabfileEncoder,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  yield encoder.begin();
  yield* isInMemory(table) ? blocks(table, encoder, signal) : blocksByHandle(table, encoder, signal);
  const rest = encoder.takeBlock();
  if (rest !== undefined) yield rest;
  checkNotAborted(signal);
  yield encoder.end();
}

/** A loop of its own, as awaiting each row would take longer than encoding it. */
function* blocks(
  table: TableInMemory,
  encoder: TabfileEncoder,
  signal: AbortSignal | undefined,
): Generator<Uint8Array, void, undefined> {
  for (const row of table) {
    if (!encoder.add(row)) continue;
    checkNotAborted(signal);
    const block = encoder.takeBlock();
    if (block !== undefined) yield block;
  }
}

async function* blocksByHandle(
  table: TableByHandle,
  encoder: TabfileEncoder,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const row of table.rows()) {
    checkNotAborted(signal);
    if (!encoder.add(row)) continue;
    const block = encoder.takeBlock();
    if (block !== undefined) yield block;
  }
}

function isInMemory(table: TableInMemory | TableByHandle): table is TableInMemory {
  return Symbol.iterator in table && typeof table[Symbol.iterator] === 'function';
}

async function headerOf(
  table: TableInMemory | TableByHandle,
  extendedInfo: readonly ExtendedInfo[],
): Promise<TableHeader> {
  checkExtendedInfo(extendedInfo);
  // Whatever it is, asking it for two of its fields is harmless.
  const candidate = table as Partial<TableInMemory & TableByHandle> | null | undefined;
  const hasRows = typeof candidate?.rows === 'function' || typeof candidate?.[Symbol.iterator] === 'function';
  if (typeof candidate?.info !== 'function' || !hasRows) {
    throw refused('table', table, "Give a Table, a handler's table, or the handle of a worker's table.");
  }
  const { name, type, key, access, survives, version, size } = await table.info();
  const header = { name, type, key, access, survives, version, size, extendedInfo: [...extendedInfo] };
  try {
    definitionOf(header);
  } catch (cause) {
    throw new TabfileError('ERR_TABFILE_ARGUMENT', 'The info of the table is not that of a table.', {}, { cause });
  }
  return header;
}

function checkExtendedInfo(kinds: unknown): void {
  const isList = Array.isArray(kinds) && new Set(kinds).size === kinds.length;
  if (isList && kinds.every((kind) => EXTENDED_INFO_KINDS.some((known) => known === kind))) return;
  throw refused('extendedInfo', kinds, `Give a list of different ones of ${EXTENDED_INFO_KINDS.join(', ')}.`);
}
