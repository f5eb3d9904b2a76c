/** Whether a file is of a table like a definition: its type, its key, and the version of its rows. */
import type { AnyTableDefinition } from '@heirloom/tables';
import { refused } from './arguments.js';
import { TabfileError } from './errors.js';
import type { TableHeader } from './table-header.js';

/** Throws ERR_TABFILE_MISMATCH; ERR_TABFILE_ARGUMENT for what is no definition. */
export function checkMatch(path: string, header: TableHeader, definition: AnyTableDefinition): void {
  for (const field of ['type', 'key', 'version'] as const) {
    const [written, wanted] = [header[field], definition[field]].map((value) => JSON.stringify(value));
    if (written === wanted) continue;
    const message = `The table file ${path} has the ${field} ${written}, and the definition ${wanted}. Read it with a definition like that of its table, and insert its rows where they should go.`;
    throw new TabfileError('ERR_TABFILE_MISMATCH', message, { path, field });
  }
}

/** Refuses what is no definition of a table; undefined is none on purpose. */
export function checkDefinition(definition: unknown): void {
  if (definition === undefined) return;
  if (typeof definition === 'object' && definition !== null && 'kind' in definition && definition.kind === 'table') {
    return;
  }
  throw refused('definition', definition, 'Give what table() returned.');
}
