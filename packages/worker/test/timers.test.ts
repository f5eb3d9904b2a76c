/**
 * Timers of an incarnation on a clock of the test: against a model, over lives that end between any two of its batches (G3).
 *
 * Mutations that make this fail: `consume` does not remove a timer, or does not advance it; a handler that threw leaves its timer;
 * `rollback` keeps what was staged; the schedule is not updated for a name that was replaced; generations are not compared; a
 * repetition is planned from the time at which it ran.
 */
import { row, table } from '@heirloom/tables';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defineWorker } from '../src/definition.js';
import { LIFE_TABLE_NAME } from '../src/life-table.js';
import { TIMERS_MAX, TIMER_ARGUMENT_BYTES_MAX } from '../src/timer.js';
import type { TimerOptions, WorkerTimers } from '../src/timer.js';
import { ANNOUNCED_MAX } from '../src/timer-schedule.js';
import { ALARM_MS_MAX } from '../src/timers.js';
import { Harness, settled } from './incarnation-harness.js';
import { StoredTables } from './stored-tables.js';

type Step = (timers: WorkerTimers) => unknown;

/** What a test tells the worker to do, which is in its process. */
interface Script {
  readonly steps: Step[];
  readonly fired: unknown[][];
}

function clockWorker(script: Script) {
  return defineWorker({
    tables: { notes: table({ row: row<{ id: string; n: number }>(), key: 'id' }) },
    timers: {
      fire(_context, ...args: unknown[]) {
        script.fired.push(args);
      },
      async fail({ tables }, ...args: unknown[]) {
        script.fired.push(args);
        tables.notes.insert({ id: 'ghost', n: 1 });
        await Promise.resolve();
        throw new RangeError('on purpose');
      },
    },
    calls: {
      step({ timers }) {
        return script.steps.shift()?.(timers);
      },
      notes({ tables }) {
        return tables.notes.size;
      },
    },
  });
}

/** A worker over several lives, with the router and the keeper that it needs. */
class Life {
  readonly script: Script = { steps: [], fired: [] };
  readonly store = new StoredTables(['notes', LIFE_TABLE_NAME]);
  clock = 1_000;
  harness: Harness;
  /** Batches of this life that are stored. */
  #stored = 0;
  /** What the router was told, and has not sent. */
  #due: Harness['due'] = [];
  #seen = 0;
  #epoch = 0;

  constructor() {
    this.harness = this.#begin();
  }

  #begin(): Harness {
    const harness = new Harness(clockWorker(this.script), this.store.reader);
    harness.clock = this.clock;
    this.#stored = 0;
    this.#seen = 0;
    harness.activate(this.store.isInitialized, this.store.grants, ++this.#epoch);
    return harness;
  }

  /** The process dies: what it has in its journal is stored or not. */
  async crash(isStored: boolean, isDueKept: boolean = true): Promise<void> {
    await settled();
    if (!isDueKept) this.#due = [];
    if (isStored) this.keep();
    this.harness = this.#begin();
    await this.release();
  }

  private keep(): void {
    for (const batch of this.harness.journal.slice(this.#stored)) this.store.commit(batch);
    this.#stored = this.harness.journal.length;
  }

  async release(): Promise<void> {
    await settled();
    this.keep();
    this.harness.releaseAll();
    await settled();
    this.#due.push(...this.harness.due.slice(this.#seen));
    this.#seen = this.harness.due.length;
  }

  /** A handler runs the step; resolves with what it gave, or rejects. */
  async run(step: Step): Promise<unknown> {
    this.script.steps.push(step);
    const call = this.harness.call('step');
    await this.release();
    const outcome = this.harness.outcome(call);
    if (outcome?.error !== undefined) throw outcome.error;
    return outcome?.value;
  }

  /** A handler runs the step, and the process dies before its batch is stored. */
  async lose(step: Step): Promise<void> {
    this.script.steps.push(step);
    this.harness.call('step');
    await this.crash(false);
  }

  /** Sets the clock; whatever alarm is due rings. */
  async at(time: number): Promise<void> {
    this.clock = time;
    this.harness.clock = time;
    for (;;) {
      const { alarm } = this.harness;
      if (alarm === undefined || alarm.at > time) break;
      this.harness.alarm = undefined;
      alarm.task();
    }
    await this.release();
  }

  /** The router makes the calls for what it was told, until nothing is due. */
  async drain(): Promise<void> {
    while (this.#due.length > 0) {
      for (const { name, handler, generation } of this.#due.splice(0)) {
        this.harness.call(`$timer.${handler}`, name, generation);
        await settled();
      }
      await this.release();
    }
  }
}

interface ModelTimer {
  readonly name: string;
  readonly handler: string;
  at: number;
  readonly everyMs: number;
  readonly isDurable: boolean;
  started: number;
}

/** The simplest thing that could be right. */
class Model {
  timers = new Map<string, ModelTimer>();
  #started = 0;

  start({ name, handler, afterMs = 0, everyMs = 0, survives }: TimerOptions, now: number): void {
    const isDurable = survives !== 'nothing';
    this.timers.set(name, { name, handler, at: now + afterMs, everyMs, isDurable, started: ++this.#started });
  }

  ordered(): ModelTimer[] {
    return [...this.timers.values()].sort((one, other) => one.at - other.at || one.started - other.started);
  }

  /** Fires what is due, and gives the names in order. */
  fire(now: number): string[] {
    const due = this.ordered().filter(({ at }) => at <= now);
    for (const timer of due) {
      if (timer.everyMs === 0) this.timers.delete(timer.name);
      else {
        while (timer.at <= now) timer.at += timer.everyMs;
        timer.started = ++this.#started;
      }
    }
    return due.map(({ name }) => name);
  }

  crash(): void {
    for (const { name, isDurable } of this.timers.values()) if (!isDurable) this.timers.delete(name);
  }

  copy(): Map<string, ModelTimer> {
    return new Map(Array.from(this.timers, ([name, timer]) => [name, { ...timer }]));
  }
}

const arbitraryOptions: fc.Arbitrary<TimerOptions> = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    handler: fc.constantFrom('fire', 'fire', 'fail'),
    afterMs: fc.integer({ min: 0, max: 50 }),
    everyMs: fc.integer({ min: 1, max: 30 }),
    survives: fc.constantFrom('crash', 'crash', 'nothing'),
  },
  { requiredKeys: ['name', 'handler', 'afterMs'] },
);
const operation = fc.oneof(
  fc.record({ kind: fc.constant('start'), options: arbitraryOptions }),
  fc.record({ kind: fc.constant('cancel'), name: fc.constantFrom('a', 'b', 'c', 'd', 'e') }),
);
const operations = fc.array(operation, { minLength: 1, maxLength: 4 });
const command = fc.oneof(
  fc.record({ kind: fc.constant('handler'), operations, ending: fc.constantFrom('ok', 'ok', 'ok', 'throws', 'lost') }),
  // The router may be slow, so that what is due is replaced, taken back or told of again meanwhile.
  fc.record({ kind: fc.constant('wait'), ms: fc.integer({ min: 0, max: 40 }), isRouterSlow: fc.boolean() }),
  fc.record({ kind: fc.constant('crash'), isDueKept: fc.boolean() }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

function apply(model: Model, operation: Operation, now: number): boolean | undefined {
  if (operation.kind === 'cancel') return model.timers.delete(operation.name);
  model.start(operation.options, now);
  return undefined;
}

function act(timers: WorkerTimers, operation: Operation): boolean | undefined {
  if (operation.kind === 'cancel') return timers.cancel(operation.name);
  timers.start({ ...operation.options, args: [operation.options.name] });
  return undefined;
}

async function play(life: Life, model: Model, command: Command): Promise<void> {
  if (command.kind === 'wait') {
    await life.at(life.clock + command.ms);
    if (command.isRouterSlow) return;
    await life.drain();
    expect(life.script.fired.splice(0).flat()).toEqual(model.fire(life.clock));
  } else if (command.kind === 'crash') {
    await life.crash(true, command.isDueKept);
    model.crash();
    await life.drain();
    expect(life.script.fired.splice(0).flat()).toEqual(model.fire(life.clock));
  } else await playHandler(life, model, command);
}

async function playHandler(
  life: Life,
  model: Model,
  { operations: list, ending }: Extract<Command, { kind: 'handler' }>,
): Promise<void> {
  const before = model.copy();
  const expected = list.map((each) => apply(model, each, life.clock));
  const names = model.ordered().map(({ name }) => name);
  const step: Step = (timers) => {
    const results = list.map((each) => act(timers, each));
    const seen = { results, names: timers.names(), read: timers.read('a') };
    if (ending === 'throws') throw new RangeError('on purpose');
    return seen;
  };
  const a = model.timers.get('a');
  if (ending === 'ok') {
    const read = a && Math.max(0, a.at - life.clock);
    await expect(life.run(step)).resolves.toEqual({ results: expected, names, read });
  } else {
    model.timers = before;
    if (ending === 'throws') await expect(life.run(step)).rejects.toThrow('on purpose');
    else {
      await life.lose(step);
      model.crash();
    }
  }
  await life.drain();
  expect(life.script.fired.splice(0).flat()).toEqual(model.fire(life.clock));
}

describe('timers', () => {
  test('do what a simple model does, over handlers that throw and lives that end (G2, G3)', async () => {
    const property = fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
      const life = new Life();
      await life.release();
      const model = new Model();
      for (const each of [...commands, { kind: 'wait', ms: 0, isRouterSlow: false } as const])
        await play(life, model, each);
      const names = await life.run((timers) => timers.names());
      expect(names).toEqual(model.ordered().map(({ name }) => name));
      // What a timer's handler did before it threw is undone.
      const call = life.harness.call('notes');
      await settled();
      expect(life.harness.outcome(call)?.value).toBe(0);
    });
    await fc.assert(property, { numRuns: 150 });
  });

  test('fire when they are due, those of one time in the order of their start, with their arguments', async () => {
    const life = new Life();
    await life.release();
    await life.run((timers) => {
      timers.start({ name: 'third', handler: 'fire', afterMs: 20, args: ['third', { a: 1n }] });
      timers.start({ name: 'first', handler: 'fire', at: 1_010, args: ['first'] });
      timers.start({ name: 'second', handler: 'fire', at: 1_010 });
    });
    await life.at(1_009);
    await life.drain();
    expect(life.script.fired).toEqual([]);
    await life.at(1_020);
    await life.drain();
    expect(life.script.fired).toEqual([['first'], [], ['third', { a: 1n }]]);
  });

  test('that were missed for a long time fire once, and go on by their plan', async () => {
    const life = new Life();
    await life.release();
    await life.run((timers) => timers.start({ name: 'tick', handler: 'fire', at: 1_005, everyMs: 10 }));
    await life.at(1_057);
    await life.drain();
    expect(life.script.fired.length).toBe(1);
    await expect(life.run((timers) => timers.read('tick'))).resolves.toBe(1_065 - 1_057);
  });

  test('far ahead are waited for in pieces, so that a clock that is set is noticed', async () => {
    const life = new Life();
    await life.release();
    const year = 365 * 86_400_000;
    await life.run((timers) => timers.start({ name: 'far', handler: 'fire', afterMs: year }));
    expect(life.harness.alarm?.at).toBe(1_000 + ALARM_MS_MAX);
    // The clock is set while nothing rings.
    life.harness.clock = 1_000 + year;
    life.harness.alarm?.task();
    await life.release();
    await life.drain();
    expect(life.script.fired.length).toBe(1);
  });

  test('that are due together are said to the router a few at a time', async () => {
    const life = new Life();
    await life.release();
    const names = Array.from({ length: 3 * ANNOUNCED_MAX }, (_, index) => `t${index}`);
    await life.run((timers) => {
      for (const name of names) timers.start({ name, handler: 'fire', afterMs: 1, args: [name] });
    });
    await life.at(1_001);
    expect(life.harness.due.length).toBe(ANNOUNCED_MAX);
    await life.drain();
    expect(life.script.fired.flat()).toEqual(names);
  });

  test('that are replaced while they are on their way make room for others', async () => {
    const life = new Life();
    await life.release();
    const again: Step = (timers) => timers.start({ name: 'again', handler: 'fire', afterMs: 0, args: ['again'] });
    // The router makes no call meanwhile.
    for (let count = 0; count <= 2 * ANNOUNCED_MAX; count++) await life.run(again);
    await life.drain();
    expect(life.script.fired).toEqual([['again']]);
  });

  test('have limits, which the handler meets (G9)', async () => {
    const life = new Life();
    await life.release();
    await life.run((timers) => {
      for (let index = 0; index < TIMERS_MAX; index++) {
        const survives = index % 2 === 0 ? 'nothing' : 'crash';
        timers.start({ name: `t${index}`, handler: 'fire', afterMs: 1_000, survives });
      }
    });
    const more = (name: string, args: unknown[] = []): Promise<unknown> =>
      life.run((timers) => timers.start({ name, handler: 'fire', afterMs: 1, args }));
    await expect(more('one more')).rejects.toMatchObject({ code: 'ERR_WORKER_TIMER_LIMIT' });
    const large = ['x'.repeat(TIMER_ARGUMENT_BYTES_MAX)];
    await expect(more('t1', large)).rejects.toMatchObject({ code: 'ERR_WORKER_TIMER_LIMIT' });
    await expect(more('t1')).resolves.toBeUndefined();
  });

  test('are not to be used when the handler has settled', async () => {
    const life = new Life();
    await life.release();
    let kept: WorkerTimers | undefined;
    await life.run((timers) => {
      kept = timers;
    });
    expect(() => kept?.names()).toThrow(expect.objectContaining({ code: 'ERR_TABLE_CLOSED' }));
    expect(() => kept?.start({ name: 'x', handler: 'fire', afterMs: 1 })).toThrow(/had settled/);
  });
});
