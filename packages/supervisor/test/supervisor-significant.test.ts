/**
 * Significant children: when their ends end the supervisor.
 *
 * Mutations that make this fail, each tried: a child that was terminated triggers; a bystander of a restart triggers; a crash of
 * a transient one triggers; the end does not wait until all is up; it is reported with an error.
 */
import { describe, expect, test } from 'vitest';
import type { AutoShutdown, ChildSpec, RestartType, Strategy } from '../src/child-spec.js';
import { Simulation, supervisorSpec, workerSpec } from './simulation.js';

const significant = (id: string, restart: RestartType) => workerSpec(id, { restart, significant: true });
const made = (children: ChildSpec<string>[], autoShutdown: AutoShutdown, strategy: Strategy = 'one_for_one') =>
  new Simulation(supervisorSpec(children, { autoShutdown, strategy, intensity: 3 }));

describe('any_significant', () => {
  test.each(['normal', 'shutdown'] as const)(
    'a transient child that exits %s stops the others in reverse (S27)',
    (why) => {
      const sim = made([workerSpec('a'), significant('s', 'transient'), workerSpec('z')], 'any_significant').up();
      sim.takeLog();
      sim.exit('s', why);
      expect(sim.takeLog()).toEqual(['stop z']);
      sim.exit('z', 'shutdown');
      sim.exit('a', 'shutdown');
      expect(sim.outcome).toEqual({});
      expect(sim.events).toContainEqual({ type: 'supervisor_auto_shutdown', child: 's' });
    },
  );

  test('a transient child that crashes is restarted instead (S27)', () => {
    const sim = made([significant('s', 'transient')], 'any_significant').up();
    sim.exit('s', 'crash');
    sim.ready('s');
    expect(sim.state.phase).toBe('running');
  });

  test.each(['normal', 'crash', 'killed'] as const)('a temporary child that exits %s ends it (S27)', (why) => {
    const sim = made([significant('s', 'temporary')], 'any_significant').up();
    sim.exit('s', why);
    expect(sim.outcome).toEqual({});
  });

  test('one that is terminated by hand ends nothing (S27)', () => {
    const sim = made([workerSpec('a'), significant('s', 'temporary')], 'any_significant').up();
    const answer = sim.ask({ type: 'terminate_child', id: 's' });
    sim.exit('s', 'shutdown');
    expect(answer()).toEqual({ type: 'done' });
    expect(sim.state.phase).toBe('running');
  });

  test.each(['one_for_all', 'rest_for_one'] as const)(
    'a bystander of a restart of %s ends nothing (N45)',
    (strategy) => {
      const sim = made([workerSpec('a'), significant('s', 'temporary')], 'any_significant', strategy).up();
      sim.exit('a');
      sim.exit('s', 'crash');
      sim.ready('a');
      expect(sim.state.phase).toBe('running');
      expect(sim.state.children.map(({ spec }) => spec.id)).toEqual(['a']);
    },
  );

  test('one that is not significant ends nothing', () => {
    const sim = made(
      [workerSpec('a', { restart: 'temporary' }), significant('s', 'transient')],
      'any_significant',
    ).up();
    sim.exit('a', 'normal');
    expect(sim.state.phase).toBe('running');
  });

  test('an end before all is up takes effect when it is, as an exit and not as a failed start', () => {
    const sim = made([significant('s', 'transient'), workerSpec('b')], 'any_significant');
    sim.send({ type: 'start' });
    sim.ready('s');
    sim.exit('s', 'normal');
    expect(sim.state.phase).toBe('starting');
    sim.ready('b');
    expect(sim.isUp).toBe(true);
    sim.exit('b', 'shutdown');
    expect(sim.outcome).toEqual({});
  });
});

describe('all_significant', () => {
  test('only the last one ends it; one that is restarting is not gone (S27)', () => {
    const children = [significant('s', 'transient'), significant('t', 'temporary'), workerSpec('z')];
    const sim = made(children, 'all_significant').up();
    sim.exit('s', 'crash');
    sim.exit('t', 'normal');
    expect(sim.state.phase).toBe('running');
    sim.ready('s');
    sim.exit('s', 'normal');
    expect(sim.state.phase).toBe('stopping');
  });

  test('one that was terminated by hand does not count as one that is left', () => {
    const sim = made([significant('s', 'transient'), significant('t', 'transient')], 'all_significant').up();
    sim.ask({ type: 'terminate_child', id: 's' });
    sim.exit('s', 'shutdown');
    expect(sim.state.phase).toBe('running');
    sim.exit('t', 'shutdown');
    expect(sim.outcome).toEqual({});
  });
});

test('never: nothing ends it', () => {
  const sim = made([workerSpec('a', { restart: 'temporary', significant: true })], 'never').up();
  sim.exit('a', 'crash');
  expect(sim.state.phase).toBe('running');
});
