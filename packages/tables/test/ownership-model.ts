/**
 * Ownership as one reads it in ETS's manual: a list of tables and a list of processes, searched from end to end. Slow, and with
 * no index that could go stale.
 */
import type { Access, Transfer } from '@heirloom/tables';

interface ModelTable {
  readonly table: string;
  owner: string;
  /** When it came to its owner. */
  since: number;
  access: Access;
  name: string | undefined;
  isNamed: boolean;
  /** A life: a process and its number. */
  heir: string | undefined;
  heirData: unknown;
}

/** What an operation may give beside `undefined`. `refused` stands for any error. */
export type ModelResult = 'refused' | Transfer | { transfers: Transfer[]; deleted: string[] } | undefined;

export class OwnershipModel {
  tables: ModelTable[] = [];
  private lives: { process: string; number: number }[] = [];
  private clock = 0;

  spawn(process: string): ModelResult {
    if (this.isAlive(process)) return 'refused';
    this.lives.push({ process, number: ++this.clock });
    return undefined;
  }

  isAlive(process: string): boolean {
    return this.lives.some((life) => life.process === process);
  }

  create(by: string, table: string, access: Access, name?: string, heir?: string, heirData?: unknown): ModelResult {
    if (!this.isAlive(by) || this.find(table) !== undefined || this.whereis(name) !== undefined) return 'refused';
    const isNamed = name !== undefined;
    const since = ++this.clock;
    this.tables.push({ table, owner: by, since, access, name, isNamed, heir: this.life(heir), heirData });
    return undefined;
  }

  checkRead(by: string, table: string): ModelResult {
    const found = this.find(table);
    return this.isAlive(by) && found && (found.access !== 'private' || found.owner === by) ? undefined : 'refused';
  }

  checkWrite(by: string, table: string): ModelResult {
    const found = this.find(table);
    return this.isAlive(by) && found && (found.access === 'public' || found.owner === by) ? undefined : 'refused';
  }

  giveAway(by: string, table: string, to: string, data: unknown): ModelResult {
    const found = this.find(table);
    if (found === undefined || found.owner !== by || to === by || !this.isAlive(by) || !this.isAlive(to))
      return 'refused';
    this.move(found, to);
    return { table, from: by, to, data };
  }

  setHeir(by: string, table: string, heir: string | undefined, heirData: unknown): ModelResult {
    const found = this.find(table);
    if (found === undefined || found.owner !== by || !this.isAlive(by)) return 'refused';
    Object.assign(found, { heir: this.life(heir), heirData });
    return undefined;
  }

  setAccess(by: string, table: string, access: Access): ModelResult {
    const found = this.find(table);
    if (found === undefined || found.owner !== by || !this.isAlive(by)) return 'refused';
    found.access = access;
    return undefined;
  }

  rename(by: string, table: string, name: string, isNamed: boolean | undefined): ModelResult {
    const found = this.find(table);
    if (found === undefined || this.checkWrite(by, table) === 'refused') return 'refused';
    const leads = isNamed ?? found.isNamed;
    if (leads && this.whereis(name) !== undefined) return 'refused';
    Object.assign(found, { name, isNamed: leads });
    return undefined;
  }

  deleteTable(by: string, table: string): ModelResult {
    if (this.checkWrite(by, table) === 'refused') return 'refused';
    this.tables = this.tables.filter((other) => other.table !== table);
    return undefined;
  }

  end(process: string): ModelResult {
    if (!this.isAlive(process)) return 'refused';
    this.lives = this.lives.filter((life) => life.process !== process);
    const owned = this.tables.filter(({ owner }) => owner === process).sort((one, other) => one.since - other.since);
    const transfers: Transfer[] = [];
    const deleted: string[] = [];
    for (const found of owned) {
      const to = this.lives.find((life) => found.heir === `${life.process}#${life.number}`)?.process;
      if (to === undefined) {
        deleted.push(found.table);
        this.tables = this.tables.filter((other) => other !== found);
      } else {
        this.move(found, to);
        transfers.push({ table: found.table, from: process, to, data: found.heirData });
      }
    }
    return { transfers, deleted };
  }

  whereis(name: string | undefined): string | undefined {
    if (name === undefined) return undefined;
    return this.tables.find((other) => other.isNamed && other.name === name)?.table;
  }

  private find(table: string): ModelTable | undefined {
    return this.tables.find((other) => other.table === table);
  }

  private life(process: string | undefined): string | undefined {
    const life = this.lives.find((other) => other.process === process);
    return life === undefined ? undefined : `${life.process}#${life.number}`;
  }

  private move(table: ModelTable, to: string): void {
    Object.assign(table, { owner: to, since: ++this.clock });
  }
}
