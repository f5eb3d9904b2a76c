/**
 * The gate of a table: every row passes it on the way in, and becomes a value that the table may keep.
 *
 * 1. The schema speaks first, if there is one; what it returns is the row. It must be synchronous.
 * 2. Then the row is copied (`value.ts`), and its key is checked on the copy.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AnyTableDefinition, KeySpec } from './definition.js';
import { TableError } from './errors.js';
import { keyIdentity } from './key-codec.js';
import type { TableKey } from './key.js';
import { checkRowKey, keyParts, keyReader } from './row-key.js';
import { showValue } from './shown-value.js';
import { copyRow } from './value.js';

/** A row that the table may keep. */
export interface AdmittedRow {
  readonly row: object;
  readonly key: TableKey;
  /** An upper bound of its encoded bytes. */
  readonly bytes: number;
  readonly isFrozen: boolean;
}

/** The gate of one table; see the header. */
export class RowGate {
  readonly #key: KeySpec;
  readonly #exact: boolean;
  readonly #schema: StandardSchemaV1 | undefined;
  readonly #read: (row: unknown) => TableKey;

  constructor(definition: AnyTableDefinition, exact: boolean) {
    this.#key = definition.key;
    this.#exact = exact;
    this.#schema = '~standard' in definition.row ? definition.row : undefined;
    this.#read = keyReader(definition.key);
  }

  /** Validates and copies a row. */
  admit(input: unknown): AdmittedRow {
    const validated = this.#schema === undefined ? input : validate(this.#schema, input);
    this.#checkShape(validated);
    const { value, bytes, isFrozen } = copyRow(validated);
    checkRowKey(this.#key, value, this.#exact);
    // The copy of an object is an object.
    return { row: value as object, key: this.#read(value), bytes, isFrozen };
  }

  /** Refuses what `admit` would refuse, its key aside. */
  checkRow(input: unknown): void {
    this.#checkShape(input);
    copyRow(input);
  }

  /** The key of a row that need not be valid otherwise. */
  keyOf(row: unknown): TableKey {
    this.#checkShape(row);
    checkRowKey(this.#key, row, this.#exact);
    return this.#read(row);
  }

  /** The fields that a patch replaces; refuses key fields, and positions that the row lacks if there is a row. */
  patchFields(row: unknown, patch: unknown): readonly (readonly [string, unknown])[] {
    if (typeof patch !== 'object' || patch === null) {
      throw new TableError('ERR_TABLE_ARGUMENT', 'The patch is not an object. Give { field: value }.', {});
    }
    const fields = Object.entries(patch);
    const parts = keyParts(this.#key).map(String);
    for (const [field] of fields) {
      if (parts.includes(field)) {
        throw new TableError('ERR_TABLE_KEYPOS', `The field '${field}' is part of the key, which no update changes.`, {
          field,
        });
      }
      if (Array.isArray(row) && !Object.hasOwn(row, field)) {
        throw new TableError('ERR_TABLE_POSITION', `The row has no position ${field}. Name one that it has.`, {
          field,
        });
      }
    }
    return fields;
  }

  /** Refuses an updated row that has another key: what changed it is its schema, or the function that made it. */
  checkSameKey(before: TableKey, after: TableKey): void {
    if (keyIdentity(before, this.#exact) === keyIdentity(after, this.#exact)) return;
    throw new TableError(
      'ERR_TABLE_KEYPOS',
      'The updated row has another key, which no update may give it. Leave its key fields as they are.',
      { before, after },
    );
  }

  #checkShape(row: unknown): void {
    const isTuple = typeof keyParts(this.#key)[0] === 'number';
    if (typeof row === 'object' && row !== null && Array.isArray(row) === isTuple) return;
    const expected = isTuple ? 'a tuple' : 'an object';
    throw new TableError('ERR_TABLE_VALUE', `The row is not ${expected}, as the table's key says it must be.`, {
      path: '',
    });
  }
}

function validate(schema: StandardSchemaV1, input: unknown): unknown {
  const result = runSchema(schema, input);
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ message, path }) => ({
    message,
    path: path?.map((step) => String(typeof step === 'object' ? step.key : step)) ?? [],
  }));
  const shown = issues.map(({ message, path }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  throw new TableError('ERR_TABLE_SCHEMA', `The row was refused by its schema: ${shown.join('; ')}.`, { issues });
}

function runSchema(schema: StandardSchemaV1, input: unknown): StandardSchemaV1.Result<unknown> {
  let result: unknown;
  try {
    result = schema['~standard'].validate(input);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The row schema threw instead of returning issues: ${reason}`;
    throw new TableError('ERR_TABLE_SCHEMA', message, { issues: [] }, { cause });
  }
  // Whatever it is, reading one of its fields is harmless.
  if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function') {
    // Its failure, if it fails, has nobody else to hear it.
    Promise.resolve(result).catch(() => undefined);
    const message =
      'The row schema is asynchronous, and a handler cannot wait in the middle of a change. Give one that validates at once, without async checks.';
    throw new TableError('ERR_TABLE_SCHEMA', message, { issues: [] });
  }
  if (typeof result !== 'object' || result === null) {
    const message = `The row schema returned ${showValue(result)}, which is no result. Give one that follows Standard Schema 1.`;
    throw new TableError('ERR_TABLE_SCHEMA', message, { issues: [] });
  }
  // It follows the specification, which asks no more of it.
  return result as StandardSchemaV1.Result<unknown>;
}
