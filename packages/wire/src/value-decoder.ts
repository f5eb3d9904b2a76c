/**
 * Reads values back from bytes that may be hostile.
 *
 * Invariants
 * 1. Whatever the bytes, the outcome is a value or a WireError: ERR_WIRE_DECODE, or ERR_WIRE_SHAPE for a shape that is not
 *    known here, after which the reader may load the shapes and try again.
 * 2. Time and memory are bounded by the number of bytes: counts are checked first, collections grow as they are filled, and there
 *    are at most VALUE_COLLECTIONS_MAX of them, as an empty one takes far more memory than its two bytes.
 * 3. Values own their memory: nothing that was decoded is a view on the input.
 */
import { Buffer } from 'node:buffer';
import { INSTANCE_COLLECTIONS, VALUE_COLLECTIONS_MAX } from '@heirloom/tables';
import type { ByteReader } from './byte-reader.js';
import { malformed, WireError } from './errors.js';
import type { Shape, ShapeTable } from './shape-table.js';
import * as format from './value-format.js';

const { LATIN1_SHORT_MAX, TAG_LATIN1_SHORT, VALUE_DEPTH_MAX } = format;
const { fromCharCode } = String;
const { hasOwn } = Object;

export class ValueDecoder {
  private readonly shapes: ShapeTable | undefined;
  /** The objects of the value that is being read, so far. */
  private collections = 0;

  constructor(shapes?: ShapeTable) {
    this.shapes = shapes;
  }

  /** Reads the next value. */
  read(reader: ByteReader): unknown {
    this.collections = 0;
    return this.value(reader, 0);
  }

  private value(reader: ByteReader, depth: number): unknown {
    const tag = reader.u8();
    if (tag < TAG_LATIN1_SHORT) return tag;
    if (tag <= TAG_LATIN1_SHORT + LATIN1_SHORT_MAX) return shortString(reader, tag - TAG_LATIN1_SHORT);
    switch (tag) {
      case format.TAG_UNDEFINED:
        return undefined;
      case format.TAG_NULL:
        return null;
      case format.TAG_FALSE:
        return false;
      case format.TAG_TRUE:
        return true;
      case format.TAG_I16:
        return (reader.u16() << 16) >> 16;
      case format.TAG_I32:
        return reader.u32() | 0;
      case format.TAG_F64:
        return reader.f64();
      case format.TAG_ASCII_U16:
        return reader.latin1(reader.u16());
      case format.TAG_UTF8_U16:
        return reader.utf8(reader.u16());
      case format.TAG_UTF8:
        return reader.string();
      case format.TAG_SHAPED:
        this.count(1);
        return this.shaped(reader, enter(depth));
      default:
        return tag >= format.TAG_MAP ? this.collection(reader, tag, enter(depth)) : this.scalar(reader, tag, depth);
    }
  }

  private scalar(reader: ByteReader, tag: number, depth: number): unknown {
    switch (tag) {
      case format.TAG_BIGINT_64:
        return BigInt.asIntN(64, (BigInt(reader.u32()) << 32n) | BigInt(reader.u32()));
      case format.TAG_BIGINT_POSITIVE:
        return magnitude(reader);
      case format.TAG_BIGINT_NEGATIVE:
        return -magnitude(reader);
      case format.TAG_DATE:
        this.count(INSTANCE_COLLECTIONS);
        return date(reader);
      case format.TAG_REGEXP:
        this.count(INSTANCE_COLLECTIONS);
        return this.regexp(reader, depth);
      case format.TAG_BINARY:
        this.count(INSTANCE_COLLECTIONS);
        return binary(reader);
      default:
        throw malformed(`0x${tag.toString(16)} is not the tag of a value.`, { position: reader.position - 1 });
    }
  }

  private count(collections: number): void {
    this.collections += collections;
    if (this.collections <= VALUE_COLLECTIONS_MAX) return;
    throw malformed(`A value has more than ${VALUE_COLLECTIONS_MAX} objects.`, { limit: VALUE_COLLECTIONS_MAX });
  }

  private collection(reader: ByteReader, tag: number, depth: number): object {
    this.count(tag === format.TAG_MAP || tag === format.TAG_SET ? INSTANCE_COLLECTIONS : 1);
    switch (tag) {
      case format.TAG_MAP:
        return this.map(reader, depth);
      case format.TAG_SET:
        return this.set(reader, depth);
      case format.TAG_ARRAY:
        return this.array(reader, depth);
      case format.TAG_OBJECT:
        return this.named(reader, {}, depth);
      case format.TAG_OBJECT_BARE:
        return this.named(reader, Object.create(null) as Record<string, unknown>, depth); // A new object with no fields yet.
      default:
        throw malformed(`0x${tag.toString(16)} is not the tag of a value.`, { position: reader.position - 1 });
    }
  }

  private shaped(reader: ByteReader, depth: number): object {
    const id = reader.u8();
    const shape = this.shapes?.get(id);
    if (shape === undefined) {
      throw new WireError(
        'ERR_WIRE_SHAPE',
        `Row shape ${id} is not known here; load the table's shapes and read again.`,
        {
          id,
        },
      );
    }
    if (shape.hasProto) return this.shapedSafely(reader, shape, depth);
    const object: Record<string, unknown> = {};
    const { fields } = shape;
    for (let i = 0; i < fields.length; i++) object[fields[i] as string] = this.value(reader, depth); // Inside the bounds.
    return object;
  }

  private shapedSafely(reader: ByteReader, shape: Shape, depth: number): object {
    const object = {};
    for (const field of shape.fields) define(object, field, this.value(reader, depth));
    return object;
  }

  private named(reader: ByteReader, object: Record<string, unknown>, depth: number): object {
    const count = reader.count(2);
    for (let i = 0; i < count; i++) {
      const key = this.text(reader, depth);
      if (hasOwn(object, key)) throw malformed('An object has the same key twice.', { position: reader.position });
      const value = this.value(reader, depth);
      if (key === '__proto__') define(object, key, value);
      else object[key] = value;
    }
    return object;
  }

  private array(reader: ByteReader, depth: number): unknown[] {
    const count = reader.count(1);
    const array: unknown[] = [];
    for (let i = 0; i < count; i++) array.push(this.value(reader, depth));
    return array;
  }

  private map(reader: ByteReader, depth: number): Map<unknown, unknown> {
    const count = reader.count(2);
    const map = new Map<unknown, unknown>();
    for (let i = 0; i < count; i++) {
      const key = this.value(reader, depth);
      map.set(key, this.value(reader, depth));
    }
    if (map.size !== count) throw malformed('A Map has the same key twice.', { position: reader.position });
    return map;
  }

  private set(reader: ByteReader, depth: number): Set<unknown> {
    const count = reader.count(1);
    const set = new Set<unknown>();
    for (let i = 0; i < count; i++) set.add(this.value(reader, depth));
    if (set.size !== count) throw malformed('A Set has the same element twice.', { position: reader.position });
    return set;
  }

  private regexp(reader: ByteReader, depth: number): RegExp {
    const source = this.text(reader, depth);
    const flags = this.text(reader, depth);
    const lastIndex = reader.varuint();
    try {
      const regexp = new RegExp(source, flags);
      regexp.lastIndex = lastIndex;
      return regexp;
    } catch (cause) {
      throw malformed('A regular expression is not valid.', { position: reader.position, cause: String(cause) });
    }
  }

  private text(reader: ByteReader, depth: number): string {
    const text = this.value(reader, depth);
    if (typeof text !== 'string') throw malformed('A string was expected.', { position: reader.position });
    return text;
  }
}

function enter(depth: number): number {
  if (depth >= VALUE_DEPTH_MAX) throw malformed(`Values are nested more than ${VALUE_DEPTH_MAX} deep.`);
  return depth + 1;
}

function shortString(reader: ByteReader, length: number): string {
  reader.require(length);
  const { buffer, position } = reader;
  if (length > 24) return reader.latin1(length);
  let text = '';
  for (let i = position; i < position + length; i++) text += fromCharCode(buffer[i] as number); // `require` checked the bounds.
  reader.position = position + length;
  return text;
}

function magnitude(reader: ByteReader): bigint {
  const digits = Buffer.from(reader.lengthPrefixed()).toString('hex');
  return BigInt(`0x${digits === '' ? '0' : digits}`);
}

function date(reader: ByteReader): Date {
  const time = reader.f64();
  const value = new Date(time);
  // A Date has whole milliseconds and no −0: anything else would come back as another one.
  if (!Object.is(value.getTime(), time) || Number.isNaN(time)) {
    throw malformed('A Date is invalid.', { position: reader.position });
  }
  return value;
}

function binary(reader: ByteReader): object {
  const number = reader.u8();
  const bytes = reader.lengthPrefixed();
  const binaryClass = format.BINARY_CLASSES[number];
  if (binaryClass === undefined || bytes.length % binaryClass.elementBytes !== 0) {
    throw malformed('A binary value has no known class or not a whole number of elements.', { class: number });
  }
  return binaryClass.make(new Uint8Array(bytes).buffer);
}

function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}
