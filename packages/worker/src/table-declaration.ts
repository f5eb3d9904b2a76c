/** How a worker's tables are declared to the keeper. */
import type { AnyTableDefinition } from '@heirloom/tables';
import type { TableDeclaration } from '@heirloom/wire';
import type { TableDefinitions } from './handler-context.js';

/** The declarations of a definition's tables, in its order. */
export function declareTables(tables: TableDefinitions): TableDeclaration[] {
  return Object.entries(tables).map(([name, definition]) => declareTable(name, definition));
}

function declareTable(name: string, definition: AnyTableDefinition): TableDeclaration {
  const { type, access, survives, version, heir } = definition;
  return { name, type, access, survives, key: definition.key, publicName: definition.name, version, heir };
}
