/**
 * Restarts of one_for_all and rest_for_one: rounds that stop, start, fail and are overtaken.
 *
 * Mutations that make this fail, each tried: a failed restart is tried without what was started before it being stopped
 * (one_for_all); with it being stopped (rest_for_one); the exit of a child that is to be stopped is counted; a new round does
 * not take the place of the one before; a temporary child that was stopped, or never started, is kept; a cancelled retry goes on.
 */
import { describe, expect, test } from 'vitest';
import { Simulation, supervisorSpec, workerSpec } from './simulation.js';

const abc = [workerSpec('a'), workerSpec('b'), workerSpec('c')];
const allOf = (children = abc, intensity = 5) =>
  new Simulation(supervisorSpec(children, { strategy: 'one_for_all', intensity }));
const restOf = (children = abc, intensity = 5) =>
  new Simulation(supervisorSpec(children, { strategy: 'rest_for_one', intensity }));

describe('one_for_all', () => {
  test('stops the others right to left, each awaited, then starts all left to right (S19)', () => {
    const sim = allOf().up();
    sim.takeLog();
    sim.exit('b');
    expect(sim.takeLog()).toEqual(['stop c']);
    sim.exit('c', 'shutdown');
    expect(sim.takeLog()).toEqual(['stop a']);
    sim.exit('a', 'shutdown');
    for (const id of ['a', 'b', 'c']) {
      expect(sim.takeLog()).toEqual([`start ${id}`]);
      expect(sim.state.phase).toBe('running');
      sim.ready(id);
    }
    expect(sim.state.rounds).toEqual([]);
    expect(sim.state.window.times).toHaveLength(1);
  });

  test('does not count a sibling that crashes while it waits to be stopped (S11)', () => {
    const sim = allOf(abc, 1).up();
    sim.exit('c');
    sim.exit('a');
    sim.exit('b', 'shutdown');
    for (const id of ['a', 'b', 'c']) sim.ready(id);
    expect(sim.state.phase).toBe('running');
    expect(sim.state.window.times).toHaveLength(1);
  });

  test('tells of every bystander whether it comes back', () => {
    const sim = allOf([...abc, workerSpec('t', { restart: 'temporary' })]).up();
    sim.events.length = 0;
    sim.exit('a');
    for (const id of ['t', 'c', 'b']) sim.exit(id, 'shutdown');
    const told = sim.events.flatMap((event) => ('willRestart' in event ? [[event.id, event.willRestart]] : []));
    expect(told).toEqual([
      ['a', true],
      ['t', false],
      ['c', true],
      ['b', true],
    ]);
    expect(sim.events).toContainEqual({ type: 'child_ended', id: 't', incarnation: 1, isForgotten: true });
  });

  test('forgets temporary siblings and goes on without them (S22)', () => {
    const sim = allOf([workerSpec('t', { restart: 'temporary' }), ...abc]).up();
    sim.exit('a');
    for (const id of ['c', 'b', 't']) sim.exit(id, 'shutdown');
    for (const id of ['a', 'b', 'c']) sim.ready(id);
    expect(sim.state.children.map(({ spec }) => spec.id)).toEqual(['a', 'b', 'c']);
    expect(sim.state.phase).toBe('running');
  });

  test('brings back a transient child that had finished and one that was terminated by hand (N40)', () => {
    const sim = allOf([workerSpec('a', { restart: 'transient' }), workerSpec('b'), workerSpec('c')]).up();
    sim.exit('a', 'normal');
    const terminated = sim.ask({ type: 'terminate_child', id: 'b' });
    sim.exit('b', 'shutdown');
    expect(terminated()).toEqual({ type: 'done' });
    sim.takeLog();
    sim.exit('c');
    for (const id of ['a', 'b', 'c']) sim.ready(id);
    expect(sim.takeLog()).toEqual(['start a', 'start b', 'start c']);
  });

  test('stops again what it had started when a later start fails, and tries all (N33)', () => {
    const sim = allOf().up();
    sim.exit('c');
    sim.exit('b', 'shutdown');
    sim.exit('a', 'shutdown');
    sim.ready('a');
    sim.takeLog();
    sim.exit('b', 'crash');
    expect(sim.takeLog()).toEqual([]);
    sim.retry();
    expect(sim.takeLog()).toEqual(['stop a']);
    sim.exit('a', 'shutdown');
    for (const id of ['a', 'b', 'c']) sim.ready(id);
    expect(sim.takeLog()).toEqual(['start a', 'start b', 'start c']);
    expect(sim.state.window.times).toHaveLength(2);
  });

  test('begins anew when a child that it has restarted exits while a later one starts', () => {
    const sim = allOf().up();
    sim.exit('a');
    sim.exit('c', 'shutdown');
    sim.exit('b', 'shutdown');
    sim.ready('a');
    sim.takeLog();
    sim.exit('a');
    expect(sim.takeLog()).toEqual(['stop b']);
    sim.exit('b', 'shutdown');
    for (const id of ['a', 'b', 'c']) sim.ready(id);
    expect(sim.takeLog()).toEqual(['start a', 'start b', 'start c']);
    expect(sim.state.rounds).toEqual([]);
  });

  test('drops a posted retry when another exit has begun the round anew', () => {
    const sim = allOf().up();
    sim.exit('c');
    sim.exit('b', 'shutdown');
    sim.exit('a', 'shutdown');
    sim.ready('a');
    sim.exit('b', 'crash');
    sim.exit('a', 'crash');
    sim.takeLog();
    sim.retry();
    expect(sim.takeLog()).toEqual([]);
    for (const id of ['a', 'b', 'c']) sim.ready(id);
    expect(sim.takeLog()).toEqual(['start b', 'start c']);
    expect(sim.state.window.times).toHaveLength(2);
  });

  test('gives up at its limit: one round counts once, whatever its size (S19)', () => {
    const sim = allOf(abc, 1).up();
    sim.exit('a');
    sim.exit('c', 'shutdown');
    sim.exit('b', 'shutdown');
    for (const id of ['a', 'b', 'c']) sim.ready(id);
    sim.takeLog();
    sim.exit('b');
    expect(sim.takeLog()).toEqual(['stop c']);
    sim.exit('c', 'shutdown');
    sim.exit('a', 'shutdown');
    expect(sim.outcome?.error).toMatchObject({ code: 'ERR_SUPERVISOR_INTENSITY', details: { child: 'b' } });
  });

  test('restarts what crashes while it starts up, and loses a temporary child that was not started yet', () => {
    const sim = allOf([workerSpec('a'), workerSpec('b'), workerSpec('t', { restart: 'temporary' })]);
    sim.send({ type: 'start' });
    sim.ready('a');
    sim.takeLog();
    sim.exit('a');
    expect(sim.takeLog()).toEqual(['stop b']);
    sim.exit('b', 'shutdown');
    sim.ready('a');
    expect(sim.isUp).toBe(false);
    sim.ready('b');
    expect(sim.isUp).toBe(true);
    expect(sim.state.children.map(({ spec }) => spec.id)).toEqual(['a', 'b']);
  });

  test('that fails to start a child for the first time ends, also in a round that was begun anew (S07)', () => {
    const sim = allOf();
    sim.send({ type: 'start' });
    sim.ready('a');
    sim.exit('a');
    sim.exit('b', 'shutdown');
    sim.ready('a');
    sim.exit('b', 'crash');
    expect(sim.state.phase).toBe('stopping');
    expect(sim.state.error?.details).toMatchObject({ child: 'b' });
  });

  test('kills a child whose start timed out before the round goes on', () => {
    const sim = allOf([workerSpec('a'), workerSpec('b', { startTimeoutMs: 10 })]).up();
    sim.exit('a');
    sim.exit('b', 'shutdown');
    sim.ready('a');
    sim.fire('b');
    sim.takeLog();
    sim.exit('a');
    expect(sim.takeLog()).toEqual([]);
    sim.exit('b', 'killed');
    for (const id of ['a', 'b']) sim.ready(id);
    expect(sim.takeLog()).toEqual(['start a', 'start b']);
    expect(sim.state.rounds).toEqual([]);
  });
});

describe('rest_for_one', () => {
  test('keeps what was started before the child, and stops 5 and 4 for 3 (S08, S20)', () => {
    const five = ['k', 'x', 'm', 'b', 'z'].map((id) => workerSpec(id));
    const sim = restOf(five).up();
    sim.takeLog();
    sim.exit('m');
    sim.exit('z', 'shutdown');
    sim.exit('b', 'shutdown');
    for (const id of ['m', 'b', 'z']) sim.ready(id);
    expect(sim.takeLog()).toEqual(['stop z', 'stop b', 'start m', 'start b', 'start z']);
    expect(['k', 'x', 'm', 'b', 'z'].map((id) => sim.incarnation(id))).toEqual([1, 1, 2, 2, 2]);
    sim.send({ type: 'stop' });
    for (const id of ['z', 'b', 'm', 'x', 'k']) sim.exit(id, 'shutdown');
    expect(sim.takeLog()).toEqual(['stop z', 'stop b', 'stop m', 'stop x', 'stop k']);
  });

  test('keeps what it had restarted when a later start fails, and tries from there (N34)', () => {
    const sim = restOf().up();
    sim.exit('a');
    sim.exit('c', 'shutdown');
    sim.exit('b', 'shutdown');
    sim.ready('a');
    sim.exit('b', 'crash');
    sim.takeLog();
    sim.retry();
    sim.ready('b');
    sim.ready('c');
    expect(sim.takeLog()).toEqual(['start b', 'start c']);
    expect(sim.incarnation('a')).toBe(2);
    expect(sim.state.window.times).toHaveLength(2);
  });

  test('widens the round when an earlier child exits meanwhile', () => {
    const sim = restOf().up();
    sim.exit('b');
    expect(sim.takeLog().at(-1)).toBe('stop c');
    sim.exit('a');
    sim.exit('c', 'shutdown');
    for (const id of ['a', 'b', 'c']) sim.ready(id);
    expect(sim.takeLog()).toEqual(['start a', 'start b', 'start c']);
    expect(sim.state.rounds).toEqual([]);
    expect(sim.state.window.times).toHaveLength(2);
  });

  test('goes on trying an earlier child when a later one, restarted by hand meanwhile, exits', () => {
    const sim = restOf().up();
    sim.exit('a');
    sim.exit('c', 'shutdown');
    sim.exit('b', 'shutdown');
    sim.exit('a', 'crash');
    sim.ask({ type: 'restart_child', id: 'c' });
    sim.ready('c');
    sim.takeLog();
    sim.exit('c');
    sim.ready('c');
    expect(sim.takeLog()).toEqual(['start c']);
    sim.retry();
    sim.exit('c', 'shutdown');
    for (const id of ['a', 'b', 'c']) sim.ready(id);
    expect(sim.takeLog()).toEqual(['stop c', 'start a', 'start b', 'start c']);
    expect(sim.state.rounds).toEqual([]);
  });

  test('leaves later siblings down between the tries, and for good when the tries are ended (N36)', () => {
    const sim = restOf().up();
    sim.exit('a');
    sim.exit('c', 'shutdown');
    sim.exit('b', 'shutdown');
    sim.ready('a');
    sim.exit('b', 'crash');
    expect(sim.state.children.map(({ lifecycle }) => lifecycle.state)).toEqual(['running', 'restarting', 'stopped']);
    expect(sim.ask({ type: 'terminate_child', id: 'b' })()).toEqual({ type: 'done' });
    expect(sim.state.rounds).toEqual([]);
    sim.takeLog();
    sim.retry();
    expect(sim.takeLog()).toEqual([]);
    expect(sim.state.children.map(({ lifecycle }) => lifecycle.state)).toEqual(['running', 'stopped', 'stopped']);
    const ended = sim.events.flatMap((event) => (event.type === 'child_ended' ? [event.id] : []));
    expect(ended).toEqual(['b', 'c']);
    const restarted = sim.ask({ type: 'restart_child', id: 'c' });
    sim.ready('c');
    expect(restarted()).toEqual({ type: 'started', id: 'c', incarnation: 2 });
  });
});
