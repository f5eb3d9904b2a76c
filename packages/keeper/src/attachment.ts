/**
 * Attachments: the journal and acks connections of one worker process, and the epoch that they are bound to.
 *
 * Invariants
 * 1. A connection is who its token says (G12): the router announces each token with the worker process it is for, and a token
 *    opens one connection.
 * 2. Batches are taken only from the journal of an attachment that is bound to the open epoch of its worker (G6). Anything else
 *    closes that connection, tells the worker process that it is fenced and the router that it is to be replaced, and is
 *    logged; it harms nobody else.
 * 3. `welcome` is sent once an attachment has its epoch and both connections, and everything received before is committed.
 * 4. Nothing is ever written to a journal. Acks are cumulative; those that a slow reader has no room for are made up for by
 *    one, as soon as it has.
 * 5. Pausing stops all journals; nothing that releases a pause comes over a journal, so nothing waits in a circle (G9).
 */
import { FrameKind, sendControl, fenced, welcome, writeTotals } from '@heirloom/wire';
import type { CastTotals, CloseReason, Connection } from '@heirloom/wire';
import type { LogLine } from './log-line.js';

/** What an attachment is bound to. */
export interface Binding {
  readonly epoch: number;
  /** The last batch that was accepted. */
  lastReceived: number;
}

export interface Attachment {
  readonly id: number;
  readonly worker: string;
  readonly pid: number;
  binding: Binding | undefined;
  /** Why nothing more is taken from it, once that is so. */
  fencedFor: string | undefined;
  journal: Connection | undefined;
  acks: Connection | undefined;
  /** How the journal ended, once everything in it was delivered. */
  journalEnd: CloseReason | undefined;
  /** Called when the journal has ended. */
  onJournalEnd: (() => void) | undefined;
}

/** What attachments need from the keeper. */
export interface AttachmentPort {
  /** Takes a batch; throws WireError if it is not acceptable. */
  readonly onBatch: (attachment: Attachment, binding: Binding, body: Uint8Array) => void;
  /** Commits what was received, and gives the last committed batch of the worker's epoch. */
  readonly committedBatch: (worker: string) => number;
  /** The worker's casts that are not stored any more, of all that it ever made; undefined if it never made one. */
  readonly consumed: (worker: string) => CastTotals | undefined;
  /** Says that a worker process broke the protocol, as it may not be there to be told, or may not listen. */
  readonly onViolated: (attachment: Attachment, reason: string) => void;
  readonly log: LogLine;
}

const JOURNAL_KINDS: ReadonlySet<number> = new Set([FrameKind.batch]);
const NO_KINDS: ReadonlySet<number> = new Set();

export class AttachmentRegistry {
  private readonly port: AttachmentPort;
  private readonly attachments: Map<number, Attachment> = new Map();
  /** Those with an epoch, by their worker: one at most, as the one before is ended first. */
  private readonly boundTo: Map<string, Attachment> = new Map();
  private isPaused = false;

  constructor(port: AttachmentPort) {
    this.port = port;
  }

  get(id: number): Attachment | undefined {
    return this.attachments.get(id);
  }

  /** The attachment that is bound to an epoch of a worker. */
  bound(worker: string, epoch: number): Attachment | undefined {
    const attachment = this.boundTo.get(worker);
    return attachment?.binding?.epoch === epoch ? attachment : undefined;
  }

  /** Makes an attachment known before its connections come. */
  announce(id: number, worker: string, pid: number): Attachment {
    const known = this.attachments.get(id);
    if (known !== undefined) return known;
    const attachment: Attachment = {
      id,
      worker,
      pid,
      binding: undefined,
      fencedFor: undefined,
      journal: undefined,
      acks: undefined,
      journalEnd: undefined,
      onJournalEnd: undefined,
    };
    this.attachments.set(id, attachment);
    return attachment;
  }

  /** Binds an attachment to the epoch that was opened for it, or that it had before a keeper's restart. */
  bind(attachment: Attachment, epoch: number, lastReceived: number): void {
    attachment.binding = { epoch, lastReceived };
    this.boundTo.set(attachment.worker, attachment);
    this.welcomeIfWhole(attachment);
  }

  connectJournal(attachment: Attachment, connection: Connection): void {
    attachment.journal?.destroy();
    attachment.journal = connection;
    attachment.journalEnd = undefined;
    connection.start({
      kinds: JOURNAL_KINDS,
      oneWay: 'read',
      onFrame: (_kind, body) => this.receive(attachment, connection, body),
      onClose: (reason) => this.journalClosed(attachment, connection, reason),
    });
    if (this.isPaused) connection.pauseReading();
    this.welcomeIfWhole(attachment);
  }

  connectAcks(attachment: Attachment, connection: Connection): void {
    attachment.acks?.destroy();
    attachment.acks = connection;
    connection.start({
      kinds: NO_KINDS,
      oneWay: 'write',
      onFrame: () => undefined,
      onClose: (reason) => this.acksClosed(attachment, connection, reason),
      onDrain: () => this.acknowledgeLast(attachment),
    });
    if (attachment.fencedFor === undefined) this.welcomeIfWhole(attachment);
    else this.fence(attachment, attachment.fencedFor);
  }

  acknowledge(worker: string, epoch: number, batch: number): void {
    const acks = this.bound(worker, epoch)?.acks;
    if (acks === undefined || acks.isCongested) return;
    acks.send(FrameKind.ack, (writer) => writer.uint53(batch));
  }

  /** Tells a worker how many of its casts are not stored any more. */
  tellConsumed(worker: string): void {
    for (const attachment of this.attachments.values()) {
      if (attachment.worker === worker && attachment.binding !== undefined) this.sendConsumed(attachment);
    }
  }

  private sendConsumed({ worker, acks, fencedFor }: Attachment): void {
    const consumed = this.port.consumed(worker);
    if (consumed === undefined || acks === undefined || acks.isCongested || fencedFor !== undefined) return;
    acks.send(FrameKind.consumed, (writer) => writeTotals(writer, consumed));
  }

  private acknowledgeLast(attachment: Attachment): void {
    const { worker, binding } = attachment;
    if (binding === undefined) return;
    this.acknowledge(worker, binding.epoch, this.port.committedBatch(worker));
    this.sendConsumed(attachment);
  }

  /** Waits until an epoch's journal was read to its end; false if `timeoutMs` passed first. */
  async drain(attachment: Attachment, timeoutMs: number): Promise<boolean> {
    const { journal } = attachment;
    if (journal === undefined) return attachment.journalEnd === undefined || attachment.journalEnd.kind === 'ended';
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      attachment.onJournalEnd = () => {
        clearTimeout(timer);
        resolve();
      };
      // Last, as the end may be reported in this call.
      if (this.isPaused) journal.resumeReading();
    });
    attachment.onJournalEnd = undefined;
    // Read again after the wait, which may have set it.
    return (attachment as { readonly journalEnd: CloseReason | undefined }).journalEnd?.kind === 'ended';
  }

  /** Refuses an attachment whose epoch is over already; it is told when it connects. */
  refuse(attachment: Attachment, reason: string): void {
    attachment.fencedFor = reason;
  }

  /** Ends an attachment whose epoch is over: tells a worker process that still lives, and refuses whatever else it sends. */
  end(attachment: Attachment, reason: string): void {
    this.fence(attachment, reason);
    attachment.journal?.destroy();
    this.attachments.delete(attachment.id);
    if (this.boundTo.get(attachment.worker) === attachment) this.boundTo.delete(attachment.worker);
  }

  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    for (const { journal } of this.attachments.values()) journal?.pauseReading();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    for (const { journal } of this.attachments.values()) {
      if (this.isPaused) return; // What was held back has filled the queues again.
      journal?.resumeReading();
    }
  }

  destroyAll(): void {
    for (const { journal, acks } of this.attachments.values()) {
      journal?.destroy();
      acks?.destroy();
    }
    this.attachments.clear();
    this.boundTo.clear();
  }

  private receive(attachment: Attachment, connection: Connection, body: Uint8Array): void {
    if (attachment.journal !== connection) return;
    const { binding, fencedFor } = attachment;
    if (fencedFor !== undefined) return connection.destroy();
    if (binding === undefined) return this.violated(attachment, 'It sent a batch without an open epoch.');
    this.port.onBatch(attachment, binding, body); // What it throws closes the connection, and comes back as its reason.
  }

  private journalClosed(attachment: Attachment, connection: Connection, reason: CloseReason): void {
    if (attachment.journal !== connection) return;
    attachment.journal = undefined;
    attachment.journalEnd = reason;
    if (reason.kind === 'violation' || reason.kind === 'failed') {
      this.violated(attachment, reason.error?.message ?? reason.kind);
    }
    attachment.onJournalEnd?.();
    this.forgetIfUnused(attachment);
  }

  private acksClosed(attachment: Attachment, connection: Connection, reason: CloseReason): void {
    if (attachment.acks !== connection) return;
    attachment.acks = undefined;
    if (reason.kind === 'violation') this.violated(attachment, reason.error?.message ?? reason.kind);
    this.forgetIfUnused(attachment);
  }

  private violated(attachment: Attachment, reason: string): void {
    const { worker, pid, binding } = attachment;
    this.port.log('error', 'A worker broke the protocol and is fenced.', {
      worker,
      pid,
      epoch: binding?.epoch,
      reason,
    });
    this.fence(attachment, reason);
    attachment.journal?.destroy();
    this.port.onViolated(attachment, reason);
  }

  private fence(attachment: Attachment, reason: string): void {
    attachment.fencedFor ??= reason;
    const { acks } = attachment;
    if (acks === undefined) return;
    sendControl(acks, fenced, { reason });
    acks.close();
  }

  /** A standby that went away before it had an epoch leaves nothing behind; one that was fenced is told so when it comes again. */
  private forgetIfUnused(attachment: Attachment): void {
    const isUsed =
      attachment.binding !== undefined || attachment.journal !== undefined || attachment.acks !== undefined;
    if (!isUsed && this.attachments.get(attachment.id) === attachment) this.attachments.delete(attachment.id);
  }

  private welcomeIfWhole(attachment: Attachment): void {
    const { binding, fencedFor, journal, acks, worker } = attachment;
    if (binding === undefined || fencedFor !== undefined || journal === undefined || acks === undefined) return;
    sendControl(acks, welcome, { epoch: binding.epoch, lastBatch: this.port.committedBatch(worker) });
    // It may have missed something while there was no keeper.
    this.sendConsumed(attachment);
  }
}
