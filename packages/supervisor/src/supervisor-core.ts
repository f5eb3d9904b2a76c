/**
 * The decisions of one supervisor: `(state, event, now) → state + effects`, without processes, timers or promises.
 *
 *   idle ── start ──▶ starting ── every child is up ──▶ running
 *                        │                                 │
 *                        │ a child's first start failed,   │ stop, kill, gave up,
 *                        │ stop, kill, gave up             │ auto-shutdown
 *                        └──────────▶ stopping ◀───────────┘
 *                                        │ every child is down
 *                                        ▼
 *                                      ended
 *
 * Work is done in *rounds*: first every stop of the round, one at a time and each awaited, then every start, one at a time
 * and each awaited. Starting up is one round with every child to start; shutting down is one round with every child to stop;
 * a restart is the round that the strategy planned; a request (management.ts) is a round about one child. What follows from a
 * child's end is in supervisor-endings.ts.
 *
 *              stops are done          start failed
 *   stopping ──────────────▶ starting ─────────────▶ paused ── retry ──▶ planned anew, from the child that failed
 *      │ with a backoff         │                       ▲
 *      └────────────────────────│───────────────────────┘
 *                               │ all are up
 *                               ▼
 *                              done
 *
 * Rounds of one_for_one and simple_one_for_one never share a child, so they run side by side: one slow start holds up nobody
 * else. Of rest_for_one and one_for_all there is one restart round at a time: the exit of a child that it does not stop
 * anyhow is a restart of its own, whose round takes its place, as it covers all that was left to start. (OTP, which waits for
 * each start, would finish the first round before it begins the second. Waiting would be a circle here when the child that is
 * starting needs the one that has exited. Once all is up, both have come to the same.)
 *
 * 1. Starts are left to right and stops right to left, each after the one before is done (S07, S08); instances of
 *    simple_one_for_one are stopped all at once (S10).
 * 2. A child that exits by itself while up is restarted, kept or forgotten as its restart type says (S15-S17), also while
 *    siblings still start. One that a round is going to stop is not restarted for its exit (S11).
 * 3. Each restart, and each further try of one, counts once against the intensity, unless the exit says `counted: false`.
 *    When the intensity is exceeded, the supervisor gives up: it stops every child and ends (S18, S24, N38, N39).
 * 4. A failed restart is tried again from the end of the shell's queue (`retry`), so whatever waits is served first. The try
 *    is planned from the child that failed: one_for_all stops again what it has started, rest_for_one keeps it (N33, N34).
 * 5. A failed first start ends the supervisor without any retry; that of a child that was asked for ends nothing.
 * 6. A temporary child is forgotten whenever it is down, whatever brought it down (S17, S22); so is an instance of
 *    simple_one_for_one that is not restarted (N48, N49).
 * 7. Once it stops, nothing is started again; the first reason to stop is the one that is reported.
 * 8. An auto-shutdown that is due before all is up waits until it is: its parent sees a start, then an exit.
 * 9. Every request is answered exactly once. `ended` is the last effect, but for refusals of later requests; every child is
 *    down by then.
 *
 * 10. A restart with a backoff (backoff.ts) is paused like a failed one until its wait is over: its siblings are stopped as ever,
 *    requests are served, a sibling's restart that covers it takes over, and a shutdown ends it at once.
 *
 * 11. When the restart limit of the whole tree is exceeded (restart-limit.ts), the supervisor that would have restarted gives up,
 *    and so does the root.
 *
 * Events about another incarnation than the current one, or about a forgotten child, change nothing. Nothing here fails,
 * except `invariant` when the shell starts it twice.
 */
import { invariant } from '@heirloom/tables';
import { notUp, upAt } from './backoff.js';
import { isDown, stepChild, type ChildEffect, type ChildEvent } from './child-machine.js';
import { childOf } from './child-operation.js';
import type { RestartTally } from './restart-limit.js';
import { beginRequest, mustWait } from './management.js';
import { isIndependent } from './strategy.js';
import { SupervisorEndings } from './supervisor-endings.js';
import type { ChildRecord, Round, SupervisorEffect, SupervisorEvent, SupervisorState } from './supervisor-state.js';

/**
 * Takes one event at `now` (monotonic milliseconds) and gives back the state after it and what is to be done, in order; with the
 * tally of restarts of the whole tree, where that has a limit.
 */
export function stepSupervisor<S>(
  state: SupervisorState<S>,
  event: SupervisorEvent<S>,
  now: number,
  tally?: RestartTally,
): { state: SupervisorState<S>; effects: readonly SupervisorEffect<S>[]; tally: RestartTally | undefined } {
  const step = new Step(state, now, tally);
  step.take(event);
  step.advance();
  return { state: step.state, effects: step.effects, tally: step.tally };
}

class Step<S> extends SupervisorEndings<S> {
  take(event: SupervisorEvent<S>): void {
    switch (event.type) {
      case 'start':
        invariant(this.state.phase === 'idle', `The supervisor "${this.state.spec.id}" was started twice.`);
        this.set({ phase: 'starting' });
        this.addRound({ kind: 'start_up', stop: [], start: this.#toStartUp() });
        return;
      case 'stop':
        this.shutDown();
        return;
      case 'kill':
        this.shutDown();
        for (const id of this.ids()) this.#child(id, { type: 'KILL' });
        return;
      case 'give_up':
        if (!this.isOver) this.giveUp(event.error);
        return;
      case 'child':
        this.#child(event.id, event.event);
        return;
      case 'retry':
        this.retry(event);
        return;
      case 'request': {
        const { request, operation } = event;
        if (this.isOver) this.reply(event, { type: 'refused', reason: 'stopped' });
        else this.set({ waiting: [...this.state.waiting, { request, operation }] });
      }
    }
  }

  /** Those that are not to be down until somebody asks. */
  #toStartUp(): string[] {
    return this.state.children.flatMap(({ spec }) => (spec.startsDown === true ? [] : [spec.id]));
  }

  /** Carries every round as far as it goes until something has to be awaited. */
  advance(): void {
    do {
      for (const round of this.state.rounds) if (this.#mayAdvance(round)) this.#advanceRound(round);
    } while (this.#comeUp() || this.#admitRequest());
    if (this.state.phase !== 'stopping' || this.state.rounds.length > 0) return;
    this.set({ phase: 'ended' });
    const { error } = this.state;
    this.effects.push(error === undefined ? { type: 'ended' } : { type: 'ended', error });
  }

  /** Whether anything has happened that the round waits for: many may go on side by side, so the others are not looked at. */
  #mayAdvance(round: Round): boolean {
    if (!isIndependent(this.state.spec.strategy) || round.kind === 'shutdown' || this.fresh.has(round)) return true;
    const head = round.stop[0] ?? round.start[0];
    return head === undefined || this.touched.has(head);
  }

  /** True when it has just come up. */
  #comeUp(): boolean {
    if (this.state.phase !== 'starting' || this.state.rounds.length > 0) return false;
    this.set({ phase: 'running' });
    this.effects.push({ type: 'up' });
    if (this.state.shutdownDue !== undefined) this.shutDown(this.state.shutdownDue.error);
    return true;
  }

  /** Begins the first request that need not wait; true when there was one. */
  #admitRequest(): boolean {
    if (this.state.phase !== 'running') return false;
    const ahead = new Set<string>();
    for (const request of this.state.waiting) {
      const id = childOf(request.operation);
      if (!ahead.has(id) && !mustWait(this, request.operation)) {
        this.set({ waiting: this.state.waiting.filter((other) => other !== request) });
        beginRequest(this, request);
        return true;
      }
      ahead.add(id);
    }
    return false;
  }

  #advanceRound(begun: Round): void {
    const stop = this.#stopNext(begun);
    const round = stop.length === 0 && begun.backoff !== undefined ? this.beginWait(begun) : begun;
    const start = [...round.start];
    if (stop.length === 0 && round.pause === undefined) {
      while (start[0] !== undefined && this.#bringUp(start[0], round)) start.shift();
    }
    if (stop.length > 0 || start.length > 0) {
      const isUnchanged = stop.length === round.stop.length && start.length === round.start.length;
      if (!isUnchanged) this.replaceRound(round, { ...round, stop, start });
      return;
    }
    this.replaceRound(round, undefined);
    if (round.request === undefined) return;
    const record = this.find(childOf(round.request.operation));
    if (round.request.operation.type === 'terminate_child' || record === undefined) {
      this.reply(round.request, { type: 'done' });
    } else {
      const { spec, lifecycle } = record;
      this.reply(round.request, { type: 'started', id: spec.id, incarnation: lifecycle.context.incarnation });
    }
  }

  /** Sees to the stops of a round, and gives back those that are left. */
  #stopNext(round: Round): readonly string[] {
    const isAllAtOnce = round.kind === 'shutdown' && this.state.spec.strategy === 'simple_one_for_one';
    if (isAllAtOnce) return round.stop.filter((id) => !this.#bringDown(id));
    const stop = [...round.stop];
    while (stop[0] !== undefined && this.#bringDown(stop[0])) stop.shift();
    return stop;
  }

  /** Sees to it that the child goes down; true when it is. */
  #bringDown(id: string): boolean {
    const child = this.find(id);
    if (child === undefined) return true;
    const { state } = child.lifecycle;
    if (state === 'starting' || state === 'running') this.#child(id, { type: 'STOP' });
    if (state === 'restarting' || state === 'failed') this.mark(id, 'CANCEL');
    return isDown(child.lifecycle);
  }

  /** Sees to it that the child comes up; true when it is, or when it is no child any more. */
  #bringUp(id: string, round: Round): boolean {
    const child = this.find(id);
    if (child === undefined || child.lifecycle.state === 'running') return true;
    // A child that was asked for and is swept up by a restart is started with its siblings, in their order.
    const isInTurn = round.kind !== 'request' || !this.#isRestarting(id);
    if (isDown(child.lifecycle) && isInTurn) this.#child(id, { type: 'START' });
    return false;
  }

  #isRestarting(id: string): boolean {
    return this.state.rounds.some(
      ({ kind, pause, stop, start }) =>
        kind !== 'request' && pause === undefined && (stop.includes(id) || start.includes(id)),
    );
  }

  #child(id: string, event: ChildEvent): void {
    const record = this.find(id);
    if (record === undefined) return;
    const { child, effects } = stepChild(record.lifecycle, event);
    const isUp = child.state === 'running';
    const row = isUp ? upAt(record.row, this.now) : child.state === 'starting' ? notUp(record.row) : record.row;
    const after = { ...record, lifecycle: child, wasUp: record.wasUp || isUp, row };
    this.put(after);
    for (const effect of effects) this.#childEffect(after, effect);
  }

  #childEffect(record: ChildRecord<S>, effect: ChildEffect): void {
    const { id } = record.spec;
    const { incarnation } = record.lifecycle.context;
    switch (effect.type) {
      case 'start':
        this.emit({ type: 'child_starting', id, incarnation, isRestart: incarnation > 1 });
        this.effects.push({ type: 'start_child', spec: record.spec, incarnation });
        return;
      case 'stop':
        this.effects.push({ type: 'stop_child', id });
        return;
      case 'kill':
        this.effects.push({ type: 'kill_child', id });
        return;
      case 'arm':
        this.effects.push({ type: 'arm', id, incarnation, timer: effect.timer, delayMs: effect.delayMs });
        return;
      case 'disarm':
        this.effects.push({ type: 'disarm', id });
        return;
      case 'up':
        this.emit({ type: 'child_started', id, incarnation });
        return;
      case 'overdue':
        this.emit({ type: 'kill_overdue', id, incarnation });
        return;
      case 'down':
        this.effects.push({ type: 'release_child', id });
        this.down(record, effect);
    }
  }
}
