import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  FrameKind,
  armFailpoints,
  connect,
  createToken,
  decodeValue,
  expect as announce,
  sendControl,
} from '@heirloom/wire';
import type { Inspection } from '../src/inspection.js';
import { Harness, declare, until } from './keeper-harness.js';

let harness: Harness;

beforeEach(() => {
  harness = new Harness();
});
afterEach(async () => {
  armFailpoints([]);
  await harness.dispose();
});

const things = declare('things');

describe('a keeper', () => {
  it('stores a batch, then replies and acknowledges (G1, G4)', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [things]);
    expect(worker.opened).toMatchObject({ epoch: 1, restarted: false, tables: [{ name: 'things', size: 0 }] });
    expect(worker.welcomes).toEqual([{ epoch: 1, lastBatch: 0 }]);
    worker.send([worker.changes('things', [{ key: 'x', row: { id: 'x', n: 1 } }], { size: 1 })], [7], { isInit: true });
    await until(() => harness.replies.length === 1 && worker.acks.length === 1, 'reply and ack are there');
    const [reply] = harness.replies;
    expect(reply?.outcomes.map(({ callId, payload }) => [callId, decodeValue(payload)])).toEqual([[7, 'r7']]);
    expect(worker.acks).toEqual([1]);
    expect(await harness.read('a', 'things', 'lookup', 'x')).toEqual({ id: 'x', n: 1 });
  });

  it('gives the next incarnation the tables as of the last committed batch', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [things]);
    worker.send([worker.changes('things', [{ key: 'x', row: { id: 'x' } }], { size: 1 })], [], { isInit: true });
    worker.die();
    expect(await harness.close('a', 1)).toEqual({ lsn: 1, lastBatch: 1, drained: true });
    const next = await harness.openWorker('a', [things]);
    expect(next.opened).toMatchObject({ epoch: 2, restarted: true, lsn: 1 });
    expect(next.opened.tables[0]).toMatchObject({ size: 1, shapes: [{ fields: ['id'] }] });
  });

  it('commits everything that a dead worker had sent, and sends its replies before the close is answered (G1, G4)', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [things]);
    for (let i = 1; i <= 2_000; i++) {
      worker.send([worker.changes('things', [{ key: i, row: { id: i } }], { size: i })], [i]);
    }
    worker.die();
    const closed = await harness.close('a', 1);
    expect(closed).toMatchObject({ lastBatch: 2_000, drained: true });
    expect(harness.replies.flatMap(({ outcomes }) => outcomes)).toHaveLength(2_000);
    expect(harness.order.lastIndexOf('replies')).toBeLessThan(harness.order.lastIndexOf('response'));
    expect(await harness.read('a', 'things', 'size')).toBe(2_000);
  });

  it('reads on after it was asked to close an epoch, until the journal ends (G1)', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [things]);
    const closing = harness.close('a', 1);
    // What the keeper was asked after that is answered, so it waits for the journal now.
    await harness.request({ type: 'barrier' });
    worker.send([worker.changes('things', [{ key: 'x', row: { id: 'x' } }], { size: 1 })], [1]);
    worker.die();
    expect(await closing).toMatchObject({ lastBatch: 1, drained: true });
    expect(harness.replies.flatMap(({ outcomes }) => outcomes)).toHaveLength(1);
  });

  it('drops the partial last frame that a kill leaves', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [things]);
    worker.send([], [1]);
    worker.journal.flushNow();
    // Half of a frame, written behind the connection's back.
    const { socket } = worker.journal as unknown as { socket: { write(bytes: Uint8Array): void } };
    socket.write(Uint8Array.of(0, 0, 1, 0, 1, FrameKind.batch, 0, 0, 1, 2, 3));
    worker.die();
    expect(await harness.close('a', 1)).toMatchObject({ lastBatch: 1, drained: true });
    expect(worker.fencedFor).toBeUndefined();
  });

  it('closes at the deadline an epoch whose worker never goes, and takes nothing more from it (G6)', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [things]);
    worker.send([], [1]);
    worker.journal.flushNow();
    await until(() => worker.acks.length === 1, 'the batch is committed');
    expect(await harness.close('a', 1, 30)).toMatchObject({ lastBatch: 1, drained: false });
    worker.send([], [2]);
    worker.journal.flushNow();
    await until(() => worker.fencedFor !== undefined && !worker.journal.isOpen, 'the worker is fenced');
    const next = await harness.openWorker('a', [things]);
    expect(next.opened).toMatchObject({ epoch: 2, lsn: 1 });
    expect(harness.replies.flatMap(({ outcomes }) => outcomes.map(({ callId }) => callId))).toEqual([1]);
  });

  it('answers the close of a closed epoch again, and refuses one that never was', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [things]);
    worker.send([]);
    worker.die();
    const first = await harness.close('a', 1);
    expect(await harness.close('a', 1)).toEqual(first);
    await expect(harness.close('a', 2)).rejects.toMatchObject({ code: 'ERR_KEEPER_EPOCH' });
    await expect(harness.close('nobody', 1)).rejects.toMatchObject({ code: 'ERR_KEEPER_EPOCH' });
  });

  it('ignores a repeated batch and fences a worker whose batches have a gap (G3)', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [things]);
    const other = await harness.openWorker('b', [things]);
    worker.send([], [1]);
    worker.send([], [1], { number: 1 });
    await until(() => worker.acks.length === 1, 'the first is committed');
    expect(harness.replies.flatMap(({ outcomes }) => outcomes)).toHaveLength(1);
    worker.send([], [3], { number: 3 });
    await until(() => worker.fencedFor !== undefined, 'the worker is fenced');
    expect(worker.fencedFor).toMatch(/Batch 3/);
    other.send([], [9]);
    await until(() => other.acks.length === 1, 'the other goes on');
    worker.die();
    expect(await harness.close('a', 1)).toMatchObject({ lastBatch: 1, drained: false });
  });

  it("refuses a batch for another worker's table, and changes nothing (G12)", async () => {
    await harness.start();
    const owner = await harness.openWorker('a', [things]);
    const thief = await harness.openWorker('b', [things]);
    thief.send([owner.changes('things', [{ key: 'x', row: { id: 'x' } }], { size: 1 })], [1]);
    await until(() => thief.fencedFor !== undefined, 'the thief is fenced');
    expect(await harness.read('a', 'things', 'size')).toBe(0);
  });

  it('closes only the connection that sends garbage (G9)', async () => {
    await harness.start();
    const good = await harness.openWorker('good', [things]);
    for (const garbage of [
      Uint8Array.of(0xff, 0xff, 0xff, 0xff),
      new Uint8Array(64),
      Uint8Array.of(0, 0, 0, 2, 1, 50, 0, 0, 9, 9),
    ]) {
      const bad = await harness.openWorker('bad', [things]);
      const { socket } = bad.journal as unknown as { socket: { write(bytes: Uint8Array): void } };
      socket.write(Buffer.concat([garbage, Buffer.alloc(16)]));
      await until(() => bad.fencedFor !== undefined, 'the bad one is fenced');
      bad.die();
      await harness.close('bad', bad.opened.epoch);
    }
    const talker = await harness.openWorker('talker', [things]);
    const { socket } = talker.acksConnection as unknown as { socket: { write(bytes: Uint8Array): void } };
    socket.write(new Uint8Array(8));
    await until(() => !talker.acksConnection.isOpen, 'the acks connection is over');
    good.send([], [1]);
    await until(() => good.acks.length === 1, 'the good one goes on');
    expect(harness.exitCode).toBeUndefined();
  });

  it('refuses a declaration that differs from what is stored, and changes nothing (G11)', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [things]);
    worker.send([]);
    worker.die();
    await harness.close('a', 1);
    for (const changed of [{ type: 'bag' }, { version: 2 }, { key: 'n' }] as const) {
      const refused = harness.openWorker('a', [declare('more'), declare('things', changed)]);
      await expect(refused).rejects.toMatchObject({ code: 'ERR_STORE_TABLE_MISMATCH', details: { table: 'things' } });
    }
    const inspection = (await harness.request({ type: 'inspect' })) as Inspection;
    expect(inspection.tables.map(({ name }) => name)).toEqual(['things']);
    expect(inspection.workers).toMatchObject([{ name: 'a', epoch: 1, open: false, lastBatch: 1 }]);
  });

  it('refuses a runtime-wide name that another running worker has', async () => {
    await harness.start();
    await harness.openWorker('a', [declare('things', { publicName: 'global' })]);
    const refused = harness.openWorker('b', [declare('stuff', { publicName: 'global' })]);
    await expect(refused).rejects.toMatchObject({ code: 'ERR_STORE_TABLE_NAME', details: { holder: 'a' } });
  });

  it('accepts a connection once for each token, and none without one (G12)', async () => {
    await harness.start();
    const path = harness.ready?.socketPath ?? '';
    const knock = async (token: Uint8Array, role: string): Promise<() => boolean> => {
      let isOver = false;
      const connection = await connect(path, {
        hello: { role, token },
        kinds: new Set(),
        onFrame: () => undefined,
        onClose: () => (isOver = true),
      });
      expect(connection.isOpen).toBe(true);
      return () => isOver;
    };
    const token = createToken();
    sendControl(harness.control, announce, { token, role: 'journal', worker: 'a', attachment: 1, pid: 1 });
    harness.control.flushNow();
    await harness.request({ type: 'inspect' });
    const strangers = [await knock(createToken(), 'journal'), await knock(token, 'acks')];
    await until(() => strangers.every((isOver) => isOver()), 'the strangers are refused');
    const first = await knock(token, 'journal');
    const second = await knock(token, 'journal');
    await until(second, 'the second is refused');
    expect(first()).toBe(false);
  });

  it('does not store tables that survive nothing', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [declare('scratch', { survives: 'nothing' })]);
    expect(worker.opened.tables).toEqual([]);
    await expect(harness.read('a', 'scratch', 'size')).rejects.toMatchObject({ code: 'ERR_TABLE_UNKNOWN' });
  });
});

describe('a keeper that follows another', () => {
  it('sends the replies again that the router has not seen, and takes the later batches of a live worker (G3)', async () => {
    await harness.start();
    const instance = harness.ready?.instance ?? 0;
    const worker = await harness.openWorker('a', [things]);
    for (const call of [1, 2, 3]) {
      worker.send([], [call]);
      await until(() => worker.acks.at(-1) === call, 'the batch is committed');
    }
    const [first] = harness.replies;
    await harness.stop();
    harness.replies.length = 0;
    await harness.start({
      instance,
      seenLsn: first?.lsn ?? 0,
      live: [{ worker: 'a', epoch: 1, attachment: worker.attachment }],
    });
    expect(harness.ready).toMatchObject({ instance, lsn: 3 });
    await until(() => harness.replies.length === 2, 'two replies came again');
    expect(harness.replies.flatMap(({ outcomes }) => outcomes.map(({ callId }) => callId))).toEqual([2, 3]);
    const again = await harness.attach('a', worker.attachment);
    await until(() => again.welcomes.length === 1, 'the worker is welcome again');
    expect(again.welcomes).toEqual([{ epoch: 1, lastBatch: 3 }]);
    again.number = 2;
    again.send([], [3]);
    again.send([], [4]);
    await until(() => again.acks.at(-1) === 4, 'the later batch is committed');
    expect(harness.replies.flatMap(({ outcomes }) => outcomes.map(({ callId }) => callId))).toEqual([2, 3, 4]);
  });

  it('fences the incarnation of a closed epoch that comes back (G6)', async () => {
    await harness.start();
    const instance = harness.ready?.instance ?? 0;
    const worker = await harness.openWorker('a', [things]);
    await harness.close('a', 1, 0);
    await harness.stop();
    await harness.start({ instance, live: [{ worker: 'a', epoch: 1, attachment: worker.attachment }] });
    const again = await harness.attach('a', worker.attachment);
    again.send([], [1]);
    await until(() => again.fencedFor !== undefined, 'it is fenced');
    expect(again.welcomes).toEqual([]);
  });

  it('begins a new instance without the epochs and replies of the former', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [things]);
    worker.send([], [1]);
    await until(() => worker.acks.length === 1, 'the batch is committed');
    await harness.stop();
    harness.replies.length = 0;
    await harness.start();
    const inspection = (await harness.request({ type: 'inspect' })) as Inspection;
    expect(inspection).toMatchObject({ instance: 2, lsn: 1, journalRecords: 0, timeline: 1 });
    expect(inspection.workers).toMatchObject([{ name: 'a', open: false }]);
    expect(harness.replies).toEqual([]);
  });

  it('keeps no journal record that the router has confirmed (G9)', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [things]);
    for (const call of [1, 2, 3, 4]) {
      worker.send([], [call]);
      await until(() => worker.acks.at(-1) === call, 'the batch is committed');
      harness.confirm(call - 1);
    }
    worker.send([], [5]);
    await until(() => worker.acks.at(-1) === 5, 'the last batch is committed');
    const inspection = (await harness.request({ type: 'inspect' })) as Inspection;
    expect(inspection).toMatchObject({ confirmedLsn: 3, journalRecords: 2 });
  });
});

describe('a keeper whose disk fails (G11)', () => {
  for (const point of ['keeper.commit:error', 'keeper.flush:error']) {
    it(`says so and releases nothing after ${point}`, async () => {
      await harness.start();
      const worker = await harness.openWorker('a', [things]);
      armFailpoints([{ point, hit: 1, action: 'EIO' }]);
      worker.send([], [1]);
      await until(() => harness.exitCode !== undefined && harness.failure !== undefined, 'the keeper ends');
      expect(harness.exitCode).toBe(2);
      expect(harness.failure).toMatchObject({ code: 'ERR_STORE_IO' });
      expect(harness.replies).toEqual([]);
      expect(worker.acks).toEqual([]);
    });
  }

  it('calls a full disk by its name', async () => {
    await harness.start();
    const worker = await harness.openWorker('a', [things]);
    armFailpoints([{ point: 'keeper.commit:error', hit: 1, action: 'ENOSPC' }]);
    worker.send([], [1]);
    await until(() => harness.failure !== undefined, 'the keeper ends');
    expect(harness.failure).toMatchObject({ code: 'ERR_STORE_DISK_FULL' });
  });

  it('fails an epoch request in the same way', async () => {
    await harness.start();
    armFailpoints([{ point: 'keeper.commit:error', hit: 1, action: 'EIO' }]);
    void harness.openWorker('a', [things]).catch(() => undefined);
    await until(() => harness.failure !== undefined, 'the keeper ends');
    expect(harness.exitCode).toBe(2);
  });
});
