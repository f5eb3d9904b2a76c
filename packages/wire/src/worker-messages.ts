/**
 * The control messages between a worker and the router, on the connection of calls.
 */
import type { OutboxGrant } from './cast-request.js';
import { outboxGrant } from './cast-request.js';
import { anything, binary, flag, listOf, natural, optional, record, text } from './field.js';
import type { ControlMessage, ErrorMessage } from './messages.js';
import { control, errorMessage } from './messages.js';
import type { TableDeclaration, TableGrant } from './table-grant.js';
import { tableDeclaration, tableGrant } from './table-grant.js';
import type { Adoption, ElsewhereTable } from './table-move.js';
import { adoption, elsewhere } from './table-move.js';

/** Worker → router, once its module is loaded: what it defines. */
export interface ReadyMessage {
  readonly pid: number;
  readonly calls: readonly string[];
  readonly tables: readonly TableDeclaration[];
}
/** Worker → router: `init` is done and released. Until it comes no call is sent to the worker. */
export interface ActiveMessage {
  /** Whether something is left to do first: then no call is sent before `continued`. */
  readonly isContinuing?: boolean | undefined;
}
/** Worker → router, best effort before it dies of an uncaught error: what it died of, and what was running. */
export interface CrashMessage {
  readonly error: unknown;
  readonly callId: number | undefined;
}
/** Worker → router: a connection to this keeper failed or ended. If it is still the keeper, the worker needs new tokens. */
export interface KeeperLostMessage {
  readonly socketPath: string;
}
/**
 * Worker → router: a handler asks for something of another worker, and waits. The answer is an outcome with the request's id in
 * place of a call's. Who asks is the worker of the connection.
 */
export interface AskMessage {
  /** The worker's number of the question, unique in the process. */
  readonly requestId: number;
  /** The call whose handler asks; undefined for `init` and `tableTransferred`. */
  readonly callId: number | undefined;
  /** Which of the handler's questions this is, from 0: with the call it names the question, also when the call is run again. */
  readonly ordinal: number;
  /** The worker that is called, or that declares the table. */
  readonly worker: string;
  /** The table of an operation; undefined for a call. */
  readonly table: string | undefined;
  /** The name of the operation, or of the call. */
  readonly operation: string;
  /** Encoded: the router compares them when the question is asked again. */
  readonly arguments: Uint8Array;
  /** In milliseconds; undefined for no limit. */
  readonly timeoutMs: number | undefined;
}
/** Worker → router: no further page is wanted of the iteration that the question of this ordinal began. */
export interface LeaveMessage {
  readonly callId: number | undefined;
  readonly ordinal: number;
}
/** Worker → router: a timer is due, and the call is to be made that runs it. */
export interface TimerDueMessage {
  readonly name: string;
  readonly handler: string;
  /** Which start or repetition of the timer it is. */
  readonly generation: string;
}
/** Router → worker: this standby is now the incarnation `epoch` of its worker. */
export interface ActivateMessage {
  readonly epoch: number;
  readonly lsn: number;
  /** Whether an `init` of this worker has ever committed. */
  readonly restarted: boolean;
  /** The declared tables that it owns. */
  readonly tables: readonly TableGrant[];
  /** Tables of other workers that it owns, and those of its own that it was not told of yet. */
  readonly inherited?: readonly Adoption[] | undefined;
  readonly elsewhere?: readonly ElsewhereTable[] | undefined;
  /** The workers of the runtime: those that a table can be given to. */
  readonly workers?: readonly string[] | undefined;
  /** How its casts stand; undefined if it never made one. */
  readonly outbox?: OutboxGrant | undefined;
  /** What the program has given the worker, each encoded by itself. */
  readonly args?: readonly Uint8Array[] | undefined;
}
/** Router → worker: where the current keeper listens, and fresh tokens for it. */
export interface KeeperMessage {
  readonly socketPath: string;
  readonly storePath: string;
  readonly journalToken: Uint8Array;
  readonly acksToken: Uint8Array;
}
/** Router → worker: finish what has arrived, then exit. */
export type StopMessage = Record<string, never>;

export const ready: ControlMessage<ReadyMessage> = control(
  'ready',
  record({ pid: natural, calls: listOf(text), tables: listOf(tableDeclaration) }),
);
export const loadFailed: ControlMessage<ErrorMessage> = control('loadFailed', errorMessage);
export const active: ControlMessage<ActiveMessage> = control('active', record({ isContinuing: optional(flag) }));
/** Worker → router: what was to be done before the first call is done. */
export const continued: ControlMessage<Record<string, never>> = control('continued', record({}));
export const initFailed: ControlMessage<ErrorMessage> = control('initFailed', errorMessage);
/** Worker → router: `init` chose not to run; nothing of it was sent, and the process ends. */
export const ignored: ControlMessage<Record<string, never>> = control('ignored', record({}));
export const stopped: ControlMessage<Record<string, never>> = control('stopped', record({}));
export const crash: ControlMessage<CrashMessage> = control(
  'crash',
  record({ error: anything, callId: optional(natural) }),
);
export const keeperLost: ControlMessage<KeeperLostMessage> = control('keeperLost', record({ socketPath: text }));
export const ask: ControlMessage<AskMessage> = control(
  'ask',
  record({
    requestId: natural,
    callId: optional(natural),
    ordinal: natural,
    worker: text,
    table: optional(text),
    operation: text,
    arguments: binary,
    timeoutMs: optional(natural),
  }),
);
export const leave: ControlMessage<LeaveMessage> = control(
  'leave',
  record({ callId: optional(natural), ordinal: natural }),
);
export const timerDue: ControlMessage<TimerDueMessage> = control(
  'timerDue',
  record({ name: text, handler: text, generation: text }),
);
export const activate: ControlMessage<ActivateMessage> = control(
  'activate',
  record({
    epoch: natural,
    lsn: natural,
    restarted: flag,
    tables: listOf(tableGrant),
    inherited: optional(listOf(adoption)),
    elsewhere: optional(elsewhere),
    workers: optional(listOf(text)),
    outbox: optional(outboxGrant),
    args: optional(listOf(binary)),
  }),
);
/** Router → worker: it owns one more table. */
export const adopt: ControlMessage<Adoption> = control('adopt', adoption);
export const keeper: ControlMessage<KeeperMessage> = control(
  'keeper',
  record({ socketPath: text, storePath: text, journalToken: binary, acksToken: binary }),
);
export const stop: ControlMessage<StopMessage> = control('stop', record({}));
