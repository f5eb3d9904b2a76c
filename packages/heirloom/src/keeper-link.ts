/**
 * The router's line to the keeper, whichever keeper that is at the moment.
 *
 * Invariants
 * 1. A request is answered once, by whatever keeper is there: requests that a dead keeper left open are sent to the next one.
 *    All of them may be asked twice.
 * 2. `seenLsn` only grows, and is confirmed only after every reply up to it was handed on. A new keeper sends later replies
 *    again; second answers are ignored where calls are settled.
 * 3. Every worker process that is alive gets tokens for every keeper, in this order: the keeper is told to expect them, then
 *    the worker gets them.
 */
import type {
  Connection,
  KeeperMessage,
  KeeperReadyMessage,
  KeeperRequest,
  Outcome,
  ResponseMessage,
} from '@heirloom/wire';
import {
  createToken,
  decodeControl,
  decodeError,
  decodeReplies,
  expect,
  FrameKind,
  requestMessage,
  response,
  sendControl,
} from '@heirloom/wire';

/** A worker process, as far as the keeper is concerned. */
export interface Attached {
  readonly attachment: number;
  readonly worker: string;
  readonly pid: number;
  /** The epoch it was given, while it may write. */
  readonly liveEpoch: number | undefined;
  /** Tells the worker where its keeper is. */
  keeperIs(message: KeeperMessage): void;
}

interface OpenRequest {
  readonly request: KeeperRequest;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class KeeperLink {
  readonly #onReplies: (worker: string, outcomes: readonly Outcome[]) => void;
  readonly #attached = new Map<number, Attached>();
  readonly #open = new Map<number, OpenRequest>();
  #connection: Connection | undefined;
  #ready: KeeperReadyMessage | undefined;
  #lastRequestId = 0;
  #confirmedLsn = 0;
  #failure: Error | undefined;
  #isConfirming = false;
  instance = 0;
  seenLsn = 0;

  constructor(onReplies: (worker: string, outcomes: readonly Outcome[]) => void) {
    this.#onReplies = onReplies;
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
    for (const attached of this.#attached.values()) this.#introduce(attached);
    for (const [requestId, { request }] of this.#open) sendControl(connection, requestMessage, { requestId, request });
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
  }

  #introduce(attached: Attached): void {
    const connection = this.#connection;
    const ready = this.#ready;
    if (connection === undefined || ready === undefined) return;
    const { attachment, worker, pid } = attached;
    const journalToken = createToken();
    const acksToken = createToken();
    sendControl(connection, expect, { token: journalToken, role: 'journal', worker, attachment, pid });
    sendControl(connection, expect, { token: acksToken, role: 'acks', worker, attachment, pid });
    const { socketPath, storePath } = ready;
    attached.keeperIs({ socketPath, storePath, journalToken, acksToken });
  }

  /** Asks the keeper; waits for the next one when it is gone. Rejects with the keeper's error, or the failure of the runtime. */
  request(request: KeeperRequest): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const requestId = ++this.#lastRequestId;
      this.#open.set(requestId, { request, resolve, reject });
      if (this.#connection !== undefined) sendControl(this.#connection, requestMessage, { requestId, request });
    });
  }

  /** There will be no further keeper: rejects what is open and whatever is asked from now on. */
  fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#open.values()) reject(error);
    this.#open.clear();
  }

  /** Handles a frame of the current keeper; throws WireError for a malformed one. */
  take(connection: Connection, kind: number, body: Uint8Array): void {
    if (connection !== this.#connection) return;
    if (kind === FrameKind.replies) this.#takeReplies(body);
    else if (kind === FrameKind.response) this.#takeResponse(decodeControl(response, body));
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
    const open = this.#open.get(requestId);
    if (open === undefined) return;
    this.#open.delete(requestId);
    if (error === undefined) open.resolve(result);
    else open.reject(decodeError(error));
  }
}
