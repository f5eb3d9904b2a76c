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
export { KEEP_BYTES_DEFAULT, KEEP_BYTES_MAX, row, table } from './definition.js';
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
export { compilePattern, compileWhere } from './where.js';
export type {
  CompiledWhere,
  Condition,
  Inside,
  Operators,
  OwnerWhere,
  RowPredicate,
  Where,
  WhereFields,
} from './where.js';
export { WHERE_DEPTH_MAX, WHERE_IN_MAX, WHERE_NODES_MAX } from './where-tree.js';
export type { KeyAccess } from './key-access.js';
export {
  SELECT_FIELDS_MAX,
  SELECT_OPTIONS,
  SELECT_PAGE_ROWS_DEFAULT,
  checkSelectOptions,
  parseSelection,
  valuesOf,
} from './select-options.js';
export type { ParsedSelection } from './select-options.js';
export type {
  Explanation,
  FieldsOf,
  KeyedRows,
  MatchObjectOptions,
  MatchOptions,
  MatchedValues,
  PageOptions,
  Pattern,
  ReverseOptions,
  SelectCursor,
  SelectOptions,
  SelectPage,
  SelectedRow,
} from './selection.js';
export { cursorAt, placeOf } from './select-cursor.js';
export type { CursorPlace } from './select-cursor.js';
export { isSameForm } from './table-form.js';
export type { TableForm } from './table-form.js';
export { explainAccess } from './table-queries.js';
export { keyReader } from './row-key.js';
export { TABLE_OPERATIONS } from './table-operations.js';
export type { TableOperation, TableOperationName } from './table-operations.js';
export { showValue } from './shown-value.js';
export { Ownership } from './ownership.js';
export type { EndedTables, OwnershipInfo, OwnershipOptions, Transfer } from './ownership.js';
export { insertMigrated } from './migrated-row.js';
export type { MigrationProblem } from './migrated-row.js';
export { Table } from './table.js';
export type { TableConstructionOptions } from './table-core.js';
export type { RowChange } from './row-storage.js';
export type { RowSource, ScanOptions, StoredRow } from './hydration.js';
export type { CounterOperation } from './counter.js';
export type { ReleasedBatch, ReleasedChange, ReleasedInfo, ReleasedPosition, WatchOptions } from './released-change.js';
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
  RowsOptions,
  StoredRowOf,
  TableInfo,
  WritableTable,
} from './owner-table.js';
