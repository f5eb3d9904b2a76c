/**
 * The lifecycle of one child, as an xstate machine that is only ever run through xstate's pure transition functions.
 *
 *               START              READY
 *   stopped ───────────▶ starting ───────▶ running ──── EXITED ────▶ stopped
 *   failed ────────────▶   │ │ │             │ │
 *   restarting ────────▶   │ │ │             │ │
 *                          │ │ └─── STOP ────┤ │
 *                          │ │               ▼ │
 *                          │ │           stopping ──── EXITED ─────▶ stopped
 *                          │ │               │ │
 *                          │ │      deadline,│ │
 *                          │ │          KILL ▼ ▼ KILL, or STOP of a brutal_kill
 *                          │ └──────────▶ killing ──── EXITED ─────▶ stopped, or failed after a failed start
 *                          │ START_FAILED,
 *                          │ start timeout,
 *                          │ KILL
 *                          ├─── EXITED ────────────────────────────▶ failed
 *                          └─── EXITED, ignored ───────────────────▶ stopped
 *
 *   stopped, failed ── AWAIT_RESTART ──▶ restarting;   failed, restarting ── CANCEL ──▶ stopped
 *   killing ── kill wait over ──▶ killing (overdue), or as after EXITED when the child can be abandoned
 *
 * 1. A new incarnation starts only from stopped, restarting or failed: after the exit of the last one was seen, or after
 *    it was abandoned, which only a child with `canAbandon` ever is.
 * 2. An event that carries another incarnation than the current one changes nothing and has no effect.
 * 3. Each incarnation has at most one `up` and exactly one `down`, and `down` is its last effect.
 * 4. At most one timer is armed at a time, and none in a state in which no process is alive.
 * 5. Every killing state is entered with one `kill`; a stopping state with one `stop`.
 *
 * The machine is kept between events as plain data (`ChildLifecycle`), not as an xstate snapshot; xstate's own tools draw
 * and inspect it as `childLifecycleMachine`. Nothing here fails: events that a state does not know are ignored, as a process
 * may exit at any moment.
 */
import { assign, setup, transition, type AnyStateMachine } from 'xstate';
import type { ChildExit } from './child-exit.js';
import type { ChildPolicy } from './child-spec.js';
import { SupervisorError } from './errors.js';

/** Where a child is in its life. */
export type ChildStateName = 'stopped' | 'starting' | 'running' | 'stopping' | 'killing' | 'restarting' | 'failed';

/** What a child's timer is armed for. */
export type ChildTimer = 'start_timeout' | 'shutdown' | 'kill_wait';

/** What happens to a child. */
export type ChildEvent =
  | { readonly type: 'START' }
  | { readonly type: 'AWAIT_RESTART' }
  | { readonly type: 'CANCEL' }
  | { readonly type: 'STOP' }
  | { readonly type: 'KILL' }
  | { readonly type: 'READY'; readonly incarnation: number }
  | { readonly type: 'START_FAILED'; readonly incarnation: number; readonly error: Error }
  | { readonly type: 'EXITED'; readonly incarnation: number; readonly exit: ChildExit }
  | { readonly type: 'TIMER'; readonly incarnation: number; readonly timer: ChildTimer };

/** Why a child is down: by itself, because its start failed, because it was told to, or because it chose not to run. */
type DownCause = 'exited' | 'start_failed' | 'stopped' | 'ignored';

/** What is to be done about a child, in order. */
export type ChildEffect =
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  | { readonly type: 'kill' }
  | { readonly type: 'arm'; readonly timer: ChildTimer; readonly delayMs: number }
  | { readonly type: 'disarm' }
  | { readonly type: 'up' }
  | { readonly type: 'down'; readonly cause: DownCause; readonly exit: ChildExit; readonly startError?: Error }
  | { readonly type: 'overdue' };

/** What the machine remembers. */
interface ChildContext {
  readonly policy: ChildPolicy;
  /** How long an exit may take after a kill before it is reported as overdue; `'infinity'` for supervisors. */
  readonly killWaitMs: number | 'infinity';
  /** The number of the current incarnation, or of the last one. */
  readonly incarnation: number;
  /** Why the current incarnation's start failed, while its exit is awaited. */
  readonly startError?: Error | undefined;
}

/** A child's lifecycle between two events: plain data. */
export interface ChildLifecycle {
  readonly state: ChildStateName;
  readonly context: ChildContext;
}

const ABANDONED: ChildExit = { reason: 'killed', signal: 'SIGKILL', abandoned: true };

const childSetup = setup({
  types: {
    context: {} as ChildContext, // xstate reads only the type of this value.
    events: {} as ChildEvent, // As above.
    input: {} as ChildContext, // As above.
  },
  actions: {
    // The parameters are the effect; stepChild() collects them, and nothing is executed.
    effect: (_args, _effect: ChildEffect) => {},
    nextIncarnation: assign(({ context }) => ({ incarnation: context.incarnation + 1, startError: undefined })),
    keepStartError: assign(({ event }) => (event.type === 'START_FAILED' ? { startError: event.error } : {})),
    keepStartTimeout: assign(({ context }) => ({
      startError: new SupervisorError(
        'ERR_SUPERVISOR_START_TIMEOUT',
        `It was not ready within ${context.policy.startTimeoutMs} ms. Find out what its start waits for, or raise startTimeoutMs.`,
        { startTimeoutMs: context.policy.startTimeoutMs },
      ),
    })),
  },
  guards: {
    isCurrent: ({ context, event }) => 'incarnation' in event && event.incarnation === context.incarnation,
    isTimer: ({ context, event }, timer: ChildTimer) =>
      event.type === 'TIMER' && event.incarnation === context.incarnation && event.timer === timer,
    isIgnored: ({ context, event }) =>
      event.type === 'EXITED' && event.incarnation === context.incarnation && event.exit.ignored === true,
    isBrutal: ({ context }) => context.policy.shutdown === 'brutal_kill',
    canAbandon: ({ context, event }) => context.policy.canAbandon && isKillWait(context, event),
    canAbandonFailedStart: ({ context, event }) =>
      context.policy.canAbandon && isKillWait(context, event) && context.startError !== undefined,
    hasFailedStart: ({ context, event }) =>
      context.startError !== undefined && 'incarnation' in event && event.incarnation === context.incarnation,
  },
});

const effect = (params: ChildEffect) => ({ type: 'effect', params }) as const;

/** The effect `down`, from the exit that the event carries. */
function down(cause: DownCause) {
  const params = ({ context, event }: { context: ChildContext; event: ChildEvent }): ChildEffect => {
    const exit = event.type === 'EXITED' ? event.exit : ABANDONED;
    const startError = cause === 'start_failed' ? (context.startError ?? exit.error) : undefined;
    return startError === undefined ? { type: 'down', cause, exit } : { type: 'down', cause, exit, startError };
  };
  return { type: 'effect', params } as const;
}

/** The effect `arm` for a duration that may be unlimited, in which case the timer that is not armed is disarmed. */
function arm(timer: ChildTimer, delayOf: (context: ChildContext) => number | string) {
  const params = ({ context }: { context: ChildContext }): ChildEffect => {
    const delayMs = delayOf(context);
    return typeof delayMs === 'number' ? { type: 'arm', timer, delayMs } : { type: 'disarm' };
  };
  return { type: 'effect', params } as const;
}

const STOP_TRANSITIONS = [{ guard: 'isBrutal', target: 'killing' }, { target: 'stopping' }] as const;

const childMachine = childSetup.createMachine({
  context: ({ input }) => input,
  initial: 'stopped',
  states: {
    stopped: { on: { START: 'starting', AWAIT_RESTART: 'restarting' } },
    restarting: { on: { START: 'starting', CANCEL: 'stopped' } },
    failed: { on: { START: 'starting', AWAIT_RESTART: 'restarting', CANCEL: 'stopped' } },
    starting: {
      entry: [
        'nextIncarnation',
        effect({ type: 'start' }),
        arm('start_timeout', (context) => context.policy.startTimeoutMs),
      ],
      exit: effect({ type: 'disarm' }),
      on: {
        READY: { guard: 'isCurrent', target: 'running', actions: effect({ type: 'up' }) },
        START_FAILED: { guard: 'isCurrent', target: 'killing', actions: 'keepStartError' },
        TIMER: {
          guard: { type: 'isTimer', params: 'start_timeout' },
          target: 'killing',
          actions: 'keepStartTimeout',
        },
        EXITED: [
          { guard: 'isIgnored', target: 'stopped', actions: down('ignored') },
          { guard: 'isCurrent', target: 'failed', actions: down('start_failed') },
        ],
        STOP: STOP_TRANSITIONS,
        KILL: 'killing',
      },
    },
    running: {
      on: {
        EXITED: { guard: 'isCurrent', target: 'stopped', actions: down('exited') },
        STOP: STOP_TRANSITIONS,
        KILL: 'killing',
      },
    },
    stopping: {
      entry: [effect({ type: 'stop' }), arm('shutdown', (context) => context.policy.shutdown)],
      exit: effect({ type: 'disarm' }),
      on: {
        EXITED: { guard: 'isCurrent', target: 'stopped', actions: down('stopped') },
        TIMER: { guard: { type: 'isTimer', params: 'shutdown' }, target: 'killing' },
        KILL: 'killing',
      },
    },
    killing: {
      entry: [effect({ type: 'kill' }), arm('kill_wait', (context) => context.killWaitMs)],
      exit: effect({ type: 'disarm' }),
      on: {
        EXITED: [
          { guard: 'hasFailedStart', target: 'failed', actions: down('start_failed') },
          { guard: 'isCurrent', target: 'stopped', actions: down('stopped') },
        ],
        TIMER: [
          {
            guard: 'canAbandonFailedStart',
            target: 'failed',
            actions: [effect({ type: 'overdue' }), down('start_failed')],
          },
          { guard: 'canAbandon', target: 'stopped', actions: [effect({ type: 'overdue' }), down('stopped')] },
          { guard: { type: 'isTimer', params: 'kill_wait' }, actions: effect({ type: 'overdue' }) },
        ],
      },
    },
  },
});

/** The machine of every child's lifecycle, for xstate's tools: its input is the context of a new child. */
export const childLifecycleMachine: AnyStateMachine = childMachine;

function isKillWait(context: ChildContext, event: ChildEvent): boolean {
  return event.type === 'TIMER' && event.timer === 'kill_wait' && event.incarnation === context.incarnation;
}

/** Gives back the lifecycle of a child that has not been started; its first incarnation is `lastIncarnation` + 1. */
export function newChild(
  policy: ChildPolicy,
  killWaitMs: number | 'infinity',
  lastIncarnation: number = 0,
): ChildLifecycle {
  return { state: 'stopped', context: { policy, killWaitMs, incarnation: lastIncarnation } };
}

/** Takes one event and gives back the lifecycle after it and what is to be done, in order. */
export function stepChild(
  child: ChildLifecycle,
  event: ChildEvent,
): { child: ChildLifecycle; effects: readonly ChildEffect[] } {
  const before = childMachine.resolveState({ value: child.state, context: child.context });
  const [after, actions] = transition(childMachine, before, event);
  // The machine's only actions besides assign, which xstate has applied, are `effect`, whose parameters are effects.
  const effects = actions.flatMap((action) => (action.type === 'effect' ? [action.params as ChildEffect] : []));
  return { child: { state: after.value, context: after.context }, effects };
}

/** Whether no process of this child is alive, so that a new incarnation may be started. */
export function isDown(child: ChildLifecycle): boolean {
  return child.state === 'stopped' || child.state === 'failed' || child.state === 'restarting';
}
