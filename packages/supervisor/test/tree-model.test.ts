/**
 * Random trees of several levels, of all strategies, under random happenings: starts that take their time or fail or choose not to
 * run, exits, children that do not obey, timers, management requests, and a stop or a kill in the middle. What must hold at every
 * moment is checked by the world (tree-world.ts); here, what must hold in the end:
 *
 * 1. Nothing waits in a circle: when everybody has done what was asked, no child is on its way, and every request is answered.
 * 2. A permanent child that nobody managed runs, if its supervisor does.
 * 3. When the tree is told to stop, workers are asked from right to left, each after all to its right are gone; only instances of a
 *    template are asked together.
 * 4. After that nothing lives, no timer is armed, and the tree has not both failed and shut itself down.
 *
 * Mutations that make this fail, each tried: one that stops asks from left to right, or all at once; one restart more is allowed,
 * by a supervisor or by the tree; a request that waits, or is begun, is forgotten at a stop; the waits of a supervisor that has
 * ended are not cleared; a child is started before the exit of its last incarnation was seen; the incarnations of a supervisor that
 * is made anew begin at one; a child that was swept away is not started again; a kill does not reach nested supervisors at once; the
 * end of a wait is not heard; an incarnation is used twice behind a request that waits; requests about one child do not wait.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Backoff } from '../src/backoff.js';
import type { AnySpec, AutoShutdown, RestartType, Strategy, SupervisorSpec } from '../src/child-spec.js';
import { checkSpec } from '../src/spec-check.js';
import type { ChildStatus } from '../src/tree.js';
import { EXIT_REASONS, ROOT_ID, TreeWorld, WAIT_MAX_MS } from './tree-world.js';

const PERIOD_MS = 60;
const STARTS_MS = 50;

const restart = fc.constantFrom<RestartType>('permanent', 'permanent', 'transient', 'temporary');

interface Shape {
  readonly isWorker: boolean;
  readonly restart: RestartType;
  readonly significant: boolean;
  readonly shutdown: 'brutal_kill' | 'infinity' | number;
  readonly strategy: Strategy;
  readonly autoShutdown: AutoShutdown;
  readonly intensity: number;
  readonly backoff: Backoff | 'none';
  readonly children: readonly Shape[];
}

const { shape, children } = fc.letrec<{ shape: Shape; children: Shape[] }>((tie) => ({
  children: fc.array(tie('shape'), { minLength: 2, maxLength: 4 }),
  shape: fc.record({
    isWorker: fc.boolean(),
    restart,
    significant: fc.boolean(),
    shutdown: fc.constantFrom<Shape['shutdown']>('brutal_kill', 'infinity', 10),
    strategy: fc.constantFrom<Strategy>('one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'),
    autoShutdown: fc.constantFrom<AutoShutdown>('never', 'never', 'never', 'any_significant', 'all_significant'),
    intensity: fc.constantFrom(0, 1, 2, 5, 10),
    backoff: fc.constantFrom<Backoff | 'none'>('none', 'none', { minMs: 5, maxMs: WAIT_MAX_MS / 2, resetMs: 40 }),
    children: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      { arbitrary: fc.constant([]), weight: 3 },
      { arbitrary: tie('children'), weight: 2 },
    ),
  }),
}));

/** The spec of a shape; its id is its place in the tree, so it is unique in all of it. */
function specOf(shape: Shape, id: string, autoShutdown: AutoShutdown): AnySpec<string> {
  const significant = shape.significant && autoShutdown !== 'never' && shape.restart !== 'permanent';
  const common = { id, restart: shape.restart, significant };
  if (shape.isWorker || shape.children.length === 0) {
    return { ...common, type: 'worker', shutdown: shape.shutdown, startTimeoutMs: STARTS_MS, start: id };
  }
  return { ...supervisorOf(shape, id), ...common };
}

function supervisorOf(shape: Shape, id: string): SupervisorSpec<string> {
  const { strategy, intensity, backoff } = shape;
  const isSimple = strategy === 'simple_one_for_one';
  const autoShutdown = isSimple ? 'never' : shape.autoShutdown;
  const specs = shape.children.map((child, index) => specOf(child, `${id}.${index}`, autoShutdown));
  const template: AnySpec<string> = { type: 'worker', id: `${id}.t`, startTimeoutMs: STARTS_MS, start: id };
  const children = isSimple ? [template] : specs;
  return { type: 'supervisor', id, strategy, intensity, backoff, periodMs: PERIOD_MS, autoShutdown, children };
}

const happening = fc.record({
  what: fc.constantFrom(
    'up',
    'up',
    'up',
    'up',
    'exit',
    'exit',
    'exit',
    'fail',
    'ignore',
    'obey',
    'obey',
    'wait',
    'ask',
  ),
  which: fc.nat({ max: 99 }),
  child: fc.nat({ max: 99 }),
  reason: fc.constantFrom(...EXIT_REASONS),
  waitMs: fc.integer({ min: 0, max: 40 }),
  operation: fc.constantFrom('startChild', 'startInstance', 'terminateChild', 'restartChild', 'deleteChild'),
  restart,
});

type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

const scenario = fc.record({
  root: shape,
  children,
  limit: fc.option(fc.record({ intensity: fc.integer({ min: 0, max: 8 }), periodMs: fc.constant(PERIOD_MS) }), {
    nil: undefined,
  }),
  isUpFirst: fc.constantFrom(true, true, false),
  happenings: fc.array(happening, { minLength: 10, maxLength: 60 }),
  ending: fc.constantFrom('settle', 'stop', 'kill'),
  last: fc.array(happening, { maxLength: 10 }),
});

/** The requests of one run, and which of them are not answered. */
class Requests {
  readonly open = new Set<string>();
  /** Supervisors whose children somebody managed: what runs there is somebody's wish. */
  readonly managed = new Set<string>();

  ask(world: TreeWorld, { which, child, operation, restart: restartType }: Happening): void {
    const supervisors = world.supervisors();
    const { path, children } = pick(supervisors, which) ?? { path: [ROOT_ID], children: [] };
    const id = pick([...children.map((present) => present.id), `new.${path.join('.')}`], child) ?? 'nobody';
    const handle = world.tree.supervisor(path);
    const label = `${operation} ${id} (${this.open.size})`;
    this.managed.add(path.join('/'));
    const spec: AnySpec<string> = { type: 'worker', id, restart: restartType, startTimeoutMs: STARTS_MS, start: id };
    const answer = operation === 'startChild' ? handle.startChild(spec) : handle[operation](id);
    this.open.add(label);
    const isAnswered = (): void => void this.open.delete(label);
    answer.then(isAnswered, isAnswered);
  }
}

function pick<T>(items: readonly T[], index: number): T | undefined {
  return items[index % Math.max(1, items.length)];
}

function happen(world: TreeWorld, requests: Requests, next: Happening): void {
  const { what, which, reason, waitMs } = next;
  const child = pick(world.alive, which);
  if (what === 'wait') world.clock.advance(waitMs);
  else if (what === 'ask') requests.ask(world, next);
  else if (what === 'obey') pick(world.told, which)?.exit({ reason: 'shutdown' });
  else if (child === undefined) return;
  else if (what === 'up') child.up();
  else if (what === 'exit') child.exit({ reason });
  else if (what === 'fail') child.failStart(new Error('it does not start'));
  else {
    world.ignored.add(child.context.path.join('/'));
    child.exit({ reason: 'normal', ignored: true });
  }
}

/** Invariants 1 and 2. */
function expectDone(world: TreeWorld, requests: Requests, root: SupervisorSpec<string>): void {
  expect([...requests.open]).toEqual([]);
  if (world.tree.phase === 'ended') return;
  expect(world.tree.phase).toBe('running');
  const check = (spec: SupervisorSpec<string>, path: readonly string[], children: readonly ChildStatus[]): void => {
    for (const { id, state, children: below } of children) {
      expect(['running', 'stopped'], `${path.join('/')}/${id}`).toContain(state);
      const child = spec.children.find((candidate) => candidate.id === id);
      const isManaged = requests.managed.has(path.join('/')) || world.ignored.has([...path, id].join('/'));
      if (child?.restart === 'permanent' && !isManaged) expect(state, `${path.join('/')}/${id}`).toBe('running');
      if (child?.type === 'supervisor' && below !== undefined) check(child, [...path, id], below);
    }
  };
  check(root, [ROOT_ID], world.tree.children());
}

/** Invariant 3, of what was asked from `since` on: the places of workers, where instances of one template share theirs. */
function placesOf(spec: AnySpec<string>, path: readonly string[], children: readonly ChildStatus[]): string[] {
  if (spec.type === 'worker') return [path.join('/')];
  if (spec.strategy === 'simple_one_for_one') return [`${path.join('/')}/*`];
  return children.flatMap(({ id, children: below = [] }) => {
    const child = spec.children.find((candidate) => candidate.id === id);
    return child === undefined ? [[...path, id].join('/')] : placesOf(child, [...path, id], below);
  });
}

function expectOrder(world: TreeWorld, places: readonly string[], since: number): void {
  const placeOf = (path: readonly string[]): number => {
    const own = places.indexOf(path.join('/'));
    return own === -1 ? places.indexOf(`${path.slice(0, -1).join('/')}/*`) : own;
  };
  const asked = world.asked.slice(since).map(({ child }) => placeOf(child.context.path));
  expect(asked).not.toContain(-1);
  expect(asked).toEqual(asked.toSorted((a, b) => b - a));
}

test('trees keep their invariants whatever happens in them', { timeout: 120_000 }, async () => {
  const property = fc.asyncProperty(
    scenario,
    async ({ root: shape, children, limit, isUpFirst, happenings, ending, last }) => {
      const root = supervisorOf({ ...shape, children }, ROOT_ID);
      checkSpec(root);
      const world = new TreeWorld(root, limit);
      const requests = new Requests();
      const started = world.tree.start().catch(() => {});
      if (isUpFirst) await world.settle();
      for (const next of happenings) {
        happen(world, requests, next);
        await world.heard();
      }
      if (ending === 'settle') {
        await world.settle();
        expectDone(world, requests, root);
      }
      const places = placesOf(root, [ROOT_ID], world.tree.children());
      const since = world.asked.length;
      const isOver = world.tree.phase === 'ended';
      const stopped = world.end(ending === 'kill' ? 'kill' : 'stop');
      if (ending === 'settle' && !isOver) await stopInOrder(world, places, since);
      for (const next of last) {
        happen(world, requests, next);
        await world.heard();
      }
      await world.settle();
      await Promise.all([stopped, started]);
      // Told to stop, a nested supervisor goes on until it is its turn; a kill reaches all at once.
      if (ending === 'kill') expect(world.asked.slice(since).filter(({ what }) => what === 'start')).toEqual([]);
      expect(world.alive).toEqual([]);
      expect(world.clock.size).toBe(0);
      expect([...requests.open]).toEqual([]);
      expect(world.tree.phase).toBe('ended');
      expect(world.failures + world.shutdowns).toBeLessThanOrEqual(1);
    },
  );
  await fc.assert(property, { numRuns: 400 });
});

/** Every worker obeys, one at a time; meanwhile only what is due has been asked. */
async function stopInOrder(world: TreeWorld, places: readonly string[], since: number): Promise<void> {
  await world.heard();
  while (world.told.length > 0) {
    const parents = new Set(world.told.map(({ context }) => context.path.slice(0, -1).join('/')));
    expect(parents.size, 'only siblings are stopped together').toBe(1);
    const [parent] = parents;
    if (!places.includes(`${parent}/*`)) expect(world.told).toHaveLength(1);
    world.told[0]?.exit({ reason: 'shutdown' });
    await world.heard();
  }
  expect(world.asked.slice(since).filter(({ what }) => what === 'start')).toEqual([]);
  expectOrder(world, places, since);
}
