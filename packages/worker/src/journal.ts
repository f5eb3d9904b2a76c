/**
 * The worker's end of the journal: the two connections to the current keeper, and what of the gate's batches was sent.
 *
 *   idle ──attach──▶ connecting ──both connected──▶ waiting ──welcome──▶ streaming
 *    ▲                   │                             │                    │
 *    └───────────────────┴──── a connection ends ──────┴────────────────────┘
 *
 * 1. A batch is sent after the welcome of the keeper that it is sent to, in order, each once a keeper. The welcome says what
 *    the keeper has: that is released, and what is later is sent (again).
 * 2. Nothing is ever read from the journal connection nor written to the acks connection, the HELLO aside.
 * 3. While the connection is congested or there is none, batches stay in the gate, which is bounded.
 * 4. Acks of an earlier keeper are ignored from the moment on that a later one is known.
 *
 * A connection that ends is not opened again here: `onLost` says so to the embedding process, from which the address of the
 * next keeper comes, or fresh tokens for the same one. A keeper that says `fenced`, or that has other batches than there can
 * be, ends the worker (`onFenced`).
 */
import {
  FrameKind,
  connect,
  decodeControl,
  decodeNumber,
  failpoint,
  decodeTotals,
  fenced,
  welcome,
} from '@heirloom/wire';
import type { CastTotals, CloseReason, Connection, KeeperMessage, WelcomeMessage } from '@heirloom/wire';
import type { OutputGate } from './output-gate.js';

const ACKS_KINDS: ReadonlySet<number> = new Set([
  FrameKind.welcome,
  FrameKind.ack,
  FrameKind.fenced,
  FrameKind.consumed,
]);
const NO_KINDS: ReadonlySet<number> = new Set();

export interface JournalOptions {
  readonly gate: OutputGate;
  /** Batches up to this number are released. */
  readonly onRelease: (number: number) => void;
  /** So many of all casts that the worker ever made are not stored any more. */
  readonly onConsumed: (totals: CastTotals) => void;
  /** This incarnation must end at once. */
  readonly onFenced: (reason: string) => void;
  /** The connections to the keeper that listens there are gone. */
  readonly onLost: (socketPath: string) => void;
  /** Something a person may want to know about a connection. */
  readonly onNotice: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Opens connections; by default wire's. */
  readonly connect?: typeof connect;
}

/** The connections to one keeper. */
interface Link {
  readonly socketPath: string;
  journal: Connection | undefined;
  acks: Connection | undefined;
  welcome: WelcomeMessage | undefined;
  isOver: boolean;
}

export class Journal {
  private readonly options: JournalOptions;
  private link: Link | undefined;
  private epoch: number | undefined;
  private sentNumber = 0;
  private isStreaming = false;

  constructor(options: JournalOptions) {
    this.options = options;
  }

  /** The number of the last batch that was handed to the current keeper's connection. */
  get sent(): number {
    return this.sentNumber;
  }

  /** Connects to a keeper instead of the one before. Resolves when both connections are there or one failed. */
  async attach({ socketPath, journalToken, acksToken }: KeeperMessage): Promise<void> {
    this.end(this.link);
    const link: Link = { socketPath, journal: undefined, acks: undefined, welcome: undefined, isOver: false };
    this.link = link;
    const open = this.options.connect ?? connect;
    const onClose = (reason: CloseReason): void => this.closed(link, reason);
    try {
      const acks = open(socketPath, {
        hello: { role: 'acks', token: acksToken },
        kinds: ACKS_KINDS,
        oneWay: 'read',
        onFrame: (kind, body) => this.receive(link, kind, body),
        onClose,
      });
      const journal = open(socketPath, {
        hello: { role: 'journal', token: journalToken },
        kinds: NO_KINDS,
        oneWay: 'write',
        onFrame: () => undefined,
        onClose,
        onDrain: () => this.flush(),
      });
      [link.acks, link.journal] = await settleBoth(acks, journal);
      if (link.isOver) this.destroy(link);
      else this.stream(link);
    } catch (error) {
      if (link.isOver) return;
      this.options.onNotice('the keeper cannot be reached', { error: String(error) });
      this.lost(link);
    }
  }

  /** Batches from now on belong to this epoch. */
  activate(epoch: number): void {
    this.epoch = epoch;
    if (this.link !== undefined) this.stream(this.link);
  }

  /** Hands every batch that was not sent to the connection, unless it is congested, and the connection to the socket. */
  flush(): void {
    const { gate } = this.options;
    const journal = this.isStreaming ? this.link?.journal : undefined;
    if (journal === undefined || this.sentNumber === gate.lastNumber) return;
    while (this.sentNumber < gate.lastNumber && !journal.isCongested) {
      const encoded = gate.batch(this.sentNumber + 1);
      if (!journal.send(FrameKind.batch, (writer) => writer.raw(encoded))) return;
      this.sentNumber++;
    }
    journal.flushNow();
    failpoint('worker.journal:after');
  }

  /** Ends both connections after what was sent. */
  close(): void {
    this.link?.journal?.close();
    this.link?.acks?.destroy();
  }

  /** Ends both connections at once. */
  cutOff(): void {
    this.end(this.link);
  }

  private receive(link: Link, kind: number, body: Uint8Array): void {
    if (link !== this.link || link.isOver) return;
    if (kind === FrameKind.ack) return this.release(decodeNumber(body));
    if (kind === FrameKind.consumed) return this.options.onConsumed(decodeTotals(body));
    if (kind === FrameKind.fenced) return this.options.onFenced(decodeControl(fenced, body).reason);
    link.welcome = decodeControl(welcome, body);
    failpoint('worker.welcome');
    this.stream(link);
  }

  /** Acks and the welcome are checked alike: what is released must exist, and what was released must still be there. */
  private release(number: number): void {
    if (number > this.options.gate.lastNumber) {
      return this.options.onFenced(
        `the keeper has batch ${number}, but the last one is ${this.options.gate.lastNumber}`,
      );
    }
    this.options.onRelease(number);
  }

  /** Begins to stream once there are both connections, the welcome and the epoch. */
  private stream(link: Link): void {
    if (link !== this.link || link.isOver || this.isStreaming || link.journal === undefined) return;
    if (link.welcome === undefined || this.epoch === undefined) return;
    const { epoch, lastBatch } = link.welcome;
    if (epoch !== this.epoch)
      return this.options.onFenced(`the keeper knows epoch ${epoch}, but this is ${this.epoch}`);
    if (lastBatch < this.options.gate.released) {
      const reason = `the keeper has batches up to ${lastBatch}, but ${this.options.gate.released} was released`;
      return this.options.onFenced(reason);
    }
    this.sentNumber = lastBatch;
    this.isStreaming = true;
    this.release(lastBatch);
    this.flush();
  }

  private closed(link: Link, { kind, error }: CloseReason): void {
    if (link.isOver) return;
    this.options.onNotice('a connection to the keeper ended', { reason: kind, ...(error && { error: error.message }) });
    this.lost(link);
  }

  private lost(link: Link): void {
    this.end(link);
    this.options.onLost(link.socketPath);
  }

  private end(link: Link | undefined): void {
    if (link === undefined) return;
    link.isOver = true;
    if (link === this.link) this.isStreaming = false;
    this.destroy(link);
  }

  private destroy(link: Link): void {
    link.journal?.destroy();
    link.acks?.destroy();
  }
}

/** Waits for two connections; if one fails, the other is destroyed when it comes. */
async function settleBoth(first: Promise<Connection>, second: Promise<Connection>): Promise<[Connection, Connection]> {
  const [one, two] = await Promise.allSettled([first, second]);
  if (one.status === 'fulfilled' && two.status === 'fulfilled') return [one.value, two.value];
  if (one.status === 'fulfilled') one.value.destroy();
  if (two.status === 'fulfilled') two.value.destroy();
  throw one.status === 'rejected' ? one.reason : two.status === 'rejected' ? two.reason : undefined;
}
