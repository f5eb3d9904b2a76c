/**
 * Carries out the plan of kills while the flights are fed.
 *
 *   up ──SIGKILL──▶ struck ──crash seen──▶ down ──answers again──▶ up
 *
 * 1. A victim is killed only while it is up, and one kill follows another only after the first one's crash was seen.
 *    Several victims may be down at once.
 * 2. A kill counts when the crash that was seen is that of the process that was struck, with SIGKILL. Any other death
 *    is no kill of ours: the kill is tried again, the death is counted apart.
 * 3. A worker is up again when a later incarnation answers, the keeper when the runtime says that it has recovered.
 * 4. While a kill is due, no new flight may start (`isBehind`), so that every kill strikes within its share of the
 *    flights however fast they are fed.
 *
 * What does not die or come back within `KILL_TIMEOUT_MS` ends the run with `ERR_FLIGHT_BOARD_KILL`.
 */
import type { Condition } from './condition.js';
import { FlightBoardError } from './errors.js';
import type { PlannedKill } from './kill-schedule.js';
import { KEEPER } from './kill-schedule.js';
import type { RecoveryWatch } from './recovery-watch.js';

/** Far beyond any recovery, and short enough that a person still waits for the message. */
export const KILL_TIMEOUT_MS = 30_000;

/** A process that the plan may name. */
export interface Victim {
  /** The process that is alive now, if one is. */
  readonly pid: () => number | undefined;
  /** Asks a worker for its incarnation, so that it answers again even when no flight is under way; none for the keeper. */
  readonly probe?: () => Promise<number>;
}

/** A death that the runtime has seen. `incarnation` is 0 for the keeper. */
export interface SeenCrash {
  readonly victim: string;
  readonly pid: number | undefined;
  readonly signal: string | null;
  readonly incarnation: number;
}

/** What the killer needs from outside. */
export interface KillerPorts {
  readonly plan: readonly PlannedKill[];
  readonly victims: ReadonlyMap<string, Victim>;
  /** Sends SIGKILL; throws when there is no such process. */
  readonly kill: (pid: number) => void;
  /** Milliseconds that only grow. */
  readonly now: () => number;
  readonly recoveries: RecoveryWatch;
  readonly condition: Condition;
}

type VictimState =
  | { readonly is: 'up' }
  | { readonly is: 'struck'; readonly pid: number; readonly atMs: number }
  | { readonly is: 'down'; readonly wasKilled: boolean };

const UP: VictimState = { is: 'up' };

/** The kills of one run. */
export class Killer {
  readonly #ports: KillerPorts;
  readonly #states = new Map<string, VictimState>();
  readonly #kills = new Map<string, number>();
  #acknowledged = 0;
  #next = 0;
  #otherCrashes = 0;
  #lastRecoveryMs: number | undefined;

  constructor(ports: KillerPorts) {
    this.#ports = ports;
    for (const victim of ports.victims.keys()) {
      this.#states.set(victim, UP);
      this.#kills.set(victim, 0);
    }
  }

  /** How often each victim was killed. */
  get kills(): ReadonlyMap<string, number> {
    return this.#kills;
  }

  get workerKills(): number {
    let kills = 0;
    for (const [victim, count] of this.#kills) if (victim !== KEEPER) kills += count;
    return kills;
  }

  get keeperKills(): number {
    return this.#kills.get(KEEPER) ?? 0;
  }

  /** Deaths that no kill of ours explains. */
  get otherCrashes(): number {
    return this.#otherCrashes;
  }

  /** The latest recovery of a worker, in ms. */
  get lastRecoveryMs(): number | undefined {
    return this.#lastRecoveryMs;
  }

  /** Whether a kill is due that has not struck. */
  get isBehind(): boolean {
    const next = this.#ports.plan[this.#next];
    return next !== undefined && next.after <= this.#acknowledged;
  }

  /** Notes the progress: so many flights are acknowledged. */
  advance(acknowledged: number): void {
    this.#acknowledged = acknowledged;
    if (this.isBehind) this.#ports.condition.changed();
  }

  /** Notes a death that the runtime has seen. */
  crashed({ victim, pid, signal, incarnation }: SeenCrash): void {
    const state = this.#states.get(victim);
    if (state === undefined) return;
    const isOurs = state.is === 'struck' && state.pid === pid && signal === 'SIGKILL';
    this.#states.set(victim, { is: 'down', wasKilled: isOurs });
    if (isOurs) {
      this.#kills.set(victim, (this.#kills.get(victim) ?? 0) + 1);
      if (victim !== KEEPER) this.#awaitAnswer(victim, incarnation, state.atMs);
    } else {
      this.#otherCrashes += 1;
    }
    this.#ports.condition.changed();
  }

  /** Notes that the runtime has `victim` up again; for a killed worker only its answer counts (3). */
  revived(victim: string): void {
    const state = this.#states.get(victim);
    if (state?.is === 'down' && (victim === KEEPER || !state.wasKilled)) this.#isUp(victim);
    else this.#ports.condition.changed();
  }

  /** Carries out the whole plan, and waits until every victim is up again. */
  async run(): Promise<void> {
    const { plan, condition, victims } = this.#ports;
    for (const { after, victim } of plan) {
      await condition.until(() => this.#acknowledged >= after);
      await this.#killOnce(victim);
    }
    for (const victim of victims.keys()) await this.#until(victim, 'come back', (state) => state.is === 'up');
  }

  async #killOnce(victim: string): Promise<void> {
    const kills = this.#kills.get(victim) ?? 0;
    while (this.#kills.get(victim) === kills) {
      await this.#until(victim, 'come back', (state) => state.is === 'up' && this.#pidOf(victim) !== undefined);
      const pid = this.#pidOf(victim);
      if (pid === undefined) continue;
      this.#states.set(victim, { is: 'struck', pid, atMs: this.#ports.now() });
      try {
        this.#ports.kill(pid);
      } catch {
        // It died before it was struck; the runtime is about to see that.
      }
      await this.#until(victim, 'die', (state) => state.is !== 'struck');
    }
    this.#next += 1;
    this.#ports.condition.changed();
  }

  #awaitAnswer(worker: string, incarnation: number, killedAtMs: number): void {
    const { recoveries, victims, condition } = this.#ports;
    recoveries.begin(worker, incarnation, killedAtMs, (ms) => {
      this.#lastRecoveryMs = ms;
      this.#isUp(worker);
    });
    victims
      .get(worker)
      ?.probe?.()
      .then(
        (alive) => recoveries.answered(worker, alive),
        (error: unknown) => condition.fail(error),
      );
  }

  #isUp(victim: string): void {
    this.#states.set(victim, UP);
    this.#ports.condition.changed();
  }

  #pidOf(victim: string): number | undefined {
    return this.#ports.victims.get(victim)?.pid();
  }

  #until(victim: string, verb: string, isMet: (state: VictimState) => boolean): Promise<void> {
    const late = (): FlightBoardError =>
      new FlightBoardError(
        'ERR_FLIGHT_BOARD_KILL',
        `${victim} did not ${verb} within ${KILL_TIMEOUT_MS / 1_000} seconds of its kill.`,
      );
    return this.#ports.condition.until(() => isMet(this.#states.get(victim) ?? UP), { ms: KILL_TIMEOUT_MS, late });
  }
}
