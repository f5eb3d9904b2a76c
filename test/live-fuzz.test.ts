/**
 * Damaged and forged frames through the live sockets of router, keeper and worker, beside an honest client that keeps making
 * deposits: no process goes down but the one whose own connection was damaged, each refused connection is logged with a reason,
 * and the honest data stay as they were (G9, G11, G12).
 *
 * The frames of every kind, in numbers, are in packages/wire/test/message-fuzz.test.ts. HEIRLOOM_SEED replays the damage.
 *
 * Mutations that make this fail, each tried: replies settle calls of any worker; the keeper takes batches for tables of another
 * worker; the keeper obeys a shutdown, or the worker a stop, without reading its body; the keeper logs no refused greeting; the
 * router is not told of a worker that the keeper has fenced.
 */
import {
  ByteWriter,
  encodeValue,
  FrameKind,
  FrameParser,
  FrameWriter,
  RowCodec,
  writeBatch,
  writeOutcome,
} from '@heirloom/wire';
import type { Batch, Outcome, TableChanges } from '@heirloom/wire';
import { encodeKey } from '@heirloom/tables';
import { worker } from 'heirloom';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { frameOf, frameSamples, understood } from '../packages/wire/test/frame-samples.js';
import type { FrameSample } from '../packages/wire/test/frame-samples.js';
import { mutate, randomFrom, runSeed } from '../packages/wire/test/mutate.js';
import type { Random } from '../packages/wire/test/mutate.js';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { FrameTap } from './support/frame-tap.js';
import { HonestClient } from './support/honest-client.js';
import type { Impostor } from './support/impostor.js';
import { ImpostorPort } from './support/impostor.js';
import { frame, helloFrame, RawPeer } from './support/raw-peer.js';
import { bankReference, patientRoot, startTestRuntime, troubleReference, workerModule } from './support/runtime.js';
import type { RecordingLogger } from './support/runtime.js';
import type troubleWorker from './workers/trouble.worker.js';

const seed = runSeed();
const replay = `HEIRLOOM_SEED=${seed}`;
/** Connections without a good greeting, to the router and to the keeper each. */
const STRANGERS = 8_000;
const STRANGERS_AT_A_TIME = 32;
/** Incarnations of a worker that break the protocol, and how many damaged frames each sends that can be understood. */
const IMPOSTORS = 150;
const FRAMES_EACH = 100;
/** Where the seeds of their lives begin, behind those of the other tests. */
const LIFE_SEEDS = 1_000;
/** Worker processes and keepers that are sent damaged frames. */
const WORKER_LIVES = 25;
const KEEPER_LIVES = 10;

const samples = frameSamples();
const ofKinds = (...kinds: readonly number[]): readonly FrameSample[] =>
  samples.filter(({ kind }) => kinds.includes(kind));
const { ready, loadFailed, active, initFailed, reply, stopped, crash, keeperLost, ask, leave } = FrameKind;
const FROM_WORKER = [ready, loadFailed, active, initFailed, reply, stopped, crash, keeperLost, ask, leave] as const;
const { activate, call, keeper, stop, adopt, answer, delivery } = FrameKind;
const TO_WORKER = [activate, call, keeper, stop, adopt, answer, delivery] as const;
const TO_KEEPER = [
  FrameKind.expect,
  FrameKind.request,
  FrameKind.resume,
  FrameKind.confirm,
  FrameKind.shutdown,
] as const;

/** What a receiver of these kinds makes of some bytes; `unfinished` has no whole frame, which would be judged by what it says. */
function verdictOn(bytes: Uint8Array, kinds: readonly number[]): 'understood' | 'refused' | 'unfinished' | 'mixed' {
  let frames = 0;
  const parser = new FrameParser({
    kinds: new Set(kinds),
    onFrame: (kind, body) => {
      understood(kind, body);
      frames++;
    },
  });
  try {
    parser.push(bytes);
  } catch {
    return 'refused';
  }
  if (frames === 0) return 'unfinished';
  return parser.pendingBytes === 0 ? 'understood' : 'mixed';
}

/** A damaged frame that a receiver of these kinds must take or refuse, as wanted; if need be with the header as it was. */
function damaged(
  from: readonly FrameSample[],
  random: Random,
  kinds: readonly number[],
  wanted: ReturnType<typeof verdictOn>,
  isHeaderKept: boolean = random(3) > 0,
): Uint8Array {
  for (;;) {
    const sample = pick(from, random);
    const bytes = isHeaderKept
      ? frameOf({ kind: sample.kind, body: mutate(sample.body, random) })
      : mutate(frameOf(sample), random);
    if (verdictOn(bytes, kinds) === wanted) return bytes;
  }
}

/** A frame that must be refused: in the first lives one of each kind with a damaged body, then any. */
function refused(kinds: readonly number[], life: number, random: Random): Uint8Array {
  const kind = kinds[life];
  if (kind === undefined) return damaged(ofKinds(...kinds), random, kinds, 'refused');
  return damaged(ofKinds(kind), random, kinds, 'refused', true);
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[random(items.length)] as T; // Never empty.
}

function countLines(log: RecordingLogger, message: string, reasonField: string): number {
  return log.lines.filter((line) => line.message === message && Boolean(line.fields[reasonField])).length;
}

async function socketPaths(): Promise<{ router: string; keeper: string }> {
  const directories = (await readdir(tmpdir())).filter((name) => name.startsWith(`heirloom-${process.pid}-`));
  expect(directories).toHaveLength(1);
  const directory = join(tmpdir(), directories[0] ?? '');
  const keeper = (await readdir(directory)).find((name) => name.startsWith('keeper-')) ?? '';
  return { router: join(directory, 'router.sock'), keeper: join(directory, keeper) };
}

/** What a stranger says first: a damaged greeting, noise, or a frame of someone else. */
function greeting(random: Random): Uint8Array {
  const kind = random(10);
  if (kind < 3) return randomBytes(random(200));
  if (kind < 5) return mutate(frameOf(pick(samples, random)), random);
  const hello = helloFrame(pick(['calls', 'control', 'journal', 'acks'], random), randomBytes(32));
  return kind === 5 ? hello : mutate(hello, random);
}

describe('a connection that does not prove whose it is (G12)', () => {
  it('is refused by router and keeper, each time with a logged reason', { timeout: 120_000 }, async () => {
    await using directory = await testDirectory();
    const bankRef = bankReference();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(bankRef) });
    const bank = test.runtime.worker(bankRef).with({ timeoutMs: 30_000 });
    await using honest = new HonestClient(bank);
    const pids = [bank.pid, test.runtime.keeper.pid];
    const random = randomFrom(seed);
    const paths = await socketPaths();
    for (const path of [paths.router, paths.keeper]) {
      let left = STRANGERS;
      const strangers = async (): Promise<void> => {
        while (left-- > 0) {
          const peer = await RawPeer.connect(path);
          peer.socket.end(greeting(random));
          await peer.closed;
        }
      };
      await Promise.all(Array.from({ length: STRANGERS_AT_A_TIME }, strangers));
    }
    await until(`every refusal is logged, ${replay}`, () => {
      const byRouter = countLines(test.log, 'a connection to the router was refused', 'err');
      const byKeeper = countLines(test.log, 'A connection was refused.', 'error');
      return byRouter === STRANGERS && byKeeper === STRANGERS;
    });
    expect([bank.pid, test.runtime.keeper.pid]).toEqual(pids);
    await honest.check();
  });
});

describe('a worker that breaks the protocol on its own connections', () => {
  it('is replaced, with a logged reason, and harms nobody else (G12)', { timeout: 120_000 }, async () => {
    await using directory = await testDirectory();
    const bankRef = bankReference();
    const evilRef = worker<typeof troubleWorker>('evil', workerModule('trouble'), { standby: false });
    const port = new ImpostorPort('evil');
    const sent = { frames: 0, router: 0, journal: 0, acks: 0, unfinished: 0 };
    let lives = 0;
    const failures: unknown[] = [];
    const isDone = new Promise<void>((resolve) => {
      port.onUp = (impostor) => {
        if (lives === IMPOSTORS) return resolve();
        breakProtocol(impostor, lives++, sent).catch((error: unknown) => {
          failures.push(error);
          resolve();
        });
      };
    });
    await using test = await startTestRuntime(
      { directory: directory.path, root: patientRoot(bankRef, evilRef) },
      { processes: port },
    );
    const bank = test.runtime.worker(bankRef).with({ timeoutMs: 30_000 });
    await using honest = new HonestClient(bank);
    const pids = [bank.pid, test.runtime.keeper.pid];
    await isDone;
    expect(failures, replay).toEqual([]);
    expect(sent.frames, replay).toBeGreaterThan((IMPOSTORS * FRAMES_EACH) / 4);
    await until(`every violation is logged, ${replay} ${JSON.stringify(sent)}`, () => {
      const byRouter = countLines(test.log, 'the connection to a worker broke; the worker is replaced', 'problem');
      const byKeeper = countLines(test.log, 'A worker broke the protocol and is fenced.', 'reason');
      return byRouter === sent.router && byKeeper === sent.journal + sent.acks;
    });
    await expectTypedReads(test.runtime.worker(evilRef).tables.counters);
    expect([bank.pid, test.runtime.keeper.pid]).toEqual(pids);
    await honest.check();
  });

  it('cannot answer the calls of another, neither directly nor through its journal', { timeout: 120_000 }, async () => {
    await using directory = await testDirectory();
    const bankRef = bankReference();
    const evilRef = worker<typeof troubleWorker>('evil', workerModule('trouble'), { standby: false });
    const port = new ImpostorPort('evil');
    const up = new Promise<Impostor>((resolve) => (port.onUp = resolve));
    await using test = await startTestRuntime(
      { directory: directory.path, root: patientRoot(bankRef, evilRef) },
      { processes: port },
    );
    const bank = test.runtime.worker(bankRef).with({ timeoutMs: 30_000 });
    const impostor = await up;
    process.kill(bank.pid ?? Number.NaN, 'SIGSTOP');
    const answers: unknown[] = [];
    const deposits = [1, 2, 3].map((operation) =>
      bank.call.deposit(operation, 'alice', 10).finally(() => answers.push(operation)),
    );
    const own = test.runtime.worker(evilRef).call.read('x');
    await until('the call to the impostor has come', () => impostor.calls.length > 0);
    // Every id that any call can have by now; the last one, its own, is among them.
    const forged = Array.from({ length: 10 }, (_, index): Outcome => {
      return { callId: index + 1, threw: false, payload: encodeValue('forged') };
    });
    const direct = forged.slice(0, 3);
    for (const outcome of direct) impostor.router.write(frame(reply, (writer) => writeOutcome(writer, outcome)));
    impostor.sendBatch({ outcomes: forged });
    // Its own call is answered behind the forgeries, so they have all come by now.
    expect(await own).toBe('forged');
    expect(answers).toEqual([]);
    process.kill(bank.pid ?? Number.NaN, 'SIGCONT');
    expect(await Promise.all(deposits)).toEqual([10, 20, 30]);
  });
});

interface SentCounts {
  frames: number;
  router: number;
  journal: number;
  acks: number;
  unfinished: number;
}

/**
 * Lives one life of an impostor: damaged frames that can be understood, then one that cannot. What it sends is its own seed's, as
 * how much the life before could send is a matter of time.
 */
async function breakProtocol(impostor: Impostor, life: number, sent: SentCounts): Promise<void> {
  const random = randomFrom(seed + LIFE_SEEDS + life);
  const way = life % 4;
  if (way === 0) {
    for (let i = 0; i < FRAMES_EACH; i++, sent.frames++) {
      impostor.router.write(damaged(ofKinds(...FROM_WORKER), random, FROM_WORKER, 'understood'));
    }
    impostor.router.write(damaged(random(4) === 0 ? samples : ofKinds(...FROM_WORKER), random, FROM_WORKER, 'refused'));
    sent.frames++;
    sent.router++;
    await impostor.router.closed;
  } else if (way === 1) {
    if (random(3) === 0) clearForeignTable(impostor, random, sent);
    else await streamBatches(impostor, random, sent);
    sent.journal++;
    if (!impostor.journal.isClosed) {
      impostor.journal.write(damaged(ofKinds(FrameKind.batch), random, [FrameKind.batch], 'refused'));
      sent.frames++;
    }
    await impostor.journal.closed;
  } else if (way === 2) {
    impostor.acks.write(
      mutate(frameOf(pick(samples, random)), random).length > 0 ? randomBytes(20) : new Uint8Array(1),
    );
    sent.frames++;
    sent.acks++;
    await impostor.acks.closed;
  } else {
    // What a kill leaves: an unfinished frame, which is no violation.
    const peer = random(2) === 0 ? impostor.router : impostor.journal;
    const kinds = peer === impostor.router ? FROM_WORKER : [FrameKind.batch];
    peer.write(damaged(ofKinds(...kinds), random, kinds, 'unfinished', false));
    await peer.flushed();
    sent.frames++;
    sent.unfinished++;
    impostor.die();
  }
}

/** Sends a batch that would empty a table of the honest worker, whose tables were made first. */
function clearForeignTable(impostor: Impostor, random: Random, sent: SentCounts): void {
  const tableId = 1 + random(3);
  const nothing: TableChanges = { tableId, size: 0, nextSequence: 1, cleared: true, shapes: [], changes: [] };
  impostor.sendBatch({ tables: [nothing] });
  sent.frames++;
}

/** Sends damaged batches with the right numbers and forged answers, until one is refused. */
async function streamBatches(impostor: Impostor, random: Random, sent: SentCounts): Promise<void> {
  const codec = new RowCodec();
  for (let i = 0; i < 4 * FRAMES_EACH && !impostor.journal.isClosed; i++) {
    const number = impostor.number + 1;
    const body = damagedBatch(impostor, codec, number, random);
    impostor.journal.write(frameOf({ kind: FrameKind.batch, body }));
    impostor.number = number;
    sent.frames++;
    if (i % 20 === 19) await impostor.settled(number);
  }
}

function damagedBatch(impostor: Impostor, codec: RowCodec, number: number, random: Random): Uint8Array {
  const forged = { callId: random(5_000), threw: random(2) === 0, payload: encodeValue('forged') };
  const tableId = impostor.tables[0]?.tableId ?? 0;
  const row = { name: `n${random(50)}`, count: random(1_000) };
  const changes: TableChanges = {
    tableId,
    size: random(100),
    nextSequence: 1,
    cleared: random(20) === 0,
    shapes: codec.takeNewShapes(),
    changes: [{ keyBytes: encodeKey(row.name, true), sequence: 0, rowBytes: new Uint8Array(codec.encodeRow(row)) }],
  };
  const batch: Batch = { number, isInit: false, outcomes: [forged], tables: [changes] };
  for (;;) {
    const writer = new ByteWriter();
    writeBatch(writer, batch);
    const body = mutate(writer.take(), random);
    if (body.length < 8) continue;
    new DataView(body.buffer, body.byteOffset).setUint32(0, 0);
    new DataView(body.buffer, body.byteOffset).setUint32(4, number);
    if (verdictOn(frameOf({ kind: FrameKind.batch, body }), [FrameKind.batch]) === 'understood') return body;
  }
}

/** What an impostor stored may be nonsense; reading it gives rows or a typed error. */
async function expectTypedReads(table: { rows(): AsyncIterable<unknown> }): Promise<void> {
  try {
    for await (const row of table.rows()) expect(row).toBeTypeOf('object');
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_/) });
  }
}

describe('damaged frames from the embedding process', () => {
  it('end a worker with a logged reason, and it is replaced', { timeout: 120_000 }, async () => {
    await using directory = await testDirectory();
    await using tap = new FrameTap(directory.path, (title) => title.endsWith(' trouble'));
    const bankRef = bankReference();
    const troubleRef = troubleReference();
    await using test = await startTestRuntime(
      { directory: join(directory.path, 'store'), root: patientRoot(bankRef, troubleRef) },
      { processes: tap },
    );
    const bank = test.runtime.worker(bankRef).with({ timeoutMs: 30_000 });
    const trouble = test.runtime.worker(troubleRef).with({ timeoutMs: 30_000 });
    await using honest = new HonestClient(bank);
    const pids = [bank.pid, test.runtime.keeper.pid];
    const random = randomFrom(seed + 1);
    for (let life = 0; life < WORKER_LIVES; life++) {
      const marker = `life ${life}`;
      expect(await trouble.call.echo(marker), replay).toBe(marker);
      const tapped = tap.processes.find(({ handle }) => handle.pid === trouble.pid);
      if (tapped?.socket === undefined) throw new Error('The worker does not go through the tap.');
      const frames = Array.from({ length: FRAMES_EACH }, () =>
        damaged(callSamples(), random, [FrameKind.call], 'understood'),
      );
      for (const bytes of frames) tapped.socket.write(bytes);
      expect(await trouble.call.echo(marker), replay).toBe(marker);
      tapped.socket.write(refused(TO_WORKER, life, random));
      await tapped.handle.exited;
      await until('its reason is logged', () =>
        test.log.lines.find(
          ({ message, fields }) =>
            fields['pid'] === tapped.handle.pid && (message === 'the worker ends' || message === 'the worker crashed'),
        ),
      );
    }
    expect(await trouble.call.echo('end')).toBe('end');
    expect([bank.pid, test.runtime.keeper.pid]).toEqual(pids);
    await honest.check();
  });

  it('end a keeper with a logged reason, and nothing is lost or done twice', { timeout: 120_000 }, async () => {
    await using directory = await testDirectory();
    await using tap = new FrameTap(directory.path, (title) => title.endsWith(' keeper'));
    const bankRef = bankReference();
    await using test = await startTestRuntime(
      { directory: join(directory.path, 'store'), root: patientRoot(bankRef) },
      { processes: tap },
    );
    const bank = test.runtime.worker(bankRef).with({ timeoutMs: 30_000 });
    await using honest = new HonestClient(bank);
    const bankPid = bank.pid;
    const random = randomFrom(seed + 2);
    for (let life = 0; life < KEEPER_LIVES; life++) {
      const tapped = await until('a keeper serves', () =>
        tap.processes.find(({ handle, socket }) => handle.pid === test.runtime.keeper.pid && socket !== undefined),
      );
      await honest.progress();
      tapped.socket?.write(refused(TO_KEEPER, life, random));
      await tapped.handle.exited;
      await until('its reason is logged', () =>
        test.log.lines.find(
          ({ message, fields }) =>
            fields['pid'] === tapped.handle.pid &&
            message === 'The connection to the router is over.' &&
            fields['kind'] === 'violation',
        ),
      );
    }
    expect(bank.pid).toBe(bankPid);
    await honest.check();
  });
});

/** Calls to a worker that do no harm to its process. */
function callSamples(): FrameSample[] {
  const calls: readonly (readonly [string, readonly unknown[]])[] = [
    ['increment', ['a']],
    ['read', ['a']],
    ['echo', [{ deep: [1, 'é', null] }]],
    ['fail', ['on purpose']],
  ];
  return calls.map(([name, callArguments], index) => {
    const frames = new FrameWriter();
    const writer = frames.begin(FrameKind.call);
    writer.uint53(2 ** 40 + index);
    writer.string(name);
    writer.raw(encodeValue(callArguments));
    frames.end();
    return { kind: FrameKind.call, body: frames.take().subarray(8) };
  });
}
