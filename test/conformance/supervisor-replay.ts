/**
 * Replaying a scenario of one supervisor on its pure decisions: no process, no timer, no promise.
 *
 * Children do at once what they are told, as those that were recorded did.
 */
import { newSupervisor, stepSupervisor } from '@heirloom/supervisor';
import type {
  ChildExit,
  ChildReply,
  ChildSpec,
  SupervisorEffect,
  SupervisorEvent,
  SupervisorState,
} from '@heirloom/supervisor';
import type { Verdict } from './replay.js';
import { firstDifference } from './supervisor-comparison.js';
import type { SupervisorWorld } from './supervisor-comparison.js';
import type { LogEntry, SupervisorCommand, SupervisorOutcome, SupervisorScenario } from './supervisor-trace.js';

/** Of the recorded supervisors: every restart of a scenario counts. */
const PERIOD_MS = 3_600_000;
/** Nothing that is killed here is late. */
const KILL_WAIT_MS = 1;

/** Replays scenarios, each with a supervisor of its own. */
export async function replaySupervisor(scenarios: readonly SupervisorScenario[]): Promise<readonly Verdict[]> {
  return Promise.all(
    scenarios.map(async (scenario) => ({
      id: scenario.id,
      difference: await firstDifference(scenario, new World(scenario)),
    })),
  );
}

/** A supervisor and its children. */
class World implements SupervisorWorld {
  #state: SupervisorState<null>;
  #log: LogEntry[] = [];
  #replies: ChildReply[] = [];
  readonly #alive = new Map<string, number>();
  readonly #queue: SupervisorEvent<null>[] = [];

  constructor({ strategy, maxRestarts, autoShutdown, children }: SupervisorScenario) {
    const specs = children.map((child): ChildSpec<null> => ({ type: 'worker', start: null, ...child }));
    const supervisor = { type: 'supervisor', id: 'supervisor', strategy, autoShutdown, children: specs } as const;
    this.#state = newSupervisor(
      { ...supervisor, intensity: maxRestarts, periodMs: PERIOD_MS },
      { killWaitMs: KILL_WAIT_MS },
    );
  }

  async start(): Promise<readonly LogEntry[]> {
    return this.#send({ type: 'start' });
  }

  /** Undefined when it has ended before. */
  async shutDown(): Promise<readonly LogEntry[] | undefined> {
    return this.#isAlive ? this.#send({ type: 'stop' }) : undefined;
  }

  async run(command: SupervisorCommand): Promise<SupervisorOutcome> {
    if (command.do === 'exit') return this.#outcome({}, this.#exit(command.id, command.reason));
    this.#replies = [];
    const log = this.#send({ type: 'request', request: 1, operation: { type: command.do, id: command.id } });
    const ok = this.#replies.length === 1 && this.#replies.every(({ type }) => type === 'started' || type === 'done');
    return this.#outcome({ ok }, log);
  }

  get #isAlive(): boolean {
    return this.#state.phase === 'running';
  }

  #outcome(granted: { readonly ok?: boolean }, log: readonly LogEntry[]): SupervisorOutcome {
    if (!this.#isAlive) return { ...granted, log, supervisor: 'dead' };
    const children = this.#state.children.map(({ spec: { id } }) => ({ id, alive: this.#alive.has(id) }));
    return { ...granted, log, supervisor: 'alive', children };
  }

  #exit(id: string, reason: 'crash' | 'kill' | 'normal' | 'shutdown'): readonly LogEntry[] {
    const isKilled = reason === 'kill';
    if (!isKilled && this.#alive.has(id)) this.#log.push(['exit', id]);
    this.#end(id, { reason: isKilled ? 'killed' : reason });
    return this.#drain();
  }

  #end(id: string, exit: ChildExit): void {
    const incarnation = this.#alive.get(id);
    if (incarnation === undefined) return;
    this.#alive.delete(id);
    this.#queue.push({ type: 'child', id, event: { type: 'EXITED', incarnation, exit } });
  }

  #send(event: SupervisorEvent<null>): readonly LogEntry[] {
    this.#queue.push(event);
    return this.#drain();
  }

  /** Takes events until there are none, and gives back what was logged meanwhile. */
  #drain(): readonly LogEntry[] {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      const { state, effects } = stepSupervisor(this.#state, event, 0);
      this.#state = state;
      for (const effect of effects) this.#carryOut(effect);
    }
    const log = this.#log;
    this.#log = [];
    return log;
  }

  #carryOut(effect: SupervisorEffect<null>): void {
    if (effect.type === 'reply') this.#replies.push(effect.reply);
    if (effect.type === 'start_child') {
      const { spec, incarnation } = effect;
      this.#alive.set(spec.id, incarnation);
      this.#log.push(['start', spec.id]);
      this.#queue.push({ type: 'child', id: spec.id, event: { type: 'READY', incarnation } });
    }
    if (effect.type !== 'stop_child') return;
    this.#log.push(['terminate', effect.id]);
    this.#end(effect.id, { reason: 'shutdown' });
  }
}
