/**
 * Where tables are, and whom the router tells.
 *
 * Mutations that make this fail, each tried: an adoption is sent to another epoch than the one it is for; one that comes before the
 * activation is dropped; a table that comes home stays where it was.
 */
import type { Adoption, Connection } from '@heirloom/wire';
import { adopt, decodeControl, ByteWriter } from '@heirloom/wire';
import { beforeEach, expect, it } from 'vitest';
import { TableDirectory } from '../src/table-directory.js';
import { WorkerSlot } from '../src/worker-slot.js';

const limits = {
  waitingMax: 1,
  waitingBytesMax: 1,
  sentMax: 1,
  sentBytesMax: 1,
  triesMax: 1,
  suspectWindow: 1,
};
const slots = { bank: new WorkerSlot('bank', limits), auditor: new WorkerSlot('auditor', limits) };
let directory: TableDirectory;

/** A connection that keeps which adoptions were sent. */
function receiver(): { connection: Connection; moves: number[] } {
  const moves: number[] = [];
  const send = (_kind: number, encode: (writer: ByteWriter) => void): void => {
    const writer = new ByteWriter();
    encode(writer);
    moves.push(decodeControl(adopt, writer.take()).moves);
  };
  // Nothing else of a connection is used.
  return { connection: { send } as unknown as Connection, moves };
}

function adoption(epoch: number, moves: number): Adoption {
  return {
    worker: 'bank',
    declaration: {
      name: 'accounts',
      type: 'set',
      access: 'public',
      survives: 'power_loss',
      key: 'id',
      publicName: undefined,
      keepBytes: undefined,
      version: 1,
    },
    grant: { name: 'accounts', tableId: 1, extent: 1, size: 0, nextSequence: 1, shapes: [] },
    moves,
    owner: 'auditor',
    epoch,
    notice: { from: 'bank', data: undefined },
  };
}

const tell = (owner: string, adoptions: readonly Adoption[] = []): void =>
  directory.moved({ tables: [{ worker: 'bank', name: 'accounts', owner }], adoptions });

beforeEach(() => {
  directory = new TableDirectory();
  for (const slot of Object.values(slots)) directory.register(slot);
});

it('finds a table with its worker, with its new owner, and at home again', () => {
  expect(directory.workers).toEqual(['bank', 'auditor']);
  expect(directory.ownerOf(slots.bank, 'accounts')).toBe(slots.bank);
  tell('auditor');
  expect(directory.ownerOf(slots.bank, 'accounts')).toBe(slots.auditor);
  expect(directory.ownerOf(slots.bank, 'others')).toBe(slots.bank);
  tell('bank');
  expect(directory.ownerOf(slots.bank, 'accounts')).toBe(slots.bank);
});

it('finds a table whose owner is no worker of the runtime with the worker that declares it', () => {
  tell('gone');
  expect(directory.ownerOf(slots.bank, 'accounts')).toBe(slots.bank);
});

it('tells the epoch that a table is for, and no other', () => {
  const { connection, moves } = receiver();
  directory.activated('auditor', { epoch: 2, connection });
  tell('auditor', [adoption(1, 1), adoption(2, 2)]);
  expect(moves).toEqual([2]);
});

it('tells an incarnation that is activated later, and one that takes over in the meantime', () => {
  const first = receiver();
  const second = receiver();
  directory.activated('auditor', { epoch: 1, connection: first.connection });
  tell('auditor', [adoption(2, 3)]);
  directory.retired('auditor', 1);
  directory.activated('auditor', { epoch: 2, connection: second.connection });
  expect([first.moves, second.moves]).toEqual([[], [3]]);
});

it('tells nobody of an epoch that is over', () => {
  const { connection, moves } = receiver();
  directory.activated('auditor', { epoch: 1, connection });
  directory.retired('auditor', 1);
  tell('auditor', [adoption(1, 1)]);
  expect(moves).toEqual([]);
  const next = receiver();
  directory.activated('auditor', { epoch: 2, connection: next.connection });
  expect(next.moves).toEqual([]);
});

it('tells each keeper of all workers once, and then of those that come', () => {
  expect(directory.introduce()).toEqual(['bank', 'auditor']);
  expect(directory.takeUntold()).toEqual([]);
  directory.register(new WorkerSlot('clerk', limits));
  expect(directory.takeUntold()).toEqual(['clerk']);
  expect(directory.takeUntold()).toEqual([]);
  expect(directory.introduce()).toEqual(['bank', 'auditor', 'clerk']);
});
