/**
 * Outcomes that are kept under idempotency keys, in a keeper with a real store and a clock of the test.
 *
 * Mutations that make this fail, each tried: an outcome is found when its time is over; the count is not stored; an outcome that takes
 * the place of another leaves its entry in the order of expiry; the limit on bytes is not looked at;
 * all that is over is deleted at once.
 */
import type { OutcomeFinding, OutcomeKeeping } from '@heirloom/wire';
import { decodeValue, encodeValue } from '@heirloom/wire';
import { open } from 'lmdb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DATABASE_OPTIONS, ENVIRONMENT_OPTIONS, FORMAT_KEY, databasesOf, u32Key } from '../src/layout.js';
import { OUTCOMES_PER_SWEEP } from '../src/outcome-sweeper.js';
import type { WorkerEnd } from './keeper-harness.js';
import { Harness, until } from './keeper-harness.js';

const digest = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const keeping = (key: string, changes: Partial<OutcomeKeeping> = {}): OutcomeKeeping => ({
  key,
  digest: digest(1),
  keepMs: 1_000,
  hasWritten: false,
  ...changes,
});

let harness: Harness;
let now: number;

beforeEach(() => {
  harness = new Harness();
  now = 1_000_000;
  harness.now = () => now;
});
afterEach(() => harness.dispose());

const find = (worker: string, key: string): Promise<OutcomeFinding> =>
  harness.request({ type: 'outcome', worker, key }) as Promise<OutcomeFinding>; // The keeper's answer.
const kinds = async (worker: string, keys: readonly string[]): Promise<string[]> => {
  const findings = await Promise.all(keys.map((key) => find(worker, key)));
  return findings.map(({ kind }) => kind);
};
/** Stores outcomes of a worker, each as a batch of its own. */
async function store(worker: WorkerEnd, ...keepings: readonly OutcomeKeeping[]): Promise<void> {
  for (const each of keepings) worker.send([], [worker.number + 1], { keeping: each });
  worker.journal.flushNow();
  await until(() => worker.acks.at(-1) === worker.number, 'they are stored');
}

test('an outcome is found by worker and key, as it was, until its time is over', async () => {
  await harness.start();
  const bank = await harness.openWorker('bank', []);
  await store(bank, keeping('a', { digest: digest(7), hasWritten: true }), keeping('b', { keepMs: 2_000 }));
  const found = await find('bank', 'a');
  if (found.kind !== 'kept') throw new Error('It is not there.');
  expect(found.outcome).toMatchObject({ digest: digest(7), hasWritten: true, threw: false });
  expect(decodeValue(found.outcome.payload)).toBe('r1');
  expect(await kinds('ban', ['ka', 'a'])).toEqual(['none', 'none']);
  expect(await kinds('other', ['a'])).toEqual(['none']);
  now += 999;
  expect(await kinds('bank', ['a', 'b', 'c'])).toEqual(['kept', 'kept', 'none']);
  now += 1;
  expect(await kinds('bank', ['a', 'b'])).toEqual(['none', 'kept']);
  // A clock that is set back finds what is not swept.
  now -= 1;
  expect(await kinds('bank', ['a'])).toEqual(['kept']);
});

test('an error is an outcome, too', async () => {
  await harness.start();
  const bank = await harness.openWorker('bank', []);
  const outcomes = [{ callId: 1, threw: true, payload: encodeValue({ name: 'RangeError', message: 'no' }) }];
  bank.send([], [], { outcomes, keeping: keeping('a') });
  bank.journal.flushNow();
  await until(() => bank.acks.at(-1) === 1, 'it is stored');
  expect(await find('bank', 'a')).toMatchObject({ kind: 'kept', outcome: { threw: true } });
});

test('the next keeper finds them, and knows how many there are', async () => {
  await harness.start();
  await store(await harness.openWorker('bank', []), keeping('a'), keeping('b'), keeping('b', { digest: digest(2) }));
  const { outcomes } = await harness.inspect();
  expect(outcomes.count).toBe(2);
  await harness.stop();
  await harness.start();
  expect((await harness.inspect()).outcomes).toEqual(outcomes);
  expect(await kinds('bank', ['a', 'b'])).toEqual(['kept', 'kept']);
});

test('a new outcome takes the place of one that is over, and is kept for its own time', async () => {
  await harness.start();
  const bank = await harness.openWorker('bank', []);
  await store(bank, keeping('a'));
  now += 1_000;
  await store(bank, keeping('a', { digest: digest(2), keepMs: 60_000 }));
  expect(await find('bank', 'a')).toMatchObject({ kind: 'kept', outcome: { digest: digest(2) } });
  now += 10_000;
  await store(bank, keeping('b', { keepMs: 1 }));
  now += 10;
  await until(() => harness.keeper['open']?.store.outcomes.totals.count === 1, 'the one that is over is swept');
  expect(await kinds('bank', ['a', 'b'])).toEqual(['kept', 'none']);
});

test('what is over is deleted bit by bit, until nothing is left', async () => {
  await harness.start();
  const bank = await harness.openWorker('bank', []);
  const many = Array.from({ length: OUTCOMES_PER_SWEEP + 5 }, (_, index) => keeping(`key ${index}`, { keepMs: 1 }));
  await store(bank, ...many);
  const counts = new Set<number>();
  const { outcomes } = harness.keeper['open']?.store ?? {};
  now += 10;
  await until(() => counts.add(outcomes?.totals.count ?? -1).has(0), 'all are swept');
  expect([...counts]).toEqual([many.length, 5, 0]);
  expect(outcomes?.totals).toEqual({ count: 0, bytes: 0 });
  expect(outcomes?.nextExpiry).toBeUndefined();
});

test('at a limit new keys are refused, and known ones found (G9)', async () => {
  await harness.start({}, { outcomesMax: 2 });
  const bank = await harness.openWorker('bank', []);
  await store(bank, keeping('a'));
  expect(await kinds('bank', ['b'])).toEqual(['none']);
  await store(bank, keeping('b'));
  expect(await find('bank', 'c')).toEqual({ kind: 'full', ...(await harness.inspect()).outcomes });
  expect(await kinds('bank', ['a', 'b'])).toEqual(['kept', 'kept']);
  await harness.stop();
  await harness.start({}, { outcomeBytesMax: 200 });
  expect(await kinds('bank', ['c', 'a'])).toEqual(['full', 'kept']);
});

test.each([
  ['without an outcome', { outcomes: [] }],
  ['with a key that is too long', { keeping: keeping('x'.repeat(513)) }],
  ['with no key', { keeping: keeping('') }],
  ['with a digest that is too short', { keeping: keeping('a', { digest: new Uint8Array(31) }) }],
  ['for no time', { keeping: keeping('a', { keepMs: 0 }) }],
])('a batch that keeps an outcome %s breaks the protocol', async (_what, changes) => {
  await harness.start();
  const bank = await harness.openWorker('bank', []);
  bank.send([], [1], { keeping: keeping('a'), ...changes });
  bank.journal.flushNow();
  await until(() => harness.violations.length === 1, 'it is refused');
  expect(await kinds('bank', ['a'])).toEqual(['none']);
});

test('a store of format 2 is given what it lacks', async () => {
  await harness.start();
  await harness.stop();
  const path = `${harness.storeDirectory}/data.mdb`;
  const environment = open<Buffer, Buffer>(path, ENVIRONMENT_OPTIONS);
  for (const name of databasesOf(3).filter((one) => !databasesOf(2).includes(one))) {
    await environment.openDB<Buffer, Buffer>(name, DATABASE_OPTIONS).drop();
  }
  environment.openDB<Buffer, Buffer>('meta', DATABASE_OPTIONS).putSync(FORMAT_KEY, u32Key(2));
  await environment.close();
  await harness.start();
  await store(await harness.openWorker('bank', []), keeping('a'));
  expect(await kinds('bank', ['a', 'b'])).toEqual(['kept', 'none']);
});
