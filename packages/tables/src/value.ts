/**
 * Values: what a table may hold, and the copy that makes a row a value (G7).
 *
 * The domain is undefined, null, booleans, every double, bigints, well-formed strings, valid dates, regular expressions,
 * typed arrays, data views and array buffers of fixed length, maps, sets, dense arrays, and plain objects of own enumerable
 * string keys. Of what structured clone keeps, that leaves out errors (their stacks and fields do not come back alike), boxed
 * primitives, invalid dates, holes, cycles, lone surrogates, shared and resizable memory, and objects of the host.
 *
 * 1. `copyValue` shares nothing that can change with its argument. Plain objects and arrays of the copy are frozen.
 * 2. What the store could not give back exactly is refused with `ERR_TABLE_VALUE` and the path to it: functions,
 *    symbols, instances of classes, accessors, symbol and hidden keys, and the rest of the list above.
 * 3. As with structured clone, a `Buffer` becomes a `Uint8Array`, an object without a prototype gets the ordinary one, a view
 *    gets memory of its own that is no larger than it, and fields of one's own on bytes (a `Buffer`, or 4 KiB and more) do not
 *    count. A reference that occurs twice becomes two copies: a row is a tree.
 * 4. A row that holds dates, maps, sets or bytes cannot be frozen all through; it is marked, and `readRow` copies it each
 *    time. Every other row is handed out by reference.
 * 5. `bytes` of a copy is an upper bound of its encoded bytes, so that a limit checked on it holds for the store too. The same
 *    holds for its collections, as a few bytes of them can take far more memory.
 */
import { types } from 'node:util';
import { TableError } from './errors.js';
import { isWellFormed } from './key-codec.js';

/** The typed arrays that a row may hold. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** Every value that a row may hold; the wire's codec encodes exactly this domain. */
export type Value =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | RegExp
  | TypedArray
  | DataView
  | ArrayBuffer
  | ReadonlyMap<Value, Value>
  | ReadonlySet<Value>
  | readonly Value[]
  | { readonly [field: string]: Value };

/** The deepest nesting of a value: deep enough for data, shallow enough that no walk over it can exhaust the stack. */
export const VALUE_DEPTH_MAX = 64;

/** The most encoded bytes of one row: larger ones would stall every other batch of the journal and the store. */
export const ROW_BYTES_MAX: number = 16 * 1024 * 1024;

/**
 * The most objects in one value, those of a class counted INSTANCE_COLLECTIONS times: an empty array takes two bytes when it is
 * encoded and a Map no more, but in memory some 50 and 250. So no value takes more than some 250 MB beside its bytes.
 */
export const VALUE_COLLECTIONS_MAX = 4_000_000;
export const INSTANCE_COLLECTIONS = 8;

/** A copied value, the upper bound of its encoded bytes, and whether it is frozen all through. */
export interface CopiedValue {
  readonly value: unknown;
  readonly bytes: number;
  readonly isFrozen: boolean;
}

/** Upper bounds of one value's overhead (tag, and length or number) and of one field's, whatever the encoding. */
const SCALAR_BYTES = 10;
const FIELD_BYTES = 6;
/** Above this many units the exact length of a string is worth the count, for three bytes a unit is far too many. */
const EXACT_LENGTH_UNITS = 1024;

/** Copies of values that are not frozen all through; weak, so that it costs nothing to the others. */
const copiedOnRead = new WeakSet<object>();

/** An object's getter for a key, if it has one: half the cost of a property descriptor, and no object is made. */
const { __lookupGetter__: readGetter } =
  // Every engine has it; the library types leave it out because it is old.
  Object.prototype as unknown as { __lookupGetter__: (this: object, key: string) => unknown };

/**
 * Copies a value, deeply and frozen where that is possible, and says how many bytes it may take when encoded.
 * Throws `ERR_TABLE_VALUE` with `details.path` for what is outside the domain, `ERR_TABLE_LIMIT` above `ROW_BYTES_MAX` or
 * `VALUE_COLLECTIONS_MAX`.
 */
export function copyRow(value: unknown): CopiedValue {
  const copier = new Copier();
  const copy = copier.copy(value, 0);
  if (copier.bytes > ROW_BYTES_MAX) {
    throw new TableError(
      'ERR_TABLE_LIMIT',
      `The row may take ${copier.bytes} bytes; a row has at most ${ROW_BYTES_MAX}. Split it into several rows.`,
      { bytes: copier.bytes, limit: ROW_BYTES_MAX },
    );
  }
  if (copier.collections > VALUE_COLLECTIONS_MAX) {
    throw new TableError(
      'ERR_TABLE_LIMIT',
      `The row has more than ${VALUE_COLLECTIONS_MAX} objects, those of a class counted ${INSTANCE_COLLECTIONS} times. Split it into several rows.`,
      { limit: VALUE_COLLECTIONS_MAX },
    );
  }
  if (!copier.isFrozen && typeof copy === 'object' && copy !== null) copiedOnRead.add(copy);
  return { value: copy, bytes: copier.bytes, isFrozen: copier.isFrozen };
}

/** The copy that `copyRow` makes. */
export function copyValue(value: unknown): unknown {
  return copyRow(value).value;
}

/** What a reader gets for a stored row: the row itself if nobody can change it, a copy of it otherwise. */
export function readRow(row: unknown): unknown {
  // Only objects are rows, and the domain of a stored row is known to be valid.
  return copiedOnRead.has(row as object) ? new Copier().copy(row, 0) : row;
}

/**
 * Takes over a row that only the caller holds and that came from the store: it is frozen in place, not validated.
 * Returns whether it is frozen all through.
 */
export function adoptRow(row: unknown): boolean {
  const isFrozen = freezeInPlace(row);
  // A value that is not frozen all through is an object.
  if (!isFrozen) copiedOnRead.add(row as object);
  return isFrozen;
}

function freezeInPlace(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) {
    let isFrozen = true;
    for (const element of value) isFrozen = freezeInPlace(element) && isFrozen;
    Object.freeze(value);
    return isFrozen;
  }
  if (!isPlain(value)) return false;
  let isFrozen = true;
  for (const key of Object.keys(value)) {
    const field = value[key];
    if (typeof field === 'object' && field !== null) isFrozen = freezeInPlace(field) && isFrozen;
  }
  Object.freeze(value);
  return isFrozen;
}

/** Whether a value is an object literal, as far as can be told: its prototype is the ordinary one or none. */
export function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

class Copier {
  bytes = 0;
  collections = 0;
  isFrozen = true;
  /** The way to the value being copied: object keys, and indexes as numbers. */
  readonly #path: (string | number)[] = [];

  copy(value: unknown, depth: number): unknown {
    this.bytes += SCALAR_BYTES;
    switch (typeof value) {
      case 'string':
        return this.#string(value);
      case 'number':
      case 'boolean':
      case 'undefined':
        return value;
      case 'bigint':
        // Four bits a digit, and one byte for the rounding.
        if (value > 0xffffffffffffn || value < -0xffffffffffffn) this.bytes += value.toString(16).length / 2 + 1;
        return value;
      case 'object':
        return value === null ? null : this.#object(value, depth);
      default:
        throw this.#refused(`a ${typeof value}`);
    }
  }

  #string(value: string): string {
    if (!isWellFormed(value)) throw this.#refused('a string with a lone surrogate');
    this.bytes += value.length > EXACT_LENGTH_UNITS ? Buffer.byteLength(value) : value.length * 3;
    return value;
  }

  #object(value: object, depth: number): unknown {
    if (depth >= VALUE_DEPTH_MAX) {
      throw this.#refused(`nested more than ${VALUE_DEPTH_MAX} deep, or inside itself`);
    }
    this.collections++;
    // A limit is passed: `copyRow` says so.
    if (this.bytes > ROW_BYTES_MAX || this.collections > VALUE_COLLECTIONS_MAX) return undefined;
    if (Array.isArray(value)) return this.#array(value, depth);
    if (isPlain(value)) return this.#plain(value, depth);
    this.isFrozen = false;
    this.collections += INSTANCE_COLLECTIONS - 1;
    return this.#instance(value, depth);
  }

  #array(value: readonly unknown[], depth: number): readonly unknown[] {
    if (Object.getPrototypeOf(value) !== Array.prototype) throw this.#refused('an instance of a class');
    if (Object.keys(value).length !== value.length || Object.getOwnPropertyNames(value).length !== value.length + 1) {
      throw this.#refused('an array with holes or with fields of its own');
    }
    if (Object.getOwnPropertySymbols(value).length !== 0) throw this.#refused('an array with symbol keys');
    const copy: unknown[] = [];
    for (let index = 0; index < value.length; index++) {
      this.#path.push(index);
      if (readGetter.call(value, String(index)) !== undefined) throw this.#refused('an accessor');
      const element = value[index];
      if (element === undefined) this.#checkElement(value, index);
      copy.push(this.copy(element, depth + 1));
      this.#path.pop();
    }
    return Object.freeze(copy);
  }

  /** What reads as undefined may be a hole, which as many fields of the array's own can hide, or a setter. */
  #checkElement(value: readonly unknown[], index: number): void {
    const property = Object.getOwnPropertyDescriptor(value, index);
    if (property === undefined) throw this.#refused('a hole of an array');
    if (property.set !== undefined) throw this.#refused('an accessor');
  }

  #plain(value: Record<string, unknown>, depth: number): Readonly<Record<string, unknown>> {
    const keys = Object.keys(value);
    if (Object.getOwnPropertyNames(value).length !== keys.length) throw this.#refused('an object with hidden fields');
    if (Object.getOwnPropertySymbols(value).length !== 0) throw this.#refused('an object with symbol keys');
    const getter = readGetter;
    for (const key of keys) if (getter.call(value, key) !== undefined) throw this.#refusedField(key, 'an accessor');
    // Spreading keeps the shape and defines `__proto__` as a field like any other.
    const copy: Record<string, unknown> = { ...value };
    for (const key of keys) {
      const field = copy[key];
      if (!isWellFormed(key)) throw this.#refusedField(key, 'under a field name with a lone surrogate');
      this.bytes += FIELD_BYTES + key.length * 3;
      if (typeof field === 'number') {
        this.bytes += SCALAR_BYTES;
        continue;
      }
      this.#path.push(key);
      this.#field(value, copy, key, field, depth);
      this.#path.pop();
    }
    return Object.freeze(copy);
  }

  #field(value: object, copy: Record<string, unknown>, key: string, field: unknown, depth: number): void {
    if (field === undefined && Object.getOwnPropertyDescriptor(value, key)?.set !== undefined) {
      throw this.#refused('an accessor');
    }
    if (key === '__proto__') {
      // Reading and assigning would both go to the prototype.
      const own: unknown = Object.getOwnPropertyDescriptor(copy, key)?.value;
      Object.defineProperty(copy, key, { value: this.copy(own, depth + 1), enumerable: true });
      return;
    }
    const copied = this.copy(field, depth + 1);
    if (copied !== field) copy[key] = copied;
  }

  #instance(value: object, depth: number): unknown {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (types.isUint8Array(value) && Buffer.isBuffer(value)) return this.#buffer(value);
    if (Object.getOwnPropertySymbols(value).length > 0 || hasOwnFields(value)) {
      throw this.#refused('a built-in object with fields of its own');
    }
    // What an object is, not only what it looks like: one that was made of a class's prototype has nothing inside.
    if (types.isDate(value) && prototype === Date.prototype) return this.#date(value);
    if (types.isRegExp(value) && prototype === RegExp.prototype) return this.#regExp(value);
    if (types.isMap(value) && prototype === Map.prototype) return this.#map(value, depth);
    if (types.isSet(value) && prototype === Set.prototype) return this.#set(value, depth);
    if (types.isArrayBuffer(value) && prototype === ArrayBuffer.prototype) {
      return this.#memory(value, 0, value.byteLength);
    }
    if (ArrayBuffer.isView(value) && viewPrototypes.has(prototype)) return this.#view(value, prototype);
    throw this.#refused(`an instance of ${className(prototype)}`);
  }

  #buffer(value: Uint8Array): Uint8Array {
    return new Uint8Array(this.#memory(value.buffer, value.byteOffset, value.byteLength));
  }

  #view(value: ArrayBufferView, prototype: unknown): ArrayBufferView {
    const copy = this.#memory(value.buffer, value.byteOffset, value.byteLength);
    // The prototype is that of a typed array or a DataView, whose constructors take a buffer.
    const view = (prototype as { readonly constructor: new (buffer: ArrayBuffer) => ArrayBufferView }).constructor;
    return new view(copy);
  }

  #memory(memory: ArrayBufferLike, from: number, bytes: number): ArrayBuffer {
    if (!types.isArrayBuffer(memory)) throw this.#refused('shared memory');
    // In the types only from ES2024.
    if ((memory as { readonly resizable?: boolean }).resizable === true) throw this.#refused('resizable memory');
    this.bytes += bytes;
    try {
      return memory.slice(from, from + bytes);
    } catch {
      throw this.#refused('memory that was given away');
    }
  }

  #date(value: Date): Date {
    if (Number.isNaN(value.getTime())) throw this.#refused('an invalid Date');
    return new Date(value.getTime());
  }

  #regExp(value: RegExp): RegExp {
    if (!isWellFormed(value.source)) throw this.#refused('a regular expression with a lone surrogate');
    if (value.lastIndex !== 0)
      throw this.#refused('a regular expression in the middle of a search (lastIndex is not 0)');
    this.bytes += value.source.length * 3 + value.flags.length;
    return new RegExp(value.source, value.flags);
  }

  #map(value: ReadonlyMap<unknown, unknown>, depth: number): Map<unknown, unknown> {
    const copy = new Map<unknown, unknown>();
    let index = 0;
    for (const [key, element] of value) {
      this.#path.push(index++);
      copy.set(this.copy(key, depth + 1), this.copy(element, depth + 1));
      this.#path.pop();
    }
    return copy;
  }

  #set(value: ReadonlySet<unknown>, depth: number): Set<unknown> {
    const copy = new Set<unknown>();
    let index = 0;
    for (const element of value) {
      this.#path.push(index++);
      copy.add(this.copy(element, depth + 1));
      this.#path.pop();
    }
    return copy;
  }

  #refusedField(key: string, what: string): TableError {
    this.#path.push(key);
    return this.#refused(what);
  }

  #refused(what: string): TableError {
    const path = this.#path
      .map((step) =>
        typeof step === 'string' && /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`,
      )
      .join('');
    return new TableError(
      'ERR_TABLE_VALUE',
      `The row${path === '' ? '' : ` at ${path}`} is ${what}, which a table cannot give back exactly. Store plain data ` +
        `instead: scalars, dates, bytes, maps, sets, arrays and plain objects.`,
      { path },
    );
  }
}

/** The name of an object's class, without running code of its own. */
function className(prototype: unknown): string {
  const property = Object.getOwnPropertyDescriptor(prototype, 'constructor');
  const name: unknown = typeof property?.value === 'function' ? property.value.name : undefined;
  return typeof name === 'string' && name !== '' ? name : 'a class';
}

const viewPrototypes = new Set<unknown>([
  DataView.prototype,
  Int8Array.prototype,
  Uint8Array.prototype,
  Uint8ClampedArray.prototype,
  Int16Array.prototype,
  Uint16Array.prototype,
  Int32Array.prototype,
  Uint32Array.prototype,
  Float32Array.prototype,
  Float64Array.prototype,
  BigInt64Array.prototype,
  BigUint64Array.prototype,
]);

/** Whether a built-in object carries fields that its copy would not: an array's indexes and `lastIndex` aside. */
function hasOwnFields(value: object): boolean {
  if (ArrayBuffer.isView(value)) {
    // Listing the indexes of a large array would cost more than copying it; its last keys are enough.
    return value.byteLength < 4096 && Object.keys(value).some((key) => !/^\d+$/.test(key));
  }
  const names = Object.getOwnPropertyNames(value);
  return value instanceof RegExp ? names.length !== 1 : names.length !== 0;
}
