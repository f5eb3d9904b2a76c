/**
 * The keeper: the heir of every table, the only writer of the store (G5), and the end of every journal.
 *
 * A thin shell: it opens the store when the router says `resume`, and connects what the other files of this package decide to
 * the control connection and to the workers' connections.
 *
 *   waiting ──resume──▶ opening ──keeperReady──▶ serving ──shutdown──▶ stopped (exit 0)
 *                          └── keeperFailed, exit 1      └── a transaction fails: keeperFailed, exit 2
 *
 * Invariants
 * 1. Before `keeperReady` the keeper has committed and flushed a marker of its own, so that everything it found is as durable
 *    as the marker, and no older keeper can still write.
 * 2. Right behind `keeperReady` come the replies of every stored group that the router has not seen; a reply may come twice.
 * 3. After a failed transaction nothing leaves but `keeperFailed`.
 * 4. Replies of an epoch are sent before the response to its closeEpoch.
 * 5. G9: reads take turns (read-desk.ts); epochs are opened and closed past them.
 * 6. Nothing is kept for those who watch a table but whether somebody found no changes; it is told once when there are some.
 */
import {
  FrameKind,
  WireError,
  acceptHello,
  changed,
  decodeBatch,
  decodeControl,
  decodeNumber,
  encodeError,
  expect,
  failpoint,
  keeperFailed,
  keeperReady,
  mail,
  moved,
  requestMessage,
  response,
  resume,
  sendControl,
  shutdown,
  violated,
  writeReplies,
} from '@heirloom/wire';
import type { Connection, ExpectMessage, Fault, KeeperRequest, ResumeMessage } from '@heirloom/wire';
import type { Attachment, Binding } from './attachment.js';
import { BackPressure } from './back-pressure.js';
import { checkBatch } from './batch-check.js';
import type { MailNews } from './cast-store.js';
import { takeAwaited } from './change-feed.js';
import type { ReleasedGroup } from './group-writing.js';
import { judgeBatch } from './epochs.js';
import { KeeperError } from './errors.js';
import { Expectations } from './expectations.js';
import { KEEPER_LIMITS } from './keeper-limits.js';
import type { KeeperLimits } from './keeper-limits.js';
import type { LogLine } from './log-line.js';
import { openKeeper } from './open-keeper.js';
import type { OpenKeeper } from './open-keeper.js';
import { performRequest } from './request.js';
import { ReadDesk } from './read-desk.js';
import { endRun, storedReplies } from './run-marker.js';
import type { StoredTable } from './table-catalog.js';
import type { TableOwnership } from './table-ownership.js';

export interface KeeperOptions {
  readonly directory: string;
  readonly socketPath: string;
  /** The connection to the router, started by the caller with CONTROL_KINDS, whose frames go to `receive`. */
  readonly control: Connection;
  readonly faults?: readonly Fault[] | undefined;
  readonly limits?: Partial<KeeperLimits> | undefined;
  /** The wall clock, for tests. */
  readonly now?: (() => number) | undefined;
  readonly log: LogLine;
  /** Called when the store is open and `keeperReady` is on its way. */
  readonly onServing?: () => void;
  /** Ends the process, after what was sent on the control connection has left. */
  readonly exit: (code: number) => void;
}

/** The frames that a router sends. */
export const CONTROL_KINDS: ReadonlySet<number> = new Set([
  FrameKind.expect,
  FrameKind.request,
  FrameKind.resume,
  FrameKind.confirm,
  FrameKind.shutdown,
]);

export class Keeper {
  private readonly options: KeeperOptions;
  private readonly limits: KeeperLimits;
  private readonly expectations: Expectations;
  private state: 'waiting' | 'opening' | 'serving' | 'stopped' = 'waiting';
  private open: OpenKeeper | undefined;
  private readonly reads: ReadDesk;
  private readonly pressure: BackPressure;

  constructor(options: KeeperOptions) {
    this.options = options;
    const given = Object.entries(options.limits ?? {}).filter(([, limit]) => limit !== undefined);
    this.limits = { ...KEEPER_LIMITS, ...Object.fromEntries(given) };
    this.expectations = new Expectations(this.limits.expectationsMax);
    const { readsMax, unconfirmedBytesMax } = this.limits;
    this.reads = new ReadDesk({ readsMax, isCongested: () => options.control.isCongested });
    this.pressure = new BackPressure({ control: options.control, unconfirmedBytesMax });
  }

  /** Takes a frame of the control connection. Throws WireError for one that makes no sense. */
  receive(kind: number, body: Uint8Array): void {
    if (this.state === 'stopped') return;
    switch (kind) {
      case FrameKind.resume:
        if (this.state !== 'waiting') throw new WireError('ERR_WIRE_MESSAGE', 'A keeper is resumed once.');
        this.state = 'opening';
        void this.resume(decodeControl(resume, body));
        return;
      case FrameKind.expect:
        return this.expect(decodeControl(expect, body));
      case FrameKind.request: {
        const { requestId, request } = decodeControl(requestMessage, body);
        void this.answer(requestId, request);
        return;
      }
      case FrameKind.confirm:
        return this.confirm(decodeNumber(body));
      case FrameKind.shutdown:
        decodeControl(shutdown, body);
        void this.shutdown();
    }
  }

  /** To be called when the control connection takes bytes again. */
  controlDrained(): void {
    this.options.control.resumeReading();
    this.reads.start();
    this.pressure.resumeIfClear(this.open);
  }

  private async resume(message: ResumeMessage): Promise<void> {
    const { directory, socketPath, faults, log, control, now = Date.now } = this.options;
    let open: OpenKeeper;
    try {
      open = await openKeeper(message, {
        directory,
        socketPath,
        faults: faults ?? [],
        limits: this.limits,
        now,
        log,
        onConnection: (connection) => void this.admit(connection),
        onBatch: (attachment, binding, body) => this.takeBatch(attachment, binding, body),
        onViolated: ({ id }, reason) => sendControl(control, violated, { attachment: id, reason }),
        onMoved: (owners, tables) => this.tellMoved(owners, tables),
        onReleased: (group) => this.release(group),
        onFailed: (error) => this.fail(error, 2),
      });
    } catch (error) {
      return this.fail(error, 1);
    }
    if (this.isStopped()) return; // A shutdown came meanwhile; the process is ending.
    for (const { attachment, worker, pid } of this.expectations.open)
      open.attachments.announce(attachment, worker, pid);
    this.open = open;
    this.state = 'serving';
    const { store } = open;
    const { timeline, lsn, instance } = store.state;
    this.options.onServing?.();
    sendControl(control, keeperReady, {
      pid: process.pid,
      socketPath,
      storePath: store.path,
      timeline,
      lsn,
      instance,
      lastMail: store.mail.state.last,
    });
    // The router may have missed what the last keeper had to tell; before any answer that rests on it.
    const everything = open.owners.everythingMoved();
    if (everything.tables.length > 0) sendControl(control, moved, everything);
    try {
      for (const { lsn: groupLsn, outcomes } of storedReplies(store, message.seenLsn)) {
        control.send(FrameKind.replies, (writer) => writeReplies(writer, groupLsn, outcomes));
      }
    } catch (error) {
      return this.fail(error, 1);
    }
    open.sweeper.wake();
    open.outcomeSweeper.wake();
    this.pressure.pauseIfCongested(this.open);
    log('info', 'The keeper is ready.', { timeline, lsn, instance, generation: store.state.generation });
  }

  private expect(message: ExpectMessage): void {
    this.expectations.add(message);
    this.open?.attachments.announce(message.attachment, message.worker, message.pid);
  }

  private async admit(connection: Connection): Promise<void> {
    try {
      const timeoutMs = this.limits.handshakeTimeoutMs;
      const authenticate = (role: string, token: Uint8Array): ExpectMessage | undefined =>
        this.expectations.take(role, token);
      const { role, worker, attachment: id, pid } = await acceptHello(connection, authenticate, timeoutMs);
      const { attachments } = this.open ?? {};
      if (attachments === undefined || this.state !== 'serving') return connection.destroy();
      const attachment = attachments.announce(id, worker, pid);
      if (attachment.worker !== worker) return connection.destroy();
      if (role === 'journal') attachments.connectJournal(attachment, connection);
      else attachments.connectAcks(attachment, connection);
    } catch (error) {
      this.options.log('warn', 'A connection was refused.', { error: (error as Error).message }); // acceptHello throws errors.
    }
  }

  private takeBatch({ worker }: Attachment, binding: Binding, body: Uint8Array): void {
    const { open } = this;
    if (open === undefined || this.state !== 'serving') return;
    failpoint('keeper.batch:received');
    const batch = decodeBatch(body);
    const verdict = judgeBatch(binding.lastReceived, batch.number);
    if (verdict === 'repeated') return;
    if (verdict === 'gap') {
      const message = `Batch ${batch.number} came behind batch ${binding.lastReceived}.`;
      throw new WireError('ERR_WIRE_MESSAGE', message, { number: batch.number, expected: binding.lastReceived + 1 });
    }
    // A step of a migration is checked against what is stored, and is a group of its own.
    const isMigration = batch.migration !== undefined;
    if (isMigration) open.groups.commitNow();
    const tables = checkBatch(open.store.catalog, open.owners, worker, batch, {
      mail: open.store.mail,
      staged: open.groups.staged(worker),
    });
    binding.lastReceived = batch.number;
    open.groups.add({ worker, epoch: binding.epoch, batch, bytes: body.length }, tables);
    if (isMigration) open.groups.commitNow();
  }

  /** Before anything that tells of it. */
  private tellMoved(owners: TableOwnership, tables: readonly StoredTable[]): void {
    if (tables.length > 0) sendControl(this.options.control, moved, owners.moved(tables));
  }

  private release({ lsn, outcomes, progress, watched, moved: movedTables, mail: news }: ReleasedGroup): void {
    failpoint('keeper.replies:before');
    const { control } = this.options;
    if (this.open !== undefined) this.tellMoved(this.open.owners, movedTables);
    if (outcomes.size > 0) {
      control.send(FrameKind.replies, (writer) => writeReplies(writer, lsn, outcomes));
      control.flushNow();
    }
    const tables = takeAwaited(watched);
    if (tables.length > 0) sendControl(control, changed, { tables });
    failpoint('keeper.replies:after');
    this.tellMail(news);
    for (const [worker, { epoch, lastBatch }] of progress) this.open?.attachments.acknowledge(worker, epoch, lastBatch);
    this.open?.sweeper.wake();
    this.open?.outcomeSweeper.wake();
    this.pressure.pauseIfCongested(this.open);
  }

  private tellMail({ receivers, hasLetters, refused, consumedOf }: MailNews): void {
    if (receivers.size > 0 || hasLetters) {
      failpoint('keeper.mail:before');
      sendControl(this.options.control, mail, { receivers: [...receivers], hasLetters });
      failpoint('keeper.mail:after');
    }
    for (const sender of consumedOf) this.open?.attachments.tellConsumed(sender);
    if (refused === 0) return;
    const advice = 'Casts stay where they are and are run again at a later start. Run or delete some dead letters.';
    this.options.log('error', `There is no room for ${refused} dead letters. ${advice}`, {
      limit: this.limits.lettersMax,
    });
  }

  private confirm(lsn: number): void {
    const { open } = this;
    if (open === undefined) return;
    open.groups.confirmedLsn = Math.max(open.groups.confirmedLsn, Math.min(lsn, open.store.state.lsn));
    this.pressure.resumeIfClear(this.open);
  }

  private async answer(requestId: number, request: KeeperRequest): Promise<void> {
    const { control } = this.options;
    let result: unknown;
    let error: unknown;
    try {
      result = await this.perform(request);
    } catch (thrown) {
      if (this.open?.store.hasFailed === true) return this.fail(thrown, 2);
      error = encodeError(thrown);
    }
    if (this.state !== 'serving' || this.open?.store.hasFailed === true) return;
    try {
      sendControl(control, response, { requestId, error, result });
    } catch (thrown) {
      sendControl(control, response, { requestId, error: encodeError(thrown), result: undefined });
    }
    control.flushNow();
    if (control.isCongested) control.pauseReading();
  }

  private perform(request: KeeperRequest): unknown {
    if (this.open !== undefined && this.state === 'serving') return performRequest(this.open, this.reads, request);
    throw new KeeperError('ERR_KEEPER_STOPPING', 'The keeper does not serve at this moment. Ask the next one.');
  }

  /** Commits what waits, says good-bye to the store, and ends the process. */
  private async shutdown(): Promise<void> {
    const { open } = this;
    if (open === undefined) {
      this.state = 'stopped';
      return this.options.exit(0);
    }
    open.groups.commitNow();
    if (this.isStopped()) return; // That commit failed.
    this.state = 'stopped';
    open.sweeper.stop();
    open.outcomeSweeper.stop();
    open.attachments.destroyAll();
    open.snapshots.closeAll();
    try {
      endRun(open.store, open.groups.confirmedLsn);
      await open.server.close();
      await open.store.close();
    } catch (error) {
      this.options.log('error', 'The store was not closed cleanly.', { error: (error as Error).message }); // Always an error.
    }
    open.lock.release();
    this.options.exit(0);
  }

  private isStopped(): boolean {
    return this.state === 'stopped';
  }

  /** Says what failed and ends the process; nothing else leaves from now on. */
  private fail(error: unknown, code: number): void {
    if (this.state === 'stopped') return;
    this.state = 'stopped';
    this.options.log('error', 'The keeper failed.', { error: (error as Error).message, code }); // Only errors are thrown here.
    this.open?.groups.stop();
    this.open?.sweeper.stop();
    this.open?.outcomeSweeper.stop();
    this.open?.attachments.destroyAll();
    sendControl(this.options.control, keeperFailed, { error: encodeError(error) });
    this.options.control.flushNow();
    this.options.exit(code);
  }
}
