/**
 * One end of a socket that writes whatever bytes a test gives it, as a broken or hostile process would, and reads frames.
 */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { FrameKind, FrameParser, FrameWriter } from '@heirloom/wire';
import type { ByteWriter } from '@heirloom/wire';

const ANY_KIND: ReadonlySet<number> = new Set(Object.values(FrameKind));

/** A whole frame. */
export function frame(kind: number, encode: (writer: ByteWriter) => void): Uint8Array {
  const frames = new FrameWriter();
  encode(frames.begin(kind));
  frames.end();
  return frames.take();
}

export function helloFrame(role: string, token: Uint8Array): Uint8Array {
  return frame(FrameKind.hello, (writer) => {
    writer.string(role);
    writer.lengthPrefixed(token);
  });
}

export class RawPeer {
  readonly socket: Socket;
  /** Settles when the socket is closed, by whichever side. */
  readonly closed: Promise<void>;
  #isClosed = false;

  constructor(socket: Socket, onFrame: (kind: number, body: Uint8Array) => void = () => {}) {
    this.socket = socket;
    const parser = new FrameParser({ kinds: ANY_KIND, onFrame });
    socket.on('data', (chunk) => parser.push(chunk));
    socket.on('error', () => {}); // The other side may close while this one writes.
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        resolve();
      });
    });
  }

  static connect(path: string, onFrame?: (kind: number, body: Uint8Array) => void): Promise<RawPeer> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(path);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawPeer(socket, onFrame));
      });
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(bytes: Uint8Array): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Resolves when everything written is with the operating system, or the socket is closed. */
  async flushed(): Promise<void> {
    if (!this.socket.writable) return;
    await Promise.race([new Promise<void>((resolve) => this.socket.write('', () => resolve())), this.closed]);
  }
}
