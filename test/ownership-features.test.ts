/**
 * Tables that change their owners and are also migrated or followed, through real processes.
 *
 * Mutations that make this fail, each tried: a table migrates while another worker has it; a table that came back in the meantime
 * is taken in as if it had the declared form; the feed of a table begins anew when it moves; changes are read in the declared form; who
 * waits for changes is not told of a flip; the owner of a table is not told how it is declared now, or does not judge by it.
 */
import { worker } from 'heirloom';
import type { Runtime, WorkerHandle, WorkerReference } from 'heirloom';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { follow, Replica, sortedRows } from './support/replica.js';
import { killWorker, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type movingWorker from './workers/moving.worker.js';
import { secondItem } from './workers/moving.worker.js';
import type { FirstItem } from './workers/moving.worker.js';

type Moving = WorkerHandle<typeof movingWorker>;

let directory: TestDirectory;
let test: TestRuntime | undefined;
let runtime: Runtime;
let home: Moving;
let away: Moving;

interface StartOptions {
  readonly form?: 'first' | 'second';
  readonly heir?: string;
  readonly access?: 'protected';
  /** Whether `home` begins first. */
  readonly isHomeFirst?: boolean;
}

function reference(name: string, env: Readonly<Record<string, string>>): WorkerReference<typeof movingWorker> {
  return worker<typeof movingWorker>(name, workerModule('moving'), { env });
}

/** Starts `home`, in a form and with an heir, and `away`; ends the runtime that was started before. */
async function start({ form = 'first', heir, access, isHomeFirst = false }: StartOptions = {}): Promise<void> {
  await test?.[Symbol.asyncDispose]();
  const references = [
    reference('away', {}),
    reference('home', {
      FORM: form,
      ...(heir === undefined ? {} : { HEIR: heir }),
      ...(access === undefined ? {} : { ACCESS: access }),
    }),
  ] as const;
  test = await startTestRuntime({
    directory: directory.path,
    root: patientRoot(...(isHomeFirst ? references.toReversed() : references)),
  });
  ({ runtime } = test);
  away = runtime.worker(references[0]);
  home = runtime.worker(references[1]);
}

const item = (id: number): FirstItem => ({ id, text: `text ${id}` });
const sorted = (rows: readonly unknown[]): string[] => rows.map((one) => JSON.stringify(one)).sort();

beforeEach(async () => {
  directory = await testDirectory();
  test = undefined;
});
afterEach(async () => {
  await test?.[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

describe('a table of which a new version is declared while another worker has it', () => {
  it('stays as it is stored, is changed there, and is migrated when its worker begins with it again', async () => {
    await start();
    await home.call.put(item(1));
    await home.call.give('away');
    await start({ form: 'second' });
    await expect(home.call.rows()).rejects.toMatchObject({
      cause: { code: 'ERR_TABLE_OWNER', details: { owner: 'away' } },
    });
    await expect(away.call.putInherited(item(2))).resolves.toEqual(['home/items']);
    await home.tables.items.insert(item(3));
    await expect(home.tables.items.info()).resolves.toMatchObject({ version: 1, type: 'set', owner: 'away', size: 3 });
    await away.call.giveInherited(item(4), 'home');
    // It is at home now, in a form that its worker cannot read.
    await expect(home.call.rows()).rejects.toMatchObject({
      cause: { code: 'ERR_TABLE_OWNER', details: { owner: 'home', stored: 1, declared: 2 } },
    });
    await expect(home.tables.items.insert(item(5))).rejects.toMatchObject({ code: 'ERR_TABLE_OWNER' });
    await expect(home.tables.items.info()).resolves.toMatchObject({ version: 1, owner: 'home', size: 4 });
    await expect(home.call.told()).resolves.toEqual([]);
    await killWorker(runtime, home);
    const migrated = [1, 2, 3, 4].map((id) => secondItem(item(id)));
    expect(sorted(await home.call.rows())).toEqual(sorted(migrated));
    await expect(home.tables.items.info()).resolves.toMatchObject({ version: 2, type: 'ordered_set', size: 4 });
    // Told once, when it can be used.
    await expect(home.call.told()).resolves.toEqual([{ table: 'home/items', from: 'away', size: 4 }]);
    await start({ form: 'second' });
    expect(sorted(await home.call.rows())).toEqual(sorted(migrated));
    await expect(home.call.told()).resolves.toHaveLength(1);
  });

  it('is followed in the form that it is stored in, and who waits learns of its migration', async () => {
    await start();
    await home.call.put(item(1));
    await home.call.give('away');
    await start({ form: 'second' });
    const watch = home.tables.items.watch({ from: 'start' });
    const next = async (): Promise<unknown> => (await watch.next()).value?.changes;
    await expect(next()).resolves.toMatchObject([{ kind: 'insert', key: 1, row: item(1) }]);
    const change = next();
    await away.call.putInherited(item(2));
    await expect(change).resolves.toMatchObject([{ kind: 'insert', key: 2, row: item(2) }]);
    const moved = next();
    await away.call.giveInherited(item(3), 'home');
    await expect(moved).resolves.toMatchObject([{ key: 3 }]);
    const flipped = expect(next()).rejects.toMatchObject({ code: 'ERR_KEEPER_CHANGES' });
    await killWorker(runtime, home);
    await flipped;
    const { value } = await home.tables.items.watch({ from: 'start' }).next();
    expect(value?.changes).toMatchObject([1, 2, 3].map((id) => ({ key: `c${id}`, row: secondItem(item(id)) })));
  });
});

describe('a table whose access is declared otherwise while another worker has it', () => {
  it.each([{ isHomeFirst: true }, { isHomeFirst: false }])(
    'is written to as it is declared now, whoever begins first: %o (G12)',
    async ({ isHomeFirst }) => {
      await start({ isHomeFirst });
      await home.call.give('away');
      await home.tables.items.insert(item(1));
      await start({ isHomeFirst, access: 'protected' });
      await expect(home.tables.items.insert(item(2))).rejects.toMatchObject({
        code: 'ERR_TABLE_ACCESS',
        details: { table: 'home/items' },
      });
      await expect(away.call.putInherited(item(3))).resolves.toEqual(['home/items']);
      await start({ isHomeFirst });
      await home.tables.items.insert(item(4));
      await expect(home.tables.items.size()).resolves.toBe(3);
    },
  );
});

describe('a watched table', () => {
  it('is followed wherever it goes, without a gap, and a move is no change', async () => {
    await start({ heir: 'away' });
    const replica = new Replica();
    const lastRow = (id: number) => (row: unknown) => (row as FirstItem).id === id;
    const watch = home.tables.items.watch({ from: 'start' });
    const following = follow(watch, replica, lastRow(99));
    await home.call.put(item(1));
    await home.call.give('away');
    await away.call.putInherited(item(2));
    await home.tables.items.insert(item(3));
    await killWorker(runtime, away);
    await away.call.giveInherited(item(4), 'home');
    await home.call.put(item(5));
    // By its heir.
    await killWorker(runtime, home);
    await away.call.putInherited(item(6));
    await home.tables.items.insert(item(99));
    await following;
    expect(replica.problems).toEqual([]);
    expect(replica.sorted).toEqual(await sortedRows(home.tables.items.rows()));
    expect(replica.rows.size).toBe(7);
  });

  it('gives the batches of its rows and none for its moves', async () => {
    await start();
    const { position } = await home.tables.items.info();
    await home.call.put(item(1));
    await home.call.give('away');
    await away.call.giveInherited(item(2), 'home');
    await home.call.give('away');
    await away.call.putInherited(item(3));
    const seen: unknown[] = [];
    for await (const { changes } of home.tables.items.watch({ from: position ?? 0 })) {
      seen.push(changes.map((change) => [change.kind, 'row' in change ? change.row : undefined]));
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([1, 2, 3].map((id) => [['insert', item(id)]]));
  });
});
