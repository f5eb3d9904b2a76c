/**
 * The record of one kept child, as the keeper stores it: what the program asked of a supervisor with `keepChildren`, and what is
 * needed to start the child again in another run.
 *
 *   { supervisor: its id, child: the child's id, isDown: whether it was terminated by request, what }
 *
 * `what` is an added child with its whole reference, an instance with its own arguments, or only that a child of the code was
 * terminated or deleted. Modules are stored by their URLs. Nothing that is read is trusted: a reference is made anew from it,
 * with the checks of every reference.
 */
import {
  anything,
  binary,
  decodeValue,
  encodeValue,
  expectMessage,
  flag,
  listOf,
  oneOf,
  record,
  text,
} from '@heirloom/wire';
import type { FieldCheck } from '@heirloom/wire';
import { wrongOption } from './option-check.js';
import type { ChildReference, SupervisorOptions, WorkerReference } from './reference.js';
import { makeWorker, supervisor } from './reference.js';

/** The largest record: a supervisor with some hundred children, or one worker with all the arguments that it may have. */
export const KEPT_RECORD_BYTES_MAX: number = 256 * 1024;

/** A reference as plain data. */
type PlainChild =
  | { readonly kind: 'worker'; readonly name: string; readonly module: string; readonly options: unknown }
  | { readonly kind: 'supervisor'; readonly options: unknown; readonly children: readonly PlainChild[] };

/** What is kept of a child. */
export type KeptChild =
  | { readonly kind: 'added'; readonly child: PlainChild }
  | { readonly kind: 'instance'; readonly args: readonly Uint8Array[] }
  /** It is in the code, and was terminated. */
  | { readonly kind: 'of_code' }
  /** It is in the code, and its spec was deleted. */
  | { readonly kind: 'deleted' };

export interface KeptRecord {
  readonly supervisor: string;
  readonly child: string;
  readonly isDown: boolean;
  readonly what: KeptChild;
}

const plainChild: FieldCheck<PlainChild> = (value): value is PlainChild =>
  record({ kind: oneOf('worker'), name: text, module: text, options: anything })(value) ||
  record({ kind: oneOf('supervisor'), options: anything, children: listOf(plainChild) })(value);
const keptChild: FieldCheck<KeptChild> = (value): value is KeptChild =>
  record({ kind: oneOf('added'), child: plainChild })(value) ||
  record({ kind: oneOf('instance'), args: listOf(binary) })(value) ||
  record({ kind: oneOf('of_code', 'deleted') })(value);
const keptRecord: FieldCheck<KeptRecord> = record({ supervisor: text, child: text, isDown: flag, what: keptChild });

/** Encodes a record. Throws RuntimeError ERR_RUNTIME_OPTION for a child that cannot be stored. */
export function encodeRecord(of: KeptRecord): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = encodeValue(of);
  } catch (error) {
    // Options are checked one by one where they are given; what has no codec is for this process alone.
    throw wrongOption(`keepChildren of ${of.supervisor}`, of.child, `cannot keep this child: ${String(error)}`);
  }
  if (bytes.length <= KEPT_RECORD_BYTES_MAX) return bytes;
  const why = `can keep a child of at most ${KEPT_RECORD_BYTES_MAX} bytes, and this one has ${bytes.length}`;
  throw wrongOption(`keepChildren of ${of.supervisor}`, of.child, why);
}

/** Decodes a record. Throws WireError for what is none. */
export function decodeRecord(bytes: Uint8Array): KeptRecord {
  return expectMessage('kept child', keptRecord, decodeValue(bytes));
}

/** A reference as data. */
export function plainOf(child: ChildReference): PlainChild {
  if (child.kind === 'supervisor') {
    return { kind: 'supervisor', options: { ...child.options }, children: child.children.map(plainOf) };
  }
  return { kind: 'worker', name: child.name, module: child.module.href, options: { ...child.options } };
}

/** A reference of the data. Throws as `worker` and `supervisor` do. */
export function referenceOf(plain: PlainChild): ChildReference {
  // Checked as if the program had given them.
  if (plain.kind === 'supervisor') {
    return supervisor(plain.options as SupervisorOptions, plain.children.map(referenceOf));
  }
  return makeWorker(plain.name, new URL(plain.module), plain.options as WorkerReference['options']);
}
