/**
 * The tables of the store, by their number and by the worker that declares them, as the keeper has them in memory.
 *
 * Invariants
 * 1. A table is never removed; a worker that no longer declares it leaves it as it was.
 * 2. A stored table keeps its type, key, and version; a declaration that differs is refused, and then nothing is changed. Only one
 *    of a higher version may differ, if its worker migrates the rows (table-migration.ts).
 * 3. A runtime-wide name belongs to one table of the workers of the runtime.
 * 4. Nobody but their worker sees hidden tables. A worker gets one that is stored also if it does not declare it any more.
 */
import { invariant, row } from '@heirloom/tables';
import type { AnyTableDefinition, TableInfo } from '@heirloom/tables';
import { RowCodec, isHiddenTable } from '@heirloom/wire';
import type { StoredShape, TableDeclaration, TableGrant } from '@heirloom/wire';
import { KeeperError, StoreError } from './errors.js';
import type { StoredMigration } from './stored-record.js';
import { TABLES_MAX, WORKER_NAME_BYTES_MAX } from './layout.js';
import type { OwnershipRecord } from './stored-record.js';

/** Where the feed of a table stands (change-feed.ts). The fields are as of what was last written; a failed commit ends the process. */
export interface Feed {
  /** What its changes are stored under. */
  readonly id: number;
  afterLsn: number;
  /** What its changes take. */
  bytes: number;
  /** Whether somebody asked for changes when there were none, and is to be told of the next; only in memory. */
  isAwaited: boolean;
}

/** One stored table. The mutable fields are as of what was last received; a failed commit ends the process. */
export interface StoredTable {
  readonly tableId: number;
  /** The worker that declares it. */
  readonly worker: string;
  declaration: TableDeclaration;
  extent: number;
  size: number;
  nextSequence: number;
  readonly shapes: StoredShape[];
  readonly codec: RowCodec;
  /** Present while the rows are made anew for another version. */
  migration: StoredMigration | undefined;
  /** Where its changes are kept, if they are. */
  feed: Feed | undefined;
  ownership: OwnershipRecord;
  /** Whether a batch has given it away that is received and not committed: nothing behind that may change it. */
  isLeaving: boolean;
}

/** The sequence of the first row of a bag. */
export const FIRST_SEQUENCE = 1;

export function newTable(tableId: number, extent: number, worker: string, declaration: TableDeclaration): StoredTable {
  const codec = new RowCodec();
  const { heir, publicName } = declaration;
  const ownership = { owner: worker, heir, heirData: undefined, moves: 0, since: 0, notice: undefined, publicName };
  const counts = { size: 0, nextSequence: FIRST_SEQUENCE };
  const extras = { migration: undefined, feed: undefined, ownership, isLeaving: false };
  return { tableId, worker, declaration, extent, ...counts, shapes: [], codec, ...extras };
}

/** Makes the shapes of received rows known. Throws what `RowCodec.addShapes` throws, and then none of them is. */
export function learnShapes(table: StoredTable, shapes: readonly StoredShape[]): void {
  const added = shapes.filter(({ id }) => !table.codec.hasShape(id));
  table.codec.addShapes(shapes);
  table.shapes.push(...added);
}

/** The refusal of a question about a table that there is none of. */
export function unknownTable(worker: string, table: string): KeeperError {
  const message = `Worker '${worker}' has no stored table '${table}'. Check the name, and that the worker was started once.`;
  return new KeeperError('ERR_TABLE_UNKNOWN', message, { worker, table });
}

export class TableCatalog {
  readonly byId: Map<number, StoredTable> = new Map();
  private readonly byWorker: Map<string, Map<string, StoredTable>> = new Map();
  private readonly byOwner: Map<string, Set<StoredTable>> = new Map();

  add(table: StoredTable): void {
    invariant(!this.byId.has(table.tableId), `table ${table.tableId} is in the catalog twice`);
    this.byId.set(table.tableId, table);
    const owned = this.byWorker.get(table.worker) ?? new Map<string, StoredTable>();
    this.byWorker.set(table.worker, owned.set(table.declaration.name, table));
    this.own(table);
  }

  /** Gives a table its owner, with whatever else changes with that. */
  setOwnership(table: StoredTable, ownership: OwnershipRecord): void {
    this.byOwner.get(table.ownership.owner)?.delete(table);
    table.ownership = ownership;
    this.own(table);
  }

  private own(table: StoredTable): void {
    const { owner } = table.ownership;
    const owned = this.byOwner.get(owner) ?? new Set<StoredTable>();
    this.byOwner.set(owner, owned.add(table));
  }

  /** The tables that a worker declares, in the order in which they were. */
  declaredBy(worker: string): StoredTable[] {
    return [...(this.byWorker.get(worker)?.values() ?? [])];
  }

  /** The tables that a worker owns, in the order in which they came to it. */
  ownedBy(worker: string): StoredTable[] {
    return [...(this.byOwner.get(worker) ?? [])].sort(byArrival);
  }

  /** A table that is known to be there. */
  fetch(tableId: number): StoredTable {
    const table = this.byId.get(tableId);
    invariant(table !== undefined, `table ${tableId} is not in the catalog`);
    return table;
  }

  get(worker: string, name: string): StoredTable | undefined {
    return this.byWorker.get(worker)?.get(name);
  }

  /** A table as others than its worker can ask for it: not a hidden one. */
  visible(worker: string, name: string): StoredTable | undefined {
    return isHiddenTable(name) ? undefined : this.get(worker, name);
  }

  /** The hidden tables that a worker, or an earlier version of it, has declared. */
  hiddenOf(worker: string): StoredTable[] {
    return [...(this.byWorker.get(worker)?.values() ?? [])].filter(({ declaration }) =>
      isHiddenTable(declaration.name),
    );
  }

  /** The tables that a worker's batches may change. */
  changedBy(worker: string): StoredTable[] {
    return this.ownedBy(worker).filter((table) => isChangedBy(table, worker));
  }

  /**
   * Checks what a worker declares against what is stored.
   * Throws StoreError ERR_STORE_TABLE_MISMATCH, ERR_STORE_TABLE_NAME or ERR_STORE_LIMIT.
   */
  check(worker: string, declarations: readonly TableDeclaration[], isPresent: (worker: string) => boolean): void {
    if (Buffer.byteLength(worker) > WORKER_NAME_BYTES_MAX || worker === '') {
      const message = `A worker's name has 1 to ${WORKER_NAME_BYTES_MAX} bytes. Choose another one.`;
      throw new StoreError('ERR_STORE_LIMIT', message, { worker: worker.slice(0, 100) });
    }
    if (this.byId.size + declarations.length > TABLES_MAX) {
      throw new StoreError('ERR_STORE_LIMIT', `The store has ${this.byId.size} tables, and at most ${TABLES_MAX}.`, {
        worker,
      });
    }
    const own = new Set(declarations.map(({ name }) => name));
    const names = new Set<string>();
    const publicNames = new Set<string>();
    for (const declaration of declarations) {
      const stored = this.get(worker, declaration.name);
      if (stored !== undefined) checkDeclaration(stored, declaration);
      if (names.has(declaration.name)) throw mismatch(worker, declaration.name, 'declared', 'once', 'twice');
      names.add(declaration.name);
      // One that was renamed keeps its name.
      const isNamed = stored === undefined || stored.declaration.publicName !== declaration.publicName;
      const publicName = isNamed ? declaration.publicName : stored.ownership.publicName;
      if (publicName !== undefined && publicNames.has(publicName)) {
        throw mismatch(worker, declaration.name, `the name '${publicName}'`, 'given once', 'given twice');
      }
      if (publicName === undefined) continue;
      publicNames.add(publicName);
      // Names of tables that are declared with it are compared above, as they are from now on.
      const isOther = (other: StoredTable): boolean => other.worker !== worker || !own.has(other.declaration.name);
      this.checkName(worker, declaration.name, publicName, (other) => isOther(other) && isPresent(other.worker));
    }
  }

  private checkName(worker: string, name: string, publicName: string, counts: (other: StoredTable) => boolean): void {
    for (const other of this.byId.values()) {
      if (other.ownership.publicName !== publicName || !counts(other)) continue;
      const message = `Table '${name}' of worker '${worker}' wants the name '${publicName}', which table '${other.declaration.name}' of worker '${other.worker}' has. Choose another name.`;
      throw new StoreError('ERR_STORE_TABLE_NAME', message, { worker, table: name, publicName, holder: other.worker });
    }
  }
}

/** The order in which tables came to their owners. */
export function byArrival(one: StoredTable, other: StoredTable): number {
  return one.ownership.since - other.ownership.since || one.tableId - other.tableId;
}

/** Whether a worker may change a table: it owns it, and no batch of it that was received has given it away. */
export function isChangedBy({ ownership, isLeaving }: StoredTable, worker: string): boolean {
  return ownership.owner === worker && !isLeaving;
}

/** Whether rows of a declared table are stored at all. */
export function isStored(declaration: TableDeclaration): boolean {
  return declaration.survives !== 'nothing';
}

function checkDeclaration(stored: StoredTable, declared: TableDeclaration): void {
  const { worker, declaration } = stored;
  const differ = (field: string, before: unknown, now: unknown): void => {
    if (before !== now) throw mismatch(worker, declared.name, field, before, now);
  };
  differ('stored', true, isStored(declared));
  if (declared.version > declaration.version && declared.migrates === true) return;
  if (declared.version === declaration.version) {
    differ('type', declaration.type, declared.type);
    differ('key', JSON.stringify(declaration.key), JSON.stringify(declared.key));
  }
  if (declared.version !== declaration.version) throw otherVersion(worker, declaration, declared);
}

function otherVersion(worker: string, { version }: TableDeclaration, declared: TableDeclaration): StoreError {
  const { name: table, version: wanted } = declared;
  const advice =
    wanted > version
      ? 'Give the table a migrate function, which makes rows of the new version of the stored ones.'
      : 'A newer version of the program has written it: run that one, or restore a backup of before.';
  const message = `Table '${table}' of worker '${worker}' is stored with version ${version}, but declared with ${wanted}. ${advice}`;
  const details = { worker, table, field: 'version', stored: version, declared: wanted };
  return new StoreError('ERR_STORE_TABLE_MISMATCH', message, details);
}

function mismatch(worker: string, table: string, field: string, before: unknown, now: unknown): StoreError {
  const message = `Table '${table}' of worker '${worker}' is stored with ${field} ${String(before)}, but declared with ${String(now)}. Declare it as it was, or use another table name.`;
  return new StoreError('ERR_STORE_TABLE_MISMATCH', message, { worker, table, field, stored: before, declared: now });
}

/** A table as it is handed to a new incarnation. */
export function grant(table: StoredTable): TableGrant {
  const { tableId, extent, size, nextSequence, shapes } = table;
  return { name: table.declaration.name, tableId, extent, size, nextSequence, shapes: [...shapes] };
}

/** What the table is and its size; who has it is for table-ownership.ts to say. */
export function infoOf({ declaration, size }: StoredTable): TableInfo {
  const { name, type, key, access, survives, version } = declaration;
  return { name, type, key, access, survives, version, size };
}

/** The stored table as a definition, for what @heirloom/tables can do with one. */
export function definitionOf({ declaration }: StoredTable): AnyTableDefinition {
  const { type, key, access, survives, version, publicName, keepBytes } = declaration;
  return {
    kind: 'table',
    row: row<unknown>(),
    type,
    key,
    access,
    survives,
    name: publicName,
    version,
    keepBytes,
  };
}
