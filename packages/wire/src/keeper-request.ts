/**
 * What the router asks of the keeper, and the answers that have a form of their own.
 */
import type { CastRequest, OutboxGrant } from './cast-request.js';
import { castRequestFields } from './cast-request.js';
import type { FieldCheck } from './field.js';
import { anything, binary, flag, listOf, natural, optional, record, text } from './field.js';
import type { KeptOutcome } from './outcome-key.js';
import type { RowForm, StoredShape, TableDeclaration, TableGrant } from './table-grant.js';
import { tableDeclaration } from './table-grant.js';
import type { Adoption, ElsewhereTable } from './table-move.js';

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
      /** The workers that came since `resume` or the last of these requests, whether they live or not. */
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
  /** Gives a table another runtime-wide name. */
  | {
      readonly type: 'rename';
      readonly worker: string;
      readonly table: string;
      readonly name: string;
      /** The worker whose handler asks; undefined for the embedding process. */
      readonly by?: string | undefined;
    }
  /** The table that has a runtime-wide name. */
  | { readonly type: 'whereis'; readonly name: string }
  /** The outcome that is kept under an idempotency key; answered with an OutcomeFinding. */
  | { readonly type: 'outcome'; readonly worker: string; readonly key: string }
  /** Every table of the runtime. */
  | { readonly type: 'tables' }
  /** Stores a record of the router's own under a number, or removes it. */
  | { readonly type: 'keep'; readonly number: number; readonly record: Uint8Array | undefined }
  /** Some of these records, behind a number. */
  | { readonly type: 'kept'; readonly after: number }
  | { readonly type: 'inspect' }
  | CastRequest
  /** Answered when everything that was sent before it has been handled. */
  | { readonly type: 'barrier' };

/** A record that the router has kept. */
export interface KeptRow {
  readonly number: number;
  readonly record: Uint8Array;
}
/** What the keeper knows of an idempotency key: its outcome; nothing, so that the call may be made; or that no more can be kept. */
export type OutcomeFinding =
  | { readonly kind: 'kept'; readonly outcome: KeptOutcome }
  | { readonly kind: 'none' }
  | { readonly kind: 'full'; readonly count: number; readonly bytes: number };
export interface EpochOpened {
  readonly epoch: number;
  readonly lsn: number;
  readonly restarted: boolean;
  readonly tables: readonly TableGrant[];
  readonly inherited?: readonly Adoption[];
  readonly elsewhere?: readonly ElsewhereTable[];
  readonly outbox?: OutboxGrant;
}
export interface EpochClosed {
  readonly lsn: number;
  readonly lastBatch: number;
  /** Whether the journal was read to its end; false when the deadline passed first. */
  readonly drained: boolean;
}
/** What is needed to read the rows of a page. */
interface PageRows {
  readonly form: RowForm;
  readonly shapes: readonly StoredShape[];
}
/** Whole batches of changes to one table. */
export interface ChangesPage extends PageRows {
  readonly timeline: number;
  /** Every change up to it is in this page or in earlier ones. */
  readonly lsn: number;
  /** By growing LSN; when there are none, `changed` follows as soon as there are. */
  readonly batches: readonly { readonly lsn: number; readonly record: Uint8Array }[];
}
/** Rows of one table at one moment, in the order of their bytes, as a change record of puts. */
export interface ImagePage extends PageRows {
  readonly timeline: number;
  readonly lsn: number;
  readonly record: Uint8Array;
  /** Where the next page begins; undefined when there is none. */
  readonly after: Uint8Array | undefined;
}

/** The check of a request. */
export const keeperRequest: FieldCheck<KeeperRequest> = (value): value is KeeperRequest => {
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
  rename: record({ type: text, worker: text, table: text, name: text, by: optional(text) }),
  whereis: record({ type: text, name: text }),
  outcome: record({ type: text, worker: text, key: text }),
  tables: record({ type: text }),
  keep: record({ type: text, number: natural, record: optional(binary) }),
  kept: record({ type: text, after: natural }),
  inspect: record({ type: text }),
  barrier: record({ type: text }),
  ...castRequestFields,
};
