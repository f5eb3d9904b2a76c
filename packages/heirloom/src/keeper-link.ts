/**
 * The router's line to the keeper, whichever keeper that is at the moment.
 *
 * Invariants
 * 1. A request is answered once, by whatever keeper is there: requests that a dead keeper left open are sent to the next one.
 *    All of them may be asked twice.
 * 2. `seenLsn` only grows, and is confirmed only after every reply up to it was handed on. A new keeper sends later replies
 *    again; second answers are ignored where calls are settled.
 * 3. Every worker process that is alive gets tokens for every keeper, in this order: the keeper is told to expect them and has
 *    answered a barrier behind that, then the worker gets them. A worker tries each token once, and without the barrier
 *    its connection could overtake what the keeper was told over another one.
 */
import type {
  Connection,
  KeeperMessage,
  KeeperReadyMessage,
  KeeperRequest,
  MailMessage,
  MovedMessage,
  Outcome,
  ResponseMessage,
  Submission,
} from '@heirloom/wire';
import {
  ARGUMENT_BYTES_MAX,
  changed,
  createToken,
  decodeControl,
  decodeError,
  decodeReplies,
  encodeValue,
  expect,
  FrameKind,
  mail,
  moved,
  response,
  sendControl,
  violated,
} from '@heirloom/wire';
import { CallError } from './errors.js';
import { WatchDesk } from './watch-desk.js';

/** A worker process, as far as the keeper is concerned. */
export interface Attached {
  readonly attachment: number;
  readonly worker: string;
  /** Undefined for what has no process of its own. */
  readonly pid: number | undefined;
  /** The epoch it was given, while it may write. */
  readonly liveEpoch: number | undefined;
  /** Tells the worker where its keeper is. */
  keeperIs(message: KeeperMessage): void;
  /** The keeper takes nothing more from this process. */
  brokeProtocol(reason: string): void;
  /** The keeper cannot be reached by it although it is there. */
  unreachable(): void;
}

/** An answer that the keeper will give, by whatever keeper is there then. */
export interface Question {
  readonly answer: Promise<unknown>;
  /** Nobody waits for the answer any more, so no further keeper is asked. */
  giveUp(): void;
}

/** Something that was submitted. */
export interface Submitted extends Question {
  /** Whether a keeper was ever sent it, so that it may have happened. */
  readonly isSent: boolean;
}

/** What hears of the mail that the keeper has. */
export interface MailListener {
  /** A keeper is there; the number is that of the mail that was stored last. */
  keeperReady(lastMail: number): void;
  told(message: MailMessage): void;
}

/** How many reads may be open: as many as the keeper lets wait for their turn. */
export const OPEN_READS_MAX = 1_024;
/** The largest request: a key, a condition or the tables of a worker. */
export const REQUEST_BYTES_MAX: number = 4 * 1024 * 1024;
/** How often a worker is given new tokens for the same keeper before it is replaced: some ten seconds, with the pauses. */
export const INTRODUCTIONS_MAX = 8;
/** How many casts of the program may be on their way to the keeper, and their bytes, one more included. */
export const OPEN_CASTS_MAX = 4_096;
export const OPEN_CASTS_BYTES_MAX: number = 2 * ARGUMENT_BYTES_MAX;
/** What a submission has besides its arguments. */
const SUBMISSION_SLACK_BYTES = 1024 * 1024;
const REINTRODUCE_MIN_MS = 50;
const REINTRODUCE_MAX_MS = 3_000;

interface OpenRequest {
  readonly bytes: Uint8Array;
  readonly isRead: boolean;
  /** The bytes of a cast, 0 for all else. */
  readonly castBytes: number;
  isSent: boolean;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class KeeperLink {
  readonly #onReplies: (worker: string, outcomes: readonly Outcome[]) => void;
  readonly #onMoved: (message: MovedMessage) => void;
  readonly #mail: MailListener;
  readonly #attached = new Map<number, Attached>();
  readonly #open = new Map<number, OpenRequest>();
  /** How often each worker process was introduced to the present keeper. */
  readonly #introductions = new Map<number, number>();
  #openReads = 0;
  #openCasts = 0;
  #openCastBytes = 0;
  #lastSubmission = 0;
  /** The open ones, in their order. */
  readonly #submissions = new Set<number>();
  #connection: Connection | undefined;
  #ready: KeeperReadyMessage | undefined;
  #lastRequestId = 0;
  #lastSnapshotId = 0;
  #confirmedLsn = 0;
  #failure: Error | undefined;
  #isConfirming = false;
  readonly watches: WatchDesk = new WatchDesk();
  instance = 0;
  seenLsn = 0;

  constructor(
    onReplies: (worker: string, outcomes: readonly Outcome[]) => void,
    onMoved: (message: MovedMessage) => void = () => {},
    mailListener: MailListener = { keeperReady: () => {}, told: () => {} },
  ) {
    this.#mail = mailListener;
    this.#onReplies = onReplies;
    this.#onMoved = onMoved;
  }

  /** The keeper that answers now, if one does. */
  get current(): KeeperReadyMessage | undefined {
    return this.#connection === undefined ? undefined : this.#ready;
  }

  get live(): { worker: string; epoch: number; attachment: number }[] {
    return [...this.#attached.values()].flatMap(({ worker, liveEpoch, attachment }) =>
      liveEpoch === undefined ? [] : [{ worker, epoch: liveEpoch, attachment }],
    );
  }

  /** Whether there will be no further keeper. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** A keeper is ready on this connection: it gets everything that waits for one. */
  connected(connection: Connection, ready: KeeperReadyMessage): void {
    this.#connection = connection;
    this.#ready = ready;
    this.instance = ready.instance;
    this.#introductions.clear();
    const open = [...this.#open];
    for (const attached of this.#attached.values()) this.#introduce(attached);
    for (const [, request] of open) send(connection, request);
    this.watches.wakeAll();
    this.#mail.keeperReady(ready.lastMail ?? 0);
  }

  /** The keeper of this connection is gone. */
  disconnected(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined;
  }

  attach(attached: Attached): void {
    this.#attached.set(attached.attachment, attached);
    if (this.#connection !== undefined) this.#introduce(attached);
  }

  detach(attachment: number): void {
    this.#attached.delete(attachment);
    this.#introductions.delete(attachment);
  }

  /** A worker's connections to the keeper that listens there are gone; if it is still the keeper, they are opened again. */
  lost(attached: Attached, socketPath: string): void {
    const isStill = (): boolean => this.current?.socketPath === socketPath && this.#attached.has(attached.attachment);
    if (!isStill()) return;
    const introductions = this.#introductions.get(attached.attachment) ?? 0;
    if (introductions >= INTRODUCTIONS_MAX) return attached.unreachable();
    const delay = Math.min(REINTRODUCE_MIN_MS * 2 ** introductions, REINTRODUCE_MAX_MS);
    setTimeout(() => {
      if (isStill()) this.#introduce(attached);
    }, delay).unref();
  }

  #introduce(attached: Attached): void {
    const connection = this.#connection;
    const ready = this.#ready;
    if (connection === undefined || ready === undefined) return;
    const { attachment, worker, pid = 0 } = attached;
    this.#introductions.set(attachment, (this.#introductions.get(attachment) ?? 0) + 1);
    const journalToken = createToken();
    const acksToken = createToken();
    sendControl(connection, expect, { token: journalToken, role: 'journal', worker, attachment, pid });
    sendControl(connection, expect, { token: acksToken, role: 'acks', worker, attachment, pid });
    const { socketPath, storePath } = ready;
    this.request({ type: 'barrier' }).then(
      () => {
        // A keeper that came meanwhile has tokens of its own.
        if (this.#ready === ready && this.#attached.get(attachment) === attached)
          attached.keeperIs({ socketPath, storePath, journalToken, acksToken });
      },
      () => {}, // This keeper is ending, or there will be none any more.
    );
  }

  /** Asks the keeper; waits for the next one when it is gone. Rejects with the keeper's error, or the failure of the runtime. */
  request(request: KeeperRequest): Promise<unknown> {
    return this.ask(request).answer;
  }

  /** Asks the keeper something that need not be answered. Rejects also with CallError ERR_CALL_OVERLOADED, ERR_CALL_ARGUMENTS. */
  ask(request: KeeperRequest): Question {
    return this.#ask(request);
  }

  /** Submits something that happens once, whatever keepers come and go. Rejects like `ask`, and with the keeper's refusal. */
  submit(submission: Submission): Submitted {
    const number = ++this.#lastSubmission;
    this.#submissions.add(number);
    const [settledBefore = number] = this.#submissions;
    const submitted = this.#ask({ type: 'submit', number, settledBefore, submission });
    const settled = (): void => void this.#submissions.delete(number);
    submitted.answer.then(settled, settled);
    return {
      answer: submitted.answer,
      giveUp: () => {
        submitted.giveUp();
        settled();
      },
      get isSent() {
        return submitted.isSent;
      },
    };
  }

  #ask(request: KeeperRequest): Submitted {
    const requestId = ++this.#lastRequestId;
    let asked: OpenRequest | undefined;
    const answer = new Promise<unknown>((resolve, reject) => {
      if (this.#failure !== undefined) throw this.#failure;
      const isRead = request.type === 'read';
      if (isRead && this.#openReads >= OPEN_READS_MAX) throw tooManyReads();
      // Encoded before it is kept, as what cannot be encoded could not be sent to the next keeper either.
      const bytes = encodeRequest(requestId, request);
      const isCast = request.type === 'submit' && request.submission.kind === 'cast';
      if (isCast) this.#checkRoomForCast();
      asked = { bytes, isRead, castBytes: isCast ? bytes.length : 0, isSent: false, resolve, reject };
      this.#open.set(requestId, asked);
      this.#count(asked, 1);
      if (this.#connection !== undefined) send(this.#connection, asked);
    });
    return {
      answer,
      giveUp: () => void this.#takeOpen(requestId),
      get isSent() {
        return asked?.isSent ?? false;
      },
    };
  }

  /** A number for a selection that is read in pages. */
  nextSnapshotId(): number {
    return ++this.#lastSnapshotId;
  }

  /** No further page is wanted. A keeper that is gone has taken its snapshots with it, so this is told to nobody else. */
  endSnapshot(snapshot: number): void {
    const bytes = encodeRequest(++this.#lastRequestId, { type: 'endSnapshot', snapshot });
    this.#connection?.send(FrameKind.request, (writer) => writer.raw(bytes));
  }

  #takeOpen(requestId: number): OpenRequest | undefined {
    const open = this.#open.get(requestId);
    if (open !== undefined && this.#open.delete(requestId)) this.#count(open, -1);
    return open;
  }

  #count({ isRead, castBytes }: OpenRequest, step: 1 | -1): void {
    if (isRead) this.#openReads += step;
    if (castBytes === 0) return;
    this.#openCasts += step;
    this.#openCastBytes += step * castBytes;
  }

  #checkRoomForCast(): void {
    if (this.#openCasts < OPEN_CASTS_MAX && this.#openCastBytes < OPEN_CASTS_BYTES_MAX) return;
    const message = `${this.#openCasts} casts of ${this.#openCastBytes} bytes are not stored yet; ${OPEN_CASTS_MAX} of ${OPEN_CASTS_BYTES_MAX} are the most. Wait for some of them.`;
    throw new CallError('ERR_CALL_OVERLOADED', message, { limit: OPEN_CASTS_MAX, outcome: 'none' });
  }

  /** There will be no further keeper: rejects what is open and whatever is asked from now on. */
  fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#open.values()) reject(error);
    this.#open.clear();
    this.#openReads = 0;
    this.#openCasts = 0;
    this.#openCastBytes = 0;
    this.watches.failAll(error);
  }

  /** Handles a frame of the current keeper; throws WireError for a malformed one. */
  take(connection: Connection, kind: number, body: Uint8Array): void {
    if (connection !== this.#connection) return;
    if (kind === FrameKind.replies) this.#takeReplies(body);
    else if (kind === FrameKind.response) this.#takeResponse(decodeControl(response, body));
    else if (kind === FrameKind.changed) this.watches.changed(decodeControl(changed, body).tables);
    else if (kind === FrameKind.mail) this.#mail.told(decodeControl(mail, body));
    else if (kind === FrameKind.moved) this.#onMoved(decodeControl(moved, body));
    else if (kind === FrameKind.violated) {
      const { attachment, reason } = decodeControl(violated, body);
      this.#attached.get(attachment)?.brokeProtocol(reason);
    }
  }

  #takeReplies(body: Uint8Array): void {
    const { lsn, outcomes } = decodeReplies(body);
    for (const [worker, ofWorker] of outcomes) this.#onReplies(worker, ofWorker);
    if (lsn <= this.seenLsn) return;
    this.seenLsn = lsn;
    if (this.#isConfirming) return;
    this.#isConfirming = true;
    setImmediate(() => this.#confirm());
  }

  #confirm(): void {
    this.#isConfirming = false;
    if (this.#connection === undefined || this.#confirmedLsn === this.seenLsn) return;
    this.#confirmedLsn = this.seenLsn;
    this.#connection.send(FrameKind.confirm, (writer) => writer.uint53(this.seenLsn));
  }

  #takeResponse({ requestId, error, result }: ResponseMessage): void {
    const open = this.#takeOpen(requestId);
    if (open === undefined) return;
    if (error === undefined) open.resolve(result);
    else open.reject(decodeError(error));
  }
}

function send(connection: Connection, request: OpenRequest): void {
  request.isSent = true;
  connection.send(FrameKind.request, (writer) => writer.raw(request.bytes));
}

function encodeRequest(requestId: number, request: KeeperRequest): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = encodeValue({ requestId, request });
  } catch (cause) {
    // A Proxy among the arguments may throw anything.
    const reason = cause instanceof Error ? cause.message : 'reading it threw what is no error';
    const message = `An argument cannot be sent: ${reason.replace('.request.arguments', '')}`;
    throw new CallError('ERR_CALL_ARGUMENTS', message, { outcome: 'none' }, { cause });
  }
  // What a submission carries was measured when it was made.
  const limit = request.type === 'submit' ? ARGUMENT_BYTES_MAX + SUBMISSION_SLACK_BYTES : REQUEST_BYTES_MAX;
  if (bytes.length <= limit) return bytes;
  const message = `The arguments have ${bytes.length} bytes, over the limit of ${limit}. Ask for less at a time.`;
  throw new CallError('ERR_CALL_ARGUMENTS', message, { bytes: bytes.length, outcome: 'none' });
}

function tooManyReads(): CallError {
  const message = `${OPEN_READS_MAX} reads are open, which is the limit. Wait for some of them before you read more.`;
  return new CallError('ERR_CALL_OVERLOADED', message, { limit: OPEN_READS_MAX, outcome: 'none' });
}
