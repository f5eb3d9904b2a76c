/**
 * Who owns which table, and where tables go: ETS's rules of ownership, heirs, names and access. Pure.
 *
 *   create ──▶ owned ──giveAway, or its owner ends and the heir lives──▶ owned by another
 *                └── deleteTable, or its owner ends and no heir lives──▶ gone, and its name free
 *
 * 1. A table has one owner, which lives. A name belongs to one table, and is free in the moment in which that is gone.
 * 2. An heir is one life of a process: a later process of the same name inherits nothing (ets:setopts/2, erl_db.c).
 * 3. An heir that is dead when it is named counts as none. One that dies later stays on record, and is passed over. The heir
 *    stays what it was when the table moves, so a table whose heir has become its owner ends with it.
 * 4. `end` moves every table of a process, in the order in which it became their owner, before anyone else can act: who learns
 *    of a death finds the tables with their new owners.
 * 5. A refusal is a TableError and changes nothing.
 *
 * Rights: a read is refused on a private table, a write (of rows, the name, or the table as a whole) on one that is not public,
 * both only to others than the owner; giving away, heirs and access are the owner's alone; what a table is, anyone may ask.
 */
import type { Access, TableType } from './definition.js';
import { TableError } from './errors.js';
import { showValue } from './shown-value.js';

/** What a table is created as. */
export interface OwnershipOptions {
  /** Names the table for good: it is never the name of another one while this is there. */
  readonly table: string;
  readonly type: TableType;
  readonly access: Access;
  /** The name by which anyone finds it, unique among the tables that there are; undefined for none. */
  readonly name: string | undefined;
  /** The process that gets it when its owner ends; undefined for none. */
  readonly heir: string | undefined;
  /** What the heir is told then. */
  readonly heirData?: unknown;
}

/** A table has a new owner, which is to be told. */
export interface Transfer {
  readonly table: string;
  readonly from: string;
  readonly to: string;
  /** What was given with the table, or with the heir. */
  readonly data: unknown;
}

/** What became of the tables of a process that ended; each list in the order in which it had become their owner. */
export interface EndedTables {
  readonly transfers: readonly Transfer[];
  readonly deleted: readonly string[];
}

/** What anyone may know of a table. */
export interface OwnershipInfo {
  readonly owner: string;
  readonly heir: string | undefined;
  readonly protection: Access;
  readonly type: TableType;
  readonly name: string | undefined;
}

/** One life of a process. */
interface Life {
  readonly process: string;
  /** In the order in which it became their owner. */
  readonly tables: Set<OwnedTable>;
}

interface OwnedTable {
  readonly table: string;
  readonly type: TableType;
  owner: Life;
  access: Access;
  name: string | undefined;
  /** Whether the name leads to the table. */
  isNamed: boolean;
  heir: Life | undefined;
  heirData: unknown;
}

/** The tables of some processes; see the header. Processes and tables are known by strings that the caller chooses. */
export class Ownership {
  readonly #lives = new Map<string, Life>();
  /** In the order of creation. */
  readonly #tables = new Map<string, OwnedTable>();
  readonly #names = new Map<string, OwnedTable>();

  /** A process begins. Throws `ERR_TABLE_PROCESS` for one that is alive. */
  spawn(process: string): void {
    if (this.isAlive(process)) throw processError(process, 'is alive already');
    this.#lives.set(process, { process, tables: new Set() });
  }

  isAlive(process: string): boolean {
    return this.#lives.has(process);
  }

  /** Creates a table that `by` owns (ets:new/2). Throws `ERR_TABLE_NAME` for a taken name, `ERR_TABLE_ARGUMENT` for a table that is there. */
  create(by: string, { table, type, access, name, heir, heirData }: OwnershipOptions): true {
    const owner = this.#fetchAlive(by);
    if (this.#tables.has(table)) {
      const message = `There is a table ${showValue(table)} already. Call the new one something else.`;
      throw new TableError('ERR_TABLE_ARGUMENT', message, { table });
    }
    this.#checkFree(name);
    const isNamed = name !== undefined;
    const owned: OwnedTable = { table, type, owner, access, name, isNamed, heir: this.#life(heir), heirData };
    this.#tables.set(table, owned);
    owner.tables.add(owned);
    if (name !== undefined) this.#names.set(name, owned);
    return true;
  }

  /** Throws `ERR_TABLE_UNKNOWN`, or `ERR_TABLE_ACCESS` where `by` may not read the table. */
  checkRead(by: string, table: string): void {
    const owned = this.#fetch(by, table);
    if (owned.access === 'private' && owned.owner.process !== by) throw accessError(owned, by, 'read');
  }

  /** Throws `ERR_TABLE_UNKNOWN`, or `ERR_TABLE_ACCESS` where `by` may not change the table. */
  checkWrite(by: string, table: string): void {
    this.#fetchWritable(by, table);
  }

  /**
   * Makes another process the owner at once; heir, name and access stay (ets:give_away/3). Throws `ERR_TABLE_UNKNOWN`;
   * `ERR_TABLE_OWNER` when `by` is not the owner or `to` is; `ERR_TABLE_PROCESS` when `to` is not alive.
   */
  giveAway(by: string, table: string, to: string, data: unknown): Transfer {
    const owned = this.#fetchOwned(by, table);
    if (to === by) {
      const message = `Table ${showValue(table)} cannot be given to ${showValue(to)}, which owns it. Give it to another process.`;
      throw new TableError('ERR_TABLE_OWNER', message, { table, owner: by });
    }
    this.#moveTo(this.#fetchAlive(to), owned);
    return { table, from: by, to, data };
  }

  /** Says who inherits the table, and what it is told then (ets:setopts/2). Throws `ERR_TABLE_UNKNOWN`, `ERR_TABLE_OWNER`. */
  setHeir(by: string, table: string, heir: string | undefined, heirData?: unknown): void {
    const owned = this.#fetchOwned(by, table);
    owned.heir = this.#life(heir);
    owned.heirData = heirData;
  }

  /** Says who else may use the table (ets:setopts/2). Throws `ERR_TABLE_UNKNOWN`, `ERR_TABLE_OWNER`. */
  setAccess(by: string, table: string, access: Access): void {
    this.#fetchOwned(by, table).access = access;
  }

  /**
   * Gives the table another name (ets:rename/2); `isNamed` says whether the name leads to it, by default as it was. Counts as a
   * write. Throws `ERR_TABLE_UNKNOWN`, `ERR_TABLE_ACCESS`, and `ERR_TABLE_NAME` for a taken name, its own among them.
   */
  rename(by: string, table: string, name: string, isNamed?: boolean): void {
    const owned = this.#fetchWritable(by, table);
    const leads = isNamed ?? owned.isNamed;
    if (leads) this.#checkFree(name);
    this.#freeName(owned);
    owned.name = name;
    owned.isNamed = leads;
    if (leads) this.#names.set(name, owned);
  }

  /** Deletes the table (ets:delete/1). Counts as a write. Throws `ERR_TABLE_UNKNOWN`, `ERR_TABLE_ACCESS`. */
  deleteTable(by: string, table: string): void {
    this.#remove(this.#fetchWritable(by, table));
  }

  /** The table that a name leads to (ets:whereis/1). */
  whereis(name: string): string | undefined {
    return this.#names.get(name)?.table;
  }

  /** Every table, in the order of creation (ets:all/0). */
  all(): readonly string[] {
    return [...this.#tables.keys()];
  }

  /** What the table is; undefined when it is gone (ets:info/1). */
  info(table: string): OwnershipInfo | undefined {
    const owned = this.#tables.get(table);
    if (owned === undefined) return undefined;
    const { owner, heir, access, type, name } = owned;
    return { owner: owner.process, heir: heir?.process, protection: access, type, name };
  }

  /** A process ends: its tables go to their heirs, or are gone. Throws `ERR_TABLE_PROCESS` for one that is not alive. */
  end(process: string): EndedTables {
    const life = this.#fetchAlive(process);
    this.#lives.delete(process);
    const transfers: Transfer[] = [];
    const deleted: string[] = [];
    for (const owned of life.tables) {
      const { table, heir, heirData } = owned;
      if (heir !== undefined && this.#lives.get(heir.process) === heir) {
        this.#moveTo(heir, owned);
        transfers.push({ table, from: process, to: heir.process, data: heirData });
      } else {
        this.#remove(owned);
        deleted.push(table);
      }
    }
    return { transfers, deleted };
  }

  #life(process: string | undefined): Life | undefined {
    return process === undefined ? undefined : this.#lives.get(process);
  }

  #moveTo(owner: Life, owned: OwnedTable): void {
    owned.owner.tables.delete(owned);
    owner.tables.add(owned);
    owned.owner = owner;
  }

  #remove(owned: OwnedTable): void {
    this.#freeName(owned);
    owned.owner.tables.delete(owned);
    this.#tables.delete(owned.table);
  }

  #freeName({ name, isNamed }: OwnedTable): void {
    if (isNamed && name !== undefined) this.#names.delete(name);
  }

  #fetchAlive(process: string): Life {
    const life = this.#life(process);
    if (life === undefined) throw processError(process, 'is not alive');
    return life;
  }

  #checkFree(name: string | undefined): void {
    const holder = name === undefined ? undefined : this.#names.get(name);
    if (holder === undefined) return;
    const message = `The name ${showValue(name)} is that of table ${showValue(holder.table)} of ${showValue(holder.owner.process)}. Choose another one.`;
    throw new TableError('ERR_TABLE_NAME', message, { name, table: holder.table, owner: holder.owner.process });
  }

  #fetch(by: string, table: string): OwnedTable {
    this.#fetchAlive(by);
    const owned = this.#tables.get(table);
    if (owned !== undefined) return owned;
    throw new TableError('ERR_TABLE_UNKNOWN', `There is no table ${showValue(table)}.`, { table });
  }

  #fetchWritable(by: string, table: string): OwnedTable {
    const owned = this.#fetch(by, table);
    if (owned.access === 'public' || owned.owner.process === by) return owned;
    throw accessError(owned, by, 'write');
  }

  #fetchOwned(by: string, table: string): OwnedTable {
    const owned = this.#fetch(by, table);
    if (owned.owner.process === by) return owned;
    const message = `Table ${showValue(table)} is owned by ${showValue(owned.owner.process)}, and only it may do this, not ${showValue(by)}.`;
    throw new TableError('ERR_TABLE_OWNER', message, { table, owner: owned.owner.process, by });
  }
}

function accessError({ table, access, owner }: OwnedTable, by: string, what: 'read' | 'write'): TableError {
  const message = `${showValue(by)} may not ${what} table ${showValue(table)}, which is ${access} and owned by ${showValue(owner.process)}.`;
  return new TableError('ERR_TABLE_ACCESS', message, { table, access, owner: owner.process, by });
}

function processError(process: string, problem: string): TableError {
  return new TableError('ERR_TABLE_PROCESS', `The process ${showValue(process)} ${problem}.`, { process });
}
