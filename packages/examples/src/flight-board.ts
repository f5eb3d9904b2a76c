#!/usr/bin/env node
/**
 * The flight board demonstration, as a program: `flight-board --help` says what it does.
 *
 * The result goes to standard output; progress, malformed lines and errors go to standard error. The exit code is 0 when
 * every table is right, 1 when one is not or the run failed, 2 when an option is wrong, 128 and the signal's number when
 * SIGINT or SIGTERM ended it.
 */
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { demonstrate } from './demonstration.js';
import { FlightBoardError } from './errors.js';
import type { FlightBoardOptions } from './options.js';
import { parseOptions, USAGE } from './options.js';
import { ProgressBar } from './progress-bar.js';
import { SEED_LIMIT } from './random.js';
import { headingText, resultText } from './report.js';
import { RunLog } from './run-log.js';

/** The records that come with the package. */
const RECORDS = fileURLToPath(new URL('../data/flights-20k.csv.gz', import.meta.url));

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), () => randomInt(SEED_LIMIT));
  if (options.isHelp) process.stdout.write(USAGE);
  else if (options.directory !== undefined) await run(options, options.directory);
  else {
    const directory = await mkdtemp(join(tmpdir(), 'flight-board-'));
    try {
      await run(options, directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
}

async function run(options: FlightBoardOptions, directory: string): Promise<void> {
  const bar = new ProgressBar(process.stderr, () => performance.now());
  const isQuiet = options.isJson && !process.stderr.isTTY;
  const stopListening = new AbortController();
  const logger = new RunLog();
  const interrupted = interruption(stopListening.signal);
  let isOk = false;
  try {
    const result = await demonstrate({
      input: options.input ?? RECORDS,
      directory,
      seed: options.seed,
      signal: interrupted,
      logger,
      onMalformed: ({ line, reason }) => process.stderr.write(`line ${line} ${reason}: skipped\n`),
      onStart: (heading) => options.isJson || process.stdout.write(headingText(heading)),
      onProgress: (progress) => isQuiet || bar.show(progress),
    });
    bar.clear();
    process.stdout.write(options.isJson ? `${JSON.stringify(result)}\n` : resultText(result));
    isOk = result.ok;
    if (!isOk) process.exitCode ??= 1;
  } finally {
    bar.clear();
    if (!isOk && !interrupted.aborted) for (const entry of logger.entries) process.stderr.write(`${entry}\n`);
    stopListening.abort();
  }
}

/** A signal that is aborted by the first SIGINT or SIGTERM; a second one ends the process at once. */
function interruption(until: AbortSignal): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    const interrupt = (): void => {
      process.exitCode = 128 + constants.signals[name];
      controller.abort(new FlightBoardError('ERR_FLIGHT_BOARD_INTERRUPTED', `Stopped by ${name}.`));
    };
    process.once(name, interrupt);
    until.addEventListener('abort', () => process.off(name, interrupt), { once: true });
  }
  return controller.signal;
}

try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`flight-board: ${message}\n`);
  const isOption = error instanceof FlightBoardError && error.code === 'ERR_FLIGHT_BOARD_OPTION';
  process.exitCode ??= isOption ? 2 : 1;
}
