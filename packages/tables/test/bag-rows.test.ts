/**
 * Mutation that made it fail: the index kept when rows are cut off.
 */
import { expect, it } from 'vitest';
import { BagRows } from '../src/bag-rows.js';

it('finds equal rows among few and many, and none that a rollback cut off', () => {
  for (const count of [3, 50]) {
    const rows = new BagRows('key');
    for (let v = 0; v < count; v++) rows.append({ v }, v + 1);
    expect(rows.find({ v: count - 1 })).toBe(rows.rows[count - 1]);
    rows.truncate(count - 1);
    expect(rows.find({ v: count - 1 })).toBe(undefined);
    rows.append({ v: count - 1 }, 99);
    expect(rows.find({ v: count - 1 })).toBe(rows.rows[count - 1]);
    expect(rows.sequences.at(-1)).toBe(99);
  }
});
