/**
 * A watch against a keeper whose answers the test gives: when it asks, what wakes it, and what is left when it is over.
 *
 * Mutations that make this fail, each tried:
 * - it asks for the next page before the one it has is used up, or before anybody wants one;
 * - it forgets a wake-up that comes while it asks, or sleeps on when there is a new keeper;
 * - `return` or the signal leave it among those who wait, or its request open; `fail` passes over those who sleep;
 * - the rows of 'start' are followed by changes behind their last page instead of their first.
 */
import { encodeKey } from '@heirloom/tables';
import type { AnyTableDefinition, ReleasedBatch } from '@heirloom/tables';
import { ByteWriter, decodeValue, encodeChangeRecord, encodeValue, FrameKind, RowCodec } from '@heirloom/wire';
import type { ChangesPage, Connection, ImagePage, KeeperReadyMessage, KeeperRequest, RowForm } from '@heirloom/wire';
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { RuntimeError } from '../src/errors.js';
import { KeeperLink } from '../src/keeper-link.js';
import { TableWatch } from '../src/table-watch.js';
import { WATCHES_MAX } from '../src/watch-desk.js';
import type { WatchStart } from '../src/watch-options.js';

const form: RowForm = { type: 'set', key: 'id' };
const ready: KeeperReadyMessage = { pid: 1, socketPath: 's', storePath: 'p', timeline: 1, lsn: 0, instance: 1 };
const codec = new RowCodec();

function recordOf(...ids: readonly number[]): Uint8Array {
  const changes = ids.map((id) => {
    return { keyBytes: encodeKey(id, true), sequence: 0, rowBytes: Uint8Array.from(codec.encodeRow({ id })) };
  });
  return encodeChangeRecord({ cleared: false, changes });
}

function changes(lsn: number, ...lsns: readonly number[]): ChangesPage {
  const batches = lsns.map((one) => ({ lsn: one, record: recordOf(one) }));
  return { timeline: 1, lsn, batches, form, shapes: codec.allShapes() };
}

function image(lsn: number, id: number, isLast: boolean): ImagePage {
  const record = recordOf(id);
  return { timeline: 1, lsn, record, after: isLast ? undefined : Uint8Array.of(id), form, shapes: codec.allShapes() };
}

/** The keeper's end: the requests that came, by any connection. */
class Keeper {
  readonly link = new KeeperLink(() => {});
  readonly asked: { requestId: number; request: KeeperRequest }[] = [];
  #connection!: Connection;

  constructor() {
    this.connect();
  }

  connect(): void {
    const send = (_kind: number, encode: (writer: ByteWriter) => void): void => {
      const writer = new ByteWriter();
      encode(writer);
      this.asked.push(decodeValue(writer.take()) as { requestId: number; request: KeeperRequest }); // What the link encoded.
    };
    this.#connection = { send } as unknown as Connection; // The link only sends on it.
    this.link.connected(this.#connection, ready);
  }

  die(): void {
    this.link.disconnected(this.#connection);
  }

  async answer(result: unknown): Promise<void> {
    const last = this.asked.at(-1);
    const body = encodeValue({ requestId: last?.requestId ?? 0, error: undefined, result });
    this.link.take(this.#connection, FrameKind.response, body);
    await settled();
  }

  async tell(table: string = 't'): Promise<void> {
    this.link.take(this.#connection, FrameKind.changed, encodeValue({ tables: [{ worker: 'w', table }] }));
    await settled();
  }

  watch(from: WatchStart, ...signals: readonly AbortSignal[]): TableWatch {
    return new TableWatch(this.link, { worker: 'w', table: 't', from, signals });
  }

  get last(): KeeperRequest | undefined {
    return this.asked.at(-1)?.request;
  }
}

/** Lets everything run that waits for nothing from outside. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function shown(result: IteratorResult<ReleasedBatch<AnyTableDefinition>, undefined>): unknown {
  const { value } = result;
  return value === undefined
    ? 'done'
    : [value.lsn, value.isConsistent, ...value.changes.map(({ key }): unknown => key)];
}

describe('a watch', () => {
  it('asks for a page only when somebody wants one and it has none (G9)', async () => {
    const keeper = new Keeper();
    const watch = keeper.watch({ timeline: 1, lsn: 3 });
    await settled();
    expect(keeper.asked).toEqual([]);
    const next = watch.next();
    await settled();
    expect(keeper.last).toEqual({ type: 'changes', worker: 'w', table: 't', timeline: 1, lsn: 3 });
    await keeper.answer(changes(9, 5, 7));
    expect([shown(await next), shown(await watch.next())]).toEqual([
      [5, true, 5],
      [7, true, 7],
    ]);
    await settled();
    expect(keeper.asked).toHaveLength(1);
    expect(keeper.link.watches.size).toBe(0);
    const third = watch.next();
    await settled();
    expect(keeper.last).toMatchObject({ timeline: 1, lsn: 9 });
    await keeper.answer(changes(10, 10));
    expect(shown(await third)).toEqual([10, true, 10]);
  });

  it("from 'now' takes its position at once, and gives nothing from before", async () => {
    const keeper = new Keeper();
    const watch = keeper.watch('now');
    expect(keeper.last).toMatchObject({ type: 'changes', lsn: undefined });
    await keeper.answer(changes(6));
    const next = watch.next();
    await settled();
    expect(keeper.last).toMatchObject({ timeline: 1, lsn: 6 });
    await keeper.answer(changes(8, 7));
    expect(shown(await next)).toEqual([7, true, 7]);
  });

  it('asks again when it is told of changes to its table, also when that comes while it asks', async () => {
    const keeper = new Keeper();
    const next = keeper.watch({ timeline: 1, lsn: 3 }).next();
    await settled();
    await keeper.tell();
    await keeper.answer(changes(3));
    expect(keeper.asked).toHaveLength(2);
    await keeper.answer(changes(3));
    await keeper.tell('another');
    expect(keeper.asked).toHaveLength(2);
    await keeper.tell();
    expect(keeper.asked).toHaveLength(3);
    await keeper.answer(changes(4, 4));
    expect(shown(await next)).toEqual([4, true, 4]);
  });

  it('asks the next keeper, whether it waits for an answer or for changes', async () => {
    const keeper = new Keeper();
    const next = keeper.watch({ timeline: 1, lsn: 3 }).next();
    await settled();
    keeper.die();
    keeper.connect();
    await settled();
    expect(keeper.asked).toHaveLength(2);
    await keeper.answer(changes(3));
    const before = keeper.asked.length;
    keeper.die();
    keeper.connect();
    await settled();
    expect(keeper.asked.length).toBeGreaterThan(before);
    await keeper.answer(changes(4, 4));
    expect(shown(await next)).toEqual([4, true, 4]);
  });

  it("from 'start' goes on behind its first page of rows, and is consistent from that of its last", async () => {
    const keeper = new Keeper();
    const watch = keeper.watch('start');
    const pages = [image(5, 1, false), image(6, 2, false), image(8, 3, true)];
    for (const [index, page] of pages.entries()) {
      const next = watch.next();
      await settled();
      expect(keeper.last).toMatchObject({ type: 'image', after: index === 0 ? undefined : Uint8Array.of(index) });
      await keeper.answer(page);
      expect(shown(await next)).toEqual([5, false, index + 1]);
    }
    const next = watch.next();
    await settled();
    expect(keeper.last).toMatchObject({ type: 'changes', lsn: 5 });
    await keeper.answer(changes(9, 6, 7));
    // Nothing changed behind 7, so that the page's own LSN says from when on.
    expect([shown(await next), shown(await watch.next()), shown(await watch.next())]).toEqual([
      [6, false, 6],
      [7, false, 7],
      [9, true],
    ]);
  });

  it("from 'start' refuses to mix rows of two timelines", async () => {
    const keeper = new Keeper();
    const watch = keeper.watch('start');
    const first = watch.next();
    await settled();
    await keeper.answer(image(5, 1, false));
    await first;
    const second = watch.next();
    await settled();
    await keeper.answer({ ...image(5, 2, true), timeline: 2 });
    await expect(second).rejects.toMatchObject({ code: 'ERR_KEEPER_CURSOR' });
  });

  it('leaves nothing when it is ended while it asks or sleeps, and ends what waits for it', async () => {
    for (const isAsleep of [false, true]) {
      for (const way of ['return', 'abort', 'close'] as const) {
        const keeper = new Keeper();
        const controller = new AbortController();
        const watch = keeper.watch({ timeline: 1, lsn: 3 }, controller.signal);
        const next = watch.next().catch((error: unknown) => error);
        await settled();
        if (isAsleep) await keeper.answer(changes(3));
        expect(keeper.link.watches.size).toBe(1);
        expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
        if (way === 'return') await watch.return();
        else if (way === 'abort') controller.abort();
        else keeper.link.fail(new RuntimeError('ERR_RUNTIME_CLOSED', 'It was closed.'));
        const ended = way === 'abort' ? { code: 'ERR_CALL_ABORTED' } : { done: true };
        expect(await next, `${way}, ${isAsleep}`).toMatchObject(ended);
        expect(await watch.next()).toEqual({ done: true, value: undefined });
        expect(keeper.link.watches.size).toBe(0);
        expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
        // What it asked for is not asked of another keeper.
        const { length } = keeper.asked;
        keeper.connect();
        expect(keeper.asked).toHaveLength(length);
      }
    }
  });

  it('rejects with what the runtime failed of, also while it sleeps', async () => {
    const keeper = new Keeper();
    const watch = keeper.watch({ timeline: 1, lsn: 3 });
    const next = watch.next();
    await settled();
    await keeper.answer(changes(3));
    const failure = new RuntimeError('ERR_RUNTIME_FAILED', 'It failed.');
    keeper.link.fail(failure);
    await expect(next).rejects.toBe(failure);
    await expect(keeper.watch({ timeline: 1, lsn: 3 }).next()).rejects.toBe(failure);
  });

  it(`is refused when ${WATCHES_MAX} others wait (G9)`, async () => {
    const keeper = new Keeper();
    const others = Array.from({ length: WATCHES_MAX }, () => keeper.watch({ timeline: 1, lsn: 3 }));
    const waiting = others.map((watch) => watch.next());
    await settled();
    await expect(keeper.watch({ timeline: 1, lsn: 3 }).next()).rejects.toMatchObject({ code: 'ERR_CALL_OVERLOADED' });
    await others[0]?.return();
    expect(await waiting[0]).toMatchObject({ done: true });
    await settled();
    const instead = keeper.watch({ timeline: 1, lsn: 3 }).next();
    await settled();
    await keeper.answer(changes(4, 4));
    expect(shown(await instead)).toEqual([4, true, 4]);
    for (const watch of others) await watch.return();
  });
});
