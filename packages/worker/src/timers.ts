/**
 * The timers of one life of a worker: what its handlers start and cancel, and when which of them is due.
 *
 *   start ──batch committed──▶ runs ──its time──▶ due: said to the router ──▶ $timer.<handler>, a call ──batch──▶ gone or repeated
 *     └── the handler throws or is killed: there never was one
 *
 * 1. G3: a timer fires once. It is a row of the hidden table, put there by the batch of the handler that started it, and taken
 *    away or advanced by the batch of its own. One that survives nothing is kept here, and is staged until the batch likewise.
 * 2. A timer that is due becomes a call: the router is told its name and generation, and sends `$timer.<handler>` through the
 *    worker's queue, as only there is known who killed whom. The call looks the timer up: one that is gone, was replaced or has
 *    been repeated since does nothing. So it does not matter how often it is said that a timer is due, or by which life.
 * 3. Handlers that throw consume their timer too: the batch then does only that.
 * 4. A clock that is set forward makes timers due at once, one that is set back makes them wait longer; it is looked at every
 *    ALARM_MS_MAX at least.
 */
import { invariant } from '@heirloom/tables';
import { decodeValue, failpoint } from '@heirloom/wire';
import type { TimerDueMessage } from '@heirloom/wire';
import { WorkerError } from './errors.js';
import type { LifeLease } from './life-lease.js';
import type { LifeTable } from './life-table.js';
import { TIMERS_MAX, checkTimerName, compareTimers, generationOf, nextTime, parseTimer } from './timer.js';
import type { Timer, TimerOptions, WorkerTimers } from './timer.js';
import { TimerSchedule } from './timer-schedule.js';

/** The longest that is waited without a look at the clock, which may have been set; far less than what setTimeout can. */
export const ALARM_MS_MAX = 60_000;

export interface TimersOptions {
  readonly handlers: readonly string[];
  readonly now: () => number;
  /** Says to the router that a timer is due. */
  readonly due: (message: TimerDueMessage) => void;
  /** Runs a task in so many milliseconds instead of the one that it was given before; undefined for no task. */
  readonly setAlarm: (delayMs: number | undefined, task: () => void) => void;
}

export class Timers {
  private readonly options: TimersOptions;
  private readonly schedule: TimerSchedule;
  private table: LifeTable | undefined;
  private epoch = 0;
  private lastSerial = 0;
  private isStarted = false;
  /** What the handler that has begun did: the names that it started or took back, … */
  private readonly touched = new Set<string>();
  /** … what there is under them of timers that survive nothing, … */
  private readonly volatile = new Map<string, Timer>();
  /** … and how many more timers there are. */
  private added = 0;

  constructor(options: TimersOptions) {
    this.options = options;
    const handlers = new Set(options.handlers);
    this.schedule = new TimerSchedule((handler) => handlers.has(handler));
  }

  /** Takes the timers that are stored; returns the names of handlers that are missing. */
  load(epoch: number, table: LifeTable): readonly string[] {
    this.epoch = epoch;
    this.table = table;
    const timers = table.timers().map((stored) => ({ ...stored, isDurable: true }));
    this.schedule.load(timers);
    const missing = timers.filter(({ handler }) => !this.options.handlers.includes(handler));
    return [...new Set(missing.map(({ handler }) => handler))];
  }

  /** From now on the router is told of those that are due. */
  start(): void {
    this.isStarted = true;
    this.wake();
  }

  /** The router is told of no further ones. */
  stop(): void {
    this.isStarted = false;
    this.setAlarm(undefined);
  }

  /** A handler begins; what it gets lasts as long as its lease. */
  begin(lease: LifeLease): WorkerTimers {
    return new LentTimers(this, lease);
  }

  /** The handler's batch is committed: what it did to timers is so. */
  commit(): void {
    if (this.touched.size === 0) return;
    for (const name of this.touched) {
      const timer = this.current(name);
      if (timer === undefined) this.schedule.delete(name);
      else this.schedule.put(timer);
    }
    this.forget();
    this.wake();
  }

  /** The handler threw: nothing that it did to timers is so. */
  rollback(): void {
    this.forget();
  }

  /** Takes out or advances a timer that is run now, and gives its arguments. Undefined if it is not as it was said to be. */
  consume(name: string, generation: string): readonly unknown[] | undefined {
    const timer = this.ofGeneration(name, generation);
    if (timer === undefined) return undefined;
    if (timer.everyMs === 0) this.cancel(name);
    else this.put({ ...timer, at: nextTime(timer, this.options.now()) });
    failpoint('worker.timer:consumed');
    return decodeValue(timer.arguments) as readonly unknown[]; // Encoded from a list.
  }

  /** Takes out a timer that killed its worker too often, for good. Whether it was there. */
  discard(name: string, generation: string): boolean {
    return this.ofGeneration(name, generation) !== undefined && this.cancel(name);
  }

  // What a handler does, by what it was lent.

  startTimer(options: unknown): void {
    const { handlers, now } = this.options;
    const timer = parseTimer(options, handlers, now());
    const isNew = this.current(timer.name) === undefined;
    if (isNew && this.schedule.size + this.added >= TIMERS_MAX) throw tooMany();
    this.put(timer);
  }

  cancel(name: unknown): boolean {
    const checked = checkTimerName(name);
    if (this.current(checked) === undefined) return false;
    this.touched.add(checked);
    this.volatile.delete(checked);
    this.stored().deleteTimer(checked);
    this.added--;
    return true;
  }

  read(name: unknown): number | undefined {
    const timer = this.current(checkTimerName(name));
    return timer && Math.max(0, timer.at - this.options.now());
  }

  names(): readonly string[] {
    const untouched = this.schedule.all().filter(({ name }) => !this.touched.has(name));
    const touched = [...this.touched].flatMap((name) => this.current(name) ?? []);
    return [...untouched, ...touched].sort(compareTimers).map(({ name }) => name);
  }

  private put(parsed: Omit<Timer, 'epoch' | 'serial'>): void {
    const { isDurable, ...timer } = { ...parsed, epoch: this.epoch, serial: ++this.lastSerial };
    this.cancel(timer.name);
    this.touched.add(timer.name);
    if (isDurable) this.stored().put({ kind: 'timer', ...timer });
    else this.volatile.set(timer.name, { ...timer, isDurable });
    this.added++;
  }

  /** The timer of a name, as the handler that has begun left it. */
  private current(name: string): Timer | undefined {
    const stored = this.table?.timer(name);
    if (stored !== undefined) return { ...stored, isDurable: true };
    if (this.touched.has(name)) return this.volatile.get(name);
    const timer = this.schedule.get(name);
    return timer?.isDurable === false ? timer : undefined;
  }

  private ofGeneration(name: string, generation: string): Timer | undefined {
    const timer = this.current(name);
    return timer !== undefined && generationOf(timer) === generation ? timer : undefined;
  }

  private stored(): LifeTable {
    invariant(this.table !== undefined, 'a worker with timers has no hidden table');
    return this.table;
  }

  private forget(): void {
    this.touched.clear();
    this.volatile.clear();
    this.added = 0;
  }

  /** Says which timers are due, and comes again when the next one is. */
  private readonly wake = (): void => {
    if (!this.isStarted) return;
    const now = this.options.now();
    for (const timer of this.schedule.announce(now)) {
      failpoint('worker.timer:due');
      const { name, handler } = timer;
      this.options.due({ name, handler, generation: generationOf(timer) });
    }
    const { nextAt } = this.schedule;
    this.setAlarm(nextAt === undefined ? undefined : Math.min(Math.max(1, Math.ceil(nextAt - now)), ALARM_MS_MAX));
  };

  private setAlarm(delayMs: number | undefined): void {
    this.options.setAlarm(delayMs, this.wake);
  }
}

/** The timers, lent to one handler. */
class LentTimers implements WorkerTimers {
  readonly #timers: Timers;
  readonly #lease: LifeLease;

  constructor(timers: Timers, lease: LifeLease) {
    this.#timers = timers;
    this.#lease = lease;
  }

  start(options: TimerOptions): void {
    this.#lease.check('timers.start');
    this.#timers.startTimer(options);
  }

  cancel(name: string): boolean {
    this.#lease.check('timers.cancel');
    return this.#timers.cancel(name);
  }

  read(name: string): number | undefined {
    this.#lease.check('timers.read');
    return this.#timers.read(name);
  }

  names(): readonly string[] {
    this.#lease.check('timers.names');
    return this.#timers.names();
  }
}

function tooMany(): WorkerError {
  const message = `The worker has ${TIMERS_MAX} timers, which are the most. Keep what is to be done in a table, and one timer for the earliest.`;
  return new WorkerError('ERR_WORKER_TIMER_LIMIT', message, { limit: TIMERS_MAX });
}
