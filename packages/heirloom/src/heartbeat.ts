/**
 * The heartbeat of processes: its options, and the watch on one process. What counts as a sign of life is the child's to say
 * (wire/src/lifeline.ts), what counts as silence the monitor's (heartbeat-monitor.ts).
 */
import { DURATION_MS_MAX } from '@heirloom/supervisor';
import { HeartbeatMonitor } from './heartbeat-monitor.js';
import type { HeartbeatOptions } from './heartbeat-monitor.js';
import { checkOptionNames, wholeNumber, wrongOption } from './option-check.js';

/**
 * How it is noticed that a process hangs: stopped by a signal, or in an endless loop outside of its handlers. What is silent for the
 * timeout is killed and replaced. A handler that runs is judged by `handlerTimeoutMs` alone, a start by `startTimeoutMs`.
 */
export interface HeartbeatSettings {
  /** How often a process gives a sign of life, in milliseconds. Default 1,000. */
  readonly intervalMs?: number;
  /** How long it may be silent, in milliseconds; at least two intervals. Default 10,000, for the keeper 30,000. */
  readonly timeoutMs?: number;
}

/** Rare enough to cost nothing. */
export const HEARTBEAT_INTERVAL_DEFAULT_MS = 1_000;
/** Longer than a collection of garbage or a busy machine keeps a process from turning its event loop. */
export const HEARTBEAT_TIMEOUT_DEFAULT_MS = 10_000;
/** The keeper waits for its disk in commits, and a disk can hang for seconds. */
export const KEEPER_HEARTBEAT_TIMEOUT_DEFAULT_MS = 30_000;
/** A process that did nothing but beat would be busy with it. */
export const HEARTBEAT_INTERVAL_MIN_MS = 10;

/** Fills in the defaults; undefined for none. Throws RuntimeError ERR_RUNTIME_OPTION. */
export function checkHeartbeat(
  option: string,
  settings: HeartbeatSettings | false | undefined,
  timeoutDefaultMs: number,
): HeartbeatOptions | undefined {
  if (settings === false) return undefined;
  const given = settings === undefined ? {} : settings;
  checkOptionNames(option, given, ['intervalMs', 'timeoutMs']);
  const [least, most] = [HEARTBEAT_INTERVAL_MIN_MS, Math.floor(DURATION_MS_MAX / 2)];
  const intervalMs = wholeNumber(`${option}.intervalMs`, given.intervalMs, HEARTBEAT_INTERVAL_DEFAULT_MS, least, most);
  const otherwise = Math.max(timeoutDefaultMs, 2 * intervalMs);
  const timeoutMs = wholeNumber(`${option}.timeoutMs`, given.timeoutMs, otherwise, 1, DURATION_MS_MAX);
  if (timeoutMs >= 2 * intervalMs) return { intervalMs, timeoutMs };
  throw wrongOption(`${option}.timeoutMs`, timeoutMs, `must be at least two intervals, ${2 * intervalMs}`);
}

/** Watches one process until it is stopped; `onSilent` is called once at most. */
export class Heartbeat {
  readonly #monitor: HeartbeatMonitor;
  readonly #timer: NodeJS.Timeout;

  constructor(options: HeartbeatOptions, onSilent: () => void) {
    this.#monitor = new HeartbeatMonitor(options);
    this.#timer = setInterval(() => {
      if (!this.#monitor.isLate(performance.now())) return;
      this.stop();
      onSilent();
    }, options.intervalMs);
    // What it watches keeps this process alive, it does not.
    this.#timer.unref();
  }

  beat(): void {
    this.#monitor.beat(performance.now());
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
