/** A worker with timers, or, by the environment variable TIMERS, an older or a newer one that has none of them. */
import { defineWorker, row, table } from 'heirloom/worker';
import type { TimerOptions } from 'heirloom/worker';

interface Fired {
  readonly id: string;
  readonly count: number;
}

export default defineWorker({
  tables: { fired: table({ row: row<Fired>(), key: 'id' }) },
  timers:
    process.env['TIMERS'] === 'none'
      ? {}
      : {
          fire({ tables }, id: string) {
            tables.fired.updateCounter(id, 'count', 1, { default: { id, count: 0 } });
          },
          fail({ tables }, id: string) {
            tables.fired.updateCounter(id, 'count', 1, { default: { id, count: 0 } });
            throw new RangeError('this timer throws on purpose');
          },
          die() {
            process.kill(process.pid, 'SIGKILL');
            // The kernel may deliver the signal through another thread.
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000);
          },
        },
  calls: {
    start({ timers }, ...options: TimerOptions[]) {
      for (const each of options) timers.start(each);
    },
    startAndThrow({ timers }, options: TimerOptions) {
      timers.start(options);
      throw new RangeError('this call throws on purpose');
    },
    cancel({ timers }, name: string) {
      return timers.cancel(name);
    },
    names({ timers }) {
      return timers.names();
    },
    read({ timers }, name: string) {
      return timers.read(name);
    },
    count({ tables }, id: string) {
      return tables.fired.lookup(id)?.count ?? 0;
    },
  },
});
