/**
 * Tables that have names and change their owners, through real processes: names and listings, giving away, heirs.
 *
 * Mutations that make this fail, each tried: a write does not follow a table that has moved; the router forgets the owners, or
 * tells the new owner behind the replies; a worker takes note of a table that has come behind calls that came later (under load); a
 * rollback leaves the table away; heirs inherit when the runtime closes; an owner renames as a
 * stranger does; a rename that was answered is asked again.
 */
import { worker } from 'heirloom';
import type { Runtime, WorkerHandle, WorkerOptions, WorkerReference } from 'heirloom';
import type { Fault } from 'heirloom/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import {
  faultsIn,
  killWorker,
  patientRoot,
  startTestRuntime,
  WITHOUT_STANDBY,
  workerModule,
} from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type auditorWorker from './workers/auditor.worker.js';
import type ledgerWorker from './workers/ledger.worker.js';

type Accounts = (typeof ledgerWorker)['tables']['accounts'];

let directory: TestDirectory;
let test: TestRuntime;
let runtime: Runtime;
let ledger: WorkerHandle<typeof ledgerWorker>;
let auditor: WorkerHandle<typeof auditorWorker>;

const ledgerRef = (options: WorkerOptions = {}): WorkerReference<typeof ledgerWorker> =>
  worker<typeof ledgerWorker>('bank', workerModule('ledger'), options);
const auditorRef = (options: WorkerOptions = {}): WorkerReference<typeof auditorWorker> =>
  worker<typeof auditorWorker>('auditor', workerModule('auditor'), options);

interface StartOptions {
  /** Whether nobody is killed. */
  readonly isCalm?: boolean;
  /** Whether the heir is started first, and so stopped last. */
  readonly heirFirst?: boolean;
  readonly faults?: Readonly<Record<string, readonly Fault[]>>;
}

async function start({ isCalm = false, heirFirst = false, faults = {} }: StartOptions = {}): Promise<void> {
  const options = isCalm ? WITHOUT_STANDBY : {};
  const bankRef = ledgerRef(options);
  const auditorsRef = auditorRef(options);
  const root = heirFirst ? patientRoot(auditorsRef, bankRef) : patientRoot(bankRef, auditorsRef);
  const keeper = { intensity: 1_000, ...options };
  test = await startTestRuntime({ directory: directory.path, root, keeper }, { faults: faultsIn(faults) });
  ({ runtime } = test);
  ledger = runtime.worker(bankRef);
  auditor = runtime.worker(auditorsRef);
}

const calm: StartOptions = { isCalm: true };

async function killKeeper(): Promise<void> {
  const recovered = new Promise<void>((resolve) => {
    const off = runtime.on('keeper_recovered', () => {
      off();
      resolve();
    });
  });
  process.kill(await until('there is a keeper', () => runtime.keeper.pid), 'SIGKILL');
  await recovered;
}

beforeEach(async () => {
  directory = await testDirectory();
});

afterEach(async () => {
  await test[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

describe('names', () => {
  it('lead to a table, also while its owner is dead, after a rename, and in the next run', async () => {
    await start();
    await ledger.call.deposit('drafts', 'alice', 7);
    const found = await runtime.whereis<Accounts>('all drafts');
    await expect(found?.lookup('alice')).resolves.toEqual({ id: 'alice', balance: 7 });
    await expect(runtime.whereis('nothing of the kind')).resolves.toBeUndefined();
    await ledger.tables.drafts.rename('ledger');
    await expect(runtime.whereis('all drafts')).resolves.toBeUndefined();
    await expect((await runtime.whereis<Accounts>('ledger'))?.size()).resolves.toBe(1);
    // The one from before is the table's, not the name's.
    await expect(found?.member('alice')).resolves.toBe(true);
    await killWorker(runtime, ledger);
    await expect((await runtime.whereis<Accounts>('ledger'))?.size()).resolves.toBe(1);
    await killKeeper();
    await expect((await runtime.whereis<Accounts>('ledger'))?.size()).resolves.toBe(1);
    await test[Symbol.asyncDispose]();
    await start();
    await expect((await runtime.whereis<Accounts>('ledger'))?.size()).resolves.toBe(1);
    await expect(runtime.whereis('all drafts')).resolves.toBeUndefined();
  });

  it('find a table that nobody inherits, and write to it', async () => {
    await start(calm);
    const scratch = await runtime.whereis<Accounts>('scratch');
    await scratch?.insert({ id: 'alice', balance: 3 });
    await expect(ledger.tables.scratch.size()).resolves.toBe(1);
  });

  it('are refused where another table has them, and to others of a table that is not public', async () => {
    await start(calm);
    const { accounts, guarded } = ledger.tables;
    for (const name of ['all drafts', 'all accounts']) {
      await expect(accounts.rename(name)).rejects.toMatchObject({ code: 'ERR_TABLE_NAME' });
    }
    // The types have no rename for it.
    const others = guarded as unknown as typeof accounts;
    await expect(others.rename('mine')).rejects.toMatchObject({ code: 'ERR_TABLE_ACCESS' });
    await expect(accounts.rename('')).rejects.toMatchObject({ code: 'ERR_TABLE_ARGUMENT' });
    await expect(accounts.info()).resolves.toMatchObject({
      publicName: 'all accounts',
      owner: 'bank',
      heir: 'auditor',
    });
  });

  it('are given by the owner of a table, whatever its access, and to nobody else (G12)', async () => {
    await start(calm);
    await ledger.call.rename('guarded', 'under guard');
    await expect((await runtime.whereis<Accounts>('under guard'))?.size()).resolves.toBe(0);
    await expect(runtime.whereis('guarded accounts')).resolves.toBeUndefined();
    const refused = async (call: Promise<void>, code: string): Promise<void> => {
      await expect(call).rejects.toMatchObject({ code: 'ERR_CALL_THREW', cause: { name: 'TableError', code } });
    };
    await refused(ledger.call.rename('guarded', 'under guard'), 'ERR_TABLE_NAME');
    await refused(ledger.call.rename('guarded', ''), 'ERR_TABLE_ARGUMENT');
    await refused(ledger.call.rename('scratch', 'scratched'), 'ERR_TABLE_TYPE');
    await ledger.call.give('accounts', 'auditor', undefined);
    await refused(ledger.call.rename('accounts', 'mine'), 'ERR_TABLE_OWNER');
    await auditor.call.rename('bank/accounts', 'audited');
    await expect((await runtime.whereis<Accounts>('audited'))?.info()).resolves.toMatchObject({ owner: 'auditor' });
    // What a handler did that renames in vain is undone.
    expect((await ledger.call.told()).map(({ data }) => data)).toEqual(['under guard']);
  });

  it('are given once, also when the handler is run again (G3)', async () => {
    await start({ faults: { 'bank 1': [{ point: 'worker.answer:before', hit: 1, action: 'kill' }] } });
    await ledger.call.rename('guarded', 'under guard');
    expect(ledger.epoch).toBe(2);
    await expect((await runtime.whereis<Accounts>('under guard'))?.size()).resolves.toBe(0);
    expect(await ledger.call.told()).toHaveLength(1);
  });

  it('are listed with what their tables are', async () => {
    await start(calm);
    await ledger.call.deposit('drafts', 'alice', 7);
    const listed = await runtime.tables();
    const names = listed.map((table) => `${table.worker}/${table.table}`);
    expect(names.toSorted()).toEqual(
      ['bank/accounts', 'bank/drafts', 'bank/guarded', 'bank/starts', 'bank/told', 'auditor/told'].toSorted(),
    );
    expect(listed.find(({ table }) => table === 'drafts')).toEqual({
      worker: 'bank',
      table: 'drafts',
      info: {
        name: 'drafts',
        type: 'set',
        key: 'id',
        access: 'public',
        survives: 'power_loss',
        version: 1,
        size: 1,
        owner: 'bank',
        heir: undefined,
        publicName: 'all drafts',
      },
    });
  });
});

describe('giving a table away', () => {
  it('moves it with everything that the handler did to it, and tells the new owner before any later call', async () => {
    await start(calm);
    await ledger.call.fill('accounts', 5_000);
    await expect(ledger.call.depositAndGive('alice', 7, 'auditor')).resolves.toBe('ERR_TABLE_OWNER');
    await expect(auditor.call.told()).resolves.toEqual([{ table: 'bank/accounts', from: 'bank', data: { amount: 7 } }]);
    await expect(auditor.call.owned()).resolves.toEqual(['bank/accounts']);
    await expect(auditor.call.size('bank/accounts')).resolves.toBe(5_002);
    await expect(auditor.call.deposit('bank/accounts', 'alice', 1)).resolves.toBe(8);
    await expect(ledger.tables.accounts.lookup('alice')).resolves.toEqual({ id: 'alice', balance: 8 });
    await expect(ledger.tables.accounts.info()).resolves.toMatchObject({ owner: 'auditor', size: 5_002 });
    await expect(ledger.call.deposit('accounts', 'alice', 1)).rejects.toMatchObject({
      cause: { code: 'ERR_TABLE_OWNER', details: { owner: 'auditor' } },
    });
    await expect(ledger.call.deposit('drafts', 'alice', 1)).resolves.toBe(1);
  });

  it('sends writes of others to the present owner, back and forth, each once (G3)', async () => {
    await start(calm);
    const writes: Promise<number>[] = [];
    const patient = ledger.with({ timeoutMs: 60_000 });
    const write = (count: number): void => {
      for (let i = 0; i < count; i++) {
        writes.push(
          patient.tables.accounts.updateCounter('hits', 'balance', 1, { default: { id: 'hits', balance: 0 } }),
        );
      }
    };
    for (let round = 0; round < 10; round++) {
      write(20);
      const given = ledger.call.give('accounts', 'auditor', round);
      write(20);
      await given;
      write(20);
      const returned = auditor.call.give('bank/accounts', 'bank', round);
      write(20);
      await returned;
    }
    const values = await Promise.all(writes);
    expect(values.toSorted((one, other) => one - other)).toEqual(values.map((_, index) => index + 1));
    await expect(ledger.call.balance('accounts', 'hits')).resolves.toBe(writes.length);
    await expect(ledger.call.balance('accounts', 'audits')).resolves.toBe(10);
    expect((await ledger.call.told()).map(({ data }) => data)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('does not happen when the handler throws (G2)', async () => {
    await start(calm);
    await ledger.call.deposit('accounts', 'alice', 7);
    await expect(ledger.call.giveAndThrow('auditor')).rejects.toMatchObject({ code: 'ERR_CALL_THREW' });
    await expect(ledger.call.deposit('accounts', 'alice', 1)).resolves.toBe(8);
    await expect(auditor.call.owned()).resolves.toEqual([]);
    await expect(ledger.call.balance('accounts', 'never')).resolves.toBeUndefined();
  });

  it('is refused to itself, to nobody, with data that cannot be sent, and of a table that survives nothing', async () => {
    await start(calm);
    const cases = [
      ['accounts', 'bank', 0, 'ERR_TABLE_OWNER'],
      ['accounts', 'nobody', 0, 'ERR_TABLE_PROCESS'],
      ['accounts', 'auditor', 'x'.repeat(70_000), 'ERR_TABLE_LIMIT'],
      ['scratch', 'auditor', 0, 'ERR_TABLE_TYPE'],
    ] as const;
    for (const [name, to, data, code] of cases) {
      await expect(ledger.call.give(name, to, data)).rejects.toMatchObject({ cause: { code } });
    }
    await expect(ledger.call.setHeir('accounts', 'nobody', 0)).rejects.toMatchObject({
      cause: { code: 'ERR_TABLE_PROCESS' },
    });
    await expect(ledger.call.deposit('accounts', 'alice', 1)).resolves.toBe(1);
  });

  it('survives the deaths of both owners and of the keeper, and the next run', async () => {
    await start();
    await ledger.call.depositAndGive('alice', 7, 'auditor');
    await killWorker(runtime, auditor);
    await expect(auditor.call.deposit('bank/accounts', 'alice', 1)).resolves.toBe(8);
    await killWorker(runtime, ledger);
    await expect(ledger.call.starts()).resolves.toMatchObject([
      { elsewhere: [] },
      { elsewhere: ['accounts at auditor'], restarted: true },
    ]);
    await killKeeper();
    await ledger.tables.accounts.insert({ id: 'bob', balance: 1 });
    await expect(auditor.call.balance('bank/accounts', 'bob')).resolves.toBe(1);
    await test[Symbol.asyncDispose]();
    await start();
    await expect(auditor.call.balance('bank/accounts', 'alice')).resolves.toBe(8);
    await expect(auditor.call.told()).resolves.toHaveLength(1);
    await auditor.call.give('bank/accounts', 'bank', 'home');
    await expect(ledger.call.balance('accounts', 'alice')).resolves.toBe(8);
    await expect(ledger.call.told()).resolves.toEqual([{ table: 'bank/accounts', from: 'auditor', data: 'home' }]);
  });
});

describe('an heir', () => {
  const told = { table: 'bank/accounts', from: 'bank', data: 'the will' };

  it('has the table when its owner is dead, before the next incarnation begins, and keeps it', async () => {
    await start();
    await ledger.call.fill('accounts', 2_000);
    await ledger.call.setHeir('accounts', 'auditor', 'the will');
    await ledger.call.deposit('drafts', 'alice', 5);
    await killWorker(runtime, ledger);
    await expect(ledger.call.starts()).resolves.toMatchObject([{}, { elsewhere: ['accounts at auditor'] }]);
    await expect(ledger.call.balance('drafts', 'alice')).resolves.toBe(5);
    await expect(ledger.call.balance('accounts', 'row 7')).rejects.toMatchObject({
      cause: { code: 'ERR_TABLE_OWNER' },
    });
    await expect(auditor.call.told()).resolves.toEqual([told]);
    await expect(auditor.call.deposit('bank/accounts', 'row 7', 1)).resolves.toBe(8);
    await expect(runtime.whereis<Accounts>('all accounts').then((table) => table?.size())).resolves.toBe(2_001);
    // The heir is named still, and owns it: so its death leaves it with the keeper, for itself.
    await killWorker(runtime, auditor);
    await expect(auditor.call.balance('bank/accounts', 'row 7')).resolves.toBe(8);
    await expect(auditor.call.told()).resolves.toEqual([told]);
    await expect(auditor.call.balance('bank/accounts', 'audits')).resolves.toBe(1);
    await test[Symbol.asyncDispose]();
    await start();
    await expect(auditor.call.balance('bank/accounts', 'row 7')).resolves.toBe(8);
    await expect(ledger.call.starts()).resolves.toMatchObject([{}, {}, { elsewhere: ['accounts at auditor'] }]);
  });

  it('inherits nothing when the whole runtime closes, although it is stopped behind the owner', async () => {
    const options: StartOptions = { isCalm: true, heirFirst: true };
    await start(options);
    await ledger.call.deposit('accounts', 'alice', 5);
    await expect(ledger.tables.accounts.info()).resolves.toMatchObject({ owner: 'bank', heir: 'auditor' });
    await test[Symbol.asyncDispose]();
    await start(options);
    await expect(ledger.call.balance('accounts', 'alice')).resolves.toBe(5);
    await expect(auditor.call.told()).resolves.toEqual([]);
  });

  it('that is no worker of the runtime is refused at the start (G11)', async () => {
    await start(calm);
    await test[Symbol.asyncDispose]();
    const alone = startTestRuntime({ directory: directory.path, root: patientRoot(ledgerRef()) });
    await expect(alone).rejects.toMatchObject({
      code: 'ERR_WORKER_UNKNOWN',
      details: { worker: 'bank', table: 'accounts', heir: 'auditor' },
    });
  });

  it('can be nobody, and then the owner finds the table in its next life', async () => {
    await start();
    await ledger.call.setHeir('accounts', undefined, undefined);
    await ledger.call.deposit('accounts', 'alice', 5);
    await killWorker(runtime, ledger);
    await expect(ledger.call.balance('accounts', 'alice')).resolves.toBe(5);
    await expect(auditor.call.owned()).resolves.toEqual([]);
    await expect(ledger.tables.accounts.info()).resolves.toMatchObject({ owner: 'bank', heir: undefined });
  });
});
