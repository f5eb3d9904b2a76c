/**
 * Comparing a supervisor and its children with a recorded scenario, whatever they run in: each step must leave the recorded log,
 * in its order, and the recorded children; the end of a scenario must stop those that are left in the recorded order.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Difference } from './replay.js';
import type { LogEntry, SupervisorCommand, SupervisorOutcome, SupervisorScenario } from './supervisor-trace.js';

/** A supervisor and its children, which a scenario is played on. A log is what happened since the one before. */
export interface SupervisorWorld {
  /** Starts everything; what is logged when all is up, or has ended. */
  start(): Promise<readonly LogEntry[]>;
  /** Does one step, and gives back how things stand once nothing happens any more. */
  run(command: SupervisorCommand): Promise<SupervisorOutcome>;
  /** Stops what is left; undefined when the supervisor has ended before, and nothing happened since. */
  shutDown(): Promise<readonly LogEntry[] | undefined>;
}

/** Plays a scenario up to the first step that comes to something else than what was recorded. */
export async function firstDifference(
  scenario: SupervisorScenario,
  world: SupervisorWorld,
): Promise<Difference | undefined> {
  const started = await world.start();
  if (!isDeepStrictEqual(started, scenario.startLog)) {
    return { step: 0, operation: '{"do":"start"}', ...shown(scenario.startLog, started) };
  }
  for (const [index, { command, outcome, shown: operation }] of scenario.steps.entries()) {
    const got = await world.run(command);
    if (!isDeepStrictEqual(got, outcome)) return { step: index + 1, operation, ...shown(outcome, got) };
  }
  const stopped = await world.shutDown();
  if (isDeepStrictEqual(stopped, scenario.shutdownLog)) return undefined;
  return {
    step: scenario.steps.length + 1,
    operation: '{"do":"shutdown"}',
    ...shown(scenario.shutdownLog ?? null, stopped ?? null),
  };
}

function shown(expected: unknown, got: unknown): Pick<Difference, 'expected' | 'got'> {
  return { expected: JSON.stringify(expected), got: JSON.stringify(got) };
}
