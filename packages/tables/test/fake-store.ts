/**
 * A store in memory that shows commits with a lag: they wait in a queue until `settle` applies them.
 */
import type { RowChange, RowSource, ScanOptions, StoredRow } from '@heirloom/tables';
import { plainRow } from './model.js';
import type { ModelRow } from './model.js';

export class FakeStore implements RowSource {
  readonly #rows = new Map<string, StoredRow>();
  #queue: (readonly RowChange[])[] = [];
  reads = 0;

  commit(changes: readonly RowChange[]): void {
    this.#queue.push(changes);
  }

  /** Applies the oldest waiting commits. */
  settle(count: number): void {
    for (const changes of this.#queue.splice(0, count)) for (const change of changes) this.#apply(change);
  }

  get size(): number {
    return this.#rows.size;
  }

  #apply(change: RowChange): void {
    if (change.kind === 'clear') {
      this.#rows.clear();
      return;
    }
    const name = placeOf(change).toString('latin1');
    if (change.kind === 'delete') this.#rows.delete(name);
    else this.#rows.set(name, { keyBytes: change.keyBytes, sequence: change.sequence, row: change.row });
  }

  all(): readonly StoredRow[] {
    return [...this.#rows.values()].sort((a, b) => Buffer.compare(placeOf(a), placeOf(b)));
  }

  /** The rows with their sequences, in no order. */
  sequences(): readonly string[] {
    // The tests store rows of the model only.
    return this.all()
      .map((one) => `${one.sequence} ${plainRow(one.row as ModelRow)}`)
      .toSorted();
  }

  rowsOf(keyBytes: Uint8Array): readonly StoredRow[] {
    this.reads++;
    return this.all()
      .filter((stored) => Buffer.compare(stored.keyBytes, keyBytes) === 0)
      .map(fresh);
  }

  scan({ from, to, reverse = false, limit }: ScanOptions): readonly StoredRow[] {
    this.reads++;
    const rows = this.all().filter((stored) => {
      const place = placeOf(stored);
      return (
        (from === undefined || Buffer.compare(place, from) >= 0) && (to === undefined || Buffer.compare(place, to) < 0)
      );
    });
    return (reverse ? rows.toReversed() : rows).slice(0, limit).map(fresh);
  }
}

/** A row that nobody else holds, as a decoder would make it. */
function fresh(stored: StoredRow): StoredRow {
  return { ...stored, row: structuredClone(stored.row) };
}

function placeOf({ keyBytes, sequence }: { keyBytes: Uint8Array; sequence: number }): Buffer {
  const place = Buffer.alloc(keyBytes.length + 8);
  place.set(keyBytes);
  place.writeBigUInt64BE(BigInt(sequence), keyBytes.length);
  return place;
}
