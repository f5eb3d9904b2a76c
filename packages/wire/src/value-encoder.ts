/**
 * Writes values as bytes, exactly or not at all.
 *
 * Invariants
 * 1. What was written decodes to the same value: same class, same type, same order of keys (G7).
 * 2. A value outside the domain throws WireError ERR_WIRE_VALUE with `details.path`; its caller truncates the writer.
 * 3. A value has at most VALUE_COLLECTIONS_MAX objects, or who decodes it would refuse it.
 * 4. No code of the value's own runs: accessors are refused, not called. (A Proxy's traps cannot be kept from running.)
 *
 * A checking encoder looks at everything. One that is not checking is for rows that a table has already validated and
 * copied: it leaves out the searches for symbols, accessors and hidden or extra properties, which cost more than encoding.
 * Extra properties on typed arrays are never looked for, as that would list every index. A value that occurs twice
 * becomes two values; a cycle is refused as too deep.
 */
import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { INSTANCE_COLLECTIONS, VALUE_COLLECTIONS_MAX } from '@heirloom/tables';
import type { ByteWriter } from './byte-writer.js';
import { WireError } from './errors.js';
import type { ShapeNode, ShapeTable } from './shape-table.js';
import { formatPath } from './value-path.js';
import type { PathSegment } from './value-path.js';
import * as format from './value-format.js';

const { TAG_LATIN1_SHORT, TAG_SHAPED, VALUE_DEPTH_MAX } = format;
/** Up to this length a loop over the characters beats a call into the runtime. */
const LOOP_CHARS_MAX = 63;
const BIGINT_64_MIN = -(2n ** 63n);
const BIGINT_64_MAX = 2n ** 63n - 1n;
const { hasOwn, getPrototypeOf } = Object;
const objectPrototype: object = Object.prototype;
const arrayPrototype: object = Array.prototype;
const binaryNumbers = new Map<object | null, number>(
  format.BINARY_CLASSES.map(({ prototype }, number) => [prototype, number]),
).set(Buffer.prototype, 0);

export class ValueEncoder {
  private readonly shapes: ShapeTable | undefined;
  private readonly isChecking: boolean;
  /** Where the walk stands; entries behind the current depth are left over from earlier. */
  private readonly path: PathSegment[] = [];
  /** The objects of the value that is being written, so far. */
  private collections = 0;

  constructor(options: { shapes?: ShapeTable; isChecking: boolean }) {
    this.shapes = options.shapes;
    this.isChecking = options.isChecking;
  }

  /** Appends a value. After a throw, part of the value may have been written. */
  write(writer: ByteWriter, value: unknown): void {
    this.collections = 0;
    this.value(writer, value, 0);
  }

  private value(writer: ByteWriter, value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        return this.string(writer, value, depth);
      case 'number':
        return writeNumber(writer, value);
      case 'boolean':
        return writer.u8(value ? format.TAG_TRUE : format.TAG_FALSE);
      case 'undefined':
        return writer.u8(format.TAG_UNDEFINED);
      case 'bigint':
        return writeBigint(writer, value);
      case 'object':
        return value === null ? writer.u8(format.TAG_NULL) : this.object(writer, value, depth);
      default:
        throw this.refuse(depth, `a ${typeof value} cannot be stored or sent`);
    }
  }

  private string(writer: ByteWriter, text: string, depth: number): void {
    const length = text.length;
    if (length > LOOP_CHARS_MAX) return this.longString(writer, text, depth);
    writer.reserve(length + 1);
    const { buffer, position } = writer;
    let at = position;
    buffer[at++] = TAG_LATIN1_SHORT | length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 255) return this.longString(writer, text, depth);
      buffer[at++] = code;
    }
    writer.position = at;
  }

  private longString(writer: ByteWriter, text: string, depth: number): void {
    if (!isWellFormed(text)) throw this.refuse(depth, 'the string holds a lone surrogate');
    const byteLengthMax = text.length * 3;
    if (byteLengthMax > 0xffff) {
      writer.u8(format.TAG_UTF8);
      return writer.string(text);
    }
    writer.reserve(3 + byteLengthMax);
    const byteLength = writer.buffer.write(text, writer.position + 3, 'utf8');
    writer.u8(byteLength === text.length ? format.TAG_ASCII_U16 : format.TAG_UTF8_U16);
    writer.u16(byteLength);
    writer.position += byteLength;
  }

  private object(writer: ByteWriter, value: object, depth: number): void {
    if (depth >= VALUE_DEPTH_MAX) {
      throw this.refuse(depth, `the value is nested more than ${VALUE_DEPTH_MAX} deep, or contains itself`);
    }
    const prototype: unknown = getPrototypeOf(value);
    const isPlain = prototype === objectPrototype || prototype === arrayPrototype || prototype === null;
    this.collections += isPlain ? 1 : INSTANCE_COLLECTIONS;
    if (this.collections > VALUE_COLLECTIONS_MAX) {
      throw this.refuse(depth, `the value has more than ${VALUE_COLLECTIONS_MAX} objects; send it in pieces`);
    }
    if (prototype === objectPrototype) return this.plainObject(writer, value as Record<string, unknown>, depth); // Own string keys are all that is read.
    if (prototype === arrayPrototype) return this.array(writer, value as readonly unknown[], depth); // Refused there unless it is an array.
    if (prototype === null) return this.named(writer, value as Record<string, unknown>, depth, format.TAG_OBJECT_BARE); // As above.
    return this.instance(writer, value, prototype as object, depth); // A prototype is an object or null.
  }

  private plainObject(writer: ByteWriter, value: Record<string, unknown>, depth: number): void {
    if (this.shapes === undefined) return this.named(writer, value, depth, format.TAG_OBJECT);
    if (this.isChecking) this.checkObject(value, depth);
    this.shaped(writer, value, depth, this.shapes);
  }

  /**
   * Writes values while walking to their shape; where there is none, makes one or starts again with names. Values that
   * are objects are written only after the shape was found, or starting again at each level would take exponential time.
   */
  private shaped(writer: ByteWriter, value: Record<string, unknown>, depth: number, shapes: ShapeTable): void {
    writer.reserve(2);
    const offset = writer.position - writer.start;
    writer.buffer[writer.position] = TAG_SHAPED;
    writer.position += 2;
    let node: ShapeNode | undefined = shapes.root;
    let isFound = false;
    for (const key in value) {
      if (!hasOwn(value, key)) continue;
      node = node.firstKey === key ? node.firstNode : node.child(key);
      if (node === undefined) break;
      const field = value[key];
      if (typeof field === 'object' && field !== null && !isFound) {
        isFound = shapes.find(value) >= 0;
        if (!isFound) {
          node = undefined;
          break;
        }
      }
      this.path[depth] = key;
      this.value(writer, field, depth + 1);
    }
    const id = node === undefined ? -1 : node.id;
    if (id >= 0) {
      writer.buffer[writer.start + offset + 1] = id;
      return;
    }
    writer.truncate(offset);
    if (shapes.create(Object.keys(value), depth > 0) >= 0) return this.shaped(writer, value, depth, shapes);
    this.named(writer, value, depth, format.TAG_OBJECT);
  }

  private named(writer: ByteWriter, value: Record<string, unknown>, depth: number, tag: number): void {
    if (this.isChecking) this.checkObject(value, depth);
    const keys = Object.keys(value);
    writer.u8(tag);
    writer.varuint(keys.length);
    for (const key of keys) {
      this.path[depth] = key;
      this.string(writer, key, depth + 1);
      this.value(writer, value[key], depth + 1);
    }
  }

  private array(writer: ByteWriter, value: readonly unknown[], depth: number): void {
    if (!Array.isArray(value)) throw this.refuse(depth, 'an object with the prototype of arrays is not an array');
    const length = value.length;
    if (this.isChecking && (Object.keys(value).length !== length || hasSymbols(value))) {
      throw this.refuse(depth, 'the array has holes or extra properties');
    }
    writer.u8(format.TAG_ARRAY);
    writer.varuint(length);
    for (let i = 0; i < length; i++) {
      this.path[depth] = i;
      const element = value[i];
      if (element === undefined && !hasOwn(value, i)) throw this.refuse(depth + 1, 'the array has a hole');
      this.value(writer, element, depth + 1);
    }
  }

  private instance(writer: ByteWriter, value: object, prototype: object, depth: number): void {
    const binary = binaryNumbers.get(prototype);
    if (binary !== undefined && (types.isArrayBufferView(value) || types.isArrayBuffer(value))) {
      return this.binary(writer, value, binary, depth);
    }
    if (this.isChecking && (Object.keys(value).length !== 0 || hasSymbols(value))) {
      throw this.refuse(depth, 'the object has properties besides those of its class');
    }
    if (prototype === Date.prototype && types.isDate(value)) return this.date(writer, value, depth);
    if (prototype === Map.prototype && types.isMap(value)) return this.map(writer, value, depth);
    if (prototype === Set.prototype && types.isSet(value)) return this.set(writer, value, depth);
    if (prototype === RegExp.prototype && types.isRegExp(value)) return this.regexp(writer, value, depth);
    throw this.refuse(depth, `an object of class ${className(prototype)} cannot be stored or sent; use plain data`);
  }

  private date(writer: ByteWriter, value: Date, depth: number): void {
    const time = value.getTime();
    if (Number.isNaN(time)) throw this.refuse(depth, 'the Date is invalid');
    writer.u8(format.TAG_DATE);
    writer.f64(time);
  }

  private map(writer: ByteWriter, value: ReadonlyMap<unknown, unknown>, depth: number): void {
    writer.u8(format.TAG_MAP);
    writer.varuint(value.size);
    let entry = 0;
    for (const [key, element] of value) {
      this.path[depth] = --entry;
      this.value(writer, key, depth + 1);
      this.path[depth] = entry;
      this.value(writer, element, depth + 1);
    }
  }

  private set(writer: ByteWriter, value: ReadonlySet<unknown>, depth: number): void {
    writer.u8(format.TAG_SET);
    writer.varuint(value.size);
    let entry = 0;
    for (const element of value) {
      this.path[depth] = --entry;
      this.value(writer, element, depth + 1);
    }
  }

  private regexp(writer: ByteWriter, value: RegExp, depth: number): void {
    const { source, flags, lastIndex } = value;
    if (!Number.isSafeInteger(lastIndex) || lastIndex < 0 || Object.is(lastIndex, -0)) {
      throw this.refuse(depth, 'the lastIndex of the RegExp is not an integer of at least 0');
    }
    writer.u8(format.TAG_REGEXP);
    this.string(writer, source, depth);
    this.string(writer, flags, depth);
    writer.varuint(lastIndex);
  }

  private binary(writer: ByteWriter, value: NodeJS.ArrayBufferView | ArrayBuffer, binary: number, depth: number): void {
    const isView = ArrayBuffer.isView(value);
    const memory = isView ? value.buffer : value;
    if (!types.isArrayBuffer(memory) || isResizable(memory)) {
      throw this.refuse(depth, 'shared and resizable memory cannot be stored or sent; copy it first');
    }
    let bytes: Uint8Array;
    try {
      bytes = isView ? new Uint8Array(memory, value.byteOffset, value.byteLength) : new Uint8Array(memory);
    } catch {
      throw this.refuse(depth, 'the memory was given away; send it before that');
    }
    writer.u8(format.TAG_BINARY);
    writer.u8(binary);
    writer.lengthPrefixed(bytes);
  }

  private checkObject(value: Record<string, unknown>, depth: number): void {
    if (hasSymbols(value)) throw this.refuse(depth, 'the object has symbol keys');
    for (const key of Object.getOwnPropertyNames(value)) {
      const property = Object.getOwnPropertyDescriptor(value, key);
      if (property?.enumerable === true && property.get === undefined && property.set === undefined) continue;
      this.path[depth] = key;
      throw this.refuse(depth + 1, 'the property is an accessor or not enumerable');
    }
  }

  private refuse(depth: number, problem: string): WireError {
    const path = formatPath(this.path.slice(0, depth));
    return new WireError('ERR_WIRE_VALUE', `Cannot encode the value at ${path || 'the top'}: ${problem}.`, { path });
  }
}

function writeNumber(writer: ByteWriter, value: number): void {
  writer.reserve(9);
  const { buffer, position } = writer;
  const integer = value | 0;
  if (integer !== value || (value === 0 && 1 / value < 0)) {
    buffer[position] = format.TAG_F64;
    writer.view.setFloat64(position + 1, value);
    writer.position = position + 9;
  } else if (integer >= 0 && integer < 128) {
    buffer[position] = integer;
    writer.position = position + 1;
  } else if (integer >= -0x8000 && integer < 0x8000) {
    buffer[position] = format.TAG_I16;
    buffer[position + 1] = integer >> 8;
    buffer[position + 2] = integer;
    writer.position = position + 3;
  } else {
    buffer[position] = format.TAG_I32;
    writer.view.setInt32(position + 1, integer);
    writer.position = position + 5;
  }
}

function writeBigint(writer: ByteWriter, value: bigint): void {
  if (value >= BIGINT_64_MIN && value <= BIGINT_64_MAX) {
    writer.reserve(9);
    writer.buffer[writer.position] = format.TAG_BIGINT_64;
    writer.view.setBigInt64(writer.position + 1, value);
    writer.position += 9;
    return;
  }
  const digits = (value < 0n ? -value : value).toString(16);
  writer.u8(value < 0n ? format.TAG_BIGINT_NEGATIVE : format.TAG_BIGINT_POSITIVE);
  writer.lengthPrefixed(Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex'));
}

function hasSymbols(value: object): boolean {
  return Object.getOwnPropertySymbols(value).length !== 0;
}

function isWellFormed(text: string): boolean {
  // In every Node that is supported, but in no library of types before ES2024.
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed();
}

function isResizable(memory: ArrayBuffer): boolean {
  return (memory as { resizable?: boolean }).resizable === true; // In the types only from ES2024.
}

function className(prototype: object): string {
  const property = Object.getOwnPropertyDescriptor(prototype, 'constructor');
  const name: unknown = typeof property?.value === 'function' ? property.value.name : undefined;
  return typeof name === 'string' && name !== '' ? name : '(unknown)';
}
