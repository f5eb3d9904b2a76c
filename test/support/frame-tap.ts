/**
 * Sits between the processes of a runtime and its router, passes everything on, and puts in what a test gives it.
 */
import { createConnection, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { decodeValue, encodeValue, frameBootstrap } from '@heirloom/wire';
import type { ChildHandle, ProcessPort } from '@heirloom/supervisor';
import { processPort } from '@heirloom/supervisor';

type SpawnOptions = Parameters<ProcessPort['spawn']>[0];

/** A process whose connection to the router goes through here. */
export interface TappedProcess {
  readonly handle: ChildHandle;
  /** The process's end of its connection, once it has connected. */
  socket: Socket | undefined;
}

/** A process port that lets chosen processes connect to the router by way of a socket of its own. */
export class FrameTap implements ProcessPort, AsyncDisposable {
  /** The processes by their order of start. */
  readonly processes: TappedProcess[] = [];
  readonly #directory: string;
  readonly #isTapped: (title: string) => boolean;
  readonly #servers: Server[] = [];

  constructor(directory: string, isTapped: (title: string) => boolean) {
    this.#directory = directory;
    this.#isTapped = isTapped;
  }

  spawn(options: SpawnOptions): ChildHandle {
    if (!this.#isTapped(options.title)) return processPort.spawn(options);
    const bootstrap = decodeValue(options.bootstrap.subarray(4)) as { routerSocketPath: string }; // Written by the runtime.
    const path = `${this.#directory}/tap-${this.processes.length}.sock`;
    let tapped: TappedProcess | undefined;
    this.#listen(path, bootstrap.routerSocketPath, (socket) => {
      if (tapped !== undefined) tapped.socket = socket;
    });
    const rewritten = frameBootstrap(encodeValue({ ...bootstrap, routerSocketPath: path }));
    tapped = { handle: processPort.spawn({ ...options, bootstrap: rewritten }), socket: undefined };
    this.processes.push(tapped);
    return tapped.handle;
  }

  #listen(path: string, upstreamPath: string, onConnection: (socket: Socket) => void): void {
    const server = createServer((socket) => {
      const upstream = createConnection(upstreamPath);
      for (const [from, to] of [
        [socket, upstream],
        [upstream, socket],
      ] as const) {
        from.on('data', (chunk: Buffer) => to.write(chunk));
        from.on('error', () => {});
        from.on('close', () => to.end());
      }
      onConnection(socket);
    });
    server.listen(path);
    this.#servers.push(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
