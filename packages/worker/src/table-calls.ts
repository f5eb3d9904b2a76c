/**
 * The calls that every worker has beside its own: remote access to its tables, as `$table.<operation>` with the table's name
 * before the operation's arguments.
 *
 * 1. G12: access is judged here, in the owner. Writes are for public tables. Reads come here only for tables that survive
 *    nothing, as they have no heir to ask, and are refused for private ones.
 * 2. Each is an ordinary handler: it runs between the others, as a batch of its own.
 *
 * Refusals: WorkerError ERR_WORKER_TABLE_UNKNOWN, TableError ERR_TABLE_ACCESS.
 */
import { TableError } from '@heirloom/tables';
import type { AnyTableDefinition } from '@heirloom/tables';
import type { AnyHandler } from './definition.js';
import { WorkerError } from './errors.js';
import type { HandlerContext, TableDefinitions } from './handler-context.js';
import { REMOTE_ANSWERS, RemoteReads } from './remote-reads.js';
import type { LentTable } from './remote-reads.js';
import { REMOTE_READS, REMOTE_WRITES, TABLE_CALL_PREFIX } from './table-call-names.js';

/** The definition of a table of another worker that this one owns, by `worker/table`. */
export type InheritedDefinitions = (key: string) => AnyTableDefinition | undefined;

/** Makes the calls for a worker's tables, by name. */
export function tableCalls(
  definitions: TableDefinitions,
  inherited: InheritedDefinitions = () => undefined,
): ReadonlyMap<string, AnyHandler> {
  const calls = new Map<string, AnyHandler>();
  for (const operation of REMOTE_WRITES) {
    calls.set(
      TABLE_CALL_PREFIX + operation,
      (context: HandlerContext<TableDefinitions>, name: unknown, ...operands: unknown[]) => {
        checkWrite(definitionOf(definitions, inherited, name), name, operation);
        return callTable(context, name, operation, operands);
      },
    );
  }
  for (const operation of REMOTE_READS) {
    calls.set(
      TABLE_CALL_PREFIX + operation,
      (context: HandlerContext<TableDefinitions>, name: unknown, ...operands: unknown[]) => {
        const definition = definitionOf(definitions, inherited, name);
        checkRead(definition, name, operation);
        const answer = REMOTE_ANSWERS.get(operation);
        if (answer === undefined) return callTable(context, name, operation, operands);
        return answer(new RemoteReads(lentTable(context, name), definition), operands);
      },
    );
  }
  return calls;
}

function definitionOf(
  definitions: TableDefinitions,
  inherited: InheritedDefinitions,
  name: unknown,
): AnyTableDefinition {
  if (isForeign(name)) return inherited(foreignKey(name)) ?? notHere(name);
  const definition = typeof name === 'string' && Object.hasOwn(definitions, name) ? definitions[name] : undefined;
  if (definition !== undefined) return definition;
  const known = Object.keys(definitions).join(', ') || 'none';
  throw new WorkerError(
    'ERR_WORKER_TABLE_UNKNOWN',
    `There is no table ${JSON.stringify(name)}. The worker has: ${known}.`,
    {
      table: name,
    },
  );
}

/** The name of a table that another worker declares: of the worker, and its own. */
type ForeignName = readonly [worker: string, table: string];

function isForeign(name: unknown): name is ForeignName {
  return Array.isArray(name) && name.length === 2 && name.every((part) => typeof part === 'string');
}

/** How a table that was found is named. */
function keyOf(name: unknown): string {
  return isForeign(name) ? foreignKey(name) : String(name);
}

function foreignKey([worker, table]: ForeignName): string {
  return `${worker}/${table}`;
}

function notHere(name: ForeignName): never {
  const message = `Table '${foreignKey(name)}' is not with this worker. Ask for it where it is.`;
  throw new TableError('ERR_TABLE_OWNER', message, { table: foreignKey(name) });
}

function checkWrite({ access }: AnyTableDefinition, table: unknown, operation: string): void {
  if (access === 'public') return;
  const key = keyOf(table);
  const message = `'${operation}' on the table '${key}' is for its owner: the table is ${access}, not public.`;
  throw new TableError('ERR_TABLE_ACCESS', message, { table: key, operation, access });
}

function checkRead({ access, survives }: AnyTableDefinition, table: unknown, operation: string): void {
  if (survives !== 'nothing') {
    const message = `'${operation}' on the table '${String(table)}' was asked of its owner, but the table has an heir that answers.`;
    throw new TableError('ERR_TABLE_ACCESS', message, { table, operation });
  }
  if (access !== 'private' || operation === 'info') return;
  const message = `'${operation}' on the table '${String(table)}' is for its owner: the table is private.`;
  throw new TableError('ERR_TABLE_ACCESS', message, { table, operation, access });
}

function lentTable(context: HandlerContext<TableDefinitions>, name: unknown): LentTable {
  // `definitionOf` has found it.
  if (isForeign(name)) return context.inherited.get(foreignKey(name)) as LentTable;
  return context.tables[name as string] as LentTable;
}

function callTable(
  context: HandlerContext<TableDefinitions>,
  name: unknown,
  operation: string,
  operands: unknown[],
): unknown {
  // The name is one of the list of operations, and the operation checks its operands itself.
  const table = lentTable(context, name) as unknown as Readonly<Record<string, (...operands: unknown[]) => unknown>>;
  return table[operation]?.(...operands);
}
