/**
 * Plays the life of a scratch worker inside of a standby, so that the code of a takeover is compiled before it is needed.
 *
 * A process that has only been started runs every function for the first time when it takes over, and compiling them took
 * 2.7 ms of a recovery of 10; after this, well under one. Nothing leaves: the scratch worker has ports that lead nowhere, a
 * store in memory, and the failpoints are off meanwhile. The real store is read besides, where it has no rows.
 */
import { encodeKey, row, table } from '@heirloom/tables';
import type { RowSource, StoredRow } from '@heirloom/tables';
import {
  activate,
  ByteWriter,
  decodeControl,
  encodeValue,
  RowCodec,
  withoutFailpoints,
  writeCall,
} from '@heirloom/wire';
import type { TableGrant } from '@heirloom/wire';
import { defineWorker } from './definition.js';
import type { RowReader } from './hydration.js';
import type { WorkerLog } from './handler-context.js';
import { Incarnation } from './incarnation.js';
import { OutputGate } from './output-gate.js';

/** How long the process waits first: one that is needed at once has no time to rehearse. */
export const REHEARSAL_DELAY_MS = 50;
/** How many rounds of calls one act has: few, as whatever comes meanwhile has to wait for the end of the act. */
const ROUNDS_PER_ACT = 10;
/** How many times the life is played: V8 has then compiled what a call runs, and begun to optimise it. */
const ACTS = 10;
const STORED_ROWS = 64;

const scratch = defineWorker({
  tables: {
    set: table({ row: row<{ id: number; name: string; count: number }>(), key: 'id' }),
    ordered: table({ row: row<{ id: string; count: number }>(), type: 'ordered_set', key: 'id' }),
    bag: table({ row: row<{ id: string; count: number }>(), type: 'bag', key: 'id' }),
  },
  calls: {
    change({ tables }, id: number) {
      tables.set.insert({ id, name: `row ${id}`, count: 0 });
      tables.ordered.updateCounter(`row ${id}`, 'count', 1, { default: { id: `row ${id}`, count: 0 } });
      tables.bag.insert({ id: 'all', count: id });
      return tables.set.updateCounter(id, 'count', 2);
    },
    read({ tables }, id: number) {
      return [tables.set.lookup(id), tables.ordered.lookup(`row ${id}`), tables.bag.member('all'), tables.set.size];
    },
    fail({ tables }, id: number): void {
      tables.set.insert({ id, name: 'never', count: 0 });
      throw new Error('a rehearsal fails on purpose');
    },
  },
});
const CALLS = ['change', 'read', 'fail'] as const;

/** No table lies in this extent; see the keeper's layout. */
const NO_EXTENT = 0;

/** Rehearses in several turns of the event loop, until `isOver` says that there is no time for it any more. */
export function rehearse(isOver: () => boolean, openReader: () => RowReader): void {
  let acts = 0;
  const next = (): void => {
    if (isOver() || acts++ >= ACTS) return;
    withoutFailpoints(play);
    readStore(openReader);
    setTimeout(next, 1);
  };
  setTimeout(next, REHEARSAL_DELAY_MS);
}

function play(): void {
  const gate = new OutputGate();
  const incarnation = scratchIncarnation(gate);
  // Through the codec, as the real one comes.
  const message = { epoch: 1, lsn: 1, restarted: true, tables: grants() };
  incarnation.activate(decodeControl(activate, encodeValue(message)));
  for (let id = 0; id < ROUNDS_PER_ACT; id++) {
    for (const name of CALLS) incarnation.receive(callBody(id, name));
    incarnation.release(gate.lastNumber);
  }
}

function readStore(openReader: () => RowReader): void {
  try {
    const reader = openReader();
    for (let id = 0; id < ROUNDS_PER_ACT; id++) {
      const source = reader.source(NO_EXTENT, 'set', new RowCodec());
      source.rowsOf(encodeKey(id, true));
      source.scan({ limit: STORED_ROWS });
    }
    reader.close();
  } catch {
    // There may be no store yet, or no more. Whoever needs it is told.
  }
}

function scratchIncarnation(gate: OutputGate): Incarnation {
  const nothing = (): void => undefined;
  const log: WorkerLog = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  return new Incarnation({
    name: 'rehearsal',
    definition: scratch,
    gate,
    ports: {
      reply: nothing,
      ask: nothing,
      leave: nothing,
      timerDue: nothing,
      setAlarm: nothing,
      flush: nothing,
      isCongested: () => false,
      // At once: a rehearsal is over when `play` returns.
      defer: (task) => task(),
      handlerBegins: nothing,
      handlerEnded: nothing,
      now: Date.now,
      log,
      reader: () => ({ source: (_extent, _type, codec) => storedRows(codec), close: () => undefined }),
      onActive: nothing,
      onContinued: nothing,
      onInitFailed: nothing,
      onIgnored: nothing,
      onStopped: nothing,
      onBug: (error) => {
        throw error;
      },
      onCrash: nothing,
    },
  });
}

function callBody(id: number, name: string): Uint8Array {
  const writer = new ByteWriter(64);
  writeCall(writer, id, name, [id]);
  return writer.take();
}

function grants(): TableGrant[] {
  return Object.keys(scratch.tables).map((name, index) => ({
    name,
    tableId: index + 1,
    extent: index + 1,
    size: name === 'set' ? STORED_ROWS : 0,
    nextSequence: 1,
    shapes: [{ id: 0, fields: ['id', 'name', 'count'] }],
  }));
}

/** A store in memory with the rows of the set, encoded as the real one has them. */
function storedRows(codec: RowCodec): RowSource {
  const stored = Array.from({ length: STORED_ROWS }, (_, id) => ({
    keyBytes: encodeKey(id, true),
    rowBytes: codec.encodeRow({ id, name: `row ${id}`, count: id }),
  }));
  const decoded = (rows: typeof stored): StoredRow[] =>
    rows.map(({ keyBytes, rowBytes }) => ({ keyBytes, sequence: 0, row: codec.decodeRow(rowBytes) }));
  return {
    rowsOf: (keyBytes) => decoded(stored.filter((one) => Buffer.compare(one.keyBytes, keyBytes) === 0)),
    scan: () => decoded(stored),
  };
}
