/**
 * The journal record: what the store keeps of one group of batches until the router has confirmed the replies.
 *
 *   record    u8 version (1) · uint53 instance · sections · u32 CRC-32 of everything before it
 *   section   u8 tag · length-prefixed body
 *   batches   tag 1: varuint count · count × (uint53 LSN · string worker · uint53 epoch · uint53 number · outcomes)
 *   outcomes  varuint count · count × outcome (call-messages.ts of @heirloom/wire)
 *
 * Tag 2 (casts) is reserved, and 3, which changes were to have before they got a database of their own. A reader of version 1 skips sections that it does not know; what it must
 * not skip gets a new version. The record's key is the LSN of its last batch. Records of another runtime instance are dropped
 * when a new one begins, as call ids belong to an instance.
 *
 * A record with a wrong checksum, or with bytes that no encoder writes, is StoreError ERR_STORE_DAMAGED.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter, readOutcomes, writeOutcome } from '@heirloom/wire';
import type { Outcome, OutcomesByWorker } from '@heirloom/wire';
import { StoreError } from './errors.js';

export const JOURNAL_RECORD_VERSION = 1;
const BATCHES_TAG = 1;
/** The fewest bytes of a batch in a record, by which a hostile count is refused. */
const BATCH_BYTES_MIN = 26;

export interface JournalRecord {
  readonly instance: number;
  readonly batches: readonly JournalBatch[];
}

/** What the record keeps of one batch. */
export interface JournalBatch {
  readonly lsn: number;
  readonly worker: string;
  readonly epoch: number;
  readonly number: number;
  readonly outcomes: readonly Outcome[];
}

const recordWriter = new ByteWriter();
const sectionWriter = new ByteWriter();

export function encodeJournalRecord(record: JournalRecord): Uint8Array {
  const section = encodeBatches(record.batches);
  recordWriter.u8(JOURNAL_RECORD_VERSION);
  recordWriter.uint53(record.instance);
  recordWriter.u8(BATCHES_TAG);
  recordWriter.lengthPrefixed(section);
  const { buffer, start, position } = recordWriter;
  recordWriter.u32(crc32(buffer.subarray(start, position)));
  return recordWriter.take();
}

function encodeBatches(batches: readonly JournalBatch[]): Uint8Array {
  sectionWriter.varuint(batches.length);
  for (const batch of batches) {
    sectionWriter.uint53(batch.lsn);
    sectionWriter.string(batch.worker);
    sectionWriter.uint53(batch.epoch);
    sectionWriter.uint53(batch.number);
    sectionWriter.varuint(batch.outcomes.length);
    for (const outcome of batch.outcomes) writeOutcome(sectionWriter, outcome);
  }
  return sectionWriter.take();
}

export function decodeJournalRecord(bytes: Uint8Array): JournalRecord {
  try {
    return decode(bytes);
  } catch (cause) {
    throw new StoreError(
      'ERR_STORE_DAMAGED',
      'A record of the journal is damaged. Restore the store from a backup.',
      {},
      { cause },
    );
  }
}

function decode(bytes: Uint8Array): JournalRecord {
  const bodyBytes = bytes.subarray(0, Math.max(0, bytes.length - 4));
  const checksum = new ByteReader(bytes.subarray(bodyBytes.length)).u32();
  if (crc32(bodyBytes) !== checksum) throw new Error(`The checksum ${checksum} does not match.`);
  const reader = new ByteReader(bodyBytes);
  const version = reader.u8();
  if (version !== JOURNAL_RECORD_VERSION) throw new Error(`The record has version ${version}.`);
  const instance = reader.uint53();
  let batches: JournalBatch[] = [];
  while (reader.remaining > 0) {
    const tag = reader.u8();
    const body = reader.lengthPrefixed();
    if (tag === BATCHES_TAG) batches = decodeBatches(body);
  }
  return { instance, batches };
}

function decodeBatches(body: Uint8Array): JournalBatch[] {
  const reader = new ByteReader(body);
  const batches: JournalBatch[] = [];
  for (let count = reader.count(BATCH_BYTES_MIN); count > 0; count--) {
    batches.push({
      lsn: reader.uint53(),
      worker: reader.string(),
      epoch: reader.uint53(),
      number: reader.uint53(),
      outcomes: readOutcomes(reader),
    });
  }
  reader.finish();
  return batches;
}

/** What the batches answer, by the worker whose connection they came from; in order for each. */
export function outcomesByWorker(batches: readonly JournalBatch[]): OutcomesByWorker {
  const byWorker = new Map<string, Outcome[]>();
  for (const { worker, outcomes } of batches) {
    if (outcomes.length === 0) continue;
    const ofWorker = byWorker.get(worker);
    if (ofWorker === undefined) byWorker.set(worker, [...outcomes]);
    else for (const outcome of outcomes) ofWorker.push(outcome);
  }
  return byWorker;
}
