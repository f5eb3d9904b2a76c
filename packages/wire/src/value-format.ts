/**
 * The format of encoded values, version 1: one tag byte, then what the tag says.
 *
 *   00..7f  the integers 0..127                       c0 undefined   c1 null   c2 false   c3 true
 *   80..bf  a Latin-1 string of 0..63 characters      c4 i16   c5 i32   c6 f64   (-0 and NaN are f64)
 *   c7 ASCII string, u16 length   c8 UTF-8 string, u16 byte length   c9 UTF-8 string, varuint byte length
 *   ca bigint of 64 bits, signed                      cb, cc positive and negative bigint: varuint length, magnitude
 *   cd Date: f64 of milliseconds                      ce RegExp: source, flags (both encoded strings), varuint lastIndex
 *   cf binary: u8 class (BINARY_CLASSES), varuint byte length, the bytes in little-endian elements
 *   d0 Map: varuint count, then key and value of each d1 Set: varuint count, then each
 *   d2 array: varuint count, then each                d3 object: varuint count, then name (encoded string) and value of each
 *   d4 object without a prototype, as d3              d5 object with a shape: u8 number, then its values
 *
 * What a value means never depends on what came before it, except for d5, which needs its table's shapes.
 */

/**
 * How deep values may be nested. More than rows may be (they travel inside of messages), and few enough for the stack of
 * any thread.
 */
export const VALUE_DEPTH_MAX = 128;

export const TAG_LATIN1_SHORT = 0x80;
/** The longest string with its length in the tag. */
export const LATIN1_SHORT_MAX = 63;
export const TAG_UNDEFINED = 0xc0;
export const TAG_NULL = 0xc1;
export const TAG_FALSE = 0xc2;
export const TAG_TRUE = 0xc3;
export const TAG_I16 = 0xc4;
export const TAG_I32 = 0xc5;
export const TAG_F64 = 0xc6;
export const TAG_ASCII_U16 = 0xc7;
export const TAG_UTF8_U16 = 0xc8;
export const TAG_UTF8 = 0xc9;
export const TAG_BIGINT_64 = 0xca;
export const TAG_BIGINT_POSITIVE = 0xcb;
export const TAG_BIGINT_NEGATIVE = 0xcc;
export const TAG_DATE = 0xcd;
export const TAG_REGEXP = 0xce;
export const TAG_BINARY = 0xcf;
export const TAG_MAP = 0xd0;
export const TAG_SET = 0xd1;
export const TAG_ARRAY = 0xd2;
export const TAG_OBJECT = 0xd3;
export const TAG_OBJECT_BARE = 0xd4;
export const TAG_SHAPED = 0xd5;

/** A class of binary values: how it is recognised, and made from a buffer of its own. */
export interface BinaryClass {
  readonly prototype: object;
  readonly elementBytes: number;
  readonly make: (buffer: ArrayBuffer) => object;
}

/** In the order of their numbers, which are part of the format. */
export const BINARY_CLASSES: readonly BinaryClass[] = [
  { prototype: Uint8Array.prototype, elementBytes: 1, make: (buffer) => new Uint8Array(buffer) },
  { prototype: ArrayBuffer.prototype, elementBytes: 1, make: (buffer) => buffer },
  { prototype: DataView.prototype, elementBytes: 1, make: (buffer) => new DataView(buffer) },
  { prototype: Int8Array.prototype, elementBytes: 1, make: (buffer) => new Int8Array(buffer) },
  { prototype: Uint8ClampedArray.prototype, elementBytes: 1, make: (buffer) => new Uint8ClampedArray(buffer) },
  { prototype: Int16Array.prototype, elementBytes: 2, make: (buffer) => new Int16Array(buffer) },
  { prototype: Uint16Array.prototype, elementBytes: 2, make: (buffer) => new Uint16Array(buffer) },
  { prototype: Int32Array.prototype, elementBytes: 4, make: (buffer) => new Int32Array(buffer) },
  { prototype: Uint32Array.prototype, elementBytes: 4, make: (buffer) => new Uint32Array(buffer) },
  { prototype: Float32Array.prototype, elementBytes: 4, make: (buffer) => new Float32Array(buffer) },
  { prototype: Float64Array.prototype, elementBytes: 8, make: (buffer) => new Float64Array(buffer) },
  { prototype: BigInt64Array.prototype, elementBytes: 8, make: (buffer) => new BigInt64Array(buffer) },
  { prototype: BigUint64Array.prototype, elementBytes: 8, make: (buffer) => new BigUint64Array(buffer) },
];
