/** Tables of items of every type, in which the cases of ETS's test suite are tried. */
import { expect } from 'vitest';
import { Table, row, table } from '@heirloom/tables';
import type { TableKey, TableType } from '@heirloom/tables';

export interface Item {
  id: TableKey;
  v: unknown;
  n?: unknown;
}
export const TYPES = ['set', 'ordered_set', 'bag', 'duplicate_bag'] as const;
export const SETS = ['set', 'ordered_set'] as const;
export const BAGS = ['bag', 'duplicate_bag'] as const;
export const itemsOf = (type: TableType) => table({ row: row<Item>(), key: 'id', type });
export const make = (type: TableType, rows: Iterable<Item> = []): Table<ReturnType<typeof itemsOf>> => {
  const items = new Table(itemsOf(type));
  // One by one, as a bag takes a list from its end.
  for (const one of rows) items.insert(one);
  return items;
};
export const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });
export const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
export const numbered = (count: number): Item[] => range(count).map((id) => ({ id, v: id }));
export const values = (rows: readonly { readonly v: unknown }[]): unknown[] => rows.map(({ v }) => v);
export const rowsOf = (items: ReturnType<typeof make>, id: TableKey): readonly Item[] =>
  [items.lookup(id) ?? []].flat();
export const byText = (a: unknown, b: unknown): number => String(a).localeCompare(String(b));
/** Untyped, as a program without types would call it. */
export const untyped = (items: object) => items as Record<string, (...operands: unknown[]) => unknown>;
