/** What the embedding process needs to start keepers and to understand them; light, as it does not load LMDB. */
export { encodeBootstrap } from './bootstrap.js';
export { KeeperError, StoreError } from './errors.js';
export { SELECTION_OPERATIONS } from './selection-query.js';
export type { KeeperBootstrap } from './bootstrap.js';
export type { KeeperErrorCode, StoreErrorCode } from './errors.js';
export type { TableIdentity } from './table-identity.js';

/** The entry file of the keeper's process, to be given to Node. */
export const keeperProcess: URL = new URL('./process.js', import.meta.url);
