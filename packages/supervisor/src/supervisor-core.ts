/**
 * The decisions of one supervisor: `(state, event, now) → state + effects`, without processes, timers or promises.
 *
 *   idle ── start ──▶ starting ── every child is up ──▶ running
 *                        │                                 │
 *                        │ a child's first start failed,   │ stop, kill, gave up
 *                        │ stop, kill, gave up             │
 *                        └──────────▶ stopping ◀───────────┘
 *                                        │ every child is down
 *                                        ▼
 *                                      ended
 *
 * Work is done in *rounds*: first every stop of the round, one at a time and each awaited, then every start, one at a time
 * and each awaited. Starting up is one round with every child to start; shutting down is one round with every child to stop;
 * a restart is the round that the strategy planned. Rounds of one_for_one never share a child, so they run side by
 * side: one slow start holds up nobody else. (A strategy with groups has to merge rounds that share children.)
 *
 * 1. Starts are left to right and stops right to left, each after the one before is done (S07, S08).
 * 2. A child that exits by itself while up is restarted, kept or forgotten as its restart type says (S15-S17), also while
 *    siblings still start: waiting for them, as OTP does, would be a circle when one of them needs it.
 * 3. Each restart, and each failed start of one, counts once against the intensity, unless its exit says `counted: false`.
 *    When the intensity is exceeded, the supervisor gives up: it stops every child and ends (S18, S24, N38, N39).
 * 4. A failed restart is tried again from the end of the shell's queue (`retry`), so whatever waits is served first.
 * 5. A failed first start ends the supervisor without any retry.
 * 6. Once it stops, nothing is started again; the first reason to stop is the one that is reported.
 * 7. `ended` is the last effect, and every child is down by then.
 *
 * Events about another incarnation than the current one, or about a forgotten child, change nothing. Nothing here fails,
 * except `invariant` when the shell starts it twice.
 */
import { invariant } from '@heirloom/tables';
import { exitVerdict, type ChildExit } from './child-exit.js';
import { isDown, stepChild, type ChildEffect, type ChildEvent } from './child-machine.js';
import { SupervisorError } from './errors.js';
import { countRestart, type RestartWindow } from './restart-window.js';
import { planRestart, type StrategyChild } from './strategy.js';
import type { ChildRecord, Round, SupervisorEffect, SupervisorEvent, SupervisorState } from './supervisor-state.js';
import type { LocalEvent } from './tree-event.js';

/** Takes one event at `now` (monotonic milliseconds) and gives back the state after it and what is to be done, in order. */
export function stepSupervisor<S>(
  state: SupervisorState<S>,
  event: SupervisorEvent,
  now: number,
): { state: SupervisorState<S>; effects: readonly SupervisorEffect<S>[] } {
  const step = new Step(state, now);
  step.take(event);
  step.advance();
  return { state: step.state, effects: step.effects };
}

/** One step: the state as it becomes, and the effects as they come up. It lives no longer than the call. */
class Step<S> {
  state: SupervisorState<S>;
  readonly effects: SupervisorEffect<S>[] = [];
  readonly #now: number;

  constructor(state: SupervisorState<S>, now: number) {
    this.state = state;
    this.#now = now;
  }

  take(event: SupervisorEvent): void {
    switch (event.type) {
      case 'start':
        invariant(this.state.phase === 'idle', `The supervisor "${this.state.spec.id}" was started twice.`);
        this.#set({ phase: 'starting', rounds: [{ kind: 'start_up', stop: [], start: this.#ids(), isPaused: false }] });
        return;
      case 'stop':
        this.#shutDown();
        return;
      case 'kill':
        this.#shutDown();
        for (const id of this.#ids()) this.#child(id, { type: 'KILL' });
        return;
      case 'child':
        this.#child(event.id, event.event);
        return;
      case 'retry':
        this.#retry(event.id, event.incarnation);
    }
  }

  /** Carries every round as far as it goes until something has to be awaited. */
  advance(): void {
    for (const round of this.state.rounds) this.#advanceRound(round);
    if (this.state.rounds.length > 0) return;
    if (this.state.phase === 'starting') {
      this.#set({ phase: 'running' });
      this.effects.push({ type: 'up' });
    } else if (this.state.phase === 'stopping') {
      this.#set({ phase: 'ended' });
      const { error } = this.state;
      this.effects.push(error === undefined ? { type: 'ended' } : { type: 'ended', error });
    }
  }

  #advanceRound(round: Round): void {
    const stop = [...round.stop];
    const start = [...round.start];
    while (stop[0] !== undefined && this.#bringDown(stop[0])) stop.shift();
    if (stop.length === 0 && !round.isPaused) {
      while (start[0] !== undefined && this.#bringUp(start[0])) start.shift();
    }
    const isDone = stop.length === 0 && start.length === 0;
    this.#set({
      rounds: this.state.rounds.flatMap((other) => {
        if (other !== round) return [other];
        return isDone ? [] : [{ ...round, stop, start }];
      }),
    });
  }

  /** Sees to it that the child goes down; true when it is. */
  #bringDown(id: string): boolean {
    const child = this.#find(id);
    if (child === undefined) return true;
    const { state } = child.lifecycle;
    if (state === 'starting' || state === 'running') this.#child(id, { type: 'STOP' });
    if (state === 'restarting' || state === 'failed') this.#child(id, { type: 'CANCEL' });
    return isDown(child.lifecycle);
  }

  /** Sees to it that the child comes up; true when it is, or when it is no child any more. */
  #bringUp(id: string): boolean {
    const child = this.#find(id);
    if (child === undefined || child.lifecycle.state === 'running') return true;
    if (isDown(child.lifecycle)) this.#child(id, { type: 'START' });
    return false;
  }

  #child(id: string, event: ChildEvent): void {
    const record = this.#find(id);
    if (record === undefined) return;
    const { child, effects } = stepChild(record.lifecycle, event);
    const after = { ...record, lifecycle: child };
    this.#set({ children: this.state.children.map((other) => (other === record ? after : other)) });
    for (const effect of effects) this.#childEffect(after, effect);
  }

  #childEffect(record: ChildRecord<S>, effect: ChildEffect): void {
    const { id } = record.spec;
    const { incarnation } = record.lifecycle.context;
    switch (effect.type) {
      case 'start':
        this.#emit({ type: 'child_starting', id, incarnation, isRestart: incarnation > 1 });
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
        this.#emit({ type: 'child_started', id, incarnation });
        return;
      case 'overdue':
        this.#emit({ type: 'kill_overdue', id, incarnation });
        return;
      case 'down':
        this.effects.push({ type: 'release_child', id });
        this.#down(record, effect);
    }
  }

  #down(record: ChildRecord<S>, down: Extract<ChildEffect, { type: 'down' }>): void {
    if (down.cause === 'start_failed') this.#startFailed(record, down.exit, down.startError);
    else if (down.cause === 'exited' && this.state.phase !== 'stopping') this.#exited(record, down.exit);
    else this.#emitExited(record, down.exit, false);
  }

  #exited(record: ChildRecord<S>, exit: ChildExit): void {
    const verdict = exitVerdict(record.lifecycle.context.policy.restart, exit);
    if (verdict !== 'restart') {
      this.#emitExited(record, exit, false);
      if (verdict === 'forget') this.#set({ children: this.state.children.filter((other) => other !== record) });
      return;
    }
    const error = this.#countRestart(record, exit, exit.error);
    this.#emitExited(record, exit, error === undefined);
    if (error !== undefined) {
      this.#giveUp(error);
      return;
    }
    const { id } = record.spec;
    const plan = planRestart(this.state.spec.strategy, this.#strategyChildren(), id);
    this.#set({ rounds: [...this.state.rounds, { ...plan, kind: 'restart', isPaused: false }] });
    this.#awaitRestart(record);
  }

  #startFailed(record: ChildRecord<S>, exit: ChildExit, cause: Error | undefined): void {
    const { id } = record.spec;
    const { incarnation } = record.lifecycle.context;
    const error = startError(this.state.spec.id, id, exit, cause);
    const round = this.state.rounds.find((candidate) => candidate.start[0] === id);
    const isRetried = this.state.phase !== 'stopping' && round?.kind === 'restart';
    const giveUp = isRetried ? this.#countRestart(record, exit, error) : undefined;
    const willRestart = isRetried && giveUp === undefined;
    this.#emit({ type: 'child_start_failed', id, incarnation, error, exit, willRestart });
    if (willRestart) {
      this.#pause(round, true);
      this.#awaitRestart(record);
      this.effects.push({ type: 'post_retry', id, incarnation });
    } else if (giveUp !== undefined) this.#giveUp(giveUp);
    else this.#shutDown(error);
  }

  #retry(id: string, incarnation: number): void {
    const lifecycle = this.#find(id)?.lifecycle;
    if (lifecycle?.state !== 'restarting' || lifecycle.context.incarnation !== incarnation) return;
    const round = this.state.rounds.find((candidate) => candidate.isPaused && candidate.start[0] === id);
    if (round !== undefined) this.#pause(round, false);
  }

  #pause(round: Round, isPaused: boolean): void {
    this.#set({ rounds: this.state.rounds.map((other) => (other === round ? { ...round, isPaused } : other)) });
  }

  #awaitRestart(record: ChildRecord<S>): void {
    const { id } = record.spec;
    this.#emit({ type: 'child_restarting', id, incarnation: record.lifecycle.context.incarnation + 1 });
    this.#child(id, { type: 'AWAIT_RESTART' });
  }

  /** Counts a restart, unless the exit is not to be counted; gives back the reason to give up when it was one too many. */
  #countRestart(record: ChildRecord<S>, exit: ChildExit, cause: Error | undefined): SupervisorError | undefined {
    if (exit.counted === false) return undefined;
    const { window, isExceeded } = countRestart(this.state.window, this.#now);
    this.#set({ window });
    if (!isExceeded) return undefined;
    return intensityError(this.state.spec.id, record.spec.id, window, exit, cause);
  }

  #giveUp(error: SupervisorError): void {
    this.#emit({ type: 'supervisor_gave_up', error });
    this.#shutDown(error);
  }

  #shutDown(error?: SupervisorError): void {
    if (this.state.phase === 'stopping' || this.state.phase === 'ended') return;
    const round: Round = { kind: 'shutdown', stop: this.#ids().toReversed(), start: [], isPaused: false };
    this.#set({ phase: 'stopping', rounds: [round], ...(error === undefined ? {} : { error }) });
  }

  #emitExited(record: ChildRecord<S>, exit: ChildExit, willRestart: boolean): void {
    const { incarnation } = record.lifecycle.context;
    this.#emit({ type: 'child_exited', id: record.spec.id, incarnation, exit, willRestart });
  }

  #emit(event: LocalEvent): void {
    this.effects.push({ type: 'emit', event });
  }

  #set(change: Partial<SupervisorState<S>>): void {
    this.state = { ...this.state, ...change };
  }

  #find(id: string): ChildRecord<S> | undefined {
    return this.state.children.find((child) => child.spec.id === id);
  }

  #ids(): string[] {
    return this.state.children.map((child) => child.spec.id);
  }

  #strategyChildren(): StrategyChild[] {
    return this.state.children.map(({ spec, lifecycle }) => ({
      id: spec.id,
      restart: lifecycle.context.policy.restart,
    }));
  }
}

function intensityError(
  supervisor: string,
  child: string,
  { intensity, periodMs }: RestartWindow,
  exit: ChildExit,
  cause: Error | undefined,
): SupervisorError {
  // What a child says of itself is nearer to the root of the matter than the general advice.
  const advice = cause?.message ?? "Find out why the child exits, or raise the supervisor's intensity.";
  return new SupervisorError(
    'ERR_SUPERVISOR_INTENSITY',
    `The supervisor "${supervisor}" gave up: its child "${child}" had to be restarted (${exit.reason}), and it allows ` +
      `${intensity} restarts in ${periodMs} ms. ${advice}`,
    { supervisor, child, intensity, periodMs, exit },
    cause === undefined ? {} : { cause },
  );
}

function startError(supervisor: string, child: string, exit: ChildExit, cause: Error | undefined): SupervisorError {
  const status = `reason ${exit.reason}, code ${exit.code ?? 'none'}, signal ${exit.signal ?? 'none'}`;
  const why =
    cause?.message ?? `It exited before it was ready: ${status}. Look at what it wrote to its standard error.`;
  const isTimeout = cause instanceof SupervisorError && cause.code === 'ERR_SUPERVISOR_START_TIMEOUT';
  return new SupervisorError(
    isTimeout ? cause.code : 'ERR_SUPERVISOR_CHILD_START',
    `The supervisor "${supervisor}" could not start its child "${child}". ${why}`,
    { supervisor, child, exit },
    // A timeout is all that is to be said.
    cause === undefined || isTimeout ? {} : { cause },
  );
}
