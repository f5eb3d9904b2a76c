/**
 * Replaying sequences through a runtime: on public tables of real workers, which are killed with SIGKILL meanwhile.
 *
 * 1. Every step is one durable question, read or write, sent once: as an operation of the table's handle, or as a call whose
 *    handler does it. What its worker's death makes of it is the runtime's to mend (G3): each must come to what was recorded.
 * 2. A sequence has its table to itself, empty at first. Each worker has one table of each type, and as many sequences run at
 *    the same time as there are tables, so a kill meets several of them.
 * 3. After the last step the owner and the keeper must have the same rows.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { invariant } from '@heirloom/tables';
import type { RemoteTable, TableType } from '@heirloom/tables';
import { startRuntime, supervisor, worker } from 'heirloom';
import type { Logger, WorkerHandle } from 'heirloom';
import { isRecorded } from './ets-comparison.js';
import { runCommand } from './ets-command.js';
import { firstDifference } from './ets-replay.js';
import type { CommandRunner } from './ets-replay.js';
import { TABLE_TYPES } from './ets-trace.js';
import type { EtsCommand, EtsSequence } from './ets-trace.js';
import { KillPlan } from './kill-plan.js';
import type { Difference, Verdict } from './replay.js';
import { showResult } from './trace-result.js';
import type traceWorker from './trace.worker.js';
import type { AsSet, TracedTable, TraceOperations } from './traced-table.js';
import { Victim } from './victim.js';

export interface RuntimeReplayOptions {
  /** Kills, and who runs a step, follow from it and the sequence's id. */
  readonly seed: number;
  /** How often the worker is killed in the course of each sequence. */
  readonly kills: number;
  /** The worker's module, as built. */
  readonly workerModule: URL;
  /** Hears of every life that was ended. */
  readonly onKill?: (() => void) | undefined;
  /** Hears what happened besides, for people. */
  readonly report?: (line: string) => void;
}

type TraceWorker = WorkerHandle<typeof traceWorker>;

const WORKERS = ['left', 'right'] as const;
/** More restarts than there can be within a second: no kill is a reason to give up. */
const INTENSITY = 10_000;
/** A call that meets several deaths of its worker is only unlucky. */
const CALL_TRIES_MAX = 1_000;
/** A step waits for several recoveries at worst. */
const STEP_TIMEOUT_MS = 120_000;

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

/** Replays sequences on the tables of a runtime of its own; the verdicts are in the order of the sequences. */
export async function replayThroughRuntime(
  sequences: readonly EtsSequence[],
  options: RuntimeReplayOptions,
): Promise<readonly Verdict[]> {
  const directory = await mkdtemp(join(tmpdir(), 'heirloom-conformance-'));
  try {
    const references = WORKERS.map((name) => worker<typeof traceWorker>(name, options.workerModule));
    await using runtime = await startRuntime({
      directory,
      root: supervisor({ strategy: 'one_for_one', intensity: INTENSITY, periodMs: 1_000 }, references),
      logger: silent,
      limits: { callTriesMax: CALL_TRIES_MAX },
    });
    const lanes = references.map((reference) => {
      const handle = runtime.worker(reference).with({ timeoutMs: STEP_TIMEOUT_MS });
      return { handle, victim: new Victim(() => handle.pid, options.onKill) };
    });
    const replay = new RuntimeReplay(sequences, options);
    await Promise.all(lanes.flatMap((lane) => TABLE_TYPES.map((type) => replay.run(lane, type))));
    const kills = lanes.reduce((sum, { victim }) => sum + victim.kills, 0);
    options.report?.(
      `seed ${options.seed}: ${kills} kills, ${replay.interrupted} of them while their step was under way`,
    );
    return replay.verdicts;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A worker and its killer; sequences of each type run on it one after the other. */
interface Lane {
  readonly handle: TraceWorker;
  readonly victim: Victim;
}

class RuntimeReplay {
  readonly #options: RuntimeReplayOptions;
  readonly #waiting: Map<TableType, EtsSequence[]>;
  readonly #order: readonly EtsSequence[];
  readonly #differences = new Map<EtsSequence, Difference | undefined>();
  /** How many kills met a step that was not answered yet. */
  interrupted = 0;

  constructor(sequences: readonly EtsSequence[], options: RuntimeReplayOptions) {
    this.#options = options;
    this.#order = sequences;
    this.#waiting = new Map(TABLE_TYPES.map((type) => [type, sequences.filter((sequence) => sequence.type === type)]));
  }

  get verdicts(): readonly Verdict[] {
    return this.#order.map((sequence) => {
      invariant(this.#differences.has(sequence), `Sequence ${sequence.id} was not replayed.`);
      return { id: sequence.id, difference: this.#differences.get(sequence) };
    });
  }

  /** Replays what waits of one type, on the worker's table of that type. */
  async run(lane: Lane, type: TableType): Promise<void> {
    const waiting = this.#waiting.get(type) ?? [];
    for (let sequence = waiting.shift(); sequence !== undefined; sequence = waiting.shift()) {
      this.#differences.set(sequence, await this.#replay(lane, sequence));
    }
  }

  async #replay(lane: Lane, sequence: EtsSequence): Promise<Difference | undefined> {
    const table = remoteTable(lane.handle, sequence.type);
    await table.operations.deleteAllObjects();
    invariant((await table.size()) === 0, 'A table that was cleared is empty.');
    const { seed, kills } = this.#options;
    const plan = new KillPlan(seed, sequence.id, sequence.steps.length, kills);
    const runner: CommandRunner = {
      run: (command, index) => this.#step(lane, table, plan, command, index),
      rows: async () => table.operations.tab2list(),
    };
    return (await firstDifference(sequence, runner)) ?? (await disagreement(lane.handle, table, sequence));
  }

  async #step(lane: Lane, table: TracedTable, plan: KillPlan, command: EtsCommand, index: number): Promise<unknown> {
    const moment = plan.momentAt(index);
    if (moment?.when === 'before') await lane.victim.kill();
    let isAnswered = false;
    const send = async (): Promise<unknown> => {
      try {
        if (plan.isRemote(index)) return await runCommand(table, command);
        return await lane.handle.call.run(table.type, command);
      } finally {
        isAnswered = true;
      }
    };
    const kill = async (): Promise<void> => {
      if (moment?.when !== 'during') return;
      await elapsed(moment.delayMs);
      const kill = lane.victim.kill();
      if (!isAnswered) this.interrupted++;
      await kill;
    };
    const [answer, killed] = await Promise.allSettled([send(), kill()]);
    if (moment?.when === 'after') await lane.victim.kill();
    if (killed.status === 'rejected') throw killed.reason;
    if (answer.status === 'rejected') throw answer.reason;
    return answer.value;
  }
}

/** A table as others than its owner have it. */
function remoteTable(handle: TraceWorker, type: TableType): TracedTable {
  const remote = handle.tables[type];
  const asSet = remote as unknown as RemoteTable<AsSet>; // See `AsSet`.
  return {
    type,
    // What differs are the types of the arguments; see `ownedTable`.
    operations: remote as unknown as TraceOperations,
    selectKeys: async (where) => (await asSet.select({ where, fields: [0] })).map(([key]) => key),
    size: () => remote.size(),
    // A fold takes a function, which runs where the table is.
    sum: (field) => handle.call.run(type, { op: 'fold_sum', arguments: { field } }),
  };
}

/** What the keeper has, if it is not what the owner has. */
async function disagreement(
  handle: TraceWorker,
  table: TracedTable,
  { type, steps }: EtsSequence,
): Promise<Difference | undefined> {
  const owned = { kind: 'ok' as const, value: await handle.call.run(type, { op: 'to_list', arguments: {} }) };
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
