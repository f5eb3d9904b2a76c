/**
 * What a worker's module imports: the definition of a worker and of its tables, and the errors that its handlers meet.
 *
 * Every type that can appear in the declaration of a worker's module is here by name, so that compilers can write
 * `import("heirloom/worker").WorkerDefinition<…>` in programs that have installed nothing but `heirloom`.
 */
export { file2tab, readTabfile, tab2file, tabfileInfo, TabfileError } from '@heirloom/tabfile';
export { HeirloomError, TableError } from '@heirloom/tables';
export { defineWorker, row, table, WorkerError } from '@heirloom/worker';

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
  Access,
  AccessOf,
  AnyTableDefinition,
  Condition,
  CounterFieldOf,
  CounterOperation,
  CounterOperationOf,
  CounterOptions,
  CounterValue,
  DefaultRow,
  ElementResult,
  FieldOf,
  FieldValue,
  KeyFieldOf,
  KeyOf,
  KeyPartOf,
  KeySpec,
  KeySpecOf,
  LookupResult,
  NumericFieldOf,
  Operators,
  OtherFieldOf,
  OwnerTable,
  Patch,
  RowOf,
  RowType,
  SelectOptions,
  StoredRowOf,
  Survives,
  Table,
  TableDefinition,
  TableErrorCode,
  TableInfo,
  TableKey,
  TableOptions,
  TableType,
  TuplePosition,
  TypeOf,
  Value,
  Where,
} from '@heirloom/tables';
export type {
  AnyHandler,
  AnyWorkerDefinition,
  CallSignatures,
  CallsOf,
  HandlerContext,
  Handlers,
  InitContext,
  LogWrite,
  NamedTables,
  OwnerTables,
  SignatureOf,
  TableDefinitions,
  TablesOf,
  WorkerDefinition,
  WorkerErrorCode,
  WorkerIdentity,
  WorkerLog,
} from '@heirloom/worker';
