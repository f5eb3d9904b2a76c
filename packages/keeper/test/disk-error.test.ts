import { describe, expect, it } from 'vitest';
import { isDiskFailure, isNoRoom } from '../src/disk-error.js';

describe('what an error says about the disk', () => {
  it.each([
    [Object.assign(new Error('write failed'), { code: 'ENOSPC' }), true, false],
    [Object.assign(new Error('write failed'), { code: 'EFBIG' }), true, false],
    [new Error('EDQUOT: disk quota exceeded'), true, false],
    [new Error('File too large: Attempting to write page at position 4096'), true, false],
    [new Error('MDB_MAP_FULL: Environment mapsize limit reached'), true, false],
    [new Error('Input/output error'), false, true],
    [Object.assign(new Error('read failed'), { code: 'EIO' }), false, true],
    [new Error('MDB_BAD_TXN'), false, false],
    ['a string', false, false],
  ])('%s', (error, room, failure) => {
    expect([isNoRoom(error), isDiskFailure(error)]).toEqual([room, failure]);
  });
});
