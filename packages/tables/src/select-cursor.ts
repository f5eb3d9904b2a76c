/**
 * Cursors: the places where pages end, as plain values that callers keep, send and give back.
 *
 * 1. A cursor is a place in the order of one form of a table, and says which. One of another form, as from before a migration, is
 *    refused (ERR_TABLE_CURSOR): the same bytes would be another place there, and the page would begin anywhere.
 * 2. What a cursor says is the caller's word. Its bytes must be those of a key as a table of the form writes them, so that memory
 *    and store find the same place; anything else is refused (ERR_TABLE_ARGUMENT).
 * 3. A place is good whatever became of its row. It is good for another table of the same form too, and means the same there.
 */
import type { AnyTableDefinition } from './definition.js';
import { TableError } from './errors.js';
import { KEY_BYTES_MAX, decodeKey, encodeKey } from './key-codec.js';
import type { SelectCursor } from './selection.js';
import { showValue } from './shown-value.js';
import { isSameForm } from './table-form.js';
import type { TableForm } from './table-form.js';

/** A place in the order of a table: a row's key bytes, and in bags its sequence, else 0. */
export interface CursorPlace {
  readonly keyBytes: Uint8Array;
  readonly sequence: number;
}

/** The cursor of a place. */
export function cursorAt(definition: AnyTableDefinition, { keyBytes, sequence }: CursorPlace): SelectCursor {
  const { version, type, key } = definition;
  return { version, type, key, keyBytes, sequence };
}

/** The place that a caller's `after` leads to; undefined for none. Throws ERR_TABLE_ARGUMENT and ERR_TABLE_CURSOR. */
export function placeOf(definition: AnyTableDefinition, after: unknown): CursorPlace | undefined {
  if (after === undefined) return undefined;
  if (typeof after === 'object' && after !== null) {
    // Any object can be read by name. Each field is read once: whoever gave it may change it.
    const { version, type, key, keyBytes, sequence } = after as Readonly<Record<string, unknown>>;
    const form = { version, type, key };
    if (isForm(form) && isSequence(sequence) && keyBytes instanceof Uint8Array) {
      checkForm(definition, form);
      const bytes = new Uint8Array(keyBytes);
      if (isKeyOf(definition, bytes)) return { keyBytes: bytes, sequence };
    }
  }
  const message = `'after' is ${showValue(after)}. Give the 'after' of an earlier page, or leave it out.`;
  throw new TableError('ERR_TABLE_ARGUMENT', message, { option: 'after' });
}

function isForm(form: { readonly [Field in keyof TableForm]: unknown }): form is TableForm {
  // Which types and fields there are is a question of being the same as the table's.
  const isPart = (part: unknown): boolean => typeof part === 'string' || typeof part === 'number';
  const isKey = Array.isArray(form.key) ? form.key.every(isPart) : isPart(form.key);
  return typeof form.version === 'number' && typeof form.type === 'string' && isKey;
}

function checkForm(definition: AnyTableDefinition, form: TableForm): void {
  if (isSameForm(definition, form)) return;
  const [was, is] = [form, definition].map((one) => `version ${one.version}, ${one.type}, key ${showValue(one.key)}`);
  const message = `The page before was of a table of another form (${was}; this one: ${is}). Begin with the first page.`;
  const { version, type, key } = definition;
  throw new TableError('ERR_TABLE_CURSOR', message, { cursor: form, table: { version, type, key } });
}

function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether these are the bytes of a key that the table can have. */
function isKeyOf({ type, key: spec }: AnyTableDefinition, bytes: Uint8Array): boolean {
  if (bytes.length > KEY_BYTES_MAX) return false;
  try {
    const key = decodeKey(bytes);
    if (typeof spec === 'object' && (!Array.isArray(key) || key.length !== spec.length)) return false;
    return Buffer.compare(encodeKey(key, type !== 'ordered_set'), bytes) === 0;
  } catch {
    return false;
  }
}
