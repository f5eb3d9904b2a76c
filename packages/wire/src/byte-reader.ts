/**
 * Reads bytes from front to back and never trusts them.
 *
 * Invariants
 * 1. No read passes `limit`; a read that would throws WireError ERR_WIRE_DECODE and moves nothing.
 * 2. A length is checked against the bytes that are left before anything is allocated for it.
 * 3. `bytes` and `raw` give views on the input, not copies: whoever keeps them copies them.
 *
 * The layout of each primitive is in byte-writer.ts.
 */
import { Buffer } from 'node:buffer';
import { malformed } from './errors.js';

const EMPTY = new Uint8Array(0);
/** Doubles are read through these, as a DataView for each small row would cost more than reading the row. */
const doubleBytes = new Uint8Array(8);
const double = new DataView(doubleBytes.buffer);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class ByteReader {
  buffer: Uint8Array;
  position = 0;
  limit: number;

  constructor(bytes: Uint8Array = EMPTY) {
    this.buffer = bytes;
    this.limit = bytes.length;
  }

  /** Starts again on other bytes. */
  reset(bytes: Uint8Array): void {
    this.buffer = bytes;
    this.position = 0;
    this.limit = bytes.length;
  }

  get remaining(): number {
    return this.limit - this.position;
  }

  /** Throws unless `count` more bytes are there. */
  require(count: number): void {
    if (count > this.limit - this.position) {
      throw malformed(`Bytes end at ${this.limit}, but ${count} more were expected at ${this.position}.`, {
        position: this.position,
        expected: count,
      });
    }
  }

  u8(): number {
    this.require(1);
    return this.at(this.position++);
  }

  u16(): number {
    this.require(2);
    const at = this.position;
    this.position += 2;
    return (this.at(at) << 8) | this.at(at + 1);
  }

  u32(): number {
    this.require(4);
    return this.i32() >>> 0;
  }

  /** Reads four bytes as a signed number; the caller has checked that they are there. */
  i32(): number {
    const at = this.position;
    this.position += 4;
    return (this.at(at) << 24) | (this.at(at + 1) << 16) | (this.at(at + 2) << 8) | this.at(at + 3);
  }

  uint53(): number {
    this.require(8);
    const value = (this.i32() >>> 0) * 0x1_0000_0000 + (this.i32() >>> 0);
    if (!Number.isSafeInteger(value)) throw malformed('A 64-bit number is over the largest safe integer.');
    return value;
  }

  f64(): number {
    this.require(8);
    const at = this.position;
    for (let i = 0; i < 8; i++) doubleBytes[i] = this.at(at + i);
    this.position += 8;
    return double.getFloat64(0);
  }

  varuint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) {
        // One number has one encoding: no byte in vain, and nothing that a double cannot hold.
        if ((byte === 0 && i > 0) || value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw malformed('A variable-length number is longer than it must be, or over the largest safe integer.', {
      position: this.position,
    });
  }

  /** Reads a count of things that take at least `bytesEach` bytes, and refuses one that cannot be true. */
  count(bytesEach: number): number {
    const count = this.varuint();
    if (count * bytesEach > this.remaining) {
      throw malformed(`A count of ${count} does not fit into the ${this.remaining} bytes that are left.`, { count });
    }
    return count;
  }

  /** A view on the next `length` bytes. */
  raw(length: number): Uint8Array {
    this.require(length);
    const at = this.position;
    this.position += length;
    return this.buffer.subarray(at, at + length);
  }

  /** A view on the bytes behind a varuint length. */
  lengthPrefixed(): Uint8Array {
    return this.raw(this.varuint());
  }

  /** Reads a string that `ByteWriter.string` wrote; ill-formed UTF-8 is refused. */
  string(): string {
    return this.utf8(this.varuint());
  }

  utf8(byteLength: number): string {
    const bytes = this.raw(byteLength);
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      throw malformed('A string is not well-formed UTF-8.', { position: this.position, cause: String(cause) });
    }
  }

  latin1(length: number): string {
    const bytes = this.raw(length);
    return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1');
  }

  /** Throws unless everything was read. */
  finish(): void {
    if (this.position !== this.limit) {
      throw malformed(`${this.remaining} bytes are left over behind what was decoded.`, { position: this.position });
    }
  }

  /** The byte at a position that is known to be inside. */
  at(position: number): number {
    return this.buffer[position] as number; // Inside the bounds by invariant 1, so never undefined.
  }
}
