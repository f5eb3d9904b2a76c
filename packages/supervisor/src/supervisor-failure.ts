/** The errors with which a supervisor ends, or reports that a child did not start. */
import type { ChildExit } from './child-exit.js';
import { SupervisorError } from './errors.js';
import type { RestartWindow } from './restart-window.js';

/** It gave up: one restart of `child` too many. */
export function intensityError(
  supervisor: string,
  child: string,
  { intensity, periodMs }: RestartWindow,
  exit: ChildExit,
  cause: Error | undefined,
): SupervisorError {
  // What a child says of itself is nearer to the root of the matter than the general advice.
  const advice = cause?.message ?? "Find out why the child exits, or raise the supervisor's intensity.";
  return new SupervisorError(
    'ERR_SUPERVISOR_INTENSITY',
    `The supervisor "${supervisor}" gave up: its child "${child}" had to be restarted (${exit.reason}), and it allows ` +
      `${intensity} restarts in ${periodMs} ms. ${advice}`,
    { supervisor, child, intensity, periodMs, exit },
    cause === undefined ? {} : { cause },
  );
}

/** A child did not become ready. */
export function startError(
  supervisor: string,
  child: string,
  exit: ChildExit,
  cause: Error | undefined,
): SupervisorError {
  const status = `reason ${exit.reason}, code ${exit.code ?? 'none'}, signal ${exit.signal ?? 'none'}`;
  const why =
    cause?.message ?? `It exited before it was ready: ${status}. Look at what it wrote to its standard error.`;
  const isTimeout = cause instanceof SupervisorError && cause.code === 'ERR_SUPERVISOR_START_TIMEOUT';
  return new SupervisorError(
    isTimeout ? cause.code : 'ERR_SUPERVISOR_CHILD_START',
    `The supervisor "${supervisor}" could not start its child "${child}". ${why}`,
    { supervisor, child, exit },
    // A timeout is all that is to be said.
    cause === undefined || isTimeout ? {} : { cause },
  );
}

/** A child that was asked for was stopped with its siblings before it was up, and is temporary, so nobody starts it again. */
export function sweptAwayError(supervisor: string, child: string): SupervisorError {
  return new SupervisorError(
    'ERR_SUPERVISOR_CHILD_START',
    `The supervisor "${supervisor}" stopped its temporary child "${child}" while it started, to restart its siblings. Start it again.`,
    { supervisor, child },
  );
}

/** It shut itself down because `child`, a significant supervisor, gave up. */
export function significantError(supervisor: string, child: string, cause: Error): SupervisorError {
  return new SupervisorError(
    'ERR_SUPERVISOR_SIGNIFICANT',
    `The supervisor "${supervisor}" shut down, because its significant child "${child}" gave up. ${cause.message}`,
    { supervisor, child },
    { cause },
  );
}
