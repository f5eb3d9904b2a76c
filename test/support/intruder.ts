/**
 * A worker process that is not one: it lives in the test, holds the tokens of a real worker process, and can therefore try what
 * a real one never would. Until it is told otherwise it behaves.
 */
import { PassThrough } from 'node:stream';
import type { ChildHandle, ProcessExit, ProcessPort } from '@heirloom/supervisor';
import { processPort } from '@heirloom/supervisor';
import type { ActivateMessage, CloseReason, Connection, Hello, KeeperMessage, TableDeclaration } from '@heirloom/wire';
import {
  activate,
  active,
  connect,
  decodeControl,
  decodeValue,
  fenced,
  FrameKind,
  keeper,
  ready,
  sendControl,
} from '@heirloom/wire';
import { until } from './condition.js';

const FROM_ROUTER: ReadonlySet<number> = new Set([
  FrameKind.activate,
  FrameKind.call,
  FrameKind.keeper,
  FrameKind.stop,
]);
const EVERY_KIND: ReadonlySet<number> = new Set(Object.values(FrameKind));

/** What a worker process is told on its lifeline. */
export interface IntruderBootstrap {
  readonly routerSocketPath: string;
  readonly callsToken: Uint8Array;
}

/** A process that does nothing of itself. */
export class Intruder {
  readonly bootstrap: IntruderBootstrap;
  readonly handle: ChildHandle;
  #exit: (exit: ProcessExit) => void = () => {};
  calls: Connection | undefined;
  journal: Connection | undefined;
  keeper: KeeperMessage | undefined;
  activated: ActivateMessage | undefined;
  fencedFor: string | undefined;

  constructor(bootstrap: Uint8Array) {
    // Behind its length; the runtime wrote it.
    this.bootstrap = decodeValue(bootstrap.subarray(4)) as IntruderBootstrap;
    const exited = new Promise<ProcessExit>((resolve) => {
      this.#exit = resolve;
    });
    const [lifeline, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    void exited.then(() => [lifeline, stdout, stderr].forEach((stream) => void stream.destroy()));
    const kill = (): boolean => {
      this.end({ code: null, signal: 'SIGKILL' });
      return true;
    };
    const closed = exited.then(() => {});
    this.handle = { pid: 1, lifeline, stdout, stderr, kill, spawned: Promise.resolve(), exited, closed };
  }

  end(exit: ProcessExit): void {
    this.calls?.destroy();
    this.journal?.destroy();
    this.#exit(exit);
  }

  /** Connects as a worker does and declares tables; goes on by itself until it is an incarnation. */
  async introduce(tables: readonly TableDeclaration[]): Promise<void> {
    const { routerSocketPath, callsToken } = this.bootstrap;
    const calls = await connect(routerSocketPath, {
      hello: { role: 'calls', token: callsToken },
      kinds: FROM_ROUTER,
      onFrame: (kind, body) => {
        if (kind === FrameKind.keeper) this.keeper = decodeControl(keeper, body);
        else if (kind === FrameKind.activate) {
          this.activated = decodeControl(activate, body);
          sendControl(calls, active, {});
        } else if (kind === FrameKind.stop) this.end({ code: 0, signal: null });
      },
      onClose: () => undefined,
    });
    this.calls = calls;
    sendControl(calls, ready, { pid: 1, calls: [], tables });
  }

  /** Connects to the keeper with its own tokens. */
  async attach(): Promise<void> {
    const { socketPath, journalToken, acksToken } = await until('the keeper is known', () => this.keeper);
    this.journal = await connect(socketPath, {
      hello: { role: 'journal', token: journalToken },
      kinds: new Set(),
      onFrame: () => undefined,
      onClose: () => undefined,
    });
    await connect(socketPath, {
      hello: { role: 'acks', token: acksToken },
      kinds: EVERY_KIND,
      oneWay: 'read',
      onFrame: (kind, body) => {
        if (kind === FrameKind.fenced) this.fencedFor = decodeControl(fenced, body).reason;
      },
      onClose: () => undefined,
    });
  }
}

/** Starts real processes, but for those of the worker `intruder`. */
export class IntruderPort implements ProcessPort {
  readonly intruders: Intruder[] = [];
  readonly #onSpawn: (intruder: Intruder, number: number) => void;

  constructor(onSpawn: (intruder: Intruder, number: number) => void) {
    this.#onSpawn = onSpawn;
  }

  spawn(options: Parameters<ProcessPort['spawn']>[0]): ChildHandle {
    if (!options.title.endsWith('standby intruder')) return processPort.spawn(options);
    const intruder = new Intruder(options.bootstrap);
    this.intruders.push(intruder);
    this.#onSpawn(intruder, this.intruders.length);
    return intruder.handle;
  }
}

/** Greets a listener; resolves with the reason when the other side ends the connection, and rejects when it accepts it. */
export async function greet(path: string, hello: Hello): Promise<CloseReason> {
  let closed: CloseReason | undefined;
  await connect(path, {
    hello,
    kinds: EVERY_KIND,
    onFrame: () => undefined,
    onClose: (reason) => {
      closed = reason;
    },
  });
  return until(`the greeting as ${hello.role} is refused`, () => closed, 8_000);
}
