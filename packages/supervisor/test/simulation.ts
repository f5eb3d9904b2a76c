/**
 * One supervisor of workers under simulation: the pure core, with children that exist only as entries of a map. Effects are
 * recorded as the log lines `start a`, `stop a`, `kill a`, and checked against the invariants of supervisor-core.ts.
 */
import { expect } from 'vitest';
import type { ChildExit } from '../src/child-exit.js';
import type { ChildEvent, ChildTimer } from '../src/child-machine.js';
import type { ChildOperation, ChildReply } from '../src/child-operation.js';
import type { ChildSpec, SupervisorSpec } from '../src/child-spec.js';
import type { SupervisorError } from '../src/errors.js';
import { stepSupervisor } from '../src/supervisor-core.js';
import {
  newSupervisor,
  type SupervisorEffect,
  type SupervisorEvent,
  type SupervisorState,
} from '../src/supervisor-state.js';
import type { LocalEvent } from '../src/tree-event.js';

export function workerSpec(id: string, options: Partial<ChildSpec<string>> = {}): ChildSpec<string> {
  return { type: 'worker', id, start: id, ...options };
}

export function supervisorSpec(
  children: SupervisorSpec<string>['children'],
  options: Partial<SupervisorSpec<string>> = {},
): SupervisorSpec<string> {
  return { type: 'supervisor', id: 'sup', strategy: 'one_for_one', children, ...options };
}

export class Simulation {
  state: SupervisorState<string>;
  now = 0;
  readonly log: string[] = [];
  readonly events: LocalEvent[] = [];
  readonly alive = new Map<string, number>();
  readonly timers = new Map<string, { timer: ChildTimer; incarnation: number; delayMs: number }>();
  readonly retries: { id: string; incarnation: number | undefined; delayMs: number }[] = [];
  /** When each restart was decided upon. */
  readonly restartTimes: number[] = [];
  readonly replies = new Map<number, ChildReply>();
  isUp = false;
  outcome: { error?: SupervisorError } | undefined;
  #requests = 0;
  readonly #incarnations = new Map<string, number>();

  constructor(spec: SupervisorSpec<string>) {
    this.state = newSupervisor(spec, { killWaitMs: 2_000 });
  }

  send(event: SupervisorEvent<string>): void {
    const before = this.state;
    const { state, effects } = stepSupervisor(before, event, this.now);
    this.state = state;
    if (isCounted(before, event, effects)) this.restartTimes.push(this.now);
    for (const effect of effects) {
      if (effect.type !== 'reply') expect(this.outcome, 'ended is the last effect').toBeUndefined();
      switch (effect.type) {
        case 'start_child':
          expect(this.alive.has(effect.spec.id), `two live incarnations of ${effect.spec.id}`).toBe(false);
          this.alive.set(effect.spec.id, effect.incarnation);
          this.#incarnations.set(effect.spec.id, effect.incarnation);
          this.log.push(`start ${effect.spec.id}`);
          break;
        case 'stop_child':
          this.log.push(`stop ${effect.id}`);
          break;
        case 'kill_child':
          this.log.push(`kill ${effect.id}`);
          break;
        case 'arm':
          this.timers.set(effect.id, effect);
          break;
        case 'disarm':
          this.timers.delete(effect.id);
          break;
        case 'post_retry':
          this.retries.push(effect);
          break;
        case 'emit':
          this.events.push(effect.event);
          break;
        case 'up':
          this.isUp = true;
          break;
        case 'ended':
          expect(this.alive.size, 'every child is down at the end').toBe(0);
          expect(this.timers.size, 'no timer is armed at the end').toBe(0);
          this.outcome = effect.error === undefined ? {} : { error: effect.error };
          break;
        case 'reply':
          expect(this.replies.has(effect.request), 'every request is answered once').toBe(false);
          this.replies.set(effect.request, effect.reply);
          break;
        case 'release_child':
          break;
      }
    }
  }

  /** Asks for an operation, and gives back the answer, if there is one already. */
  ask(operation: ChildOperation<string>): () => ChildReply | undefined {
    const request = (this.#requests += 1);
    this.send({ type: 'request', request, operation });
    return () => this.replies.get(request);
  }

  child(id: string, event: ChildEvent): void {
    this.send({ type: 'child', id, event });
  }

  /** The last incarnation of a child of this id, forgotten or not. */
  lastIncarnation(id: string): number {
    return this.#incarnations.get(id) ?? 0;
  }

  incarnation(id: string): number {
    const child = this.state.children.find(({ spec }) => spec.id === id);
    return child?.lifecycle.context.incarnation ?? 0;
  }

  ready(id: string): void {
    this.child(id, { type: 'READY', incarnation: this.incarnation(id) });
  }

  exit(id: string, reason: ChildExit['reason'] = 'crash', more: Partial<ChildExit> = {}): void {
    const incarnation = this.alive.get(id) ?? this.incarnation(id);
    this.alive.delete(id);
    this.child(id, { type: 'EXITED', incarnation, exit: { reason, ...more } });
  }

  /** Fires the timer that is armed for the child. */
  fire(id: string): void {
    const armed = this.timers.get(id);
    if (armed === undefined) throw new Error(`No timer is armed for ${id}.`);
    this.child(id, { type: 'TIMER', timer: armed.timer, incarnation: armed.incarnation });
  }

  /** Takes the oldest retry from the queue. */
  retry(): void {
    const next = this.retries.shift();
    if (next === undefined) throw new Error('No retry was posted.');
    this.send({ type: 'retry', id: next.id, incarnation: next.incarnation });
  }

  /** Starts it and brings every child up. */
  up(): this {
    this.send({ type: 'start' });
    for (const { spec } of this.state.children) this.ready(spec.id);
    expect(this.isUp).toBe(true);
    return this;
  }

  /** Forgets what was logged so far, and gives it back. */
  takeLog(): string[] {
    return this.log.splice(0);
  }
}

/** Whether a step decided upon a restart that counts: after an exit, or when a failed one is tried again. */
function isCounted(
  before: SupervisorState<string>,
  event: SupervisorEvent<string>,
  effects: readonly SupervisorEffect<string>[],
): boolean {
  const events = effects.flatMap((effect) => (effect.type === 'emit' ? [effect.event] : []));
  if (event.type === 'retry') {
    const isTry = before.rounds.some(({ pause }) => pause?.id === event.id && pause.failure !== undefined);
    return isTry && effects.length > 0 && events.every(({ type }) => type !== 'supervisor_gave_up');
  }
  const has = (type: LocalEvent['type'], id: string): boolean =>
    events.some((candidate) => candidate.type === type && 'id' in candidate && candidate.id === id);
  if (event.type !== 'child' || event.event.type !== 'EXITED' || event.event.exit.counted === false) return false;
  return has('child_exited', event.id) && has('child_restarting', event.id);
}
