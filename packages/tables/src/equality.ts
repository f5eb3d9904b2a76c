/**
 * Structural equality of values: what `deleteObject`, a bag's duplicate check and the `eq` of a `where` mean by "the same".
 *
 * 1. Two values are equal when they are of one class and have equal content: arrays by element, plain objects as sets of
 *    fields, maps and sets whatever their order, dates by time, bytes by content, regular expressions by source and flags.
 * 2. NaN equals NaN, -0 equals 0, and `1` does not equal `1n`. A field that is undefined differs from a missing one.
 * 3. Equal values have the same `fingerprint`; different ones may share it, so a match is verified with `isEqual`.
 */
import type { TypedArray } from './value.js';

/** Whether two values of the domain are equal by content. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return typeof a === 'number' && typeof b === 'number' && Number.isNaN(a) && Number.isNaN(b);
  }
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((element, index) => isEqual(element, b[index]));
  }
  const classOfA = classOf(a);
  if (Array.isArray(b) || classOfA !== classOf(b)) return false;
  return classOfA === Object ? isEqualPlain(a, b) : isEqualInstance(a, b);
}

function classOf(value: object): unknown {
  if (value instanceof Uint8Array) return Uint8Array; // A Buffer is bytes too.
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype ? Object : prototype;
}

function isEqualPlain(a: object, b: object): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  // Own fields of plain objects; `hasOwn` also keeps `__proto__` apart from the prototype.
  return keys.every((key) => Object.hasOwn(b, key) && isEqual(ownField(a, key), ownField(b, key)));
}

function ownField(value: object, key: string): unknown {
  if (key === '__proto__') return Object.getOwnPropertyDescriptor(value, key)?.value;
  // A plain object's own field.
  return (value as Record<string, unknown>)[key];
}

function isEqualInstance(a: object, b: object): boolean {
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof RegExp && b instanceof RegExp) return a.source === b.source && a.flags === b.flags;
  if (a instanceof Map && b instanceof Map) return a.size === b.size && isEqualMap(a, b);
  if (a instanceof Set && b instanceof Set) return a.size === b.size && isEqualSet(a, b);
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) return Buffer.from(a).equals(Buffer.from(b));
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b)) return false;
  if (a instanceof DataView || b instanceof DataView) return bytesOf(a).equals(bytesOf(b));
  // Other views of the domain are typed arrays, and both are of one class.
  const [x, y] = [a as TypedArray, b as TypedArray];
  if (x.length !== y.length) return false;
  for (let index = 0; index < x.length; index++) if (!isEqual(x[index], y[index])) return false;
  return true;
}

function isEqualMap(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
  const rest = new Map(b);
  for (const [key, element] of a) {
    if (rest.has(key) && isEqual(element, rest.get(key))) {
      rest.delete(key);
      continue;
    }
    const twin = [...rest].find(([otherKey, other]) => isEqual(key, otherKey) && isEqual(element, other));
    if (twin === undefined) return false;
    rest.delete(twin[0]);
  }
  return true;
}

function isEqualSet(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean {
  const rest = new Set(b);
  for (const element of a) {
    if (rest.delete(element)) continue;
    const twin = [...rest].find((other) => isEqual(element, other));
    if (twin === undefined) return false;
    rest.delete(twin);
  }
  return true;
}

/** A string that equal values share; short of hashing, it names scalars exactly and counts what has no cheap order. */
export function fingerprint(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return value === 0 ? '0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
      return value === null ? 'null' : fingerprintObject(value);
    default:
      return String(value);
  }
}

function fingerprintObject(value: object): string {
  if (Array.isArray(value)) return `[${value.map(fingerprint).join()}]`;
  if (value instanceof Date) return `D${value.getTime()}`;
  if (value instanceof RegExp) return `R${value.source}/${value.flags}`;
  if (value instanceof Map || value instanceof Set) return `M${value.size}`;
  if (value instanceof ArrayBuffer) return `B${Buffer.from(value).toString('latin1')}`;
  if (ArrayBuffer.isView(value)) return `T${fingerprintView(value)}`;
  const fields = Object.keys(value).sort();
  return `{${fields.map((key) => `${JSON.stringify(key)}:${fingerprint(ownField(value, key))}`).join()}}`;
}

function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

function fingerprintView(view: ArrayBufferView): string {
  if (view instanceof Uint8Array || view instanceof DataView) return bytesOf(view).toString('latin1');
  // Other views of the domain are typed arrays. Elements are named one by one, as -0 and 0 are equal but differ in bytes.
  return Array.from(view as TypedArray as ArrayLike<number | bigint>, fingerprint).join();
}
