/**
 * A worker that calls others of its kind, along a path that the test gives, and writes down what it did and was told.
 */
import { CallError, defineWorker, HeirloomError, row, table, workerRef } from 'heirloom/worker';
import type { CallSignatures, RemoteWorkers, WorkerDefinition } from 'heirloom/worker';

/** What one worker on the path did: its count was `count` then. */
export interface Step {
  readonly worker: string;
  readonly count: number;
}
/** A call that a test wants made by a handler. */
export interface Wanted {
  readonly worker: string;
  readonly call: string;
  readonly operands?: readonly unknown[];
  readonly timeoutMs?: number;
  /** The signal is aborted this long after the call. */
  readonly abortAfterMs?: number;
  readonly isUnsendable?: boolean;
}
/** What became of it, as data. */
export interface Became {
  readonly value?: unknown;
  readonly error?: string;
  readonly name?: string;
  readonly message?: string;
  readonly outcome?: string;
  readonly workers?: unknown;
  readonly cause?: string;
}

/** What it calls in others of its kind. Its own type would be inferred from itself. */
interface ChainCalls extends CallSignatures {
  pass: (id: number, path: readonly string[]) => Promise<readonly Step[]>;
}
type Chain = WorkerDefinition<Record<string, never>, ChainCalls>;

type Functions = Readonly<Record<string, (...operands: readonly unknown[]) => Promise<unknown>>>;

const onStart = JSON.parse(process.env['ON_START'] ?? '[]') as readonly Wanted[]; // Written by a test.
const onTransfer = JSON.parse(process.env['ON_TRANSFER'] ?? '[]') as readonly Wanted[]; // Likewise.
/** Handles that a test keeps beyond the end of their handler. */
let kept: RemoteWorkers | undefined;

async function make(remote: RemoteWorkers, wanted: Wanted): Promise<Became> {
  const { worker, call, operands = [], timeoutMs, abortAfterMs, isUnsendable = false } = wanted;
  const signal = abortAfterMs === undefined ? undefined : AbortSignal.timeout(abortAfterMs);
  try {
    const calls = remote(workerRef<Chain>(worker)).with({ timeoutMs, signal }).call as unknown as Functions; // By the test's names.
    return { value: await calls[call]?.(...(isUnsendable ? [() => undefined] : operands)) };
  } catch (error) {
    if (!(error instanceof HeirloomError)) throw error;
    const { code, name, message, details, cause } = error;
    const outcome = error instanceof CallError ? { outcome: error.outcome } : {};
    const workers = 'workers' in details ? { workers: details['workers'] } : {};
    return {
      error: code,
      name,
      message,
      ...outcome,
      ...workers,
      ...(cause instanceof Error ? { cause: cause.message } : {}),
    };
  }
}

export default defineWorker({
  tables: {
    counts: table({ row: row<{ id: string; count: number }>(), key: 'id', access: 'public' }),
    /** One row for each pass: a second one of the same id would be seen. */
    passes: table({
      row: row<{ id: number; count: number; below: readonly Step[] }>(),
      type: 'duplicate_bag',
      key: 'id',
    }),
    became: table({ row: row<{ at: string; became: Became }>(), type: 'duplicate_bag', key: 'at' }),
  },
  handlerTimeoutMs: 120_000,
  async init({ tables, remote }) {
    for (const wanted of onStart) tables.became.insert({ at: 'init', became: await make(remote, wanted) });
  },
  async tableTransferred(_transfer, { tables, remote }) {
    for (const wanted of onTransfer) tables.became.insert({ at: 'transfer', became: await make(remote, wanted) });
  },
  calls: {
    /** Counts itself, before or behind the call of the next one on the path, as the id says. */
    async pass({ tables, remote, worker }, id: number, path: readonly string[]): Promise<readonly Step[]> {
      const count = (): number => tables.counts.updateCounter('all', 'count', 1, { default: { id: 'all', count: 0 } });
      const early = id % 2 === 0 ? count() : undefined;
      const [next, ...rest] = path;
      const below =
        next === undefined ? [] : await remote(workerRef<Chain>(next)).with({ timeoutMs: 60_000 }).call.pass(id, rest);
      const own = early ?? count();
      tables.passes.insert({ id, count: own, below });
      return [{ worker: worker.name, count: own }, ...below];
    },
    count({ tables }, id: string): number {
      return tables.counts.updateCounter(id, 'count', 1, { default: { id, count: 0 } });
    },
    async make({ remote }, wanted: readonly Wanted[]): Promise<readonly Became[]> {
      const became: Became[] = [];
      for (const each of wanted) became.push(await make(remote, each));
      return became;
    },
    /** The same behind a change of its own. */
    async changeAndMake({ tables, remote }, wanted: readonly Wanted[]): Promise<readonly Became[]> {
      tables.counts.updateCounter('own', 'count', 1, { default: { id: 'own', count: 0 } });
      return Promise.all(wanted.map((each) => make(remote, each)));
    },
    /** Calls and does not wait. */
    float({ remote }, wanted: readonly Wanted[]): void {
      for (const each of wanted) void make(remote, each);
    },
    /** Calls, then throws. */
    async throwBehind({ remote }, wanted: Wanted): Promise<never> {
      await make(remote, wanted);
      throw new RangeError('behind the call');
    },
    throw(): never {
      throw new RangeError('on purpose');
    },
    /** Calls, then dies, in every life. */
    async dieBehind({ remote }, wanted: Wanted): Promise<void> {
      await make(remote, wanted);
      process.kill(process.pid, 'SIGKILL');
    },
    /** Calls with other arguments in each life, and dies behind it in the first one. */
    async diverge({ remote, worker }, target: string): Promise<Became> {
      const became = await make(remote, { worker: target, call: 'count', operands: [`life ${worker.incarnation}`] });
      if (worker.incarnation === 1) process.kill(process.pid, 'SIGKILL');
      return became;
    },
    /** Calls the next one when others, told by rows of a third worker, have come as far. */
    async meet({ remote, worker }, others: readonly string[], board: string, wanted: Wanted): Promise<Became> {
      const { counts } = remote(workerRef<typeof boardLike>(board)).tables;
      await counts.insert({ id: worker.name, count: 1 });
      for (const other of others) while (!(await counts.member(other)));
      return make(remote, wanted);
    },
    keep({ remote }): void {
      kept = remote;
    },
    async makeLate(_context, wanted: Wanted): Promise<Became | undefined> {
      return kept === undefined ? undefined : make(kept, wanted);
    },
    wrongOptions({ remote }, options: object): void {
      remote(workerRef('b')).with(options);
    },
    give({ tables }, to: string): void {
      tables.counts.giveAway(to);
    },
    became({ tables }) {
      return tables.became.tab2list();
    },
  },
});

const boardLike = defineWorker({
  tables: { counts: table({ row: row<{ id: string; count: number }>(), key: 'id', access: 'public' }) },
  calls: {},
});
