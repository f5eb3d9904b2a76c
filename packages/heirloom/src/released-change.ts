/**
 * Change records as those who watch a table get them: rows, keys and identities instead of bytes.
 */
import { decodeKey } from '@heirloom/tables';
import type { AnyTableDefinition, ReleasedChange, TableKey } from '@heirloom/tables';
import { decodeChangeRecord } from '@heirloom/wire';
import type { Change, RowCodec, RowForm } from '@heirloom/wire';

type AnyChange = ReleasedChange<AnyTableDefinition>;

const CLEAR: AnyChange = Object.freeze({ kind: 'clear', key: undefined, identity: undefined, row: undefined });

/** The changes of a record. Throws WireError when it cannot be decoded. */
export function releasedChanges(record: Uint8Array, codec: RowCodec, form: RowForm): AnyChange[] {
  const { cleared, changes } = decodeChangeRecord(record);
  const released = changes.map((change) => releasedChange(change, codec, form));
  return cleared ? [CLEAR, ...released] : released;
}

function releasedChange(change: Change, codec: RowCodec, form: RowForm): AnyChange {
  const { keyBytes, rowBytes } = change;
  const identity = identityOf(change, form);
  // Keys and rows are what the table's stored form says; this code does not know it.
  if (rowBytes === undefined) return { kind: 'delete', key: decodeKey(keyBytes) as never, identity, row: undefined };
  const row = codec.decodeRow(rowBytes);
  return { kind: 'insert', key: keyOf(keyBytes, row, form) as never, identity, row: row as never };
}

function identityOf({ keyBytes, sequence }: Change, { type }: RowForm): string {
  const key = Buffer.from(keyBytes.buffer, keyBytes.byteOffset, keyBytes.length).toString('base64url');
  return type === 'bag' || type === 'duplicate_bag' ? `${key}.${sequence}` : key;
}

/** The key as the row has it: in an ordered set, bytes do not tell a number from a bigint. */
function keyOf(keyBytes: Uint8Array, row: unknown, { type, key: spec }: RowForm): TableKey {
  if (type !== 'ordered_set') return decodeKey(keyBytes);
  const fields = row as Readonly<Record<string | number, TableKey>>; // It was stored under its key.
  const part = (field: string | number): TableKey => (fields[field] === 0 ? 0 : (fields[field] as TableKey));
  return typeof spec === 'object' ? spec.map(part) : part(spec);
}
