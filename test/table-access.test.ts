/**
 * Every operation by everybody on tables of every access (G12, N31): its owner, a handle of the embedding process, a handle inside
 * of another worker, and whoever makes the calls behind the handles by their inner names.
 *
 * Mutations that make this fail, each tried: the keeper does not look at the access of reads; the owner lets others write to a
 * protected table, or answers reads of what has an heir.
 */
import { TABLE_OPERATIONS } from '@heirloom/tables';
import { worker } from 'heirloom';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type askerWorker from './workers/asker.worker.js';
import type shelvesWorker from './workers/shelves.worker.js';

const refused = { name: 'TableError', code: 'ERR_TABLE_ACCESS' };

const row = { id: 'a', n: 1 };
/** Operands that each operation takes from whoever may use it. */
const OPERANDS: Readonly<Record<keyof typeof TABLE_OPERATIONS, readonly unknown[]>> = {
  size: [],
  lookup: ['a'],
  lookupElement: ['a', 'n', { default: 0 }],
  member: ['a'],
  first: [],
  last: [],
  next: ['a'],
  prev: ['a'],
  firstLookup: [],
  lastLookup: [],
  nextLookup: ['a'],
  prevLookup: ['a'],
  select: [{ where: { n: 1 } }],
  selectReverse: [],
  selectPage: [{ limit: 1 }],
  selectCount: [{ n: 1 }],
  match: [{ id: 'a' }, ['n']],
  matchObject: [{ id: 'a' }],
  explain: [{ id: 'a' }],
  tab2list: [],
  foldl: [],
  foldr: [],
  insert: [row],
  insertMany: [[row]],
  insertNew: [{ ...row, id: 'b' }],
  insertNewMany: [[{ ...row, id: 'c' }]],
  delete: ['b'],
  deleteObject: [{ ...row, id: 'c' }],
  take: ['c'],
  updateCounter: ['a', 'n', 1],
  updateElement: ['a', { n: 1 }],
  selectDelete: [{ n: 99 }],
  selectReplace: [{ n: 99 }, { n: 98 }],
  matchDelete: [{ id: 'z' }],
  deleteAllObjects: [],
  info: [],
};
const TABLES = {
  public: ['set', 'fleetingSet'],
  protected: ['guarded', 'fleetingGuarded'],
  private: ['secret', 'fleetingSecret'],
} as const;
/** What access lets others do, by the class of the operation. */
const ALLOWED = {
  public: ['info', 'read', 'write'],
  protected: ['info', 'read'],
  private: ['info'],
} as const;
const shelvesRef = worker<typeof shelvesWorker>('shelves', workerModule('shelves'));
const askerRef = worker<typeof askerWorker>('asker', workerModule('asker'));
let own: TestDirectory;
let shelves: TestRuntime;
type Anything = Readonly<Record<string, (...operands: unknown[]) => Promise<unknown>>>;
const ask = (table: string, operation: string, operands: readonly unknown[]): Promise<unknown> | undefined =>
  (shelves.runtime.worker(shelvesRef).tables as unknown as Readonly<Record<string, Anything>>)[table]?.[operation]?.(
    ...operands,
  );
/** Another worker asks, and says what it was answered; what it throws is told by its code. */
const askFromWorker = async (table: string, operation: string, operands: readonly unknown[]): Promise<unknown> => {
  const { call } = shelves.runtime.worker(askerRef);
  const [answer] = await call.ask([{ worker: 'shelves', table, operation, operands }]);
  if (answer?.error === undefined) return answer?.value;
  throw Object.assign(new Error(answer.message), { name: answer.name, code: answer.error });
};
const call = (name: string, operands: readonly unknown[]): Promise<unknown> | undefined =>
  (shelves.runtime.worker(shelvesRef).call as unknown as Anything)[name]?.(...operands);

beforeAll(async () => {
  own = await testDirectory();
  shelves = await startTestRuntime({ directory: own.path, root: patientRoot(shelvesRef, askerRef) });
});
beforeEach(async () => {
  for (const table of Object.values(TABLES).flat()) {
    await call('own', [table, 'deleteAllObjects', []]);
    await call('own', [table, 'insert', [row]]);
  }
});
afterAll(async () => {
  await shelves[Symbol.asyncDispose]();
  await own[Symbol.asyncDispose]();
});

describe.each(['public', 'protected', 'private'] as const)('%s', (access) => {
  const remote = Object.entries(TABLE_OPERATIONS).filter(([, operation]) => operation.remote);

  it('its owner does everything', async () => {
    for (const table of TABLES[access]) {
      for (const [operation] of remote) {
        const operands = OPERANDS[operation as keyof typeof OPERANDS]; // A name of the same list.
        await expect(call('own', [table, operation, operands]), `${operation} ${table}`).resolves.toSatisfy(() => true);
      }
    }
  });

  it.each(['a handle', 'a handle of another worker', 'a call by the inner name'])(
    '%s does what the access allows, and changes nothing else',
    async (asker) => {
      const isCall = asker === 'a call by the inner name';
      const askIt = asker === 'a handle' ? ask : askFromWorker;
      for (const table of TABLES[access]) {
        const hasHeir = !table.startsWith('fleeting');
        for (const [operation, { class: kind }] of remote) {
          const operands = OPERANDS[operation as keyof typeof OPERANDS]; // As above.
          // What has an heir is read from it, and not by a call of its owner.
          const isAllowed =
            ALLOWED[access].some((allowed) => allowed === kind) && !(isCall && hasHeir && kind !== 'write');
          const what = `${asker}: ${operation} ${table}`;
          const before = await call('own', [table, 'tab2list', []]);
          const answer = isCall ? call(`$table.${operation}`, [table, ...operands]) : askIt(table, operation, operands);
          if (isAllowed) await expect(answer, what).resolves.toSatisfy(() => true);
          else {
            await expect(answer, what).rejects.toMatchObject(
              isCall ? { code: 'ERR_CALL_THREW', cause: refused } : refused,
            );
            await expect(call('own', [table, 'tab2list', []]), what).resolves.toEqual(before);
          }
        }
        for (const operation of ['foldl', 'foldr', 'begin', 'commit', 'keys']) {
          if (isCall) {
            await expect(call(`$table.${operation}`, [table])).rejects.toMatchObject({ code: 'ERR_CALL_UNKNOWN' });
          } else if (asker === 'a handle') expect(ask(table, operation, [])).toBeUndefined();
          else await expect(askFromWorker(table, operation, [])).rejects.toMatchObject({ code: 'no operation' });
        }
      }
    },
  );
});
