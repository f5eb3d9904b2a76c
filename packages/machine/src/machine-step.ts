/**
 * One step of a machine: from its row and an event to its next row and what is to be done. Pure, but for what the machine's own
 * guards and assigners do.
 *
 * 1. Nothing is executed here: xstate's `transition` says what is to be done, in order.
 * 2. Events that the machine sends to itself without a delay are taken in the same step, behind the one that sent them.
 * 3. What would not survive a crash, such as a spawned actor, is refused (ERR_MACHINE_EFFECT): then the step changes nothing.
 */
import type { AnyMachineSnapshot, AnyStateMachine, EventObject, ExecutableActionObject } from 'xstate';
import { initialTransition, transition } from 'xstate';
import { MachineError } from './errors.js';
import type { MachineRow } from './stored-state.js';
import { rowOf, snapshotOf } from './stored-state.js';

/** An action as the machine names it. */
export interface MachineAction {
  readonly type: string;
  readonly params: unknown;
  readonly context: unknown;
  readonly event: EventObject;
  /** The machine's own implementation. */
  readonly run: (() => void) | undefined;
}

/** What a step wants done. */
export type MachineEffect =
  | { readonly kind: 'action'; readonly action: MachineAction }
  | { readonly kind: 'log'; readonly label: string | undefined; readonly value: unknown }
  | { readonly kind: 'start_timer'; readonly name: string; readonly afterMs: number; readonly event: EventObject }
  | { readonly kind: 'cancel_timer'; readonly name: string };

export interface MachineStep {
  readonly row: MachineRow;
  readonly effects: readonly MachineEffect[];
}

/** How many events a machine may send to itself in one step: one that always answers itself would never end. */
export const OWN_EVENTS_MAX = 1_000;

type Taken = readonly [snapshot: AnyMachineSnapshot, actions: readonly ExecutableActionObject[]];

/** The first step: enters the machine's initial state. */
export function startMachine(machine: AnyStateMachine, input: unknown): MachineStep {
  return finish(machine, initialTransition(machine, input as never) as Taken, 0);
}

/** Takes an event. Throws MachineError, and what guards and assigners throw. */
export function stepMachine(machine: AnyStateMachine, row: MachineRow, event: EventObject): MachineStep {
  // An actor that is done hears nothing any more; xstate's pure transition would go on.
  if (row.status === 'done') return { row, effects: [] };
  return finish(machine, transition(machine, snapshotOf(machine, row), event as never) as Taken, row.unnamedTimers);
}

function finish(machine: AnyStateMachine, [first, actions]: Taken, unnamedTimers: number): MachineStep {
  const collected: Collected = { effects: [], ownEvents: [], unnamedTimers };
  let snapshot = first;
  for (const action of actions) collect(machine, action, collected);
  for (let taken = 0; snapshot.status === 'active'; taken++) {
    const event = collected.ownEvents.shift();
    if (event === undefined) break;
    if (taken === OWN_EVENTS_MAX) throw endless(machine);
    const [next, more] = transition(machine, snapshot, event as never) as Taken;
    snapshot = next;
    for (const action of more) collect(machine, action, collected);
  }
  return { row: rowOf(snapshot, collected.unnamedTimers), effects: collected.effects };
}

interface Collected {
  readonly effects: MachineEffect[];
  /** What the machine has sent to itself, without a delay. */
  readonly ownEvents: EventObject[];
  unnamedTimers: number;
}

/** The parameters of xstate's own actions, as its actors read them. */
interface BuiltInParams {
  readonly event: EventObject;
  readonly id?: string;
  readonly delay?: number;
  readonly to?: unknown;
  readonly sendId?: string;
  readonly label?: string;
  readonly value?: unknown;
}

function collect(machine: AnyStateMachine, action: ExecutableActionObject, collected: Collected): void {
  const { type, info, exec } = action;
  const { effects, ownEvents } = collected;
  const params = (action.params ?? {}) as BuiltInParams;
  const isToSelf = type === 'xstate.raise' || (type === 'xstate.sendTo' && params.to === info.self);
  if (isToSelf && params.delay === undefined) ownEvents.push(params.event);
  else if (isToSelf) {
    const name = params.id ?? `#${++collected.unnamedTimers}`;
    effects.push({ kind: 'start_timer', name, afterMs: params.delay ?? 0, event: params.event });
  } else if (type === 'xstate.cancel') effects.push({ kind: 'cancel_timer', name: String(params.sendId) });
  else if (type === 'xstate.log') effects.push({ kind: 'log', label: params.label, value: params.value });
  else if (type.startsWith('xstate.')) throw unsupported(machine, type);
  else {
    const run = exec === undefined ? undefined : () => exec(info, action.params);
    const given = { type, params: action.params, context: info.context as unknown, event: info.event };
    effects.push({ kind: 'action', action: { ...given, run } });
  }
}

function unsupported(machine: AnyStateMachine, type: string): MachineError {
  const message =
    `An action of the machine '${machine.id}' is ${type}, which would not survive a crash. Let an action of the worker call or ` +
    'cast to another worker, and send the machine an event with what comes of it.';
  return new MachineError('ERR_MACHINE_EFFECT', message, { machine: machine.id, action: type });
}

function endless(machine: AnyStateMachine): MachineError {
  const message = `The machine '${machine.id}' has sent itself more than ${OWN_EVENTS_MAX} events in one step, and would go on.`;
  return new MachineError('ERR_MACHINE_EFFECT', message, { machine: machine.id, limit: OWN_EVENTS_MAX });
}
