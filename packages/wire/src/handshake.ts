/**
 * How a connection proves whose it is: the first frame from the client is a HELLO with its role and a token that it was
 * given by the process that started it.
 *
 *   HELLO   string role · length-prefixed token
 *
 * Invariants
 * 1. Before the token was accepted only a HELLO of at most HELLO_BYTES_MAX is taken; anything else closes the connection.
 * 2. No frame behind the HELLO is delivered until the owner calls `start`, and none is lost.
 * 3. The server writes nothing here, so that a connection that is to be one-way is so from its first byte.
 *
 * That a token opens one connection only is up to `authenticate`, which forgets it.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { ByteReader } from './byte-reader.js';
import type { CloseReason, Connection } from './connection.js';
import { WireError } from './errors.js';
import { FrameKind } from './messages.js';

/** A stranger may make this side keep no more than this. */
export const HELLO_BYTES_MAX = 1_024;
/** Enough that a token cannot be guessed. */
export const TOKEN_BYTES = 32;

/** What a client says about itself. */
export interface Hello {
  readonly role: string;
  readonly token: Uint8Array;
}

/** Makes a token of TOKEN_BYTES random bytes. */
export function createToken(): Uint8Array {
  return new Uint8Array(randomBytes(TOKEN_BYTES));
}

/** Compares tokens in a time that says nothing about where they differ. */
export function areTokensEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Sends the HELLO of a client, which must be the first frame. */
export function sendHello(connection: Connection, { role, token }: Hello): void {
  connection.send(FrameKind.hello, (writer) => {
    writer.string(role);
    writer.lengthPrefixed(token);
  });
  connection.flushNow();
}

/**
 * Waits for the HELLO of a connection that was not started, and asks `authenticate` whose the token is.
 * Resolves to that identity, with reading paused: `connection.start` goes on. If there is no identity, no HELLO within
 * `timeoutMs`, or anything else first, destroys the connection and rejects with WireError ERR_WIRE_HANDSHAKE.
 */
export function acceptHello<Identity>(
  connection: Connection,
  authenticate: (role: string, token: Uint8Array) => Identity | undefined,
  timeoutMs: number,
): Promise<Identity> {
  return new Promise((resolve, reject) => {
    const refuse = (problem: string, cause?: unknown): void => {
      clearTimeout(timer);
      const error = new WireError('ERR_WIRE_HANDSHAKE', `A connection was refused: ${problem}.`, {}, { cause });
      connection.destroy(error);
      reject(error);
    };
    const timer = setTimeout(() => refuse(`it sent no HELLO within ${timeoutMs} ms`), timeoutMs);
    const onFrame = (_kind: number, body: Uint8Array): void => {
      connection.pauseReading();
      const { role, token } = decodeHello(body);
      const identity = authenticate(role, token);
      if (identity === undefined) return refuse(`its token is not one that was given to a ${JSON.stringify(role)}`);
      clearTimeout(timer);
      resolve(identity);
    };
    const onClose = ({ kind, error }: CloseReason): void => refuse(`it was over before its HELLO (${kind})`, error);
    connection.start({ kinds: new Set([FrameKind.hello]), frameBytesMax: HELLO_BYTES_MAX, onFrame, onClose });
  });
}

function decodeHello(body: Uint8Array): Hello {
  const reader = new ByteReader(body);
  const role = reader.string();
  const token = new Uint8Array(reader.lengthPrefixed());
  reader.finish();
  return { role, token };
}
