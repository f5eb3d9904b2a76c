/**
 * A worker that is an xstate machine (OTP's gen_statem): its state is a row in a table, so it survives SIGKILL.
 *
 *   send(event) ──▶ the row's state ──▶ transition ──▶ actions, timers ──▶ the next row: one batch
 *
 * 1. G2: a step commits whole: the state, what its actions did to tables, its timers, its casts. If an action throws, the machine
 *    has not moved.
 * 2. G3: an event is taken once. After a crash the machine is where the last step that was stored had left it.
 * 3. Delayed events (`after`, `raise` with a delay) are timers of the worker: they are stored with the state, and those that fell
 *    due while it was down are taken when it is up.
 * 4. The machine's own actions, those that `setup` implements, run inside of the step, and run again with it when the worker dies
 *    of it; what they do outside of the machine is not undone. The worker's actions have its tables: what they do there is part of
 *    the step.
 * 5. Actors that a machine would invoke or spawn do not survive a crash, so a machine that has some is refused.
 *
 * Guards, assigners and delays are to be pure, as xstate wants them.
 */
import { invariant } from '@heirloom/tables';
import type { TableDefinition } from '@heirloom/tables';
import { defineWorker } from '@heirloom/worker';
import type { NamedTables, WorkerDefinition } from '@heirloom/worker';
import type { AnyStateMachine, EventFromLogic, EventObject, InputFrom, OutputFrom, SnapshotFrom } from 'xstate';
import { checkEvent, checkMachine, checkOptions } from './machine-check.js';
import { performAll, TIMER_HANDLER } from './machine-effects.js';
import type { Actions, StepContext } from './machine-effects.js';
import { startMachine, stepMachine } from './machine-step.js';
import type { MachineStep } from './machine-step.js';
import { MACHINE_KEY, machineTable, snapshotOf } from './stored-state.js';
import type { MachineRow, StateTable } from './stored-state.js';

/** The context of a machine. */
export type ContextOf<Machine extends AnyStateMachine> = SnapshotFrom<Machine>['context'];

/** The table of a machine worker that has its state, as one row under MACHINE_KEY. */
export type MachineTable<Machine extends AnyStateMachine> = TableDefinition<
  MachineRow<ContextOf<Machine>, OutputFrom<Machine>>,
  'id',
  'set',
  'protected'
>;

/** Where a machine is. */
export type MachineState<Machine extends AnyStateMachine> = Omit<
  MachineRow<ContextOf<Machine>, OutputFrom<Machine>>,
  'id' | 'history' | 'unnamedTimers'
>;

/** The calls of a machine worker. */
export type MachineCalls<Machine extends AnyStateMachine> = {
  /**
   * Takes an event, and gives where the machine is then. An event that the state does not know changes nothing, as in xstate. The
   * handler throws MachineError ERR_MACHINE_EVENT for what is no event, ERR_MACHINE_EFFECT, and what an action throws.
   */
  readonly send: (event: EventFromLogic<Machine>) => Promise<MachineState<Machine>>;
  /** Where the machine is. */
  readonly state: () => Promise<MachineState<Machine>>;
};

/** What an action of the worker is told of the step that it is part of. */
export interface ActionArguments<Machine extends AnyStateMachine> {
  readonly params: unknown;
  /** The machine's context when the action was reached. */
  readonly context: ContextOf<Machine>;
  readonly event: EventFromLogic<Machine>;
}

/** An action that is part of the machine's step: what it does to tables commits with the step. */
export type WorkerAction<Machine extends AnyStateMachine, Tables extends NamedTables> = (
  handler: StepContext<Tables>,
  step: ActionArguments<Machine>,
) => void | Promise<void>;

/** What `machineWorker` takes beside the machine. */
export interface MachineWorkerOptions<Machine extends AnyStateMachine, Tables extends NamedTables> {
  /** What the machine begins with, on the first start of its worker. */
  readonly input?: InputFrom<Machine>;
  /** Tables for the actions, beside the machine's own, which is called `machine`. */
  readonly tables?: Tables;
  /** Actions by their type; one that the machine implements itself is replaced. */
  readonly actions?: Readonly<Record<string, WorkerAction<Machine, NoInfer<Tables>>>>;
  /** The version of the machine's stored state, a positive integer; default 1. */
  readonly version?: number;
  /** Makes a state of this version of one that was stored with a lower one. */
  readonly migrate?: (state: MachineRow, fromVersion: number) => MachineRow;
  /** Whether others can `watch` the machine's state; default false. */
  readonly watch?: boolean;
}

/** The definition of a machine's worker. */
export type MachineWorkerDefinition<Machine extends AnyStateMachine, Tables extends NamedTables> = WorkerDefinition<
  Tables & { readonly machine: MachineTable<Machine> },
  MachineCalls<Machine>
>;

/**
 * Makes a worker of an xstate machine: `export default machineWorker(doorMachine)`. Where the machine is can also be read while its
 * worker is dead: `await door.tables.machine.lookup('machine')`.
 *
 * @throws MachineError ERR_MACHINE_DEFINITION for a wrong option or a machine that invokes actors, ERR_MACHINE_ACTION for an action
 * that nobody implements; TableError ERR_TABLE_ARGUMENT for a wrong version.
 */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- a worker without tables of its own has no names here.
export function machineWorker<Machine extends AnyStateMachine, const Tables extends NamedTables = Record<never, never>>(
  machine: Machine,
  options: MachineWorkerOptions<Machine, Tables> = {},
): MachineWorkerDefinition<Machine, Tables> {
  checkOptions(options);
  const { input, tables, version = 1, migrate, watch = false } = options;
  // Their types are those of this machine and these tables, and so is what they are given.
  const actions = (options.actions ?? {}) as Actions;
  checkMachine(machine, actions);
  const enter = (context: MachineContext, step: MachineStep): unknown => {
    context.tables.machine.insert(step.row);
    const performed = performAll(context, step.effects, actions);
    return performed === undefined ? stateOf(step.row) : performed.then(() => stateOf(step.row));
  };
  const take = (context: MachineContext, event: EventObject): unknown =>
    enter(context, stepMachine(machine, stateIn(context), event));
  const definition = defineWorker({
    tables: { ...tables, machine: machineTable({ version, migrate, watch }) },
    async init(context) {
      // A state that is none of the machine's is found out now, and not by the first event.
      if (context.restarted) snapshotOf(machine, stateIn(context));
      else await enter(context, startMachine(machine, input));
    },
    calls: {
      send: (context, event: unknown) => take(context, checkEvent(machine, event)),
      state: (context) => stateOf(stateIn(context)),
    },
    timers: {
      async [TIMER_HANDLER](context, event: EventObject) {
        await take(context, event);
      },
    },
  });
  // It was made for any machine and any tables; with these it is what these types say.
  return definition as unknown as MachineWorkerDefinition<Machine, Tables>;
}

type MachineContext = StepContext<{ readonly machine: StateTable }>;

function stateIn({ tables }: MachineContext): MachineRow {
  const row = tables.machine.lookup(MACHINE_KEY);
  invariant(row !== undefined, 'the worker of a machine has no state, although its init was done');
  return row;
}

function stateOf({ id: _id, history: _history, unnamedTimers: _unnamedTimers, ...state }: MachineRow): object {
  return state;
}
