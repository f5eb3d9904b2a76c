/** What a worker's process loads of the keeper: reading, and nothing else. */
export { KeeperError } from './errors.js';
export { openStoreReader } from './store-reader.js';
export type { StoreReader } from './store-reader.js';
