/**
 * What is not right is refused where the worker is defined, as far as it can be seen there, and not when its machine comes to it.
 */
import { showValue } from '@heirloom/tables';
import type { AnyStateMachine, AnyStateNode, EventObject } from 'xstate';
import { MachineError } from './errors.js';

const OPTIONS: readonly string[] = ['input', 'tables', 'actions', 'version', 'migrate', 'watch'];

/** Checks the form of the options. Throws ERR_MACHINE_DEFINITION. */
export function checkOptions(options: object): void {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) throw malformed('…', given, 'Give an object, or leave it out.');
  const unknown = Object.keys(given).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) throw malformed(unknown, '…', `The options are ${OPTIONS.join(', ')}.`);
  const { actions = {}, tables = {}, migrate } = given as Readonly<Record<string, unknown>>;
  if (typeof tables !== 'object' || tables === null || Object.hasOwn(tables, 'machine'))
    throw malformed('tables', tables, "Give an object of tables, none of them called 'machine'.");
  if (migrate !== undefined && typeof migrate !== 'function')
    throw malformed('migrate', migrate, 'Give a function, or leave it out.');
  const isRight = typeof actions === 'object' && actions !== null;
  if (!isRight || Object.values(actions).some((action) => typeof action !== 'function'))
    throw malformed('actions', actions, 'Give an object of functions.');
}

function malformed(option: string, value: unknown, advice: string): MachineError {
  const message = `The option '${option}' of machineWorker is ${showValue(value)}. ${advice}`;
  return new MachineError('ERR_MACHINE_DEFINITION', message, { option });
}

/** What was sent, as an event. Throws ERR_MACHINE_EVENT. */
export function checkEvent(machine: AnyStateMachine, event: unknown): EventObject {
  // Whatever was sent may be asked for its type.
  const type = (event as { readonly type?: unknown } | null | undefined)?.type;
  if (typeof type === 'string' && !type.startsWith('xstate.')) return event as EventObject;
  const message = `The machine '${machine.id}' cannot take ${showValue(event)}: send an object with a type that does not begin with 'xstate.'.`;
  throw new MachineError('ERR_MACHINE_EVENT', message, { machine: machine.id, type });
}

/** Checks a machine and the actions of its worker. Throws ERR_MACHINE_DEFINITION or ERR_MACHINE_ACTION. */
export function checkMachine(machine: AnyStateMachine, actions: Readonly<Record<string, unknown>>): void {
  // Whatever was given may be asked for its fields.
  const given = machine as Partial<AnyStateMachine> | null | undefined;
  if (given?.root === undefined || typeof given.getInitialSnapshot !== 'function') {
    throw new MachineError(
      'ERR_MACHINE_DEFINITION',
      'The first argument of machineWorker is no xstate machine. Give what createMachine returns.',
    );
  }
  for (const state of statesBelow(machine.root)) {
    checkInvocations(machine, state);
    for (const { type } of actionsOf(state)) checkAction(machine, type, actions);
  }
}

function checkInvocations(machine: AnyStateMachine, state: AnyStateNode): void {
  if (state.invoke.length === 0) return;
  const message =
    `The state ${state.id} of the machine '${machine.id}' invokes an actor, which would not survive a crash. Let an action of the ` +
    'worker call or cast to another worker, and send the machine an event with what comes of it.';
  throw new MachineError('ERR_MACHINE_DEFINITION', message, { machine: machine.id, state: state.id });
}

function checkAction(machine: AnyStateMachine, type: string, actions: Readonly<Record<string, unknown>>): void {
  const own = machine.implementations.actions as Readonly<Record<string, unknown>>;
  if (type.startsWith('xstate.') || Object.hasOwn(actions, type) || own[type] !== undefined) return;
  const message = `The action '${type}' of the machine '${machine.id}' has no implementation. Give one in the machine, or in the actions of machineWorker.`;
  throw new MachineError('ERR_MACHINE_ACTION', message, { machine: machine.id, action: type });
}

function* statesBelow(state: AnyStateNode): Generator<AnyStateNode> {
  yield state;
  for (const child of Object.values(state.states)) yield* statesBelow(child);
}

/** The actions that a state names; those that are functions have their implementation in themselves. */
function* actionsOf(state: AnyStateNode): Generator<{ readonly type: string }> {
  const transitions = [...state.transitions.values(), ...state.after, state.always ?? []].flat();
  const lists = [state.entry, state.exit, ...transitions.map((transition) => transition.actions)];
  for (const action of [...lists.flat(), ...state.initial.actions] as readonly unknown[]) {
    if (typeof action === 'string') yield { type: action };
    else if (typeof action === 'object' && action !== null) yield action as { readonly type: string };
  }
}
