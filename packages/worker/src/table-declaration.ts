/** How a worker's tables are declared to the keeper. */
import type { AnyTableDefinition } from '@heirloom/tables';
import type { TableDeclaration } from '@heirloom/wire';
import type { TableDefinitions } from './handler-context.js';

/** The declarations of a definition's tables, in its order. */
export function declareTables(tables: TableDefinitions): TableDeclaration[] {
  return Object.entries(tables).map(([name, definition]) => declareTable(name, definition));
}

function declareTable(name: string, definition: AnyTableDefinition): TableDeclaration {
  const { type, access, survives, key, version, keepBytes, migrate, heir, name: publicName } = definition;
  const declaration = { name, type, access, survives, key, publicName, version, keepBytes, heir };
  return migrate === undefined ? declaration : { ...declaration, migrates: true };
}
