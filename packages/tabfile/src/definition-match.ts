/**
 * Whether a file is of a table like a definition: its type, its key, and the version of its rows.
 *
 * 1. Rows of the definition's version can be taken as they are if type and key are the same too.
 * 2. Rows of a lower version can be migrated, from whatever type and key, if the definition says how.
 * 3. Rows of a higher version come from a later program, and are refused.
 */
import type { AnyTableDefinition } from '@heirloom/tables';
import { refused } from './arguments.js';
import { TabfileError } from './errors.js';
import type { TableHeader } from './table-header.js';

/** Whether the rows of the file must be migrated to be those of the definition. Throws ERR_TABFILE_MISMATCH. */
export function isToMigrate(path: string, header: TableHeader, definition: AnyTableDefinition): boolean {
  if (header.version < definition.version && definition.migrate !== undefined) return true;
  checkMatch(path, header, definition);
  return false;
}

/** Throws ERR_TABFILE_MISMATCH for a file whose rows cannot be taken as they are. */
export function checkMatch(path: string, header: TableHeader, definition: AnyTableDefinition): void {
  for (const field of ['version', 'type', 'key'] as const) {
    const [written, wanted] = [header[field], definition[field]].map((value) => JSON.stringify(value));
    if (written === wanted) continue;
    const advice = field === 'version' ? adviceOnVersion(header, definition) : ADVICE;
    const message = `The table file ${path} has the ${field} ${written}, and the definition ${wanted}. ${advice}`;
    throw new TabfileError('ERR_TABFILE_MISMATCH', message, { path, field });
  }
}

const ADVICE = 'Read it with a definition like that of its table, and insert its rows where they should go.';

function adviceOnVersion({ version }: TableHeader, definition: AnyTableDefinition): string {
  if (version > definition.version)
    return 'Read it with the later program that wrote it, or with a definition like its.';
  return 'Give the definition a migrate function and read it with file2tab, or read it with a definition like that of its table.';
}

/** Refuses what is no definition of a table; undefined is none on purpose. */
export function checkDefinition(definition: unknown): void {
  if (definition === undefined) return;
  if (typeof definition === 'object' && definition !== null && 'kind' in definition && definition.kind === 'table') {
    return;
  }
  throw refused('definition', definition, 'Give what table() returned.');
}
