/**
 * The bytes of a key: order-preserving, self-describing, and never altered by a trip through the store.
 *
 * Layout: one tag byte, then
 *
 *     null 02 · false 03 · true 04     nothing
 *     number and bigint 08             8 bytes of the magnitude's nearest double towards zero, then a residual (below)
 *     Date 10                          8 bytes, as of a number
 *     string 18 · bytes 20             UTF-8 or raw bytes, 00 written as 01 01 and 01 as 01 02, then 00
 *     array 28                         its elements, then 00
 *
 * A double is written big-endian with the sign bit flipped. The residual says what the double could not hold: `00` none,
 * `01` none and it is a number, `02` none and it is a bigint, `n + 2` a bigint with n big-endian bytes to add to the
 * magnitude, `ff` the same with n in the next two bytes. Of a negative number every byte after the tag is inverted.
 *
 * 1. Byte order is `compareKeys` order when `exact` is false. With `exact` true, `1` and `1n` are neighbours but differ.
 * 2. `decodeKey(encodeKey(key, true))` is the same value of the same class; with `exact` false a bigint that a double
 *    holds comes back as a number.
 * 3. Different keys never share bytes, and no encoding is a prefix of another. So a key may be followed by anything
 *    (an 8-byte sequence number) and neither collide nor lose its place; and `ff` after it sorts behind all of that.
 * 4. The elements of an array without the closing 00 are a prefix of the bytes of every array that begins with them.
 *
 * What is not a key is refused with `ERR_TABLE_VALUE`, a key of more than `KEY_BYTES_MAX` bytes with `ERR_TABLE_LIMIT`.
 */
import { TableError } from './errors.js';
import type { TableKey } from './key.js';

/** The most bytes of an encoded key: LMDB takes 1978, less 4 for the extent and 8 for a row's sequence, rounded down. */
export const KEY_BYTES_MAX = 1900;

const TAG_END = 0x00;
const TAG_NULL = 0x02;
const TAG_FALSE = 0x03;
const TAG_TRUE = 0x04;
const TAG_NUMBER = 0x08;
const TAG_DATE = 0x10;
const TAG_STRING = 0x18;
const TAG_BYTES = 0x20;
const TAG_ARRAY = 0x28;

const RESIDUAL_NONE = 0;
const RESIDUAL_NUMBER = 1;
const RESIDUAL_BIGINT = 2;
const RESIDUAL_LONG = 255;
const RESIDUAL_SHORT_BYTES_MAX = RESIDUAL_LONG - 1 - RESIDUAL_BIGINT;

/** More bits than any bigint within `KEY_BYTES_MAX` has: asked first, so that a huge one is never converted. */
const BIGINT_BITS_MAX = KEY_BYTES_MAX * 8 + 1024;
const BIGINT_MAX = 1n << BigInt(BIGINT_BITS_MAX);
const BEYOND_DOUBLES = 1n << 1024n;

/** The largest single step between two checks of the limit is a scalar head of 12 bytes. */
const scratch = Buffer.alloc(KEY_BYTES_MAX + 16);
const doubleBytes = Buffer.alloc(8);
let length = 0;

/**
 * Encodes a key to bytes whose order is the order of keys.
 * `exact` keeps number and bigint distinct (every type but `ordered_set`); without it `1` and `1n` share their bytes.
 * Throws `ERR_TABLE_VALUE` for what is not a key and `ERR_TABLE_LIMIT` above `KEY_BYTES_MAX`.
 */
export function encodeKey(key: TableKey, exact: boolean): Uint8Array {
  length = 0;
  writeKey(key, exact, '');
  return new Uint8Array(scratch.subarray(0, length));
}

/** The bytes with which every composite key that begins with `elements` begins (header, 4). */
export function encodeKeyPrefix(elements: readonly TableKey[], exact: boolean): Uint8Array {
  length = 0;
  put(TAG_ARRAY);
  for (let index = 0; index < elements.length; index++) writeKey(elements[index], exact, `[${index}]`);
  return new Uint8Array(scratch.subarray(0, length));
}

/** The smallest bytes behind every row of this key, or behind every key of this prefix (header, 3). */
export function bytesAfter(keyBytes: Uint8Array): Uint8Array {
  const after = new Uint8Array(keyBytes.length + 1);
  after.set(keyBytes);
  after[keyBytes.length] = 0xff;
  return after;
}

/** The bytes of a key as latin1: strings in the order of the bytes, each made at once. */
export function keyName(key: TableKey, exact: boolean): string {
  length = 0;
  writeKey(key, exact, '');
  return scratch.toString('latin1', 0, length);
}

/**
 * What stands for a key in a `Map`: the same primitive for the same key, a different one for a different key.
 * Scalars stand for themselves; dates, bytes and arrays become a string that begins with a lone surrogate, which no key
 * that is a string can contain. Refuses what `encodeKey` refuses.
 */
export function keyIdentity(key: unknown, exact: boolean): KeyIdentity {
  switch (typeof key) {
    case 'string':
      checkString(key, '');
      return key;
    case 'number':
      if (Number.isNaN(key)) throw notAKey(key, '');
      return key === 0 ? 0 : key;
    case 'boolean':
      return key;
    case 'bigint':
      return bigintIdentity(key, exact);
    default:
      if (key === null) return null;
      length = 0;
      writeKey(key, exact, '');
      return `\udc00${scratch.toString('latin1', 0, length)}`;
  }
}

/** See `keyIdentity`. */
export type KeyIdentity = string | number | bigint | boolean | null;

function bigintIdentity(key: bigint, exact: boolean): KeyIdentity {
  // Only one beyond every double can be too long; encoding it is how that is found out.
  if (key > BEYOND_DOUBLES || key < -BEYOND_DOUBLES) {
    length = 0;
    writeKey(key, exact, '');
    return key;
  }
  if (exact) return key;
  const double = Number(key);
  return Number.isFinite(double) && BigInt(double) === key ? double : key;
}

function checkString(key: string, path: string): void {
  // At three bytes a unit, plus escapes, a string below this length cannot pass the limit.
  if (key.length * 3 + 2 > KEY_BYTES_MAX && path === '') {
    length = 0;
    writeKey(key, false, path);
  }
  if (!isWellFormed(key)) throw notAKey(key, path);
}

/** Whether a string has no lone surrogates, so that UTF-8 gives it back exactly. */
export function isWellFormed(value: string): boolean {
  // Node has the method since version 20; the library types that describe it are newer than the target.
  return (value as unknown as { isWellFormed(): boolean }).isWellFormed();
}

function notAKey(value: unknown, path: string): TableError {
  const shown =
    typeof value === 'number'
      ? 'NaN'
      : typeof value === 'string'
        ? 'a string with a lone surrogate'
        : value instanceof Date
          ? 'an invalid Date'
          : value === undefined
            ? 'undefined'
            : `a value of type ${typeof value}`;
  return new TableError(
    'ERR_TABLE_VALUE',
    `The key${path === '' ? '' : ` at ${path}`} is ${shown}. A key is null, a boolean, a number but NaN, a bigint, a ` +
      `well-formed string, a valid Date, a Uint8Array or an array of these.`,
    { path },
  );
}

function tooLong(path: string): TableError {
  return new TableError(
    'ERR_TABLE_LIMIT',
    `The key${path === '' ? '' : ` (at ${path})`} takes more than ${KEY_BYTES_MAX} bytes. Use a shorter key, such as a hash.`,
    { path, limit: KEY_BYTES_MAX },
  );
}

function put(byte: number): void {
  scratch[length++] = byte;
}

function writeKey(key: unknown, exact: boolean, path: string): void {
  switch (typeof key) {
    case 'string':
      if (!isWellFormed(key)) throw notAKey(key, path);
      put(TAG_STRING);
      writeString(key, path);
      break;
    case 'number':
      if (Number.isNaN(key)) throw notAKey(key, path);
      writeNumber(key, exact, path);
      break;
    case 'bigint':
      if (key >= BIGINT_MAX || key <= -BIGINT_MAX) throw tooLong(path);
      writeNumber(key, exact, path);
      break;
    case 'boolean':
      put(key ? TAG_TRUE : TAG_FALSE);
      break;
    default:
      writeObject(key, exact, path);
  }
  if (length > KEY_BYTES_MAX) throw tooLong(path);
}

function writeObject(key: unknown, exact: boolean, path: string): void {
  if (key === null) {
    put(TAG_NULL);
  } else if (Array.isArray(key)) {
    put(TAG_ARRAY);
    // Checked on the way in as well, so that an array that contains itself ends at the limit.
    if (length > KEY_BYTES_MAX) throw tooLong(path);
    for (let index = 0; index < key.length; index++) writeKey(key[index], exact, `${path}[${index}]`);
    put(TAG_END);
  } else if (key instanceof Uint8Array) {
    put(TAG_BYTES);
    writeEscaped(key, path);
  } else if (key instanceof Date && !Number.isNaN(key.getTime())) {
    put(TAG_DATE);
    writeDouble(Math.abs(key.getTime()));
    if (key.getTime() < 0) invert(length - 8);
  } else {
    throw notAKey(key, path);
  }
}

function writeString(key: string, path: string): void {
  if (length + key.length + 1 > KEY_BYTES_MAX) throw tooLong(path);
  const start = length;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    // Anything but plain ASCII is left to the encoder, from the start of the string.
    if (unit < 2 || unit > 0x7f) {
      length = start;
      writeEscaped(Buffer.from(key, 'utf8'), path);
      return;
    }
    scratch[length++] = unit;
  }
  put(TAG_END);
}

function writeEscaped(bytes: Uint8Array, path: string): void {
  for (const byte of bytes) {
    if (length >= KEY_BYTES_MAX) throw tooLong(path);
    if (byte < 2) put(1);
    put(byte < 2 ? byte + 1 : byte);
  }
  put(TAG_END);
}

/** Writes what is not negative; the magnitude of -0 is 0. */
function writeDouble(magnitude: number): void {
  length = scratch.writeDoubleBE(magnitude, length);
  scratch[length - 8] = (scratch[length - 8] ?? 0) | 0x80;
}

function invert(from: number): void {
  for (let index = from; index < length; index++) scratch[index] = ~(scratch[index] ?? 0);
}

function writeNumber(key: number | bigint, exact: boolean, path: string): void {
  put(TAG_NUMBER);
  const start = length;
  if (typeof key === 'number') {
    writeDouble(Math.abs(key));
    put(exact ? RESIDUAL_NUMBER : RESIDUAL_NONE);
  } else {
    const magnitude = key < 0n ? -key : key;
    const double = doubleTowardsZero(magnitude);
    const residual = magnitude - BigInt(double);
    writeDouble(double);
    if (residual === 0n) put(exact ? RESIDUAL_BIGINT : RESIDUAL_NONE);
    else writeResidual(residual, path);
  }
  if (key < 0) invert(start);
}

/** The largest finite double that is at most `magnitude`. */
function doubleTowardsZero(magnitude: bigint): number {
  const nearest = Number(magnitude);
  if (!Number.isFinite(nearest)) return Number.MAX_VALUE;
  if (BigInt(nearest) <= magnitude) return nearest;
  doubleBytes.writeDoubleBE(nearest);
  doubleBytes.writeBigUInt64BE(doubleBytes.readBigUInt64BE() - 1n);
  return doubleBytes.readDoubleBE();
}

function writeResidual(residual: bigint, path: string): void {
  const hex = residual.toString(16);
  const count = (hex.length + 1) >> 1;
  if (length + count + 3 > KEY_BYTES_MAX) throw tooLong(path);
  if (count <= RESIDUAL_SHORT_BYTES_MAX) {
    put(RESIDUAL_BIGINT + count);
  } else {
    put(RESIDUAL_LONG);
    length = scratch.writeUInt16BE(count, length);
  }
  length += scratch.write(hex.padStart(count * 2, '0'), length, 'hex');
}

/** Decodes what `encodeKey` wrote; bytes that it did not write are a broken store and throw `ERR_TABLE_VALUE`. */
export function decodeKey(bytes: Uint8Array): TableKey {
  const reader = new KeyReader(bytes);
  const key = reader.key();
  if (reader.position !== bytes.length) throw reader.broken();
  return key;
}

class KeyReader {
  position = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  broken(): TableError {
    return new TableError('ERR_TABLE_VALUE', `The bytes at ${this.position} are no key. The store is damaged.`, {
      position: this.position,
    });
  }

  key(): TableKey {
    const tag = this.#byte();
    switch (tag) {
      case TAG_NULL:
        return null;
      case TAG_FALSE:
        return false;
      case TAG_TRUE:
        return true;
      case TAG_NUMBER:
        return this.#number();
      case TAG_DATE:
        return new Date(this.#double(((this.#bytes[this.position] ?? 0) & 0x80) === 0));
      case TAG_STRING:
        return this.#escaped().toString('utf8');
      case TAG_BYTES:
        return new Uint8Array(this.#escaped());
      case TAG_ARRAY:
        return this.#array();
      default:
        throw this.broken();
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.position];
    if (byte === undefined) throw this.broken();
    this.position++;
    return byte;
  }

  #array(): readonly TableKey[] {
    const elements: TableKey[] = [];
    while (this.#bytes[this.position] !== TAG_END) elements.push(this.key());
    this.position++;
    return elements;
  }

  #escaped(): Buffer {
    const end = this.#bytes.indexOf(0, this.position);
    if (end === -1) throw this.broken();
    const raw = this.#bytes.subarray(this.position, end);
    this.position = end + 1;
    if (!raw.includes(1)) return raw;
    const plain: number[] = [];
    for (let index = 0; index < raw.length; index++) {
      const byte = raw[index] ?? 0;
      plain.push(byte === 1 ? (raw[++index] ?? 0) - 1 : byte);
    }
    return Buffer.from(plain);
  }

  #double(isNegative: boolean): number {
    if (this.position + 8 > this.#bytes.length) throw this.broken();
    this.#bytes.copy(doubleBytes, 0, this.position, this.position + 8);
    this.position += 8;
    if (isNegative) for (let index = 0; index < 8; index++) doubleBytes[index] = ~(doubleBytes[index] ?? 0);
    doubleBytes[0] = (doubleBytes[0] ?? 0) & 0x7f;
    const magnitude = doubleBytes.readDoubleBE();
    return isNegative ? -magnitude : magnitude;
  }

  #number(): number | bigint {
    const isNegative = ((this.#bytes[this.position] ?? 0) & 0x80) === 0;
    const mask = isNegative ? 0xff : 0;
    const double = this.#double(isNegative);
    const head = this.#byte() ^ mask;
    if (head === RESIDUAL_NONE || head === RESIDUAL_NUMBER) return double;
    if (!Number.isFinite(double)) throw this.broken();
    if (head === RESIDUAL_BIGINT) return BigInt(double);
    const count =
      head === RESIDUAL_LONG ? ((this.#byte() ^ mask) << 8) | (this.#byte() ^ mask) : head - RESIDUAL_BIGINT;
    let residual = '0x';
    for (let left = count; left > 0; left--) residual += (this.#byte() ^ mask).toString(16).padStart(2, '0');
    return isNegative ? BigInt(double) - BigInt(residual) : BigInt(double) + BigInt(residual);
  }
}
