/** The result as a person reads it. */
import type { TableComparison } from './comparison.js';
import type { FlightBoardResult } from './result.js';

/** What is known before the first flight. */
export interface Heading {
  readonly input: string;
  readonly flights: number;
  readonly skipped: number;
  readonly workers: readonly string[];
  readonly workerKills: number;
  readonly keeperKills: number;
  readonly seed: number;
  /** How many records of an earlier run were removed from the store. */
  readonly cleared: number;
}

/** What is about to happen. */
export function headingText(heading: Heading): string {
  const { flights, skipped, workers, workerKills, keeperKills, seed, cleared } = heading;
  const lines = [
    'Heirloom flight board',
    '',
    `  ${count(flights, 'flight')} from ${heading.input}${skipped > 0 ? `, ${count(skipped, 'malformed line')} skipped` : ''}`,
    `  ${count(workers.length, 'worker')}: ${workers.join(', ')}; every flight is one call to each`,
    `  ${workerKills} workers and ${keeperKills} keepers will be killed on the way (--seed ${seed})`,
  ];
  if (cleared > 0) lines.push(`  the store held an earlier run, which was cleared: ${count(cleared, 'record')}`);
  return `${lines.join('\n')}\n\n`;
}

/** What happened, and the verdict. */
export function resultText(result: FlightBoardResult): string {
  const { recoveryMs, kills, keeperKills, killsByWorker, rerun, flights, calls, elapsedMs } = result;
  const shares = Object.entries(killsByWorker).map(([worker, times]) => `${worker} ${times}`);
  const facts: [string, string][] = [
    ['Fed', `${count(flights, 'flight')} in ${count(calls, 'call')}, ${seconds(elapsedMs)} in all`],
    [
      'Killed',
      `${count(kills, 'worker')} (${shares.join(', ')}) and ${count(keeperKills, 'keeper')}, each with SIGKILL`,
    ],
    ['Run again', `${count(rerun, 'call')} that a dead worker had not finished`],
    ['Recovery', `p50 ${ms(recoveryMs.p50)}, p99 ${ms(recoveryMs.p99)}, slowest ${ms(recoveryMs.max)}`],
    ['', "from a worker's SIGKILL to its next answered call"],
  ];
  if (result.otherCrashes > 0)
    facts.push(['Also died', `${count(result.otherCrashes, 'process', 'processes')} that nobody killed`]);
  return [
    ...facts.map(([label, text]) => `  ${label.padEnd(11)}${text}`),
    '',
    ...tableLines(result.tables),
    '',
    ...(result.problems.length > 0 ? [...result.problems.map((problem) => `  ${problem}`), ''] : []),
    `  ${verdict(result)}`,
    '',
  ].join('\n');
}

function tableLines(tables: readonly TableComparison[]): string[] {
  const rows = [
    ['Table', 'Type', 'Rows', 'Ledger', 'Lost', 'Duplicated', 'Differences'],
    ...tables.map((table) => [
      table.name,
      table.type,
      whole(table.rowsFound),
      whole(table.rowsExpected),
      whole(table.lost),
      whole(table.duplicated),
      whole(table.mismatches),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [lines[0] ?? '', rule, ...lines.slice(1)].map((line) => `  ${line}`);
}

function verdict(result: FlightBoardResult): string {
  if (result.ok) return '✔ Every table is exactly as the ledger says: nothing lost, nothing counted twice.';
  const faults: string[] = [];
  if (result.lost > 0) faults.push(`${count(result.lost, 'record')} lost`);
  if (result.duplicated > 0) faults.push(`${count(result.duplicated, 'record')} counted twice`);
  if (result.mismatches > 0) faults.push(`${count(result.mismatches, 'difference')} from the ledger`);
  if (result.failedCalls > 0) faults.push(`${count(result.failedCalls, 'call')} failed`);
  return `✘ Not as it should be: ${faults.join(', ') || 'not every planned kill took place'}.`;
}

/** A number and its noun, as in `1 flight` and `20,000 flights`. */
export function count(number: number, noun: string, plural: string = `${noun}s`): string {
  return `${whole(number)} ${number === 1 ? noun : plural}`;
}

function whole(number: number): string {
  return number.toLocaleString('en-US');
}

function ms(time: number | null): string {
  return time === null ? 'not measured' : `${time.toFixed(1)} ms`;
}

function seconds(time: number): string {
  return `${(time / 1_000).toFixed(1)} s`;
}
