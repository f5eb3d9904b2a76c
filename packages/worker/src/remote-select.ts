/**
 * Pages of a table that has no heir, read from its owner: what `select` on a remote table answers.
 *
 * 1. Rows come in the order of their key bytes, which in an ordered set is key order; the rows of one key in their order.
 * 2. A page continues behind the place where the one before it ended, also if rows were added or removed meanwhile. Within
 *    one key of a bag the place is a count, so removing rows of that key between two pages may skip others of it.
 *
 * Nothing is kept between two pages: each looks at every matching row, so these tables are for reading by key or whole.
 */
import { TableError, checkSelectOptions, encodeKey } from '@heirloom/tables';
import type { AnyTableDefinition, SelectCursor, TableKey } from '@heirloom/tables';

/** The most rows of one page, as of one read from the store: more would stall other calls. */
export const PAGE_ROWS_MAX = 1_000;

/** What such a `select` takes: as OwnerTable's, and where the page before ended. */
interface PageOptions {
  readonly where: unknown;
  readonly limit: number;
  readonly reverse: boolean;
  readonly after: SelectCursor | undefined;
}
interface PlacedRow extends SelectCursor {
  readonly row: unknown;
}
interface Page {
  readonly rows: readonly unknown[];
  readonly after: SelectCursor | undefined;
}

/** Selects a page of a lent table. Throws what the table's `select` throws, and ERR_TABLE_ARGUMENT for a bad option. */
export function remoteSelect(
  table: Readonly<Record<string, unknown>>,
  definition: AnyTableDefinition,
  options: unknown,
): Page {
  const { where, limit, reverse, after } = checkOptions(options);
  // A lent table has the operation of this name.
  const select = table['select'] as (options: { where?: unknown }) => readonly object[];
  const direction = reverse ? -1 : 1;
  const placed = placeRows(definition, select.call(table, where === undefined ? {} : { where }));
  placed.sort((a, b) => direction * comparePlaces(a, b));
  const rest = after === undefined ? placed : placed.filter((row) => direction * comparePlaces(row, after) > 0);
  const page = rest.slice(0, limit);
  const last = rest.length > limit ? page.at(-1) : undefined;
  return { rows: page.map(({ row }) => row), after: last && { keyBytes: last.keyBytes, sequence: last.sequence } };
}

function placeRows(definition: AnyTableDefinition, rows: readonly object[]): PlacedRow[] {
  const counts = new Map<string, number>();
  return rows.map((row) => {
    const keyBytes = encodeKey(keyOf(definition, row), definition.type !== 'ordered_set');
    const name = Buffer.from(keyBytes).toString('latin1');
    const sequence = counts.get(name) ?? 0;
    counts.set(name, sequence + 1);
    return { keyBytes, sequence, row };
  });
}

function keyOf({ key }: AnyTableDefinition, row: object): TableKey {
  const fields = row as Readonly<Record<string | number, TableKey>>; // A stored row has its key fields.
  return typeof key === 'object' ? key.map((part) => fieldOf(fields, part)) : fieldOf(fields, key);
}

function fieldOf(fields: Readonly<Record<string | number, TableKey>>, part: string | number): TableKey {
  return fields[part] as TableKey; // As above: it is there, and null is a key.
}

function comparePlaces(a: SelectCursor, b: SelectCursor): number {
  return Buffer.compare(a.keyBytes, b.keyBytes) || a.sequence - b.sequence;
}

function checkOptions(options: unknown): PageOptions {
  checkSelectOptions(options, ['where', 'limit', 'reverse', 'after']);
  // Each is checked below, or by the table.
  const { where, limit = PAGE_ROWS_MAX, reverse = false, after } = (options ?? {}) as Partial<PageOptions>;
  if (!Number.isSafeInteger(limit) || limit < 1) throw badOption('limit', 'Give a positive whole number.');
  if (after !== undefined && !(after?.keyBytes instanceof Uint8Array && Number.isSafeInteger(after.sequence))) {
    throw badOption('after', 'Give the `after` of the page before, or leave it out.');
  }
  return { where, limit: Math.min(limit, PAGE_ROWS_MAX), reverse, after };
}

function badOption(option: string, advice: string): TableError {
  return new TableError('ERR_TABLE_ARGUMENT', `The option '${option}' of select is malformed. ${advice}`, { option });
}
