/** The errors of the keeper: of the store it owns, and of what it is asked. */
import { HeirloomError } from '@heirloom/tables';

export type StoreErrorCode =
  // Opening.
  | 'ERR_STORE_DIRECTORY' // the directory cannot be made, read or written
  | 'ERR_STORE_LOCKED' // another runtime has the directory; details.pid says which, where it is known
  | 'ERR_STORE_VERSION' // written by a newer version
  | 'ERR_STORE_DAMAGED' // the file is not what a keeper leaves behind
  // Tables.
  | 'ERR_STORE_TABLE_MISMATCH' // a declared table differs from the stored one of its name
  | 'ERR_STORE_TABLE_NAME' // a runtime-wide table name that another running worker has
  | 'ERR_STORE_LIMIT' // a name or a number of tables over its maximum
  // Writing. The outcome is unknown; the store has to be opened and read again.
  | 'ERR_STORE_DISK_FULL' // no space, or the store is at STORE_BYTES_MAX
  | 'ERR_STORE_IO' // the disk failed
  | 'ERR_STORE_COMMIT'; // a commit failed in another way, or came after one that failed

/** The store could not be opened, or not be written; `code` says which. */
export class StoreError extends HeirloomError<StoreErrorCode> {
  override readonly name: string = 'StoreError';
}

export type KeeperErrorCode =
  // Starting.
  | 'ERR_KEEPER_BOOTSTRAP' // the bootstrap is not one of a keeper
  | 'ERR_KEEPER_START' // the keeper's process ended before it was ready
  // Requests.
  | 'ERR_KEEPER_EPOCH' // an epoch or attachment that was never there
  | 'ERR_KEEPER_BUSY' // too many reads wait for their turn, or too many iterations are open
  | 'ERR_KEEPER_STOPPING' // the keeper is shutting down
  | 'ERR_KEEPER_CURSOR' // a continuation of another timeline
  | 'ERR_KEEPER_SNAPSHOT' // an iteration's snapshot is gone; it has to begin again
  | 'ERR_KEEPER_CHANGES' // changes that are not kept any more
  | 'ERR_KEEPER_OUTBOX' // a cast of the program that there is no room for
  | 'ERR_KEEPER_LETTER' // a dead letter that there is not
  | 'ERR_TABLE_UNKNOWN'; // no stored table of this name

/** The keeper refused a request; nothing was changed. */
export class KeeperError extends HeirloomError<KeeperErrorCode> {
  override readonly name: string = 'KeeperError';
}
