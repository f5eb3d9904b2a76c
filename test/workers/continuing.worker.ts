/**
 * A worker that goes on by itself. Each account is opened in two steps: the call takes it down, what it continues with books the
 * money. By the environment variable CONTINUING, its `handleContinue` is missing (`none`), or crashes (`throws`, `dies`) while the file
 * CONTINUING_FILE is there.
 */
import { defineWorker, row, table } from 'heirloom/worker';
import { existsSync } from 'node:fs';

const mode = process.env['CONTINUING'] ?? 'well';
const isBroken = (): boolean => existsSync(process.env['CONTINUING_FILE'] ?? '');

/** Set up in the memory of each life by what `init` continues with. */
let isConnected = false;

interface Step {
  readonly id: string;
  /** How many steps follow. */
  readonly more: number;
}

const definition = defineWorker({
  tables: {
    taken: table({ row: row<{ id: string; count: number }>(), key: 'id' }),
    booked: table({ row: row<{ id: string; count: number }>(), key: 'id' }),
  },
  init({ continueWith }) {
    if (mode !== 'none') continueWith({ id: 'connect', more: 0 });
  },
  handleContinue({ tables, continueWith }, argument) {
    const { id, more } = argument as Step; // Of what is given below.
    if (id === 'connect') {
      isConnected = true;
      return;
    }
    if (!isConnected) throw new Error('it is not connected');
    if (isBroken() && mode === 'throws') throw new RangeError('it continues badly on purpose');
    if (isBroken() && mode === 'dies') process.exit(7);
    tables.booked.updateCounter(id, 'count', 1, { default: { id, count: 0 } });
    if (more > 0) continueWith({ id, more: more - 1 } satisfies Step);
  },
  timers: {
    later({ continueWith }, id: string) {
      continueWith({ id, more: 0 } satisfies Step);
    },
  },
  calls: {
    open({ tables, continueWith }, id: string, more: number) {
      const count = tables.taken.updateCounter(id, 'count', 1, { default: { id, count: 0 } });
      continueWith({ id, more } satisfies Step);
      return count;
    },
    openAndThrow({ continueWith }, id: string) {
      continueWith({ id, more: 0 } satisfies Step);
      throw new RangeError('this call throws on purpose');
    },
    twice({ continueWith }) {
      continueWith(1);
      continueWith(2);
    },
    openLater({ timers }, id: string) {
      timers.start({ name: id, handler: 'later', afterMs: 0, args: [id] });
    },
    booked({ tables }, id: string) {
      return tables.booked.lookup(id)?.count ?? 0;
    },
  },
});

export default mode === 'none' ? Object.freeze({ ...definition, handleContinue: undefined }) : definition;
