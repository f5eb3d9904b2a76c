/**
 * The whole demonstration: the ledger, the runtime, the feed, the kills and the comparison.
 *
 * 1. The ledger is drawn up from the file before the runtime starts, in a pass of its own.
 * 2. Whatever happens, the runtime is closed before the function settles.
 * 3. An aborted signal, a runtime that gives up and a failed kill end the feed and the kills alike.
 */
import type { Logger, Runtime } from 'heirloom';
import { startRuntime } from 'heirloom';
import type { TableComparison } from './comparison.js';
import { compareTable } from './comparison.js';
import { Condition } from './condition.js';
import { FlightBoardError } from './errors.js';
import type { FeedResult } from './feed.js';
import { feedFlights } from './feed.js';
import { readFlights } from './flight-file.js';
import type { FlightBoard } from './flight-board-tree.js';
import { flightBoard, TREE, WORKERS } from './flight-board-tree.js';
import type { Malformed } from './flight-record.js';
import { KEEPER, planKills } from './kill-schedule.js';
import { Killer } from './killer.js';
import type { Ledger } from './ledger.js';
import { drawUpLedger } from './ledger.js';
import type { Progress } from './progress-bar.js';
import { seededRandom } from './random.js';
import { RecoveryWatch } from './recovery-watch.js';
import type { Heading } from './report.js';
import type { FlightBoardResult } from './result.js';

/** How many workers die in a run. */
export const WORKER_KILLS = 66;
/** How many keepers die in a run. */
export const KEEPER_KILLS = 6;
/** Enough to keep every worker and the group commit busy; more flights would only wait in queues. */
const FLIGHTS_IN_FLIGHT_MAX = 300;
/** A small file is fed so slowly that its flights are under way during this many kills at a time. */
const KILLS_IN_FLIGHT = 4;
/** So many problems are told in full; the rest is only counted. */
const PROBLEMS_TOLD_MAX = 20;

/** What a run needs to know, and whom it tells of its progress. */
export interface DemonstrationOptions {
  /** The CSV file. */
  readonly input: string;
  /** Where the store is. */
  readonly directory: string;
  /** Decides who is killed when. */
  readonly seed: number;
  /** Ends the run early. */
  readonly signal: AbortSignal;
  /** Where the runtime reports what happens to its processes. */
  readonly logger: Logger;
  readonly onMalformed: (line: Malformed) => void;
  readonly onStart: (heading: Heading) => void;
  readonly onProgress: (progress: Progress) => void;
}

/** Runs the demonstration; rejects with a `FlightBoardError`, or an error of the runtime, when it cannot go on. */
export async function demonstrate(options: DemonstrationOptions): Promise<FlightBoardResult> {
  const { input, directory, seed, signal, logger } = options;
  const startedAtMs = performance.now();
  let skipped = 0;
  const ledger = await drawUpLedger(
    readFlights(input, (line) => {
      skipped += 1;
      options.onMalformed(line);
    }),
  );
  signal.throwIfAborted();

  await using runtime = await startRuntime({ directory, root: TREE, logger });
  const board = flightBoard(runtime);
  const cleared = await board.clear();
  const plan = { workers: WORKERS, workerKills: WORKER_KILLS, keeperKills: KEEPER_KILLS };
  options.onStart({ input, flights: ledger.flights, skipped, seed, cleared, ...plan });

  const run = new Run(options, runtime, board, ledger);
  const { feed, killer, recoveries, rerun } = await run.carryOut();
  const tables = await compareTables(ledger, board);
  const total = (field: 'lost' | 'duplicated' | 'mismatches'): number =>
    tables.reduce((sum, table) => sum + table[field], 0);
  const [lost, duplicated, mismatches] = [total('lost'), total('duplicated'), total('mismatches')];
  const areKilled = killer.workerKills >= WORKER_KILLS && killer.keeperKills >= KEEPER_KILLS;
  return {
    ok: lost + duplicated + mismatches + feed.failures.length === 0 && areKilled,
    flights: feed.acknowledged,
    skipped,
    calls: feed.calls,
    failedCalls: feed.failures.length,
    kills: killer.workerKills,
    killsByWorker: Object.fromEntries([...killer.kills].filter(([victim]) => victim !== KEEPER)),
    keeperKills: killer.keeperKills,
    otherCrashes: killer.otherCrashes,
    lost,
    duplicated,
    mismatches,
    rerun,
    recoveryMs: {
      p50: recoveries.quantileMs(0.5),
      p99: recoveries.quantileMs(0.99),
      max: recoveries.quantileMs(1),
    },
    elapsedMs: Math.round(performance.now() - startedAtMs),
    seed,
    tables,
    problems: [...feed.failures, ...tables.flatMap((table) => table.differences)].slice(0, PROBLEMS_TOLD_MAX),
  };
}

/** What the feed and the kills came to. */
interface RunOutcome {
  readonly feed: FeedResult;
  readonly killer: Killer;
  readonly recoveries: RecoveryWatch;
  readonly rerun: number;
}

/** The part of a demonstration during which flights are fed and processes killed. */
class Run {
  readonly #options: DemonstrationOptions;
  readonly #runtime: Runtime;
  readonly #board: FlightBoard;
  readonly #ledger: Ledger;
  readonly #condition = new Condition();
  readonly #recoveries = new RecoveryWatch(() => performance.now());
  readonly #killer: Killer;
  #rerun = 0;

  constructor(options: DemonstrationOptions, runtime: Runtime, board: FlightBoard, ledger: Ledger) {
    this.#options = options;
    this.#runtime = runtime;
    this.#board = board;
    this.#ledger = ledger;
    this.#killer = new Killer({
      plan: planKills({
        flights: ledger.flights,
        workers: WORKERS,
        workerKills: WORKER_KILLS,
        keeperKills: KEEPER_KILLS,
        random: seededRandom(options.seed),
      }),
      victims: board.victims,
      kill: (pid) => process.kill(pid, 'SIGKILL'),
      now: () => performance.now(),
      recoveries: this.#recoveries,
      condition: this.#condition,
    });
  }

  async carryOut(): Promise<RunOutcome> {
    const { signal } = this.#options;
    const abort = (): void => this.#condition.fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const unsubscribe = this.#listen();
    try {
      const [feed] = await Promise.all([this.#feed(), this.#killer.run()]);
      return { feed, killer: this.#killer, recoveries: this.#recoveries, rerun: this.#rerun };
    } catch (error) {
      // One of the two failed: the other is to end as well.
      this.#condition.fail(error);
      throw error;
    } finally {
      for (const stop of unsubscribe) stop();
      signal.removeEventListener('abort', abort);
    }
  }

  async #feed(): Promise<FeedResult> {
    const { input } = this.#options;
    const total = this.#ledger.flights;
    const killer = this.#killer;
    const feed = await feedFlights({
      // The ledger's pass has told of every malformed line.
      flights: readFlights(input, () => {}),
      stations: this.#board.stations,
      inFlightMax: Math.min(
        FLIGHTS_IN_FLIGHT_MAX,
        Math.ceil((KILLS_IN_FLIGHT * Math.max(total, 1)) / (WORKER_KILLS + KEEPER_KILLS)),
      ),
      isHeld: () => killer.isBehind,
      condition: this.#condition,
      onAnswer: (station, incarnation) => this.#recoveries.answered(station, incarnation),
      onAcknowledged: (flights) => {
        killer.advance(flights);
        const { workerKills, keeperKills, lastRecoveryMs } = killer;
        this.#options.onProgress({ flights, total, workerKills, keeperKills, lastRecoveryMs });
      },
    });
    // Flights whose calls failed are not acknowledged; the rest of the plan must not wait for them.
    killer.advance(total);
    return feed;
  }

  #listen(): (() => void)[] {
    const runtime = this.#runtime;
    const killer = this.#killer;
    return [
      runtime.on('crash', ({ worker, epoch, pid, signal }) =>
        killer.crashed({ victim: worker, pid, signal, incarnation: epoch }),
      ),
      runtime.on('recovered', ({ worker, rerun }) => {
        this.#rerun += rerun;
        killer.revived(worker);
      }),
      runtime.on('keeper_crash', ({ pid, signal }) => killer.crashed({ victim: KEEPER, pid, signal, incarnation: 0 })),
      runtime.on('keeper_recovered', () => killer.revived(KEEPER)),
      runtime.on('failed', ({ error }) => this.#condition.fail(error)),
    ];
  }
}

async function compareTables(ledger: Ledger, board: FlightBoard): Promise<TableComparison[]> {
  const comparisons: TableComparison[] = [];
  for (const expected of ledger.tables) {
    const name = `${expected.worker}.${expected.table}`;
    const table = board.tables.get(name);
    if (table === undefined)
      throw new FlightBoardError('ERR_FLIGHT_BOARD_CALLS', `The flight board has no table ${name}.`);
    comparisons.push(await compareTable(expected, table.rows(), await table.size()));
  }
  return comparisons;
}
