/**
 * What the program asks of tables by name: which one has a runtime-wide name, what there is, and to rename one.
 *
 * What fails: ERR_TABLE_UNKNOWN, ERR_TABLE_ARGUMENT, and of a rename ERR_TABLE_ACCESS (the table is not public, and another's) and ERR_TABLE_NAME
 * (another table has the name, or it has it itself).
 */
import { TableError } from '@heirloom/tables';
import { isHiddenTable } from '@heirloom/wire';
import type { KeeperRequest } from '@heirloom/wire';
import type { Store } from './store.js';
import { infoOf, unknownTable } from './table-catalog.js';
import type { StoredTable } from './table-catalog.js';
import type { TableIdentity } from './table-identity.js';
import { ownershipInfo } from './table-ownership.js';
import type { TableOwnership } from './table-ownership.js';

type NameRequest = Extract<KeeperRequest, { type: 'rename' | 'whereis' | 'tables' }>;

/** The longest runtime-wide name, in characters: it travels with questions. */
export const PUBLIC_NAME_CHARS_MAX = 256;

export function nameRequest(store: Store, owners: TableOwnership, request: NameRequest): unknown {
  switch (request.type) {
    case 'rename':
      return rename(store, owners, request);
    case 'whereis': {
      const table = owners.whereis(request.name);
      return table && identityOf(table);
    }
    default:
      return owners
        .all()
        .filter(({ declaration }) => !isHiddenTable(declaration.name))
        .map((table) => ({ ...identityOf(table), info: { ...infoOf(table), ...ownershipInfo(store, table) } }));
  }
}

function identityOf({ worker, declaration }: StoredTable): TableIdentity {
  return { worker, table: declaration.name };
}

function rename(
  store: Store,
  owners: TableOwnership,
  { worker, table: tableName, name, by }: Extract<NameRequest, { type: 'rename' }>,
): undefined {
  const table = store.catalog.visible(worker, tableName);
  if (table === undefined) throw unknownTable(worker, tableName);
  if (name === '' || name.length > PUBLIC_NAME_CHARS_MAX) {
    const message = `A runtime-wide name has 1 to ${PUBLIC_NAME_CHARS_MAX} characters. Choose another one.`;
    throw new TableError('ERR_TABLE_ARGUMENT', message, { worker, table: tableName });
  }
  owners.checkRename(table, name, by);
  store.transaction((writer) => {
    table.ownership = { ...table.ownership, publicName: name };
    store.putTable(writer, table);
  });
  return undefined;
}
