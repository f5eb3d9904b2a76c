/**
 * Replaying a sequence on a table that is empty.
 *
 * Each step must come to what was recorded, and one that is refused must leave the table's rows as they were. What the runtime
 * does around a step is given by `around`: it runs the step once, whatever else it does.
 */
import { isDeepStrictEqual } from 'node:util';
import { Table } from '@heirloom/tables';
import type { OwnerTable } from '@heirloom/tables';
import { isRecorded } from './ets-comparison.js';
import { runCommand } from './ets-command.js';
import type { EtsCommand, EtsSequence, EtsStep } from './ets-trace.js';
import type { Difference, Verdict } from './replay.js';
import { outcomeOf, showResult } from './trace-result.js';
import type { Outcome } from './trace-result.js';
import { traceTable } from './trace-row.js';
import { ownedTable } from './traced-table.js';
import type { AsSet, TracedTable } from './traced-table.js';

/** What runs the commands of a sequence. */
export interface CommandRunner {
  /** Runs a step's command, by its place in the sequence from 0. */
  run(command: EtsCommand, index: number): Promise<unknown>;
  /** All rows, in an order that depends only on what was done to the table. */
  rows(): Promise<unknown>;
}

/** Replays sequences on tables in this process. */
export async function replayInMemory(sequences: readonly EtsSequence[]): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const sequence of sequences) {
    verdicts.push({ id: sequence.id, difference: await firstDifference(sequence, inMemory(sequence)) });
  }
  return verdicts;
}

function inMemory({ type }: EtsSequence): CommandRunner {
  const table: TracedTable = ownedTable(new Table(traceTable(type)) as unknown as OwnerTable<AsSet>, type); // See `AsSet`.
  return {
    run: (command) => runCommand(table, command),
    rows: async () => table.operations.tab2list(),
  };
}

/** The first step that did not come to what was recorded, or undefined. */
export async function firstDifference(sequence: EtsSequence, runner: CommandRunner): Promise<Difference | undefined> {
  for (const [index, step] of sequence.steps.entries()) {
    const before = step.result.kind === 'error' ? await runner.rows() : undefined;
    const outcome = await outcomeOf(() => runner.run(step.command, index));
    if (!isRecorded(sequence.type, step.command.op, step.result, outcome)) return difference(index, step, outcome);
    if (step.result.kind === 'ok') continue;
    const after = await runner.rows();
    if (isDeepStrictEqual(after, before)) continue;
    const got = `{"error":true}, but the rows ${JSON.stringify(before)} became ${JSON.stringify(after)}`;
    return { ...difference(index, step, outcome), got };
  }
  return undefined;
}

function difference(index: number, step: EtsStep, outcome: Outcome): Difference {
  return { step: index + 1, operation: step.shown, expected: showResult(step.result), got: showResult(outcome) };
}
