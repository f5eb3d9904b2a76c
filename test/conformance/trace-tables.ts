/** The tables of the worker that traces are replayed on: some of each type, for as many sequences at the same time. */
import type { TableType } from '@heirloom/tables';
import { TABLE_TYPES } from './ets-trace.js';

/** So many sequences of one type run at the same time, and meet the same deaths. */
const TABLES_PER_TYPE = 4;

export const TRACE_TABLES: readonly { readonly name: string; readonly type: TableType }[] = TABLE_TYPES.flatMap(
  (type) => Array.from({ length: TABLES_PER_TYPE }, (_, index) => ({ name: `${type}_${index + 1}`, type })),
);
