import { describe, expect, test } from 'vitest';
import { Simulation, supervisorSpec, workerSpec } from './simulation.js';

const abc = [workerSpec('a'), workerSpec('b'), workerSpec('c')];

describe('starting up', () => {
  test('starts one child after the other, left to right (S08)', () => {
    const sim = new Simulation(supervisorSpec(abc));
    sim.send({ type: 'start' });
    expect(sim.takeLog()).toEqual(['start a']);
    sim.ready('a');
    expect(sim.takeLog()).toEqual(['start b']);
    sim.ready('b');
    sim.ready('c');
    expect(sim.takeLog()).toEqual(['start c']);
    expect(sim.isUp).toBe(true);
  });

  test('is up at once without children (S01)', () => {
    expect(new Simulation(supervisorSpec([])).up().state.phase).toBe('running');
  });

  test('a failed start stops the started children in reverse and starts no more (S07)', () => {
    const sim = new Simulation(supervisorSpec([...abc, workerSpec('d')], { intensity: 100 }));
    sim.send({ type: 'start' });
    sim.ready('a');
    sim.ready('b');
    sim.takeLog();
    sim.exit('c', 'crash', { error: new Error('init threw') });
    expect(sim.takeLog()).toEqual(['stop b']);
    sim.exit('b', 'shutdown');
    expect(sim.takeLog()).toEqual(['stop a']);
    sim.exit('a', 'shutdown');
    expect(sim.isUp).toBe(false);
    expect(sim.outcome?.error).toMatchObject({ code: 'ERR_SUPERVISOR_CHILD_START', details: { child: 'c' } });
    expect(sim.outcome?.error?.message).toContain('init threw');
  });

  test('a child that crashes while a sibling starts is restarted without waiting for it', () => {
    const sim = new Simulation(supervisorSpec(abc));
    sim.send({ type: 'start' });
    sim.ready('a');
    sim.takeLog();
    sim.exit('a');
    expect(sim.takeLog()).toEqual(['start a']);
    sim.ready('b');
    sim.ready('c');
    expect(sim.isUp).toBe(false);
    sim.ready('a');
    expect(sim.isUp).toBe(true);
  });

  test('a stop meanwhile stops what was started and starts nothing more', () => {
    const sim = new Simulation(supervisorSpec(abc));
    sim.send({ type: 'start' });
    sim.ready('a');
    sim.takeLog();
    sim.send({ type: 'stop' });
    expect(sim.takeLog()).toEqual(['stop b']);
    sim.exit('b', 'shutdown');
    sim.exit('a', 'shutdown');
    expect(sim.takeLog()).toEqual(['stop a']);
    expect(sim.outcome).toEqual({});
  });
});

describe('an exit', () => {
  test.each(['normal', 'shutdown', 'crash', 'killed'] as const)('%s restarts a permanent child (S15)', (reason) => {
    const sim = new Simulation(supervisorSpec(abc)).up();
    sim.takeLog();
    sim.exit('b', reason);
    expect(sim.takeLog()).toEqual(['start b']);
    expect(sim.incarnation('b')).toBe(2);
    expect(sim.incarnation('a')).toBe(1);
  });

  test('restarts a transient child only after an abnormal exit (S16)', () => {
    const sim = new Simulation(supervisorSpec([workerSpec('t', { restart: 'transient' })])).up();
    sim.exit('t', 'killed');
    sim.ready('t');
    expect(sim.incarnation('t')).toBe(2);
    sim.takeLog();
    sim.exit('t', 'normal');
    expect(sim.takeLog()).toEqual([]);
    expect(sim.state.children[0]?.lifecycle.state).toBe('stopped');
  });

  test('forgets a temporary child whatever the reason, and counts nothing (S17)', () => {
    const sim = new Simulation(supervisorSpec([workerSpec('t', { restart: 'temporary' })], { intensity: 0 })).up();
    sim.exit('t', 'crash');
    expect(sim.state.children).toEqual([]);
    expect(sim.state.phase).toBe('running');
  });

  test('with its restart is begun in the same step', () => {
    const sim = new Simulation(supervisorSpec(abc)).up();
    sim.events.length = 0;
    sim.exit('a', 'crash', { code: 3 });
    expect(sim.events).toMatchObject([
      { type: 'child_exited', id: 'a', incarnation: 1, willRestart: true, exit: { code: 3 } },
      { type: 'child_restarting', id: 'a', incarnation: 2 },
      { type: 'child_starting', id: 'a', incarnation: 2, isRestart: true },
    ]);
    expect(sim.alive.get('a')).toBe(2);
  });

  test('of one child does not wait for the slow restart of another', () => {
    const sim = new Simulation(supervisorSpec(abc, { intensity: 5 })).up();
    sim.takeLog();
    sim.exit('a');
    sim.exit('c');
    expect(sim.takeLog()).toEqual(['start a', 'start c']);
  });
});

describe('the intensity', () => {
  test('is exceeded by the third crash in the period at 2: the others are stopped in reverse (S18)', () => {
    const sim = new Simulation(supervisorSpec(abc, { intensity: 2 })).up();
    for (const id of ['a', 'b']) {
      sim.exit(id);
      sim.ready(id);
    }
    sim.takeLog();
    sim.exit('a');
    expect(sim.takeLog()).toEqual(['stop c']);
    sim.exit('c', 'shutdown');
    sim.exit('b', 'shutdown');
    expect(sim.takeLog()).toEqual(['stop b']);
    expect(sim.outcome?.error).toMatchObject({
      code: 'ERR_SUPERVISOR_INTENSITY',
      details: { child: 'a', intensity: 2 },
    });
  });

  test('forgets restarts older than the period (S23)', () => {
    const sim = new Simulation(supervisorSpec(abc, { intensity: 1, periodMs: 1_000 })).up();
    for (let crash = 0; crash < 3; crash += 1) {
      sim.now += 2_100;
      sim.exit('a');
      sim.ready('a');
    }
    expect(sim.state.phase).toBe('running');
  });

  test('0 gives up when a permanent child exits normally (N39)', () => {
    const sim = new Simulation(supervisorSpec([workerSpec('a')], { intensity: 0 })).up();
    sim.exit('a', 'normal');
    expect(sim.outcome?.error?.code).toBe('ERR_SUPERVISOR_INTENSITY');
  });

  test('3 tries a start that always fails exactly three times (S24, N38)', () => {
    const sim = new Simulation(supervisorSpec([workerSpec('a')], { intensity: 3 })).up();
    sim.takeLog();
    sim.exit('a');
    for (let attempt = 1; attempt < 3; attempt += 1) {
      sim.exit('a');
      sim.retry();
    }
    sim.exit('a');
    expect(sim.takeLog()).toEqual(['start a', 'start a', 'start a']);
    // OTP counts a further try when it is made, so until then somebody may still terminate the child.
    expect(sim.outcome).toBeUndefined();
    sim.retry();
    expect(sim.takeLog()).toEqual([]);
    expect(sim.outcome?.error?.code).toBe('ERR_SUPERVISOR_INTENSITY');
  });

  test('is not touched by an exit that is not counted', () => {
    const sim = new Simulation(supervisorSpec([workerSpec('a')], { intensity: 0 })).up();
    for (let crash = 0; crash < 10; crash += 1) {
      sim.exit('a', 'killed', { counted: false });
      sim.ready('a');
    }
    expect(sim.incarnation('a')).toBe(11);
    expect(sim.state.window.times).toEqual([]);
  });

  test('holds in a restart storm of 1000 crashes', () => {
    const sim = new Simulation(supervisorSpec([workerSpec('a')], { intensity: 1_000, periodMs: 5_000 })).up();
    for (let crash = 0; crash < 1_000; crash += 1) {
      sim.exit('a');
      sim.ready('a');
    }
    expect(sim.state.phase).toBe('running');
    sim.exit('a');
    expect(sim.state.phase).toBe('ended');
  });
});

describe('a failed restart', () => {
  const restarting = () => {
    const sim = new Simulation(supervisorSpec(abc, { intensity: 9 })).up();
    sim.exit('a');
    sim.exit('a');
    sim.takeLog();
    return sim;
  };

  test('waits at the end of the queue, and others are served meanwhile (4.7)', () => {
    const sim = restarting();
    expect(sim.state.children[0]?.lifecycle.state).toBe('restarting');
    sim.exit('b');
    expect(sim.takeLog()).toEqual(['start b']);
    sim.retry();
    expect(sim.takeLog()).toEqual(['start a']);
  });

  test('is not tried again once the supervisor stops (N35)', () => {
    const sim = restarting();
    sim.send({ type: 'stop' });
    sim.retry();
    sim.exit('c', 'shutdown');
    sim.exit('b', 'shutdown');
    expect(sim.takeLog()).toEqual(['stop c', 'stop b']);
    expect(sim.outcome).toEqual({});
  });
});

describe('stopping', () => {
  test('stops one child after the other, right to left (S08)', () => {
    const sim = new Simulation(supervisorSpec(abc)).up();
    sim.takeLog();
    sim.send({ type: 'stop' });
    for (const id of ['c', 'b', 'a']) {
      expect(sim.takeLog()).toEqual([`stop ${id}`]);
      sim.exit(id, 'shutdown');
    }
    expect(sim.outcome).toEqual({});
  });

  test('kills what is late and goes on to the next only when it is gone (S09)', () => {
    const sim = new Simulation(supervisorSpec([workerSpec('a'), workerSpec('b', { shutdown: 10 })])).up();
    sim.takeLog();
    sim.send({ type: 'stop' });
    sim.fire('b');
    expect(sim.takeLog()).toEqual(['stop b', 'kill b']);
    sim.exit('b', 'killed');
    expect(sim.takeLog()).toEqual(['stop a']);
  });

  test.each(['normal', 'shutdown', 'crash', 'killed'] as const)(
    'restarts nobody who exits %s meanwhile (S11)',
    (reason) => {
      const kinds = ['permanent', 'transient', 'temporary'] as const;
      const sim = new Simulation(supervisorSpec(kinds.map((restart) => workerSpec(restart, { restart })))).up();
      sim.takeLog();
      sim.send({ type: 'stop' });
      for (const id of kinds) sim.exit(id, reason);
      expect(sim.takeLog()).toEqual(['stop temporary']);
      expect(sim.outcome).toEqual({});
    },
  );

  test('a kill kills every child at once, also those asked to stop', () => {
    const sim = new Simulation(supervisorSpec(abc)).up();
    sim.send({ type: 'stop' });
    sim.takeLog();
    sim.send({ type: 'kill' });
    expect(sim.takeLog()).toEqual(['kill a', 'kill b', 'kill c']);
    for (const id of ['b', 'c', 'a']) sim.exit(id, 'killed');
    expect(sim.outcome).toEqual({});
  });

  test('before the start ends at once', () => {
    const sim = new Simulation(supervisorSpec(abc));
    sim.send({ type: 'stop' });
    expect(sim.outcome).toEqual({});
  });
});

test('what comes of strangers, and of those that are gone, changes nothing (N42, N55)', () => {
  const sim = new Simulation(supervisorSpec(abc)).up();
  const before = sim.state;
  sim.takeLog();
  for (const reason of ['shutdown', 'crash'] as const) {
    sim.child('stranger', { type: 'EXITED', incarnation: 1, exit: { reason } });
    sim.child('a', { type: 'EXITED', incarnation: 7, exit: { reason } });
  }
  sim.send({ type: 'retry', id: 'stranger', incarnation: undefined });
  sim.send({ type: 'retry', id: 'a', incarnation: undefined });
  expect(sim.takeLog()).toEqual([]);
  expect(sim.state).toEqual(before);
});
