/**
 * Opening and closing epochs: the fences between incarnations.
 *
 * Invariants
 * 1. An epoch is opened or closed by a flushed transaction, before anyone is told (G6).
 * 2. Before an epoch is closed, its journal is read to the end or to the deadline, and what arrived whole is committed (G1).
 * 3. Both can be asked for again after a keeper's death: what was done already is answered as such, and opening again gives a
 *    further epoch, as nobody was told of the former.
 * 4. The heirs of a worker's tables have them in the transaction that closes its epoch, and that is told before its answer. So is,
 *    when an epoch is opened, how the tables are declared now that others own.
 */
import { failpoint } from '@heirloom/wire';
import type { EpochClosed, EpochOpened, KeeperRequest, TableDeclaration } from '@heirloom/wire';
import type { AttachmentRegistry } from './attachment.js';
import { alignFeed } from './change-feed.js';
import { KeeperError } from './errors.js';
import { NO_EPOCH, closeEpoch, judgeClose, openNextEpoch } from './epochs.js';
import type { GroupCommit } from './group-commit.js';
import type { Store, StoreWriter } from './store.js';
import { grant, isStored, newTable } from './table-catalog.js';
import { migrationGrant, redeclare } from './table-migration.js';
import type { StoredTable } from './table-catalog.js';
import type { TableOwnership } from './table-ownership.js';

type OpenRequest = Extract<KeeperRequest, { type: 'openEpoch' }>;
type CloseRequest = Extract<KeeperRequest, { type: 'closeEpoch' }>;

export interface EpochDeskOptions {
  readonly store: Store;
  readonly groups: GroupCommit;
  readonly attachments: AttachmentRegistry;
  readonly owners: TableOwnership;
  /** Tables have another owner, or another declaration while they are away, durably. */
  readonly onMoved: (tables: readonly StoredTable[]) => void;
}

export class EpochDesk {
  private readonly store: Store;
  private readonly groups: GroupCommit;
  private readonly attachments: AttachmentRegistry;
  private readonly owners: TableOwnership;
  private readonly onMoved: (tables: readonly StoredTable[]) => void;

  constructor(options: EpochDeskOptions) {
    this.store = options.store;
    this.groups = options.groups;
    this.attachments = options.attachments;
    this.owners = options.owners;
    this.onMoved = options.onMoved;
  }

  /** Opens the next epoch for a worker process. Throws StoreError or KeeperError ERR_KEEPER_EPOCH, and then nothing was changed. */
  open({ worker, attachment: id, tables, workers = [] }: OpenRequest): EpochOpened {
    // First, as they are told of once, whatever becomes of this request.
    this.owners.addWorkers(workers);
    const attachment = this.attachments.get(id);
    if (attachment?.worker !== worker) {
      const message = `Worker '${worker}' has no process ${id} here. Announce it before its epoch is opened.`;
      throw new KeeperError('ERR_KEEPER_EPOCH', message, { worker, attachment: id });
    }
    this.groups.commitNow();
    const { store, owners } = this;
    store.catalog.check(worker, tables, (other) => owners.isPresent(other));
    const former = store.epochs.get(worker) ?? NO_EPOCH;
    const record = openNextEpoch(former);
    failpoint('keeper.epoch.open:before');
    store.transaction((writer) => {
      // First, as what is at home can be migrated.
      owners.bringHome(writer, worker);
      for (const declaration of tables) if (isStored(declaration)) this.declare(writer, worker, declaration);
      store.putEpoch(writer, worker, record);
    });
    failpoint('keeper.epoch.open:after');
    const superseded = this.attachments.bound(worker, former.epoch);
    if (superseded !== undefined && superseded !== attachment) {
      this.attachments.end(superseded, `Epoch ${record.epoch} has begun.`);
    }
    this.attachments.bind(attachment, record.epoch, 0);
    const inherited = owners.inherited(worker);
    const away = owners.elsewhere(worker);
    const elsewhere = away.map(({ declaration, ownership }) => ({ name: declaration.name, owner: ownership.owner }));
    // Their owners judge by the declaration who may write.
    this.onMoved(away);
    const names = new Set(tables.map(({ name }) => name));
    for (const { declaration } of store.catalog.hiddenOf(worker)) names.add(declaration.name);
    const grants = [...names].flatMap((name) => {
      const table = store.catalog.get(worker, name);
      if (table?.ownership.owner !== worker) return [];
      return [{ ...grant(table), migration: migrationGrant(table) }];
    });
    const { lsn } = store.state;
    const outbox = store.mail.outbox(worker);
    const opened = { epoch: record.epoch, lsn, restarted: record.isInitialized, tables: grants, inherited, elsewhere };
    return outbox === undefined ? opened : { ...opened, outbox };
  }

  /** Drains and closes an epoch. Rejects with KeeperError ERR_KEEPER_EPOCH for one that never was, or StoreError. */
  async close({ worker, epoch, drainTimeoutMs, isClosing = false }: CloseRequest): Promise<EpochClosed> {
    const attachment = this.attachments.bound(worker, epoch);
    const isDrained = attachment === undefined || (await this.attachments.drain(attachment, drainTimeoutMs));
    this.groups.commitNow();
    const { store } = this;
    const record = store.epochs.get(worker) ?? NO_EPOCH;
    const verdict = judgeClose(record, epoch);
    if (verdict === 'unknown') {
      const message = `Worker '${worker}' never had epoch ${epoch}; its last one is ${record.epoch}.`;
      throw new KeeperError('ERR_KEEPER_EPOCH', message, { worker, epoch, last: record.epoch });
    }
    if (verdict === 'open') {
      failpoint('keeper.epoch.close:before');
      const moved = store.transaction((writer) => {
        // When the runtime ends nobody is to be heir: its next start finds every table where it was.
        const inherited = isClosing ? [] : this.owners.inherit(writer, worker);
        store.putEpoch(writer, worker, closeEpoch(record));
        return inherited;
      });
      failpoint('keeper.epoch.close:after');
      this.onMoved(moved);
    }
    if (attachment !== undefined) this.attachments.end(attachment, `Epoch ${epoch} is closed.`);
    const lastBatch = verdict === 'superseded' ? 0 : record.lastBatch;
    return { lsn: store.state.lsn, lastBatch, drained: isDrained };
  }

  private declare(writer: StoreWriter, worker: string, declaration: TableDeclaration): void {
    const { store } = this;
    const stored = store.catalog.get(worker, declaration.name);
    if (stored !== undefined) return redeclare(store, writer, stored, declaration);
    const { nextTableId, nextExtent } = store.state;
    const table = newTable(nextTableId, nextExtent, worker, declaration);
    store.catalog.add(table);
    store.putState(writer, { nextTableId: nextTableId + 1, nextExtent: nextExtent + 1 });
    store.putTable(writer, table);
    store.putCounts(writer, table);
    alignFeed(store, writer, table);
  }
}
