/**
 * Every operation on a table by its name: one list from which the worker lends tables to handlers, the keeper and the owner
 * answer others, and a remote handle knows what to ask.
 *
 * `class` says what access it needs: a `read` protected or public, a `write` public, an `info` none. `remote` says whether
 * others than the owner have it. An iterator (`keys`, and `rows` of a remote table) is not an operation, as it is no single
 * question.
 */
import type { AnyTableDefinition } from './definition.js';
import type { OwnerTable } from './owner-table.js';

/** What an operation is to those who lend, send and judge it. */
export interface TableOperation {
  readonly class: 'read' | 'write' | 'info';
  /** Whether others than the owner have it. */
  readonly remote: boolean;
}

/** The names of the operations. */
export type TableOperationName = Exclude<keyof OwnerTable<AnyTableDefinition>, 'keys' | typeof Symbol.iterator>;

const READ: TableOperation = Object.freeze({ class: 'read', remote: true });
const OWNER_READ: TableOperation = Object.freeze({ class: 'read', remote: false });
const WRITE: TableOperation = Object.freeze({ class: 'write', remote: true });

/** Every operation of a table; see the header. `size` is a value in the owner and a question for everyone else. */
export const TABLE_OPERATIONS: Readonly<Record<TableOperationName, TableOperation>> = Object.freeze({
  size: READ,
  lookup: READ,
  lookupElement: READ,
  member: READ,
  first: READ,
  last: READ,
  next: READ,
  prev: READ,
  firstLookup: READ,
  lastLookup: READ,
  nextLookup: READ,
  prevLookup: READ,
  select: READ,
  selectReverse: READ,
  selectPage: READ,
  selectCount: READ,
  match: READ,
  matchObject: READ,
  explain: READ,
  tab2list: READ,
  // They take functions, which do not travel.
  foldl: OWNER_READ,
  foldr: OWNER_READ,
  insert: WRITE,
  insertMany: WRITE,
  insertNew: WRITE,
  insertNewMany: WRITE,
  delete: WRITE,
  deleteObject: WRITE,
  take: WRITE,
  updateCounter: WRITE,
  updateElement: WRITE,
  selectDelete: WRITE,
  selectReplace: WRITE,
  matchDelete: WRITE,
  deleteAllObjects: WRITE,
  info: Object.freeze({ class: 'info', remote: true }),
});
