/**
 * G12: who may do what follows from the token of a connection and from what a table is declared as, and is decided where the data
 * is: at the router's and the keeper's doors, in the keeper for reads, in the owner for writes. G8: reads outlive the owner.
 *
 * Mutations that make this fail, each tried: either door does not forget a token that was used, or does not compare the role with
 * the token's; the keeper takes changes to tables of another worker; it answers reads of private tables; the owner lets anyone
 * write to a protected table; the router takes answers to calls of another worker.
 */
import { readdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Batch, TableDeclaration } from '@heirloom/wire';
import { createToken, encodeValue, FrameKind, writeBatch, writeOutcome } from '@heirloom/wire';
import { worker } from 'heirloom';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { greet, IntruderPort } from './support/intruder.js';
import type { Intruder } from './support/intruder.js';
import { patientRoot, startTestRuntime, troubleReference, WITHOUT_STANDBY, workerModule } from './support/runtime.js';
import type { RecordingLogger, TestRuntime } from './support/runtime.js';
import type troubleWorker from './workers/trouble.worker.js';

/** The intruder alone has a standby, which is one more of its processes. */
const troubleRef = troubleReference('trouble', WITHOUT_STANDBY);
const intruderTable: TableDeclaration = {
  name: 'own',
  type: 'set',
  access: 'private',
  survives: 'power_loss',
  key: 'id',
  publicName: undefined,
  version: 1,
  keepBytes: undefined,
};

let directory: TestDirectory;
let test: TestRuntime;
let intruder: Intruder;
/** A process of the intruder's that has not used its token. */
let standby: Intruder;

/** The sockets of this process's runtime. */
function sockets(): { router: string; keeper: string } {
  const name = readdirSync(tmpdir()).find((entry) => entry.startsWith(`heirloom-${process.pid}-`)) ?? '';
  const path = join(tmpdir(), name);
  const keeper = readdirSync(path).find((entry) => entry.startsWith('keeper-')) ?? '';
  return { router: join(path, 'router.sock'), keeper: join(path, keeper) };
}

/** What was logged of refused connections, by the router and by the keeper. */
function refusals(log: RecordingLogger): string[] {
  return log.lines.flatMap(({ level, message, fields }) => {
    if (level !== 'warn') return [];
    if (message === 'a connection to the router was refused') return [(fields['err'] as Error).message];
    return message === 'A connection was refused.' ? [String(fields['error'])] : [];
  });
}

async function expectRefusals(...reasons: readonly RegExp[]): Promise<void> {
  await until('the refusals are logged', () => refusals(test.log).length >= reasons.length);
  expect(refusals(test.log)).toEqual(reasons.map((reason) => expect.stringMatching(reason) as string));
}

async function expectUnharmed(): Promise<void> {
  const trouble = test.runtime.worker(troubleRef);
  await expect(trouble.call.increment('unharmed')).resolves.toBe(1);
  await expect(trouble.tables.counters.lookup('unharmed')).resolves.toEqual({ name: 'unharmed', count: 1 });
}

beforeEach(async () => {
  directory = await testDirectory();
  const port = new IntruderPort((started, number) => {
    if (number === 1) void started.introduce([intruderTable]);
  });
  const reference = worker('intruder', workerModule('trouble'));
  const keeper = WITHOUT_STANDBY;
  test = await startTestRuntime(
    { directory: directory.path, root: patientRoot(troubleRef, reference), keeper },
    { processes: port },
  );
  intruder = port.intruders[0] as Intruder; // The runtime is up, so it was started.
  await intruder.attach();
  standby = await until('the standby is started', () => port.intruders[1]);
});

afterEach(async () => {
  await test[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

describe('the door of the router (G12)', () => {
  it('refuses a wrong token, whatever it is said to be for', async () => {
    const refusals: RegExp[] = [];
    for (const role of ['calls', 'control', 'journal', 'root']) {
      expect((await greet(sockets().router, { role, token: createToken() })).kind).toBe('ended');
      refusals.push(new RegExp(`its token is not one that was given to a "${role}"`));
      await expectRefusals(...refusals);
    }
    await expectUnharmed();
  });

  it('refuses a token that was used', async () => {
    const { routerSocketPath, callsToken: token } = intruder.bootstrap;
    await greet(routerSocketPath, { role: 'calls', token });
    await expectRefusals(/its token is not one that was given to a "calls"/);
    expect(intruder.calls?.isOpen).toBe(true);
  });

  it('refuses a token in another role, and takes it in its own once', async () => {
    const { routerSocketPath, callsToken: token } = standby.bootstrap;
    await greet(routerSocketPath, { role: 'control', token });
    await expectRefusals(/its token is not one that was given to a "control"/);
    await standby.introduce([intruderTable]);
    await until('the standby is known to the keeper', () => standby.keeper);
    await greet(routerSocketPath, { role: 'calls', token });
    await expectRefusals(/"control"/, /"calls"/);
  });

  it('refuses what is no greeting', async () => {
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(100_000, 0xff), Buffer.alloc(20)]) {
      const socket = createConnection(sockets().router);
      const closed = new Promise((resolve) => void socket.once('close', resolve));
      socket.on('error', () => {}).end(bytes);
      await closed;
    }
    await until('the refusals are logged', () => refusals(test.log).length === 3);
    await expectUnharmed();
  });
});

describe('the door of the keeper (G12)', () => {
  it('refuses a wrong token, whatever it is said to be for', async () => {
    const refusals: RegExp[] = [];
    for (const role of ['journal', 'acks', 'control']) {
      expect((await greet(sockets().keeper, { role, token: createToken() })).kind).toBe('ended');
      refusals.push(new RegExp(`its token is not one that was given to a "${role}"`));
      await expectRefusals(...refusals);
    }
    await expectUnharmed();
  });

  it('refuses tokens that were used, and tokens of the router', async () => {
    const { keeper } = sockets();
    const { journalToken, acksToken } = await until('the keeper is known', () => intruder.keeper);
    await greet(keeper, { role: 'journal', token: journalToken });
    await greet(keeper, { role: 'acks', token: acksToken });
    await greet(keeper, { role: 'calls', token: intruder.bootstrap.callsToken });
    await expectRefusals(/"journal"/, /"acks"/, /"calls"/);
    await expectUnharmed();
  });

  it('refuses a token in another role', async () => {
    await standby.introduce([intruderTable]);
    const { socketPath, journalToken, acksToken } = await until('the keeper is known', () => standby.keeper);
    await greet(socketPath, { role: 'acks', token: journalToken });
    await greet(socketPath, { role: 'journal', token: acksToken });
    await expectRefusals(/"acks"/, /"journal"/);
    // In their own they are good still.
    await standby.attach();
    await expectUnharmed();
    await expectRefusals(/"acks"/, /"journal"/);
  });
});

it('both doors close on those who do not say who they are in time (G12, G9)', async () => {
  const { router, keeper } = sockets();
  const silent = [router, keeper].map(async (path) => {
    const socket = createConnection(path);
    await new Promise((resolve) => void socket.once('close', resolve).resume());
  });
  await Promise.all(silent);
  const reason = /it sent no HELLO within 5000 ms/;
  await expectRefusals(reason, reason);
  await expectUnharmed();
});

describe('a process that is a worker of the runtime, and asks for more (G12)', () => {
  /** A batch that inserts a row into a table by its number. */
  function batch(tableId: number, outcomes: Batch['outcomes'] = []): Batch {
    const keyBytes = Uint8Array.of(1);
    const change = { keyBytes, sequence: 0, rowBytes: encodeValue('stolen') };
    const table = { tableId, size: 1, nextSequence: 1, cleared: false, shapes: [], changes: [change] };
    return { number: 1, isInit: false, outcomes, tables: [table] };
  }

  it('cannot change a table of another worker: it is fenced, and nothing of its batch is stored', async () => {
    const trouble = test.runtime.worker(troubleRef);
    await trouble.call.keepSecret('a', 'b');
    const own = intruder.activated?.tables[0]?.tableId ?? Number.NaN;
    // Tables are numbered as they are made, and those of the other worker were made before.
    expect(own).toBeGreaterThan(1);
    intruder.journal?.send(FrameKind.batch, (writer) => writeBatch(writer, batch(own - 1)));
    intruder.journal?.flushNow();
    expect(await until('it is fenced', () => intruder.fencedFor)).toMatch(/is not one of 'intruder'/);
    const line = await until('it is logged', () =>
      test.log.lines.find(({ message }) => message === 'A worker broke the protocol and is fenced.'),
    );
    expect(line).toMatchObject({
      level: 'error',
      fields: { worker: 'intruder', reason: expect.stringMatching(/names table/) as string },
    });
    await expect(trouble.tables.secrets.info()).resolves.toMatchObject({ size: 1 });
    await expectUnharmed();
  });

  it('cannot answer calls that were made to another worker', async () => {
    const trouble = test.runtime.worker(troubleRef).with({ timeoutMs: 400 });
    const pending = expect(trouble.call.neverSettles()).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' });
    const forged = Array.from({ length: 50 }, (_, callId) => ({
      callId,
      threw: false,
      payload: encodeValue('forged'),
    }));
    for (const outcome of forged) intruder.calls?.send(FrameKind.reply, (writer) => writeOutcome(writer, outcome));
    const own = intruder.activated?.tables[0]?.tableId ?? Number.NaN;
    intruder.journal?.send(FrameKind.batch, (writer) => writeBatch(writer, batch(own, forged)));
    intruder.journal?.flushNow();
    await pending;
  });
});

const refused = { name: 'TableError', code: 'ERR_TABLE_ACCESS' };

describe('tables through a handle (G8, G12)', () => {
  /** Operations by name, as a client would ask who does not keep to the types. */
  type Untyped = Readonly<Record<string, Readonly<Record<string, (...operands: unknown[]) => Promise<unknown>>>>>;
  const untyped = (): Untyped => test.runtime.worker(troubleRef).tables as unknown as Untyped;
  it('tell their rows to nobody when they are private', async () => {
    await test.runtime.worker(troubleRef).call.keepSecret('a', 'b');
    const rows = untyped()['secrets']?.['rows'] as unknown as (options?: object) => AsyncIterable<unknown>; // The one that is no promise.
    for (const isStable of [true, false]) {
      await expect(rows({ isStable })[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused);
    }
  });

  it('are not reached by their owner’s inner calls either', async () => {
    const trouble = test.runtime.worker(troubleRef);
    await trouble.call.keepSecret('a', 'b');
    const call = trouble.call as unknown as Readonly<Record<string, (...operands: unknown[]) => Promise<unknown>>>;
    for (const [name, operands] of [
      ['$table.insert', ['secrets', { name: 'a', value: 'forged' }]],
      ['$table.lookup', ['secrets', 'a']],
      ['$table.delete', ['counters', 'a']],
      ['$table.lookup', ['counters', 'a']],
    ] as const) {
      await expect(call[name]?.(...operands), name).rejects.toMatchObject({ code: 'ERR_CALL_THREW', cause: refused });
    }
  });

  it('are written and read when they are public', async () => {
    const { notes } = test.runtime.worker(troubleRef).tables;
    await notes.insert({ name: 'a', value: 'first' });
    await notes.insert({ name: 'a', value: 'second' });
    await expect(notes.lookup('a')).resolves.toEqual([
      { name: 'a', value: 'first' },
      { name: 'a', value: 'second' },
    ]);
    await expect(notes.take('a')).resolves.toHaveLength(2);
    await expect(notes.size()).resolves.toBe(0);
  });
});

describe('tables of a worker that is dead for good, or frozen (G8)', () => {
  it('are read as before, and not written', async () => {
    await using own = await testDirectory();
    const reference = worker<typeof troubleWorker>('trouble', workerModule('trouble'), { restart: 'temporary' });
    await using runtime = await startTestRuntime({ directory: own.path, root: patientRoot(reference) });
    const trouble = runtime.runtime.worker(reference).with({ timeoutMs: 300 });
    await trouble.with({ timeoutMs: 10_000 }).call.increment('a');
    await trouble.with({ timeoutMs: 10_000 }).tables.notes.insert({ name: 'a', value: 'b' });
    const pid = trouble.pid ?? Number.NaN;
    const expectReads = async (): Promise<void> => {
      await expect(trouble.tables.counters.lookup('a')).resolves.toEqual({ name: 'a', count: 1 });
      await expect(trouble.tables.notes.size()).resolves.toBe(1);
      await expect(trouble.tables.secrets.info()).resolves.toMatchObject({ access: 'private' });
      const secrets = trouble.tables.secrets as unknown as { size(): Promise<number> };
      await expect(secrets.size()).rejects.toMatchObject({ code: 'ERR_TABLE_ACCESS' });
    };
    process.kill(pid, 'SIGSTOP');
    await expectReads();
    await expect(trouble.tables.notes.insert({ name: 'c', value: 'd' })).rejects.toMatchObject({
      code: 'ERR_CALL_TIMEOUT',
    });
    await expectReads();
    process.kill(pid, 'SIGKILL');
    await until('it is gone', () => trouble.pid === undefined);
    await expectReads();
    await expect(trouble.tables.notes.insert({ name: 'c', value: 'd' })).rejects.toMatchObject({
      code: 'ERR_CALL_STOPPED',
      outcome: 'none',
    });
    await expect(trouble.call.increment('a')).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED', outcome: 'none' });
    await expectReads();
  });
});
