export { row, table } from '@heirloom/tables';
export {
  HANDLER_TIMEOUT_MS_DEFAULT,
  HANDLER_TIMEOUT_MS_MAX,
  NAME_CHARS_MAX,
  RESERVED_NAMES,
  defineWorker,
  isWorkerDefinition,
} from './definition.js';
export { CallError } from './call-error.js';
export { WorkerError } from './errors.js';
export { isInsideWorkerProcess } from './inside-worker.js';
export { args } from './worker-args.js';
export { workerRef } from './worker-ref.js';
export type { CallErrorCode, CallOutcome } from './call-error.js';
export type {
  AnyHandler,
  AnyWorkerDefinition,
  ArgsOf,
  CallSignatures,
  CallsOf,
  Handlers,
  SignatureOf,
  TablesOf,
  TimerHandlers,
  WorkerDefinition,
  WorkerOptions,
} from './definition.js';
export type { WorkerErrorCode } from './errors.js';
export type {
  ContinueWith,
  HandlerContext,
  HeirOptions,
  InheritedTables,
  InitContext,
  LogWrite,
  NamedTables,
  OwnedTable,
  OwnerTables,
  RemoteWorkers,
  RunningCall,
  TableDefinitions,
  TableTransfer,
  TransferContext,
  WorkerIdentity,
  WorkerLog,
} from './handler-context.js';
export type { TerminateReason } from './termination.js';
export type { TimerOptions, WorkerTimers } from './timer.js';
export type { AskedTable, AskedTables, AskOptions, CastsOf, RemoteWorker } from './remote-worker.js';
export type { ArgsType } from './worker-args.js';
export type { WorkerRef } from './worker-ref.js';
