/**
 * The operations that select rows by conditions or patterns, whole or in pages; documented in `OwnerTable`.
 *
 * Options are checked and conditions compiled before the first row is looked at, also where no row can match.
 */
import type { AnyTableDefinition } from './definition.js';
import { encodeKey } from './key-codec.js';
import { keyReader } from './row-key.js';
import { PageOrder } from './page-order.js';
import type { PlacedRow } from './page-order.js';
import { cursorAt, placeOf } from './select-cursor.js';
import { SELECT_PAGE_ROWS_DEFAULT, parseSelection, valuesOf } from './select-options.js';
import type { ParsedSelection } from './select-options.js';
import type {
  Explanation,
  FieldsOf,
  MatchObjectOptions,
  MatchOptions,
  MatchedValues,
  PageOptions,
  Pattern,
  ReverseOptions,
  SelectCursor,
  SelectOptions,
  SelectPage,
  SelectedRow,
} from './selection.js';
import type { StoredRowOf } from './owner-table.js';
import { TableReads } from './table-reads.js';
import { compilePattern, compileWhere } from './where.js';
import type { CompiledWhere, OwnerWhere } from './where.js';

/** A table that can be queried; see the header. */
export class TableQueries<D extends AnyTableDefinition> extends TableReads<D> {
  readonly #pageOrder: PageOrder = new PageOrder(this.storage, keyReader(this.definition.key));

  override rollback(): void {
    super.rollback();
    this.#pageOrder.forget();
  }

  select(options?: SelectOptions<D, never, OwnerWhere<D>>): StoredRowOf<D>[];
  select<const Fields extends FieldsOf<D>>(options: SelectOptions<D, Fields, OwnerWhere<D>>): SelectedRow<D, Fields>[];
  select(options?: SelectOptions<D, FieldsOf<D>, OwnerWhere<D>>): unknown[] {
    return this.#selectBy(parseSelection(this.definition, 'select', options));
  }

  selectReverse(options?: ReverseOptions<D, never, OwnerWhere<D>>): StoredRowOf<D>[];
  selectReverse<const Fields extends FieldsOf<D>>(
    options: ReverseOptions<D, Fields, OwnerWhere<D>>,
  ): SelectedRow<D, Fields>[];
  selectReverse(options?: ReverseOptions<D, FieldsOf<D>, OwnerWhere<D>>): unknown[] {
    return this.#selectBy(parseSelection(this.definition, 'selectReverse', options));
  }

  selectPage(options?: PageOptions<D, never, OwnerWhere<D>>): SelectPage<D>;
  selectPage<const Fields extends FieldsOf<D>>(options: PageOptions<D, Fields, OwnerWhere<D>>): SelectPage<D, Fields>;
  selectPage(options?: PageOptions<D, FieldsOf<D>, OwnerWhere<D>>): unknown {
    const { where, limit, reverse, after, project } = parseSelection(this.definition, 'selectPage', options);
    const place = placeOf(this.definition, after);
    const { access, matches } = this.compile(where as OwnerWhere<D> | undefined); // Compiling checks it.
    const rows: unknown[] = [];
    let last: PlacedRow | undefined;
    for (const placed of this.#pageOrder.rows(access, place, reverse)) {
      if (!matches(placed.row)) continue;
      // The page ends only where another row would follow, so that a cursor never leads to an empty page.
      if (last !== undefined && rows.length >= (limit ?? SELECT_PAGE_ROWS_DEFAULT)) {
        return { rows, after: this.#cursorOf(last) };
      }
      rows.push(project(this.out(placed.row)));
      last = placed;
    }
    this.#pageOrder.forget();
    return { rows, after: undefined };
  }

  selectCount(where?: OwnerWhere<D>): number {
    const compiled = this.compile(where);
    if (compiled.isTotal) return this.storage.size;
    let count = 0;
    for (const _ of this.matching(compiled, false)) count++;
    return count;
  }

  match<const Fields extends FieldsOf<D>>(
    pattern: Pattern<D>,
    fields: Fields,
    options?: MatchOptions,
  ): MatchedValues<D, Fields>[] {
    const parsed = parseSelection(this.definition, 'match', options);
    const values = valuesOf(this.definition, fields);
    // A list of the fields' values in their order is what the type says.
    return this.#collect(compilePattern(this.definition, pattern), parsed, values) as MatchedValues<D, Fields>[];
  }

  matchObject(pattern: Pattern<D>, options?: MatchObjectOptions<D>): StoredRowOf<D>[];
  matchObject<const Fields extends FieldsOf<D>>(
    pattern: Pattern<D>,
    options: MatchObjectOptions<D, Fields>,
  ): SelectedRow<D, Fields>[];
  matchObject(pattern: Pattern<D>, options?: MatchObjectOptions<D, FieldsOf<D>>): unknown[] {
    const parsed = parseSelection(this.definition, 'matchObject', options);
    return this.#collect(compilePattern(this.definition, pattern), parsed, parsed.project);
  }

  explain(where?: OwnerWhere<D>): Explanation {
    return explainAccess(this.compile(where), this.storage.isOrdered);
  }

  /** A `where` of the owner, ready to run: its functions see rows as every reader does. */
  protected compile(where: OwnerWhere<D> | undefined): CompiledWhere {
    return compileWhere(this.definition, where, (row) => this.out(row));
  }

  /** The rows that match, as they are stored. */
  protected *matching({ access, matches }: CompiledWhere, reverse: boolean): Generator<unknown, void, undefined> {
    if (access.kind === 'range') {
      for (const row of this.storage.rows(access.range, reverse)) if (matches(row)) yield row;
      return;
    }
    const keys = reverse && this.storage.isOrdered ? access.keys.toReversed() : access.keys;
    for (const key of keys) yield* this.storage.rowsOf(key).filter(matches);
  }

  #selectBy(parsed: ParsedSelection): unknown[] {
    const compiled = this.compile(parsed.where as OwnerWhere<D> | undefined); // Compiling checks it.
    return this.#collect(compiled, parsed, parsed.project);
  }

  #collect(
    compiled: CompiledWhere,
    { limit, reverse }: ParsedSelection,
    project: (row: unknown) => unknown,
  ): unknown[] {
    const collected: unknown[] = [];
    for (const row of this.matching(compiled, reverse)) {
      collected.push(project(this.out(row)));
      if (collected.length === limit) break;
    }
    return collected;
  }

  #cursorOf({ key, sequence }: PlacedRow): SelectCursor {
    return cursorAt(this.definition, { keyBytes: encodeKey(key, this.storage.exact), sequence });
  }
}

/** Says how rows are found. */
export function explainAccess({ access }: CompiledWhere, isOrdered: boolean): Explanation {
  if (access.kind === 'keys') return { access: 'lookup', keys: access.keys.length, isOrdered };
  const { from, to } = access.range;
  const isRange = from !== undefined || to !== undefined;
  return { access: isRange ? 'range' : 'scan', ...(from && { from }), ...(to && { to }), isOrdered };
}
