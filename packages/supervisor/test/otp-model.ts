/**
 * A supervisor of OTP in as few words as possible: what it does is done at once, as for a supervisor that waits for each start
 * and each termination. It shares no code with the real one, so that a rule that is wrong there is not wrong here too.
 *
 * A start comes to what was put down for it: it fails, the child chooses not to run, or it is up.
 */
import type { AutoShutdown, RestartType, Strategy } from '../src/child-spec.js';

export interface ModelChild {
  readonly id: string;
  readonly restart: RestartType;
  readonly significant: boolean;
  process: 'up' | 'down' | 'restarting';
}

export type ModelStart = 'up' | 'fail' | 'ignore';
export type ModelReason = 'normal' | 'shutdown' | 'crash' | 'killed';

export interface ModelOptions {
  readonly strategy: Strategy;
  readonly intensity: number;
  readonly periodMs: number;
  readonly autoShutdown: AutoShutdown;
  readonly childrenMax: number;
}

export class OtpModel {
  readonly options: ModelOptions;
  children: ModelChild[];
  isAlive = true;
  now = 0;
  log: string[] = [];
  /** What the next starts of a child come to. */
  readonly starts = new Map<string, ModelStart[]>();
  /** Messages of the supervisor to itself. */
  readonly retries: string[] = [];
  #restarts: number[] = [];

  constructor(options: ModelOptions, children: readonly Omit<ModelChild, 'process'>[]) {
    this.options = options;
    this.children = children.map((child) => ({ ...child, process: 'down' }));
    for (const child of this.children) this.#start(child);
  }

  exit(id: string, reason: ModelReason): void {
    const child = this.#find(id);
    if (!this.isAlive || child?.process !== 'up') return;
    child.process = 'down';
    const isNormal = reason === 'normal' || reason === 'shutdown';
    if (child.restart === 'permanent' || (child.restart === 'transient' && !isNormal)) return this.#restart(child);
    if (child.restart === 'temporary' || this.#isSimple) this.#remove(child);
    const left = this.children.filter((other) => other.significant && other.process !== 'down');
    const { autoShutdown } = this.options;
    if (!child.significant || autoShutdown === 'never') return;
    if (autoShutdown === 'any_significant' || left.length === 0) this.stop();
  }

  retry(): void {
    const id = this.retries.shift();
    const child = id === undefined ? undefined : this.#find(id);
    if (this.isAlive && child?.process === 'restarting') this.#restart(child);
  }

  stop(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#terminate(this.children);
  }

  startChild(child: Omit<ModelChild, 'process'>): string {
    if (!this.isAlive) return 'stopped';
    const present = this.#find(child.id);
    if (present !== undefined) return present.process === 'up' ? 'already_started' : 'already_present';
    if (this.children.length >= this.options.childrenMax) return 'max_children';
    const added: ModelChild = { ...child, process: 'down' };
    this.children.push(added);
    const outcome = this.#start(added);
    if (outcome === 'fail' || (outcome === 'ignore' && (this.#isSimple || child.restart === 'temporary'))) {
      this.#remove(added);
    }
    return outcome;
  }

  terminateChild(id: string): string {
    const child = this.#find(id);
    if (!this.isAlive) return 'stopped';
    if (child === undefined) return 'not_found';
    this.#terminate([child]);
    if (this.#isSimple) this.#remove(child);
    return 'done';
  }

  restartChild(id: string): string {
    const refusal = this.#refusal(id);
    if (refusal !== undefined) return refusal;
    const child = this.#find(id);
    return child === undefined ? 'not_found' : this.#start(child);
  }

  deleteChild(id: string): string {
    const refusal = this.#refusal(id);
    if (refusal !== undefined) return refusal;
    this.children = this.children.filter((child) => child.id !== id);
    return 'done';
  }

  get #isSimple(): boolean {
    return this.options.strategy === 'simple_one_for_one';
  }

  #refusal(id: string): string | undefined {
    if (!this.isAlive) return 'stopped';
    if (this.#isSimple) return 'simple_one_for_one';
    const child = this.#find(id);
    if (child === undefined) return 'not_found';
    if (child.process === 'down') return undefined;
    return child.process === 'up' ? 'running' : 'restarting';
  }

  #restart(child: ModelChild): void {
    const { intensity, periodMs, strategy } = this.options;
    this.#restarts = [...this.#restarts.filter((time) => this.now - time <= periodMs), this.now];
    if (this.#restarts.length > intensity) {
      child.process = 'down';
      return this.stop();
    }
    const place = this.children.indexOf(child);
    const range =
      strategy === 'one_for_all' ? this.children : strategy === 'rest_for_one' ? this.children.slice(place) : [child];
    child.process = 'down';
    this.#terminate(range);
    for (const one of range) {
      if (!this.children.includes(one)) continue;
      const outcome = this.#start(one);
      if (outcome === 'ignore' && this.#isSimple) this.#remove(one);
      if (outcome !== 'fail') continue;
      one.process = 'restarting';
      this.retries.push(one.id);
      return;
    }
  }

  /** The last first; temporary ones are forgotten, running or not. */
  #terminate(children: readonly ModelChild[]): void {
    for (const child of children.toReversed()) {
      if (child.process === 'up') this.log.push(`terminate ${child.id}`);
      child.process = 'down';
      if (child.restart === 'temporary') this.#remove(child);
    }
  }

  #start(child: ModelChild): ModelStart {
    const outcome = this.starts.get(child.id)?.shift() ?? 'up';
    this.log.push(outcome === 'up' ? `start ${child.id}` : `${outcome} ${child.id}`);
    child.process = outcome === 'up' ? 'up' : 'down';
    return outcome;
  }

  #find(id: string): ModelChild | undefined {
    return this.children.find((child) => child.id === id);
  }

  #remove(child: ModelChild): void {
    this.children = this.children.filter((other) => other !== child);
  }
}
