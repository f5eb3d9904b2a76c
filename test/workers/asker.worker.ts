/**
 * A worker that asks others whatever a test wants, and has tables that others ask for. Its module can be given to several workers,
 * which then ask one another.
 */
import { CallError, defineWorker, HeirloomError, row, table, workerRef } from 'heirloom/worker';
import type { RemoteWorkers, WorkerDefinition } from 'heirloom/worker';
import type shelvesWorker from './shelves.worker.js';

/** One thing to ask for. */
export interface Question {
  readonly worker: string;
  readonly table: string;
  readonly operation: string;
  readonly operands?: readonly unknown[];
  readonly timeoutMs?: number;
  /** The signal is aborted this long after the question. */
  readonly abortAfterMs?: number;
  /** What is added to the first operand, a row: a text of so many bytes, or what cannot be sent. */
  readonly padBytes?: number;
  readonly isUnsendable?: boolean;
}
/** What became of it, as data. */
export interface Answered {
  readonly value?: unknown;
  readonly error?: string;
  readonly name?: string;
  readonly message?: string;
  readonly outcome?: string;
  readonly workers?: unknown;
}

type Anything = Readonly<Record<string, Readonly<Record<string, (...operands: readonly unknown[]) => unknown>>>>;

const item = row<{ id: string; count: number }>();
/** Handles that a test keeps beyond the end of their handler. */
let keptRemote: RemoteWorkers | undefined;

function remoteTables(remote: RemoteWorkers, { worker, timeoutMs, abortAfterMs }: Question): Anything {
  const signal = abortAfterMs === undefined ? undefined : AbortSignal.timeout(abortAfterMs);
  const handle = remote(workerRef<typeof shelvesWorker>(worker)).with({ timeoutMs, signal });
  return handle.tables as unknown as Anything; // Tables and operations are named by the test.
}

async function ask(remote: RemoteWorkers, question: Question): Promise<Answered> {
  try {
    const operation = remoteTables(remote, question)[question.table]?.[question.operation];
    if (operation === undefined) return { error: 'no operation' };
    const result = operation(...operandsOf(question));
    if (!isIterable(result)) return { value: await result };
    const rows: unknown[] = [];
    for await (const each of result) rows.push(each);
    return { value: rows };
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): Answered {
  if (!(error instanceof HeirloomError)) throw error;
  const { code, name, message, details } = error;
  const outcome = error instanceof CallError ? { outcome: error.outcome } : {};
  return { error: code, name, message, ...outcome, ...('workers' in details ? { workers: details['workers'] } : {}) };
}

function operandsOf({ operands = [], padBytes = 0, isUnsendable = false }: Question): readonly unknown[] {
  if (isUnsendable) return [() => undefined];
  return padBytes === 0 ? operands : [{ ...(operands[0] as object), text: 'x'.repeat(padBytes) }, ...operands.slice(1)];
}

function isIterable(result: unknown): result is AsyncIterable<unknown> {
  return typeof result === 'object' && result !== null && Symbol.asyncIterator in result;
}

const onStart = JSON.parse(process.env['ON_START'] ?? '[]') as readonly Question[]; // Written by a test.
const onTransfer = JSON.parse(process.env['ON_TRANSFER'] ?? '[]') as readonly Question[]; // Likewise.

export default defineWorker({
  tables: {
    hits: table({ row: item, key: 'id', access: 'public' }),
    log: table({ row: row<{ id: string; text: string }>(), type: 'duplicate_bag', key: 'id', access: 'public' }),
    fleeting: table({ row: item, key: 'id', access: 'public', survives: 'nothing' }),
    /** What `init` and `tableTransferred` were answered. */
    answers: table({ row: row<{ at: string; answered: readonly Answered[] }>(), type: 'duplicate_bag', key: 'at' }),
    done: table({ row: row<{ id: number; seen: number; total: number }>(), type: 'duplicate_bag', key: 'id' }),
  },
  handlerTimeoutMs: 60_000,
  async init({ tables, remote }) {
    for (const question of onStart) tables.answers.insert({ at: 'init', answered: [await ask(remote, question)] });
  },
  async tableTransferred(_transfer, { tables, remote }) {
    for (const question of onTransfer)
      tables.answers.insert({ at: 'transfer', answered: [await ask(remote, question)] });
  },
  calls: {
    async ask({ remote }, questions: readonly Question[]): Promise<readonly Answered[]> {
      const answered: Answered[] = [];
      for (const question of questions) answered.push(await ask(remote, question));
      return answered;
    },
    /** The same, with what became of each but not the answers. */
    async errors({ remote }, questions: readonly Question[]): Promise<readonly Answered[]> {
      const answered: Answered[] = [];
      for (const question of questions) answered.push({ ...(await ask(remote, question)), value: undefined });
      return answered;
    },
    /** The same behind a change of its own, which is not released when the first question is asked. */
    async changeAndAsk({ tables, remote }, id: string, questions: readonly Question[]): Promise<readonly Answered[]> {
      tables.hits.updateCounter(id, 'count', 1, { default: { id, count: 0 } });
      const answered: Answered[] = [];
      for (const question of questions) answered.push(await ask(remote, question));
      return answered;
    },
    change({ tables }, id: string) {
      return tables.hits.updateCounter(id, 'count', 1, { default: { id, count: 0 } });
    },
    async askAtOnce({ remote }, questions: readonly Question[]): Promise<readonly Answered[]> {
      return Promise.all(questions.map((question) => ask(remote, question)));
    },
    /** Asks and does not wait. */
    float({ remote }, questions: readonly Question[]) {
      for (const question of questions) void ask(remote, question);
    },
    /** The operation of the exactly-once runs: a write that depends on a read, one that is counted, and a change of its own. */
    async pay({ tables, remote }, id: number, target: string) {
      const { hits, log } = remote(workerRef<AskerWorker>(target)).with({ timeoutMs: 30_000 }).tables;
      const seen = (await hits.lookup('total'))?.count ?? 0;
      const total = await hits.updateCounter('total', 'count', 1, { default: { id: 'total', count: 0 } });
      await log.insert({ id: `${id}`, text: `saw ${seen}` });
      tables.done.insert({ id, seen, total });
      return total;
    },
    /** Asks for something else in each life, behind a write if it shall. */
    async diverge({ remote, worker }, target: string, isWriting: boolean): Promise<number | undefined> {
      const { hits } = remote(workerRef<AskerWorker>(target)).tables;
      if (isWriting) await hits.updateCounter('diverge', 'count', 1, { default: { id: 'diverge', count: 0 } });
      await hits.lookup(`life ${worker.incarnation}`);
      return (await hits.lookup('diverge'))?.count;
    },
    /** Asks when others, told by rows of a third worker, have come as far. */
    async meet({ remote, worker }, others: readonly string[], board: string, questions: readonly Question[]) {
      const { hits } = remote(workerRef<AskerWorker>(board)).tables;
      await hits.insert({ id: worker.name, count: 1 });
      for (const other of others) while (!(await hits.member(other)));
      return Promise.all(questions.map((question) => ask(remote, question)));
    },
    /** Iterates in pages that their owner reads, and goes on behind the first row when others have come as far. */
    async walkAndMeet({ remote, worker }, name: string, others: readonly string[], board: string): Promise<Answered> {
      const { fleeting } = remote(workerRef<AskerWorker>(name)).with({ timeoutMs: 20_000 }).tables;
      const { hits } = remote(workerRef<AskerWorker>(board)).tables;
      const seen: string[] = [];
      try {
        for await (const { id } of fleeting.rows({ isStable: false, pageRows: 1 })) {
          if (seen.push(id) > 1) continue;
          await hits.insert({ id: worker.name, count: 1 });
          for (const other of others) while (!(await hits.member(other)));
        }
        return { value: seen };
      } catch (error) {
        return failed(error);
      }
    },
    /** Leaves an iteration in its middle, and begins another. */
    async someRows({ remote }, name: string, pageRows: number, count: number) {
      const { set } = remote(workerRef<typeof shelvesWorker>(name)).tables;
      const rows: unknown[] = [];
      for await (const each of set.rows({ pageRows })) {
        rows.push(each);
        if (rows.length === count) break;
      }
      return rows;
    },
    /** Iterates, writes in the middle, and goes on. */
    async walk({ remote }, name: string) {
      const { set, bag } = remote(workerRef<typeof shelvesWorker>(name)).tables;
      const seen: (string | number)[] = [];
      for await (const { id } of set.rows({ pageRows: 2 })) {
        seen.push(id);
        await bag.insert({ id, n: seen.length });
        await set.insert({ id: `new ${id}`, n: 0 });
      }
      return seen;
    },
    keep({ remote }) {
      keptRemote = remote;
    },
    async askLate(_context, question: Question): Promise<Answered | undefined> {
      return keptRemote === undefined ? undefined : ask(keptRemote, question);
    },
    /** Writes to another worker, then throws. */
    async throwAfter({ remote }, question: Question) {
      await ask(remote, question);
      throw new RangeError('after the write');
    },
    wrongReference({ remote }, reference: unknown) {
      remote(reference as ReturnType<typeof workerRef>);
    },
    wrongOptions({ remote }, options: object) {
      remote(workerRef('shelves')).with(options);
    },
    give({ tables }, to: string) {
      tables.hits.giveAway(to);
    },
    /** Uses a table of another worker that it owns now. */
    own({ inherited }, name: string, id: string) {
      return inherited.get<(typeof asker)['hits']>(name)?.updateCounter(id, 'count', 1, { default: { id, count: 0 } });
    },
    answers({ tables }) {
      return tables.answers.tab2list();
    },
  },
});

/** Its tables as those of a worker that it asks; itself it cannot name, as its type would then be inferred from itself. */
const asker = {
  hits: table({ row: item, key: 'id', access: 'public' }),
  fleeting: table({ row: item, key: 'id', access: 'public', survives: 'nothing' }),
  log: table({ row: row<{ id: string; text: string }>(), type: 'duplicate_bag', key: 'id', access: 'public' }),
};
type AskerWorker = WorkerDefinition<typeof asker, Record<string, never>>;
