/** What the keeper tells of itself and its store, as plain data, for people and for tools. */
import type { GroupCommit } from './group-commit.js';
import type { OutcomeTotals } from './outcome-store.js';
import type { SnapshotDesk } from './snapshot-desk.js';
import type { Store } from './store.js';

export interface Inspection {
  readonly lsn: number;
  readonly timeline: number;
  readonly instance: number;
  readonly generation: number;
  readonly workers: readonly {
    readonly name: string;
    readonly epoch: number;
    readonly open: boolean;
    readonly lastBatch: number;
    readonly initialized: boolean;
  }[];
  readonly tables: readonly {
    readonly worker: string;
    readonly name: string;
    readonly tableId: number;
    readonly extent: number;
    readonly type: string;
    readonly access: string;
    readonly survives: string;
    readonly version: number;
    readonly rows: number;
  }[];
  readonly journalRecords: number;
  readonly confirmedLsn: number;
  /** Extents of cleared tables whose rows are still to be deleted. */
  readonly doomedExtents: number;
  /** Snapshots that are held for iterations. */
  readonly snapshots: number;
  /** Outcomes that are kept under idempotency keys, also those that are over and not swept yet. */
  readonly outcomes: OutcomeTotals;
}

export function inspect(store: Store, groups: GroupCommit, snapshots: SnapshotDesk): Inspection {
  const { lsn, timeline, instance, generation } = store.state;
  return {
    lsn,
    timeline,
    instance,
    generation,
    workers: Array.from(store.epochs, ([name, { epoch, isOpen, lastBatch, isInitialized }]) => {
      return { name, epoch, open: isOpen, lastBatch, initialized: isInitialized };
    }),
    tables: Array.from(store.catalog.byId.values(), (table) => {
      const { name, type, access, survives, version } = table.declaration;
      const { worker, tableId, extent, size } = table;
      return { worker, name, tableId, extent, type, access, survives, version, rows: size };
    }),
    journalRecords: store.unconfirmed.length,
    confirmedLsn: groups.confirmedLsn,
    doomedExtents: store.doomed.length,
    snapshots: snapshots.count,
    outcomes: store.outcomes.totals,
  };
}
