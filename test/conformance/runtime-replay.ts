/**
 * Replaying sequences through a runtime: on public tables of a real worker, which is killed with SIGKILL again and again.
 *
 * 1. Every step is one durable question, read or write, sent once: as an operation of the table's handle, or as a call whose
 *    handler does it. What the worker's death makes of it is the runtime's to mend (G3): each must come to what was recorded.
 * 2. A sequence has its table to itself, empty at first. As many sequences run at the same time as the worker has tables, and a
 *    kill meets all of them: each at a point of its own. A sequence kills when it has not met as many deaths as it should have.
 * 3. After the last step the owner and the keeper must have the same rows.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRuntime, supervisor, worker } from 'heirloom';
import type { Logger } from 'heirloom';
import type { TableType } from '@heirloom/tables';
import { isRecorded } from './ets-comparison.js';
import { runCommand } from './ets-command.js';
import { firstDifference } from './ets-replay.js';
import type { CommandRunner } from './ets-replay.js';
import { TABLE_TYPES } from './ets-trace.js';
import type { EtsCommand, EtsSequence } from './ets-trace.js';
import { KillPlan } from './kill-plan.js';
import { remoteTable } from './remote-table.js';
import type { RemoteTracedTable } from './remote-table.js';
import type { Difference, Verdict } from './replay.js';
import { outcomeOf, showResult } from './trace-result.js';
import { TRACE_TABLES } from './trace-tables.js';
import type traceWorker from './trace.worker.js';
import { Victim } from './victim.js';

export interface RuntimeReplayOptions {
  /** Kills, and who runs a step, follow from it and the sequence's id. */
  readonly seed: number;
  /** How many deaths of its worker each sequence meets at least. */
  readonly kills: number;
  /** The worker's module, as built. */
  readonly workerModule: URL;
  /** Hears in the end how the worker died. */
  readonly onDone?: ((deaths: Deaths) => void) | undefined;
  /** Hears from time to time how far it is. */
  readonly progress?: ((line: string) => void) | undefined;
}

export interface Deaths {
  readonly total: number;
  /** Those whose sequence had a step under way that was not answered yet. */
  readonly duringSteps: number;
  /** The fewest that a sequence met. */
  readonly perSequenceMin: number;
}

/** More restarts than there can be within a second: no kill is a reason to give up. */
const INTENSITY = 10_000;
/** A call that meets several deaths of its worker is only unlucky. */
const CALL_TRIES_MAX = 1_000;
/** A step waits for several recoveries at worst. */
const STEP_TIMEOUT_MS = 120_000;
/** How many sequences pass from one word of progress to the next. */
const PROGRESS_SEQUENCES = 40;

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

/** Replays sequences on the tables of a runtime of its own; the verdicts are in the order of the sequences. */
export async function replayThroughRuntime(
  sequences: readonly EtsSequence[],
  options: RuntimeReplayOptions,
): Promise<readonly Verdict[]> {
  const directory = await mkdtemp(join(tmpdir(), 'heirloom-conformance-'));
  try {
    const reference = worker<typeof traceWorker>('traces', options.workerModule);
    await using runtime = await startRuntime({
      directory,
      root: supervisor({ strategy: 'one_for_one', intensity: INTENSITY, periodMs: 1_000 }, [reference]),
      logger: silent,
      limits: { callTriesMax: CALL_TRIES_MAX },
    });
    const handle = runtime.worker(reference).with({ timeoutMs: STEP_TIMEOUT_MS });
    const replay = new RuntimeReplay(sequences, new Victim(() => handle.pid), options);
    const tables = TRACE_TABLES.map(({ name, type }) => remoteTable(handle, name, type));
    await Promise.all(tables.map((table) => replay.run(table)));
    options.onDone?.(replay.deaths);
    return sequences.map((sequence) => ({ id: sequence.id, difference: replay.differences.get(sequence) }));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

class RuntimeReplay {
  readonly differences = new Map<EtsSequence, Difference | undefined>();
  readonly #victim: Victim;
  readonly #options: RuntimeReplayOptions;
  readonly #waiting: ReadonlyMap<TableType, EtsSequence[]>;
  #duringSteps = 0;
  #perSequenceMin = Number.POSITIVE_INFINITY;

  constructor(sequences: readonly EtsSequence[], victim: Victim, options: RuntimeReplayOptions) {
    this.#victim = victim;
    this.#options = options;
    this.#waiting = new Map(TABLE_TYPES.map((type) => [type, sequences.filter((sequence) => sequence.type === type)]));
  }

  get deaths(): Deaths {
    return { total: this.#victim.kills, duringSteps: this.#duringSteps, perSequenceMin: this.#perSequenceMin };
  }

  /** Replays what waits of the table's type, one after the other. */
  async run(table: RemoteTracedTable): Promise<void> {
    const waiting = this.#waiting.get(table.type) ?? [];
    for (let sequence = waiting.shift(); sequence !== undefined; sequence = waiting.shift()) {
      const killsBefore = this.#victim.kills;
      this.differences.set(sequence, await this.#replay(table, sequence, killsBefore));
      this.#perSequenceMin = Math.min(this.#perSequenceMin, this.#victim.kills - killsBefore);
      const { size } = this.differences;
      if (size % PROGRESS_SEQUENCES === 0) this.#options.progress?.(`${size} sequences, ${this.#victim.kills} kills`);
    }
  }

  async #replay(table: RemoteTracedTable, sequence: EtsSequence, killsBefore: number): Promise<Difference | undefined> {
    const cleared = await outcomeOf(async () => {
      await table.operations.deleteAllObjects();
      return table.size();
    });
    if (cleared.kind !== 'ok' || cleared.value !== 0) {
      return { step: 0, operation: 'clearing the table', expected: '{"ok":0}', got: showResult(cleared) };
    }
    const { seed, kills } = this.#options;
    const plan = new KillPlan(seed, sequence.id, sequence.steps.length, kills);
    const runner: CommandRunner = {
      run: (command, index) => this.#step(table, plan, command, index, killsBefore),
      rows: async () => table.operations.tab2list(),
    };
    return (await firstDifference(sequence, runner)) ?? (await disagreement(table, sequence));
  }

  async #step(
    table: RemoteTracedTable,
    plan: KillPlan,
    command: EtsCommand,
    index: number,
    killsBefore: number,
  ): Promise<unknown> {
    const moment = plan.momentAt(index);
    const kill = async (): Promise<void> => {
      const met = this.#victim.kills - killsBefore;
      if (moment !== undefined && met < moment.number) await this.#victim.kill();
    };
    if (moment?.when === 'before') await kill();
    let isAnswered = false;
    const answering = (plan.isRemote(index) ? runCommand(table, command) : table.runInOwner(command)).finally(() => {
      isAnswered = true;
    });
    const killing = async (): Promise<void> => {
      if (moment?.when !== 'during') return;
      await elapsed(moment.delayMs);
      const { kills } = this.#victim;
      await kill();
      if (!isAnswered && this.#victim.kills > kills) this.#duringSteps++;
    };
    const [answer, killed] = await Promise.allSettled([answering, killing()]);
    if (moment?.when === 'after') await kill();
    if (killed.status === 'rejected') throw killed.reason;
    if (answer.status === 'rejected') throw answer.reason;
    return answer.value;
  }
}

/** What the keeper has, if it is not what the owner has. */
async function disagreement(table: RemoteTracedTable, { type, steps }: EtsSequence): Promise<Difference | undefined> {
  const owned = { kind: 'ok' as const, value: await table.runInOwner({ op: 'to_list', arguments: {} }) };
  const released = { kind: 'ok' as const, value: await table.operations.tab2list() };
  if (isRecorded(type, 'to_list', owned, released)) return undefined;
  const operation = 'the rows in the end, as their owner has them and as others read them';
  return { step: steps.length, operation, expected: showResult(owned), got: showResult(released) };
}

/** Waits for parts of a millisecond, which timers do not do. */
async function elapsed(ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
}
