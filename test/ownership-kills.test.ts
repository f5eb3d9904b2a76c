/**
 * G1, G2, G3, G6 while a table changes its owner: the giver, the receiver, the heir and the keeper are killed at every named
 * point of a move, alone and together, while others write to the table.
 *
 * What must hold then: each write of others happened once, also those in flight across the move; whoever has the table was told
 * of it once for each time that it came, in one batch with what it did to the table; a gift is told once.
 *
 * Mutations that make this fail, each tried:
 * - the new owner is not told again after its death (`inherited` without those that have a notice);
 * - the notice is taken back when it is sent, and not with the batch that accepts it;
 * - the keeper does not tell its successor's router what had moved;
 * - the heir has the table only in a transaction behind the one that closes the epoch.
 */
import type { Fault } from 'heirloom/testing';
import { CallError, worker } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import { faultsIn, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type auditorWorker from './workers/auditor.worker.js';
import type ledgerWorker from './workers/ledger.worker.js';

type Plan = Readonly<Record<string, readonly Fault[]>>;

const kill = (point: string, hit: number): Fault => ({ point, hit, action: 'kill' });
/** Writes before the first move, one after the other, so that the points of the move have known numbers. */
const QUIET_WRITES = 5;
const ROUNDS = 3;
const WRITES_PER_STEP = 6;

/** A move that its worker cannot make as it does not have the table: it had died, or is asked again after it was made. */
async function tryMove(move: Promise<void>): Promise<boolean> {
  try {
    await move;
    return true;
  } catch (error) {
    if (error instanceof CallError && (error.cause as { code?: string }).code === 'ERR_TABLE_OWNER') return false;
    throw error;
  }
}

/** What a run saw: deaths by victim, and how often the auditor inherited. */
interface Seen {
  readonly deaths: Readonly<Record<string, number>>;
  readonly inherited: number;
}

/** Moves a table back and forth among writes, with these faults. */
async function moveRun(faults: Plan): Promise<Seen> {
  await using directory = await testDirectory();
  const bankRef = worker<typeof ledgerWorker>('bank', workerModule('ledger'));
  const auditorRef = worker<typeof auditorWorker>('auditor', workerModule('auditor'));
  const root = patientRoot(bankRef, auditorRef);
  await using test = await startTestRuntime({ directory: directory.path, root }, { faults: faultsIn(faults) });
  const deaths: Record<string, number> = {};
  const died = (name: string): void => void (deaths[name] = (deaths[name] ?? 0) + 1);
  test.runtime.on('crash', ({ worker: name }) => died(name));
  test.runtime.on('keeper_crash', () => died('keeper'));
  const bank = test.runtime.worker(bankRef).with({ timeoutMs: 60_000 });
  const auditor = test.runtime.worker(auditorRef).with({ timeoutMs: 60_000 });

  const write = (): Promise<number> =>
    bank.tables.accounts.updateCounter('hits', 'balance', 1, { default: { id: 'hits', balance: 0 } });
  const writes: Promise<number>[] = [];
  const writeSome = (): void => {
    for (let i = 0; i < WRITES_PER_STEP; i++) writes.push(write());
  };
  for (let i = 0; i < QUIET_WRITES; i++) await write();
  const given: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const there = tryMove(bank.call.give('accounts', 'auditor', `there ${round}`));
    writeSome();
    if (await there) given.push(`there ${round}`);
    const back = tryMove(auditor.call.give('bank/accounts', 'bank', `back ${round}`));
    writeSome();
    await back;
  }
  const values = (await Promise.all(writes)).toSorted((one, other) => one - other);
  expect(values).toEqual(values.map((_, index) => QUIET_WRITES + index + 1));
  await expect(bank.tables.accounts.lookup('hits')).resolves.toEqual({
    id: 'hits',
    balance: QUIET_WRITES + values.length,
  });
  const toAuditor = await auditor.call.told();
  const gifts = toAuditor.map(({ data }) => data).filter((data) => data !== undefined);
  // A call that was run again may have found the table gone, so its caller heard that although it was made.
  for (const gift of given) expect(gifts.filter((data) => data === gift)).toEqual([gift]);
  expect(new Set(gifts).size).toBe(gifts.length);
  await expect(bank.tables.accounts.lookup('audits')).resolves.toEqual({ id: 'audits', balance: toAuditor.length });
  const toBank = (await bank.call.told()).map(({ data }) => data);
  expect(new Set(toBank).size).toBe(toBank.length);
  return { deaths, inherited: toAuditor.length - gifts.length };
}

describe.concurrent('a table that is given away stays whole and is told of once (G1, G2, G3)', () => {
  it.each([
    ['worker.handler:start', 7],
    ['worker.handler:end', 6],
    ['worker.journal:before', 7],
  ])('when the giver dies at %s, hit %i, without a trace, so that its heir inherits', async (point, hit) => {
    expect(await moveRun({ 'bank 1': [kill(point, hit)] })).toEqual({ deaths: { bank: 1 }, inherited: 1 });
  });

  it('when the giver dies behind its batch', async () => {
    // The table may be given back before the death is known; then the heir inherits.
    const { deaths } = await moveRun({ 'bank 1': [kill('worker.journal:after', 7)] });
    expect(deaths).toEqual({ bank: 1 });
  });

  it.each([
    ['worker.handler:start', 2],
    ['worker.transfer:end', 1],
    ['worker.journal:before', 2],
    ['worker.journal:after', 2],
  ])('when the receiver dies at %s, hit %i, and in its next life', async (point, hit) => {
    // The next life has no batch of an init, as that changes nothing.
    const again = point.startsWith('worker.journal') ? hit - 1 : hit;
    const faults = { 'auditor 1': [kill(point, hit)], 'auditor 2': [kill(point, again)] };
    expect(await moveRun(faults)).toEqual({ deaths: { auditor: 2 }, inherited: 0 });
  });

  it.each([
    ['keeper.commit:before', 11],
    ['keeper.commit:during', 11],
    ['keeper.commit:after', 11],
    ['keeper.commit:before', 12],
    ['keeper.commit:after', 12],
    ['keeper.replies:before', 8],
    ['keeper.replies:after', 8],
    ['keeper.replies:before', 9],
  ])('when the keeper dies at %s, hit %i', async (point, hit) => {
    expect(await moveRun({ 'keeper 1': [kill(point, hit)] })).toEqual({ deaths: { keeper: 1 }, inherited: 0 });
  });

  it.each(['keeper.epoch.close:before', 'keeper.epoch.close:after', 'keeper.commit:during'])(
    'when its owner dies, and the keeper at %s while the heir inherits',
    async (point) => {
      const hit = point === 'keeper.commit:during' ? 11 : 1;
      const faults = { 'bank 1': [kill('worker.handler:start', 7)], 'keeper 1': [kill(point, hit)] };
      expect(await moveRun(faults)).toEqual({ deaths: { bank: 1, keeper: 1 }, inherited: 1 });
    },
  );

  it('when its owner dies, then the heir that is being told, then the owner again', async () => {
    const faults = {
      'bank 1': [kill('worker.handler:end', 6)],
      'auditor 1': [kill('worker.transfer:end', 1)],
      'bank 2': [kill('worker.handler:end', 3)],
    };
    expect(await moveRun(faults)).toMatchObject({ deaths: { bank: 2, auditor: 1 } });
  });

  it('when the giver, the receiver and the keeper die in one move', async () => {
    const faults = {
      'bank 1': [kill('worker.journal:after', 7)],
      'auditor 1': [kill('worker.transfer:end', 1)],
      'keeper 1': [kill('keeper.commit:after', 11)],
    };
    expect(await moveRun(faults)).toMatchObject({ deaths: { bank: 1, auditor: 1, keeper: 1 } });
  });
});
