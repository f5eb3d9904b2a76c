/**
 * Encodes what handlers did: results and errors as outcomes, changes as batches.
 *
 * 1. Rows are encoded with the shapes of their table. Shapes that a batch is the first to use travel in it.
 * 2. The bytes that are returned are kept by the caller for as long as it likes; they are never written again.
 */
import { invariant } from '@heirloom/tables';
import type { RowChange } from '@heirloom/tables';
import { ByteWriter, RowCodec, encodeError, writeBatch, writeValue } from '@heirloom/wire';
import type {
  Cast,
  CastEnding,
  Change,
  MigrationStep,
  Outcome,
  OutcomeKeeping,
  OwnershipStep,
  TableChanges,
  TableGrant,
} from '@heirloom/wire';
import { WorkerError } from './errors.js';
import { RESULT_BYTES_MAX } from './transaction.js';
import type { TableCommit } from './transaction.js';

/** What a handler did, besides answering. */
export interface HandlerEffects {
  readonly commits: readonly TableCommit[];
  readonly steps: readonly OwnershipStep[];
  readonly casts: readonly Cast[];
}

/** What its batch says of the call whose handler it was: how a stored cast has ended, and how the outcome is kept. */
export interface AnsweredCall {
  readonly ending?: CastEnding | undefined;
  readonly keeping?: OutcomeKeeping | undefined;
}

interface EncodedTable {
  readonly tableId: number;
  readonly codec: RowCodec;
}

export class BatchEncoder {
  private readonly tables = new Map<string, EncodedTable>();
  private readonly payloads = new ByteWriter();
  private readonly batches = new ByteWriter();

  /** Takes the tables as the keeper granted them. */
  constructor(grants: readonly TableGrant[]) {
    for (const grant of grants) this.adopt(grant.name, grant);
  }

  /** Takes one more table, or one that comes back. */
  adopt(name: string, { tableId, shapes }: TableGrant): void {
    this.tables.set(name, { tableId, codec: new RowCodec(shapes) });
  }

  /** The codec of a table's rows: the shapes it learns by encoding are also needed to read those rows back. */
  codecOf(name: string): RowCodec {
    return this.encodedTable(name).codec;
  }

  /**
   * The outcome of a call that returned. Throws WorkerError ERR_WORKER_RESULT or ERR_WORKER_RESULT_LIMIT if its result
   * cannot be given to the caller.
   */
  returned(callId: number, result: unknown): Outcome {
    try {
      writeValue(this.payloads, result);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new WorkerError('ERR_WORKER_RESULT', `What the handler returned cannot be sent: ${reason}`, {}, { cause });
    }
    const { length } = this.payloads;
    if (length > RESULT_BYTES_MAX) {
      this.payloads.truncate(0);
      const message = `The handler returned ${length} bytes; ${RESULT_BYTES_MAX} are the most. Return less, or in pieces.`;
      throw new WorkerError('ERR_WORKER_RESULT_LIMIT', message, { bytes: length, limit: RESULT_BYTES_MAX });
    }
    return { callId, threw: false, payload: this.payloads.take() };
  }

  /** The outcome of a call that threw. */
  threw(callId: number, error: unknown): Outcome {
    writeValue(this.payloads, encodeError(error));
    return { callId, threw: true, payload: this.payloads.take() };
  }

  /** Encodes a batch; `outcome` is undefined for one that answers no call, `ending` for one that is not of a stored cast. */
  batch(
    number: number,
    outcome: Outcome | undefined,
    { commits, steps, casts }: HandlerEffects,
    { ending, keeping }: AnsweredCall,
    isInit: boolean,
  ): Uint8Array {
    const tables = commits.map((commit) => this.rows(commit));
    const outcomes = outcome === undefined ? [] : [outcome];
    writeBatch(this.batches, { number, isInit, outcomes, tables, steps, casts, ending, keeping });
    return this.batches.take();
  }

  /** Encodes a step of a migration as a batch of its own. */
  migration(number: number, migration: MigrationStep): Uint8Array {
    writeBatch(this.batches, { number, isInit: false, outcomes: [], tables: [], migration });
    return this.batches.take();
  }

  /** Encodes the changes of one table. */
  rows({ name, table, changes }: TableCommit): TableChanges {
    const { tableId, codec } = this.encodedTable(name);
    const cleared = changes[0]?.kind === 'clear';
    const rows: Change[] = [];
    for (let i = cleared ? 1 : 0; i < changes.length; i++) rows.push(encodeChange(codec, changes[i]));
    // After the rows were encoded, as that makes them.
    const shapes = codec.takeNewShapes();
    return { tableId, size: table.size, nextSequence: table.nextSequence, cleared, shapes, changes: rows };
  }

  private encodedTable(name: string): EncodedTable {
    const table = this.tables.get(name);
    invariant(table !== undefined, `the keeper granted no table '${name}'`);
    return table;
  }
}

function encodeChange(codec: RowCodec, change: RowChange | undefined): Change {
  invariant(change !== undefined && change.kind !== 'clear', 'a table was cleared in the middle of its changes');
  const { keyBytes, sequence } = change;
  return { keyBytes, sequence, rowBytes: change.kind === 'put' ? codec.encodeRow(change.row) : undefined };
}
