/**
 * A growing buffer that is written from front to back and handed over in pieces without a copy.
 *
 * Invariants
 * 1. `buffer[start..position)` is what was written since the last `take`; nothing else is ever handed over.
 * 2. `take` gives the caller those bytes for good: the writer goes on behind them and never writes there again.
 * 3. Growing moves the bytes, so a place to be patched later is kept as an offset from `start`.
 *
 * All numbers of more than one byte are big-endian, except inside typed arrays. A varuint holds 7 bits a byte, the lowest
 * first; it takes at most 8 bytes, no more than it must, and is a safe integer.
 *
 * The fields are public for the value codec, which writes small values in place after one `reserve`.
 */
import { Buffer } from 'node:buffer';
import { invariant } from '@heirloom/tables';

/** A new piece of memory holds at least this much, so that many small frames share one allocation. */
export const SLAB_BYTES = 65_536;
/** With less than this left behind the last `take`, a new slab is cheaper than growing out of the old one soon. */
const SLAB_REST_BYTES_MIN = 2_048;
const NO_MEMORY = Buffer.alloc(0);

export class ByteWriter {
  buffer: Buffer;
  view: DataView;
  start = 0;
  position = 0;

  constructor(initialBytes: number = 1_024) {
    this.buffer = Buffer.allocUnsafeSlow(initialBytes);
    this.view = new DataView(this.buffer.buffer);
  }

  /** The number of bytes written since the last `take`. */
  get length(): number {
    return this.position - this.start;
  }

  /** Makes room for `count` more bytes, so that they can be written without further checks. */
  reserve(count: number): void {
    if (this.position + count > this.buffer.length) this.grow(count);
  }

  private grow(count: number): void {
    const used = this.length;
    const capacity = Math.max(SLAB_BYTES, used + count > SLAB_BYTES ? 2 * (used + count) : 0);
    const next = Buffer.allocUnsafeSlow(capacity);
    next.set(this.buffer.subarray(this.start, this.position));
    this.buffer = next;
    this.view = new DataView(next.buffer);
    this.start = 0;
    this.position = used;
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.position++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.view.setUint16(this.position, value);
    this.position += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.position, value);
    this.position += 4;
  }

  /** Writes a safe integer of at least 0 as eight bytes. */
  uint53(value: number): void {
    invariant(Number.isSafeInteger(value) && value >= 0, `uint53 takes a safe integer of at least 0, not ${value}`);
    this.reserve(8);
    this.view.setUint32(this.position, Math.floor(value / 0x1_0000_0000));
    this.view.setUint32(this.position + 4, value % 0x1_0000_0000);
    this.position += 8;
  }

  f64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.position, value);
    this.position += 8;
  }

  /** Writes a safe integer of at least 0 in one to eight bytes, small ones in few. */
  varuint(value: number): void {
    invariant(Number.isSafeInteger(value) && value >= 0, `varuint takes a safe integer of at least 0, not ${value}`);
    this.reserve(8);
    let rest = value;
    while (rest >= 0x8000_0000) {
      this.buffer[this.position++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      this.buffer[this.position++] = (rest & 127) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.position++] = rest;
  }

  /** Writes bytes without their length. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.position);
    this.position += bytes.length;
  }

  /** Writes bytes behind their length as a varuint. */
  lengthPrefixed(bytes: Uint8Array): void {
    this.varuint(bytes.length);
    this.raw(bytes);
  }

  /** Writes a string as UTF-8 behind its length in bytes as a varuint; lone surrogates become U+FFFD. */
  string(text: string): void {
    const byteLength = Buffer.byteLength(text, 'utf8');
    this.varuint(byteLength);
    this.reserve(byteLength);
    this.buffer.write(text, this.position, 'utf8');
    this.position += byteLength;
  }

  /** Forgets what was written behind `length` bytes from the start. */
  truncate(length: number): void {
    invariant(length >= 0 && length <= this.length, `cannot truncate ${this.length} bytes to ${length}`);
    this.position = this.start + length;
    if (this.buffer.length > SLAB_BYTES && length === 0) this.forgetMemory();
  }

  /** Lets go of memory that is used up, or too large to be kept for small writes; `reserve` gets new. */
  private forgetMemory(): void {
    this.buffer = NO_MEMORY;
    this.start = 0;
    this.position = 0;
  }

  /** Hands over what was written since the last call. The bytes are the caller's: the writer never touches them again. */
  take(): Uint8Array {
    const taken = this.buffer.subarray(this.start, this.position);
    if (this.buffer.length > SLAB_BYTES || this.buffer.length - this.position < SLAB_REST_BYTES_MIN)
      this.forgetMemory();
    this.start = this.position;
    return taken;
  }
}
