/**
 * Replaying scenarios of supervisors on real processes: each child is a worker of its own, its exits are real ones, and what
 * happened is what the processes have written down.
 *
 * 1. A scenario is a supervisor that is added to the root of one runtime, in a lane of its own; several lanes go on side by
 *    side. When its scenario is over nothing of it is left, and the names of its workers are free for the next one.
 * 2. Exits come from outside, as signals: no call is under way, so none is run again, and each death counts.
 * 3. A step is over when the exit was noticed and no child is on its way up or down. What happens later is found in the log of
 *    the next step, and is a difference there.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRuntime, supervisor, SupervisorError, worker } from 'heirloom';
import type { ChildListing, Logger, Runtime, SupervisorReference, WorkerReference } from 'heirloom';
import { until } from '../support/condition.js';
import type { Difference, Verdict } from './replay.js';
import { firstDifference } from './supervisor-comparison.js';
import type { SupervisorWorld } from './supervisor-comparison.js';
import type { LogEntry, SupervisorCommand, SupervisorOutcome, SupervisorScenario } from './supervisor-trace.js';
import type tracedChild from './traced-child.worker.js';

export interface SupervisorRuntimeOptions {
  /** The children's module, as built. */
  readonly workerModule: URL;
  /** Hears from time to time how far it is. */
  readonly progress?: ((line: string) => void) | undefined;
}

/** Process starts wait for each other within a scenario, and two cores are busy with four of them. */
const LANES = 4;
/** Of the recorded supervisors: every restart of a scenario counts. */
const PERIOD_MS = 3_600_000;
/** A step takes several process starts; on a machine that is busy with other work each may take seconds. */
const STEP_TIMEOUT_MS = 120_000;
/** How many scenarios pass from one word of progress to the next. */
const PROGRESS_SCENARIOS = 20;

type Exit = Extract<SupervisorCommand, { do: 'exit' }>;
const SIGNALS: Readonly<Record<Exit['reason'], NodeJS.Signals>> = {
  crash: 'SIGUSR2',
  kill: 'SIGKILL',
  normal: 'SIGTERM',
  shutdown: 'SIGHUP',
};

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };

/** Replays scenarios under the root of a runtime of its own; the verdicts are in the order of the scenarios. */
export async function replaySupervisorThroughRuntime(
  scenarios: readonly SupervisorScenario[],
  { workerModule, progress }: SupervisorRuntimeOptions,
): Promise<readonly Verdict[]> {
  const directory = await mkdtemp(join(tmpdir(), 'heirloom-conformance-'));
  try {
    const root = supervisor({ strategy: 'one_for_one', id: 'scenarios' }, []);
    await using runtime = await startRuntime({
      directory: join(directory, 'store'),
      root,
      logger: silent,
      keeper: { standby: false },
    });
    const waiting = [...scenarios.entries()];
    const differences = new Map<number, Difference | undefined>();
    const runLane = async (lane: number): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [place, scenario] = next;
        const log = join(directory, `${place}.log`);
        const world = new RuntimeWorld({ runtime, root, lane, scenario, log, workerModule });
        differences.set(place, await world.play());
        if (differences.size % PROGRESS_SCENARIOS === 0) progress?.(`${differences.size} scenarios`);
      }
    };
    await Promise.all(Array.from({ length: LANES }, (_, lane) => runLane(lane)));
    return scenarios.map(({ id }, place) => ({ id, difference: differences.get(place) }));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface WorldOptions {
  readonly runtime: Runtime;
  readonly root: SupervisorReference;
  readonly lane: number;
  readonly scenario: SupervisorScenario;
  readonly log: string;
  readonly workerModule: URL;
}

class RuntimeWorld implements SupervisorWorld {
  readonly #options: WorldOptions;
  readonly #supervisor: SupervisorReference;
  /** By the child's id in the scenario; workers have names that any id can stand behind. */
  readonly #workers = new Map<string, WorkerReference<typeof tracedChild>>();
  #linesRead = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    const { strategy, maxRestarts, autoShutdown, children } = options.scenario;
    this.#supervisor = supervisor(
      // Its end is the end of the scenario.
      {
        id: `lane-${options.lane}`,
        restart: 'temporary',
        strategy,
        intensity: maxRestarts,
        periodMs: PERIOD_MS,
        autoShutdown,
      },
      children.map(({ id, ...options }) => this.#worker(id, options)),
    );
  }

  /** Plays the scenario; whatever came of it, nothing of it is left. */
  async play(): Promise<Difference | undefined> {
    await writeFile(this.#options.log, '');
    try {
      return await firstDifference(this.#options.scenario, this);
    } catch (error) {
      const expected = 'that every step can be done';
      return { step: 0, operation: 'the scenario', expected, got: String(error) };
    } finally {
      await this.#end();
    }
  }

  async start(): Promise<readonly LogEntry[]> {
    const { runtime, root } = this.#options;
    await runtime.supervisor(root).startChild(this.#supervisor);
    await this.#settled();
    return this.#newLog();
  }

  async run(command: SupervisorCommand): Promise<SupervisorOutcome> {
    const granted = command.do === 'exit' ? {} : { ok: await this.#isGranted(command) };
    if (command.do === 'exit') await this.#exit(command);
    await this.#settled();
    const log = await this.#newLog();
    const children = this.#listing();
    if (children === undefined) return { ...granted, log, supervisor: 'dead' };
    const standing = children.map(({ id, state }) => ({ id: this.#idOf(id), alive: state === 'running' }));
    return { ...granted, log, supervisor: 'alive', children: standing };
  }

  async shutDown(): Promise<readonly LogEntry[] | undefined> {
    const wasAlive = this.#listing() !== undefined;
    await this.#end();
    const log = await this.#newLog();
    return wasAlive || log.length > 0 ? log : undefined;
  }

  async #end(): Promise<void> {
    const { runtime, root } = this.#options;
    await refusal(runtime.supervisor(root).terminateChild(this.#supervisor));
    await this.#settled();
  }

  async #isGranted({ do: what, id }: Exclude<SupervisorCommand, Exit>): Promise<boolean> {
    const management = this.#management();
    if (management === undefined) return false;
    const child = this.#worker(id);
    if (what === 'restart_child') return (await refusal(management.restartChild(child))) === undefined;
    if (what === 'terminate_child') return (await refusal(management.terminateChild(child))) === undefined;
    return (await refusal(management.deleteChild(child))) === undefined;
  }

  /** Ends a child's process, and waits until its supervisor has noticed; one that is not alive stays as it is. */
  async #exit({ id, reason }: Exit): Promise<void> {
    const { name } = this.#worker(id);
    const before = this.#listing()?.find((child) => child.id === name);
    if (before?.state !== 'running') return;
    const { pid } = this.#options.runtime.worker(this.#worker(id));
    process.kill(await until(`${id} has a process`, () => pid), SIGNALS[reason]);
    const isSame = (child: ChildListing): boolean =>
      child.id === name && child.state === 'running' && child.incarnation === before.incarnation;
    await until(`the exit of ${id} is noticed`, () => this.#listing()?.some(isSame) !== true, STEP_TIMEOUT_MS);
  }

  /** Waits until no child is on its way up or down. */
  async #settled(): Promise<void> {
    const { runtime, root } = this.#options;
    const isSettled = (): boolean => {
      const children = this.#listing();
      if (children !== undefined) return children.every(({ state }) => state === 'running' || state === 'stopped');
      const { id } = this.#supervisor.options;
      return runtime
        .supervisor(root)
        .whichChildren()
        .every((child) => child.id !== id);
    };
    await until('no child is on its way up or down', isSettled, STEP_TIMEOUT_MS);
  }

  /** Its management; undefined when it has ended. */
  #management() {
    const { runtime } = this.#options;
    return ifThere(() => runtime.supervisor(this.#supervisor));
  }

  /** The children in start order; undefined while the supervisor stops, and when it has ended. */
  #listing(): readonly ChildListing[] | undefined {
    const management = this.#management();
    return management && ifThere(() => management.whichChildren().toReversed());
  }

  async #newLog(): Promise<readonly LogEntry[]> {
    const lines = (await readFile(this.#options.log, 'utf8')).split('\n').slice(0, -1);
    const fresh = lines.slice(this.#linesRead);
    this.#linesRead = lines.length;
    return fresh.map((line) => JSON.parse(line) as LogEntry); // The children write nothing else.
  }

  /** The worker that stands for a child; one that the scenario only asks about is not in the tree. */
  #worker(id: string, options: Pick<WorkerReference['options'], 'restart' | 'significant'> = {}) {
    const { lane, log, workerModule } = this.#options;
    const known = this.#workers.get(id);
    if (known !== undefined) return known;
    const reference = worker<typeof tracedChild>(`lane-${lane}.${this.#workers.size}`, workerModule, {
      ...options,
      standby: false,
      shutdown: 'infinity',
      startTimeoutMs: STEP_TIMEOUT_MS,
      args: [log, id],
    });
    this.#workers.set(id, reference);
    return reference;
  }

  #idOf(name: string): string {
    return [...this.#workers].find(([, reference]) => reference.name === name)?.[0] ?? name;
  }
}

/** What a supervisor refuses; other errors are none that a scenario can expect. */
async function refusal(asked: Promise<unknown>): Promise<SupervisorError | undefined> {
  try {
    await asked;
    return undefined;
  } catch (error) {
    if (error instanceof SupervisorError) return error;
    throw error;
  }
}

/** What it gives, or undefined when the supervisor that is asked is not there. */
function ifThere<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    const { code } = error as { code?: unknown }; // Management throws errors with codes.
    if (code === 'ERR_SUPERVISOR_STOPPED' || code === 'ERR_WORKER_UNKNOWN') return undefined;
    throw error;
  }
}
