/** The errors of table files: what was asked for, what cannot be written, and what a file turns out to be. */
import { HeirloomError } from '@heirloom/tables';

export type TabfileErrorCode =
  // What was asked for.
  | 'ERR_TABFILE_ARGUMENT' // a path, table or option is malformed; nothing was written or read
  | 'ERR_TABFILE_ABORTED' // the caller's signal was aborted
  // Writing. What was at the path before is still there, unless the message says otherwise.
  | 'ERR_TABFILE_WRITE' // the file cannot be written; the cause says why
  // Reading: the file as a whole.
  | 'ERR_TABFILE_MISSING' // there is no such file
  | 'ERR_TABFILE_READ' // the file cannot be read; the cause says why
  | 'ERR_TABFILE_NOT_TABFILE' // the file is something else
  | 'ERR_TABFILE_VERSION' // written in a form that this version does not know
  // Reading: its content.
  | 'ERR_TABFILE_TRUNCATED' // the file ends before its end marker
  | 'ERR_TABFILE_CHECKSUM' // bytes were changed, or whole blocks removed, moved or added
  | 'ERR_TABFILE_FORMAT' // the checksums are right, but no writer writes this
  | 'ERR_TABFILE_OBJECT_COUNT' // verify: another number of rows than promised
  | 'ERR_TABFILE_DIGEST' // verify: the digest is another one
  // Reading: its content against what it is read for.
  | 'ERR_TABFILE_MISMATCH' // the file's table has another type, key or version than the definition
  | 'ERR_TABFILE_ROW' // the table refuses a row; details.row is its number, the cause says why
  | 'ERR_TABFILE_MIGRATION'; // the migrate function of the definition has no new row for one; details.row is its number

/** A table could not be written to a file or not be read from one; `code` says why. */
export class TabfileError extends HeirloomError<TabfileErrorCode> {
  override readonly name: string = 'TabfileError';
}

/** Makes the error for a file whose checksums are right and whose content is not. */
export function misshapen(path: string, problem: string, cause?: unknown): TabfileError {
  const message = `The table file ${path} ${problem}, which no writer of this format does. Write it again from its table.`;
  return new TabfileError('ERR_TABFILE_FORMAT', message, { path }, cause === undefined ? {} : { cause });
}
