/**
 * What follows in a supervisor when a child is down: a restart, a further try, a loss, or the supervisor's own end. The rules
 * are those of supervisor-core.ts, by number.
 */
import { invariant } from '@heirloom/tables';
import { endsSupervisor } from './auto-shutdown.js';
import { nextRestart } from './backoff.js';
import { exitVerdict, type ChildExit } from './child-exit.js';
import { isDown, type ChildEffect } from './child-machine.js';
import type { SupervisorError } from './errors.js';
import { countInTree, limitError } from './restart-limit.js';
import { countRestart } from './restart-window.js';
import { randomOf } from './seeded-random.js';
import { isIndependent, planRestart } from './strategy.js';
import { SupervisorDraft } from './supervisor-draft.js';
import { intensityError, significantError, startError, sweptAwayError } from './supervisor-failure.js';
import type { ChildRecord, Round, StartFailure, SupervisorEvent } from './supervisor-state.js';

export class SupervisorEndings<S> extends SupervisorDraft<S> {
  /** Whether it stops, or has ended. */
  get isOver(): boolean {
    return this.state.phase === 'stopping' || this.state.phase === 'ended';
  }

  down(record: ChildRecord<S>, { cause, exit, startError: error }: Extract<ChildEffect, { type: 'down' }>): void {
    if (cause === 'start_failed') this.#startFailed(record, exit, error);
    else if (cause === 'exited' && !this.isOver && !this.isToStop(record.spec.id)) this.#exited(record, exit);
    else if (cause === 'ignored' && !this.isOver) this.#ignored(record, exit);
    else this.#stopped(record, exit);
  }

  /**
   * Makes the start that a round pauses before, unless that has been given up or overtaken; as in OTP whichever try has posted
   * it, but for the end of a wait, which is that of one incarnation.
   */
  retry({ id, incarnation }: Extract<SupervisorEvent<S>, { type: 'retry' }>): void {
    const record = this.find(id);
    const pause = this.state.rounds.find((round) => round.pause?.id === id)?.pause;
    if (record === undefined || pause === undefined || pause.incarnation !== incarnation) return;
    const { failure } = pause;
    const error = failure === undefined ? undefined : this.#countRestart(record, failure.exit, failure.error);
    if (error !== undefined) this.giveUp(error);
    else this.#planRestart(record, 0);
  }

  /**
   * The stops of a round are done, so its child begins to wait; gives back the round as it goes on. If the child was terminated
   * meanwhile, the others come back at once.
   */
  beginWait(begun: Round): Round {
    const { backoff, ...round } = begun;
    const record = backoff === undefined ? undefined : this.find(backoff.id);
    if (backoff !== undefined && record !== undefined && round.start.includes(backoff.id)) {
      return this.#hold(begun, round, record, backoff.delayMs, undefined);
    }
    this.replaceRound(begun, round);
    return round;
  }

  /** Begins to stop every child, and answers whoever still waits; only the first time. */
  shutDown(error?: SupervisorError): void {
    if (this.isOver) return;
    const open = this.state.rounds.flatMap(({ request }) => request ?? []);
    for (const request of [...open, ...this.state.waiting]) this.reply(request, { type: 'refused', reason: 'stopped' });
    const round: Round = { kind: 'shutdown', stop: this.ids().toReversed(), start: [] };
    this.set({ phase: 'stopping', rounds: [round], waiting: [], ...(error === undefined ? {} : { error }) });
  }

  /** It was told to go, or was about to be told. */
  #stopped(record: ChildRecord<S>, exit: ChildExit): void {
    const willRestart = this.#comesBack(record);
    this.#emitExited(record, exit, willRestart);
    if (!willRestart)
      this.#endChild(record, this.isFleeting(record), sweptAwayError(this.state.spec.id, record.spec.id));
  }

  /** Whether a round is going to start a child that was stopped. */
  #comesBack(record: ChildRecord<S>): boolean {
    return !isTemporary(record) && this.isToStart(record.spec.id);
  }

  /** It chose not to run: that is neither a failure nor an exit that counts. */
  #ignored(record: ChildRecord<S>, exit: ChildExit): void {
    const { id } = record.spec;
    this.put({ ...record, wasUp: true });
    this.#emitExited(record, exit, false);
    const round = this.startRequest(id);
    if (round?.request !== undefined) {
      this.replaceRound(round, undefined);
      this.reply(round.request, { type: 'ignored', id });
    }
    this.#endChild(record, this.isFleeting(record));
  }

  #exited(record: ChildRecord<S>, exit: ChildExit): void {
    const verdict = exitVerdict(record.lifecycle.context.policy.restart, exit);
    if (verdict !== 'restart') {
      this.#emitExited(record, exit, false);
      this.#endChild(record, this.isFleeting(record));
      this.#checkAutoShutdown(record, exit);
      return;
    }
    const error = this.#countRestart(record, exit, exit.error);
    this.#emitExited(record, exit, error === undefined);
    if (error !== undefined) this.giveUp(error);
    else this.#planRestart(record, this.#delayOf(record, exit));
  }

  #startFailed(record: ChildRecord<S>, exit: ChildExit, cause: Error | undefined): void {
    const { id } = record.spec;
    const { incarnation } = record.lifecycle.context;
    const error = startError(this.state.spec.id, id, exit, cause);
    const request = this.startRequest(id)?.request;
    const isToStop = this.isOver || this.isToStop(id);
    const isFirst = this.state.phase === 'starting' && !record.wasUp;
    const willRestart = isToStop ? this.#comesBack(record) : request === undefined && !isFirst;
    this.emit({ type: 'child_start_failed', id, incarnation, error, exit, willRestart });
    if (!isToStop && isFirst) return this.shutDown(error);
    if (!isToStop && willRestart) return this.#pause(record, { exit, error });
    this.mark(id, 'CANCEL');
    if (willRestart) return;
    const isForgotten = request !== undefined && request.operation.type !== 'restart_child';
    this.#endChild(record, isForgotten || this.isFleeting(record), error);
  }

  /** The child stays down: it is taken out of all that is to be started, and a request that has it started is answered. */
  #endChild(record: ChildRecord<S>, isForgotten: boolean, error?: SupervisorError): void {
    if (this.isOver) return;
    const { id } = record.spec;
    const round = this.startRequest(id);
    if (round?.request !== undefined && error !== undefined) {
      this.replaceRound(round, undefined);
      this.reply(round.request, { type: 'start_failed', error });
    }
    if (isForgotten) this.remove(id);
    else this.dropStart(id);
    this.emit({ type: 'child_ended', id, incarnation: record.lifecycle.context.incarnation, isForgotten });
  }

  /** Lets whatever waits be served before the restart is tried again. */
  #pause(record: ChildRecord<S>, failure: StartFailure): void {
    const { id } = record.spec;
    const round = this.state.rounds.find((candidate) => candidate.start[0] === id);
    invariant(round !== undefined, `The start of "${id}" failed, and nobody had it started.`);
    const delayMs = this.#delayOf(record, failure.exit);
    this.#hold(round, round, record, delayMs, failure);
    this.#awaitRestart(record, delayMs);
  }

  /** Puts `round`, paused before the start of this child, in the place of `begun`; gives back what it has put there. */
  #hold(begun: Round, round: Round, record: ChildRecord<S>, delayMs: number, failure: StartFailure | undefined): Round {
    const { id } = record.spec;
    const incarnation = delayMs === 0 ? undefined : record.lifecycle.context.incarnation;
    const paused: Round = { ...round, pause: { id, incarnation, failure } };
    this.replaceRound(begun, paused);
    // Of the round only this child is restarting now; the others that are not up are just down (N36).
    for (const other of round.start) if (other !== id || failure !== undefined) this.mark(other, 'CANCEL');
    this.effects.push({ type: 'post_retry', id, incarnation, delayMs });
    return paused;
  }

  /** How long its next start is to wait, which is taken note of; what is not counted does not wait. */
  #delayOf(record: ChildRecord<S>, exit: ChildExit): number {
    const { spec } = record;
    // Of a supervisor, `backoff` is about its children.
    const backoff = (spec.type === 'worker' ? spec.backoff : undefined) ?? this.state.spec.backoff ?? 'none';
    if (backoff === 'none' || exit.counted === false) return 0;
    const random = randomOf(`${this.state.seed}/${spec.id}#${record.lifecycle.context.incarnation}`);
    const { row, delayMs } = nextRestart(backoff, record.row, this.now, random);
    this.put({ ...record, row });
    return delayMs;
  }

  /** Begins the round of a restart; what it covers is left to it alone. */
  #planRestart(record: ChildRecord<S>, delayMs: number): void {
    const { id } = record.spec;
    const { strategy } = this.state.spec;
    const isAlone = isIndependent(strategy);
    const children = (isAlone ? [record] : this.state.children).map(({ spec, lifecycle }) => ({
      id: spec.id,
      restart: lifecycle.context.policy.restart,
    }));
    const plan = planRestart(strategy, children, id);
    // What it does not cover goes on: siblings of one_for_one, and before it the tries of an earlier child of rest_for_one.
    const isCovered = (head: string | undefined): boolean =>
      head !== undefined && (plan.start.includes(head) || plan.stop.includes(head));
    this.set({ rounds: this.state.rounds.filter(({ kind, start: [head] }) => kind === 'request' || !isCovered(head)) });
    this.addRound({ ...plan, kind: 'restart', ...(delayMs === 0 ? {} : { backoff: { id, delayMs } }) });
    if (!isAlone) this.#forgetUnstarted(plan.stop);
    if (record.lifecycle.state !== 'restarting') this.#awaitRestart(record, delayMs);
  }

  /** Temporary children that were still to be started for the first time are lost like those that run (rule 6). */
  #forgetUnstarted(ids: readonly string[]): void {
    for (const id of ids) {
      const record = this.find(id);
      if (record === undefined || !isTemporary(record) || !isDown(record.lifecycle)) continue;
      this.#endChild(record, true, sweptAwayError(this.state.spec.id, id));
    }
  }

  #awaitRestart({ spec: { id }, lifecycle }: ChildRecord<S>, delayMs: number): void {
    const incarnation = lifecycle.context.incarnation + 1;
    this.emit({ type: 'child_restarting', id, incarnation, ...(delayMs === 0 ? {} : { delayMs }) });
    this.mark(id, 'AWAIT_RESTART');
  }

  /** Counts a restart, unless the exit is not to be counted; gives back the reason to give up when it was one too many. */
  #countRestart(record: ChildRecord<S>, exit: ChildExit, cause: Error | undefined): SupervisorError | undefined {
    if (exit.counted === false) return undefined;
    const { window, isExceeded } = countRestart(this.state.window, this.now);
    this.set({ window });
    if (isExceeded) return intensityError(this.state.spec.id, record.spec.id, window, exit, cause);
    return this.#countInTree(record);
  }

  #countInTree(record: ChildRecord<S>): SupervisorError | undefined {
    const { id, countsInTree = true } = this.state.spec;
    if (this.tally === undefined || !countsInTree) return undefined;
    this.tally = countInTree(this.tally, `${id}/${record.spec.id}`, this.now);
    if (!this.tally.isExceeded) return undefined;
    const error = limitError(this.tally);
    this.effects.push({ type: 'give_up_tree', error });
    return error;
  }

  #checkAutoShutdown({ spec, lifecycle }: ChildRecord<S>, exit: ChildExit): void {
    const { autoShutdown = 'never' } = this.state.spec;
    const { significant } = lifecycle.context.policy;
    if (!significant || autoShutdown === 'never') return;
    const others = this.state.children.map((other) => ({
      significant: other.lifecycle.context.policy.significant,
      isActive: other.lifecycle.state === 'restarting' || !isDown(other.lifecycle),
    }));
    if (!endsSupervisor(autoShutdown, significant, others)) return;
    this.emit({ type: 'supervisor_auto_shutdown', child: spec.id });
    // Only of a supervisor does an exit carry that it failed: a worker's end is what the program has declared to matter.
    const isFailure = spec.type === 'supervisor' && exit.error !== undefined;
    const error = isFailure ? significantError(this.state.spec.id, spec.id, exit.error) : undefined;
    if (this.state.phase === 'starting') this.set({ shutdownDue: { error } });
    else this.shutDown(error);
  }

  /** Says that it cannot go on, and begins to stop every child. */
  giveUp(error: SupervisorError): void {
    this.emit({ type: 'supervisor_gave_up', error });
    this.shutDown(error);
  }

  #emitExited(record: ChildRecord<S>, exit: ChildExit, willRestart: boolean): void {
    const { incarnation } = record.lifecycle.context;
    this.emit({ type: 'child_exited', id: record.spec.id, incarnation, exit, willRestart });
  }
}

function isTemporary<S>({ lifecycle }: ChildRecord<S>): boolean {
  return lifecycle.context.policy.restart === 'temporary';
}
