/**
 * Replays a file of traces and says what differed: the first difference of every sequence that failed, and `N passed, M failed`
 * as the last line.
 *
 * It exits with 0 when every sequence passed, with 1 when one failed, and with 2 when nothing was replayed, because the command
 * line or the file is malformed; then the reason is on stderr and there is no last line.
 */
import { HeirloomError } from '@heirloom/tables';
import { readOptions, USAGE, UsageError } from './program-options.js';
import { showSummary, showVerdict } from './replay.js';
import type { Deaths } from './runtime-replay.js';
import { readTraceLines } from './trace-lines.js';

async function main(programArguments: readonly string[]): Promise<number> {
  const { kind, file, through, ...options } = readOptions(programArguments);
  const lines = await readTraceLines(file);
  const report = (line: string): void => console.log(line);
  // What goes to stderr is for people who wait; results are on stdout.
  const progress = (line: string): void => void process.stderr.write(`${line}\n`);
  const onDone = ({ total, duringSteps, perSequenceMin }: Deaths): void =>
    report(`${total} kills, ${duringSteps} of them during a step; every sequence met ${perSequenceMin} or more`);
  if (through === 'runtime' && kind.isKilled === true)
    report(`seed ${options.seed}, at least ${options.kills} kills in each sequence`);
  const verdicts = await kind.replay(lines, through, { ...options, onDone, progress });
  if (verdicts.length === 0) throw new UsageError(`There is no sequence ${options.only} in ${file}.`);
  for (const verdict of verdicts) if (verdict.difference !== undefined) report(showVerdict(verdict));
  report(showSummary(verdicts));
  return verdicts.every(({ difference }) => difference === undefined) ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = 2;
  if (error instanceof UsageError) process.stderr.write(`${error.message}\n\n${USAGE}\n`);
  else if (error instanceof HeirloomError) process.stderr.write(`${error.name}: ${error.message}\n`);
  else throw error;
}
