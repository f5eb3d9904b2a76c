/**
 * When an outcome is the recorded one.
 *
 * 1. A refusal is any typed error of the table, where Erlang raised `badarg`; a failure is never what was recorded.
 * 2. Rows of an ordered set, and the rows of one key, are compared in their order. Rows of other types are compared as
 *    multisets, as their order is nobody's promise and the recorder sorted them.
 * 3. For the same reason, which key `first`, `last`, `next` and `prev` find in a hash type cannot be compared, only whether
 *    they answer.
 */
import { isDeepStrictEqual } from 'node:util';
import type { TableType } from '@heirloom/tables';
import type { EtsOperation } from './ets-trace.js';
import type { Outcome, RecordedResult } from './trace-result.js';

const UNORDERED: ReadonlySet<EtsOperation> = new Set(['to_list', 'select', 'select_reverse', 'select_keys', 'range']);
const WALKS: ReadonlySet<EtsOperation> = new Set(['first', 'last', 'next', 'prev']);

/** Whether a step came to what was recorded. */
export function isRecorded(type: TableType, op: EtsOperation, recorded: RecordedResult, outcome: Outcome): boolean {
  if (recorded.kind === 'error' || outcome.kind !== 'ok') return recorded.kind === outcome.kind;
  if (type === 'ordered_set') return isDeepStrictEqual(outcome.value, recorded.value);
  if (WALKS.has(op)) return true;
  const inOrder = op === 'select_pages' ? pagesInOrder : UNORDERED.has(op) ? multiset : (value: unknown) => value;
  return isDeepStrictEqual(inOrder(outcome.value), inOrder(recorded.value));
}

/** The elements in an order that depends on nothing but them; what is no list stays as it is. */
function multiset(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const byText = (value as readonly unknown[]).map((element) => [JSON.stringify(element), element] as const);
  return byText.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, element]) => element);
}

/** How long each page is, and what is on all of them. */
function pagesInOrder(value: unknown): unknown {
  if (!Array.isArray(value) || !value.every(Array.isArray)) return value;
  const pages = value as readonly (readonly unknown[])[]; // Each was just found to be a list.
  return [pages.map(({ length }) => length), multiset(pages.flat())];
}
