/**
 * Backoff in one supervisor: which restarts wait, and what else goes on while they do (rule 10 of supervisor-core.ts).
 *
 * Mutations that make this fail, each tried: the first restart waits; a wait is counted against the intensity once more, or not
 * at all; the end of an old wait ends a new one; siblings are stopped only after the wait; a terminated child is waited for; the
 * time before a restart with a sibling counts as being up; a crash that is not counted waits; a supervisor's own backoff delays its own restart.
 */
import { describe, expect, test } from 'vitest';
import { supervisorSpec, Simulation, workerSpec } from './simulation.js';

const backoff = { minMs: 100, maxMs: 1_000, factor: 2, jitter: 0, resetMs: 5_000 };
const abc = [workerSpec('a'), workerSpec('b'), workerSpec('c')];
const often = { intensity: 1_000, periodMs: 10_000 };

const up = (options: Parameters<typeof supervisorSpec>[1] = {}, children = abc): Simulation => {
  const sim = new Simulation(supervisorSpec(children, { ...often, backoff, ...options })).up();
  sim.takeLog();
  return sim;
};

/** Crashes the child, brings it up again, and gives back how long it had to wait. */
function crash(sim: Simulation, id: string): number {
  sim.exit(id);
  const delayMs = sim.retries.at(-1)?.delayMs ?? 0;
  sim.now += delayMs;
  if (sim.retries.length > 0) sim.retry();
  sim.ready(id);
  return delayMs;
}

describe('the restarts of one child', () => {
  test('are at once, then wait longer and longer, and at once again after it was up for a while', () => {
    const sim = up();
    expect([crash(sim, 'a'), crash(sim, 'a'), crash(sim, 'a'), crash(sim, 'a')]).toEqual([0, 100, 200, 400]);
    expect(crash(sim, 'b')).toBe(0);
    sim.now += 4_999;
    expect(crash(sim, 'a')).toBe(800);
    sim.now += 5_000;
    expect([crash(sim, 'a'), crash(sim, 'a')]).toEqual([0, 100]);
  });

  test('go on in their row when the child was stopped meanwhile for a sibling', () => {
    const sim = up({ strategy: 'one_for_all' });
    const crashWithSiblings = (id: string, others: readonly string[]): void => {
      sim.exit(id);
      for (const other of others) sim.exit(other, 'shutdown');
      for (const child of ['a', 'b', 'c']) sim.ready(child);
    };
    crashWithSiblings('a', ['c', 'b']);
    sim.now += 4_000;
    crashWithSiblings('b', ['c', 'a']);
    sim.now += 2_000;
    sim.exit('a');
    for (const other of ['c', 'b']) sim.exit(other, 'shutdown');
    expect(sim.retries).toMatchObject([{ id: 'a', delayMs: 100 }]);
  });

  test('wait as the child itself says, where it does', () => {
    const sim = up({}, [
      workerSpec('a', { backoff: 'none' }),
      workerSpec('b', { backoff: { ...backoff, minMs: 7 } }),
      workerSpec('c'),
    ]);
    expect([crash(sim, 'a'), crash(sim, 'a'), crash(sim, 'a')]).toEqual([0, 0, 0]);
    expect([crash(sim, 'b'), crash(sim, 'b'), crash(sim, 'b')]).toEqual([0, 7, 14]);
    expect([crash(sim, 'c'), crash(sim, 'c')]).toEqual([0, 100]);
  });

  test('of a nested supervisor wait as its own supervisor says, not as it says itself', () => {
    const nested = supervisorSpec([], { id: 'nested', backoff });
    const calm = new Simulation(supervisorSpec([nested], often)).up();
    expect([crash(calm, 'nested'), crash(calm, 'nested')]).toEqual([0, 0]);
    const slow = new Simulation(supervisorSpec([supervisorSpec([], { id: 'nested' })], { ...often, backoff })).up();
    expect([crash(slow, 'nested'), crash(slow, 'nested')]).toEqual([0, 100]);
  });

  test('do not wait when the exit is not counted, and do not lengthen the row', () => {
    const sim = up();
    sim.exit('a', 'killed', { counted: false });
    sim.ready('a');
    expect(sim.retries).toEqual([]);
    expect([crash(sim, 'a'), crash(sim, 'a')]).toEqual([0, 100]);
  });

  test('that fail to start wait too, one try longer than the other', () => {
    const sim = up();
    const waited: number[] = [];
    sim.exit('a');
    for (let tries = 0; tries < 4; tries += 1) {
      sim.exit('a');
      waited.push(sim.retries.at(-1)?.delayMs ?? -1);
      sim.retry();
    }
    expect(waited).toEqual([100, 200, 400, 800]);
    expect(
      sim.events
        .filter(({ type }) => type === 'child_restarting')
        .map((event) => ('delayMs' in event ? event.delayMs : 0)),
    ).toEqual([0, 100, 200, 400, 800]);
  });

  test('are spread by the seed, the child and its incarnation, and by nothing else', () => {
    const waitsOf = (others: readonly string[]): number[] => {
      const sim = up({ backoff: { ...backoff, jitter: 1 } });
      return [0, 1, 2, 3].map(() => {
        for (const other of others) crash(sim, other);
        return crash(sim, 'a');
      });
    };
    expect(waitsOf([])).toEqual(waitsOf(['b', 'c', 'b']));
    const [, second, third] = waitsOf([]);
    expect(third).not.toBe((second ?? 0) * 2);
  });
});

describe('a wait', () => {
  test('is counted once against the intensity, when it begins', () => {
    const sim = up({ intensity: 2 });
    crash(sim, 'a');
    crash(sim, 'a');
    expect(sim.state.window.times).toHaveLength(2);
    sim.exit('a');
    expect(sim.outcome ?? sim.state.error).toMatchObject({ code: 'ERR_SUPERVISOR_INTENSITY' });
    expect(sim.retries).toEqual([]);
  });

  test('of a failed start is counted when the next try is made', () => {
    const sim = up({ intensity: 1 });
    sim.exit('a');
    sim.exit('a');
    expect(sim.state.window.times).toHaveLength(1);
    sim.retry();
    expect(sim.state.error).toMatchObject({ code: 'ERR_SUPERVISOR_INTENSITY' });
  });

  test('holds up nobody else under one_for_one', () => {
    const sim = up();
    crash(sim, 'a');
    sim.exit('a');
    sim.takeLog();
    sim.exit('b');
    expect(sim.takeLog()).toEqual(['start b']);
    sim.ready('b');
    sim.retry();
    expect(sim.takeLog()).toEqual(['start a']);
  });

  test('begins when the siblings are stopped, and they are stopped at once', () => {
    for (const strategy of ['one_for_all', 'rest_for_one'] as const) {
      const sim = up({ strategy });
      const stopped = strategy === 'one_for_all' ? ['c', 'a'] : ['c'];
      const round = (): void => {
        sim.exit('b');
        for (const id of stopped) {
          expect(sim.takeLog()).toEqual([`stop ${id}`]);
          expect(sim.retries).toEqual([]);
          sim.exit(id, 'shutdown');
        }
      };
      const bringUp = (): void => {
        for (const id of [...stopped, 'b'].sort()) sim.ready(id);
        sim.takeLog();
      };
      round();
      bringUp();
      round();
      expect(sim.takeLog()).toEqual([]);
      expect(sim.retries).toMatchObject([{ id: 'b', delayMs: 100 }]);
      sim.retry();
      expect(sim.takeLog()).toEqual([`start ${strategy === 'one_for_all' ? 'a' : 'b'}`]);
      bringUp();
      expect(sim.state.rounds).toEqual([]);
    }
  });

  test('is over when the restart of an earlier sibling of rest_for_one covers the child', () => {
    const sim = up({ strategy: 'rest_for_one' });
    crash(sim, 'c');
    sim.exit('c');
    sim.takeLog();
    sim.exit('a');
    sim.exit('b', 'shutdown');
    expect(sim.takeLog()).toEqual(['stop b', 'start a']);
    for (const id of ['a', 'b', 'c']) sim.ready(id);
    expect(sim.takeLog()).toEqual(['start b', 'start c']);
    const log = sim.log.length;
    sim.retry();
    expect(sim.log).toHaveLength(log);
  });

  test('ends with a terminate_child, and the end of it ends no later wait', () => {
    const sim = up();
    crash(sim, 'a');
    sim.exit('a');
    expect(sim.ask({ type: 'restart_child', id: 'a' })()).toMatchObject({ reason: 'restarting' });
    expect(sim.ask({ type: 'delete_child', id: 'a' })()).toMatchObject({ reason: 'restarting' });
    expect(sim.ask({ type: 'terminate_child', id: 'a' })()).toEqual({ type: 'done' });
    sim.takeLog();
    sim.ask({ type: 'restart_child', id: 'a' });
    sim.ready('a');
    expect(sim.takeLog()).toEqual(['start a']);
    sim.exit('a');
    expect(sim.retries).toMatchObject([{ delayMs: 100 }, { delayMs: 200 }]);
    sim.retry();
    expect(sim.takeLog()).toEqual([]);
    sim.retry();
    expect(sim.takeLog()).toEqual(['start a']);
  });

  test('is not begun for a child that was terminated while its siblings were stopped; they come back', () => {
    const sim = up({ strategy: 'one_for_all' });
    sim.exit('b');
    for (const id of ['c', 'a']) sim.exit(id, 'shutdown');
    for (const id of ['a', 'b', 'c']) sim.ready(id);
    sim.takeLog();
    sim.exit('b');
    const answer = sim.ask({ type: 'terminate_child', id: 'b' });
    for (const id of ['c', 'a']) sim.exit(id, 'shutdown');
    expect(sim.retries).toEqual([]);
    for (const id of ['a', 'c']) sim.ready(id);
    expect(sim.takeLog()).toEqual(['stop c', 'stop a', 'start a', 'start c']);
    expect(answer()).toEqual({ type: 'done' });
    expect(sim.state.children.map(({ lifecycle }) => lifecycle.state)).toEqual(['running', 'stopped', 'running']);
  });

  test('ends at once when the supervisor stops', () => {
    const sim = up();
    crash(sim, 'a');
    sim.exit('a');
    sim.send({ type: 'stop' });
    for (const id of ['c', 'b']) sim.exit(id, 'shutdown');
    expect(sim.outcome).toEqual({});
    const log = sim.log.length;
    sim.retry();
    expect(sim.log).toHaveLength(log);
  });
});
