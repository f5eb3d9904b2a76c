/** Compares a table as the runtime gives it back, row by row, with what the ledger says. */
import type { LedgerRow, LedgerTable } from './ledger.js';
import { rowIdentity } from './ledger.js';

/** So many differences of one table are described; the rest is only counted. */
export const DIFFERENCES_SHOWN_MAX = 5;

/** What a table's comparison found. */
export interface TableComparison {
  /** `worker.table`. */
  readonly name: string;
  readonly type: LedgerTable['type'];
  readonly rowsExpected: number;
  readonly rowsFound: number;
  /** Records that should be there and are not. */
  readonly lost: number;
  /** Records that are there more often than they should be. */
  readonly duplicated: number;
  /** Rows that are missing, too many or different in any field; also 1 for a table whose size is not its row count. */
  readonly mismatches: number;
  /** The first differences, a sentence each. */
  readonly differences: readonly string[];
}

/** A row as it came from a table. */
export type FoundRow = Readonly<Record<string, unknown>>;

/** Compares every row of a table, and its `size` as the table states it. */
export async function compareTable(
  expected: LedgerTable,
  found: AsyncIterable<FoundRow> | Iterable<FoundRow>,
  size: number,
): Promise<TableComparison> {
  const name = `${expected.worker}.${expected.table}`;
  const tally = { rowsFound: 0, lost: 0, duplicated: 0, mismatches: 0 };
  const differences: string[] = [];
  const differs = (sentence: string): void => {
    tally.mismatches += 1;
    if (differences.length < DIFFERENCES_SHOWN_MAX) differences.push(`${name}: ${sentence}`);
  };
  const weigh = (surplus: number): void => {
    if (surplus > 0) tally.duplicated += surplus;
    else tally.lost -= surplus;
  };

  const seen = new Set<string>();
  for await (const row of found) {
    tally.rowsFound += 1;
    const identity = rowIdentity(row, expected.identity);
    const wanted = expected.rows.get(identity);
    if (wanted === undefined || seen.has(identity)) {
      weigh(weightOf(row, expected.weight));
      differs(`${identity} is there ${wanted === undefined ? 'and should not be' : 'once more'}.`);
    } else if (!isSameRow(row, wanted)) {
      weigh(weightOf(row, expected.weight) - weightOf(wanted, expected.weight));
      differs(`${identity} is ${JSON.stringify(row)} instead of ${JSON.stringify(wanted)}.`);
    }
    seen.add(identity);
  }
  for (const [identity, wanted] of expected.rows) {
    if (seen.has(identity)) continue;
    weigh(-weightOf(wanted, expected.weight));
    differs(`${identity} is missing.`);
  }
  if (size !== tally.rowsFound) differs(`the size says ${size}, but ${tally.rowsFound} rows came.`);
  return { name, type: expected.type, rowsExpected: expected.rows.size, ...tally, differences };
}

function isSameRow(row: FoundRow, wanted: LedgerRow): boolean {
  const fields = Object.keys(wanted);
  return fields.length === Object.keys(row).length && fields.every((field) => Object.is(row[field], wanted[field]));
}

function weightOf(row: FoundRow, fields: readonly string[]): number {
  if (fields.length === 0) return 1;
  let weight = 0;
  for (const field of fields) {
    const value = row[field];
    if (typeof value === 'number') weight += value;
  }
  return weight;
}
