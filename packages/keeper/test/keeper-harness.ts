/** A keeper in this process with real sockets and a real store, and the two sides that talk to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  FrameKind,
  RowCodec,
  acceptHello,
  changed,
  connect,
  createToken,
  decodeControl,
  decodeError,
  decodeNumber,
  decodeReplies,
  decodeTotals,
  encodeValue,
  expect as expectMessage,
  fenced,
  keeperFailed,
  keeperReady,
  listen,
  mail,
  moved,
  requestMessage,
  response,
  resume,
  sendControl,
  shutdown,
  violated,
  welcome,
  writeBatch,
} from '@heirloom/wire';
import type {
  Batch,
  CastTotals,
  Connection,
  EpochClosed,
  EpochOpened,
  KeeperReadyMessage,
  KeeperRequest,
  MailMessage,
  MovedMessage,
  Outcome,
  ResumeMessage,
  Server,
  SnapshotPage,
  TableChanges,
  TableDeclaration,
  ViolatedMessage,
} from '@heirloom/wire';
import { encodeKey } from '@heirloom/tables';
import type { TableKey } from '@heirloom/tables';
import { CONTROL_KINDS, Keeper } from '../src/keeper.js';
import type { Inspection } from '../src/inspection.js';
import type { KeeperLimits } from '../src/keeper-limits.js';

/** Waits until a condition holds, one turn of the event loop at a time. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`It never came to this: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export function declare(name: string, changes: Partial<TableDeclaration> = {}): TableDeclaration {
  return {
    name,
    type: 'set',
    access: 'protected',
    survives: 'power_loss',
    key: 'id',
    publicName: undefined,
    version: 1,
    keepBytes: undefined,
    ...changes,
  };
}

/** A page of a selection, as the keeper answers it. */
export interface SelectionPage {
  readonly rows: readonly unknown[];
  readonly after: unknown;
}

const FROM_KEEPER = new Set([
  FrameKind.keeperReady,
  FrameKind.keeperFailed,
  FrameKind.response,
  FrameKind.replies,
  FrameKind.violated,
  FrameKind.changed,
  FrameKind.moved,
  FrameKind.mail,
]);

/** The router's end of a keeper's control connection. */
export class Harness {
  readonly directory: string;
  readonly logs: { level: string; message: string; fields: unknown }[] = [];
  /** The replies of each commit, those of all workers together. */
  readonly replies: { readonly lsn: number; readonly outcomes: readonly Outcome[] }[] = [];
  readonly violations: ViolatedMessage[] = [];
  /** The tables that were said to have changes. */
  readonly changed: { readonly worker: string; readonly table: string }[] = [];
  readonly moved: MovedMessage[] = [];
  readonly mail: MailMessage[] = [];
  /** Frames in the order of their arrival, by name. */
  readonly order: string[] = [];
  exitCode: number | undefined;
  /** The wall clock of keepers that are started. */
  now: () => number = Date.now;
  ready: KeeperReadyMessage | undefined;
  failure: Error | undefined;
  keeper!: Keeper;
  control!: Connection;
  private server!: Server;
  private starts = 0;
  private requestId = 0;
  private attachmentId = 0;
  private readonly pending = new Map<number, (answer: { error: unknown; result: unknown }) => void>();

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'heirloom-k-'));
  }

  get storeDirectory(): string {
    return join(this.directory, 'store');
  }

  /** Starts a keeper and resumes it; waits until it is ready or has failed. */
  async start(
    message: Partial<ResumeMessage> = {},
    limits: Partial<KeeperLimits> = {},
    faults: readonly { point: string; hit: number; action: 'EIO' }[] = [],
  ): Promise<void> {
    const routerPath = join(this.directory, `r${++this.starts}.sock`);
    const token = createToken();
    this.exitCode = undefined;
    this.ready = undefined;
    this.failure = undefined;
    const accepted = new Promise<Connection>((resolve) => {
      void listen(routerPath, (connection) => {
        void acceptHello(connection, () => 'keeper', 5_000).then(() => resolve(connection));
      }).then((server) => (this.server = server));
    });
    await until(() => this.server?.path === routerPath, 'the router listens');
    const keeperEnd = await connect(routerPath, {
      hello: { role: 'control', token },
      kinds: CONTROL_KINDS,
      onFrame: (kind, body) => this.keeper.receive(kind, body),
      onDrain: () => this.keeper.controlDrained(),
      onClose: () => undefined,
    });
    this.keeper = new Keeper({
      directory: this.storeDirectory,
      socketPath: join(this.directory, `k${this.starts}.sock`),
      control: keeperEnd,
      faults,
      limits,
      now: () => this.now(),
      log: (level, text, fields) => this.logs.push({ level, message: text, fields }),
      exit: (code) => (this.exitCode = code),
    });
    this.control = await accepted;
    this.control.start({
      kinds: FROM_KEEPER,
      onFrame: (kind, body) => this.receive(kind, body),
      onClose: () => undefined,
    });
    sendControl(this.control, resume, { instance: 0, seenLsn: 0, live: [], ...message });
    await until(() => this.ready !== undefined || this.failure !== undefined, 'the keeper is ready or has failed');
  }

  async request(request: KeeperRequest): Promise<unknown> {
    const requestId = ++this.requestId;
    const answered = new Promise<{ error: unknown; result: unknown }>((resolve) =>
      this.pending.set(requestId, resolve),
    );
    sendControl(this.control, requestMessage, { requestId, request });
    const { error, result } = await answered;
    if (error !== undefined) throw decodeError(error);
    return result;
  }

  read(worker: string, table: string, operation: string, ...parameters: readonly unknown[]): Promise<unknown> {
    return this.request({ type: 'read', worker, table, operation, arguments: parameters });
  }

  /** One page of a selection. */
  page(
    worker: string,
    table: string,
    snapshot: SnapshotPage,
    operation: string = 'select',
    ...parameters: readonly unknown[]
  ): Promise<SelectionPage> {
    const request = { type: 'read', worker, table, operation, arguments: parameters, snapshot } as const;
    return this.request(request) as Promise<SelectionPage>; // That is what a keeper answers.
  }

  async inspect(): Promise<Inspection> {
    return (await this.request({ type: 'inspect' })) as Inspection; // Likewise.
  }

  /** Opens an epoch for a new worker process, which is connected. */
  async openWorker(
    worker: string,
    tables: readonly TableDeclaration[],
    workers?: readonly string[],
  ): Promise<WorkerEnd> {
    const end = await this.attach(worker);
    const opened = (await this.request({
      type: 'openEpoch',
      worker,
      attachment: end.attachment,
      tables,
      workers,
    })) as EpochOpened;
    end.opened = opened;
    end.declarations = tables;
    await until(() => end.welcomes.length > 0, 'the worker is welcome');
    return end;
  }

  /** Connects a worker process, new or one that the keeper should know by its attachment. */
  async attach(worker: string, attachment: number = ++this.attachmentId): Promise<WorkerEnd> {
    const end = new WorkerEnd(worker, attachment);
    const tokens = { journal: createToken(), acks: createToken() };
    for (const role of ['journal', 'acks'] as const) {
      sendControl(this.control, expectMessage, { token: tokens[role], role, worker, attachment, pid: 1 });
    }
    this.control.flushNow();
    await this.request({ type: 'inspect' }); // Answered behind the expectations.
    await end.connect(this.ready?.socketPath ?? '', tokens);
    return end;
  }

  close(worker: string, epoch: number, drainTimeoutMs: number = 5_000, isClosing?: boolean): Promise<EpochClosed> {
    return this.request({ type: 'closeEpoch', worker, epoch, drainTimeoutMs, isClosing }) as Promise<EpochClosed>;
  }

  confirm(lsn: number): void {
    this.control.send(FrameKind.confirm, (writer) => writer.uint53(lsn));
  }

  /** Ends the keeper cleanly. */
  async stop(): Promise<void> {
    sendControl(this.control, shutdown, {});
    await until(() => this.exitCode !== undefined, 'the keeper has ended');
    await this.server.close();
  }

  async dispose(): Promise<void> {
    if (this.exitCode === undefined && this.control?.isOpen) await this.stop();
    else await this.server?.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private receive(kind: number, body: Uint8Array): void {
    if (kind === FrameKind.keeperReady) this.ready = decodeControl(keeperReady, body);
    else if (kind === FrameKind.keeperFailed) this.failure = decodeError(decodeControl(keeperFailed, body).error);
    else if (kind === FrameKind.replies) {
      const { lsn, outcomes } = decodeReplies(body);
      this.replies.push({ lsn, outcomes: [...outcomes.values()].flat() });
    } else if (kind === FrameKind.changed) {
      this.changed.push(...decodeControl(changed, body).tables);
    } else if (kind === FrameKind.violated) {
      this.violations.push(decodeControl(violated, body));
    } else if (kind === FrameKind.mail) {
      this.mail.push(decodeControl(mail, body));
    } else if (kind === FrameKind.moved) {
      this.moved.push(decodeControl(moved, body));
    } else {
      const { requestId, error, result } = decodeControl(response, body);
      this.pending.get(requestId)?.({ error, result });
      this.pending.delete(requestId);
    }
    const name = Object.entries(FrameKind).find(([, byte]) => byte === kind)?.[0];
    this.order.push(name ?? 'unknown');
  }
}

/** A worker process's end of its connections. */
export class WorkerEnd {
  readonly worker: string;
  readonly attachment: number;
  readonly welcomes: { epoch: number; lastBatch: number }[] = [];
  readonly acks: number[] = [];
  readonly consumed: CastTotals[] = [];
  readonly codec = new RowCodec();
  fencedFor: string | undefined;
  journal!: Connection;
  acksConnection!: Connection;
  opened!: EpochOpened;
  declarations: readonly TableDeclaration[] = [];
  number = 0;

  constructor(worker: string, attachment: number) {
    this.worker = worker;
    this.attachment = attachment;
  }

  async connect(path: string, tokens: { journal: Uint8Array; acks: Uint8Array }): Promise<void> {
    this.journal = await connect(path, {
      hello: { role: 'journal', token: tokens.journal },
      kinds: new Set(),
      oneWay: 'write',
      onFrame: () => undefined,
      onClose: () => undefined,
    });
    this.acksConnection = await connect(path, {
      hello: { role: 'acks', token: tokens.acks },
      kinds: new Set([FrameKind.ack, FrameKind.welcome, FrameKind.fenced, FrameKind.consumed]),
      oneWay: 'read',
      onFrame: (kind, body) => {
        if (kind === FrameKind.ack) this.acks.push(decodeNumber(body));
        else if (kind === FrameKind.consumed) this.consumed.push(decodeTotals(body));
        else if (kind === FrameKind.welcome) this.welcomes.push(decodeControl(welcome, body));
        else this.fencedFor = decodeControl(fenced, body).reason;
      },
      onClose: () => undefined,
    });
  }

  /** Sends a batch with the next number and one outcome for each call id. */
  send(tables: readonly TableChanges[], calls: readonly number[] = [], changes: Partial<Batch> = {}): void {
    const outcomes = calls.map((callId) => ({ callId, threw: false, payload: encodeValue(`r${callId}`) }));
    const batch: Batch = { number: ++this.number, isInit: false, outcomes, tables, ...changes };
    this.journal.send(FrameKind.batch, (writer) => writeBatch(writer, batch));
  }

  /** The changes of one table: rows to put, keys to delete. */
  changes(
    name: string,
    rows: readonly { key: TableKey; row?: unknown; sequence?: number }[],
    state: { size: number; nextSequence?: number; cleared?: boolean },
  ): TableChanges {
    const grant = this.opened.tables.find((table) => table.name === name);
    if (grant === undefined) throw new Error(`No table ${name}.`);
    const isExact = this.declarations.find((table) => table.name === name)?.type !== 'ordered_set';
    const changes = rows.map(({ key, row, sequence = 0 }) => ({
      keyBytes: encodeKey(key, isExact),
      sequence,
      rowBytes: row === undefined ? undefined : new Uint8Array(this.codec.encodeRow(row)),
    }));
    const { size, nextSequence = 1, cleared = false } = state;
    return { tableId: grant.tableId, size, nextSequence, cleared, shapes: this.codec.takeNewShapes(), changes };
  }

  /** Ends both connections as the death of the process does. */
  die(): void {
    this.journal.flushNow();
    this.journal.close();
    this.acksConnection.destroy();
  }
}
