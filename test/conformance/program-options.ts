/** The command line of the conformance run. */
import { parseArgs } from 'node:util';
import { runSeed } from '../support/random.js';
import { TRACE_KINDS } from './trace-kind.js';
import type { ReplayOptions, Through, TraceKind } from './trace-kind.js';

export interface ProgramOptions extends ReplayOptions {
  readonly kind: TraceKind;
  readonly file: string;
  readonly through: Through;
}

/** What is wrong with the command line, for whoever typed it. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

/** Several deaths at points of its own for every sequence; a run of all then takes a minute or two. */
const KILLS_DEFAULT = 3;

export const USAGE: string = [
  'usage: node scripts/conformance.mjs KIND FILE [--through memory|runtime] [--seed N] [--kills N] [--only ID]',
  '',
  'FILE has one JSON object a line, as it is or gzipped; test/traces/README.md says of what. KIND is one of',
  ...Object.entries(TRACE_KINDS).map(([name, { what }]) => `  ${name.padEnd(12)}${what}`),
  '',
  `--kills is how many deaths of its worker each sequence meets at least (default ${KILLS_DEFAULT}), --seed decides when.`,
].join('\n');

/** Reads the command line. Throws `UsageError`. */
export function readOptions(programArguments: readonly string[]): ProgramOptions {
  const { values, positionals } = parsed(programArguments);
  const [name, file, ...others] = positionals;
  const kind = Object.entries(TRACE_KINDS).find(([known]) => known === name)?.[1];
  if (name === undefined || file === undefined || others.length > 0) throw new UsageError('Give a kind and a file.');
  if (kind === undefined) throw new UsageError(`There is no kind of traces named '${name}'.`);
  const through = kind.through.find((known) => known === values.through);
  if (through === undefined) {
    const why = kind.only === undefined ? '' : ` ${kind.only}.`;
    throw new UsageError(`Traces of ${name} go through ${kind.through.join(' or ')}, not '${values.through}'.${why}`);
  }
  if ((through === 'memory' || kind.isKilled !== true) && values.kills !== undefined) {
    throw new UsageError(
      'Only workers of ets are killed beside what steps say: --kills needs --through runtime and them.',
    );
  }
  const kills = wholeNumber('--kills', values.kills) ?? KILLS_DEFAULT;
  return { kind, file, through, kills, seed: wholeNumber('--seed', values.seed) ?? runSeed(), only: values.only };
}

function parsed(programArguments: readonly string[]) {
  try {
    return parseArgs({
      args: [...programArguments],
      allowPositionals: true,
      options: {
        through: { type: 'string', default: 'memory' },
        seed: { type: 'string' },
        kills: { type: 'string' },
        only: { type: 'string' },
      },
    });
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause }); // parseArgs throws TypeErrors.
  }
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new UsageError(`${option} is '${text}'. Give a whole number.`);
}
