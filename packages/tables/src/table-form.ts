/**
 * The form of a table's rows: what a migration changes, and what must be the same where rows, keys or places of one table are taken
 * for those of another.
 */
import type { KeySpec, TableType } from './definition.js';

/** See the header; a definition and a declaration have one. */
export interface TableForm {
  readonly version: number;
  readonly type: TableType;
  readonly key: KeySpec;
}

export function isSameForm(left: TableForm, right: TableForm): boolean {
  return left.version === right.version && left.type === right.type && isSameKey(left.key, right.key);
}

/** Whether two keys are of the same fields; a list of one field is another key than the field. */
function isSameKey(left: KeySpec, right: KeySpec): boolean {
  if (typeof left !== 'object' || typeof right !== 'object') return left === right;
  return left.length === right.length && left.every((part, index) => part === right[index]);
}
