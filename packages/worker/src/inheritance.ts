/**
 * What an incarnation owns: its declared tables as they were granted, and tables that come to it, at its beginning or later.
 *
 * 1. A table that comes is taken in between two handlers: empty, to be loaded from the store, where nobody changes it.
 * 2. An adoption may come twice; one with a number of moves that was seen is ignored.
 * 3. One of its own that comes in the form of another version is not taken in: nothing here can read it as it is declared. It is
 *    migrated at the beginning of the worker's next life, which is then told of it.
 * 4. A table that went is not loaded any further: its rows in the store are its new owner's to change.
 * 5. An adoption of a table that is here says how it is declared now: who may write to it is judged by that.
 */
import { isSameForm, row } from '@heirloom/tables';
import type { AnyTableDefinition, Table } from '@heirloom/tables';
import type { ActivateMessage, Adoption, TableDeclaration, TableGrant } from '@heirloom/wire';
import type { BatchEncoder } from './batch-encoder.js';
import type { WorkerLog } from './handler-context.js';
import { Hydration } from './hydration.js';
import type { HydrationOptions } from './hydration.js';
import type { Transaction } from './transaction.js';

export interface InheritanceOptions extends Pick<HydrationOptions, 'reader' | 'isBusy' | 'onBug'> {
  readonly log: WorkerLog;
}

export class Inheritance {
  private readonly name: string;
  private readonly transaction: Transaction;
  private readonly options: InheritanceOptions;
  /** Taken in at the beginning, and not told yet. */
  private untold: Adoption[] = [];
  private readonly arrived: Adoption[] = [];
  /** The moves of each table that came, by its number. */
  private readonly moves = new Map<number, number>();
  private hydrations: Hydration[] = [];

  constructor(name: string, transaction: Transaction, options: InheritanceOptions) {
    this.name = name;
    this.transaction = transaction;
    this.options = options;
  }

  /** Takes what the activation gives, and teaches the encoder, which knows the granted tables, the others. */
  begin({ tables, inherited = [], elsewhere = [], workers = [] }: ActivateMessage, encoder: BatchEncoder): void {
    const { transaction } = this;
    transaction.belongsTo({ name: this.name, workers: new Set(workers) });
    for (const { name, tableId } of tables) {
      const holding = transaction.holding(name);
      if (holding !== undefined) holding.tableId = tableId;
    }
    for (const { name, owner } of elsewhere) {
      const holding = transaction.holding(name);
      if (holding !== undefined) holding.elsewhere = owner;
    }
    this.load(transaction.tables, tables, encoder);
    const granted = new Set(tables.map(({ tableId }) => tableId));
    for (const adoption of inherited) {
      const { tableId } = adoption.grant;
      // One of its own that came back while it was dead is granted as any other, and only to be told of.
      if (granted.has(tableId)) this.moves.set(tableId, adoption.moves);
      else this.take(adoption, encoder);
    }
    this.untold = inherited.filter(({ notice }) => notice !== undefined);
  }

  push(adoption: Adoption): void {
    this.arrived.push(adoption);
  }

  /** The next table to tell of, taken in; undefined when there is none. */
  next(encoder: BatchEncoder): Adoption | undefined {
    const untold = this.untold.shift();
    if (untold !== undefined) return untold;
    for (let adoption = this.arrived.shift(); adoption !== undefined; adoption = this.arrived.shift()) {
      const moves = this.moves.get(adoption.grant.tableId) ?? 0;
      if (adoption.moves === moves) this.redeclare(adoption);
      if (adoption.moves <= moves || this.isOfOtherForm(adoption)) continue;
      this.take(adoption, encoder);
      return adoption;
    }
    return undefined;
  }

  /** Stops loading a table that went. */
  readonly forget = (table: Table<AnyTableDefinition>): void => {
    for (const hydration of this.hydrations) hydration.forget(table);
  };

  /** Nothing is loaded any more. */
  cutOff(): void {
    for (const hydration of this.hydrations) hydration.cutOff();
  }

  /** Whether a table of this worker has come as its definition does not describe it; it is refused from now on. */
  private isOfOtherForm({ worker, declaration, grant, moves }: Adoption): boolean {
    const own = worker === this.name ? this.transaction.holding(declaration.name) : undefined;
    if (own === undefined || isSameForm(own.definition, declaration)) return false;
    this.moves.set(grant.tableId, moves);
    own.refuse(this.name, declaration.version);
    const versions = { table: declaration.name, stored: declaration.version, declared: own.definition.version };
    this.options.log.warn(
      'A table has come back in another version. It is migrated when the worker begins again.',
      versions,
    );
    return true;
  }

  private redeclare({ worker, declaration }: Adoption): void {
    // One of its own is declared by its own module.
    const holding = worker === this.name ? undefined : this.transaction.holding(`${worker}/${declaration.name}`);
    if (holding !== undefined) holding.definition = definitionOf(declaration);
  }

  private take({ worker, declaration, grant, moves }: Adoption, encoder: BatchEncoder): void {
    const key = worker === this.name ? declaration.name : `${worker}/${declaration.name}`;
    this.moves.set(grant.tableId, moves);
    const table = this.transaction.adopt(key, definitionOf(declaration), grant.tableId);
    encoder.adopt(key, grant);
    this.load(new Map([[key, table]]), [{ ...grant, name: key }], encoder);
  }

  private load(
    tables: ReadonlyMap<string, Table<AnyTableDefinition>>,
    grants: readonly TableGrant[],
    encoder: BatchEncoder,
  ): void {
    const { reader, isBusy, onBug } = this.options;
    const hydration = new Hydration({ reader, isBusy, onBug, tables, grants, encoder });
    this.hydrations = [...this.hydrations.filter(({ isDone }) => !isDone), hydration];
    hydration.start();
  }
}

/** A table of another worker, whose own definition is in that worker's module. */
function definitionOf({
  type,
  key,
  access,
  survives,
  version,
  publicName,
  keepBytes,
}: TableDeclaration): AnyTableDefinition {
  return { kind: 'table', row: row<unknown>(), type, key, access, survives, name: publicName, version, keepBytes };
}
