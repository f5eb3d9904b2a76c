/** The demonstration's command line. */
import { parseArgs } from 'node:util';
import { FlightBoardError } from './errors.js';
import { SEED_LIMIT } from './random.js';

/** What the person asked for. */
export interface FlightBoardOptions {
  /** A CSV file, gzipped or not; undefined for the records that come with the package. */
  readonly input: string | undefined;
  /** Where the store is kept; undefined for a directory that is removed at the end. */
  readonly directory: string | undefined;
  readonly seed: number;
  readonly isJson: boolean;
  readonly isHelp: boolean;
}

/** What `--help` prints. */
export const USAGE = `Usage: flight-board [options]

Feeds real flights to three workers, kills the workers and the keeper with SIGKILL while it does,
and compares every table with totals computed straight from the file.

  --input FILE      another CSV with the columns date, origin, destination, distance, delay; gzipped or not
  --directory DIR   keep the store in DIR (default: a new temporary directory, removed at the end)
  --seed N          repeat the kills of an earlier run, 0 to ${SEED_LIMIT - 1} (default: a random one)
  --json            print the result as one JSON object
  --help            print this

Exits with 0 when every table is right, 1 when one is not or the run failed, 2 when an option is wrong.
`;

/** Reads the arguments; throws `ERR_FLIGHT_BOARD_OPTION` naming an option that is unknown or has a wrong value. */
export function parseOptions(args: readonly string[], randomSeed: () => number): FlightBoardOptions {
  const values = parse(args);
  return {
    input: values.input === undefined ? undefined : filled('--input', values.input, 'a file'),
    directory: values.directory === undefined ? undefined : filled('--directory', values.directory, 'a directory'),
    seed: values.seed === undefined ? randomSeed() : parseSeed(values.seed),
    isJson: values.json ?? false,
    isHelp: values.help ?? false,
  };
}

/** What Node's parser makes of the arguments. */
interface ParsedValues {
  readonly input?: string;
  readonly directory?: string;
  readonly seed?: string;
  readonly json?: boolean;
  readonly help?: boolean;
}

function parse(args: readonly string[]): ParsedValues {
  try {
    return parseArgs({
      args: [...args],
      options: {
        input: { type: 'string' },
        directory: { type: 'string' },
        seed: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      strict: true,
      allowPositionals: false,
    }).values;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new FlightBoardError('ERR_FLIGHT_BOARD_OPTION', `${message.split('. ')[0]}. See --help.`, { cause });
  }
}

function filled(option: string, value: string, wanted: string): string {
  if (value === '') throw new FlightBoardError('ERR_FLIGHT_BOARD_OPTION', `${option} is empty: name ${wanted}.`);
  return value;
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (/^\d+$/.test(text) && seed < SEED_LIMIT) return seed;
  throw new FlightBoardError(
    'ERR_FLIGHT_BOARD_OPTION',
    `--seed is ${JSON.stringify(text)}: give a whole number from 0 to ${SEED_LIMIT - 1}.`,
  );
}
