import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  acceptHello,
  areTokensEqual,
  connect,
  createToken,
  encodeValue,
  FrameWriter,
  HELLO_BYTES_MAX,
  listen,
  SOCKET_PATH_BYTES_MAX,
  WireError,
} from '@heirloom/wire';
import type { CloseReason, Connection, ConnectionOptions, Server } from '@heirloom/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const KIND = 50;
const kinds: ReadonlySet<number> = new Set([KIND]);
const coded = (code: string): unknown => expect.objectContaining({ code });

/** Everything that came out of a connection, and promises for what is still to come. */
class Recorder {
  readonly bodies: Buffer[] = [];
  readonly closed: Promise<CloseReason>;
  drains = 0;
  readonly options: ConnectionOptions;
  private waiting: (() => void)[] = [];

  constructor(options: Partial<ConnectionOptions> = {}) {
    let close: (reason: CloseReason) => void;
    this.closed = new Promise((resolve) => (close = resolve));
    this.options = {
      kinds,
      onFrame: (_kind, body) => {
        this.bodies.push(Buffer.from(body));
        this.changed();
      },
      onClose: (reason) => close(reason),
      onDrain: () => {
        this.drains++;
        this.changed();
      },
      ...options,
    };
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private changed(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

let directory: string;
let path: string;
let server: Server;
let accepted: Promise<Connection>;
const opened: { destroy(): void }[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wire-'));
  path = join(directory, 's');
  let accept: (connection: Connection) => void;
  accepted = new Promise((resolve) => (accept = resolve));
  server = await listen(path, (connection) => accept(connection));
});

afterEach(async () => {
  for (const each of opened.splice(0)) each.destroy();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function pair(client: Recorder, serverSide: Recorder): Promise<{ client: Connection; server: Connection }> {
  const connection = await connect(path, client.options);
  opened.push(connection);
  const other = await accepted;
  other.start(serverSide.options);
  return { client: connection, server: other };
}

function rawSocket(): Socket {
  const socket = createConnection(path);
  socket.on('error', () => undefined); // Being cut off is what these tests are about.
  opened.push(socket);
  return socket;
}

const send = (connection: Connection, body: string | Uint8Array): boolean =>
  connection.send(KIND, (writer) => writer.raw(Buffer.from(body)));

function frame(body: Uint8Array, kind: number = KIND): Uint8Array {
  const frames = new FrameWriter();
  frames.begin(kind).raw(body);
  frames.end();
  return frames.take();
}

function hello(role: string, token: Uint8Array): Uint8Array {
  const frames = new FrameWriter();
  const writer = frames.begin(1);
  writer.string(role);
  writer.lengthPrefixed(token);
  frames.end();
  return frames.take();
}

describe('Connection', () => {
  it('carries frames in order in both directions and ends with one reason on each side', async () => {
    const [left, right] = [new Recorder(), new Recorder()];
    const { client, server: other } = await pair(left, right);
    for (let i = 0; i < 1_000; i++) send(client, `to server ${i}`);
    send(other, 'to client');
    await right.until(() => right.bodies.length === 1_000);
    await left.until(() => left.bodies.length === 1);
    expect(right.bodies.map(String)).toEqual(Array.from({ length: 1_000 }, (_, i) => `to server ${i}`));
    client.close();
    expect(await right.closed).toEqual({ kind: 'ended', partialBytes: 0 });
    expect(await left.closed).toEqual({ kind: 'closed', partialBytes: 0 });
    expect(send(client, 'too late')).toBe(false);
  });

  it('sends what was queued before close', async () => {
    const [left, right] = [new Recorder(), new Recorder()];
    const { client } = await pair(left, right);
    send(client, Buffer.alloc(3_000_000, 7));
    client.close();
    expect((await right.closed).kind).toBe('ended');
    expect(right.bodies.map((body) => body.length)).toEqual([3_000_000]);
  });

  it('delivers a dead writer to its last whole frame and says what was left of the next (G1)', async () => {
    const right = new Recorder({ oneWay: 'read' });
    const socket = rawSocket();
    const bytes = Buffer.concat(Array.from({ length: 5_000 }, (_, i) => frame(Buffer.from(`batch ${i}`))));
    socket.end(Buffer.concat([bytes, frame(Buffer.alloc(100)).subarray(0, 20)]));
    (await accepted).start(right.options);
    expect(await right.closed).toEqual({ kind: 'ended', partialBytes: 20 });
    expect(right.bodies).toHaveLength(5_000);
  });

  it('delivers what arrived before the end also when reading was paused then (G1)', async () => {
    const right: Recorder = new Recorder({
      oneWay: 'read',
      onFrame: (_kind, body, connection) => {
        right.bodies.push(Buffer.from(body));
        connection.pauseReading();
        setImmediate(() => connection.resumeReading());
      },
    });
    const socket = rawSocket();
    socket.end(Buffer.concat(Array.from({ length: 100 }, (_, i) => frame(Buffer.from([i])))));
    (await accepted).start(right.options);
    expect((await right.closed).kind).toBe('ended');
    expect(right.bodies.map((body) => body[0])).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it.each<[string, Uint8Array]>([
    ['garbage', Buffer.from('garbage\n')],
    ['a kind that is not expected', frame(Buffer.alloc(1), 51)],
    ['a frame over the limit', frame(Buffer.alloc(2_000))],
  ])('closes on %s with the violation as the reason, and throws nothing (G11)', async (_what, bytes) => {
    const right = new Recorder({ frameBytesMax: 1_000 });
    rawSocket().write(Buffer.concat([frame(Buffer.from('good')), bytes]));
    (await accepted).start(right.options);
    const reason = await right.closed;
    expect(reason.kind).toBe('violation');
    expect(reason.error).toEqual(coded('ERR_WIRE_FRAME'));
    expect(right.bodies.map(String)).toEqual(['good']);
  });

  it('closes when a frame handler throws: a violation for a wire error, a failure for any other', async () => {
    const thrown: [unknown, string, string][] = [
      [new WireError('ERR_WIRE_MESSAGE', 'bad body'), 'violation', 'ERR_WIRE_MESSAGE'],
      [new TypeError('a bug'), 'failed', 'ERR_WIRE_HANDLER'],
    ];
    for (const [error, kind, code] of thrown) {
      const right = new Recorder({
        onFrame: () => {
          throw error;
        },
      });
      const connections: Connection[] = [];
      const other = await listen(`${path}-${kind}`, (connection) => {
        connections.push(connection);
        connection.start(right.options);
      });
      const left = new Recorder();
      send(await connect(`${path}-${kind}`, left.options), 'x');
      expect(await right.closed).toMatchObject({ kind, error: { code } });
      await left.closed;
      await other.close();
    }
  });

  it('treats a byte against the direction as a violation', async () => {
    const right = new Recorder({ oneWay: 'write' });
    rawSocket().write(frame(Buffer.alloc(1)));
    (await accepted).start(right.options);
    expect(await right.closed).toMatchObject({ kind: 'violation', error: { code: 'ERR_WIRE_ONE_WAY' } });
  });

  it('never sends from a side that only reads', async () => {
    const { server: other } = await pair(new Recorder(), new Recorder({ oneWay: 'read' }));
    expect(() => send(other, 'x')).toThrow(/only reads/);
  });

  it('delivers nothing while reading is paused, and everything afterwards', async () => {
    const [left, right] = [new Recorder(), new Recorder()];
    const { client, server: other } = await pair(left, right);
    send(client, 'first');
    await right.until(() => right.bodies.length === 1);
    other.pauseReading();
    for (let i = 0; i < 10; i++) send(client, 'later');
    send(other, 'mark');
    await left.until(() => left.bodies.length === 1);
    expect(right.bodies).toHaveLength(1);
    other.resumeReading();
    await right.until(() => right.bodies.length === 11);
  });

  it('reports congestion and its end to a sender whose peer reads slowly (G9)', async () => {
    const [left, right] = [new Recorder({ congestedBytes: 10_000 }), new Recorder()];
    const { client, server: other } = await pair(left, right);
    other.pauseReading();
    let sent = 0;
    for (; !client.isCongested; sent++) send(client, Buffer.alloc(1_000));
    expect(client.queuedBytes).toBeLessThan(12_000);
    expect(left.drains).toBe(0);
    other.resumeReading();
    await left.until(() => left.drains === 1);
    expect(client.isCongested).toBe(false);
    await right.until(() => right.bodies.length === sent);
  });

  it('closes at the limit of what may wait, and holds no more than that (G9)', async () => {
    const [left, right] = [new Recorder({ sendBytesMax: 2_000_000 }), new Recorder()];
    const { client, server: other } = await pair(left, right);
    other.pauseReading();
    const chunk = Buffer.alloc(100_000);
    let sent = 0;
    while (sent < 100 && send(client, chunk)) sent++;
    expect(sent).toBe(19);
    expect(await left.closed).toMatchObject({ kind: 'congested', error: { code: 'ERR_WIRE_CONGESTED' } });
    other.resumeReading();
    await right.closed;
  });

  it('queues nothing of a frame whose encoding throws', async () => {
    const [left, right] = [new Recorder(), new Recorder()];
    const { client } = await pair(left, right);
    const failing = (): void => {
      client.send(KIND, (writer) => {
        writer.u32(1);
        writer.raw(encodeValue(Symbol('x')));
      });
    };
    expect(failing).toThrow(coded('ERR_WIRE_VALUE'));
    send(client, 'next');
    await right.until(() => right.bodies.length === 1);
    expect(right.bodies.map(String)).toEqual(['next']);
  });

  it('counts the bytes it sent', async () => {
    const { client } = await pair(new Recorder(), new Recorder());
    send(client, 'abc');
    client.flushNow();
    expect(client.bytesSent).toBe(11);
    send(client, 'abc');
    expect(client.bytesSent).toBe(22);
  });
});

describe('the handshake', () => {
  const token = createToken();
  const authenticate = (role: string, shown: Uint8Array): string | undefined =>
    areTokensEqual(shown, token) ? `a ${role}` : undefined;

  it('gives the identity, and then the frames that came with the HELLO', async () => {
    const right = new Recorder();
    rawSocket().write(Buffer.concat([hello('worker', token), frame(Buffer.from('one')), frame(Buffer.from('two'))]));
    const connection = await accepted;
    expect(await acceptHello(connection, authenticate, 5_000)).toBe('a worker');
    connection.start(right.options);
    await right.until(() => right.bodies.length === 2);
    expect(right.bodies.map(String)).toEqual(['one', 'two']);
  });

  it('is sent by connect, also on a connection that then only reads', async () => {
    const left = new Recorder({ oneWay: 'read' });
    const [client, identity] = await Promise.all([
      connect(path, { ...left.options, hello: { role: 'acks', token } }),
      accepted.then((connection) => acceptHello(connection, authenticate, 5_000)),
    ]);
    opened.push(client);
    expect(identity).toBe('a acks');
    const other = await accepted;
    other.start(new Recorder({ oneWay: 'write' }).options);
    send(other, 'ack');
    await left.until(() => left.bodies.length === 1);
  });

  it.each<[string, Uint8Array]>([
    ['a wrong token', hello('worker', createToken())],
    ['a token cut short', hello('worker', token.subarray(1))],
    ['another frame first', frame(Buffer.alloc(4))],
    ['a HELLO over its limit', hello('x'.repeat(HELLO_BYTES_MAX), token)],
    ['a HELLO with bytes left over', frame(Buffer.concat([hello('w', token).subarray(8), Buffer.alloc(1)]), 1)],
    ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('refuses %s and cuts the connection (G12)', async (_what, bytes) => {
    const socket = rawSocket();
    const cut = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    socket.resume().write(bytes);
    await expect(acceptHello(await accepted, authenticate, 5_000)).rejects.toEqual(coded('ERR_WIRE_HANDSHAKE'));
    await cut;
  });

  it('refuses a connection that says nothing in time, and one that goes away (G9)', async () => {
    const silent = rawSocket();
    const connection = await accepted;
    await expect(acceptHello(connection, authenticate, 10)).rejects.toThrow(/no HELLO within 10 ms/);
    silent.destroy();
    let settle: (outcome: Promise<string>) => void;
    const outcome = new Promise<string>((resolve) => (settle = resolve));
    const other = await listen(`${path}2`, (gone) => settle(acceptHello(gone, authenticate, 5_000)));
    createConnection(`${path}2`).end().resume();
    await expect(outcome).rejects.toThrow(/over before its HELLO/);
    await other.close();
  });
});

describe('connect and listen', () => {
  it('make a socket that only its user can connect to, and remove it', async () => {
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await server.close();
    expect(() => statSync(path)).toThrow(/ENOENT/);
  });

  it('refuse a path that the operating system would cut off', async () => {
    const long = `/tmp/${'x'.repeat(SOCKET_PATH_BYTES_MAX)}`;
    await expect(connect(long, new Recorder().options)).rejects.toEqual(coded('ERR_WIRE_SOCKET_PATH'));
    await expect(listen(long, () => undefined)).rejects.toEqual(coded('ERR_WIRE_SOCKET_PATH'));
  });

  it('refuse a connection beyond the limit, say so, and go on (G9, G11)', async () => {
    // The limit itself is more than there are descriptors for both ends.
    const CONNECTIONS_MAX = 64;
    const path = join(directory, 'full.sock');
    const errors: WireError[] = [];
    let accepted = 0;
    const server = await listen(
      path,
      (connection) => {
        accepted++;
        connection.start(new Recorder().options);
      },
      (error) => errors.push(error),
      CONNECTIONS_MAX,
    );
    const open = (): Promise<Connection> => connect(path, new Recorder().options);
    for (let i = 0; i < CONNECTIONS_MAX; i++) await open();
    const refused = new Recorder();
    await connect(path, refused.options);
    expect(await refused.closed).toMatchObject({ kind: 'ended' });
    expect(accepted).toBe(CONNECTIONS_MAX);
    expect(errors).toEqual([coded('ERR_WIRE_SOCKET')]);
    await server.close();
  });

  it('say what failed (G11)', async () => {
    await expect(connect(`${path}-missing`, new Recorder().options)).rejects.toMatchObject({
      code: 'ERR_WIRE_SOCKET',
      cause: { code: 'ENOENT' },
    });
    await expect(listen(path, () => undefined)).rejects.toMatchObject({
      code: 'ERR_WIRE_SOCKET',
      cause: { code: 'EADDRINUSE' },
    });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(connect(path, { ...new Recorder().options, signal })).rejects.toEqual(coded('ERR_WIRE_ABORTED'));
  });
});
