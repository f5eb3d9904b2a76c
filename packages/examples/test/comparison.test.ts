import { describe, expect, it } from 'vitest';
import type { FoundRow } from '../src/comparison.js';
import { compareTable, DIFFERENCES_SHOWN_MAX } from '../src/comparison.js';
import type { LedgerRow, LedgerTable } from '../src/ledger.js';
import { rowIdentity } from '../src/ledger.js';

function routes(...rows: LedgerRow[]): LedgerTable {
  const identity = ['from', 'to'];
  return {
    worker: 'routes',
    table: 'routes',
    type: 'ordered_set',
    identity,
    weight: ['flights'],
    rows: new Map(rows.map((row) => [rowIdentity(row, identity), row])),
  };
}

const A = { from: 'A', to: 'B', flights: 3, distance: 30 };
const B = { from: 'B', to: 'A', flights: 2, distance: 20 };

async function compare(...found: FoundRow[]): Promise<object> {
  const { lost, duplicated, mismatches } = await compareTable(routes(A, B), found, found.length);
  return { lost, duplicated, mismatches };
}

describe('compareTable', () => {
  it('finds nothing when every row is right, in any order', async () => {
    expect(await compare(B, { ...A })).toEqual({ lost: 0, duplicated: 0, mismatches: 0 });
  });

  it('counts what a smaller counter and a missing row have lost', async () => {
    expect(await compare({ ...A, flights: 1 })).toEqual({ lost: 4, duplicated: 0, mismatches: 2 });
  });

  it('counts what a greater counter, a second row and a strange row have too many', async () => {
    expect(await compare(A, { ...B, flights: 7 })).toEqual({ lost: 0, duplicated: 5, mismatches: 1 });
    expect(await compare(A, B, B)).toEqual({ lost: 0, duplicated: 2, mismatches: 1 });
    expect(await compare(A, B, { ...A, from: 'C' })).toEqual({ lost: 0, duplicated: 3, mismatches: 1 });
  });

  it('does not let a loss and a repetition cancel out', async () => {
    expect(await compare({ ...A, flights: 2 }, { ...B, flights: 3 })).toEqual({
      lost: 1,
      duplicated: 1,
      mismatches: 2,
    });
  });

  it('sees a difference in any field, and a field too many', async () => {
    expect(await compare(A, { ...B, distance: 21 })).toMatchObject({ mismatches: 1 });
    expect(await compare(A, { ...B, distance: '20' })).toMatchObject({ mismatches: 1 });
    expect(await compare(A, { ...B, extra: 1 })).toMatchObject({ mismatches: 1 });
    expect(await compare(A, { from: 'B', to: 'A', flights: 2 })).toMatchObject({ mismatches: 1 });
  });

  it('holds the stated size against the rows that came', async () => {
    const comparison = await compareTable(routes(A, B), [A, B], 3);
    expect(comparison).toMatchObject({ mismatches: 1, differences: [expect.stringContaining('the size says 3')] });
  });

  it('describes the first differences and counts all', async () => {
    const { mismatches, differences } = await compareTable(
      routes(),
      Array.from({ length: 9 }, () => A),
      9,
    );
    expect(mismatches).toBe(9);
    expect(differences).toHaveLength(DIFFERENCES_SHOWN_MAX);
  });
});
