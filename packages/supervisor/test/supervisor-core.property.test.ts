/**
 * A supervisor of random children under random happenings in any order (starts that take their time, exits, failures, timers,
 * retries, requests), against the invariants of supervisor-core.ts. The simulation itself checks that no child has two live
 * incarnations, that every request is answered at most once, and that nothing is alive or armed at the end.
 *
 * Mutations that make this fail, each tried: requests that are begun, or that wait, are not answered at the end; a restart is
 * not counted; a round that is paused is not replaced by its retry; children are stopped in start order.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Backoff } from '../src/backoff.js';
import { isDown } from '../src/child-machine.js';
import type { ChildOperation, ChildReply } from '../src/child-operation.js';
import type { AutoShutdown, Shutdown, Strategy } from '../src/child-spec.js';
import { Simulation, supervisorSpec, workerSpec } from './simulation.js';

const IDS = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'new'];
const PERIOD_MS = 100;

const happening = fc.record({
  what: fc.constantFrom('ready', 'ready', 'ready', 'exit', 'exit', 'fail', 'ignore', 'fire', 'retry', 'wait', 'ask'),
  which: fc.nat({ max: IDS.length - 1 }),
  reason: fc.constantFrom('normal', 'shutdown', 'crash', 'killed'),
  waitMs: fc.nat({ max: 60 }),
  operation: fc.constantFrom('start_child', 'start_instance', 'terminate_child', 'restart_child', 'delete_child'),
  restart: fc.constantFrom('permanent', 'transient', 'temporary'),
});

const children = fc.array(
  fc.record({
    restart: fc.constantFrom('permanent', 'transient', 'temporary'),
    shutdown: fc.constantFrom<Shutdown>('brutal_kill', 'infinity', 10),
    significant: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);

const scenario = fc.record({
  strategy: fc.constantFrom<Strategy>('one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'),
  autoShutdown: fc.constantFrom<AutoShutdown>('never', 'never', 'any_significant', 'all_significant'),
  children,
  intensity: fc.integer({ min: 0, max: 4 }),
  backoff: fc.constantFrom<Backoff | 'none'>('none', { minMs: 10, maxMs: 40, resetMs: 30 }),
  happenings: fc.array(happening, { maxLength: 80 }),
  last: fc.array(happening, { maxLength: 4 }),
  ending: fc.constantFrom('stop', 'kill'),
});

type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

function operationOf({ operation, which, restart }: Happening, lastIncarnation: number): ChildOperation<string> {
  const id = IDS[which] ?? 'new';
  if (operation === 'start_child') {
    return { type: operation, spec: workerSpec(id, { restart, startTimeoutMs: 50 }), lastIncarnation };
  }
  if (operation === 'start_instance') return { type: operation, id, args: [], lastIncarnation };
  return { type: operation, id };
}

/** The restarts within one period before `now`, the latest included. */
const within = (times: readonly number[], now: number): number =>
  times.filter((time) => now - time <= PERIOD_MS).length;

const stateOf = (sim: Simulation, id: string) => sim.state.children.find(({ spec }) => spec.id === id)?.lifecycle.state;

function happen(sim: Simulation, happening: Happening): (() => ChildReply | undefined) | undefined {
  const { what, which, reason, waitMs } = happening;
  const live = [...sim.alive.keys()];
  const id = live[which % live.length] ?? 'nobody';
  const isAlive = live.length > 0;
  if (what === 'wait') sim.now += waitMs;
  else if (what === 'ask') return sim.ask(operationOf(happening, sim.lastIncarnation(IDS[which] ?? 'new')));
  else if (what === 'retry' && sim.retries.length > 0) sim.retry();
  else if (what === 'fire' && sim.timers.has(id)) sim.fire(id);
  else if (what === 'ready' && isAlive) sim.ready(id);
  else if (what === 'exit' && isAlive) sim.exit(id, reason);
  else if (what === 'ignore' && stateOf(sim, id) === 'starting') sim.exit(id, 'normal', { ignored: true });
  else if (what === 'fail' && isAlive) {
    sim.child(id, { type: 'START_FAILED', incarnation: sim.incarnation(id), error: new Error('no') });
  }
  return undefined;
}

/** Does whatever somebody waits for, until nobody waits for anything. */
function settle(sim: Simulation): void {
  for (;;) {
    const live = [...sim.alive.keys()];
    const starting = live.find((id) => stateOf(sim, id) === 'starting');
    const ending = live.find((id) => ['stopping', 'killing'].includes(stateOf(sim, id) ?? ''));
    if (starting !== undefined) sim.ready(starting);
    else if (ending !== undefined) sim.exit(ending, 'shutdown');
    else if (sim.retries.length > 0 && sim.outcome === undefined) sim.retry();
    else return;
  }
}

test('keeps its invariants whatever its children do', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(scenario, ({ strategy, autoShutdown, children, intensity, backoff, happenings, last, ending }) => {
      const isSimple = strategy === 'simple_one_for_one';
      const specs = children.map((child, index) => workerSpec(IDS[index] ?? '', { ...child, startTimeoutMs: 50 }));
      const options = { strategy, autoShutdown, intensity, backoff, periodMs: PERIOD_MS };
      const sim = new Simulation(supervisorSpec(isSimple ? specs.slice(0, 1) : specs, options));
      const asked: (() => ChildReply | undefined)[] = [];
      sim.send({ type: 'start' });
      for (const next of happenings) {
        const wasEnding = sim.state.phase === 'stopping' || sim.state.phase === 'ended';
        const starts = sim.log.filter((line) => line.startsWith('start')).length;
        const answer = happen(sim, next);
        if (answer !== undefined) asked.push(answer);
        expect(within(sim.restartTimes, sim.now)).toBeLessThanOrEqual(intensity);
        if (wasEnding) expect(sim.log.filter((line) => line.startsWith('start'))).toHaveLength(starts);
      }
      settle(sim);
      // Nothing waits in a circle: when everybody has done what was asked of them, all is done and every request answered.
      expect(['running', 'ended']).toContain(sim.state.phase);
      expect(sim.state.rounds).toEqual([]);
      expect(asked.filter((answer) => answer() === undefined)).toEqual([]);
      asked.push(...last.flatMap((next) => happen(sim, { ...next, what: 'ask' }) ?? []));
      const before = sim.log.length;
      const order = sim.state.children.map(({ spec }) => spec.id);
      if (sim.outcome === undefined) sim.send({ type: ending });
      settle(sim);
      expect(sim.outcome).toBeDefined();
      expect(asked.filter((answer) => answer() === undefined)).toEqual([]);
      const stopped = sim.log.slice(before).map((line) => order.indexOf(line.split(' ')[1] ?? ''));
      if (ending === 'stop') expect(stopped).toEqual([...stopped].sort((a, b) => b - a));
      expect(sim.log.slice(before).filter((line) => line.startsWith('start'))).toEqual([]);
      expect(sim.state.children.every(({ lifecycle }) => isDown(lifecycle))).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});
