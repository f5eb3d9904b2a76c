/**
 * Frames: what a connection carries, in both directions.
 *
 *   u32 length of the body · u8 version (WIRE_VERSION) · u8 kind · u16 reserved, 0 · the body
 *
 * Invariants
 * 1. A header is judged before anything of its body is kept: another version, a kind that is not expected here, reserved
 *    bits or a length over the limit is a WireError ERR_WIRE_FRAME, and the parser takes nothing more.
 * 2. The parser keeps at most the frame it is in, and no more memory than twice what has arrived of it. While it is paused
 *    it also keeps what it was given in the meantime.
 * 3. A body that arrived in one piece is a view on that piece, not a copy.
 * 4. The stream may end inside of a frame: this is what a SIGKILL leaves. `pendingBytes` tells, and nothing is thrown.
 */
import { Buffer } from 'node:buffer';
import { invariant } from '@heirloom/tables';
import { ByteWriter } from './byte-writer.js';
import { WireError } from './errors.js';

export const WIRE_VERSION = 1;
export const FRAME_HEADER_BYTES = 8;
/** The longest body: room for the largest batch, and still little enough to hold a few in memory. */
export const FRAME_BYTES_MAX: number = 64 * 1024 * 1024;
/** The first piece of memory for a body that comes in pieces; see invariant 2. */
const PARTIAL_BYTES_MIN = 4_096;

export interface FrameParserOptions {
  /** The kinds that are expected; every other is a violation. */
  readonly kinds: ReadonlySet<number>;
  /** The longest body, at most and by default FRAME_BYTES_MAX. */
  readonly frameBytesMax?: number;
  readonly onFrame: (kind: number, body: Uint8Array) => void;
}

interface Header {
  readonly kind: number;
  readonly length: number;
}

export class FrameParser {
  private options: FrameParserOptions;
  private partial: Buffer = Buffer.alloc(0);
  /** The header of the unfinished frame, once it is whole. */
  private partialHeader: Header | undefined;
  /** How much of `partial` is filled. */
  private filled = 0;
  private backlog: Uint8Array[] = [];
  private isDelivering = false;
  private state: 'running' | 'paused' | 'stopped' = 'running';

  constructor(options: FrameParserOptions) {
    this.options = options;
  }

  /** What has arrived and was not delivered: of an unfinished frame and, while paused, of later ones. */
  get pendingBytes(): number {
    return this.backlog.reduce((sum, chunk) => sum + chunk.length, this.filled);
  }

  get isPaused(): boolean {
    return this.state === 'paused';
  }

  /** Changes what is expected from the next header on. */
  configure(options: FrameParserOptions): void {
    this.options = options;
  }

  /** Delivers the frames that are complete with this chunk. Throws WireError ERR_WIRE_FRAME, and what `onFrame` throws. */
  push(chunk: Uint8Array): void {
    if (this.state === 'stopped' || chunk.length === 0) return;
    this.backlog.push(chunk);
    this.deliver();
  }

  /** Delivers nothing more, also not of the chunk at hand, until `resume`. */
  pause(): void {
    if (this.state === 'running') this.state = 'paused';
  }

  /** Goes on with what was kept. Throws as `push` does. */
  resume(): void {
    if (this.state !== 'paused') return;
    this.state = 'running';
    this.deliver();
  }

  /** Delivers nothing more for good. */
  stop(): void {
    this.state = 'stopped';
    this.backlog = [];
  }

  private deliver(): void {
    if (this.isDelivering) return;
    this.isDelivering = true;
    try {
      while (this.state === 'running') {
        const chunk = this.backlog.shift();
        if (chunk === undefined) return;
        const used = this.filled === 0 ? this.whole(chunk) : this.complete(chunk);
        if (used < chunk.length && this.isOpen()) this.backlog.unshift(chunk.subarray(used));
      }
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      this.isDelivering = false;
    }
  }

  /** Delivers the frames that lie wholly in a chunk, and keeps the start of one that does not; returns the bytes used. */
  private whole(chunk: Uint8Array): number {
    let at = 0;
    while (this.state === 'running' && at < chunk.length) {
      const header = chunk.length - at >= FRAME_HEADER_BYTES ? this.header(chunk, at) : undefined;
      const end = at + FRAME_HEADER_BYTES + (header?.length ?? 0);
      if (header === undefined || end > chunk.length) {
        this.partialHeader = header;
        this.keep(chunk.subarray(at), header === undefined ? FRAME_HEADER_BYTES : end - at);
        return chunk.length;
      }
      const body = chunk.subarray(at + FRAME_HEADER_BYTES, end);
      at = end;
      this.options.onFrame(header.kind, body);
    }
    return at;
  }

  /** Adds to the unfinished frame, and delivers it if it is complete; returns the bytes used. */
  private complete(chunk: Uint8Array): number {
    let used = 0;
    if (this.filled < FRAME_HEADER_BYTES) {
      used = Math.min(chunk.length, FRAME_HEADER_BYTES - this.filled);
      this.keep(chunk.subarray(0, used), FRAME_HEADER_BYTES);
      if (this.filled < FRAME_HEADER_BYTES) return used;
    }
    this.partialHeader ??= this.header(this.partial, 0);
    const { kind, length } = this.partialHeader;
    const total = FRAME_HEADER_BYTES + length;
    const more = Math.min(chunk.length - used, total - this.filled);
    this.keep(chunk.subarray(used, used + more), total);
    if (this.filled === total) {
      const body = this.partial.subarray(FRAME_HEADER_BYTES, total);
      this.partial = Buffer.alloc(0);
      this.partialHeader = undefined;
      this.filled = 0;
      this.options.onFrame(kind, body);
    }
    return used + more;
  }

  private keep(bytes: Uint8Array, total: number): void {
    const needed = this.filled + bytes.length;
    if (needed > this.partial.length) {
      const capacity = Math.max(needed, Math.min(total, Math.max(PARTIAL_BYTES_MIN, 2 * needed)));
      const next = Buffer.allocUnsafeSlow(capacity);
      next.set(this.partial.subarray(0, this.filled));
      this.partial = next;
    }
    this.partial.set(bytes, this.filled);
    this.filled = needed;
  }

  private header(bytes: Uint8Array, at: number): Header {
    const byte = (offset: number): number => bytes[at + offset] as number; // The caller has checked the bounds.
    const length = ((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0;
    const kind = byte(5);
    const limit = Math.min(this.options.frameBytesMax ?? FRAME_BYTES_MAX, FRAME_BYTES_MAX);
    if (byte(4) !== WIRE_VERSION) throw violation(`has version ${byte(4)}, not ${WIRE_VERSION}`, { kind, length });
    if (byte(6) !== 0 || byte(7) !== 0) throw violation('has reserved bits set', { kind, length });
    if (!this.options.kinds.has(kind))
      throw violation(`is of kind ${kind}, which is not expected here`, { kind, length });
    if (length > limit) throw violation(`has ${length} bytes, over the limit of ${limit}`, { kind, length, limit });
    return { kind, length };
  }

  /** The state, read again after a callback that may have changed it. */
  private isOpen(): boolean {
    return this.state !== 'stopped';
  }
}

/** Collects frames, to be sent as one piece. */
export class FrameWriter {
  readonly writer: ByteWriter;
  private readonly frameBytesMax: number;
  private frameAt = -1;

  constructor(frameBytesMax: number = FRAME_BYTES_MAX) {
    this.writer = new ByteWriter();
    this.frameBytesMax = Math.min(frameBytesMax, FRAME_BYTES_MAX);
  }

  /** The bytes that `take` would give. */
  get length(): number {
    return this.writer.length;
  }

  /** Begins a frame; its body is then written to the writer that is returned, until `end` or `abort`. */
  begin(kind: number): ByteWriter {
    invariant(this.frameAt === -1, 'a frame begins inside of another');
    invariant(Number.isInteger(kind) && kind >= 0 && kind <= 255, `a frame kind takes one byte, not ${kind}`);
    const { writer } = this;
    this.frameAt = writer.length;
    writer.u32(0);
    writer.u8(WIRE_VERSION);
    writer.u8(kind);
    writer.u16(0);
    return writer;
  }

  /** Ends the frame. Throws WireError ERR_WIRE_FRAME, and drops the frame, if its body is over the limit. */
  end(): void {
    invariant(this.frameAt !== -1, 'a frame ends that never began');
    const length = this.writer.length - this.frameAt - FRAME_HEADER_BYTES;
    if (length > this.frameBytesMax) {
      this.abort();
      throw violation(`has ${length} bytes, over the limit of ${this.frameBytesMax}; send less at once`, { length });
    }
    this.writer.view.setUint32(this.writer.start + this.frameAt, length);
    this.frameAt = -1;
  }

  /** Drops the frame that was begun. */
  abort(): void {
    if (this.frameAt === -1) return;
    this.writer.truncate(this.frameAt);
    this.frameAt = -1;
  }

  /** Hands over the frames that were ended since the last call. The bytes are the caller's. */
  take(): Uint8Array {
    invariant(this.frameAt === -1, 'frames are taken while one is being written');
    return this.writer.take();
  }
}

function violation(problem: string, details: Readonly<Record<string, unknown>>): WireError {
  return new WireError('ERR_WIRE_FRAME', `A frame ${problem}.`, details);
}
