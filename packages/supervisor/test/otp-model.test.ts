/**
 * The decisions of a supervisor against a model of OTP's (otp-model.ts): random children of every strategy, random exits, starts
 * that fail or choose not to run, retries, and requests, on a virtual clock. After each command both must have logged the same
 * starts and terminations, in the same order, and show the same children, states and answers.
 *
 * Children obey at once here, as OTP waits for them; what else may happen while they do not is in
 * supervisor-core.property.test.ts.
 *
 * Mutations that make this fail, each tried: rest_for_one begins one child later; stops are in start order; the kinds of
 * auto-shutdown are swapped, or children that are down are counted; a restart exactly a period old does not count; one more or one
 * less is allowed; a retry is not counted, or is counted when its start fails; a terminated child's round stays, or goes on; a
 * sibling that is down is shown as restarting; a place is believed unseen.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChildExit } from '../src/child-exit.js';
import type { ChildOperation, ChildReply } from '../src/child-operation.js';
import type { ChildSpec, Strategy } from '../src/child-spec.js';
import { stepSupervisor } from '../src/supervisor-core.js';
import {
  newSupervisor,
  type SupervisorEffect,
  type SupervisorEvent,
  type SupervisorState,
} from '../src/supervisor-state.js';
import { OtpModel, type ModelChild, type ModelOptions, type ModelReason, type ModelStart } from './otp-model.js';

type Child = Omit<ModelChild, 'process'>;

const specOf = (child: Child): ChildSpec<null> => ({ type: 'worker', start: null, ...child });

/** The real decisions, with children that obey at once. */
class Real {
  state: SupervisorState<null>;
  now = 0;
  log: string[] = [];
  readonly starts = new Map<string, ModelStart[]>();
  readonly #alive = new Map<string, number>();
  readonly #events: SupervisorEvent<null>[] = [];
  readonly #retries: string[] = [];
  readonly #incarnations = new Map<string, number>();
  #reply: ChildReply | undefined;

  constructor(options: ModelOptions, children: readonly Child[]) {
    const isSimple = options.strategy === 'simple_one_for_one';
    const template: Child = { id: 'template', restart: children[0]?.restart ?? 'permanent', significant: false };
    const specs = (isSimple ? [template] : children).map(specOf);
    this.state = newSupervisor({ type: 'supervisor', id: 's', ...options, children: specs }, { killWaitMs: 1 });
    this.send({ type: 'start' });
  }

  send(event: SupervisorEvent<null>): void {
    this.#events.push(event);
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      const { state, effects } = stepSupervisor(this.state, next, this.now);
      this.state = state;
      for (const effect of effects) this.#carryOut(effect);
    }
  }

  exit(id: string, exit: ChildExit): void {
    const incarnation = this.#alive.get(id);
    if (incarnation === undefined) return;
    this.#alive.delete(id);
    this.send({ type: 'child', id, event: { type: 'EXITED', incarnation, exit } });
  }

  retry(): void {
    const retry = this.#retries.shift();
    if (retry !== undefined) this.send({ type: 'retry', id: retry, incarnation: undefined });
  }

  ask(operation: ChildOperation<null>): string {
    this.#reply = undefined;
    this.send({ type: 'request', request: 1, operation });
    const reply = this.#reply as ChildReply | undefined; // It is set while the event is taken.
    if (reply === undefined) return 'no answer';
    if (reply.type === 'refused') return reply.reason;
    return { started: 'up', ignored: 'ignore', start_failed: 'fail', done: 'done' }[reply.type];
  }

  lastIncarnation(id: string): number {
    return this.#incarnations.get(id) ?? 0;
  }

  #carryOut(effect: SupervisorEffect<null>): void {
    if (effect.type === 'reply') this.#reply = effect.reply;
    if (effect.type === 'post_retry') this.#retries.push(effect.id);
    if (effect.type === 'stop_child') {
      this.log.push(`terminate ${effect.id}`);
      const incarnation = this.#alive.get(effect.id);
      if (incarnation === undefined) throw new Error(`${effect.id} is stopped and does not live.`);
      this.#alive.delete(effect.id);
      const event = { type: 'EXITED', incarnation, exit: { reason: 'shutdown' } } as const;
      this.#events.push({ type: 'child', id: effect.id, event });
    }
    if (effect.type === 'start_child') this.#start(effect.spec.id, effect.incarnation);
  }

  #start(id: string, incarnation: number): void {
    if (this.#alive.has(id)) throw new Error(`${id} has two live incarnations.`);
    this.#incarnations.set(id, incarnation);
    const outcome = this.starts.get(id)?.shift() ?? 'up';
    this.log.push(outcome === 'up' ? `start ${id}` : `${outcome} ${id}`);
    if (outcome === 'up') {
      this.#alive.set(id, incarnation);
      this.#events.push({ type: 'child', id, event: { type: 'READY', incarnation } });
      return;
    }
    const exit: ChildExit = outcome === 'fail' ? { reason: 'crash' } : { reason: 'normal', ignored: true };
    this.#events.push({ type: 'child', id, event: { type: 'EXITED', incarnation, exit } });
  }
}

const STATES = { up: 'running', down: 'stopped', restarting: 'restarting' } as const;

/** Does the same to both, and compares them. */
class Command implements fc.Command<OtpModel, Real> {
  readonly #words: string;
  readonly #act: (model: OtpModel, real: Real) => void;

  constructor(words: string, act: (model: OtpModel, real: Real) => void) {
    this.#words = words;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  run(model: OtpModel, real: Real): void {
    this.#act(model, real);
    const isSimple = model.options.strategy === 'simple_one_for_one';
    // Instances are stopped in no particular order.
    const logs = [real.log, model.log].map((log) => (isSimple ? log.toSorted() : log));
    expect(logs[0]).toEqual(logs[1]);
    expect(real.state.phase).toBe(model.isAlive ? 'running' : 'ended');
    if (!model.isAlive) return;
    const restarting = model.children.filter(({ process }) => process === 'restarting').map((child) => child.id);
    const paused = real.state.rounds.map(({ pause }) => pause?.id ?? 'not paused');
    expect(new Set(paused)).toEqual(new Set(restarting));
    expect(real.state.waiting).toEqual([]);
    const children = real.state.children.map(({ spec, lifecycle }) => [spec.id, lifecycle.state]);
    expect(children).toEqual(model.children.map(({ id, process }) => [id, STATES[process]]));
  }

  toString(): string {
    return this.#words;
  }
}

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const id = fc.constantFrom(...IDS);
const restart = fc.constantFrom('permanent' as const, 'transient' as const, 'temporary' as const);
const reason = fc.constantFrom<ModelReason>('normal', 'shutdown', 'crash', 'killed');
const outcome = fc.constantFrom<ModelStart>('fail', 'fail', 'ignore', 'up');

/** One of the children that are there, by number. */
const which = fc.nat({ max: 5 });
const pick = (children: readonly ModelChild[], number: number): string =>
  children.length === 0 ? 'nobody' : (children[number % children.length]?.id ?? 'nobody');

const exits = fc.tuple(which, reason).map(
  ([number, why]) =>
    new Command(`exit ${number} ${why}`, (model, real) => {
      const child = pick(
        model.children.filter(({ process }) => process === 'up'),
        number,
      );
      model.exit(child, why);
      real.exit(child, { reason: why });
    }),
);
const plans = fc.tuple(id, fc.array(outcome, { minLength: 1, maxLength: 4 })).map(
  ([child, starts]) =>
    new Command(`plan ${child} ${starts.join(' ')}`, (model, real) => {
      model.starts.set(child, [...starts]);
      real.starts.set(child, [...starts]);
    }),
);
const retries = fc.constant(
  new Command('retry', (model, real) => {
    model.retry();
    real.retry();
  }),
);
/** Half a period, a whole one, and a little more. */
const waits = fc.constantFrom(1, 50, 50, 100, 101).map(
  (ms) =>
    new Command(`wait ${ms}`, (model, real) => {
      model.now += ms;
      real.now += ms;
    }),
);
const requests = fc
  .record({
    type: fc.constantFrom('terminate_child' as const, 'restart_child' as const, 'delete_child' as const),
    among: fc.constantFrom('all' as const, 'restarting' as const, 'down' as const),
    number: which,
  })
  .map(
    ({ type, among, number }) =>
      new Command(`${type} ${number} of ${among}`, (model, real) => {
        const child = pick(
          model.children.filter(({ process }) => among === 'all' || process === among),
          number,
        );
        const asked = {
          terminate_child: (name: string) => model.terminateChild(name),
          restart_child: (name: string) => model.restartChild(name),
          delete_child: (name: string) => model.deleteChild(name),
        };
        const expected = asked[type](child);
        expect(real.ask({ type, id: child })).toBe(expected);
      }),
  );
const starts = fc.record({ id, restart, significant: fc.constant(false) }).map(
  (child) =>
    new Command(`start ${child.id} ${child.restart}`, (model, real) => {
      const lastIncarnation = real.lastIncarnation(child.id);
      if (model.options.strategy === 'simple_one_for_one') {
        const template = real.state.spec.children[0]?.restart ?? 'permanent';
        const expected = model.startChild({ ...child, restart: template });
        expect(real.ask({ type: 'start_instance', id: child.id, args: [], lastIncarnation })).toBe(expected);
        return;
      }
      const expected = model.startChild(child);
      expect(real.ask({ type: 'start_child', spec: specOf(child), lastIncarnation })).toBe(expected);
    }),
);
const stops = fc.constant(
  new Command('stop', (model, real) => {
    model.stop();
    real.send({ type: 'stop' });
  }),
);

const supervisors = (strategy: Strategy) =>
  fc.record({
    options: fc.record({
      strategy: fc.constant(strategy),
      intensity: fc.integer({ min: 0, max: 6 }),
      periodMs: fc.constant(100),
      autoShutdown:
        strategy === 'simple_one_for_one'
          ? fc.constant('never' as const)
          : fc.constantFrom('never' as const, 'any_significant' as const, 'all_significant' as const),
      childrenMax: fc.integer({ min: 4, max: 6 }),
    }),
    children: fc.array(fc.record({ restart, significant: fc.boolean() }), {
      minLength: 1,
      maxLength: 4,
    }),
  });

const commands = fc.commands(
  [exits, exits, exits, plans, plans, retries, retries, waits, requests, requests, starts, stops],
  {
    size: 'large',
    maxCommands: 40,
  },
);

test.each(['one_for_one', 'one_for_all', 'rest_for_one', 'simple_one_for_one'] as const)(
  '%s decides as the model does',
  { timeout: 60_000 },
  (strategy) => {
    fc.assert(
      fc.property(supervisors(strategy), commands, ({ options, children }, cmds) => {
        fc.modelRun(() => {
          const named = children.map((child, place): Child => ({ id: IDS[place] ?? '', ...child }));
          const initial = strategy === 'simple_one_for_one' ? [] : named;
          return { model: new OtpModel(options, initial), real: new Real(options, named) };
        }, cmds);
      }),
      { numRuns: 600 },
    );
  },
);
