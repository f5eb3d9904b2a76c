/** What an operation of a trace comes to on a table, in the form in which traces record results. */
import { invariant } from '@heirloom/tables';
import type { SelectPage, TableType } from '@heirloom/tables';
import type { EtsArguments, EtsCommand, EtsOperation } from './ets-trace.js';
import { rangeOf, whereOf } from './term-order.js';
import type { AsSet, CounterOptions, TracedTable } from './traced-table.js';
import { positionOf } from './trace-row.js';
import type { TraceRow } from './trace-row.js';

type Run<Operation extends EtsOperation> = (table: TracedTable, of: EtsArguments[Operation]) => unknown;

/** Runs an operation; rejects with what the table throws. */
export async function runCommand(table: TracedTable, { op, arguments: of }: EtsCommand): Promise<unknown> {
  // The command pairs the operation with its own arguments.
  const run = COMMANDS[op] as Run<EtsOperation>;
  return run(table, of);
}

const COMMANDS: { readonly [Operation in EtsOperation]: Run<Operation> } = {
  insert: ({ operations }, { row }) => done(operations.insert(row)),
  insert_many: ({ operations }, { rows }) => done(operations.insertMany(rows)),
  insert_new: ({ operations }, { row }) => operations.insertNew(row),
  insert_new_many: ({ operations }, { rows }) => operations.insertNewMany(rows),
  lookup: async ({ type, operations }, { key }) => rowsIn(type, await operations.lookup(key)),
  take: async ({ type, operations }, { key }) => rowsIn(type, await operations.take(key)),
  lookup_element: ({ operations }, { key, field }) => operations.lookupElement(key, positionOf(field)),
  member: ({ operations }, { key }) => operations.member(key),
  delete: ({ operations }, { key }) => done(operations.delete(key)),
  delete_object: ({ operations }, { row }) => done(operations.deleteObject(row)),
  size: (table) => table.size(),
  to_list: ({ operations }) => operations.tab2list(),
  select: ({ operations }, { where }) => operations.select({ where: whereOf(where) }),
  select_reverse: ({ operations }, { where }) => operations.selectReverse({ where: whereOf(where) }),
  select_keys: (table, { where }) => table.selectKeys(whereOf(where)),
  select_pages: pages,
  range: ({ operations }, { gte, lt }) => operations.select({ where: rangeOf(gte, lt) }),
  count: ({ operations }, { where }) => operations.selectCount(whereOf(where)),
  select_delete: ({ operations }, { where }) => operations.selectDelete(whereOf(where)),
  select_replace: ({ operations }, { where, set }) => operations.selectReplace(whereOf(where), set),
  match_delete: ({ operations }, { pattern }) => done(operations.matchDelete(pattern)),
  delete_all: ({ operations }) => done(operations.deleteAllObjects()),
  fold_sum: (table, { field }) => table.sum(field),
  // Traces also count in fields that are no counters, and record the refusal.
  update_counter: ({ operations }, of) =>
    operations.updateCounter(of.key, positionOf(of.field) as 1, of.by, counterOptions(of)),
  update_element: ({ operations }, of) =>
    operations.updateElement(of.key, of.set, of.default === undefined ? {} : { default: of.default }),
  first: async ({ operations }) => keyOrNone(await operations.first()),
  last: async ({ operations }) => keyOrNone(await operations.last()),
  next: async ({ operations }, { key }) => keyOrNone(await operations.next(key)),
  prev: async ({ operations }, { key }) => keyOrNone(await operations.prev(key)),
};

/** ETS answers `true` where there is nothing to say. */
async function done(answer: unknown): Promise<true> {
  await answer;
  return true;
}

function rowsIn(type: TableType, found: unknown): unknown {
  if (type === 'bag' || type === 'duplicate_bag') return found;
  return found === undefined ? [] : [found];
}

function keyOrNone(key: unknown): object {
  return key === undefined ? { none: true } : { key };
}

/** Whether a last page without rows is announced by the one before it is not recorded. */
async function pages({ operations }: TracedTable, of: EtsArguments['select_pages']): Promise<readonly TraceRow[][]> {
  const found: TraceRow[][] = [];
  let after: SelectPage<AsSet>['after'];
  do {
    const selection = { where: whereOf(of.where), limit: of.limit, ...(after === undefined ? {} : { after }) };
    const page = (await operations.selectPage(selection)) as SelectPage<AsSet>; // The pages of such tables.
    ({ after } = page);
    invariant(page.rows.length > 0 || after === undefined, 'A page without rows is the last one.');
    if (page.rows.length > 0) found.push([...page.rows]);
  } while (after !== undefined);
  return found;
}

function counterOptions(of: EtsArguments['update_counter']): CounterOptions {
  return {
    ...(of.default === undefined ? {} : { default: of.default }),
    ...(of.threshold === undefined ? {} : { threshold: of.threshold }),
    ...(of.set_value === undefined ? {} : { setValue: of.set_value }),
  };
}
