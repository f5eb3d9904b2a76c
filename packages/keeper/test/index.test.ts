import { expect, it } from 'vitest';
import * as keeper from '@heirloom/keeper';
import * as reader from '@heirloom/keeper/reader';

it('exports what its index names', () => {
  expect(Object.keys(keeper).sort()).toEqual([
    'DOOMED_ROWS_PER_SWEEP',
    'KEEPER_LIMITS',
    'Keeper',
    'KeeperError',
    'READ_PAGE_ROWS_MAX',
    'STORE_BYTES_MAX',
    'STORE_FORMAT_VERSION',
    'StoreError',
    'acquireDirectoryLock',
    'keeperProcess',
    'openStore',
  ]);
  expect(Object.keys(reader).sort()).toEqual(['KeeperError', 'openStoreReader']);
});
