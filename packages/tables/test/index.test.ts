import { expect, it } from 'vitest';
import * as tables from '@heirloom/tables';

it('exports exactly this', () => {
  expect(Object.keys(tables).sort()).toEqual([
    'HeirloomError',
    'INSTANCE_COLLECTIONS',
    'InvariantError',
    'KEY_BYTES_MAX',
    'ROW_BYTES_MAX',
    'Table',
    'TableError',
    'VALUE_COLLECTIONS_MAX',
    'VALUE_DEPTH_MAX',
    'WHERE_IN_MAX',
    'adoptRow',
    'bytesAfter',
    'checkSelectOptions',
    'compareKeys',
    'compareToCut',
    'compileWhere',
    'copyValue',
    'cutAt',
    'cutBytes',
    'decodeKey',
    'encodeKey',
    'encodeKeyPrefix',
    'invariant',
    'isEqual',
    'readRow',
    'row',
    'showValue',
    'table',
  ]);
});
