import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ByteWriter,
  FrameKind,
  acceptHello,
  createToken,
  decodeBatch,
  fenced,
  listen,
  sendControl,
  welcome,
  writeBatch,
} from '@heirloom/wire';
import type { Connection, KeeperMessage, Server } from '@heirloom/wire';
import { Journal } from '../src/journal.js';
import { OutputGate } from '../src/output-gate.js';

/** Waits for a condition that changes with what arrives on sockets, and so with turns of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** Lets frames arrive, or not: how many do is what varies. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => void setImmediate(resolve));
}

function batch(number: number): Uint8Array {
  const writer = new ByteWriter();
  writeBatch(writer, { number, isInit: false, outcomes: [], tables: [] });
  return writer.take();
}

/** A keeper as a worker sees it: it keeps the numbers it got, and says what it is told to. */
class FakeKeeper {
  readonly path: string;
  readonly received: number[];
  /** Takes batches and loses them, as a keeper that dies before it commits. */
  isDoomed = false;
  private readonly tokens = new Map<string, string>();
  private server: Server | undefined;
  private readonly connections: Connection[] = [];
  private journal: Connection | undefined;
  private acks: Connection | undefined;
  private readonly epoch: number;

  constructor(path: string, received: number[] = [], epoch = 3) {
    this.path = path;
    this.received = received;
    this.epoch = epoch;
  }

  async open(): Promise<this> {
    this.server = await listen(this.path, (connection) => void this.accept(connection));
    return this;
  }

  /** The message that tells a worker about this keeper, with fresh tokens. */
  message(): KeeperMessage {
    const [journalToken, acksToken] = [createToken(), createToken()];
    this.tokens.set(Buffer.from(journalToken).toString('hex'), 'journal');
    this.tokens.set(Buffer.from(acksToken).toString('hex'), 'acks');
    return { socketPath: this.path, storePath: '/nowhere', journalToken, acksToken };
  }

  ack(number: number): void {
    this.acks?.send(FrameKind.ack, (writer) => writer.uint53(number));
    this.acks?.flushNow();
  }

  fence(reason: string): void {
    if (this.acks !== undefined) sendControl(this.acks, fenced, { reason });
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.destroy();
    await this.server?.close();
  }

  private async accept(connection: Connection): Promise<void> {
    this.connections.push(connection);
    const role = await acceptHello(connection, (claimed, token) => this.authenticate(claimed, token), 1_000).catch(
      () => undefined,
    );
    if (role === undefined) return;
    const isJournal = role === 'journal';
    connection.start({
      kinds: isJournal ? new Set([FrameKind.batch]) : new Set(),
      oneWay: isJournal ? 'read' : 'write',
      onFrame: (_, body) => this.take(decodeBatch(body).number),
      onClose: () => undefined,
    });
    if (isJournal) this.journal = connection;
    else this.acks = connection;
    if (this.journal === undefined || this.acks === undefined) return;
    sendControl(this.acks, welcome, { epoch: this.epoch, lastBatch: this.received.at(-1) ?? 0 });
  }

  private authenticate(role: string, token: Uint8Array): string | undefined {
    const name = Buffer.from(token).toString('hex');
    const expected = this.tokens.get(name);
    this.tokens.delete(name);
    return expected === role ? role : undefined;
  }

  /** G3: what is sent again is ignored, and a gap is a fault of the worker. */
  private take(number: number): void {
    const last = this.received.at(-1) ?? 0;
    if (this.isDoomed) return;
    if (number > last + 1) this.received.push(Number.NaN);
    else if (number === last + 1) this.received.push(number);
  }
}

describe('the journal', () => {
  let folder: string;
  let keepers: FakeKeeper[];
  let fences: string[];
  let gate: OutputGate;
  let journal: Journal;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'heirloom-journal-'));
    keepers = [];
    start();
  });
  afterEach(async () => {
    journal.close();
    for (const keeper of keepers) await keeper.close();
    rmSync(folder, { recursive: true });
  });

  function start(): void {
    fences = [];
    gate = new OutputGate();
    journal = new Journal({
      gate,
      onRelease: (number) => void gate.release(number),
      onConsumed: () => undefined,
      onFenced: (reason) => void fences.push(reason),
      onLost: () => undefined,
      onNotice: () => undefined,
    });
  }
  async function keeper(received: number[] = [], epoch = 3): Promise<FakeKeeper> {
    const opened = await new FakeKeeper(join(folder, `k${keepers.length}.sock`), received, epoch).open();
    keepers.push(opened);
    return opened;
  }
  function append(count: number): void {
    for (let i = 0; i < count; i++) gate.append(batch(gate.lastNumber + 1));
    journal.flush();
  }

  test('sends nothing before the welcome and the epoch, then everything in order', async () => {
    const one = await keeper();
    append(2);
    await journal.attach(one.message());
    append(1);
    expect(journal.sent).toBe(0);
    journal.activate(3);
    append(1);
    await until(() => one.received.length === 4);
    expect(one.received).toEqual([1, 2, 3, 4]);
    one.ack(3);
    await until(() => gate.released === 3);
    expect(gate.unreleasedCount).toBe(1);
  });

  test('gives a new keeper what the old one had not committed, whatever was acked, sent or queued (G1, G3)', async () => {
    const step = fc.oneof(
      fc.record({ append: fc.nat({ max: 5 }) }),
      fc.record({ ack: fc.nat({ max: 4 }) }),
      fc.constantFrom('replace' as const, 'doom' as const),
      fc.record({ turns: fc.nat({ max: 8 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 16 }), async (steps) => {
        start();
        const committed: number[] = [];
        let current = await keeper(committed);
        journal.activate(3);
        await journal.attach(current.message());
        for (const each of [...steps, 'replace' as const]) {
          if (each === 'replace') {
            await current.close();
            append(1);
            current = await keeper(committed);
            await journal.attach(current.message());
          } else if (each === 'doom') current.isDoomed = true;
          else if ('turns' in each) await turns(each.turns);
          else if ('append' in each) append(each.append);
          else current.ack(Math.min(committed.length, gate.released + each.ack));
        }
        append(1);
        await until(() => committed.length === gate.lastNumber);
        expect(committed).toEqual(Array.from({ length: gate.lastNumber }, (_, index) => index + 1));
        current.ack(gate.lastNumber);
        await until(() => gate.isOpen);
        expect(fences).toEqual([]);
        journal.close();
        await current.close();
      }),
      { numRuns: 60 },
    );
  });

  test('takes the first of two keepers that are named at once for superseded', async () => {
    const [old, current] = [await keeper(), await keeper()];
    journal.activate(3);
    const first = journal.attach(old.message());
    await journal.attach(current.message());
    await first;
    append(3);
    await until(() => current.received.length === 3);
    expect(old.received).toEqual([]);
  });

  test('waits for the next keeper when one cannot be reached', async () => {
    const gone = await keeper();
    await gone.close();
    journal.activate(3);
    await journal.attach(gone.message());
    append(2);
    const next = await keeper();
    await journal.attach(next.message());
    await until(() => next.received.length === 2);
    expect(fences).toEqual([]);
  });

  test.each<[string, () => Promise<FakeKeeper>, RegExp]>([
    ['another epoch', () => keeper([], 4), /epoch 4/],
    ['more batches than there are', () => keeper([1, 2, 3, 4, 5]), /batch 5/],
  ])('is fenced by a keeper that knows %s (G6)', async (_, open, reason) => {
    const other = await open();
    journal.activate(3);
    append(2);
    await journal.attach(other.message());
    await until(() => fences.length > 0);
    expect(fences[0]).toMatch(reason);
  });

  test('is fenced by a keeper that has lost what was released (G1)', async () => {
    const one = await keeper();
    journal.activate(3);
    await journal.attach(one.message());
    append(2);
    await until(() => one.received.length === 2);
    one.ack(2);
    await until(() => gate.isOpen);
    await journal.attach((await keeper([1])).message());
    await until(() => fences.length > 0);
    expect(fences[0]).toContain('but 2 was released');
  });

  test('passes on that it is fenced (G6)', async () => {
    const one = await keeper();
    journal.activate(3);
    await journal.attach(one.message());
    append(1);
    await until(() => one.received.length === 1);
    one.fence('superseded by epoch 4');
    await until(() => fences.length > 0);
    expect(fences).toEqual(['superseded by epoch 4']);
  });
});
