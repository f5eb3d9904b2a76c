/** `file2tab`: makes a table in memory of a file, as ETS's does (`ets:file2tab/2`). */
import { insertMigrated, invariant, Table } from '@heirloom/tables';
import type { AnyTableDefinition, InputRowOf } from '@heirloom/tables';
import { checkNotAborted, checkOptions, pathOf, refused } from './arguments.js';
import { refusedRow } from './block.js';
import { checkDefinition, isToMigrate } from './definition-match.js';
import { TabfileError } from './errors.js';
import { definitionOf } from './table-header.js';
import { TabfileReader } from './tabfile-reader.js';

/** Options of `file2tab`. */
export interface File2tabOptions<D extends AnyTableDefinition> {
  /**
   * What the table is; its schema validates each row. Rows of a file with a lower version are migrated by its `migrate`, whatever
   * type and key they had; else its type, key and version must be those of the file.
   */
  readonly definition?: D;
  /** Whether the number of rows and the digests that the file promises are compared too; default false, as in ETS. */
  readonly verify?: boolean;
  /** Ends the reading between two blocks. */
  readonly signal?: AbortSignal;
}

/**
 * Makes a table of a file that `tab2file` wrote, with all of its rows in their order. Without a definition it gets that of the
 * header: name, type, key, access, survives and version as they were, and no schema.
 *
 * Rows of a lower version than the definition's are migrated as those of a store are: each once, in the order of the file, all or
 * none. A file of a higher version is refused.
 *
 * Whatever the options, a file that is damaged or not whole is refused. `verify` also compares the number of rows and the digests;
 * where the file promises none of them, the number of rows must be the size that the table had when the dump began.
 *
 * Rejects with TabfileError, and then there is no table: ERR_TABFILE_ARGUMENT, ERR_TABFILE_ABORTED, ERR_TABFILE_MISSING,
 * ERR_TABFILE_READ, ERR_TABFILE_NOT_TABFILE, ERR_TABFILE_VERSION, ERR_TABFILE_TRUNCATED, ERR_TABFILE_CHECKSUM,
 * ERR_TABFILE_FORMAT, ERR_TABFILE_MISMATCH, ERR_TABFILE_ROW, ERR_TABFILE_MIGRATION; with `verify` ERR_TABFILE_OBJECT_COUNT,
 * ERR_TABFILE_DIGEST.
 */
export async function file2tab<D extends AnyTableDefinition = AnyTableDefinition>(
  path: string | URL,
  options: File2tabOptions<D> = {},
): Promise<Table<D>> {
  checkOptions('file2tab', options, ['definition', 'verify', 'signal']);
  checkDefinition(options.definition);
  const { verify = false, signal } = options;
  if (typeof verify !== 'boolean') throw refused('verify', verify, 'Give true or false.');
  const source = pathOf(path);
  checkNotAborted(signal);
  const reader = await TabfileReader.open(source, { verify });
  try {
    return await load(reader, options);
  } finally {
    await reader.close();
  }
}

async function load<D extends AnyTableDefinition>(
  reader: TabfileReader,
  { definition, signal }: File2tabOptions<D>,
): Promise<Table<D>> {
  const header = await reader.readHeader();
  const isMigrated = definition !== undefined && isToMigrate(reader.path, header, definition);
  // Without a definition of the caller's own, D is that of any table.
  const table = new Table(definition ?? (definitionOf(header) as D), nameOf(definition?.name ?? header.name));
  for (;;) {
    checkNotAborted(signal);
    const first = reader.objectCount;
    const rows = await reader.nextBlock(header);
    if (rows === undefined) return table;
    for (const [index, row] of rows.entries()) {
      const at = { path: reader.path, number: first + index };
      if (isMigrated) migrate(table, { row, version: header.version }, at);
      else insert(table, row, at);
    }
  }
}

/** Where a row is; rows are counted from 0. */
interface RowPlace {
  readonly path: string;
  readonly number: number;
}

function insert<D extends AnyTableDefinition>(table: Table<D>, row: object, at: RowPlace): void {
  try {
    // The table checks whether it is a row of it.
    table.insert(row as InputRowOf<D>);
  } catch (cause) {
    throw refusedRow(at.path, at.number, cause);
  }
}

function migrate<D extends AnyTableDefinition>(
  table: Table<D>,
  old: { readonly row: object; readonly version: number },
  at: RowPlace,
): void {
  const { version, migrate: migrateRow } = table.definition;
  invariant(migrateRow !== undefined, 'only a definition with a migrate function migrates');
  const found = insertMigrated(table, migrateRow, old);
  if (found === undefined) return;
  const { problem, cause, ...more } = found;
  const message = `The migrate function of the definition, from version ${old.version} to ${version}, ${problem}. It was row ${at.number} of the table file ${at.path}. There is no table.`;
  const details = { path: at.path, row: at.number, fromVersion: old.version, version, ...more };
  throw new TabfileError('ERR_TABFILE_MIGRATION', message, details, cause === undefined ? {} : { cause });
}

function nameOf(name: string | undefined): { readonly name?: string } {
  return name === undefined ? {} : { name };
}
