/** `file2tab`: makes a table in memory of a file, as ETS's does (`ets:file2tab/2`). */
import { Table } from '@heirloom/tables';
import type { AnyTableDefinition, InputRowOf } from '@heirloom/tables';
import { checkNotAborted, checkOptions, pathOf, refused } from './arguments.js';
import { refusedRow } from './block.js';
import { checkDefinition, checkMatch } from './definition-match.js';
import { definitionOf } from './table-header.js';
import { TabfileReader } from './tabfile-reader.js';

/** Options of `file2tab`. */
export interface File2tabOptions<D extends AnyTableDefinition> {
  /** What the table is: its type, key and version must be those of the file, and its schema validates each row. */
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
 * Whatever the options, a file that is damaged or not whole is refused. `verify` also compares the number of rows and the digests;
 * where the file promises none of them, the number of rows must be the size that the table had when the dump began.
 *
 * Rejects with TabfileError, and then there is no table: ERR_TABFILE_ARGUMENT, ERR_TABFILE_ABORTED, ERR_TABFILE_MISSING,
 * ERR_TABFILE_READ, ERR_TABFILE_NOT_TABFILE, ERR_TABFILE_VERSION, ERR_TABFILE_TRUNCATED, ERR_TABFILE_CHECKSUM,
 * ERR_TABFILE_FORMAT, ERR_TABFILE_MISMATCH, ERR_TABFILE_ROW; with `verify` ERR_TABFILE_OBJECT_COUNT, ERR_TABFILE_DIGEST.
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
  if (definition !== undefined) checkMatch(reader.path, header, definition);
  // Without a definition of the caller's own, D is that of any table.
  const table = new Table(definition ?? (definitionOf(header) as D), nameOf(definition?.name ?? header.name));
  for (;;) {
    checkNotAborted(signal);
    const first = reader.objectCount;
    const rows = await reader.nextBlock(header);
    if (rows === undefined) return table;
    for (const [index, row] of rows.entries()) insert(table, row, { path: reader.path, number: first + index });
  }
}

function insert<D extends AnyTableDefinition>(
  table: Table<D>,
  row: object,
  at: { readonly path: string; readonly number: number },
): void {
  try {
    // The table checks whether it is a row of it.
    table.insert(row as InputRowOf<D>);
  } catch (cause) {
    throw refusedRow(at.path, at.number, cause);
  }
}

function nameOf(name: string | undefined): { readonly name?: string } {
  return name === undefined ? {} : { name };
}
