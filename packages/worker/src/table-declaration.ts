/** How a worker's tables are declared to the keeper. */
import type { AnyTableDefinition, KeySpec } from '@heirloom/tables';
import type { TableDeclaration } from '@heirloom/wire';
import type { TableDefinitions } from './handler-context.js';

/** The declarations of a definition's tables, in its order. */
export function declareTables(tables: TableDefinitions): TableDeclaration[] {
  return Object.entries(tables).map(([name, definition]) => declareTable(name, definition));
}

function declareTable(name: string, definition: AnyTableDefinition): TableDeclaration {
  const { type, access, survives, version } = definition;
  return { name, type, access, survives, key: declareKey(definition.key), publicName: definition.name, version };
}

function declareKey(key: KeySpec): TableDeclaration['key'] {
  if (typeof key === 'number') return { fields: undefined, position: key };
  // The positions of a composite key of tuples are fields of the tuple too, under their digits.
  return { fields: typeof key === 'string' ? [key] : key.map(String), position: undefined };
}
