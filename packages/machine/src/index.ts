export { MachineError } from './errors.js';
export { OWN_EVENTS_MAX } from './machine-step.js';
export { machineWorker } from './machine-worker.js';
export { MACHINE_KEY } from './stored-state.js';
export type { MachineErrorCode } from './errors.js';
export type {
  ActionArguments,
  ContextOf,
  MachineCalls,
  MachineState,
  MachineTable,
  MachineWorkerDefinition,
  MachineWorkerOptions,
  WorkerAction,
} from './machine-worker.js';
export type { MachineRow } from './stored-state.js';
