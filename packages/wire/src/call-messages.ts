/**
 * The frames of a call: call (router → worker), reply (worker → router, for calls that changed no table with an heir), answer
 * (router → worker, to what a handler asked), replies and confirm (keeper ↔ router), and ack (keeper → worker).
 *
 *   call      uint53 callId · string name · value arguments (an array) · (with an idempotency key) outcome key (outcome-key.ts)
 *   reply     outcome
 *   answer    outcome, with the id of the question in place of a call's
 *   replies   uint53 lsn · varuint count · count × (string worker · varuint count · count × outcome)
 *             every reply of the commit that ended at `lsn`, by the worker whose journal it came from: a worker can answer
 *             the calls that were made to it and no others (G12); each worker is named once
 *   outcome   uint53 callId · u8 status (0 returned, 1 threw) · length-prefixed value (the result, or an encoded error)
 *   confirm   uint53 lsn        every reply up to it has arrived
 *   ack       uint53 batch      every batch of the epoch up to it is released
 */
import { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { malformed } from './errors.js';
import type { OutcomeKey } from './outcome-key.js';
import { readOutcomeKey } from './outcome-key.js';
import { readValue, writeValue } from './value-codec.js';

export interface CallMessage {
  readonly callId: number;
  readonly name: string;
  readonly arguments: readonly unknown[];
  /** Undefined for a call whose outcome is not kept. */
  readonly outcomeKey?: OutcomeKey | undefined;
}
/** How a call ended: `payload` is the encoded result, or the encoded error when the handler threw. */
export interface Outcome {
  readonly callId: number;
  readonly threw: boolean;
  readonly payload: Uint8Array;
}
/** Outcomes by the name of the worker that they come from. */
export type OutcomesByWorker = ReadonlyMap<string, readonly Outcome[]>;
export interface RepliesMessage {
  readonly lsn: number;
  readonly outcomes: OutcomesByWorker;
}

/** The fewest bytes of an outcome: a hostile count is refused by it. */
const OUTCOME_BYTES_MIN = 10;
/** The same of a worker's part of the replies. */
const WORKER_BYTES_MIN = 2;

export function writeCall(writer: ByteWriter, callId: number, name: string, callArguments: readonly unknown[]): void {
  writer.uint53(callId);
  writer.string(name);
  writeValue(writer, callArguments);
}

export function decodeCall(body: Uint8Array): CallMessage {
  const reader = new ByteReader(body);
  const callId = reader.uint53();
  const name = reader.string();
  const callArguments = readValue(reader);
  const outcomeKey = reader.remaining > 0 ? readOutcomeKey(reader) : undefined;
  reader.finish();
  if (!Array.isArray(callArguments)) throw malformed('The arguments of a call are not a list.', { callId });
  return { callId, name, arguments: callArguments, outcomeKey };
}

export function writeOutcome(writer: ByteWriter, outcome: Outcome): void {
  writer.uint53(outcome.callId);
  writer.u8(outcome.threw ? 1 : 0);
  writer.lengthPrefixed(outcome.payload);
}

export function readOutcome(reader: ByteReader): Outcome {
  const callId = reader.uint53();
  const status = reader.u8();
  if (status > 1) throw malformed(`A call cannot end with status ${status}.`, { callId });
  return { callId, threw: status === 1, payload: reader.lengthPrefixed() };
}

export function readOutcomes(reader: ByteReader): Outcome[] {
  const count = reader.count(OUTCOME_BYTES_MIN);
  const outcomes: Outcome[] = [];
  for (let i = 0; i < count; i++) outcomes.push(readOutcome(reader));
  return outcomes;
}

export function decodeReply(body: Uint8Array): Outcome {
  const reader = new ByteReader(body);
  const outcome = readOutcome(reader);
  reader.finish();
  return outcome;
}

export function writeReplies(writer: ByteWriter, lsn: number, outcomes: OutcomesByWorker): void {
  writer.uint53(lsn);
  writer.varuint(outcomes.size);
  for (const [worker, ofWorker] of outcomes) {
    writer.string(worker);
    writer.varuint(ofWorker.length);
    for (const outcome of ofWorker) writeOutcome(writer, outcome);
  }
}

export function decodeReplies(body: Uint8Array): RepliesMessage {
  const reader = new ByteReader(body);
  const lsn = reader.uint53();
  const outcomes = new Map<string, readonly Outcome[]>();
  for (let count = reader.count(WORKER_BYTES_MIN); count > 0; count--) {
    const worker = reader.string();
    if (outcomes.has(worker)) throw malformed('Replies name a worker twice.', { worker });
    outcomes.set(worker, readOutcomes(reader));
  }
  reader.finish();
  return { lsn, outcomes };
}

/** The body of ack and of confirm: one number. */
export function decodeNumber(body: Uint8Array): number {
  const reader = new ByteReader(body);
  const value = reader.uint53();
  reader.finish();
  return value;
}
