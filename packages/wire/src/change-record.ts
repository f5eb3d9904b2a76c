/**
 * The change record: what one batch did to one table, as the store keeps it for those who watch the table.
 *
 *   record    u8 version (1) · u8 flags (1: cleared first) · varuint count · count × change (batch.ts)
 *
 * Rows are encoded with the shapes of their table. Bytes that no encoder writes are WireError ERR_WIRE_DECODE.
 */
import { CHANGE_BYTES_MIN, readChange, writeChange } from './batch.js';
import type { Change } from './batch.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { malformed } from './errors.js';

export interface ChangeRecord {
  /** Whether the table was emptied before the changes. */
  readonly cleared: boolean;
  readonly changes: readonly Change[];
}

const CHANGE_RECORD_VERSION = 1;
const CLEARED_FLAG = 1;
const recordWriter = new ByteWriter();

/** Encodes a record; the bytes are the caller's. */
export function encodeChangeRecord({ cleared, changes }: ChangeRecord): Uint8Array {
  recordWriter.u8(CHANGE_RECORD_VERSION);
  recordWriter.u8(cleared ? CLEARED_FLAG : 0);
  recordWriter.varuint(changes.length);
  for (const change of changes) writeChange(recordWriter, change);
  return recordWriter.take();
}

/** Decodes a record; its bytes are views. Throws WireError ERR_WIRE_DECODE. */
export function decodeChangeRecord(bytes: Uint8Array): ChangeRecord {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== CHANGE_RECORD_VERSION) throw malformed(`A change record has the unknown version ${version}.`);
  const flags = reader.u8();
  if (flags > CLEARED_FLAG) throw malformed(`A change record has unknown flags ${flags}.`);
  const changes: Change[] = [];
  for (let count = reader.count(CHANGE_BYTES_MIN); count > 0; count--) changes.push(readChange(reader));
  reader.finish();
  return { cleared: flags === CLEARED_FLAG, changes };
}
