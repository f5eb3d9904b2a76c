/**
 * Records that the router has kept about its tree: numbers with bytes, which mean nothing to the keeper. They lie beside the state,
 * as `kept:` and the number, and are read once, in pages, when a runtime starts.
 */
import type { KeeperRequest, KeptRow } from '@heirloom/wire';
import type { Store } from './store.js';

/** So many bytes end a page, which has a record at least: well below what a frame holds, as a request bounds each record. */
const PAGE_BYTES = 1024 * 1024;
type KeptRequest = Extract<KeeperRequest, { type: 'keep' | 'kept' }>;

/** Writes a record, or removes it, or reads some behind a number. Asked twice, it is done twice, which is the same. */
export function keptRequest(store: Store, request: KeptRequest): readonly KeptRow[] | undefined {
  if (request.type === 'kept') return page(store, request.after);
  const { number, record } = request;
  store.transaction((writer) => store.putKept(writer, number, record));
  return undefined;
}

function page(store: Store, after: number): readonly KeptRow[] {
  const rows: KeptRow[] = [];
  let bytes = 0;
  for (const row of store.keptRows(after)) {
    rows.push(row);
    bytes += row.record.length;
    if (bytes >= PAGE_BYTES) break;
  }
  return rows;
}
