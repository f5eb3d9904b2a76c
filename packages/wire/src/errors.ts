/**
 * The errors of the wire: what cannot be encoded, what cannot be decoded, and what a connection refuses.
 */
import { HeirloomError } from '@heirloom/tables';

export type WireErrorCode =
  // Encoding and decoding.
  | 'ERR_WIRE_VALUE' // a value outside the domain of the codec; details.path says where
  | 'ERR_WIRE_DECODE' // bytes that no encoder writes
  | 'ERR_WIRE_SHAPE' // a row whose shape is not known here yet, or shapes that contradict each other
  | 'ERR_WIRE_MESSAGE' // a message whose body does not say what its kind promises
  // Frames.
  | 'ERR_WIRE_FRAME' // a frame with a bad header, of an unknown kind, or over the limit
  // Connections.
  | 'ERR_WIRE_SOCKET_PATH' // a socket path longer than the operating system takes
  | 'ERR_WIRE_SOCKET' // the socket failed; the cause says how
  | 'ERR_WIRE_HANDSHAKE' // no greeting, a wrong one, or one in vain
  | 'ERR_WIRE_ONE_WAY' // bytes against the direction of a one-way connection
  | 'ERR_WIRE_CONGESTED' // the peer reads too slowly and the outgoing buffer is at its limit
  | 'ERR_WIRE_HANDLER' // a frame handler threw something that is not a wire error
  | 'ERR_WIRE_TIMEOUT' // the peer did not answer in time
  | 'ERR_WIRE_ABORTED'; // the caller's signal aborted

/** A failure of encoding, decoding, framing or of a connection; `code` says which. */
export class WireError extends HeirloomError<WireErrorCode> {
  override readonly name: string = 'WireError';
}

/** Makes the error for bytes that no encoder writes. */
export function malformed(message: string, details?: Readonly<Record<string, unknown>>): WireError {
  return new WireError('ERR_WIRE_DECODE', message, details);
}
