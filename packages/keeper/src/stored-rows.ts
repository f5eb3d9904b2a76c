/**
 * Rows as the batches of workers bring them: whether they can be stored, and storing them. Whose they are is not judged here.
 */
import { KEY_BYTES_MAX } from '@heirloom/tables';
import type { Change } from '@heirloom/wire';
import { isBag, rowKey } from './layout.js';
import type { Extent } from './row-scan.js';
import type { StoreWriter } from './store.js';

/** What is wrong with changes to a table of this type, as the rest of a sentence that begins with the batch. */
export function problemOf(changes: readonly Change[], type: string): string | undefined {
  const hasSequence = isBag(type);
  for (const { keyBytes, sequence } of changes) {
    if (keyBytes.length === 0 || keyBytes.length > KEY_BYTES_MAX) {
      return `has a key of ${keyBytes.length} bytes, and the limit is ${KEY_BYTES_MAX}`;
    }
    if (!hasSequence && sequence !== 0) return 'has a sequence in a table that is no bag';
  }
  return undefined;
}

/** Writes changes that were found good, inside of a transaction. */
export function writeRows(writer: StoreWriter, { extent, type }: Extent, changes: Iterable<Change>): void {
  const hasSequence = isBag(type);
  for (const { keyBytes, sequence, rowBytes } of changes) {
    const key = rowKey(extent, keyBytes, hasSequence ? sequence : undefined);
    if (rowBytes === undefined) writer.remove('rows', key);
    else writer.put('rows', key, rowBytes);
  }
}
