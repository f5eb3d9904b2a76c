/**
 * The traces that were recorded from Erlang/OTP (test/traces), replayed: all of them in memory, and some through a runtime whose
 * workers are killed before, during and after steps (G1, G2, G3, G8). `node scripts/conformance.mjs` replays all of them there too.
 *
 * The decisions of a supervisor are replayed without processes, all of them, and with real ones, some.
 *
 * Mutations that make this fail, each tried: a bag takes a list from its start (in memory); a new incarnation of a worker begins
 * its sequences at 1; a reply goes out before its batch is stored; calls are judged before their epoch is closed;
 * rest_for_one restarts from the next child on; a restart counts once for each child; a bystander of a restart ends its
 * supervisor.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ETS_OPERATIONS, readEtsSequence, TABLE_TYPES } from './conformance/ets-trace.js';
import type { EtsSequence } from './conformance/ets-trace.js';
import { replayInMemory } from './conformance/ets-replay.js';
import { replayOwnership } from './conformance/ownership-replay.js';
import { OWNERSHIP_OPERATIONS, readOwnershipSequence } from './conformance/ownership-trace.js';
import { showVerdict } from './conformance/replay.js';
import type { Verdict } from './conformance/replay.js';
import { replayThroughRuntime } from './conformance/runtime-replay.js';
import type { Deaths } from './conformance/runtime-replay.js';
import { replaySupervisor } from './conformance/supervisor-replay.js';
import { replaySupervisorThroughRuntime } from './conformance/supervisor-runtime-replay.js';
import { readSupervisorScenario, SUPERVISOR_STEPS } from './conformance/supervisor-trace.js';
import { readTraceLines } from './conformance/trace-lines.js';
import { runSeed } from './support/random.js';

const CHILD_MODULE = new URL('./dist/conformance/traced-child.worker.js', import.meta.url);
const WORKER_MODULE = new URL('./dist/conformance/trace.worker.js', import.meta.url);
/** Of each type through the runtime; the script replays all. */
const SEQUENCES_PER_TYPE = 8;
const KILLS = 3;
/** Every so many of the scenarios of supervisors run with real processes; the script replays all. */
const SCENARIOS_STRIDE = 25;
/** It takes a few seconds; process starts take many times as long on a machine that is busy. */
const RUNTIME_TIMEOUT_MS = 300_000;
const seed = runSeed();

const traces = (name: string): string => fileURLToPath(new URL(`./traces/${name}.jsonl.gz`, import.meta.url));
const ets = (await readTraceLines(traces('ets'))).map(readEtsSequence);
const ownership = (await readTraceLines(traces('ownership'))).map(readOwnershipSequence);
const supervisors = (await readTraceLines(traces('supervisor'))).map(readSupervisorScenario);

function differences(verdicts: readonly Verdict[]): string[] {
  return verdicts.filter(({ difference }) => difference !== undefined).map(showVerdict);
}

describe('400 recorded sequences of ETS', () => {
  it('have every operation and every type of table', () => {
    expect(ets).toHaveLength(400);
    const operations = new Set(ets.flatMap(({ steps }) => steps.map(({ command }) => command.op)));
    expect([...operations].sort()).toEqual([...ETS_OPERATIONS].sort());
    expect(new Set(ets.map(({ type }) => type))).toEqual(new Set(TABLE_TYPES));
  });

  it('come to what was recorded on tables in memory', async () => {
    expect(differences(await replayInMemory(ets))).toEqual([]);
  });

  it(
    `come to what was recorded on tables of killed workers, seed ${seed} (G1, G2, G3, G8)`,
    { timeout: RUNTIME_TIMEOUT_MS },
    async () => {
      const first = (type: EtsSequence['type']): readonly EtsSequence[] =>
        ets.filter((sequence) => sequence.type === type).slice(0, SEQUENCES_PER_TYPE);
      const some = TABLE_TYPES.flatMap(first);
      let deaths: Deaths | undefined;
      const options = { seed, kills: KILLS, workerModule: WORKER_MODULE, onDone: (of: Deaths) => void (deaths = of) };
      expect(differences(await replayThroughRuntime(some, options))).toEqual([]);
      expect(deaths?.perSequenceMin).toBeGreaterThanOrEqual(KILLS);
    },
  );
});

describe('300 recorded scenarios of owners, heirs and names', () => {
  it('have every operation', () => {
    expect(ownership).toHaveLength(300);
    const operations = new Set(ownership.flatMap(({ steps }) => steps.map(({ command }) => command.op)));
    expect([...operations].sort()).toEqual([...OWNERSHIP_OPERATIONS].sort());
  });

  it('come to what was recorded', async () => {
    expect(differences(await replayOwnership(ownership))).toEqual([]);
  });
});

describe('300 recorded scenarios of supervisors', () => {
  it('have every strategy, restart type and auto-shutdown, and every kind of step', () => {
    expect(supervisors).toHaveLength(300);
    expect(new Set(supervisors.map(({ strategy }) => strategy)).size).toBe(3);
    expect(new Set(supervisors.map(({ autoShutdown }) => autoShutdown)).size).toBe(3);
    expect(new Set(supervisors.flatMap(({ children }) => children.map(({ restart }) => restart))).size).toBe(3);
    const steps = new Set(supervisors.flatMap((scenario) => scenario.steps.map(({ command }) => command.do)));
    expect([...steps].sort()).toEqual([...SUPERVISOR_STEPS].sort());
  });

  it('come to what was recorded', async () => {
    expect(differences(await replaySupervisor(supervisors))).toEqual([]);
  });

  it('come to what was recorded when every child is a process', { timeout: RUNTIME_TIMEOUT_MS }, async () => {
    const some = supervisors.filter((_scenario, index) => index % SCENARIOS_STRIDE === 0);
    const options = { workerModule: CHILD_MODULE };
    expect(differences(await replaySupervisorThroughRuntime(some, options))).toEqual([]);
  });
});
