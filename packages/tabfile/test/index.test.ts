import * as tabfile from '@heirloom/tabfile';
import { expect, it } from 'vitest';

it('exports what its index names', () => {
  expect(Object.keys(tabfile).sort()).toEqual([
    'BLOCK_BYTES',
    'EXTENDED_INFO_KINDS',
    'FORMAT_VERSION',
    'SECTION_BYTES_MAX',
    'TabfileError',
    'file2tab',
    'readTabfile',
    'tab2file',
    'tabfileInfo',
  ]);
});
