/** A worker whose calls go wrong in every way that user code can. */
import { defineWorker, row, table } from 'heirloom/worker';

export default defineWorker({
  tables: {
    counters: table({ row: row<{ name: string; count: number }>(), key: 'name' }),
    secrets: table({ row: row<{ name: string; value: string }>(), key: 'name', access: 'private' }),
    notes: table({ row: row<{ name: string; value: string }>(), type: 'bag', key: 'name', access: 'public' }),
    scratch: table({ row: row<{ name: string; count: number }>(), key: 'name', survives: 'nothing' }),
    cached: table({ row: row<{ name: string; count: number }>(), key: 'name', survives: 'runtime_crash' }),
  },
  handlerTimeoutMs: 5_000,
  calls: {
    increment({ tables }, name: string) {
      return tables.counters.updateCounter(name, 'count', 1, { default: { name, count: 0 } });
    },
    incrementCached({ tables }, name: string) {
      return tables.cached.updateCounter(name, 'count', 1, { default: { name, count: 0 } });
    },
    incrementScratch({ tables }, name: string) {
      return tables.scratch.updateCounter(name, 'count', 1, { default: { name, count: 0 } });
    },
    keepSecret({ tables }, name: string, value: string) {
      tables.secrets.insert({ name, value });
    },
    read({ tables }, name: string) {
      return tables.counters.lookup(name)?.count ?? 0;
    },
    killItself({ tables }) {
      tables.counters.updateCounter('killed', 'count', 1, { default: { name: 'killed', count: 0 } });
      process.kill(process.pid, 'SIGKILL');
      // The signal arrives before the process runs on; this keeps a slow kernel from letting the handler commit.
      for (;;);
    },
    loopForever({ tables }): void {
      tables.counters.updateCounter('looped', 'count', 1, { default: { name: 'looped', count: 0 } });
      for (;;);
    },
    neverSettles(): Promise<void> {
      return new Promise(() => {});
    },
    throwLater({ tables }) {
      tables.counters.updateCounter('thrower', 'count', 1, { default: { name: 'thrower', count: 0 } });
      setImmediate(() => {
        throw new Error('thrown outside of a handler');
      });
    },
    rejectLater() {
      void Promise.reject(new Error('rejected outside of a handler'));
    },
    exit(_context, code: number): void {
      process.exit(code);
    },
    fail(_context, message: string): void {
      throw new TypeError(message);
    },
    say({ log }, message: string) {
      log.info(message, { spoken: true });
      process.stdout.write(`plain ${message}\n`);
      process.stderr.write(`error ${message}\n`);
    },
    echo(_context, value: unknown) {
      return value;
    },
    insertMany({ tables }, prefix: string, count: number) {
      for (let i = 0; i < count; i++) tables.counters.insert({ name: `${prefix}${i}`, count: i });
      return tables.counters.size;
    },
    async afterSettled({ tables }): Promise<string> {
      setImmediate(() => {
        try {
          tables.counters.insert({ name: 'late', count: 1 });
        } catch (error) {
          process.stdout.write(`late use: ${(error as { code: string }).code}\n`);
        }
      });
      return 'settled';
    },
  },
});
