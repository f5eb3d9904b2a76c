/**
 * The snapshots of iterations: each page of one iteration is read from the rows as they were at its beginning.
 *
 *   announced ──first page──▶ in use ◀──next page── held ──end, idle or too old──▶ gone
 *       └──end──▶ gone           └──the last page, or ended meanwhile──▶ gone
 *
 * Invariants
 * 1. G9: at most `snapshotsMax` are held between pages, none of them longer than `snapshotIdleMs` without a page or
 *    `snapshotAgeMaxMs` in all; what is in use is bounded by the reads that run. One whose answer is its last page is never held.
 * 2. Whoever gives up an iteration says `end`; that holds also when its first page still waits for its turn.
 * 3. A snapshot that is in use is closed only when it is released, or with the store.
 *
 * What fails: KeeperError ERR_KEEPER_SNAPSHOT for a snapshot that is gone, also with the keeper that held it; ERR_KEEPER_BUSY.
 */
import { KeeperError } from './errors.js';
import type { KeeperLimits } from './keeper-limits.js';
import { RowsSnapshot } from './rows-snapshot.js';
import type { Store } from './store.js';
import type { StoredTable } from './table-catalog.js';

/** One table as it was at one moment. */
export interface TableSnapshot {
  readonly rows: RowsSnapshot;
  /** A copy: where the rows lay, and how many they were. */
  readonly table: StoredTable;
}

interface Held extends TableSnapshot {
  readonly worker: string;
  readonly openedAt: number;
  isInUse: boolean;
  isEnded: boolean;
  timer: NodeJS.Timeout | undefined;
}

type Limits = Pick<KeeperLimits, 'snapshotsMax' | 'snapshotIdleMs' | 'snapshotAgeMaxMs'>;

export class SnapshotDesk {
  private readonly store: Store;
  private readonly limits: Limits;
  private readonly announced = new Set<number>();
  private readonly snapshots = new Map<number, Held>();

  constructor(store: Store, limits: Limits) {
    this.store = store;
    this.limits = limits;
  }

  /** How many there are, held or in use. */
  get count(): number {
    return this.snapshots.size;
  }

  /** Takes note of an iteration whose first page waits for its turn. */
  announce(id: number): void {
    this.announced.add(id);
  }

  /** Its first page has had its turn, whatever became of it. */
  forget(id: number): void {
    this.announced.delete(id);
  }

  /** Makes the snapshot of an announced iteration; it is in use. */
  begin(id: number, table: StoredTable): TableSnapshot {
    if (!this.announced.delete(id) || this.snapshots.has(id)) throw this.gone(table.worker, table.declaration.name);
    const held: Held = {
      rows: new RowsSnapshot(this.store.rows),
      table: { ...table },
      worker: table.worker,
      openedAt: performance.now(),
      isInUse: true,
      isEnded: false,
      timer: undefined,
    };
    this.snapshots.set(id, held);
    return held;
  }

  /** Takes a held snapshot of this table into use. */
  take(id: number, { worker, tableId, declaration }: StoredTable): TableSnapshot {
    const held = this.snapshots.get(id);
    if (held === undefined || held.isInUse || held.table.tableId !== tableId) {
      throw this.gone(worker, declaration.name);
    }
    clearTimeout(held.timer);
    held.isInUse = true;
    return held;
  }

  /** Ends the use of a snapshot; it is held for another page if there is one and somebody may ask for it. */
  release(id: number, hasMore: boolean): void {
    const held = this.snapshots.get(id);
    if (held === undefined) return;
    held.isInUse = false;
    if (!hasMore || held.isEnded) return this.close(id, held);
    const { snapshotsMax, snapshotIdleMs, snapshotAgeMaxMs } = this.limits;
    const others = Array.from(this.snapshots.values()).filter(({ isInUse }) => !isInUse).length - 1;
    if (others >= snapshotsMax) {
      this.close(id, held);
      const message = `${others} iterations hold a snapshot already. Try again when some have ended, or read with isStable: false.`;
      throw new KeeperError('ERR_KEEPER_BUSY', message, { snapshotsMax });
    }
    const ageLeft = held.openedAt + snapshotAgeMaxMs - performance.now();
    held.timer = setTimeout(() => this.close(id, held), Math.max(0, Math.min(snapshotIdleMs, ageLeft)));
  }

  /** Nobody asks for a further page. */
  end(id: number): void {
    this.announced.delete(id);
    const held = this.snapshots.get(id);
    if (held === undefined) return;
    if (held.isInUse) held.isEnded = true;
    else this.close(id, held);
  }

  /** Lets go of everything, before the store is closed; nobody is answered any more. */
  closeAll(): void {
    this.announced.clear();
    for (const [id, held] of this.snapshots) this.close(id, held);
  }

  private close(id: number, { rows, timer }: Held): void {
    clearTimeout(timer);
    this.snapshots.delete(id);
    rows.close();
  }

  private gone(worker: string, table: string): KeeperError {
    const { snapshotIdleMs, snapshotAgeMaxMs } = this.limits;
    const message =
      `The snapshot that table '${table}' of worker '${worker}' was read from is gone: the keeper was replaced, or no page was ` +
      `asked for within ${snapshotIdleMs} ms, or it was older than ${snapshotAgeMaxMs} ms. Begin again, or read with isStable: false.`;
    return new KeeperError('ERR_KEEPER_SNAPSHOT', message, { worker, table });
  }
}
