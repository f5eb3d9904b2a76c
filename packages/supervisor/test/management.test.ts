/**
 * What may be asked of a running supervisor, with OTP's answers.
 *
 * Mutations that make this fail, each tried: a request about a child that another one is about does not wait; requests are
 * not answered when the supervisor stops; a request overtakes one about the same child; a failed start_child is tried again, or its spec kept; a failed restart_child
 * forgets the spec; an ended try goes on; terminating a temporary child keeps its spec; the maximum is not looked at;
 * a child that is stopped with its siblings while it is being asked for is started out of turn.
 */
import { describe, expect, test } from 'vitest';
import type { ChildOperation, ChildReply } from '../src/child-operation.js';
import type { SupervisorSpec } from '../src/child-spec.js';
import { countChildren, whichChildren } from '../src/child-report.js';
import { stepSupervisor } from '../src/supervisor-core.js';
import type { SupervisorEvent } from '../src/supervisor-state.js';
import { Simulation, supervisorSpec, workerSpec } from './simulation.js';

const ab = [workerSpec('a'), workerSpec('b')];
const start = (id: string, options: Parameters<typeof workerSpec>[1] = {}): ChildOperation<string> => ({
  type: 'start_child',
  spec: workerSpec(id, options),
  lastIncarnation: 0,
});
const about = (type: 'terminate_child' | 'restart_child' | 'delete_child', id: string): ChildOperation<string> => ({
  type,
  id,
});
const refused = (reason: Extract<ChildReply, { type: 'refused' }>['reason']): ChildReply => ({
  type: 'refused',
  reason,
});
const running = (children = ab, options: Partial<SupervisorSpec<string>> = {}) =>
  new Simulation(supervisorSpec(children, { intensity: 10, ...options })).up();

describe('children by id', () => {
  test('are started, terminated, restarted and deleted, and refused in between, with counts at every step (S12)', () => {
    const sim = running([]);
    const counts = () => countChildren(sim.state);
    const started = sim.ask(start('c'));
    expect(started()).toBeUndefined();
    sim.ready('c');
    expect(started()).toEqual({ type: 'started', id: 'c', incarnation: 1 });
    expect(counts()).toEqual({ specs: 1, active: 1, supervisors: 0, workers: 1 });
    expect(sim.ask(start('c'))()).toEqual(refused('already_started'));
    expect(sim.ask(about('restart_child', 'c'))()).toEqual(refused('running'));
    expect(sim.ask(about('delete_child', 'c'))()).toEqual(refused('running'));
    const terminated = sim.ask(about('terminate_child', 'c'));
    expect(terminated()).toBeUndefined();
    sim.exit('c', 'shutdown');
    expect(terminated()).toEqual({ type: 'done' });
    expect(sim.ask(about('terminate_child', 'c'))()).toEqual({ type: 'done' });
    expect(counts()).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 1 });
    expect(sim.ask(start('c'))()).toEqual(refused('already_present'));
    const restarted = sim.ask(about('restart_child', 'c'));
    sim.ready('c');
    expect(restarted()).toEqual({ type: 'started', id: 'c', incarnation: 2 });
    sim.ask(about('terminate_child', 'c'));
    sim.exit('c', 'shutdown');
    expect(sim.ask(about('delete_child', 'c'))()).toEqual({ type: 'done' });
    expect(counts()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
    for (const type of ['terminate_child', 'restart_child', 'delete_child'] as const) {
      expect(sim.ask(about(type, 'c'))()).toEqual(refused('not_found'));
    }
    expect(sim.state.window.times).toEqual([]);
  });

  test('that are started come last, and are stopped first', () => {
    const sim = running();
    sim.ask(start('c'));
    sim.ready('c');
    expect(whichChildren(sim.state).map(({ id }) => id)).toEqual(['c', 'b', 'a']);
    sim.takeLog();
    sim.send({ type: 'stop' });
    expect(sim.takeLog()).toEqual(['stop c']);
  });

  test('whose start fails are forgotten: no retry, nothing counted (S04)', () => {
    const sim = running();
    const answer = sim.ask(start('c'));
    sim.exit('c', 'crash', { error: new Error('init threw') });
    expect(answer()).toMatchObject({ type: 'start_failed', error: { code: 'ERR_SUPERVISOR_CHILD_START' } });
    expect(whichChildren(sim.state).map(({ id }) => id)).toEqual(['b', 'a']);
    expect(sim.retries).toEqual([]);
    expect(sim.state.window.times).toEqual([]);
    expect(sim.state.phase).toBe('running');
  });

  test('whose restart is asked for and fails keep their spec', () => {
    const sim = running();
    sim.ask(about('terminate_child', 'a'));
    sim.exit('a', 'shutdown');
    const answer = sim.ask(about('restart_child', 'a'));
    sim.exit('a', 'crash');
    expect(answer()).toMatchObject({ type: 'start_failed' });
    expect(sim.retries).toEqual([]);
    expect(sim.state.children[0]?.lifecycle.state).toBe('stopped');
  });

  test('that choose not to run keep their spec, unless they are temporary (S03)', () => {
    const sim = running([]);
    const kept = sim.ask(start('p'));
    sim.exit('p', 'normal', { ignored: true });
    expect(kept()).toEqual({ type: 'ignored', id: 'p' });
    sim.ask(start('q'));
    sim.ready('q');
    expect(countChildren(sim.state)).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 });
    const gone = sim.ask(start('t', { restart: 'temporary' }));
    sim.exit('t', 'normal', { ignored: true });
    expect(gone()).toEqual({ type: 'ignored', id: 't' });
    expect(countChildren(sim.state)).toMatchObject({ specs: 2 });
  });

  test('that are temporary are forgotten when they are terminated, and the same id can be started again (N49)', () => {
    const sim = running([workerSpec('t', { restart: 'temporary' })]);
    sim.ask(about('terminate_child', 't'));
    sim.exit('t', 'shutdown');
    expect(sim.state.children).toEqual([]);
    const again = sim.ask({ type: 'start_child', spec: workerSpec('t'), lastIncarnation: 1 });
    sim.ready('t');
    expect(again()).toEqual({ type: 'started', id: 't', incarnation: 2 });
  });

  test('are as many as its maximum allows, and no more', () => {
    const sim = running(ab, { childrenMax: 2 });
    expect(sim.ask(start('c'))()).toEqual(refused('max_children'));
    expect(sim.ask({ type: 'start_instance', id: 'c', args: [], lastIncarnation: 0 })()).toEqual(
      refused('not_simple_one_for_one'),
    );
  });
});

test('a child that does not go when it is asked is killed, and terminating it is answered (N43)', () => {
  const sim = running([workerSpec('a', { shutdown: 10 })]);
  const answer = sim.ask(about('terminate_child', 'a'));
  sim.takeLog();
  sim.fire('a');
  expect(sim.takeLog()).toEqual(['kill a']);
  expect(answer()).toBeUndefined();
  sim.exit('a', 'killed');
  expect(answer()).toEqual({ type: 'done' });
});

describe('between two tries of a restart (N35)', () => {
  const retrying = () => {
    const sim = running();
    sim.exit('a');
    sim.exit('a');
    sim.takeLog();
    return sim;
  };

  test('the child is refused, and shown as restarting', () => {
    const sim = retrying();
    expect(sim.ask(start('a'))()).toEqual(refused('already_present'));
    expect(sim.ask(about('restart_child', 'a'))()).toEqual(refused('restarting'));
    expect(sim.ask(about('delete_child', 'a'))()).toEqual(refused('restarting'));
    expect(whichChildren(sim.state)[1]).toMatchObject({ id: 'a', state: 'restarting' });
    expect(countChildren(sim.state)).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 });
  });

  test('terminate_child ends the tries, and saves a supervisor that would give up', () => {
    const sim = running(ab, { intensity: 1 });
    sim.exit('a');
    sim.exit('a');
    expect(sim.ask(about('terminate_child', 'a'))()).toEqual({ type: 'done' });
    sim.retry();
    expect(sim.state.phase).toBe('running');
    expect(sim.state.children[0]?.lifecycle.state).toBe('stopped');
    expect(sim.events.at(-1)).toEqual({ type: 'child_ended', id: 'a', incarnation: 2, isForgotten: false });
  });
});

describe('requests', () => {
  test('about one child are served in their order, about others at once', () => {
    const sim = running();
    const first = sim.ask(start('c'));
    const second = sim.ask(about('terminate_child', 'c'));
    const third = sim.ask(about('restart_child', 'c'));
    const other = sim.ask(start('d'));
    sim.ready('d');
    expect(other()).toMatchObject({ type: 'started' });
    expect([first(), second(), third()]).toEqual([undefined, undefined, undefined]);
    sim.ready('c');
    expect(first()).toMatchObject({ type: 'started', incarnation: 1 });
    sim.exit('c', 'shutdown');
    expect(second()).toEqual({ type: 'done' });
    sim.ready('c');
    expect(third()).toMatchObject({ type: 'started', incarnation: 2 });
  });

  test('about a child that is being restarted wait for it, but terminate_child does not', () => {
    const sim = running();
    sim.exit('a');
    const waiting = sim.ask(about('restart_child', 'a'));
    expect(waiting()).toBeUndefined();
    sim.ready('a');
    expect(waiting()).toEqual(refused('running'));
    sim.exit('a');
    sim.takeLog();
    const ended = sim.ask(about('terminate_child', 'a'));
    expect(sim.takeLog()).toEqual(['stop a']);
    sim.exit('a', 'shutdown');
    expect(ended()).toEqual({ type: 'done' });
    expect(sim.state.rounds).toEqual([]);
  });

  test('about a child that is being restarted are served in their order all the same', () => {
    const sim = running();
    sim.exit('a');
    const first = sim.ask(about('restart_child', 'a'));
    sim.takeLog();
    const second = sim.ask(about('terminate_child', 'a'));
    expect(sim.takeLog()).toEqual([]);
    sim.ready('a');
    expect(first()).toEqual(refused('running'));
    sim.exit('a', 'shutdown');
    expect(second()).toEqual({ type: 'done' });
  });

  test('wait until the supervisor is up', () => {
    const sim = new Simulation(supervisorSpec(ab));
    sim.send({ type: 'start' });
    const answer = sim.ask(about('delete_child', 'z'));
    expect(answer()).toBeUndefined();
    sim.ready('a');
    sim.ready('b');
    expect(answer()).toEqual(refused('not_found'));
  });

  test('are all answered when it stops, also those that come later', () => {
    const sim = running();
    const open = sim.ask(start('c'));
    const waiting = sim.ask(about('delete_child', 'c'));
    sim.send({ type: 'stop' });
    expect([open(), waiting()]).toEqual([refused('stopped'), refused('stopped')]);
    for (const id of ['c', 'b', 'a']) sim.exit(id, 'shutdown');
    expect(sim.outcome).toEqual({});
    expect(sim.ask(about('delete_child', 'a'))()).toEqual(refused('stopped'));
  });

  test('that start a child which a restart sweeps up are answered when the restart has started it', () => {
    const sim = running(ab, { strategy: 'one_for_all' });
    const answer = sim.ask(start('c'));
    sim.takeLog();
    sim.exit('a');
    sim.exit('c', 'shutdown');
    sim.exit('b', 'shutdown');
    expect(sim.takeLog()).toEqual(['stop c', 'stop b', 'start a']);
    sim.ready('a');
    sim.ready('b');
    expect(answer()).toBeUndefined();
    sim.ready('c');
    expect(answer()).toEqual({ type: 'started', id: 'c', incarnation: 2 });
    expect(sim.state.rounds).toEqual([]);
  });

  test('that start a temporary child which a restart sweeps away are answered with a failure', () => {
    const sim = running(ab, { strategy: 'one_for_all' });
    const answer = sim.ask(start('t', { restart: 'temporary' }));
    sim.exit('a');
    sim.exit('t', 'shutdown');
    expect(answer()).toMatchObject({ type: 'start_failed', error: { code: 'ERR_SUPERVISOR_CHILD_START' } });
    sim.exit('b', 'shutdown');
    sim.ready('a');
    sim.ready('b');
    expect(sim.state.rounds).toEqual([]);
  });

  test('that terminate a child which a restart covers do not keep the restart from reviving it', () => {
    const sim = running(ab, { strategy: 'one_for_all' });
    const answer = sim.ask(about('terminate_child', 'b'));
    sim.exit('a');
    sim.exit('b', 'shutdown');
    expect(answer()).toEqual({ type: 'done' });
    sim.ready('a');
    sim.ready('b');
    expect(sim.incarnation('b')).toBe(2);
    expect(sim.state.rounds).toEqual([]);
  });

  test('that terminate a child in a round that is under way take it out of the round', () => {
    const sim = running(ab, { strategy: 'one_for_all' });
    sim.exit('a');
    sim.exit('b', 'shutdown');
    sim.takeLog();
    expect(sim.ask(about('terminate_child', 'b'))()).toEqual({ type: 'done' });
    expect(sim.events.at(-1)).toEqual({ type: 'child_ended', id: 'b', incarnation: 1, isForgotten: false });
    sim.ready('a');
    expect(sim.takeLog()).toEqual([]);
    expect(sim.state.rounds).toEqual([]);
  });
});

describe('simple_one_for_one', () => {
  const template = workerSpec('session', { args: ['t'], shutdown: 2_000 });
  const simple = (options: Partial<SupervisorSpec<string>> = {}, spec = template) =>
    new Simulation(supervisorSpec([spec], { strategy: 'simple_one_for_one', intensity: 10, ...options })).up();
  const instance = (id: string, ...args: unknown[]): ChildOperation<string> => ({
    type: 'start_instance',
    id,
    args,
    lastIncarnation: 0,
  });
  const withInstances = (...ids: string[]) => {
    const sim = simple();
    for (const id of ids) {
      sim.ask(instance(id));
      sim.ready(id);
    }
    sim.takeLog();
    return sim;
  };

  test('starts none by itself, and each with the arguments of the template before its own (S21)', () => {
    const sim = simple();
    expect(sim.state.children).toEqual([]);
    const answer = sim.ask(instance('one', 1, 2));
    sim.ready('one');
    expect(answer()).toEqual({ type: 'started', id: 'one', incarnation: 1 });
    expect(sim.state.children[0]?.spec).toMatchObject({ id: 'one', start: 'session', args: ['t', 1, 2] });
    sim.exit('one');
    sim.ready('one');
    expect(sim.state.children[0]?.spec).toMatchObject({ id: 'one', args: ['t', 1, 2] });
  });

  test('restarts only the instance that crashed (S21)', () => {
    const sim = withInstances('one', 'two');
    sim.exit('one');
    expect(sim.takeLog()).toEqual(['start one']);
    expect(sim.incarnation('two')).toBe(1);
  });

  test('refuses what goes by specs, and knows who is no child of its own (S13)', () => {
    const sim = withInstances('one');
    for (const type of ['restart_child', 'delete_child'] as const) {
      expect(sim.ask(about(type, 'one'))()).toEqual(refused('simple_one_for_one'));
    }
    expect(sim.ask(start('x'))()).toEqual(refused('simple_one_for_one'));
    expect(sim.ask(about('terminate_child', 'stranger'))()).toEqual(refused('not_found'));
    const gone = sim.ask(about('terminate_child', 'one'));
    sim.exit('one', 'shutdown');
    expect(gone()).toEqual({ type: 'done' });
    expect(sim.ask({ type: 'terminate_child', id: 'one', hasLived: true })()).toEqual({ type: 'done' });
  });

  test('keeps no spec of an instance that was terminated, that failed, or that chose not to run (N48, N49)', () => {
    const sim = withInstances('one', 'two');
    sim.ask(about('terminate_child', 'one'));
    sim.exit('one', 'shutdown');
    sim.ask(instance('three'));
    sim.exit('three', 'crash');
    sim.exit('two', 'crash');
    sim.exit('two', 'normal', { ignored: true });
    expect(sim.state.children).toEqual([]);
    expect(sim.state.phase).toBe('running');
  });

  test('stops all instances at once, and kills those that are late (S10)', () => {
    const sim = withInstances('one', 'two', 'three');
    sim.send({ type: 'stop' });
    expect(sim.takeLog()).toEqual(['stop three', 'stop two', 'stop one']);
    sim.exit('one', 'shutdown');
    sim.exit('two', 'shutdown');
    sim.fire('three');
    expect(sim.takeLog()).toEqual(['kill three']);
    sim.exit('three', 'killed');
    expect(sim.outcome).toEqual({});
  });

  test('has a maximum, in which those that restart take their places, also to be terminated (N37)', () => {
    const sim = simple({ childrenMax: 2 });
    for (const id of ['one', 'two']) {
      sim.ask(instance(id));
      sim.ready(id);
    }
    expect(sim.ask(instance('three'))()).toEqual(refused('max_children'));
    sim.exit('one');
    sim.exit('one');
    expect(sim.ask(instance('three'))()).toEqual(refused('max_children'));
    expect(countChildren(sim.state)).toEqual({ specs: 1, active: 1, supervisors: 0, workers: 2 });
    sim.ask(about('terminate_child', 'one'));
    sim.ask(instance('three'));
    sim.ready('three');
    expect(whichChildren(sim.state).map(({ id }) => id)).toEqual(['three', 'two']);
  });

  test('treats the next instance alike after a temporary one is gone (N51)', () => {
    const sim = simple({}, workerSpec('session', { restart: 'temporary', args: ['t'] }));
    for (const id of ['one', 'two']) {
      sim.ask(instance(id, id));
      sim.ready(id);
      expect(sim.state.children[0]?.spec).toMatchObject({ id, args: ['t', id] });
      sim.exit(id, 'crash');
      expect(sim.state.children).toEqual([]);
    }
  });

  test('counts thousands of them exactly (S26)', () => {
    let { state } = simple({}, workerSpec('session', { restart: 'temporary' }));
    // Without the checks of the simulation, which take much longer than the steps.
    const take = (event: SupervisorEvent<string>): void => void ({ state } = stepSupervisor(state, event, 0));
    for (const total of [1_000, 2_000]) {
      for (let n = total - 1_000; n < total; n += 1) {
        take({ type: 'request', request: n, operation: instance(`s${n}`) });
        take({ type: 'child', id: `s${n}`, event: { type: 'READY', incarnation: 1 } });
      }
      expect(countChildren(state)).toEqual({ specs: 1, active: total, supervisors: 0, workers: total });
    }
  });
});
