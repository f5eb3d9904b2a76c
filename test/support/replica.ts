/**
 * A copy of a table that is kept by watching it, in another place than the table, and what is wrong with it.
 */
import type { AnyTableDefinition, ReleasedBatch, ReleasedPosition } from 'heirloom';

type Batch = ReleasedBatch<AnyTableDefinition>;

export class Replica {
  readonly rows = new Map<string, unknown>();
  /** The last consistent position. */
  position: ReleasedPosition | undefined;
  /** What came twice, or not in order. */
  readonly problems: string[] = [];
  batches = 0;
  #followedLsn = -1;

  apply(batch: Batch): void {
    this.batches++;
    const { timeline, lsn, isConsistent } = batch;
    // The rows that a watch begins with have one LSN, and so may the first changes behind them.
    if (lsn < this.#followedLsn || (this.position !== undefined && lsn <= this.#followedLsn)) {
      this.problems.push(`LSN ${lsn} came behind ${this.#followedLsn}`);
    }
    this.#followedLsn = lsn;
    if (this.position !== undefined && !isConsistent) this.problems.push(`LSN ${lsn} is not consistent any more`);
    for (const change of batch.changes) {
      if (change.kind === 'clear') this.rows.clear();
      else if (change.kind === 'insert') this.rows.set(change.identity, change.row);
      else if (!this.rows.delete(change.identity) && this.position !== undefined) {
        this.problems.push(`LSN ${lsn} deletes ${change.identity}, which was not there`);
      }
    }
    if (isConsistent) this.position = { timeline, lsn };
  }

  /** The rows as text, in an order of its own. */
  get sorted(): string[] {
    return Array.from(this.rows.values(), (row) => JSON.stringify(row)).sort();
  }
}

/** A replica that keeps what each batch brought, and what its rows were then. */
export class Chronicle extends Replica {
  readonly changes = new Map<number, Batch['changes']>();
  /** As text, from when it was consistent. */
  readonly states = new Map<number, readonly string[]>();

  override apply(batch: Batch): void {
    super.apply(batch);
    this.changes.set(batch.lsn, batch.changes);
    if (batch.isConsistent) this.states.set(batch.lsn, this.sorted);
  }
}

/** The rows of a table as text, in the same order. */
export async function sortedRows(rows: AsyncIterable<unknown>): Promise<string[]> {
  const all: string[] = [];
  for await (const row of rows) all.push(JSON.stringify(row));
  return all.sort();
}

/** Lets a replica follow a watch until a row is seen for which `isLast` holds. */
export async function follow(
  watch: AsyncIterable<Batch>,
  replica: Replica,
  isLast: (row: unknown) => boolean,
  pause: () => Promise<void> = async () => {},
): Promise<void> {
  for await (const batch of watch) {
    replica.apply(batch);
    await pause();
    if (batch.isConsistent && [...replica.rows.values()].some(isLast)) return;
  }
  throw new Error('The watch ended before the last row.');
}
