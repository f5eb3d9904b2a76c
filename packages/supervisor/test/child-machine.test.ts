import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import { toDirectedGraph } from 'xstate/graph';
import type { ChildExit } from '../src/child-exit.js';
import {
  childLifecycleMachine,
  isDown,
  newChild,
  stepChild,
  type ChildEffect,
  type ChildEvent,
} from '../src/child-machine.js';
import { childPolicy, type ChildSpec } from '../src/child-spec.js';

const CRASH: ChildExit = { reason: 'crash', code: 1 };

class Child {
  #child;
  readonly effects: ChildEffect[] = [];

  constructor(options: Partial<ChildSpec> = {}) {
    this.#child = newChild(childPolicy({ type: 'worker', id: 'a', start: null, ...options }), 2_000);
  }

  get state(): string {
    return this.#child.state;
  }

  get incarnation(): number {
    return this.#child.context.incarnation;
  }

  get isDown(): boolean {
    return isDown(this.#child);
  }

  send(...events: ChildEvent[]): ChildEffect[] {
    const effects = events.flatMap((event) => {
      const step = stepChild(this.#child, event);
      this.#child = step.child;
      return step.effects;
    });
    this.effects.push(...effects);
    return effects;
  }

  running(): this {
    this.send({ type: 'START' }, { type: 'READY', incarnation: 1 });
    return this;
  }
}

const kinds = (effects: readonly ChildEffect[]): string[] =>
  effects.map((effect) => (effect.type === 'arm' ? `arm ${effect.timer} ${effect.delayMs}` : effect.type));

describe('a start', () => {
  test('begins a new incarnation and arms the start timeout', () => {
    const child = new Child({ startTimeoutMs: 300 });
    expect(kinds(child.send({ type: 'START' }))).toEqual(['start', 'arm start_timeout 300']);
    expect(child.incarnation).toBe(1);
    expect(kinds(child.send({ type: 'READY', incarnation: 1 }))).toEqual(['disarm', 'up']);
    expect(child.state).toBe('running');
  });

  test('fails when the child exits before it is ready', () => {
    const child = new Child();
    child.send({ type: 'START' });
    expect(child.send({ type: 'EXITED', incarnation: 1, exit: CRASH })).toContainEqual({
      type: 'down',
      cause: 'start_failed',
      exit: CRASH,
    });
    expect(child.state).toBe('failed');
  });

  test('of a child that chooses not to run has not failed (S03)', () => {
    const child = new Child();
    child.send({ type: 'START' });
    const exit: ChildExit = { reason: 'normal', ignored: true };
    expect(child.send({ type: 'EXITED', incarnation: 1, exit })).toEqual([
      { type: 'disarm' },
      { type: 'down', cause: 'ignored', exit },
    ]);
    expect(child.state).toBe('stopped');
  });

  test('that the driver reports as failed kills the child and waits for its exit', () => {
    const child = new Child();
    const error = new Error('no such table');
    child.send({ type: 'START' });
    expect(kinds(child.send({ type: 'START_FAILED', incarnation: 1, error }))).toEqual([
      'disarm',
      'kill',
      'arm kill_wait 2000',
    ]);
    expect(child.isDown).toBe(false);
    const down = child.send({ type: 'EXITED', incarnation: 1, exit: { reason: 'killed' } }).at(-1);
    expect(down).toEqual({ type: 'down', cause: 'start_failed', exit: { reason: 'killed' }, startError: error });
  });

  test('that takes too long is killed and has failed with a message that names the limit', () => {
    const child = new Child({ startTimeoutMs: 300 });
    child.send({ type: 'START' }, { type: 'TIMER', incarnation: 1, timer: 'start_timeout' });
    expect(child.state).toBe('killing');
    const down = child.send({ type: 'EXITED', incarnation: 1, exit: { reason: 'killed' } }).at(-1);
    expect(down?.type === 'down' && down.startError?.message).toContain('300 ms');
    expect(child.state).toBe('failed');
  });
});

describe('a stop', () => {
  test('asks, and kills when the shutdown time is over (S09)', () => {
    const child = new Child({ shutdown: 50 }).running();
    expect(kinds(child.send({ type: 'STOP' }))).toEqual(['stop', 'arm shutdown 50']);
    const late = child.send({ type: 'TIMER', incarnation: 1, timer: 'shutdown' });
    expect(kinds(late)).toEqual(['disarm', 'kill', 'arm kill_wait 2000']);
    expect(kinds(child.send({ type: 'EXITED', incarnation: 1, exit: { reason: 'killed' } }))).toEqual([
      'disarm',
      'down',
    ]);
    expect(child.state).toBe('stopped');
  });

  test('kills at once with brutal_kill (S09)', () => {
    const child = new Child({ shutdown: 'brutal_kill' }).running();
    expect(kinds(child.send({ type: 'STOP' }))).toEqual(['kill', 'arm kill_wait 2000']);
  });

  test('arms no deadline with infinity', () => {
    const child = new Child({ shutdown: 'infinity' }).running();
    expect(kinds(child.send({ type: 'STOP' }))).toEqual(['stop', 'disarm']);
  });

  test('of a child that is still starting is orderly too', () => {
    const child = new Child();
    child.send({ type: 'START' });
    expect(kinds(child.send({ type: 'STOP' }))).toEqual(['disarm', 'stop', 'arm shutdown 5000']);
    expect(child.send({ type: 'READY', incarnation: 1 })).toEqual([]);
  });
});

describe('a kill that is overdue', () => {
  const overdue: ChildEvent = { type: 'TIMER', incarnation: 1, timer: 'kill_wait' };

  test('is reported, and the exit is still awaited (G5)', () => {
    const child = new Child().running();
    child.send({ type: 'KILL' });
    expect(child.send(overdue)).toEqual([{ type: 'overdue' }]);
    expect(child.isDown).toBe(false);
    child.send({ type: 'EXITED', incarnation: 1, exit: { reason: 'killed' } });
    expect(child.isDown).toBe(true);
  });

  test('abandons a child that may be abandoned (G6)', () => {
    const child = new Child({ canAbandon: true }).running();
    child.send({ type: 'KILL' });
    const effects = child.send(overdue);
    expect(kinds(effects)).toEqual(['disarm', 'overdue', 'down']);
    expect(effects.at(-1)).toMatchObject({ cause: 'stopped', exit: { reason: 'killed', abandoned: true } });
    expect(child.state).toBe('stopped');
  });

  test('abandons a failed start as failed', () => {
    const child = new Child({ canAbandon: true });
    child.send({ type: 'START' }, { type: 'START_FAILED', incarnation: 1, error: new Error('x') }, overdue);
    expect(child.state).toBe('failed');
  });
});

test('an event of an earlier incarnation changes nothing', () => {
  const child = new Child().running();
  child.send({ type: 'EXITED', incarnation: 1, exit: CRASH }, { type: 'AWAIT_RESTART' }, { type: 'START' });
  expect(child.incarnation).toBe(2);
  const stale: ChildEvent[] = [
    { type: 'READY', incarnation: 1 },
    { type: 'EXITED', incarnation: 1, exit: CRASH },
    { type: 'START_FAILED', incarnation: 1, error: new Error('late') },
    { type: 'TIMER', incarnation: 1, timer: 'start_timeout' },
  ];
  expect(child.send(...stale)).toEqual([]);
  expect(child.state).toBe('starting');
});

test('whatever happens, every incarnation goes down exactly once, and no timer outlives its process', () => {
  const incarnation = fc.integer({ min: 0, max: 3 });
  const event = fc.oneof<fc.Arbitrary<ChildEvent>[]>(
    fc.constantFrom<ChildEvent>(
      { type: 'START' },
      { type: 'STOP' },
      { type: 'KILL' },
      { type: 'AWAIT_RESTART' },
      { type: 'CANCEL' },
    ),
    incarnation.map((n) => ({ type: 'READY', incarnation: n })),
    incarnation.map((n) => ({ type: 'EXITED', incarnation: n, exit: CRASH })),
    incarnation.map((n) => ({ type: 'START_FAILED', incarnation: n, error: new Error('no') })),
    fc
      .record({ n: incarnation, timer: fc.constantFrom('start_timeout', 'shutdown', 'kill_wait') })
      .map(({ n, timer }) => ({ type: 'TIMER', incarnation: n, timer })),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), fc.boolean(), (events, canAbandon) => {
      const child = new Child({ canAbandon, startTimeoutMs: 10 });
      let isArmed = false;
      let isAlive = false;
      for (const next of events) {
        for (const effect of child.send(next)) {
          if (effect.type === 'start') expect(isAlive).toBe(false);
          if (effect.type === 'down') expect(isAlive).toBe(true);
          if (effect.type === 'start') isAlive = true;
          if (effect.type === 'down') isAlive = false;
          if (effect.type === 'arm') isArmed = true;
          if (effect.type === 'disarm') isArmed = false;
        }
        expect(child.isDown).toBe(!isAlive);
        if (!isAlive) expect(isArmed).toBe(false);
      }
    }),
    { numRuns: 300 },
  );
});

describe('the machine itself', () => {
  test('can be drawn: every state but the first is reached by a transition', () => {
    const graph = toDirectedGraph(childLifecycleMachine);
    const states = graph.children.map(({ stateNode }) => stateNode.key);
    expect(states.toSorted()).toEqual(
      ['failed', 'killing', 'restarting', 'running', 'starting', 'stopped', 'stopping'].toSorted(),
    );
    const edges = graph.children.flatMap((child) => child.edges);
    const reached = new Set(edges.map(({ target }) => target.key));
    expect(states.filter((state) => !reached.has(state))).toEqual([]);
  });

  test('can be run and inspected by xstate', () => {
    const seen: unknown[] = [];
    const { context } = newChild(childPolicy({ type: 'worker', id: 'a', start: null }), 2_000);
    const actor = createActor(childLifecycleMachine, {
      input: context,
      inspect: (event) => void (event.type === '@xstate.snapshot' && seen.push(event.event.type)),
    });
    actor.start();
    for (const event of [{ type: 'START' }, { type: 'READY', incarnation: 1 }] as const) actor.send(event);
    expect(actor.getSnapshot().value).toBe('running');
    expect(seen).toEqual(['xstate.init', 'START', 'READY']);
    actor.stop();
  });
});
