/**
 * The messages between the processes of a runtime: which frame kinds there are, who sends them, and what is in them.
 *
 * Connections (each begins with a HELLO that carries a single-use token):
 *
 *   role      from → to         frames
 *   calls     worker ↔ router   ready, loadFailed, active, initFailed, reply, stopped, crash, keeperLost, ask, leave | activate,
 *                               call, keeper, stop, adopt, answer
 *   control   keeper ↔ router   keeperReady, keeperFailed, response, replies, violated, changed, moved | expect, request, resume,
 *                               confirm, shutdown
 *   journal   worker → keeper   batch          one way: the keeper never writes to it, so a dying worker loses nothing it sent
 *   acks      keeper → worker   welcome, ack, fenced        one way
 *
 * Frames that occur once a call (call, reply, answer, batch, replies, ack, confirm) have a binary body, described at their codec
 * in call-messages.ts and batch.ts. All others are control messages: one plain object as a value, checked field by field.
 */
import type { KeySpec } from '@heirloom/tables';
import type { ByteWriter } from './byte-writer.js';
import type { Checked, FieldCheck } from './field.js';
import { anything, binary, expectMessage, flag, listOf, natural, oneOf, optional, record, text } from './field.js';
import { decodeValue, writeValue } from './value-codec.js';

/** The byte of each frame kind. A number is never used again for something else. */
export const FrameKind = {
  hello: 1,
  // worker → router
  ready: 10,
  loadFailed: 11,
  active: 12,
  initFailed: 13,
  reply: 14,
  stopped: 15,
  crash: 16,
  keeperLost: 17,
  ask: 18,
  leave: 19,
  // router → worker
  activate: 20,
  call: 21,
  keeper: 22,
  stop: 23,
  adopt: 24,
  answer: 25,
  // keeper → router
  keeperReady: 30,
  keeperFailed: 31,
  response: 32,
  replies: 33,
  violated: 34,
  changed: 35,
  moved: 36,
  // router → keeper
  expect: 40,
  request: 41,
  resume: 42,
  confirm: 43,
  shutdown: 44,
  // worker → keeper
  batch: 50,
  // keeper → worker
  welcome: 60,
  ack: 61,
  fenced: 62,
} as const;

/** What a client says it is in its HELLO. */
export type Role = 'calls' | 'control' | 'journal' | 'acks';

const isKeyPart = (value: unknown): value is string | number => text(value) || natural(value);
const keySpec: FieldCheck<KeySpec> = (value): value is KeySpec =>
  isKeyPart(value) || (Array.isArray(value) && value.length > 0 && value.every(isKeyPart));
/** The check of a table's declaration; the keeper stores it as it came. */
export const tableDeclaration: FieldCheck<TableDeclaration> = record({
  name: text,
  type: oneOf('set', 'ordered_set', 'bag', 'duplicate_bag'),
  access: oneOf('private', 'protected', 'public'),
  survives: oneOf('power_loss', 'runtime_crash', 'nothing'),
  key: keySpec,
  publicName: optional(text),
  version: natural,
  migrates: optional(flag),
  keepBytes: optional(natural),
  heir: optional(text),
});
/** A table as its worker's definition declares it. */
export type TableDeclaration = DeclaredFields & {
  /** The worker that inherits the table; without one it is the keeper. */
  readonly heir?: string | undefined;
};
type DeclaredFields = Checked<{
  name: FieldCheck<string>;
  type: FieldCheck<'set' | 'ordered_set' | 'bag' | 'duplicate_bag'>;
  access: FieldCheck<'private' | 'protected' | 'public'>;
  survives: FieldCheck<'power_loss' | 'runtime_crash' | 'nothing'>;
  key: FieldCheck<KeySpec>;
  publicName: FieldCheck<string | undefined>;
  version: FieldCheck<number>;
  /** How many bytes of changes are kept for those who watch; undefined when none are. */
  keepBytes: FieldCheck<number | undefined>;
}> & {
  /** Whether the worker can make rows of this version of those of a lower one. */
  readonly migrates?: boolean | undefined;
};

/** The field names of one row shape of one table, with the id that encoded rows use. */
export interface StoredShape {
  readonly id: number;
  readonly fields: readonly string[];
}
/** A table as the keeper hands it to a new incarnation: where its rows lie in the store, and how many there are. */
export interface TableGrant {
  readonly name: string;
  readonly tableId: number;
  readonly extent: number;
  readonly size: number;
  readonly nextSequence: number;
  readonly shapes: readonly StoredShape[];
  /** Present if the rows are of a lower version than the declared one: the worker has to migrate them first. */
  readonly migration?: MigrationGrant | undefined;
}
/** How far the rows of a table are on their way to a new version. */
export interface MigrationGrant {
  readonly fromVersion: number;
  /** The type with which the old rows are stored. */
  readonly fromType: TableDeclaration['type'];
  /** Where the new rows lie, and how many there are so far. */
  readonly extent: number;
  readonly size: number;
  readonly nextSequence: number;
  /** Where to go on in the old rows; empty for their beginning. */
  readonly cursor: Uint8Array;
  readonly hasMoved: boolean;
  readonly isComplete: boolean;
}
const migrationGrant: FieldCheck<MigrationGrant> = record({
  fromVersion: natural,
  fromType: oneOf('set', 'ordered_set', 'bag', 'duplicate_bag'),
  extent: natural,
  size: natural,
  nextSequence: natural,
  cursor: binary,
  hasMoved: flag,
  isComplete: flag,
});
const tableGrant: FieldCheck<TableGrant> = record({
  name: text,
  tableId: natural,
  extent: natural,
  size: natural,
  nextSequence: natural,
  shapes: listOf(record({ id: natural, fields: listOf(text) })),
  migration: optional(migrationGrant),
});

/** What the new owner of a table is told once: who had it, and what was given with it. */
export interface TransferNotice {
  readonly from: string;
  readonly data: unknown;
}
/** A table that an incarnation owns besides those that it declares, or one that it declares and gets back. */
export interface Adoption {
  /** The worker that declares the table; with the table's name this is its identity. */
  readonly worker: string;
  readonly declaration: TableDeclaration;
  readonly grant: TableGrant;
  /** How often the table has moved: an adoption may come twice, and is one with its number. */
  readonly moves: number;
  readonly owner: string;
  /** The epoch of the owner that this is for. */
  readonly epoch: number;
  /** What the owner has not taken note of yet. */
  readonly notice: TransferNotice | undefined;
}
/** Which worker has a table now. */
export interface TableMove {
  readonly worker: string;
  readonly name: string;
  readonly owner: string;
}
/** A declared table that another worker owns. */
export interface ElsewhereTable {
  readonly name: string;
  readonly owner: string;
}
const adoption: FieldCheck<Adoption> = record({
  worker: text,
  declaration: tableDeclaration,
  grant: tableGrant,
  moves: natural,
  owner: text,
  epoch: natural,
  notice: optional(record({ from: text, data: anything })),
});
const elsewhere = listOf(record({ name: text, owner: text }));

/** Keeper → router, behind the commit that moved them and before anything that tells of it: tables with another owner. */
export interface MovedMessage {
  readonly tables: readonly TableMove[];
  /** Those whose owner has an open epoch, for it. */
  readonly adoptions: readonly Adoption[];
}

/** Worker → router, once its module is loaded: what it defines. */
export interface ReadyMessage {
  readonly pid: number;
  readonly calls: readonly string[];
  readonly tables: readonly TableDeclaration[];
}
/** Keeper → router: the connections of this worker process were closed, as it broke the protocol. It must be replaced. */
export interface ViolatedMessage {
  readonly attachment: number;
  readonly reason: string;
}
/** An error as plain data, by `encodeError`. */
export interface ErrorMessage {
  readonly error: unknown;
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
  /** The worker that declares the table. */
  readonly worker: string;
  readonly table: string;
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

/** Keeper → router: the store is open, and this is where it stands. */
export interface KeeperReadyMessage {
  readonly pid: number;
  readonly socketPath: string;
  readonly storePath: string;
  readonly timeline: number;
  readonly lsn: number;
  /** The number of this start of a runtime on this store; call ids belong to it. */
  readonly instance: number;
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
export interface SnapshotPage {
  /** The number that the router chose for the snapshot. */
  readonly id: number;
  /** Where the page before ended, as the keeper said; undefined for the first one, with which the snapshot begins. */
  readonly after: unknown;
  readonly rowsMax: number;
}
export type KeeperRequest =
  | {
      readonly type: 'openEpoch';
      readonly worker: string;
      readonly attachment: number;
      readonly tables: readonly TableDeclaration[];
      /** The workers of the runtime, whether they live or not. */
      readonly workers?: readonly string[] | undefined;
    }
  | {
      readonly type: 'closeEpoch';
      readonly worker: string;
      readonly epoch: number;
      readonly drainTimeoutMs: number;
      /** Whether the whole runtime ends, so that nobody inherits. */
      readonly isClosing?: boolean | undefined;
    }
  | {
      readonly type: 'read';
      readonly worker: string;
      readonly table: string;
      readonly operation: string;
      readonly arguments: unknown;
      /** Which page of a selection is wanted, when it is read in several that all show one moment. */
      readonly snapshot?: SnapshotPage | undefined;
    }
  /** No further page of this snapshot is asked for, also if its first one still waits. */
  | { readonly type: 'endSnapshot'; readonly snapshot: number }
  /** Changes behind a position, or only the present position when there is no `lsn`. A timeline that is given must be the store's. */
  | {
      readonly type: 'changes';
      readonly worker: string;
      readonly table: string;
      readonly timeline: number | undefined;
      readonly lsn: number | undefined;
    }
  /** Some of the rows of a watched table, behind the place where the last ones ended. */
  | { readonly type: 'image'; readonly worker: string; readonly table: string; readonly after: Uint8Array | undefined }
  /** Gives a table another runtime-wide name, as somebody who is not its owner. */
  | { readonly type: 'rename'; readonly worker: string; readonly table: string; readonly name: string }
  /** The table that has a runtime-wide name. */
  | { readonly type: 'whereis'; readonly name: string }
  /** Every table of the runtime. */
  | { readonly type: 'tables' }
  | { readonly type: 'inspect' }
  /** Answered when everything that was sent before it has been handled. */
  | { readonly type: 'barrier' };
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
export interface EpochOpened {
  readonly epoch: number;
  readonly lsn: number;
  readonly restarted: boolean;
  readonly tables: readonly TableGrant[];
  readonly inherited?: readonly Adoption[];
  readonly elsewhere?: readonly ElsewhereTable[];
}
export interface EpochClosed {
  readonly lsn: number;
  readonly lastBatch: number;
  /** Whether the journal was read to its end; false when the deadline passed first. */
  readonly drained: boolean;
}
/** Whole batches of changes to one table, with what is needed to decode their rows. */
export interface ChangesPage {
  readonly timeline: number;
  /** Every change up to it is in this page or in earlier ones. */
  readonly lsn: number;
  /** By growing LSN; when there are none, `changed` follows as soon as there are. */
  readonly batches: readonly { readonly lsn: number; readonly record: Uint8Array }[];
  readonly shapes: readonly StoredShape[];
}
/** Rows of one table at one moment, in the order of their bytes, as a change record of puts. */
export interface ImagePage {
  readonly timeline: number;
  readonly lsn: number;
  readonly record: Uint8Array;
  /** Where the next page begins; undefined when there is none. */
  readonly after: Uint8Array | undefined;
  readonly shapes: readonly StoredShape[];
}
/** Keeper → router: these tables have changes, and had none for somebody who asked. Sent once, until somebody asks again. */
export interface ChangedMessage {
  readonly tables: readonly { readonly worker: string; readonly table: string }[];
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

const error = record({ error: anything });
const request: FieldCheck<KeeperRequest> = (value): value is KeeperRequest => {
  if (typeof value !== 'object' || value === null) return false;
  const { type } = value as { readonly type?: unknown }; // A decoded value: reading runs no code.
  // Only own fields: an object also has inherited ones, such as `constructor`.
  if (typeof type !== 'string' || !Object.hasOwn(requestFields, type)) return false;
  return requestFields[type as KeeperRequest['type']](value); // One of the names, by the check above.
};
const requestFields = {
  openEpoch: record({
    type: text,
    worker: text,
    attachment: natural,
    tables: listOf(tableDeclaration),
    workers: optional(listOf(text)),
  }),
  closeEpoch: record({
    type: text,
    worker: text,
    epoch: natural,
    drainTimeoutMs: natural,
    isClosing: optional(flag),
  }),
  read: record({
    type: text,
    worker: text,
    table: text,
    operation: text,
    arguments: anything,
    snapshot: optional(record({ id: natural, after: anything, rowsMax: natural })),
  }),
  endSnapshot: record({ type: text, snapshot: natural }),
  changes: record({ type: text, worker: text, table: text, timeline: optional(natural), lsn: optional(natural) }),
  image: record({ type: text, worker: text, table: text, after: optional(binary) }),
  rename: record({ type: text, worker: text, table: text, name: text }),
  whereis: record({ type: text, name: text }),
  tables: record({ type: text }),
  inspect: record({ type: text }),
  barrier: record({ type: text }),
};

/** A control message: its frame kind with the check of its body. */
export interface ControlMessage<T> {
  readonly name: string;
  readonly kind: number;
  readonly check: FieldCheck<T>;
}
function control<T>(name: keyof typeof FrameKind, check: FieldCheck<T>): ControlMessage<T> {
  return { name, kind: FrameKind[name], check };
}

export const ready: ControlMessage<ReadyMessage> = control(
  'ready',
  record({ pid: natural, calls: listOf(text), tables: listOf(tableDeclaration) }),
);
export const loadFailed: ControlMessage<ErrorMessage> = control('loadFailed', error);
/** Worker → router: `init` is done and released. Until it comes no call is sent to the worker. */
export const active: ControlMessage<Record<string, never>> = control('active', record({}));
export const initFailed: ControlMessage<ErrorMessage> = control('initFailed', error);
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
    table: text,
    operation: text,
    arguments: binary,
    timeoutMs: optional(natural),
  }),
);
export const leave: ControlMessage<LeaveMessage> = control(
  'leave',
  record({ callId: optional(natural), ordinal: natural }),
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
  }),
);
/** Router → worker: it owns one more table. */
export const adopt: ControlMessage<Adoption> = control('adopt', adoption);
export const keeper: ControlMessage<KeeperMessage> = control(
  'keeper',
  record({ socketPath: text, storePath: text, journalToken: binary, acksToken: binary }),
);
export const stop: ControlMessage<StopMessage> = control('stop', record({}));
export const keeperReady: ControlMessage<KeeperReadyMessage> = control(
  'keeperReady',
  record({ pid: natural, socketPath: text, storePath: text, timeline: natural, lsn: natural, instance: natural }),
);
export const keeperFailed: ControlMessage<ErrorMessage> = control('keeperFailed', error);
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
  record({ requestId: natural, request }),
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

/** Something that can send a frame: a Connection. */
export interface FrameSink {
  send(kind: number, encode: (writer: ByteWriter) => void): void;
}
/** Queues a control message on a connection. */
export function sendControl<T>(sink: FrameSink, message: ControlMessage<T>, body: NoInfer<T>): void {
  sink.send(message.kind, (writer) => writeValue(writer, body));
}
/** Decodes and checks the body of a control message; throws WireError ERR_WIRE_DECODE or ERR_WIRE_MESSAGE. */
export function decodeControl<T>(message: ControlMessage<T>, body: Uint8Array): T {
  return expectMessage(message.name, message.check, decodeValue(body));
}
