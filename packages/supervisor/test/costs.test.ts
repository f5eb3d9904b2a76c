/**
 * What an event costs does not depend on how many children there are, nor on how many of them are on their way: counted in
 * look-ups of children, as times differ from run to run. What is left that grows is copying the list, a machine word for each.
 *
 * Mutations that make this fail, each tried: every round is looked at in every step; a look-up walks the list.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { ChildIndex } from '../src/child-index.js';
import { Simulation, supervisorSpec, workerSpec } from './simulation.js';

const often = { intensity: 10_000, periodMs: 1 };

afterEach(() => vi.restoreAllMocks());

/** How many children an act looks up. */
function lookUps(act: () => void): number {
  const spy = vi.spyOn(ChildIndex.prototype, 'placeOf');
  act();
  const count = spy.mock.calls.length;
  spy.mockRestore();
  return count;
}

/** A template with this many instances that run, and as many that are being started. */
function instances(count: number): Simulation {
  const sim = new Simulation(supervisorSpec([workerSpec('t')], { strategy: 'simple_one_for_one', ...often })).up();
  for (let n = 0; n < count; n += 1) {
    sim.ask({ type: 'start_instance', id: `up${n}`, args: [], lastIncarnation: 0 });
    sim.ready(`up${n}`);
  }
  for (let n = 0; n < count; n += 1)
    sim.ask({ type: 'start_instance', id: `starting${n}`, args: [], lastIncarnation: 0 });
  return sim;
}

const ACTS: Readonly<Record<string, (sim: Simulation) => void>> = {
  'an exit and its restart': (sim) => {
    sim.exit('up3');
    sim.ready('up3');
  },
  'the end of a start': (sim) => sim.ready('starting3'),
  'a start that fails, and its next try': (sim) => {
    sim.exit('up4');
    sim.exit('up4');
    sim.retry();
    sim.ready('up4');
  },
  'a request to start': (sim) => void sim.ask({ type: 'start_instance', id: 'new', args: [], lastIncarnation: 0 }),
  'a request to terminate': (sim) => {
    sim.ask({ type: 'terminate_child', id: 'up5' });
    sim.exit('up5', 'shutdown');
  },
};

for (const [name, act] of Object.entries(ACTS)) {
  test(`${name} looks up as many children among 1,000 as among 20`, () => {
    const [few, many] = [10, 500].map((count) => {
      const sim = instances(count);
      return lookUps(() => act(sim));
    });
    expect(few).toBeGreaterThan(0);
    expect(many).toBe(few);
  });
}

test('starting up and stopping look up as many children for each of 500 as for each of 10', () => {
  const perChild = [10, 500].map((count) => {
    const children = Array.from({ length: count }, (_, n) => workerSpec(`c${n}`));
    const sim = new Simulation(supervisorSpec(children, often));
    const total = lookUps(() => {
      sim.send({ type: 'start' });
      for (const { id } of children) sim.ready(id);
      sim.send({ type: 'stop' });
      for (const { id } of children.toReversed()) sim.exit(id, 'shutdown');
    });
    expect(sim.outcome).toEqual({});
    return total / count;
  });
  const [few = 0, many = 0] = perChild;
  expect(many).toBeLessThanOrEqual(few);
});
