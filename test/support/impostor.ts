/**
 * A worker without a process: the test holds the tokens of a worker, and says to router and keeper what it likes.
 *
 * It starts as a worker does (ready, keeper, activate, the batch of `init`, active) with real tokens over the real sockets, and
 * from then on does what its script says. Killing it closes its sockets, as the death of a process does.
 */
import {
  activate,
  active,
  decodeControl,
  decodeNumber,
  decodeValue,
  FrameKind,
  keeper,
  ready,
  sendControl,
  writeBatch,
} from '@heirloom/wire';
import type { Batch, ControlMessage, TableDeclaration, TableGrant } from '@heirloom/wire';
import type { ChildHandle, ProcessPort } from '@heirloom/supervisor';
import { processPort } from '@heirloom/supervisor';
import { FakeProcess } from '@heirloom/supervisor/testing';
import { frame, helloFrame, RawPeer } from './raw-peer.js';

type SpawnOptions = Parameters<ProcessPort['spawn']>[0];

/** Numbers that no process has. */
const PID_BASE = 2 ** 30;

type Steps = Record<'journal' | 'welcome' | 'activate', () => void>;

export const impostorTable: TableDeclaration = {
  name: 'counters',
  type: 'set',
  access: 'protected',
  survives: 'power_loss',
  key: 'name',
  publicName: undefined,
  version: 0,
  keepBytes: undefined,
};

export class Impostor {
  readonly process: FakeProcess;
  /** Bodies of calls that came. */
  readonly calls: Uint8Array[] = [];
  tables: readonly TableGrant[] = [];
  /** The last batch that was acknowledged. */
  acknowledged = 0;
  /** The last batch that was sent with `sendBatch`. */
  number = 0;
  router!: RawPeer;
  journal!: RawPeer;
  acks!: RawPeer;
  readonly #steps: Steps;
  #onAck: () => void = () => {};
  readonly #isPrepared: Promise<unknown>;

  constructor(options: SpawnOptions, number: number, onUp: (impostor: Impostor) => void) {
    this.process = new FakeProcess(PID_BASE + number, options);
    const steps: Partial<Record<string, () => void>> = {};
    const names = ['journal', 'welcome', 'activate'] as const;
    this.#isPrepared = Promise.all(
      names.map((name) => new Promise<void>((resolve) => (steps[name] = () => resolve()))),
    );
    this.#steps = steps as Steps; // Filled by the promises, whose executors run at once.
    void this.process.exited.then(() => this.#close());
    void this.#start(options).then(() => onUp(this));
  }

  /** Ends it as SIGKILL does. */
  die(): void {
    this.process.kill('SIGKILL');
  }

  sendControl<T>(message: ControlMessage<T>, body: NoInfer<T>): void {
    const sink = {
      send: (kind: number, encode: Parameters<typeof frame>[1]) => this.router.write(frame(kind, encode)),
    };
    sendControl(sink, message, body);
  }

  /** Sends a batch with the next number. */
  sendBatch(changes: Partial<Batch>): void {
    const batch: Batch = { number: ++this.number, isInit: false, outcomes: [], tables: [], ...changes };
    this.journal.write(frame(FrameKind.batch, (writer) => writeBatch(writer, batch)));
  }

  /** Resolves when a batch was acknowledged, or the journal is closed. */
  async settled(number: number): Promise<void> {
    while (this.acknowledged < number && !this.journal.isClosed) {
      await Promise.race([new Promise<void>((resolve) => (this.#onAck = resolve)), this.journal.closed]);
    }
  }

  async #start({ bootstrap }: SpawnOptions): Promise<void> {
    const { routerSocketPath, callsToken } = decodeValue(bootstrap.subarray(4)) as {
      routerSocketPath: string;
      callsToken: Uint8Array;
    }; // The bootstrap of a worker, which the runtime has just written.
    this.router = await RawPeer.connect(routerSocketPath, (kind, body) => this.#fromRouter(kind, body));
    this.router.write(helloFrame('calls', callsToken));
    this.sendControl(ready, { pid: this.process.pid, calls: ['read'], tables: [impostorTable] });
    await this.#isPrepared;
    this.sendBatch({ isInit: true });
    this.sendControl(active, {});
  }

  #fromRouter(kind: number, body: Uint8Array): void {
    if (kind === FrameKind.call) this.calls.push(body);
    else if (kind === FrameKind.stop) this.process.exit(0);
    else if (kind === FrameKind.keeper) void this.#attach(body);
    else if (kind === FrameKind.activate) {
      this.tables = decodeControl(activate, body).tables;
      this.#steps.activate();
    }
  }

  async #attach(body: Uint8Array): Promise<void> {
    const { socketPath, journalToken, acksToken } = decodeControl(keeper, body);
    this.acks = await RawPeer.connect(socketPath, (kind, frameBody) => this.#fromKeeper(kind, frameBody));
    this.acks.write(helloFrame('acks', acksToken));
    this.journal = await RawPeer.connect(socketPath);
    this.journal.write(helloFrame('journal', journalToken));
    this.#steps.journal();
  }

  #fromKeeper(kind: number, body: Uint8Array): void {
    if (kind === FrameKind.ack) {
      this.acknowledged = decodeNumber(body);
      this.#onAck();
    } else if (kind === FrameKind.welcome) this.#steps.welcome();
    else this.die(); // Fenced: it ends, as every worker does.
  }

  #close(): void {
    for (const peer of [this.router, this.journal, this.acks] as readonly (RawPeer | undefined)[]) {
      peer?.socket.destroy();
    }
  }
}

/** Starts impostors in the place of one worker's processes, and everything else as it is. */
export class ImpostorPort implements ProcessPort {
  readonly impostors: Impostor[] = [];
  readonly #worker: string;
  /** Called with each impostor once it is up. */
  onUp: (impostor: Impostor) => void = () => {};

  constructor(worker: string) {
    this.#worker = worker;
  }

  spawn(options: SpawnOptions): ChildHandle {
    if (!options.title.endsWith(` ${this.#worker}`)) return processPort.spawn(options);
    const impostor = new Impostor(options, this.impostors.length + 1, (one) => this.onUp(one));
    this.impostors.push(impostor);
    return impostor.process;
  }
}
