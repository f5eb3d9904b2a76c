/**
 * One connection over a Unix socket: frames in, frames out, and one reason when it is over.
 *
 * Invariants
 * 1. Nothing the peer sends throws out of here. A violation closes the connection, and `onClose` gets the reason.
 * 2. `onClose` is called exactly once, after the last frame; every whole frame that arrived before the peer's end is
 *    delivered first, also when reading is paused at that time.
 * 3. The frame with which the outgoing buffer would pass `sendBytesMax` closes the connection instead of being sent.
 *    Nothing is dropped from a connection that stays open.
 * 4. After `pauseReading` no frame is delivered until `resumeReading`, and what arrives is bounded by one frame and what
 *    the socket buffers.
 * 5. A connection that only reads never writes. When a socket carries both directions and this side writes to a peer that
 *    was just killed, Node destroys the socket on EPIPE together with what the peer had already handed over; so journals
 *    are one-way. On one that only writes, any byte that comes in is a violation.
 *
 * Sends are collected and handed to the socket once a turn of the event loop.
 */
import type { Socket } from 'node:net';
import { invariant } from '@heirloom/tables';
import type { ByteWriter } from './byte-writer.js';
import { WireError } from './errors.js';
import { FRAME_BYTES_MAX, FrameParser, FrameWriter } from './frame.js';

/** What may wait to be sent: the largest frame several times, as a peer that reads at all takes it in a second. */
export const SEND_BYTES_MAX: number = 4 * FRAME_BYTES_MAX;
/** From here on the peer is behind, and a sender that can wait should. */
export const CONGESTED_BYTES: number = 1024 * 1024;
/** How long `close` waits for the peer to take what was sent before the connection is destroyed. */
export const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Why a connection is over. `ended`: the peer ended it or died. `closed`: this side did. `violation`: the peer broke the
 * protocol. `congested`: it did not read. `failed`: the socket or a frame handler did. All but the first two have an error.
 */
export interface CloseReason {
  readonly kind: 'ended' | 'closed' | 'violation' | 'congested' | 'failed';
  /** The bytes of an unfinished frame: what a peer leaves that is killed while it sends. */
  readonly partialBytes: number;
  readonly error?: WireError;
}

export interface ConnectionOptions {
  /** The kinds of frame that may come in. */
  readonly kinds: ReadonlySet<number>;
  /** The longest body that may come in, in bytes; by default FRAME_BYTES_MAX. */
  readonly frameBytesMax?: number;
  /** The most that may wait to be sent, in bytes; by default SEND_BYTES_MAX. */
  readonly sendBytesMax?: number;
  /** From how many waiting bytes on the connection is congested; by default CONGESTED_BYTES. */
  readonly congestedBytes?: number;
  /** The one direction of this side; by default both. */
  readonly oneWay?: 'read' | 'write';
  /** Gets each frame. The body is valid for good, but keeps the chunk alive that it came in. */
  readonly onFrame: (kind: number, body: Uint8Array, connection: Connection) => void;
  readonly onClose: (reason: CloseReason, connection: Connection) => void;
  /** Called when the connection is no longer congested. */
  readonly onDrain?: (connection: Connection) => void;
}

export class Connection {
  private readonly socket: Socket;
  private readonly parser: FrameParser;
  private readonly frames: FrameWriter = new FrameWriter();
  private options: ConnectionOptions | undefined;
  private reason: CloseReason | undefined;
  private socketError: WireError | undefined;
  private startTimer: NodeJS.Immediate | undefined;
  private flushTimer: NodeJS.Immediate | undefined;
  private closeTimer: NodeJS.Timeout | undefined;
  private wasCongested = false;
  private isSocketClosed = false;
  private isReported = false;
  private bytesTaken = 0;

  /** Takes over a connected socket. Nothing is read before `start`. */
  constructor(socket: Socket) {
    this.socket = socket;
    this.parser = new FrameParser({ kinds: new Set(), onFrame: () => undefined });
    this.parser.pause();
    socket.pause();
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', (cause) => {
      this.socketError = new WireError('ERR_WIRE_SOCKET', `The connection failed: ${cause.message}.`, {}, { cause });
    });
    socket.on('close', () => this.socketClosed());
  }

  /** Begins to deliver frames. Called again, it changes the options from the next frame on, and ends a pause. */
  start(options: ConnectionOptions): void {
    this.options = options;
    this.parser.configure({
      kinds: options.kinds,
      frameBytesMax: options.frameBytesMax ?? FRAME_BYTES_MAX,
      onFrame: (kind, body) => options.onFrame(kind, body, this),
    });
    // In a later turn, so that the caller has finished with what it does beside the start.
    this.startTimer ??= setImmediate(() => this.resumeReading());
  }

  get isOpen(): boolean {
    return this.reason === undefined && !this.isSocketClosed;
  }

  /** Bytes that wait here or in the socket. */
  get queuedBytes(): number {
    return this.frames.length + this.socket.writableLength;
  }

  get isCongested(): boolean {
    return this.queuedBytes > (this.options?.congestedBytes ?? CONGESTED_BYTES);
  }

  /** Bytes of frames, headers included, that were queued so far. */
  get bytesSent(): number {
    return this.bytesTaken + this.frames.length;
  }

  /**
   * Queues a frame whose body `encode` writes. Returns false if the connection is over, or is by this.
   * Throws what `encode` throws and WireError ERR_WIRE_FRAME for a body over FRAME_BYTES_MAX; then nothing was queued.
   */
  send(kind: number, encode: (writer: ByteWriter) => void): boolean {
    invariant(this.options?.oneWay !== 'read', 'a connection that only reads was asked to send');
    if (!this.isOpen) return false;
    try {
      encode(this.frames.begin(kind));
      this.frames.end();
    } catch (error) {
      this.frames.abort();
      throw error;
    }
    const limit = this.options?.sendBytesMax ?? SEND_BYTES_MAX;
    if (this.queuedBytes > limit) {
      const message = `The peer does not read: ${this.queuedBytes} bytes wait, over the limit of ${limit}.`;
      this.over('congested', new WireError('ERR_WIRE_CONGESTED', message, { limit }));
      return false;
    }
    if (this.isCongested) this.wasCongested = true;
    this.flushTimer ??= setImmediate(() => this.flushNow());
    return true;
  }

  /** Hands everything queued to the socket now rather than at the end of the turn. */
  flushNow(): void {
    if (this.flushTimer !== undefined) clearImmediate(this.flushTimer);
    this.flushTimer = undefined;
    if (this.frames.length === 0 || this.isSocketClosed || this.socket.destroyed) return;
    const bytes = this.frames.take();
    this.bytesTaken += bytes.length;
    this.socket.write(bytes, () => this.written());
  }

  /** Stops delivering frames, which lets the peer's writes wait once the socket's buffers are full. */
  pauseReading(): void {
    this.clearStart();
    this.parser.pause();
    this.socket.pause();
  }

  /** Goes on with the frames that were held back, then with the socket. */
  resumeReading(): void {
    this.clearStart();
    if (this.options === undefined || this.isReported) return;
    this.guard(() => this.parser.resume());
    if (this.parser.isPaused) return;
    if (this.isSocketClosed) this.report();
    else this.socket.resume();
  }

  /** Sends what is queued and ends the connection; no further frame is delivered. */
  close(): void {
    if (!this.isOpen) return;
    this.flushNow();
    this.reason = { kind: 'closed', partialBytes: 0 };
    this.parser.stop();
    this.socket.resume(); // What still comes in is read and ignored, or its end would not be seen.
    this.socket.end();
    this.closeTimer = setTimeout(() => this.socket.destroy(), CLOSE_TIMEOUT_MS).unref();
  }

  /** Ends the connection at once; what is queued is lost. With an error, that is the reason that `onClose` gets. */
  destroy(error?: WireError): void {
    this.over(error === undefined ? 'closed' : 'failed', error);
  }

  private clearStart(): void {
    if (this.startTimer !== undefined) clearImmediate(this.startTimer);
    this.startTimer = undefined;
  }

  private receive(chunk: Uint8Array): void {
    if (this.reason !== undefined) return;
    if (this.options?.oneWay === 'write') {
      const message = `${chunk.length} bytes came in on a connection that only writes.`;
      return this.over('violation', new WireError('ERR_WIRE_ONE_WAY', message));
    }
    this.guard(() => this.parser.push(chunk));
  }

  /** Runs frame handlers; what they throw closes the connection. */
  private guard(deliver: () => void): void {
    try {
      deliver();
    } catch (cause) {
      if (cause instanceof WireError) return this.over('violation', cause);
      const message = `A frame handler failed: ${cause instanceof Error ? cause.message : String(cause)}`;
      this.over('failed', new WireError('ERR_WIRE_HANDLER', message, {}, { cause }));
    }
  }

  private over(kind: CloseReason['kind'], error?: WireError): void {
    if (this.reason === undefined) {
      const partialBytes = this.parser.pendingBytes;
      this.reason = error === undefined ? { kind, partialBytes } : { kind, partialBytes, error };
    }
    this.parser.stop();
    this.socket.destroy();
    if (this.isSocketClosed) this.report();
  }

  private written(): void {
    if (!this.wasCongested || !this.isOpen || this.isCongested) return;
    this.wasCongested = false;
    this.options?.onDrain?.(this);
  }

  private socketClosed(): void {
    this.isSocketClosed = true;
    if (this.flushTimer !== undefined) clearImmediate(this.flushTimer);
    if (this.closeTimer !== undefined) clearTimeout(this.closeTimer);
    if (!this.parser.isPaused || this.reason !== undefined) this.report();
  }

  private report(): void {
    if (this.isReported || this.options === undefined) return;
    this.isReported = true;
    const partialBytes = this.parser.pendingBytes;
    const error = this.socketError;
    this.reason ??= error === undefined ? { kind: 'ended', partialBytes } : { kind: 'failed', partialBytes, error };
    this.options.onClose(this.reason, this);
  }
}
