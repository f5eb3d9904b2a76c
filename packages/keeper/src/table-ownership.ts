/**
 * Who owns which stored table: ETS's rules (`Ownership` of @heirloom/tables) on the tables of the store.
 *
 *   owner lives ──gives it away──▶ another owner ┐
 *     └─ its epoch is closed ── heir lives ──▶ the heir ├─▶ is told once: `notice` stays until its own batch accepts it
 *                            └─ otherwise ──▶ the keeper, until the owner's next epoch
 *
 * 1. A table is known by the worker that declares it and its name, wherever it goes; `owner` alone may change its rows.
 * 2. The keeper owns what nobody alive does, and is the heir of last resort, so that no table ends with its owner.
 * 3. An heir is a worker, in whichever of its lives: it inherits when it has an open epoch in the moment in which that of the
 *    owner is closed, in the same transaction (OTP's order: the table has its new owner before anyone learns of the death).
 * 4. A table whose owner is no worker of the runtime any more goes home, when the worker that declares it begins an epoch.
 *
 * `model` builds the rules' state from what is stored, so nothing is kept beside it that could differ. Names are those of tables
 * whose workers are part of the runtime: a program that has dropped a worker can use its names again.
 */
import { Ownership, invariant } from '@heirloom/tables';
import type { OwnershipInfo } from '@heirloom/tables';
import type { Adoption, MovedMessage, OwnershipStep, TransferNotice } from '@heirloom/wire';
import type { Store, StoreWriter } from './store.js';
import { byArrival, grant } from './table-catalog.js';
import type { StoredTable } from './table-catalog.js';
import { giveUp } from './table-migration.js';

/** Processes of the rules that are no workers; no worker has a name with a space. */
const KEEPER = 'the keeper';
const PROGRAM = 'the program';

export class TableOwnership {
  private readonly store: Store;
  /** The workers of the runtime, whether they live or not. */
  private readonly workers: Set<string>;

  constructor(store: Store, workers: readonly string[]) {
    this.store = store;
    this.workers = new Set(workers);
  }

  addWorkers(workers: readonly string[]): void {
    for (const worker of workers) this.workers.add(worker);
  }

  /** Whether a worker lives, or is one of the runtime's that will. */
  isPresent(worker: string): boolean {
    return this.workers.has(worker) || this.isAlive(worker);
  }

  private isAlive(worker: string): boolean {
    return this.store.epochs.get(worker)?.isOpen ?? false;
  }

  /** The rules, as things stand. */
  private model(): Ownership {
    const workers = [...this.store.epochs.keys()];
    return this.modelOf(this.present(), workers);
  }

  /** The rules for some tables and those of some workers that live: what a death or a batch costs does not grow with the others. */
  private modelOf(tables: readonly StoredTable[], workers: Iterable<string>): Ownership {
    const model = new Ownership();
    for (const process of [KEEPER, PROGRAM]) model.spawn(process);
    for (const worker of new Set(workers)) if (this.isAlive(worker)) model.spawn(worker);
    for (const table of tables) this.addTo(model, table);
    return model;
  }

  private addTo(model: Ownership, table: StoredTable): void {
    const { declaration, ownership } = table;
    const { owner, heir, heirData, publicName } = ownership;
    const { type, access } = declaration;
    const inherits = heir !== undefined && heir !== owner && model.isAlive(heir);
    // The name of a table that has gone to the keeper may have been taken again before its worker came back.
    const name = publicName !== undefined && model.whereis(publicName) === undefined ? publicName : undefined;
    model.create(model.isAlive(owner) ? owner : KEEPER, {
      table: idOf(table),
      type,
      access,
      name,
      heir: inherits ? heir : KEEPER,
      heirData,
    });
  }

  /** In the order in which they came to their owners. */
  private present(): StoredTable[] {
    return [...this.store.catalog.byId.values()].filter((table) => this.isOfPresent(table)).sort(byArrival);
  }

  private isOfPresent(table: StoredTable): boolean {
    return this.isPresent(table.worker) || this.isPresent(table.ownership.owner);
  }

  private tableOf(id: string): StoredTable {
    const slash = id.indexOf('/');
    const table = this.store.catalog.get(id.slice(0, slash), id.slice(slash + 1));
    invariant(table !== undefined, `table ${id} is not in the catalog`);
    return table;
  }

  /** Throws TableError for a step of a worker that the rules refuse; `to` may be a worker that is dead at the moment. */
  checkSteps(worker: string, steps: readonly OwnershipStep[]): void {
    const tables = new Set(steps.map(({ tableId }) => this.store.catalog.fetch(tableId)));
    const present = [...tables].filter((table) => this.isOfPresent(table)).sort(byArrival);
    const owners = present.map(({ ownership }) => ownership.owner);
    const receivers = steps.flatMap(({ to }) => (to === undefined ? [] : [to]));
    const model = this.modelOf(present, [worker, ...owners, ...receivers, ...heirsOf(present)]);
    for (const { kind, tableId, to, data } of steps) {
      const id = idOf(this.store.catalog.fetch(tableId));
      const process = to !== undefined && model.isAlive(to) ? to : KEEPER;
      if (kind === 'give') model.giveAway(worker, id, process, data);
      // Who takes note must be the owner; setting an heir asks for the same.
      else model.setHeir(worker, id, process, data);
    }
  }

  /** Moves the tables of a worker whose epoch is being closed to their live heirs, inside of the transaction; which ones. */
  inherit(writer: StoreWriter, worker: string): StoredTable[] {
    const owned = this.store.catalog.ownedBy(worker);
    const { transfers } = this.modelOf(owned, [worker, ...heirsOf(owned)]).end(worker);
    return transfers.flatMap(({ table: id, to, data }) => {
      if (to === KEEPER) return [];
      const table = this.tableOf(id);
      move(this.store, writer, table, to, { from: worker, data });
      return [table];
    });
  }

  /** Takes the tables of a worker home whose owners are gone for good, inside of the transaction that opens its epoch. */
  bringHome(writer: StoreWriter, worker: string): void {
    for (const table of this.store.catalog.declaredBy(worker)) {
      const { owner } = table.ownership;
      if (owner === worker || this.isPresent(owner)) continue;
      move(this.store, writer, table, worker, undefined);
    }
  }

  /** What a worker owns besides the tables that it declares, or has not taken note of. */
  inherited(worker: string): Adoption[] {
    return this.store.catalog
      .ownedBy(worker)
      .filter((table) => isAdoption(table, worker))
      .map((table) => this.adoption(table));
  }

  /** Which of a worker's own tables others have. */
  elsewhere(worker: string): StoredTable[] {
    return this.store.catalog.declaredBy(worker).filter(({ ownership }) => ownership.owner !== worker);
  }

  /** What the router is to know of tables that have moved. */
  moved(tables: readonly StoredTable[]): MovedMessage {
    // One that has taken note is told also, as the table may be declared otherwise since.
    const here = tables.filter((table) => {
      const { owner } = table.ownership;
      return this.isAlive(owner) && isAdoption(table, owner);
    });
    return {
      tables: tables.map(({ worker, declaration, ownership }) => ({
        worker,
        name: declaration.name,
        owner: ownership.owner,
      })),
      adoptions: here.map((table) => this.adoption(table)),
    };
  }

  /** What a router is to know that may have missed something. */
  everythingMoved(): MovedMessage {
    const moved = [...this.store.catalog.byId.values()].filter(({ ownership }) => ownership.moves > 0);
    return this.moved(moved);
  }

  private adoption(table: StoredTable): Adoption {
    const { worker, declaration, ownership } = table;
    const { owner, moves, notice } = ownership;
    const epoch = this.store.epochs.get(owner)?.epoch ?? 0;
    return { worker, declaration, grant: grant(table), moves, owner, epoch, notice };
  }

  /** Whether a worker, or the program, may give the table this name. Throws TableError ERR_TABLE_ACCESS or ERR_TABLE_NAME. */
  checkRename(table: StoredTable, name: string, by: string = PROGRAM): void {
    this.model().rename(by, idOf(table), name, true);
  }

  /** The table that has a runtime-wide name. */
  whereis(name: string): StoredTable | undefined {
    const id = this.model().whereis(name);
    return id === undefined ? undefined : this.tableOf(id);
  }

  /** The tables of the runtime's workers, in the order in which they came to their owners. */
  all(): StoredTable[] {
    return this.model()
      .all()
      .map((id) => this.tableOf(id));
  }
}

/** How the rules name a table, and their errors; no worker's name has a slash. */
function idOf({ worker, declaration }: StoredTable): string {
  return `${worker}/${declaration.name}`;
}

/** Who has a table, for `info`: no owner while the keeper has it for its next life. */
export function ownershipInfo(
  store: Store,
  { ownership }: StoredTable,
): { owner: OwnershipInfo['owner'] | undefined; heir: string | undefined; publicName: string | undefined } {
  const { owner, heir, publicName } = ownership;
  return { owner: store.epochs.get(owner)?.isOpen === true ? owner : undefined, heir, publicName };
}

/** Carries out the checked steps of a worker's batch, inside of its transaction; the tables that moved. */
export function applySteps(
  store: Store,
  writer: StoreWriter,
  worker: string,
  steps: readonly OwnershipStep[],
): StoredTable[] {
  const moved: StoredTable[] = [];
  for (const { kind, tableId, to, data } of steps) {
    const table = store.catalog.fetch(tableId);
    if (kind === 'give' && to !== undefined) {
      move(store, writer, table, to, { from: worker, data });
      table.isLeaving = false;
      moved.push(table);
    } else {
      const change = kind === 'accept' ? { notice: undefined } : { heir: to, heirData: data };
      table.ownership = { ...table.ownership, ...change };
      store.putTable(writer, table);
    }
  }
  return moved;
}

function move(
  store: Store,
  writer: StoreWriter,
  table: StoredTable,
  owner: string,
  notice: TransferNotice | undefined,
): void {
  // What another worker gets is the table as it was before.
  giveUp(store, writer, table);
  const { moves } = table.ownership;
  store.catalog.setOwnership(table, {
    ...table.ownership,
    owner,
    moves: moves + 1,
    since: store.state.lsn + 1,
    notice,
  });
  store.putTable(writer, table);
}

function heirsOf(tables: readonly StoredTable[]): string[] {
  return tables.flatMap(({ ownership: { heir } }) => (heir === undefined ? [] : [heir]));
}

function isAdoption({ worker: home, ownership }: StoredTable, worker: string): boolean {
  return ownership.owner === worker && (home !== worker || ownership.notice !== undefined);
}
