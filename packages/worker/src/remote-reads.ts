/**
 * The reads of a table that has no heir, answered by its owner as the keeper answers those of other tables.
 *
 * 1. Order is that of key bytes, which in an ordered set is key order; the rows of one key come in order of insertion. The
 *    owner's own order in hash types is another one, so what depends on it is sorted here.
 * 2. An answer is a call's result, so a selection is answered whole and shows one moment; what is over RESULT_BYTES_MAX is
 *    refused, and has to be read in pages.
 *
 * Nothing is kept between two pages: in hash types each looks at every row, so these tables are for reading by key or whole.
 */
import { encodeKey, parseSelection, valuesOf } from '@heirloom/tables';
import type { AnyTableDefinition, OwnerTable, ParsedSelection, TableKey } from '@heirloom/tables';

/** The most rows of one page, as of one read from the store: more would stall other calls. */
export const PAGE_ROWS_MAX = 1_000;

/** A table of any definition, as a handler has it. */
export type LentTable = OwnerTable<AnyTableDefinition>;

type RemoteRead = (reads: RemoteReads, operands: readonly unknown[]) => unknown;

/** The reads that differ from what the owner has under the same name. */
export const REMOTE_ANSWERS: ReadonlyMap<string, RemoteRead> = new Map<string, RemoteRead>([
  ['size', (reads) => reads.table.size],
  ['first', (reads) => reads.first()],
  ['last', (reads) => reads.last()],
  ['next', (reads, [key]) => reads.next(key)],
  ['prev', (reads, [key]) => reads.prev(key)],
  ['firstLookup', (reads) => reads.keyed(reads.first())],
  ['lastLookup', (reads) => reads.keyed(reads.last())],
  ['nextLookup', (reads, [key]) => reads.keyed(reads.next(key))],
  ['prevLookup', (reads, [key]) => reads.keyed(reads.prev(key))],
  ['select', (reads, [options]) => reads.select('select', options)],
  ['selectReverse', (reads, [options]) => reads.select('selectReverse', options)],
  ['tab2list', (reads) => reads.select('select', undefined)],
  ['selectPage', (reads, [options]) => reads.selectPage(options)],
  ['match', (reads, [pattern, fields, options]) => reads.match(pattern, fields, options)],
  ['matchObject', (reads, [pattern, options]) => reads.matchObject(pattern, options)],
]);

/** One lent table, read for somebody else. */
export class RemoteReads {
  readonly table: LentTable;
  readonly #definition: AnyTableDefinition;
  readonly #isOrdered: boolean;

  constructor(table: LentTable, definition: AnyTableDefinition) {
    this.table = table;
    this.#definition = definition;
    this.#isOrdered = definition.type === 'ordered_set';
  }

  first(): TableKey | undefined {
    return this.#isOrdered ? this.table.first() : this.#nearest(undefined, 1);
  }

  last(): TableKey | undefined {
    return this.#isOrdered ? this.table.last() : this.#nearest(undefined, -1);
  }

  next(key: unknown): TableKey | undefined {
    // The key's type is that of no known table; what is no key is refused by the table, or by its encoder.
    return this.#isOrdered ? this.table.next(key as never) : this.#nearest(this.#bytes(key), 1);
  }

  prev(key: unknown): TableKey | undefined {
    // As above.
    return this.#isOrdered ? this.table.prev(key as never) : this.#nearest(this.#bytes(key), -1);
  }

  /** A key with its rows, as the keeper gives it. */
  keyed(key: TableKey | undefined): { readonly key: TableKey; readonly rows: readonly unknown[] } | undefined {
    if (key === undefined) return undefined;
    const found: unknown = this.table.lookup(key as never); // As in `next`.
    return { key, rows: isBag(this.#definition) ? (found as readonly unknown[]) : [found] }; // A bag's lookup is a list.
  }

  select(operation: 'select' | 'selectReverse', options: unknown): readonly unknown[] {
    const parsed = parseSelection(this.#definition, operation, options);
    return this.#answer(this.table.select({ ...whereOf(parsed), ...this.#shortcut(parsed) }), parsed);
  }

  selectPage(options: unknown): unknown {
    const { limit = PAGE_ROWS_MAX } = parseSelection(this.#definition, 'selectPage', options);
    // They were just found to be options, or none.
    return this.table.selectPage({ ...(options as object | undefined), limit: Math.min(limit, PAGE_ROWS_MAX) });
  }

  match(pattern: unknown, fields: unknown, options: unknown): readonly unknown[] {
    const parsed = parseSelection(this.#definition, 'match', options);
    const project = valuesOf(this.#definition, fields);
    return this.#answer(this.#matching(pattern, parsed), { ...parsed, project });
  }

  matchObject(pattern: unknown, options: unknown): readonly unknown[] {
    const parsed = parseSelection(this.#definition, 'matchObject', options);
    return this.#answer(this.#matching(pattern, parsed), parsed);
  }

  #matching(pattern: unknown, parsed: ParsedSelection): readonly unknown[] {
    return this.table.matchObject(pattern as never, this.#shortcut(parsed)); // The table checks what it gets.
  }

  /** What the table can do by itself as its order is the right one. */
  #shortcut({ limit, reverse }: ParsedSelection): { readonly limit?: number; readonly reverse?: boolean } {
    return this.#isOrdered ? { reverse, ...(limit === undefined ? {} : { limit }) } : {};
  }

  #answer(rows: readonly unknown[], { limit, project }: ParsedSelection): readonly unknown[] {
    const ordered = this.#isOrdered ? rows : this.#sorted(rows);
    return ordered.slice(0, limit).map(project);
  }

  #sorted(rows: readonly unknown[]): readonly unknown[] {
    const placed = rows.map((row) => ({ row, bytes: this.#bytes(keyOf(this.#definition, row)) }));
    // Rows of one key stay in their order, as sorting is stable.
    return placed.sort((one, other) => Buffer.compare(one.bytes, other.bytes)).map(({ row }) => row);
  }

  /** In a hash type: the first key behind these bytes (before them, for -1), or at that end of the table. */
  #nearest(place: Uint8Array | undefined, direction: 1 | -1): TableKey | undefined {
    let nearest: { readonly key: TableKey; readonly bytes: Uint8Array } | undefined;
    for (const key of this.table.keys()) {
      const bytes = this.#bytes(key);
      if (place !== undefined && Buffer.compare(bytes, place) * direction <= 0) continue;
      if (nearest === undefined || Buffer.compare(bytes, nearest.bytes) * direction < 0) nearest = { key, bytes };
    }
    return nearest?.key;
  }

  #bytes(key: unknown): Uint8Array {
    return encodeKey(key as TableKey, !this.#isOrdered); // What is no key is refused by the encoder.
  }
}

function isBag({ type }: AnyTableDefinition): boolean {
  return type === 'bag' || type === 'duplicate_bag';
}

function whereOf({ where }: ParsedSelection): { readonly where?: never } {
  return where === undefined ? {} : { where: where as never }; // The table checks what it gets.
}

function keyOf({ key }: AnyTableDefinition, row: unknown): TableKey {
  const fields = row as Readonly<Record<string | number, TableKey>>; // A stored row has its key fields.
  return typeof key === 'object' ? key.map((part) => fields[part] as TableKey) : (fields[key] as TableKey); // As above.
}
