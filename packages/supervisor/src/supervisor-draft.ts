/**
 * One step of a supervisor in the making: the state as it becomes, and the effects as they come up. It lives no longer than
 * the step, and decides nothing.
 */
import type { ChildReply, ChildRequest } from './child-operation.js';
import { isDown, stepChild } from './child-machine.js';
import type { ChildRecord, Round, SupervisorEffect, SupervisorState } from './supervisor-state.js';
import type { LocalEvent } from './tree-event.js';

export class SupervisorDraft<S> {
  state: SupervisorState<S>;
  readonly effects: SupervisorEffect<S>[] = [];
  readonly now: number;

  constructor(state: SupervisorState<S>, now: number) {
    this.state = state;
    this.now = now;
  }

  set(change: Partial<SupervisorState<S>>): void {
    this.state = { ...this.state, ...change };
  }

  emit(event: LocalEvent): void {
    this.effects.push({ type: 'emit', event });
  }

  find(id: string): ChildRecord<S> | undefined {
    return this.state.children[placeOf(this.state, id)];
  }

  ids(): string[] {
    return this.state.children.map((child) => child.spec.id);
  }

  /** Puts the record in the place of that with its id. */
  put(record: ChildRecord<S>): void {
    const children = this.state.children.slice();
    children[placeOf(this.state, record.spec.id)] = record;
    this.set({ children });
  }

  append(record: ChildRecord<S>): void {
    this.set({ children: [...this.state.children, record] });
  }

  /** Whether nothing is kept of the child once it is down for good: it is temporary, or an instance. */
  isFleeting({ lifecycle }: ChildRecord<S>): boolean {
    return lifecycle.context.policy.restart === 'temporary' || this.state.spec.strategy === 'simple_one_for_one';
  }

  /** Forgets the child, its spec and all. */
  remove(id: string): void {
    const place = placeOf(this.state, id);
    if (place !== -1) this.set({ children: this.state.children.toSpliced(place, 1) });
    this.dropStart(id);
  }

  /** Takes note that a child that is down waits to be restarted, or does so no more. */
  mark(id: string, type: 'AWAIT_RESTART' | 'CANCEL'): void {
    const record = this.find(id);
    if (record === undefined || !isDown(record.lifecycle)) return;
    // Without a process there is nothing to be done: these events have no effects.
    this.put({ ...record, lifecycle: stepChild(record.lifecycle, { type }).child });
  }

  addRound(round: Round): void {
    this.set({ rounds: [...this.state.rounds, round] });
  }

  replaceRound(round: Round, by: Round | undefined): void {
    const rounds = this.state.rounds.flatMap((other) => (other === round ? (by ?? []) : other));
    this.set({ rounds });
  }

  /** Takes the child out of everything that is to be started. */
  dropStart(id: string): void {
    const without = (round: Round): Round => ({ ...round, start: round.start.filter((other) => other !== id) });
    this.set({ rounds: this.state.rounds.map((round) => (round.start.includes(id) ? without(round) : round)) });
  }

  /** Whether a round is going to stop the child, so that its end is not its own doing. */
  isToStop(id: string): boolean {
    return this.state.rounds.some((round) => round.stop.includes(id));
  }

  isToStart(id: string): boolean {
    return this.state.rounds.some((round) => round.start.includes(id));
  }

  /** The request that has the child started and is not answered yet. */
  startRequest(id: string): Round | undefined {
    return this.state.rounds.find((round) => round.kind === 'request' && round.start[0] === id);
  }

  reply({ request }: Pick<ChildRequest, 'request'>, reply: ChildReply): void {
    this.effects.push({ type: 'reply', request, reply });
  }
}

/** Where the child is in the list, or -1. Its last known place is looked at first; removals only move it towards the start. */
function placeOf<S>({ children, places }: SupervisorState<S>, id: string): number {
  const known = Math.min(places.get(id) ?? children.length, children.length - 1);
  for (let place = known; place >= 0; place -= 1) {
    if (children[place]?.spec.id !== id) continue;
    places.set(id, place);
    return place;
  }
  const place = children.findIndex((child) => child.spec.id === id);
  if (place === -1) places.delete(id);
  else places.set(id, place);
  return place;
}
