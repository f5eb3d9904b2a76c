/**
 * Keys: what may be one, which two are the same, and the one order that memory and store share.
 *
 * 1. The order of classes is null < false < true < number and bigint < Date < string < bytes < array.
 * 2. Numbers and bigints share one exact line. Strings compare by code points (as UTF-8 does), not by UTF-16 units.
 *    Arrays compare element by element, a proper prefix first.
 * 3. `compareKeys(a, b)` has the sign of comparing `encodeKey(a, false)` with `encodeKey(b, false)` (`key-codec.ts`).
 * 4. Two identities follow ETS: in an ordered set `1` and `1n` are one key (`compareKeys` is 0); in the other types they
 *    are two. `-0` is `0` everywhere.
 *
 * `compareKeys` is defined on keys only; `encodeKey` and `keyIdentity` are what refuses the rest.
 */

/** What may be a key: scalars, valid dates, bytes, and arrays of keys, nested at will within `KEY_BYTES_MAX`. */
export type TableKey = null | boolean | number | bigint | string | Date | Uint8Array | readonly TableKey[];

const CLASS_NULL = 0;
const CLASS_FALSE = 1;
const CLASS_TRUE = 2;
const CLASS_NUMBER = 3;
const CLASS_DATE = 4;
const CLASS_STRING = 5;
const CLASS_BYTES = 6;
const CLASS_ARRAY = 7;

function classOf(key: TableKey): number {
  switch (typeof key) {
    case 'number':
    case 'bigint':
      return CLASS_NUMBER;
    case 'string':
      return CLASS_STRING;
    case 'boolean':
      return key ? CLASS_TRUE : CLASS_FALSE;
    default:
      if (key === null) return CLASS_NULL;
      if (Array.isArray(key)) return CLASS_ARRAY;
      return key instanceof Date ? CLASS_DATE : CLASS_BYTES;
  }
}

/** Whether two values are of the same key class, so that the order between them means something to a reader. */
export function isSameKeyClass(a: TableKey, b: TableKey): boolean {
  return classOf(a) === classOf(b) || (typeof a === 'boolean' && typeof b === 'boolean');
}

/**
 * Compares two keys in the order of the store: negative, zero or positive.
 * Zero means the same slot of an ordered set; in particular `1` and `1n` compare as zero.
 */
export function compareKeys(a: TableKey, b: TableKey): number {
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  const classOfA = classOf(a);
  const difference = classOfA - classOf(b);
  if (difference !== 0) return difference;
  switch (classOfA) {
    case CLASS_NUMBER: {
      // Both are of the number class; JavaScript compares a number with a bigint exactly.
      const [x, y] = [a as number | bigint, b as number | bigint];
      return x < y ? -1 : x > y ? 1 : 0;
    }
    case CLASS_DATE:
      // Both are of the Date class.
      return Math.sign((a as Date).getTime() - (b as Date).getTime());
    case CLASS_BYTES:
      // Both are of the bytes class.
      return compareBytes(a as Uint8Array, b as Uint8Array);
    case CLASS_ARRAY:
      // Both are of the array class.
      return compareArrays(a as readonly TableKey[], b as readonly TableKey[]);
    default:
      return 0;
  }
}

function compareArrays(a: readonly TableKey[], b: readonly TableKey[]): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    // Both indexes are in bounds; null is a key, so `??` cannot stand for the check.
    const order = compareKeys(a[index] as TableKey, b[index] as TableKey);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Compares a key with a prefix of composite keys: zero when `key` is an array that begins with `prefix`. */
export function compareKeyToPrefix(key: TableKey, prefix: readonly TableKey[]): number {
  if (!Array.isArray(key) || key.length <= prefix.length) return compareKeys(key, prefix);
  // `Array.isArray` widens a readonly array to any[]; its elements are keys.
  return compareArrays((key as readonly TableKey[]).slice(0, prefix.length), prefix);
}

/** Compares two byte arrays as unsigned bytes, a proper prefix first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Compares two strings by code points: the order of their UTF-8 bytes. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x === y) continue;
    // Surrogates (code points above U+FFFF) sort after U+E000..U+FFFF, unlike their units.
    return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** A copy of a key that the caller cannot change the table through: arrays are frozen, dates and bytes copied. */
export function copyKey<Key extends TableKey>(key: Key): Key;
export function copyKey(key: TableKey): TableKey {
  if (typeof key !== 'object' || key === null) return key;
  if (key instanceof Date) return new Date(key.getTime());
  if (key instanceof Uint8Array) return new Uint8Array(key);
  return Object.freeze(key.map((element) => copyKey(element)));
}
