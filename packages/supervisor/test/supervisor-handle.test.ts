/**
 * The management of supervisors in a running tree, over a fake driver.
 *
 * Mutations that make this fail, each tried: an instance that has lived is not known; incarnations begin again with a new
 * spec; a broken rule leaves a request open; the spec is not checked against the supervisor's auto-shutdown; an ended tree is
 * still listed.
 */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../src/clock.js';
import { FakeDriver, type FakeBehaviour } from '../src/fake-driver.js';
import type { SupervisorSpec } from '../src/child-spec.js';
import { SupervisionTree } from '../src/tree.js';
import { supervisorSpec, workerSpec } from './simulation.js';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function started(spec: SupervisorSpec<string>, behaviours: Record<string, FakeBehaviour> = {}) {
  const driver = new FakeDriver<string>(({ id }) => behaviours[id] ?? {});
  const shutdowns: true[] = [];
  const onShutdown = (): void => void shutdowns.push(true);
  const tree = new SupervisionTree(spec, { driver, clock: new VirtualClock(), onShutdown });
  await tree.start();
  return { tree, driver, shutdowns };
}

const code = (name: string) => expect.objectContaining({ code: `ERR_SUPERVISOR_${name}` }) as Error;
const inner = (options: Partial<SupervisorSpec<string>> = {}) =>
  supervisorSpec([workerSpec('x')], { id: 'in', ...options });

describe('a supervisor of a running tree', () => {
  test('takes children by spec, nested ones too, and tells of them (S12)', async () => {
    const { tree, driver } = await started(supervisorSpec([inner()]));
    const handle = tree.supervisor(['sup', 'in']);
    await expect(handle.startChild(workerSpec('y'))).resolves.toEqual({ id: 'y', incarnation: 1 });
    await expect(handle.startChild(workerSpec('y'))).rejects.toThrow(code('ALREADY_STARTED'));
    await expect(handle.deleteChild('y')).rejects.toThrow(code('RUNNING'));
    await handle.terminateChild('y');
    await expect(handle.startChild(workerSpec('y'))).rejects.toThrow(code('ALREADY_PRESENT'));
    await expect(handle.restartChild('y')).resolves.toEqual({ id: 'y', incarnation: 2 });
    await handle.terminateChild('y');
    await handle.deleteChild('y');
    await expect(handle.terminateChild('y')).rejects.toThrow(code('NOT_FOUND'));
    // Whatever was started under this name before can never be taken for what is started now.
    await expect(handle.startChild(workerSpec('y'))).resolves.toEqual({ id: 'y', incarnation: 3 });
    expect(handle.whichChildren()).toEqual([
      { id: 'y', type: 'worker', state: 'running', incarnation: 3 },
      { id: 'x', type: 'worker', state: 'running', incarnation: 1 },
    ]);
    expect(handle.countChildren()).toEqual({ specs: 2, active: 2, supervisors: 0, workers: 2 });
    await tree.stop();
    expect(driver.alive).toEqual([]);
  });

  test('takes a supervisor, whose children can be managed in turn', async () => {
    const { tree, driver } = await started(supervisorSpec([workerSpec('a')]));
    await tree.supervisor(['sup']).startChild(inner());
    await tree.supervisor(['sup', 'in']).startChild(workerSpec('y'));
    expect(driver.last('y').context.path).toEqual(['sup', 'in', 'y']);
    expect(tree.supervisor(['sup']).countChildren()).toEqual({ specs: 2, active: 2, supervisors: 1, workers: 1 });
    await tree.stop();
    expect(driver.alive).toEqual([]);
  });

  test('rejects with what the child said when it does not start (S04)', async () => {
    const { tree, driver } = await started(supervisorSpec([]), { bad: { isReady: false } });
    const handle = tree.supervisor(['sup']);
    const start = handle.startChild(workerSpec('bad'));
    driver.last('bad').exit({ reason: 'crash', error: new Error('init threw') });
    await expect(start).rejects.toThrow('init threw');
    expect(handle.whichChildren()).toEqual([]);
    await tree.stop();
  });

  test('refuses a spec that could not run before anything is started (S06, N46)', async () => {
    const { tree, driver } = await started(supervisorSpec([]));
    const handle = tree.supervisor(['sup']);
    await expect(handle.startChild(workerSpec(''))).rejects.toThrow(code('SPEC'));
    const significant = workerSpec('s', { significant: true, restart: 'transient' });
    await expect(handle.startChild(significant)).rejects.toThrow(code('SPEC'));
    expect(driver.children).toEqual([]);
    await tree.stop();
  });

  test('gives the spec of a child with all defaults (S05)', async () => {
    const { tree } = await started(supervisorSpec([workerSpec('a'), inner()]));
    const handle = tree.supervisor(['sup']);
    expect(handle.getChildSpec('a')).toMatchObject({ restart: 'permanent', shutdown: 5_000, significant: false });
    expect(handle.getChildSpec('in')).toMatchObject({ type: 'supervisor', shutdown: 'infinity' });
    expect(() => handle.getChildSpec('z')).toThrow(code('NOT_FOUND'));
    await tree.stop();
  });

  test('loses the children that were added to it when it is restarted (S25)', async () => {
    const spec = supervisorSpec([inner({ intensity: 0 }), workerSpec('z')], { strategy: 'one_for_all', intensity: 1 });
    const { tree, driver } = await started(spec);
    const handle = tree.supervisor(['sup', 'in']);
    await handle.startChild(workerSpec('y'));
    driver.last('x').exit({ reason: 'crash' });
    await settle();
    expect(handle.whichChildren().map(({ id, incarnation }) => `${id}#${incarnation}`)).toEqual(['x#2']);
    expect(driver.last('z').context.incarnation).toBe(2);
    await tree.stop();
  });

  test('does nothing any more when it, or the tree, has ended', async () => {
    const { tree } = await started(supervisorSpec([inner({ restart: 'temporary' })]));
    const handle = tree.supervisor(['sup', 'in']);
    await tree.supervisor(['sup']).terminateChild('in');
    await expect(handle.startChild(workerSpec('y'))).rejects.toThrow(code('STOPPED'));
    await tree.stop();
    expect(() => tree.supervisor(['sup']).whichChildren()).toThrow(code('STOPPED'));
    await expect(tree.supervisor(['sup']).deleteChild('x')).rejects.toThrow(code('STOPPED'));
    await expect(tree.supervisor(['other']).deleteChild('x')).rejects.toThrow(code('STOPPED'));
  });

  test('answers what is open when the tree breaks one of its rules', async () => {
    const { tree, driver } = await started(supervisorSpec([workerSpec('a')]), { b: { isReady: false } });
    const open = tree.supervisor(['sup']).startChild(workerSpec('b'));
    driver.last('a').stop = () => {
      throw new Error('stop is broken');
    };
    const ended = tree.supervisor(['sup']).terminateChild('a');
    await expect(Promise.allSettled([open, ended])).resolves.toMatchObject([
      { reason: { code: 'ERR_SUPERVISOR_STOPPED' } },
      { reason: { code: 'ERR_SUPERVISOR_STOPPED' } },
    ]);
  });
});

describe('instances of simple_one_for_one', () => {
  const simple = supervisorSpec([workerSpec('session', { args: [1] })], { strategy: 'simple_one_for_one' });

  test('are started with arguments and terminated by their ids (S13, S21)', async () => {
    const { tree, driver } = await started(simple);
    const handle = tree.supervisor(['sup']);
    expect(driver.children).toEqual([]);
    await expect(handle.startInstance('one', [2])).resolves.toEqual({ id: 'one', incarnation: 1 });
    expect(handle.getChildSpec('one')).toMatchObject({ start: 'session', args: [1, 2] });
    await expect(handle.startChild(workerSpec('y'))).rejects.toThrow(code('SIMPLE_ONE_FOR_ONE'));
    await expect(handle.restartChild('one')).rejects.toThrow(code('SIMPLE_ONE_FOR_ONE'));
    await expect(handle.startInstance('')).rejects.toThrow(code('SPEC'));
    await handle.terminateChild('one');
    await handle.terminateChild('one');
    await expect(handle.terminateChild('stranger')).rejects.toThrow(code('NOT_FOUND'));
    await expect(tree.supervisor(['sup']).startInstance('one')).resolves.toEqual({ id: 'one', incarnation: 2 });
    await tree.stop();
  });
});

describe('significant children of a tree', () => {
  const significant = (options: Partial<SupervisorSpec<string>> = {}) =>
    inner({ restart: 'transient', autoShutdown: 'any_significant', ...options });
  const last = workerSpec('s', { restart: 'transient', significant: true });

  test('shut down a chain of supervisors upwards, up to one that is not significant (S28)', async () => {
    const deep = significant({ id: 'deep', significant: true, children: [last] });
    const { tree, driver, shutdowns } = await started(
      supervisorSpec([significant({ children: [deep, workerSpec('w')] }), workerSpec('a')]),
    );
    driver.last('s').exit({ reason: 'normal' });
    await settle();
    expect(driver.alive.map(({ id }) => id)).toEqual(['a']);
    expect(tree.children()).toMatchObject([{ id: 'in', state: 'stopped' }, { state: 'running' }]);
    expect(shutdowns).toEqual([]);
    await tree.stop();
    expect(shutdowns).toEqual([]);
  });

  test('end the whole tree when its root shuts down by itself, which is no failure', async () => {
    const { tree, driver, shutdowns } = await started(
      supervisorSpec([workerSpec('a'), last], { autoShutdown: 'any_significant' }),
    );
    driver.last('s').exit({ reason: 'normal' });
    await settle();
    expect(driver.alive).toEqual([]);
    expect(tree.phase).toBe('ended');
    expect(shutdowns).toEqual([true]);
    await tree.stop();
  });

  test('restart a permanent supervisor that has shut itself down (4.9)', async () => {
    const { tree, driver } = await started(supervisorSpec([significant({ restart: 'permanent', children: [last] })]));
    driver.last('s').exit({ reason: 'normal' });
    await settle();
    expect(driver.last('s').context.incarnation).toBe(2);
    await tree.stop();
  });
});

describe('a supervisor that is started with more than its own spec', () => {
  test('asks for it whenever it is started, and tells of each answer before whoever has asked', async () => {
    const driver = new FakeDriver<string>(() => ({}));
    const told: string[] = [];
    let added: SupervisorSpec<string>['children'] = [{ ...workerSpec('down'), startsDown: true }, workerSpec('y')];
    const spec = supervisorSpec([inner({ intensity: 0 })], { intensity: 5 });
    const tree = new SupervisionTree(spec, {
      driver,
      clock: new VirtualClock(),
      specOf: (of, path) => (path.length === 1 ? of : { ...of, children: [...of.children, ...added] }),
      onReply: (path, { type }, reply) => told.push(`${path.join('/')} ${type} ${reply.type}`),
    });
    await tree.start();
    const handle = tree.supervisor(['sup', 'in']);
    const states = () => handle.whichChildren().map(({ id, state }) => `${id} ${state}`);
    expect(states()).toEqual(['y running', 'down stopped', 'x running']);
    await handle.restartChild('down').then(() => told.push('told'));
    await handle.deleteChild('x').catch(() => told.push('told'));
    expect(told).toEqual(['sup/in restart_child started', 'told', 'sup/in delete_child refused', 'told']);
    added = [workerSpec('z')];
    driver.last('x').exit({ reason: 'crash' });
    for (let turn = 0; turn < 20; turn++) await settle();
    expect(states()).toEqual(['z running', 'x running']);
    await tree.stop();
    expect(driver.alive).toEqual([]);
  });

  test('may be given instances, in their order, each with its arguments', async () => {
    const template = { ...workerSpec('t'), args: [1] };
    const instances = [
      { id: 'one', args: [2] },
      { id: 'two', args: [] },
    ];
    const { tree } = await started(supervisorSpec([template], { strategy: 'simple_one_for_one', instances }));
    expect(
      tree
        .supervisor(['sup'])
        .whichChildren()
        .map(({ id }) => id),
    ).toEqual(['two', 'one']);
    expect(tree.supervisor(['sup']).getChildSpec('one')).toMatchObject({ args: [1, 2] });
    await tree.stop();
  });
});
