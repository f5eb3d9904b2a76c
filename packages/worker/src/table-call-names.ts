/** The names of the calls that every worker has beside its own; what they do is in table-calls.ts. */

/** What the name of such a call begins with. No call of a definition may begin with `$`. */
export const TABLE_CALL_PREFIX = '$table.';

/** The operations on a public table that are calls of its owner. */
export const REMOTE_WRITES: readonly string[] = [
  'insert',
  'insertMany',
  'insertNew',
  'insertNewMany',
  'delete',
  'deleteObject',
  'take',
  'updateCounter',
  'updateElement',
  'deleteAllObjects',
];
/** The reads that go to the owner when a table has no heir. */
export const REMOTE_READS: readonly string[] = [
  'lookup',
  'member',
  'size',
  'first',
  'last',
  'next',
  'prev',
  'select',
  'selectCount',
  'info',
];
