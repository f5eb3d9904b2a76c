/**
 * The state of a machine as a row: what xstate persists of a machine without children, as plain data.
 *
 * 1. What is restored from a row is the snapshot that the row was made of: value, context, history, status, output.
 * 2. A row that does not fit the machine is refused (ERR_MACHINE_STATE), and stays as it is.
 */
import { row, table } from '@heirloom/tables';
import type { TableDefinition } from '@heirloom/tables';
import type { AnyMachineSnapshot, AnyStateMachine, StateValue } from 'xstate';
import { MachineError } from './errors.js';

/** The key of the machine's row. */
export const MACHINE_KEY = 'machine';

/** The row of a machine, in the table `machine` of its worker. */
export interface MachineRow<Context = unknown, Output = unknown> {
  /** Always MACHINE_KEY. */
  readonly id: string;
  /** `'done'` in a final state: events change nothing any more. */
  readonly status: 'active' | 'done';
  /** The state, as in `'open'` or `{ open: 'wide' }`. */
  readonly value: StateValue;
  readonly context: Context;
  readonly tags: readonly string[];
  /** What the machine has come to, when it is done and has an output. */
  readonly output?: Output;
  /** Where history states lead: the ids of states by the id of the history state. */
  readonly history: Readonly<Record<string, readonly string[]>>;
  /** How many timers without a name of their own were started: the next one's name. */
  readonly unnamedTimers: number;
}

/** The table of a machine's state, whatever the machine. */
export type StateTable = TableDefinition<MachineRow, 'id', 'set', 'protected'>;

/** How the state is stored. */
export interface StateTableOptions {
  readonly version: number;
  readonly migrate: ((state: MachineRow, fromVersion: number) => MachineRow) | undefined;
  readonly watch: boolean;
}

/** Defines the table of a machine's state. Throws TableError ERR_TABLE_ARGUMENT for a wrong version. */
export function machineTable({ version, migrate, watch }: StateTableOptions): StateTable {
  return table({
    row: row<MachineRow>(),
    key: 'id',
    version,
    watch,
    ...(migrate === undefined ? {} : { migrate: (state: MachineRow, from: number) => migrate(state, from) }),
  });
}

/** Makes the row of a snapshot. */
export function rowOf(snapshot: AnyMachineSnapshot, unnamedTimers: number): MachineRow {
  const { status, value, context, tags, output, historyValue } = snapshot;
  if (status !== 'active' && status !== 'done') {
    throw new MachineError(
      'ERR_MACHINE_EFFECT',
      `The machine has the status '${status}', which no transition leads to.`,
    );
  }
  const history = Object.entries(historyValue).map(([id, nodes]) => [id, nodes.map((node) => node.id)] as const);
  return {
    id: MACHINE_KEY,
    status,
    value,
    context: context as unknown,
    tags: [...tags],
    ...(output === undefined ? {} : { output: output as unknown }),
    history: Object.fromEntries(history),
    unnamedTimers,
  };
}

/** Makes the snapshot of a row. Throws ERR_MACHINE_STATE. */
export function snapshotOf(machine: AnyStateMachine, row: MachineRow): AnyMachineSnapshot {
  const { status, value, context, output, history } = row;
  const historyValue = Object.fromEntries(
    Object.entries(history).map(([id, states]) => [id, states.map((state) => ({ id: state }))]),
  );
  try {
    const persisted = { status, value, context, output, historyValue, children: {} };
    // Without children there is no actor to be made, so there is nothing that the scope is asked for.
    return machine.restoreSnapshot(persisted as never, {} as never) as AnyMachineSnapshot;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message =
      `The stored state ${JSON.stringify(value)} is none of the machine '${machine.id}': ${reason}. ` +
      'Give machineWorker a higher version and a migrate function that makes a state of this machine of it.';
    throw new MachineError('ERR_MACHINE_STATE', message, { machine: machine.id, value }, { cause });
  }
}
