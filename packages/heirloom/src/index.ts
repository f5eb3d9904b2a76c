export { CallError, RuntimeError, WorkerReferenceError } from './errors.js';
export { partitioned } from './partitioned-reference.js';
export { supervisor, worker } from './reference.js';
export { startRuntime } from './runtime.js';
export { KeeperError, StoreError } from '@heirloom/keeper/process-url';
export { SupervisorError } from '@heirloom/supervisor';
export { file2tab, readTabfile, tab2file, tabfileInfo, TabfileError } from '@heirloom/tabfile';
export { HeirloomError, TableError } from '@heirloom/tables';
export { WorkerError } from '@heirloom/worker';

export type { RetryPolicy } from './call-queue.js';
export type { DeadLetter, DeadLetters, DeadLetterSelection } from './dead-letters.js';
export type { CallErrorCode, CallOutcome, RuntimeErrorCode, WorkerReferenceErrorCode } from './errors.js';
export type { RuntimeEvents } from './events.js';
export type { ExitPhase, ExitReason, ExitReport } from './exit-report.js';
export type { HeartbeatSettings } from './heartbeat.js';
export type { KeeperSettings, QueueLimits, RuntimeOptions } from './options.js';
export type { CallOptions } from './pending-call.js';
export type { RegistryKind } from './name-registry.js';
export type { RegistryHandle } from './registry-handle.js';
export type { WorkerDown } from './lives.js';
export type { PartitionedHandle } from './partitioned-handle.js';
export type { PartitionedOptions, PartitionedReference } from './partitioned-reference.js';
export type {
  ChildReference,
  SupervisorOptions,
  SupervisorReference,
  WorkerOptions,
  WorkerReference,
} from './reference.js';
export type { ProgramCastsOf } from './program-cast.js';
export type { CloseOptions, Runtime, TableListing } from './runtime.js';
export type { SupervisorManagement } from './supervisor-management.js';
export type { ArgsOption, FirstArgs, InstanceArgs } from './worker-args.js';
export type { WorkerDriver, WorkerResourceLimits } from './worker-driver.js';
export type { RemoteTables, WorkerHandle } from './worker-handle.js';
export type { Logger } from './process-log.js';
export type { KeeperErrorCode, StoreErrorCode } from '@heirloom/keeper/process-url';
export type {
  AutoShutdown,
  Backoff,
  ChildCounts,
  ChildListing,
  RestartCount,
  RestartType,
  Shutdown,
  StartedChild,
  Strategy,
  SupervisorErrorCode,
} from '@heirloom/supervisor';
export type {
  ExtendedInfo,
  File2tabOptions,
  ReadTabfileOptions,
  Tab2fileOptions,
  TabfileErrorCode,
  TabfileInfo,
  TableByHandle,
  TableInMemory,
  WrittenTabfile,
} from '@heirloom/tabfile';
export type {
  AnyTableDefinition,
  Condition,
  CounterOperation,
  CounterOptions,
  DefaultRow,
  Explanation,
  FieldsOf,
  Inside,
  KeyCut,
  KeyedRows,
  MatchObjectOptions,
  MatchOptions,
  MatchedValues,
  Operators,
  PageOptions,
  Patch,
  Pattern,
  PrivateTable,
  ReadableTable,
  ReleasedBatch,
  ReleasedChange,
  ReleasedInfo,
  ReleasedPosition,
  RemoteTable,
  ReverseOptions,
  RowsOptions,
  SelectCursor,
  SelectOptions,
  SelectPage,
  SelectedRow,
  Table,
  TableDefinition,
  TableErrorCode,
  TableInfo,
  TableKey,
  WatchOptions,
  Where,
  WhereFields,
  WritableTable,
} from '@heirloom/tables';
export type { RegisteredName, RegistryEntry, RegistrySelection } from '@heirloom/worker';
export type { LetterReason } from '@heirloom/wire';
export type { AnyWorkerDefinition, CallsOf, TablesOf, WorkerDefinition, WorkerErrorCode } from '@heirloom/worker';
