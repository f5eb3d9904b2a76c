/** The store as the batches of a worker leave it, in memory: from it the next life of a test begins. */
import type { RowSource } from '@heirloom/tables';
import type { Batch, RowCodec, StoredShape, TableGrant } from '@heirloom/wire';
import type { RowReader } from '../src/hydration.js';

interface StoredTable {
  readonly name: string;
  readonly rows: Map<
    string,
    { readonly keyBytes: Uint8Array; readonly sequence: number; readonly rowBytes: Uint8Array }
  >;
  readonly shapes: Map<number, StoredShape>;
  nextSequence: number;
}

export class StoredTables {
  readonly #tables: readonly StoredTable[];
  isInitialized = false;

  /** Tables by their names; the first has the number 1. None of them is a bag. */
  constructor(names: readonly string[]) {
    this.#tables = names.map((name) => ({ name, rows: new Map(), shapes: new Map(), nextSequence: 1 }));
  }

  /** What the keeper does with a batch. */
  commit({ isInit, tables }: Batch): void {
    this.isInitialized ||= isInit;
    for (const { tableId, changes, shapes, nextSequence } of tables) {
      const table = this.#table(tableId);
      table.nextSequence = nextSequence;
      for (const shape of shapes) table.shapes.set(shape.id, shape);
      for (const { keyBytes, sequence, rowBytes } of changes) {
        const key = Buffer.from(keyBytes).toString('hex');
        if (rowBytes === undefined) table.rows.delete(key);
        // Copies, as the bytes of a batch are views.
        else table.rows.set(key, { keyBytes: keyBytes.slice(), sequence, rowBytes: rowBytes.slice() });
      }
    }
  }

  get grants(): TableGrant[] {
    return this.#tables.map(({ name, rows, shapes, nextSequence }, index) => {
      const place = { tableId: index + 1, extent: index + 1 };
      return { name, ...place, size: rows.size, nextSequence, shapes: [...shapes.values()] };
    });
  }

  readonly reader = (): RowReader => ({
    source: (extent: number, _type: string, codec: RowCodec): RowSource => {
      const sorted = [...this.#table(extent).rows.values()].sort((one, other) =>
        Buffer.compare(one.keyBytes, other.keyBytes),
      );
      const decoded = (rows: typeof sorted) =>
        rows.map(({ rowBytes, ...place }) => ({ ...place, row: codec.decodeRow(rowBytes) }));
      return {
        rowsOf: (keyBytes) => decoded(sorted.filter((one) => Buffer.compare(one.keyBytes, keyBytes) === 0)),
        scan: ({ from, limit }) => {
          const start = from === undefined ? 0 : sorted.findIndex((one) => Buffer.compare(one.keyBytes, from) >= 0);
          return start < 0 ? [] : decoded(sorted.slice(start, start + limit));
        },
      };
    },
    close: () => undefined,
  });

  #table(number: number): StoredTable {
    const table = this.#tables[number - 1];
    if (table === undefined) throw new Error(`the test has no table ${number}`);
    return table;
  }
}
