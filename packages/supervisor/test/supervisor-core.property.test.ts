/**
 * A supervisor of random children under random happenings, against the invariants of supervisor-core.ts. The simulation
 * itself checks that no child has two live incarnations and that nothing is alive or armed at the end.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDown } from '../src/child-machine.js';
import type { Shutdown } from '../src/child-spec.js';
import { Simulation, supervisorSpec, workerSpec } from './simulation.js';

const happening = fc.record({
  what: fc.constantFrom('ready', 'ready', 'ready', 'exit', 'exit', 'fail', 'fire', 'retry', 'wait'),
  which: fc.nat({ max: 5 }),
  reason: fc.constantFrom('normal', 'shutdown', 'crash', 'killed'),
  waitMs: fc.nat({ max: 60 }),
});

const children = fc.array(
  fc.record({
    restart: fc.constantFrom('permanent', 'transient', 'temporary'),
    shutdown: fc.constantFrom<Shutdown>('brutal_kill', 'infinity', 10),
  }),
  { minLength: 1, maxLength: 6 },
);

const scenario = fc.record({
  children,
  intensity: fc.integer({ min: 0, max: 4 }),
  happenings: fc.array(happening, { maxLength: 80 }),
  ending: fc.constantFrom('stop', 'kill'),
});

/** The restarts within one period before `now`, the latest included. */
const within = (times: readonly number[], now: number, periodMs: number): number =>
  times.filter((time) => now - time <= periodMs).length;

test('keeps its invariants whatever its children do', () => {
  fc.assert(
    fc.property(scenario, ({ children, intensity, happenings, ending }) => {
      const periodMs = 100;
      const ids = children.map((_, index) => `c${index}`);
      const specs = children.map((child, index) => workerSpec(`c${index}`, { ...child, startTimeoutMs: 50 }));
      const sim = new Simulation(supervisorSpec(specs, { intensity, periodMs }));
      const look = (): void => {
        expect(within(sim.restartTimes, sim.now, periodMs)).toBeLessThanOrEqual(intensity);
        // Every start but a child's first was decided upon once.
        const restarts = sim.log.filter((line, index) => line.startsWith('start') && sim.log.indexOf(line) < index);
        expect(restarts.length).toBeLessThanOrEqual(sim.restartTimes.length);
      };
      sim.send({ type: 'start' });
      look();
      for (const { what, which, reason, waitMs } of happenings) {
        const id = ids[which % ids.length] ?? 'c0';
        const phase = sim.state.phase;
        const isAlive = sim.alive.has(id);
        if (what === 'wait') sim.now += waitMs;
        else if (what === 'retry' && sim.retries.length > 0) sim.retry();
        else if (what === 'fire' && sim.timers.has(id)) sim.fire(id);
        else if (what === 'ready' && isAlive) sim.ready(id);
        else if (what === 'exit' && isAlive) sim.exit(id, reason);
        else if (what === 'fail' && isAlive) {
          sim.child(id, { type: 'START_FAILED', incarnation: sim.incarnation(id), error: new Error('no') });
        }
        if (phase === 'stopping') expect(sim.state.phase).not.toBe('running');
        look();
      }
      const before = sim.log.length;
      const wasEnding = sim.state.phase === 'stopping' || sim.state.phase === 'ended';
      sim.send({ type: ending });
      while (sim.outcome === undefined) {
        const live = [...sim.alive.keys()].find((id) => {
          const state = sim.state.children.find(({ spec }) => spec.id === id)?.lifecycle.state;
          return state === 'stopping' || state === 'killing';
        });
        if (live === undefined) throw new Error(`It waits for nobody: ${JSON.stringify(sim.state.rounds)}`);
        sim.exit(live, 'shutdown');
      }
      const ended = sim.log.slice(before);
      expect(ended.filter((line) => line.startsWith('start'))).toEqual([]);
      if (ending === 'stop' && !wasEnding) {
        // A child that was being killed already is passed over; the others go in reverse start order, each once.
        const stopped = ended.map((line) => ids.indexOf(line.split(' ')[1] ?? ''));
        expect(stopped).toEqual([...new Set(stopped)].sort((a, b) => b - a));
      }
      expect(sim.state.children.every(({ lifecycle }) => isDown(lifecycle))).toBe(true);
    }),
    { numRuns: 500 },
  );
});
