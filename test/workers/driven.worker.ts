/** A worker for whatever it may run in: it needs no environment, no arguments and no process of its own. */
import { defineWorker, row, table, workerRef } from 'heirloom/worker';
import type { WorkerDefinition } from 'heirloom/worker';

const counter = row<{ name: string; count: number }>();
/** What a test in the same process shares with its worker; see drivers.test.ts. */
interface Meeting {
  readonly seen: unknown[];
  lives: number;
  isOver: boolean;
  onChange: () => void;
}
function meeting(name: string): Meeting {
  return (globalThis as Record<string, unknown>)[`heirloom test meeting ${name}`] as Meeting; // Left by the test.
}

let countedInModule = 0;
const counters = table({ row: counter, key: 'name', access: 'public' });

export default defineWorker({
  tables: {
    counters,
    items: table({ row: counter, key: 'name' }),
    told: table({ row: row<{ table: string; from: string }>(), type: 'duplicate_bag', key: 'table' }),
    lives: table({ row: row<{ life: number; restarted: boolean }>(), type: 'ordered_set', key: 'life' }),
  },
  // Short, as tests wait for it; no handler here that is meant to settle takes a tenth of it.
  handlerTimeoutMs: 1_000,
  init({ tables, worker, restarted, log }) {
    tables.lives.insert({ life: worker.incarnation, restarted });
    log.info('begun', { life: worker.incarnation });
  },
  tableTransferred({ table: name, from }, { tables }) {
    tables.told.insert({ table: name, from });
  },
  calls: {
    increment({ tables }, name: string) {
      return tables.counters.updateCounter(name, 'count', 1, { default: { name, count: 0 } });
    },
    /** Changes two tables; both changes happen or none. */
    both({ tables }, name: string, isFailing: boolean) {
      tables.counters.insert({ name, count: 1 });
      tables.items.insert({ name, count: 1 });
      if (isFailing) throw new RangeError(`${name} fails on purpose`);
    },
    async slowly({ tables }, name: string) {
      tables.items.insert({ name, count: 1 });
      await new Promise((resolve) => setImmediate(resolve));
      return tables.counters.updateCounter(name, 'count', 1, { default: { name, count: 0 } });
    },
    neverSettles({ tables }): Promise<void> {
      tables.counters.insert({ name: 'never', count: 1 });
      return new Promise(() => {});
    },
    loopForever({ tables }): void {
      tables.counters.insert({ name: 'looped', count: 1 });
      for (;;);
    },
    throwLater(): void {
      setImmediate(() => {
        throw new Error('thrown outside of a handler');
      });
    },
    exit(_context, code: number): void {
      process.exit(code);
    },
    say({ log }, message: string) {
      log.warn(message, { spoken: true });
      console.log(`printed ${message}`);
    },
    sayAndLoop({ log }, message: string): void {
      for (let line = 0; line < 10; line++) log.info(`${message} ${line}`);
      for (;;);
    },
    /** Waits for the test, which is in the same process, then changes a table and asks another worker. */
    async meet({ tables, remote, worker }, name: string, other: string) {
      const met = meeting(worker.name);
      met.lives++;
      tables.items.insert({ name, count: 1 });
      while (!met.isOver) await new Promise((resolve) => setImmediate(resolve));
      let count = 0;
      const seen: { life: number; changed: string | undefined; asked: string | undefined } = {
        life: worker.incarnation,
        changed: undefined,
        asked: undefined,
      };
      try {
        count = tables.counters.updateCounter(name, 'count', 1, { default: { name, count: 0 } });
      } catch (error) {
        seen.changed = (error as { code: string }).code;
      }
      try {
        const at = remote(workerRef<DrivenWorker>(other)).tables.counters;
        await at.updateCounter(name, 'count', 1, { default: { name, count: 0 } });
      } catch (error) {
        seen.asked = (error as { code: string }).code;
      }
      met.seen.push(seen);
      return count;
    },
    changeThenTell({ tables, worker }, name: string) {
      const count = tables.counters.updateCounter(name, 'count', 1, { default: { name, count: 0 } });
      meeting(worker.name).onChange();
      return count;
    },
    countInModule() {
      return ++countedInModule;
    },
    give({ tables }, to: string) {
      tables.items.giveAway(to);
    },
    told({ tables }) {
      return tables.told.tab2list();
    },
    /** Counts in a table of another worker, behind a change of its own. */
    async countAt({ tables, remote }, other: string, name: string) {
      tables.items.insert({ name, count: 1 });
      return remote(workerRef<DrivenWorker>(other)).tables.counters.updateCounter(name, 'count', 1, {
        default: { name, count: 0 },
      });
    },
    nested: async (): Promise<string> => {
      // As the types of a program's main package are not those of a worker.
      const { startRuntime, supervisor } = await import('heirloom');
      try {
        await startRuntime({ directory: '/nowhere', root: supervisor({ strategy: 'one_for_one' }, []) });
        return 'started';
      } catch (error) {
        return (error as { code: string }).code;
      }
    },
  },
});

type DrivenWorker = WorkerDefinition<{ readonly counters: typeof counters }, Record<string, never>>;
