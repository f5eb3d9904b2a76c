/**
 * Kinds of traces: how a file of one is read, and what it can be replayed through.
 *
 * A new kind is a module with its format, one with its replay, and an entry in `TRACE_KINDS`.
 */
import { readEtsSequence } from './ets-trace.js';
import { replayInMemory } from './ets-replay.js';
import { replayOwnership } from './ownership-replay.js';
import { readOwnershipSequence } from './ownership-trace.js';
import type { Verdict } from './replay.js';
import { replayThroughRuntime } from './runtime-replay.js';
import type { RuntimeReplayOptions } from './runtime-replay.js';
import { replaySupervisor } from './supervisor-replay.js';
import { replaySupervisorThroughRuntime } from './supervisor-runtime-replay.js';
import { readSupervisorScenario } from './supervisor-trace.js';
import type { TraceLine } from './trace-lines.js';

/** What a replay may be told; each uses what concerns it. */
export interface ReplayOptions extends Omit<RuntimeReplayOptions, 'workerModule'> {
  /** Only the sequence of this id. */
  readonly only?: string | undefined;
}

/** What replays go through: `memory` is the tables, or the decisions, alone; `runtime` is real processes. */
export type Through = 'memory' | 'runtime';

/** A kind of traces. */
export interface TraceKind {
  readonly what: string;
  readonly through: readonly Through[];
  /** Whether workers are killed between and during steps, beside what the steps say. */
  readonly isKilled?: boolean;
  /** Why there is no other way. */
  readonly only?: string;
  /** Reads every line before it replays any; throws `TraceFormatError`. */
  replay(lines: readonly TraceLine[], through: Through, options: ReplayOptions): Promise<readonly Verdict[]>;
}

const WORKER_MODULE = new URL('./trace.worker.js', import.meta.url);
const CHILD_MODULE = new URL('./traced-child.worker.js', import.meta.url);

const ets: TraceKind = {
  what: 'operations on one table, against tables in memory or public tables of workers that are killed',
  through: ['memory', 'runtime'],
  isKilled: true,
  replay: (lines, through, options) => {
    const sequences = chosen(lines.map(readEtsSequence), options);
    if (through === 'memory') return replayInMemory(sequences);
    return replayThroughRuntime(sequences, { workerModule: WORKER_MODULE, ...options });
  },
};

const ownership: TraceKind = {
  what: 'tables of several processes, against the rules of owners, heirs and names',
  through: ['memory'],
  only: 'They are of the pure rules, `Ownership` of the tables, which the keeper asks; leave --through out',
  replay: (lines, _through, options) => replayOwnership(chosen(lines.map(readOwnershipSequence), options)),
};

const supervisor: TraceKind = {
  what: 'a supervisor whose children exit and are managed, against its pure decisions or with real processes',
  through: ['memory', 'runtime'],
  replay: (lines, through, options) => {
    const scenarios = chosen(lines.map(readSupervisorScenario), options);
    if (through === 'memory') return replaySupervisor(scenarios);
    return replaySupervisorThroughRuntime(scenarios, { workerModule: CHILD_MODULE, progress: options.progress });
  },
};

/** Every kind of traces, by its name on the command line. */
export const TRACE_KINDS: Readonly<Record<string, TraceKind>> = { ets, ownership, supervisor };

/** The sequences that are to be replayed. */
function chosen<Sequence extends { readonly id: number | string }>(
  sequences: readonly Sequence[],
  { only }: ReplayOptions,
): readonly Sequence[] {
  return only === undefined ? sequences : sequences.filter(({ id }) => String(id) === only);
}
