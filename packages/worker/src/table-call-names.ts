/** The names of the calls that every worker has beside its own; what they do is in table-calls.ts. */
import { TABLE_OPERATIONS } from '@heirloom/tables';

/** What the name of such a call begins with. No call of a definition may begin with `$`. */
export const TABLE_CALL_PREFIX = '$table.';

const remote = Object.entries(TABLE_OPERATIONS).filter(([, operation]) => operation.remote);

/** The operations on a public table that are calls of its owner. */
export const REMOTE_WRITES: readonly string[] = remote.flatMap(([name, operation]) =>
  operation.class === 'write' ? [name] : [],
);
/** The reads that go to the owner when a table has no heir. */
export const REMOTE_READS: readonly string[] = remote.flatMap(([name, operation]) =>
  operation.class === 'write' ? [] : [name],
);

const reads = new Set(REMOTE_READS);
// As a rename is no operation on rows, no owner answers it.
const writes = new Set([...REMOTE_WRITES, 'rename']);

/** Whether an operation of a remote table may change something; undefined for what is no operation. `rows` is read in pages. */
export function isRemoteWrite(operation: string): boolean | undefined {
  if (writes.has(operation)) return true;
  return reads.has(operation) || ROWS_OPERATIONS.includes(operation) ? false : undefined;
}

/** What a handler asks for an iteration: the first page, then each next one by the number of the question for the first. */
export const ROWS_OPERATIONS: readonly string[] = ['rows', 'rows.next'];
