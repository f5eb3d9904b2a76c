/**
 * A tree under simulation: the real shell and decisions over children that do only what the test tells them, on a virtual clock. It
 * checks on the way what must hold at every moment:
 *
 * 1. No child has two live incarnations, and its incarnations grow.
 * 2. The events of one incarnation are starting, perhaps started, then exited or start_failed, once each and in this order.
 * 3. A supervisor that gave up, shuts itself down or was told to stop starts nothing more in this life.
 * 4. Within one life, and within one period, a supervisor restarts at most as many exited children as its intensity says; the tree
 *    at most as many as its limit.
 * 5. The tree fails at most once, and says so once.
 */
import { expect } from 'vitest';
import type { ChildDriver, StartContext, StartingChild } from '../src/child-driver.js';
import type { ChildExit } from '../src/child-exit.js';
import { INTENSITY_DEFAULT, PERIOD_DEFAULT_MS, type ChildSpec, type SupervisorSpec } from '../src/child-spec.js';
import { VirtualClock } from '../src/clock.js';
import { FakeChild } from '../src/fake-driver.js';
import type { RestartLimit } from '../src/restart-limit.js';
import { SupervisionTree, type ChildStatus } from '../src/tree.js';
import type { TreeEvent } from '../src/tree-event.js';

/** A child that waits for the test in everything. */
const OBEDIENT_TO_NOBODY = { isReady: false, stops: false, dies: false } as const;

type Life = 'starting' | 'up' | 'over';

interface Incarnation {
  readonly number: number;
  life: Life;
}

/** What one life of a supervisor has done. */
interface SupervisorLife {
  readonly spec: SupervisorSpec<string>;
  isOver: boolean;
  readonly restarts: number[];
}

export class TreeWorld implements ChildDriver<string> {
  readonly clock: VirtualClock = new VirtualClock();
  readonly tree: SupervisionTree<string>;
  /** Every incarnation of a worker, in the order of their starts. */
  readonly children: FakeChild[] = [];
  /** What was asked of workers, in order. */
  readonly asked: { readonly what: 'start' | 'stop' | 'kill'; readonly child: FakeChild }[] = [];
  /** Children that chose not to run. */
  readonly ignored: Set<string> = new Set();
  failures = 0;
  shutdowns = 0;
  readonly #limit: RestartLimit | undefined;
  readonly #incarnations = new Map<string, Incarnation>();
  readonly #lives = new Map<string, SupervisorLife>();
  readonly #restarts: number[] = [];
  #failedEvents = 0;
  #problem: Error | undefined;

  constructor(root: SupervisorSpec<string>, restartLimit: RestartLimit | undefined) {
    this.#limit = restartLimit;
    this.#begin([root.id], root);
    this.tree = new SupervisionTree(root, {
      driver: this,
      clock: this.clock,
      killWaitMs: 20,
      restartLimit,
      onEvent: (event) => this.#noting(() => this.#take(event)),
      onFailure: (error) => {
        this.failures += 1;
        this.#noting(() => expect(error.code).not.toBe('ERR_SUPERVISOR_BUG'));
      },
      onShutdown: () => (this.shutdowns += 1),
    });
  }

  start(spec: ChildSpec<string>, context: StartContext): StartingChild {
    const child = new FakeChild(spec.id, context, OBEDIENT_TO_NOBODY);
    this.#noting(() => {
      const twin = this.children.find((other) => other.isAlive && isSame(other.context.path, context.path));
      expect(twin, `two live incarnations of ${context.path.join('/')}`).toBeUndefined();
    });
    this.children.push(child);
    this.asked.push({ what: 'start', child });
    const { ready, exited } = child;
    return { ready, exited, stop: () => this.#ask('stop', child), kill: () => this.#ask('kill', child) };
  }

  get alive(): FakeChild[] {
    return this.children.filter((child) => child.isAlive);
  }

  /** Those that are not up yet and have not been told to go. */
  get starting(): FakeChild[] {
    const isStarting = ({ context }: FakeChild): boolean =>
      this.#incarnations.get(keyOf(context.path))?.life === 'starting';
    return this.alive.filter((child) => child.asked.length === 0 && isStarting(child));
  }

  /** Those that have been told to go. */
  get told(): FakeChild[] {
    return this.alive.filter(({ asked }) => asked.length > 0);
  }

  /** Every supervisor that is alive, with its path. */
  supervisors(): { readonly path: readonly string[]; readonly children: readonly ChildStatus[] }[] {
    const below = (path: readonly string[], children: readonly ChildStatus[]): ReturnType<TreeWorld['supervisors']> => [
      { path, children },
      ...children.flatMap((child) => (child.children === undefined ? [] : below([...path, child.id], child.children))),
    ];
    return below([ROOT_ID], this.tree.children());
  }

  /** Tells the tree to end. */
  end(how: 'stop' | 'kill'): Promise<void> {
    const root = this.#lives.get(ROOT_ID);
    if (root !== undefined) root.isOver = true;
    const ended = this.tree[how]();
    if (how === 'kill') {
      const spared = this.alive.filter(({ asked }) => !asked.includes('kill'));
      expect(
        spared.map(({ context }) => keyOf(context.path)),
        'a kill reaches everybody at once',
      ).toEqual([]);
    }
    return ended;
  }

  /** Lets everything that was said be heard, and fails if something was wrong with it. */
  async heard(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#problem !== undefined) throw this.#problem;
  }

  /** The tree would take what a listener or a driver throws for a failure of theirs. */
  #noting(check: () => void): void {
    try {
      check();
    } catch (problem) {
      this.#problem ??= problem as Error; // Only expectations throw here.
    }
  }

  /** Everybody does what was asked of them, until nothing is asked any more and nobody waits. */
  async settle(): Promise<void> {
    for (let quietMs = 0, turns = 0; quietMs <= WAIT_MAX_MS; turns += 1) {
      await this.heard();
      expect(turns, 'it never comes to rest').toBeLessThan(TURNS_MAX);
      const { told, starting } = this;
      for (const child of told) child.exit({ reason: 'shutdown' });
      for (const child of starting) child.up();
      const isQuiet = told.length + starting.length === 0;
      quietMs = isQuiet ? quietMs + STEP_MS : 0;
      // What has ended must have left no timers that could still fire.
      if (isQuiet && this.tree.phase !== 'ended') this.clock.advance(STEP_MS);
    }
  }

  #ask(what: 'stop' | 'kill', child: FakeChild): void {
    this.asked.push({ what, child });
    if (what === 'stop') child.stop();
    else child.kill();
  }

  #begin(path: readonly string[], spec: SupervisorSpec<string>): void {
    this.#lives.set(keyOf(path), { spec, isOver: false, restarts: [] });
  }

  #take(event: TreeEvent): void {
    const { path } = event;
    switch (event.type) {
      case 'child_starting':
        this.#starting(path, event.incarnation);
        return;
      case 'child_started':
        expect(this.#current(path, event.incarnation).life, `started: ${path.join('/')}`).toBe('starting');
        this.#current(path, event.incarnation).life = 'up';
        return;
      case 'child_exited':
      case 'child_start_failed': {
        const incarnation = this.#current(path, event.incarnation);
        expect(incarnation.life, `${event.type}: ${path.join('/')}`).not.toBe('over');
        const hasExited = event.type === 'child_exited' && incarnation.life === 'up';
        incarnation.life = 'over';
        this.#lastExited = hasExited ? keyOf(path) : undefined;
        return;
      }
      case 'child_restarting':
        expect(event.incarnation).toBe((this.#incarnations.get(keyOf(path))?.number ?? 0) + 1);
        if (this.#lastExited === keyOf(path)) this.#restarting(path);
        return;
      case 'supervisor_gave_up':
      case 'supervisor_auto_shutdown':
      case 'supervisor_stopped': {
        const life = this.#lives.get(keyOf(path));
        // What is due before all is up waits until it is.
        const isDue = event.type === 'supervisor_auto_shutdown' && !this.#isUp(path);
        if (life !== undefined && !isDue) life.isOver = true;
        return;
      }
      case 'tree_failed':
        this.#failedEvents += 1;
        expect(this.#failedEvents).toBe(1);
        return;
      case 'child_ended':
      case 'kill_overdue':
        return;
    }
  }

  /** The child whose exit was the last thing that happened: a restart that follows at once is for that. */
  #lastExited: string | undefined;

  #starting(path: readonly string[], number: number): void {
    const before = this.#incarnations.get(keyOf(path));
    expect(before?.life ?? 'over', `starting: ${path.join('/')}`).toBe('over');
    expect(number).toBeGreaterThan(before?.number ?? 0);
    const above = path.slice(0, -1);
    // It goes on when one above it gives up, until it is its turn to be stopped.
    expect(this.#lives.get(keyOf(above))?.isOver, `${path.join('/')} starts`).toBe(false);
    expect(['stopping', 'killing'], `${path.join('/')} starts`).not.toContain(this.#stateOf(above));
    this.#incarnations.set(keyOf(path), { number, life: 'starting' });
    const parent = this.#lives.get(keyOf(path.slice(0, -1)));
    const spec = parent?.spec.children.find(({ id }) => id === path.at(-1));
    if (spec?.type === 'supervisor') this.#begin(path, spec);
  }

  #isUp(path: readonly string[]): boolean {
    if (path.length === 1) return this.tree.phase !== 'starting';
    return this.#incarnations.get(keyOf(path))?.life === 'up';
  }

  #stateOf(path: readonly string[]): string | undefined {
    const supervisor = this.supervisors().find((candidate) => isSame(candidate.path, path.slice(0, -1)));
    return supervisor?.children.find(({ id }) => id === path.at(-1))?.state;
  }

  #restarting(path: readonly string[]): void {
    const life = this.#lives.get(keyOf(path.slice(0, -1)));
    if (life === undefined) throw new Error(`${path.join('/')} has no supervisor.`);
    const { intensity = INTENSITY_DEFAULT, periodMs = PERIOD_DEFAULT_MS } = life.spec;
    const now = this.clock.now();
    life.restarts.push(now);
    expect(within(life.restarts, now, periodMs), 'the intensity').toBeLessThanOrEqual(intensity);
    this.#restarts.push(now);
    if (this.#limit === undefined) return;
    expect(within(this.#restarts, now, this.#limit.periodMs), 'the limit').toBeLessThanOrEqual(this.#limit.intensity);
  }

  #current(path: readonly string[], number: number): Incarnation {
    const incarnation = this.#incarnations.get(keyOf(path));
    expect(incarnation?.number).toBe(number);
    return incarnation as Incarnation; // It was just found to be there.
  }
}

/** The id of the root of every tree here. */
export const ROOT_ID = 'root';
/** More than any tree here needs to come to rest. */
const TURNS_MAX = 1_000;
/** Shorter than any start timeout here, so that no child is late for want of being heard. */
const STEP_MS = 10;
/** Longer than any wait here. */
export const WAIT_MAX_MS = 100;

/** The exits that a child can choose. */
export const EXIT_REASONS: readonly ChildExit['reason'][] = ['normal', 'shutdown', 'crash', 'killed'];

const keyOf = (path: readonly string[]): string => path.join('/');
const isSame = (path: readonly string[], other: readonly string[]): boolean => keyOf(path) === keyOf(other);
const within = (times: readonly number[], now: number, periodMs: number): number =>
  times.filter((time) => now - time <= periodMs).length;
