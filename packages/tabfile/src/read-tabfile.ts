/** Reading table files without making a table: their headers, and their rows one by one. */
import type { AnyTableDefinition, RowOf, TableInfo } from '@heirloom/tables';
import { checkNotAborted, checkOptions, pathOf, refused } from './arguments.js';
import { checkDefinition, checkMatch } from './definition-match.js';
import { FORMAT_VERSION } from './format.js';
import type { ExtendedInfo } from './format.js';
import { TabfileReader } from './tabfile-reader.js';

/** What a table file says of its table; `size` is the number of rows that it had at the start of the dump. */
export interface TabfileInfo extends TableInfo {
  readonly extendedInfo: readonly ExtendedInfo[];
  readonly formatVersion: number;
}

/** Options of `readTabfile`. */
export interface ReadTabfileOptions<D extends AnyTableDefinition = AnyTableDefinition> {
  /** The table that the rows are for: the file must be of one of its type, key and version, and the rows get its type. */
  readonly definition?: D;
  /** Whether the whole file is checked, its number of rows and digests too, before the first row; default false. */
  readonly verify?: boolean;
  /** Ends the reading between two blocks. */
  readonly signal?: AbortSignal;
}

/**
 * Reads the header of a table file, and nothing else of it.
 *
 * Rejects with TabfileError: ERR_TABFILE_ARGUMENT, ERR_TABFILE_MISSING, ERR_TABFILE_READ, ERR_TABFILE_NOT_TABFILE,
 * ERR_TABFILE_VERSION, ERR_TABFILE_TRUNCATED, ERR_TABFILE_CHECKSUM, ERR_TABFILE_FORMAT.
 */
export async function tabfileInfo(path: string | URL): Promise<TabfileInfo> {
  const reader = await TabfileReader.open(pathOf(path), { verify: false });
  try {
    return { ...(await reader.readHeader()), formatVersion: FORMAT_VERSION };
  } finally {
    await reader.close();
  }
}

/**
 * The rows of a table file in the order in which they were written, in the memory of one block. Each is the caller's own. They
 * are rows of a table of this key; a schema checks them when they are inserted.
 *
 * Each time it is iterated the file is opened, and closed when the loop ends. A damaged file rejects where the damage is, behind
 * rows that were right; with `verify` it rejects before the first row. Rejects as `file2tab`; throws ERR_TABFILE_ARGUMENT.
 */
export function readTabfile<D extends AnyTableDefinition = AnyTableDefinition>(
  path: string | URL,
  options: ReadTabfileOptions<D> = {},
): AsyncIterable<RowOf<D>> {
  checkOptions('readTabfile', options, ['definition', 'verify', 'signal']);
  checkDefinition(options.definition);
  const source = pathOf(path);
  if (typeof (options.verify ?? false) !== 'boolean') throw refused('verify', options.verify, 'Give true or false.');
  return { [Symbol.asyncIterator]: () => rowsOf(source, options) };
}

async function* rowsOf<D extends AnyTableDefinition>(
  path: string,
  { definition, verify = false, signal }: ReadTabfileOptions<D>,
): AsyncGenerator<RowOf<D>> {
  checkNotAborted(signal);
  const reader = await TabfileReader.open(path, { verify });
  try {
    if (verify) for await (const _ of blocksOf(reader, definition, signal));
    for await (const rows of blocksOf(reader, definition, signal)) {
      // The caller's word, or that of nobody: rows without a definition are unknown.
      yield* rows as readonly RowOf<D>[];
    }
  } finally {
    await reader.close();
  }
}

/** The blocks of a file from its front. */
async function* blocksOf(
  reader: TabfileReader,
  definition: AnyTableDefinition | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly object[]> {
  const header = await reader.readHeader();
  if (definition !== undefined) checkMatch(reader.path, header, definition);
  for (;;) {
    checkNotAborted(signal);
    const rows = await reader.nextBlock(header);
    if (rows === undefined) return;
    yield rows;
  }
}
