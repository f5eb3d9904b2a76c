/**
 * The limit on restarts over a whole tree, pure and in the shell.
 *
 * Mutations that make this fail, each tried: one more or one less is allowed; a restart exactly a period old does not count; what
 * does not count in the tree does; a restart is made beyond the limit; only the supervisor at hand gives up; the limit is forgotten
 * once it was exceeded; failed tries of a restart are not counted.
 */
import { describe, expect, test } from 'vitest';
import type { SupervisorSpec } from '../src/child-spec.js';
import { VirtualClock } from '../src/clock.js';
import type { SupervisorError } from '../src/errors.js';
import { FakeDriver } from '../src/fake-driver.js';
import { countInTree, emptyTally, limitError, type RestartLimit } from '../src/restart-limit.js';
import { SupervisionTree } from '../src/tree.js';
import type { TreeEvent } from '../src/tree-event.js';
import { supervisorSpec, workerSpec } from './simulation.js';

const often = { intensity: 1_000, periodMs: 60_000 };
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the tally', () => {
  const count = (times: readonly number[]): boolean =>
    times.reduce((tally, at) => countInTree(tally, 'a', at), emptyTally({ intensity: 2, periodMs: 100 })).isExceeded;

  test('allows as many restarts as the limit says within a period, that exactly a period ago included', () => {
    expect(count([0, 1])).toBe(false);
    expect(count([0, 1, 100])).toBe(true);
    expect(count([0, 1, 101])).toBe(false);
  });

  test('stays exceeded', () => {
    expect(count([0, 1, 2, 1_000])).toBe(true);
  });

  test('says in its error how many there were, and of which children', () => {
    const children = ['s/a', 's/b', 's/a', 's/c', 's/d', 's/e', 's/f'];
    const tally = children.reduce(
      (sum, child) => countInTree(sum, child, 5),
      emptyTally({ intensity: 6, periodMs: 100 }),
    );
    const error = limitError(tally);
    expect(error).toMatchObject({
      code: 'ERR_SUPERVISOR_RESTART_LIMIT',
      details: { intensity: 6, periodMs: 100, restarts: 7, counts: { 's/a': 2, 's/b': 1, 's/f': 1 } },
    });
    expect(error.message).toContain('s/a (2), s/b (1), s/c (1), s/d (1), s/e (1) and 1 more');
  });
});

describe('a tree with a limit', () => {
  interface Harness {
    readonly tree: SupervisionTree<string>;
    readonly driver: FakeDriver<string>;
    readonly clock: VirtualClock;
    readonly events: TreeEvent[];
    readonly failures: SupervisorError[];
    readonly crash: (id: string) => Promise<void>;
  }

  async function started(
    spec: SupervisorSpec<string>,
    restartLimit: RestartLimit,
    behaviourOf?: ConstructorParameters<typeof FakeDriver<string>>[0],
  ): Promise<Harness> {
    const driver = new FakeDriver<string>(behaviourOf);
    const clock = new VirtualClock();
    const events: TreeEvent[] = [];
    const failures: SupervisorError[] = [];
    const tree = new SupervisionTree(spec, {
      driver,
      clock,
      restartLimit,
      onEvent: (event) => void events.push(event),
      onFailure: (error) => void failures.push(error),
    });
    await tree.start();
    const crash = async (id: string): Promise<void> => {
      driver.last(id).exit({ reason: 'crash' });
      await settle();
    };
    return { tree, driver, clock, events, failures, crash };
  }

  const branch = (name: string, more: Partial<SupervisorSpec<string>> = {}): SupervisorSpec<string> =>
    supervisorSpec([workerSpec(`${name}1`), workerSpec(`${name}2`)], { id: name, ...often, ...more });

  test('gives up as a whole beyond it, though no supervisor has reached its own, and starts nothing more', async () => {
    const spec = supervisorSpec([branch('a'), branch('b')], often);
    const { driver, failures, crash, tree } = await started(spec, { intensity: 2, periodMs: 1_000 });
    await crash('a1');
    await crash('b2');
    expect(failures).toEqual([]);
    const starts = driver.children.length;
    await crash('a2');
    expect(driver.children).toHaveLength(starts);
    expect(driver.alive).toEqual([]);
    expect(failures).toMatchObject([
      { code: 'ERR_SUPERVISOR_RESTART_LIMIT', details: { counts: { 'a/a1': 1, 'b/b2': 1, 'a/a2': 1 } } },
    ]);
    expect(tree.phase).toBe('ended');
  });

  test('goes on when they are spread out', async () => {
    const { clock, failures, crash, tree } = await started(supervisorSpec([branch('a')], often), {
      intensity: 1,
      periodMs: 100,
    });
    for (let time = 0; time < 5; time += 1) {
      await crash('a1');
      clock.advance(101);
    }
    expect(failures).toEqual([]);
    await tree.stop();
  });

  test('restarts nothing while it stops, also above the supervisor that had the last restart, also after the period', async () => {
    const deep = supervisorSpec([branch('a')], { id: 'middle', ...often });
    const slow = workerSpec('slow', { shutdown: 'infinity' });
    const spec = supervisorSpec([deep, slow], often);
    const { clock, driver, failures, crash } = await started(spec, { intensity: 1, periodMs: 100 }, ({ id }) => ({
      stops: id !== 'slow' && id !== 'a2',
    }));
    await crash('a1');
    await crash('a1');
    const starts = driver.children.length;
    expect(driver.last('slow').asked).toEqual(['stop']);
    expect(driver.last('a2').asked).toEqual(['stop']);
    clock.advance(1_000);
    driver.last('a2').exit({ reason: 'shutdown' });
    await settle();
    expect(driver.children).toHaveLength(starts);
    driver.last('slow').exit({ reason: 'shutdown' });
    await settle();
    expect(driver.children).toHaveLength(starts);
    expect(failures).toMatchObject([{ code: 'ERR_SUPERVISOR_RESTART_LIMIT' }]);
  });

  test('does not count what is outside of it, nor exits that are not counted, but counts tries that fail', async () => {
    const spec = supervisorSpec([branch('a', { countsInTree: false }), branch('b')], often);
    const { driver, failures, crash, clock } = await started(
      spec,
      { intensity: 2, periodMs: 1_000 },
      ({ id }, { incarnation }) => ({ isReady: id !== 'b1' || incarnation < 3 }),
    );
    for (let time = 0; time < 5; time += 1) await crash('a1');
    driver.last('b1').exit({ reason: 'crash', counted: false });
    await settle();
    await crash('b1');
    await crash('b1');
    expect(failures).toEqual([]);
    clock.advance(0);
    await settle();
    await crash('b1');
    expect(failures).toEqual([]);
    clock.advance(0);
    await settle();
    expect(failures).toMatchObject([{ details: { counts: { 'b/b1': 3 } } }]);
  });

  test('is refused when it is none', () => {
    const make = (restartLimit: RestartLimit) => () =>
      new SupervisionTree(supervisorSpec([]), { driver: new FakeDriver<string>(), restartLimit });
    expect(make({ intensity: -1, periodMs: 1 })).toThrow('restartLimit is -1');
    expect(make({ intensity: 1, periodMs: 0 })).toThrow('in 0 ms');
    expect(make({ intensity: 0, periodMs: 1 })).not.toThrow();
  });
});
