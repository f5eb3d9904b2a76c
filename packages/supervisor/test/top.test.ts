import { expect, test } from 'vitest';
import { VirtualClock } from '../src/clock.js';
import type { SupervisorError } from '../src/errors.js';
import { FakeDriver } from '../src/fake-driver.js';
import { topSupervisor } from '../src/top.js';
import { SupervisionTree } from '../src/tree.js';
import { supervisorSpec, workerSpec } from './simulation.js';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function top(): { tree: SupervisionTree<string>; driver: FakeDriver<string>; failures: SupervisorError[] } {
  const driver = new FakeDriver<string>();
  const failures: SupervisorError[] = [];
  const spec = topSupervisor({
    keeper: workerSpec('keeper'),
    keeperIntensity: 2,
    keeperPeriodMs: 5_000,
    root: supervisorSpec([workerSpec('a')], { id: 'root', intensity: 1, restart: 'temporary' }),
  });
  const onFailure = (error: SupervisorError): void => void failures.push(error);
  return { tree: new SupervisionTree(spec, { driver, clock: new VirtualClock(), onFailure }), driver, failures };
}

test('the keeper is first up and last down (N54)', async () => {
  const { tree, driver } = top();
  await tree.start();
  expect(driver.children.map((child) => child.id)).toEqual(['keeper', 'a']);
  const downs: string[] = [];
  for (const child of driver.children) void child.exited.then(() => downs.push(child.id));
  await tree.stop();
  expect(downs).toEqual(['a', 'keeper']);
});

test('restarts of either side neither touch nor count against the other', async () => {
  const { tree, driver, failures } = top();
  await tree.start();
  for (const id of ['keeper', 'a', 'keeper']) {
    driver.last(id).exit({ reason: 'crash' });
    await settle();
  }
  expect(driver.last('a').context.incarnation).toBe(2);
  expect(driver.last('keeper').context.incarnation).toBe(3);
  expect(failures).toEqual([]);
  await tree.stop();
});

test.each([
  ['keeper', 3, 'ERR_SUPERVISOR_INTENSITY'],
  ['a', 2, 'ERR_SUPERVISOR_SIGNIFICANT'],
])('when the side of %s gives up, the other side is stopped and the tree fails', async (id, crashes, code) => {
  const { tree, driver, failures } = top();
  await tree.start();
  for (let crash = 0; crash < crashes; crash += 1) {
    expect(failures).toEqual([]);
    driver.last(id).exit({ reason: 'crash' });
    await settle();
  }
  expect(failures).toMatchObject([{ code, cause: { code: 'ERR_SUPERVISOR_INTENSITY', details: { child: id } } }]);
  expect(driver.alive).toEqual([]);
});

test('when the root shuts itself down, the keeper is stopped last and nothing has failed (S28)', async () => {
  const driver = new FakeDriver<string>();
  const told: unknown[] = [];
  const significant = workerSpec('s', { restart: 'transient', significant: true });
  const spec = topSupervisor({
    keeper: workerSpec('keeper'),
    keeperIntensity: 2,
    keeperPeriodMs: 5_000,
    root: supervisorSpec([workerSpec('a'), significant], { id: 'root', autoShutdown: 'any_significant' }),
  });
  const onFailure = (error: SupervisorError): void => void told.push(error);
  const tree = new SupervisionTree(spec, {
    driver,
    clock: new VirtualClock(),
    onFailure,
    onShutdown: () => told.push('end'),
  });
  await tree.start();
  const downs: string[] = [];
  for (const child of driver.children) void child.exited.then(() => downs.push(child.id));
  driver.last('s').exit({ reason: 'normal' });
  await settle();
  expect(downs).toEqual(['s', 'a', 'keeper']);
  expect(told).toEqual(['end']);
});
