/**
 * What an incarnation owns: its declared tables as they were granted, and tables that come to it, at its beginning or later.
 *
 * 1. A table that comes is taken in between two handlers: empty, to be loaded from the store, where nobody changes it.
 * 2. An adoption may come twice; one with a number of moves that was seen is ignored.
 * 3. A table that went is not loaded any further: its rows in the store are its new owner's to change.
 */
import { row } from '@heirloom/tables';
import type { AnyTableDefinition, Table } from '@heirloom/tables';
import type { ActivateMessage, Adoption, TableDeclaration, TableGrant } from '@heirloom/wire';
import { BatchEncoder } from './batch-encoder.js';
import { Hydration } from './hydration.js';
import type { HydrationOptions } from './hydration.js';
import type { Transaction } from './transaction.js';

export class Inheritance {
  private readonly name: string;
  private readonly transaction: Transaction;
  private readonly loading: Pick<HydrationOptions, 'reader' | 'isBusy'>;
  /** Taken in at the beginning, and not told yet. */
  private untold: Adoption[] = [];
  private readonly arrived: Adoption[] = [];
  /** The moves of each table that came, by its number. */
  private readonly moves = new Map<number, number>();
  private hydrations: Hydration[] = [];

  constructor(name: string, transaction: Transaction, loading: Pick<HydrationOptions, 'reader' | 'isBusy'>) {
    this.name = name;
    this.transaction = transaction;
    this.loading = loading;
  }

  /** Takes what the activation gives; the encoder for it. */
  begin({ tables, inherited = [], elsewhere = [], workers = [] }: ActivateMessage): BatchEncoder {
    const { transaction } = this;
    transaction.belongsTo({ name: this.name, workers: new Set(workers) });
    const encoder = new BatchEncoder(tables);
    for (const { name, tableId } of tables) {
      const holding = transaction.holding(name);
      if (holding !== undefined) holding.tableId = tableId;
    }
    for (const { name, owner } of elsewhere) {
      const holding = transaction.holding(name);
      if (holding !== undefined) holding.elsewhere = owner;
    }
    this.load(transaction.tables, tables, encoder);
    for (const adoption of inherited) this.take(adoption, encoder);
    this.untold = inherited.filter(({ notice }) => notice !== undefined);
    return encoder;
  }

  push(adoption: Adoption): void {
    this.arrived.push(adoption);
  }

  /** The next table to tell of, taken in; undefined when there is none. */
  next(encoder: BatchEncoder): Adoption | undefined {
    const untold = this.untold.shift();
    if (untold !== undefined) return untold;
    for (let adoption = this.arrived.shift(); adoption !== undefined; adoption = this.arrived.shift()) {
      if (adoption.moves <= (this.moves.get(adoption.grant.tableId) ?? 0)) continue;
      this.take(adoption, encoder);
      return adoption;
    }
    return undefined;
  }

  /** Stops loading a table that went. */
  readonly forget = (table: Table<AnyTableDefinition>): void => {
    for (const hydration of this.hydrations) hydration.forget(table);
  };

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
    const hydration = new Hydration({ ...this.loading, tables, grants, encoder });
    this.hydrations = [...this.hydrations.filter(({ isDone }) => !isDone), hydration];
    hydration.start();
  }
}

/** A table of another worker, whose own definition is in that worker's module. */
function definitionOf({ type, key, access, survives, version, publicName }: TableDeclaration): AnyTableDefinition {
  return { kind: 'table', row: row<unknown>(), type, key, access, survives, name: publicName, version };
}
