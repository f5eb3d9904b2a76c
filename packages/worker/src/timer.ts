/**
 * What a timer is: as a handler starts it, checked, and as the worker keeps it. Pure.
 *
 * 1. Names replace: a worker has one timer of a name, as gen_statem has one named timeout.
 * 2. Times are of the wall clock, in milliseconds since 1970, as a timer may outlive the process, the program and the machine's start.
 * 3. A repeating timer goes by its plan: it is due every `everyMs` from when it was first due, and times that have passed meanwhile are
 *    skipped, so that a worker that was down for a day fires once.
 * 4. A generation belongs to one start or one repetition of one timer: what is said of an earlier one is nobody's.
 *
 * Refusals: WorkerError ERR_WORKER_TIMER, ERR_WORKER_TIMER_LIMIT.
 */
import { showValue } from '@heirloom/tables';
import { encodeValue } from '@heirloom/wire';
import { NAME_CHARS_MAX } from './definition.js';
import { WorkerError } from './errors.js';

/** The most timers of one worker: they are all known in memory, and loaded before the first call of a life. */
export const TIMERS_MAX = 10_000;
/** The most bytes of one timer's arguments, encoded: what is larger belongs into a table. */
export const TIMER_ARGUMENT_BYTES_MAX: number = 64 * 1024;
/** The latest time: that of the language's dates. */
export const TIMER_AT_MAX = 8_640_000_000_000_000;

/** What `timers.start` takes. */
export interface TimerOptions {
  /** The timer's name; one that runs under it is replaced. */
  readonly name: string;
  /** Which of the definition's `timers` is to run. */
  readonly handler: string;
  /** In how many milliseconds it is due, from `now()`. Give this or `at`. */
  readonly afterMs?: number;
  /** When it is due, in milliseconds since 1970; a time that has passed is now. */
  readonly at?: number;
  /** Repeats it: the milliseconds from one time that it is due to the next. */
  readonly everyMs?: number;
  /** What the handler gets behind its context; up to 64 KiB encoded. */
  readonly args?: readonly unknown[];
  /** `'crash'` (default): it is stored with the handler's changes. `'nothing'`: it goes with the life of the worker. */
  readonly survives?: 'crash' | 'nothing';
}

/** The timers of a worker as a handler has them, until it settles; then every use throws TableError ERR_TABLE_CLOSED. */
export interface WorkerTimers {
  /**
   * Starts a timer with the batch of this handler, in the place of one that has its name. Throws WorkerError ERR_WORKER_TIMER for
   * wrong options, ERR_WORKER_TIMER_LIMIT for more than TIMERS_MAX timers or arguments that are too large.
   */
  start(options: TimerOptions): void;
  /** Takes a timer back with the batch of this handler; whether there was one. */
  cancel(name: string): boolean;
  /** The milliseconds until a timer is due, 0 for one that is (erlang:read_timer/1); undefined when there is none. */
  read(name: string): number | undefined;
  /** The names of all timers in the order in which they are due. */
  names(): readonly string[];
}

/** A timer that runs. */
export interface Timer {
  readonly name: string;
  readonly handler: string;
  readonly at: number;
  /** 0 for one that does not repeat. */
  readonly everyMs: number;
  /** Encoded. */
  readonly arguments: Uint8Array;
  readonly epoch: number;
  readonly serial: number;
  readonly isDurable: boolean;
}

/** What no message between processes can hold. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const OPTIONS = new Set(['name', 'handler', 'afterMs', 'at', 'everyMs', 'args', 'survives']);

/** The timer's start or repetition, as it travels. */
export function generationOf({ epoch, serial }: Pick<Timer, 'epoch' | 'serial'>): string {
  return `${epoch}.${serial}`;
}

/** The order in which timers are due: by their times, and those of one time as they were started. */
export function compareTimers(one: Timer, other: Timer): number {
  return one.at - other.at || one.epoch - other.epoch || one.serial - other.serial;
}

/** Checks what a handler has given. Throws WorkerError ERR_WORKER_TIMER, ERR_WORKER_TIMER_LIMIT. */
export function parseTimer(
  options: unknown,
  handlers: readonly string[],
  now: number,
): Omit<Timer, 'epoch' | 'serial'> {
  if (typeof options !== 'object' || options === null) {
    throw wrong('the options', options, 'Call timers.start({ name, handler, afterMs }).');
  }
  const unknown = Object.keys(options).find((option) => !OPTIONS.has(option));
  if (unknown !== undefined) throw wrong('an option', unknown, `There are ${[...OPTIONS].join(', ')}.`);
  const { name, handler, everyMs, args = [], survives = 'crash', ...time } = options as Partial<TimerOptions>; // Checked below.
  const known = handlers.join(', ') || 'none';
  if (!handlers.includes(handler as string)) throw wrong('the handler', handler, `The worker's timers are: ${known}.`);
  if (everyMs !== undefined) checkMs('everyMs', everyMs, 1);
  if (survives !== 'crash' && survives !== 'nothing') throw wrong('survives', survives, "Give 'crash' or 'nothing'.");
  return {
    name: checkTimerName(name),
    handler: handler as string, // One of the list.
    at: parseAt(time, now),
    everyMs: everyMs ?? 0,
    arguments: encodeArguments(args),
    isDurable: survives === 'crash',
  };
}

/** Throws WorkerError ERR_WORKER_TIMER for what can be no name of a timer. */
export function checkTimerName(name: unknown): string {
  if (typeof name === 'string' && name !== '' && name.length <= NAME_CHARS_MAX && !LONE_SURROGATE.test(name))
    return name;
  throw wrong('the name', name, `Give 1 to ${NAME_CHARS_MAX} characters without lone surrogates.`);
}

/** When a timer that was due at `at`, and repeats, is due next: the first of its times behind `now`. */
export function nextTime({ at, everyMs }: Pick<Timer, 'at' | 'everyMs'>, now: number): number {
  const missed = Math.max(0, Math.floor((now - at) / everyMs));
  return at + (missed + 1) * everyMs;
}

function parseAt({ afterMs, at }: Partial<TimerOptions>, now: number): number {
  if ((afterMs === undefined) === (at === undefined)) {
    throw wrong('the time', { afterMs, at }, 'Give either afterMs or at.');
  }
  if (afterMs !== undefined) return now + checkMs('afterMs', afterMs, 0, TIMER_AT_MAX - now);
  return checkMs('at', at, 0);
}

function checkMs(option: string, value: unknown, least: number, most: number = TIMER_AT_MAX): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw wrong(option, value, `Give a number of milliseconds from ${least} to ${most}.`);
}

function encodeArguments(args: unknown): Uint8Array {
  if (!Array.isArray(args)) throw wrong('args', args, 'Give a list of the arguments.');
  let bytes: Uint8Array;
  try {
    bytes = encodeValue(args);
  } catch (cause) {
    // A Proxy may throw anything.
    const reason = cause instanceof Error ? cause.message : showValue(cause);
    throw new WorkerError('ERR_WORKER_TIMER', `The arguments of a timer cannot be kept: ${reason}`, {}, { cause });
  }
  if (bytes.length <= TIMER_ARGUMENT_BYTES_MAX) return bytes;
  const message = `The arguments of a timer have ${bytes.length} bytes; ${TIMER_ARGUMENT_BYTES_MAX} are the most. Put them into a table.`;
  const details = { bytes: bytes.length, limit: TIMER_ARGUMENT_BYTES_MAX };
  throw new WorkerError('ERR_WORKER_TIMER_LIMIT', message, details);
}

function wrong(what: string, value: unknown, advice: string): WorkerError {
  const message = `A timer cannot be started or found: ${what} is ${showValue(value)}. ${advice}`;
  return new WorkerError('ERR_WORKER_TIMER', message, { value: showValue(value) });
}
