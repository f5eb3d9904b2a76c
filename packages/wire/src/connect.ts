/** Opens connections: a client's to a socket path, and a server's that listens on one. */
import { chmod } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { Connection } from './connection.js';
import type { ConnectionOptions } from './connection.js';
import { WireError } from './errors.js';
import { sendHello } from './handshake.js';
import type { Hello } from './handshake.js';
import { checkSocketPath } from './socket-path.js';

/** How long `connect` waits by default; on one machine a listener accepts at once or is frozen. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** More than the largest supervisor needs, with 10,000 children of three connections each; what comes beyond is closed at once. */
export const SERVER_CONNECTIONS_MAX = 32_768;

export interface ConnectOptions extends ConnectionOptions {
  /** Sent first. A connection with `oneWay: 'read'` sends this and nothing else. */
  readonly hello?: Hello;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A listener on a socket path. */
export interface Server {
  readonly path: string;
  /** Takes no more connections, destroys those that are open, and removes the socket file. */
  close(): Promise<void>;
}

/**
 * Connects to a Unix socket, sends the HELLO if there is one, and starts the connection.
 * Rejects with WireError ERR_WIRE_SOCKET_PATH, ERR_WIRE_SOCKET (with the system's error as its cause), ERR_WIRE_TIMEOUT, or
 * ERR_WIRE_ABORTED with the signal's reason as its cause.
 */
export async function connect(path: string, options: ConnectOptions): Promise<Connection> {
  checkSocketPath(path);
  const connection = await open(path, options.timeoutMs ?? CONNECT_TIMEOUT_MS, options.signal);
  if (options.hello !== undefined) sendHello(connection, options.hello);
  connection.start(options);
  return connection;
}

function open(path: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(path, signal));
    const socket = createConnection(path);
    const settle = (error?: WireError): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('connect', settleConnected);
      if (error === undefined) {
        socket.off('error', onError);
        resolve(new Connection(socket)); // Here, so that no event of the socket goes by unheard.
      } else {
        socket.destroy();
        reject(error);
      }
    };
    const settleConnected = (): void => settle();
    const onAbort = (): void => settle(signal === undefined ? undefined : aborted(path, signal));
    const onError = (cause: Error): void => settle(socketError(`Cannot connect to ${path}`, cause));
    const onTimeout = (): void =>
      settle(
        new WireError('ERR_WIRE_TIMEOUT', `Nothing accepted a connection to ${path} within ${timeoutMs} ms.`, { path }),
      );
    const timer = setTimeout(onTimeout, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('connect', settleConnected);
    socket.on('error', onError);
  });
}

/**
 * Listens on a Unix socket that only this user can connect to, and gives each connection, not started, to `onConnection`,
 * which calls `acceptHello` or `start`. A connection that could not be accepted later on, for want of file descriptors, or
 * that was one more than `connectionsMax` goes to `onError` as WireError ERR_WIRE_SOCKET; the listener goes on.
 * Rejects with WireError ERR_WIRE_SOCKET_PATH or ERR_WIRE_SOCKET, for instance if the path exists.
 */
export async function listen(
  path: string,
  onConnection: (connection: Connection) => void,
  onError: (error: WireError) => void = () => undefined,
  connectionsMax: number = SERVER_CONNECTIONS_MAX,
): Promise<Server> {
  checkSocketPath(path);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    onConnection(new Connection(socket));
  });
  server.maxConnections = connectionsMax;
  server.on('drop', () => {
    const message = `A connection to ${path} was refused: ${connectionsMax} are open, which is the limit.`;
    onError(new WireError('ERR_WIRE_SOCKET', message, { path, limit: connectionsMax }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(socketError(`Cannot listen on ${path}`, cause)));
    server.listen(path, resolve);
  });
  server.on('error', (cause) => onError(socketError(`Cannot accept a connection on ${path}`, cause)));
  await chmod(path, 0o600);
  return { path, close: () => closeServer(server, sockets) };
}

function closeServer(server: ReturnType<typeof createServer>, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}

function aborted(path: string, signal: AbortSignal): WireError {
  return new WireError('ERR_WIRE_ABORTED', `Connecting to ${path} was aborted.`, { path }, { cause: signal.reason });
}

function socketError(what: string, cause: Error): WireError {
  return new WireError('ERR_WIRE_SOCKET', `${what}: ${cause.message}.`, {}, { cause });
}
