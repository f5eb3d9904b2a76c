export { HeirloomError, InvariantError, TableError, invariant } from './errors.js';
export type { TableErrorCode } from './errors.js';
export { compareKeys } from './key.js';
export type { TableKey } from './key.js';
export { KEY_BYTES_MAX, bytesAfter, decodeKey, encodeKey, encodeKeyPrefix } from './key-codec.js';
export {
  INSTANCE_COLLECTIONS,
  ROW_BYTES_MAX,
  VALUE_COLLECTIONS_MAX,
  VALUE_DEPTH_MAX,
  adoptRow,
  copyValue,
  readRow,
} from './value.js';
export type { TypedArray, Value } from './value.js';
export { isEqual } from './equality.js';
export { row, table } from './definition.js';
export type {
  Access,
  AccessOf,
  AnyTableDefinition,
  FieldOf,
  FieldValue,
  InputOf,
  KeyFieldOf,
  KeyOf,
  KeyPartOf,
  KeySpec,
  KeySpecOf,
  MigrateRow,
  NumericFieldOf,
  OtherFieldOf,
  RowOf,
  RowType,
  Survives,
  TableDefinition,
  TableOptions,
  TableType,
  TuplePosition,
  TypeOf,
} from './definition.js';
export { compareToCut, cutAt, cutBytes } from './key-range.js';
export type { KeyCut, KeyRange } from './key-range.js';
export { WHERE_IN_MAX, compileWhere } from './where.js';
export type { CompiledWhere, Condition, KeyAccess, Operators, Where } from './where.js';
export { checkSelectOptions } from './select-options.js';
export { showValue } from './shown-value.js';
export { Table } from './table.js';
export type { TableConstructionOptions } from './table.js';
export type { RowChange } from './row-storage.js';
export type { RowSource, ScanOptions, StoredRow } from './hydration.js';
export type { CounterOperation } from './counter.js';
export type {
  CounterFieldOf,
  CounterOperationOf,
  CounterOptions,
  CounterValue,
  DefaultRow,
  ElementResult,
  InputRowOf,
  LookupResult,
  OwnerTable,
  Patch,
  PrivateTable,
  ReadableTable,
  RemoteTable,
  SelectCursor,
  SelectOptions,
  SelectPage,
  StoredRowOf,
  TableInfo,
  WritableTable,
} from './owner-table.js';
