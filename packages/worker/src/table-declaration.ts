/** How a worker's tables are declared to the keeper: those of its definition, and the hidden one if it needs it. */
import type { AnyTableDefinition } from '@heirloom/tables';
import type { TableDeclaration } from '@heirloom/wire';
import type { AnyWorkerDefinition } from './definition.js';
import { usesLifeTable } from './life.js';
import { LIFE_TABLE, LIFE_TABLE_NAME } from './life-table.js';

/** The declarations of a worker's tables, in the order of its definition. */
export function declareTables(definition: AnyWorkerDefinition): TableDeclaration[] {
  const declared = Object.entries(definition.tables).map(([name, table]) => declareTable(name, table));
  return usesLifeTable(definition) ? [...declared, declareTable(LIFE_TABLE_NAME, LIFE_TABLE)] : declared;
}

function declareTable(name: string, definition: AnyTableDefinition): TableDeclaration {
  const { type, access, survives, key, version, keepBytes, migrate, heir, name: publicName } = definition;
  const declaration = { name, type, access, survives, key, publicName, version, keepBytes, heir };
  return migrate === undefined ? declaration : { ...declaration, migrates: true };
}
