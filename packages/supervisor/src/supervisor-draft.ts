/**
 * One step of a supervisor in the making: the state as it becomes, and the effects as they come up. It lives no longer than
 * the step, and decides nothing.
 */
import type { ChildReply, ChildRequest } from './child-operation.js';
import { isDown, stepChild } from './child-machine.js';
import type { RestartTally } from './restart-limit.js';
import type { ChildRecord, Round, SupervisorEffect, SupervisorState } from './supervisor-state.js';
import type { LocalEvent } from './tree-event.js';

export class SupervisorDraft<S> {
  state: SupervisorState<S>;
  readonly effects: SupervisorEffect<S>[] = [];
  readonly now: number;
  /** The restarts of the whole tree, when it has a limit. */
  tally: RestartTally | undefined;
  /** The children that this step has changed. */
  readonly touched: Set<string> = new Set();
  /** The rounds that this step has made or changed. */
  readonly fresh: Set<Round> = new Set();
  /** The list of children once this step has a copy of its own: one copy for each step, as the list may be long. */
  #children: ChildRecord<S>[] | undefined;

  constructor(state: SupervisorState<S>, now: number, tally?: RestartTally) {
    this.state = state;
    this.now = now;
    this.tally = tally;
  }

  set(change: Partial<SupervisorState<S>>): void {
    this.state = { ...this.state, ...change };
  }

  emit(event: LocalEvent): void {
    this.effects.push({ type: 'emit', event });
  }

  find(id: string): ChildRecord<S> | undefined {
    return this.state.children[this.#placeOf(id)];
  }

  ids(): string[] {
    return this.state.children.map((child) => child.spec.id);
  }

  /** Puts the record in the place of that with its id. */
  put(record: ChildRecord<S>): void {
    const place = this.#placeOf(record.spec.id);
    this.#ownChildren()[place] = record;
    this.touched.add(record.spec.id);
  }

  append(record: ChildRecord<S>): void {
    const children = this.#ownChildren();
    children.push(record);
    this.touched.add(record.spec.id);
    this.state.index.appended(children, record.spec.id);
  }

  /** Whether nothing is kept of the child once it is down for good: it is temporary, or an instance. */
  isFleeting({ lifecycle }: ChildRecord<S>): boolean {
    return lifecycle.context.policy.restart === 'temporary' || this.state.spec.strategy === 'simple_one_for_one';
  }

  /** Forgets the child, its spec and all. */
  remove(id: string): void {
    const place = this.#placeOf(id);
    if (place !== -1) {
      const children = this.#ownChildren();
      children.splice(place, 1);
      this.state.index.removed(children, id);
    }
    this.touched.add(id);
    this.dropStart(id);
  }

  #placeOf(id: string): number {
    return this.state.index.placeOf(this.state.children, id);
  }

  #ownChildren(): ChildRecord<S>[] {
    if (this.#children === undefined) {
      this.#children = this.state.children.slice();
      this.state.index.moved(this.state.children, this.#children);
      this.set({ children: this.#children });
    }
    return this.#children;
  }

  /** Takes note that a child that is down waits to be restarted, or does so no more. */
  mark(id: string, type: 'AWAIT_RESTART' | 'CANCEL'): void {
    const record = this.find(id);
    if (record === undefined || !isDown(record.lifecycle)) return;
    // Without a process there is nothing to be done: these events have no effects.
    this.put({ ...record, lifecycle: stepChild(record.lifecycle, { type }).child });
  }

  addRound(round: Round): void {
    this.fresh.add(round);
    this.set({ rounds: [...this.state.rounds, round] });
  }

  replaceRound(round: Round, by: Round | undefined): void {
    if (by !== undefined) this.fresh.add(by);
    const rounds = this.state.rounds.flatMap((other) => (other === round ? (by ?? []) : other));
    this.set({ rounds });
  }

  /** Takes the child out of everything that is to be started. */
  dropStart(id: string): void {
    const without = (round: Round): Round => {
      const left = { ...round, start: round.start.filter((other) => other !== id) };
      this.fresh.add(left);
      return left;
    };
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
