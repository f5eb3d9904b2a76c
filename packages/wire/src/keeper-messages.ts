/**
 * The control messages that the keeper sends or gets: with the router on the connection of control, to a worker on that of
 * acks.
 */
import { anything, binary, flag, listOf, natural, oneOf, optional, record, text } from './field.js';
import type { KeeperRequest } from './keeper-request.js';
import { keeperRequest } from './keeper-request.js';
import type { ControlMessage, ErrorMessage } from './messages.js';
import { control, errorMessage } from './messages.js';
import type { Adoption, TableMove } from './table-move.js';
import { adoption } from './table-move.js';

/** Keeper → router, behind the commit that moved them and before anything that tells of it: tables with another owner. */
export interface MovedMessage {
  readonly tables: readonly TableMove[];
  /** Those whose owner has an open epoch, for it. */
  readonly adoptions: readonly Adoption[];
}
/** Keeper → router: the connections of this worker process were closed, as it broke the protocol. It must be replaced. */
export interface ViolatedMessage {
  readonly attachment: number;
  readonly reason: string;
}
/** Keeper → router: the store is open, and this is where it stands. */
export interface KeeperReadyMessage {
  readonly pid: number;
  readonly socketPath: string;
  readonly storePath: string;
  readonly timeline: number;
  readonly lsn: number;
  /** The number of this start of a runtime on this store; call ids belong to it. */
  readonly instance: number;
  /** The number of the last cast or dead letter that was ever stored. */
  readonly lastMail?: number | undefined;
}
/** Router → keeper: accept one connection with this token as that role of that worker process. */
export interface ExpectMessage {
  readonly token: Uint8Array;
  readonly role: 'journal' | 'acks';
  readonly worker: string;
  /** The router's number of the worker process; an epoch is later bound to it. */
  readonly attachment: number;
  readonly pid: number;
}
/** Router → keeper, first on every connection: what the router has, and who is alive. */
export interface ResumeMessage {
  /** The runtime instance this router runs under, 0 on its first keeper: then the keeper begins a new one. */
  readonly instance: number;
  /** Every reply up to this LSN has arrived. The keeper sends later ones again. */
  readonly seenLsn: number;
  readonly live: readonly { readonly worker: string; readonly epoch: number; readonly attachment: number }[];
  /** The workers of the runtime, whether they live or not. */
  readonly workers?: readonly string[] | undefined;
}
/** Router → keeper: something that is answered by a response with the same id. */
export interface RequestMessage {
  readonly requestId: number;
  readonly request: KeeperRequest;
}
/** Keeper → router. Replies of an epoch are always sent before the response to its closeEpoch. */
export interface ResponseMessage {
  readonly requestId: number;
  /** An encoded error, or undefined. */
  readonly error: unknown;
  /**
   * EpochOpened, EpochClosed, the result of a read, a ChangesPage, an ImagePage, the keeper's Inspection, or undefined for a
   * barrier or an error.
   */
  readonly result: unknown;
}
/** Keeper → router: these tables have changes, and had none for somebody who asked. Sent once, until somebody asks again. */
export interface ChangedMessage {
  readonly tables: readonly { readonly worker: string; readonly table: string }[];
}
/** Keeper → router, behind the commit that stored them: there are new casts for these workers, and new dead letters. */
export interface MailMessage {
  readonly receivers: readonly string[];
  readonly hasLetters: boolean;
}
/** Keeper → worker, when both its connections and its epoch are there: what it has of this epoch. */
export interface WelcomeMessage {
  readonly epoch: number;
  readonly lastBatch: number;
}
/** Keeper → worker: this incarnation is superseded or broke the protocol, and must end. */
export interface FencedMessage {
  readonly reason: string;
}

export const keeperReady: ControlMessage<KeeperReadyMessage> = control(
  'keeperReady',
  record({
    pid: natural,
    socketPath: text,
    storePath: text,
    timeline: natural,
    lsn: natural,
    instance: natural,
    lastMail: optional(natural),
  }),
);
export const keeperFailed: ControlMessage<ErrorMessage> = control('keeperFailed', errorMessage);
export const violated: ControlMessage<ViolatedMessage> = control(
  'violated',
  record({ attachment: natural, reason: text }),
);
export const changed: ControlMessage<ChangedMessage> = control(
  'changed',
  record({ tables: listOf(record({ worker: text, table: text })) }),
);
export const moved: ControlMessage<MovedMessage> = control(
  'moved',
  record({ tables: listOf(record({ worker: text, name: text, owner: text })), adoptions: listOf(adoption) }),
);
export const mail: ControlMessage<MailMessage> = control('mail', record({ receivers: listOf(text), hasLetters: flag }));
export const response: ControlMessage<ResponseMessage> = control(
  'response',
  record({ requestId: natural, error: anything, result: anything }),
);
export const expect: ControlMessage<ExpectMessage> = control(
  'expect',
  record({ token: binary, role: oneOf('journal', 'acks'), worker: text, attachment: natural, pid: natural }),
);
export const requestMessage: ControlMessage<RequestMessage> = control(
  'request',
  record({ requestId: natural, request: keeperRequest }),
);
export const resume: ControlMessage<ResumeMessage> = control(
  'resume',
  record({
    instance: natural,
    seenLsn: natural,
    live: listOf(record({ worker: text, epoch: natural, attachment: natural })),
    workers: optional(listOf(text)),
  }),
);
export const shutdown: ControlMessage<Record<string, never>> = control('shutdown', record({}));
export const welcome: ControlMessage<WelcomeMessage> = control(
  'welcome',
  record({ epoch: natural, lastBatch: natural }),
);
export const fenced: ControlMessage<FencedMessage> = control('fenced', record({ reason: text }));
