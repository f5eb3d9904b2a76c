/** The limit on the paths of Unix sockets, which Node 20 does not report but silently cuts off. */
import { Buffer } from 'node:buffer';
import { WireError } from './errors.js';

/** What fits into the operating system's `sockaddr_un` with its closing zero. */
export const SOCKET_PATH_BYTES_MAX: number = process.platform === 'darwin' ? 103 : 107;

/** Throws WireError ERR_WIRE_SOCKET_PATH if a socket could not have this path. */
export function checkSocketPath(path: string): void {
  const byteLength = Buffer.byteLength(path);
  if (byteLength > 0 && byteLength <= SOCKET_PATH_BYTES_MAX && !path.includes('\0')) return;
  throw new WireError(
    'ERR_WIRE_SOCKET_PATH',
    `The socket path ${JSON.stringify(path)} has ${byteLength} bytes; it must have 1 to ${SOCKET_PATH_BYTES_MAX} and no zero byte. Use a shorter directory.`,
    { path, byteLength, byteLengthMax: SOCKET_PATH_BYTES_MAX },
  );
}
