/**
 * Named points in the code where a test can make the process fail.
 *
 * A point is hit by calling `failpoint(name)`. Nothing happens unless the process was armed with a plan: a list of faults, each
 * bound to a point and to its n-th hit in this process, so that a fault is a place in the program and not a moment in time.
 * Faults are carried out by the victim itself. Unarmed, a point costs one comparison.
 */
import { writeSync } from 'node:fs';

/** What happens at a point: SIGKILL, SIGSTOP, or an error with the code of a failing disk thrown from the point. */
export type FaultAction = 'kill' | 'stop' | 'EIO' | 'ENOSPC';

export interface Fault {
  /** The name of the point, as in `worker.handler:start`. */
  readonly point: string;
  /** Which hit of the point in this process, counted from 1. */
  readonly hit: number;
  readonly action: FaultAction;
}

/** How long a process that stops itself waits for the stop to take effect; once it goes on it waits for the rest of this. */
const STOP_SETTLE_MS = 100;

interface ArmedPoint {
  hits: number;
  readonly actions: Map<number, FaultAction>;
}

let armed: Map<string, ArmedPoint> | undefined;
/** What `kill` does. */
let die: () => void = killProcess;

/** Arms this process with a plan; an empty plan disarms it. A thread says how it dies alone (`end`, which must not return). */
export function armFailpoints(faults: readonly Fault[], end: () => void = killProcess): void {
  die = end;
  armed = faults.length === 0 ? undefined : new Map();
  for (const { point, hit, action } of faults) {
    const entry = armed?.get(point) ?? { hits: 0, actions: new Map<number, FaultAction>() };
    entry.actions.set(hit, action);
    armed?.set(point, entry);
  }
}

/** Marks a point of the program by name; fails there if the plan says so. */
export function failpoint(name: string): void {
  if (armed !== undefined) hit(armed, name);
}

/** Runs something that passes points without hitting them. */
export function withoutFailpoints(run: () => void): void {
  const plan = armed;
  armed = undefined;
  try {
    run();
  } finally {
    armed = plan;
  }
}

/** Whether the plan has any fault left at a point, for points that need a preparation. */
export function isArmed(name: string): boolean {
  return armed?.has(name) ?? false;
}

function hit(points: Map<string, ArmedPoint>, name: string): void {
  const point = points.get(name);
  if (point === undefined) return;
  point.hits++;
  const action = point.actions.get(point.hits);
  if (action !== undefined) carryOut(action, name, point.hits);
}

function carryOut(action: FaultAction, name: string, count: number): void {
  try {
    writeSync(2, `failpoint ${name} hit ${count}: ${action}\n`);
  } catch {
    // The line is for people who read logs; the fault happens without it too.
  }
  if (action === 'kill') die();
  else if (action === 'stop') signalAndWait('SIGSTOP', STOP_SETTLE_MS);
  else throw Object.assign(new Error(`${action}: failpoint ${name}`), { code: action });
}

function killProcess(): void {
  signalAndWait('SIGKILL', Number.POSITIVE_INFINITY);
}

/** The kernel may deliver a signal through another thread, and this one would run on for a while: so it waits at the point. */
function signalAndWait(signal: NodeJS.Signals, timeoutMs: number): void {
  process.kill(process.pid, signal);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timeoutMs);
}
