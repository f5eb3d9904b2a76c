import { describe, expect, test } from 'vitest';
import type { ChildDriver } from '../src/child-driver.js';
import type { SupervisorSpec } from '../src/child-spec.js';
import { VirtualClock } from '../src/clock.js';
import type { SupervisorError } from '../src/errors.js';
import { FakeDriver, type FakeBehaviour } from '../src/fake-driver.js';
import { SupervisionTree, type TreeOptions } from '../src/tree.js';
import type { TreeEvent } from '../src/tree-event.js';
import { supervisorSpec, workerSpec } from './simulation.js';

interface Harness {
  readonly tree: SupervisionTree<string>;
  readonly driver: FakeDriver<string>;
  readonly clock: VirtualClock;
  readonly events: TreeEvent[];
  readonly failures: SupervisorError[];
}

function harness(
  spec: SupervisorSpec<string>,
  behaviourOf?: ConstructorParameters<typeof FakeDriver<string>>[0],
  options: Partial<TreeOptions<string>> = {},
): Harness {
  const driver = new FakeDriver<string>(behaviourOf);
  const clock = new VirtualClock();
  const events: TreeEvent[] = [];
  const failures: SupervisorError[] = [];
  const onEvent = (event: TreeEvent): void => void events.push(event);
  const onFailure = (error: SupervisorError): void => void failures.push(error);
  const tree = new SupervisionTree(spec, { driver, clock, onEvent, onFailure, ...options });
  return { tree, driver, clock, events, failures };
}

/** Lets every promise that is settled be heard, and every consequence of that. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const started = (driver: FakeDriver<string>): string[] =>
  driver.children.map((child) => `${child.id}#${child.context.incarnation}`);

const only = (behaviour: FakeBehaviour, id: string) => (spec: { id: string }) => (spec.id === id ? behaviour : {});

const abc = [workerSpec('a'), workerSpec('b'), workerSpec('c')];

describe('start', () => {
  test('resolves when every child is up, nested ones too, started left to right', async () => {
    const inner = supervisorSpec([workerSpec('x'), workerSpec('y')], { id: 'inner' });
    const { tree, driver } = harness(supervisorSpec([workerSpec('a'), inner, workerSpec('z')]));
    await tree.start();
    expect(started(driver)).toEqual(['a#1', 'x#1', 'y#1', 'z#1']);
    expect(driver.last('y').context.path).toEqual(['sup', 'inner', 'y']);
    expect(tree.children()).toMatchObject([
      { id: 'a', state: 'running' },
      { id: 'inner', state: 'running', children: [{ id: 'x', state: 'running' }, { id: 'y' }] },
      { id: 'z', state: 'running' },
    ]);
    await tree.stop();
  });

  test('rejects with the cause when a child fails, after the others are gone (S07, G11)', async () => {
    const cause = new Error('no such module');
    const { tree, driver, failures } = harness(supervisorSpec(abc), (spec) => {
      if (spec.id === 'c') throw cause;
      return {};
    });
    const error: unknown = await tree.start().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_SUPERVISOR_START', cause: { code: 'ERR_SUPERVISOR_CHILD_START', cause } });
    expect(driver.alive).toEqual([]);
    expect(failures).toEqual([]);
  });

  test('kills a child whose start failed and waits for its exit', async () => {
    const { tree, driver } = harness(supervisorSpec([workerSpec('a')]), () => ({ isReady: false, dies: false }));
    const start = tree.start();
    driver.last('a').failStart(new Error('init threw'));
    await settle();
    expect(driver.last('a').asked).toEqual(['kill']);
    expect(tree.children()[0]?.state).toBe('killing');
    driver.last('a').exit({ reason: 'killed' });
    await expect(start).rejects.toThrow('init threw');
  });

  test('kills a child that is not ready in its start timeout', async () => {
    const spec = supervisorSpec([workerSpec('a', { startTimeoutMs: 300 })]);
    const { tree, driver, clock } = harness(spec, () => ({ isReady: false }));
    const start = tree.start();
    clock.advance(299);
    expect(driver.last('a').asked).toEqual([]);
    clock.advance(1);
    expect(driver.last('a').context.signal.aborted).toBe(true);
    await expect(start).rejects.toThrow('300 ms');
  });

  test('a failure deep in the tree stops the branches before it', async () => {
    const inner = supervisorSpec([workerSpec('x'), workerSpec('bad')], { id: 'inner' });
    const { tree, driver } = harness(supervisorSpec([workerSpec('a'), inner]), only({ isReady: false }, 'bad'));
    const start = tree.start();
    await settle();
    driver.last('bad').exit({ reason: 'crash', code: 7 });
    await expect(start).rejects.toMatchObject({ code: 'ERR_SUPERVISOR_START' });
    expect(driver.last('x').asked).toEqual(['stop']);
    expect(driver.last('a').asked).toEqual(['stop']);
  });

  test('rejects when it is stopped meanwhile, and the stop ends every child', async () => {
    const { tree, driver } = harness(supervisorSpec(abc), only({ isReady: false }, 'b'));
    const start = tree.start();
    await settle();
    await tree.stop();
    await expect(start).rejects.toMatchObject({ code: 'ERR_SUPERVISOR_STOPPED' });
    expect(started(driver)).toEqual(['a#1', 'b#1']);
    expect(driver.alive).toEqual([]);
  });

  test('rejects after the tree has ended', async () => {
    const { tree } = harness(supervisorSpec(abc));
    await tree.start();
    await tree.stop();
    await expect(tree.start()).rejects.toMatchObject({ code: 'ERR_SUPERVISOR_STOPPED' });
  });
});

describe('a crash', () => {
  test('is followed by the next start in the turn in which the exit settled', async () => {
    const { tree, driver } = harness(supervisorSpec(abc));
    await tree.start();
    const child = driver.last('b');
    const seen: string[] = [];
    // This listener is younger than the tree's, so by the time it runs the tree has had exactly its own turn.
    void child.exited.then(() => seen.push(...started(driver).slice(3)));
    child.exit({ reason: 'crash' });
    await settle();
    expect(seen).toEqual(['b#2']);
    expect(driver.last('b').context.isRestart).toBe(true);
    await tree.stop();
  });

  test('in one branch leaves the other branch alone (S25)', async () => {
    const left = supervisorSpec([workerSpec('l')], { id: 'left' });
    const right = supervisorSpec([workerSpec('r')], { id: 'right' });
    const { tree, driver } = harness(supervisorSpec([left, right]));
    await tree.start();
    driver.last('l').exit({ reason: 'crash' });
    await settle();
    expect(started(driver)).toEqual(['l#1', 'r#1', 'l#2']);
    await tree.stop();
  });

  test('too many in a branch restart the branch, with incarnations that go on growing (S24)', async () => {
    const inner = supervisorSpec([workerSpec('x'), workerSpec('y')], { id: 'inner', intensity: 1 });
    const { tree, driver, events } = harness(supervisorSpec([workerSpec('a'), inner]));
    await tree.start();
    for (let crash = 0; crash < 2; crash += 1) {
      driver.last('x').exit({ reason: 'crash' });
      await settle();
    }
    expect(started(driver)).toEqual(['a#1', 'x#1', 'y#1', 'x#2', 'x#3', 'y#2']);
    expect(events).toContainEqual(expect.objectContaining({ type: 'supervisor_gave_up', path: ['sup', 'inner'] }));
    expect(driver.last('a').asked).toEqual([]);
    await tree.stop();
  });

  test('too many in a transient branch end it for good, as its exit is a shutdown (N41)', async () => {
    const inner = supervisorSpec([workerSpec('x')], { id: 'inner', intensity: 0, restart: 'transient' });
    const { tree, driver } = harness(supervisorSpec([workerSpec('a'), inner]));
    await tree.start();
    driver.last('x').exit({ reason: 'crash' });
    await settle();
    expect(started(driver)).toEqual(['a#1', 'x#1']);
    expect(tree.children()).toMatchObject([{ state: 'running' }, { id: 'inner', state: 'stopped' }]);
    await tree.stop();
  });

  test('too many at every level fail the tree, once, when every child is gone (G11)', async () => {
    const inner = supervisorSpec([workerSpec('x')], { id: 'inner', intensity: 0 });
    const { tree, driver, events, failures } = harness(
      supervisorSpec([workerSpec('a'), inner], { intensity: 0 }),
      only({ stops: false }, 'a'),
    );
    await tree.start();
    driver.last('x').exit({ reason: 'crash', error: new Error('boom') });
    await settle();
    expect(failures).toEqual([]);
    driver.last('a').exit({ reason: 'shutdown' });
    await settle();
    expect(failures).toMatchObject([{ code: 'ERR_SUPERVISOR_INTENSITY' }]);
    expect(failures[0]?.message).toContain('boom');
    expect(events.at(-1)?.type).toBe('tree_failed');
    await tree.stop();
    expect(failures.length).toBe(1);
  });

  test('with a failing restart is tried again from the end of the queue until it works', async () => {
    let failures = 2;
    const { tree, driver, clock } = harness(supervisorSpec(abc, { intensity: 5 }), (spec, { incarnation }) => {
      if (spec.id === 'a' && incarnation > 1 && failures-- > 0) throw new Error('not yet');
      return {};
    });
    await tree.start();
    driver.last('a').exit({ reason: 'crash' });
    await settle();
    expect(tree.children()[0]?.state).toBe('restarting');
    clock.advance(0);
    await settle();
    expect(driver.last('a').context.incarnation).toBe(4);
    expect(tree.children()[0]?.state).toBe('running');
    await tree.stop();
  });
});

describe('stop', () => {
  test('stops right to left, one after the other, nested supervisors in their place (S08)', async () => {
    const inner = supervisorSpec([workerSpec('x'), workerSpec('y')], { id: 'inner' });
    const { tree, driver, events } = harness(supervisorSpec([workerSpec('a'), inner, workerSpec('z')]));
    await tree.start();
    await tree.stop();
    const exits = events.flatMap((event) => (event.type === 'child_exited' ? [event.path.at(-1)] : []));
    expect(exits).toEqual(['z', 'y', 'x', 'inner', 'a']);
    expect(driver.alive).toEqual([]);
    expect(events.at(-1)).toEqual({ type: 'supervisor_stopped', path: ['sup'] });
  });

  test('kills a child that is late, and only then goes on (S09)', async () => {
    const { tree, driver, clock } = harness(
      supervisorSpec([workerSpec('a'), workerSpec('b', { shutdown: 50 })]),
      only({ stops: false }, 'b'),
    );
    await tree.start();
    const stop = tree.stop();
    clock.advance(49);
    expect(driver.last('b').asked).toEqual(['stop']);
    expect(driver.last('a').asked).toEqual([]);
    clock.advance(1);
    await stop;
    expect(driver.last('b').asked).toEqual(['stop', 'kill']);
    expect(driver.last('a').asked).toEqual(['stop']);
  });

  test('during a restart stops the new incarnation', async () => {
    const { tree, driver } = harness(supervisorSpec([workerSpec('a')]), (_, { isRestart }) => ({
      isReady: !isRestart,
    }));
    await tree.start();
    driver.last('a').exit({ reason: 'crash' });
    await settle();
    await tree.stop();
    expect(started(driver)).toEqual(['a#1', 'a#2']);
    expect(driver.last('a').asked).toEqual(['stop']);
  });

  test('of a supervisor with a deadline kills what is left below it', async () => {
    const inner = supervisorSpec(
      [workerSpec('x', { shutdown: 'infinity' }), workerSpec('y', { shutdown: 'infinity' })],
      {
        id: 'inner',
        shutdown: 100,
      },
    );
    const { tree, driver, clock } = harness(supervisorSpec([inner]), () => ({ stops: false }));
    await tree.start();
    const stop = tree.stop();
    clock.advance(100);
    await stop;
    expect(driver.last('x').asked).toEqual(['kill']);
    expect(driver.last('y').asked).toEqual(['stop', 'kill']);
  });

  test('twice is one stop, and before the start it resolves', async () => {
    const { tree, driver } = harness(supervisorSpec(abc));
    await Promise.all([tree.stop(), tree.stop()]);
    expect(driver.children).toEqual([]);
  });

  test('leaves no timer behind', async () => {
    const { tree, clock } = harness(supervisorSpec(abc), only({ stops: false }, 'b'));
    await tree.start();
    const stop = tree.stop();
    await settle();
    clock.advance(5_000);
    await stop;
    expect(clock.size).toBe(0);
  });
});

describe('kill', () => {
  test('kills every worker of every level at once', async () => {
    const inner = supervisorSpec([workerSpec('x')], { id: 'inner' });
    const { tree, driver } = harness(supervisorSpec([workerSpec('a'), inner]), () => ({ dies: false }));
    await tree.start();
    const kill = tree.kill();
    expect(driver.children.map((child) => child.asked)).toEqual([['kill'], ['kill']]);
    for (const child of driver.children) child.exit({ reason: 'killed' });
    await kill;
  });

  test('that is overdue is reported, and a replacement waits for the exit (G5)', async () => {
    const { tree, driver, clock, events } = harness(
      supervisorSpec([workerSpec('a', { startTimeoutMs: 10 })], { intensity: 3 }),
      (_, { incarnation }) => (incarnation === 2 ? { isReady: false, dies: false } : {}),
    );
    await tree.start();
    driver.last('a').exit({ reason: 'crash' });
    await settle();
    clock.advance(10);
    clock.advance(60_000);
    expect(events.filter((event) => event.type === 'kill_overdue')).toMatchObject([
      { path: ['sup', 'a'], incarnation: 2 },
    ]);
    expect(started(driver)).toEqual(['a#1', 'a#2']);
    driver.last('a').exit({ reason: 'killed' });
    await settle();
    clock.advance(0);
    expect(started(driver)).toEqual(['a#1', 'a#2', 'a#3']);
    await settle();
    await tree.stop();
  });

  test('that is overdue lets go of a child that may be abandoned, whose late exit is ignored (G6)', async () => {
    const spec = supervisorSpec([workerSpec('a', { startTimeoutMs: 10, canAbandon: true })], { intensity: 3 });
    const { tree, driver, clock, events } = harness(
      spec,
      (_, { incarnation }) => (incarnation === 2 ? { isReady: false, dies: false } : {}),
      { killWaitMs: 500 },
    );
    await tree.start();
    driver.last('a').exit({ reason: 'crash' });
    await settle();
    const abandoned = driver.last('a');
    clock.advance(510);
    await settle();
    expect(started(driver)).toEqual(['a#1', 'a#2', 'a#3']);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'child_start_failed', exit: expect.objectContaining({ abandoned: true }) }),
    );
    abandoned.exit({ reason: 'killed' });
    await settle();
    expect(tree.children()).toMatchObject([{ state: 'running', incarnation: 3 }]);
    await tree.stop();
  });
});

describe('a broken rule', () => {
  test('of a driver kills every child and fails the tree', async () => {
    const { tree, driver, failures } = harness(supervisorSpec(abc));
    await tree.start();
    driver.last('b').stop = () => {
      throw new Error('stop is broken');
    };
    driver.last('c').exit({ reason: 'crash' });
    await settle();
    await tree.stop();
    expect(failures).toMatchObject([{ code: 'ERR_SUPERVISOR_BUG', cause: { message: 'stop is broken' } }]);
    expect(driver.alive).toEqual([]);
    expect(tree.phase).toBe('ended');
  });

  test('of a driver whose exit rejects fails the tree', async () => {
    const driver: ChildDriver<string> = {
      start: () => ({
        ready: Promise.resolve(),
        exited: Promise.reject(new Error('lost sight of it')),
        stop() {},
        kill() {},
      }),
    };
    const { tree } = harness(supervisorSpec([workerSpec('a')]), undefined, { driver });
    await tree.start().catch(() => {});
    await settle();
    expect(tree.phase).toBe('ended');
  });

  test('of a listener fails the start', async () => {
    const onEvent = (): void => {
      throw new Error('listener threw');
    };
    const { tree } = harness(supervisorSpec(abc), undefined, { onEvent });
    await expect(tree.start()).rejects.toMatchObject({ code: 'ERR_SUPERVISOR_BUG' });
  });
});

test('refuses a kill wait that is no duration', () => {
  expect(() => harness(supervisorSpec(abc), undefined, { killWaitMs: -1 })).toThrow('killWaitMs is -1');
});

test('a child that is added again behind a request that waits is another incarnation, not the first one anew', async () => {
  const { tree, driver } = harness(
    supervisorSpec([workerSpec('slow'), workerSpec('t', { restart: 'temporary' })]),
    () => ({
      isReady: false,
    }),
  );
  const start = tree.start();
  const handle = tree.supervisor(['sup']);
  // Both wait until all is up; the child has had no incarnation when it is asked for again.
  const answers = Promise.all([handle.terminateChild('t'), handle.startChild(workerSpec('t'))]);
  for (const id of ['slow', 't', 't']) {
    driver.last(id).up();
    await settle();
  }
  await Promise.all([start, answers]);
  expect(started(driver)).toEqual(['slow#1', 't#1', 't#2']);
  await tree.stop();
});
