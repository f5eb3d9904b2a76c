/**
 * A worker that casts and is cast to: it counts what it was cast, keeps the order in which it came, passes on, fails, and dies.
 *
 * What it was sent is stored as a row for each cast with its own number, so that one that ran twice, or never, or in the wrong
 * order, shows itself.
 */
import { defineWorker, row, table, workerRef } from 'heirloom/worker';
import type { HandlerContext, WorkerDefinition } from 'heirloom/worker';
import { failpoint } from '@heirloom/wire';

const tables = {
  /** In the order of arrival: `sequence` counts what came. */
  arrived: table({
    row: row<{ sequence: number; from: string; number: number; text: string }>(),
    type: 'ordered_set',
    key: 'sequence',
  }),
  /** What was sent, by receiver and number. */
  sent: table({ row: row<{ id: string; count: number }>(), key: 'id' }),
  counters: table({ row: row<{ id: string; count: number }>(), key: 'id' }),
};
type Context = HandlerContext<typeof tables>;
/** Written out, as each type would be inferred from the other. */
interface CasterCalls {
  readonly [name: string]: (...args: never[]) => Promise<unknown>;
  readonly note: (from: string, number: number, text?: string) => Promise<number>;
  readonly send: (to: string, first: number, count: number, text?: string) => Promise<number>;
  readonly sendOnly: (to: string, first: number, count: number) => Promise<void>;
  readonly sendThenThrow: (to: string, number: number) => Promise<void>;
  readonly relay: (to: string, from: string, number: number) => Promise<void>;
  readonly fail: (number: number) => Promise<void>;
  readonly die: (number: number) => Promise<void>;
  readonly countDown: (left: number) => Promise<void>;
  readonly castTo: (to: string, name: string, args: readonly unknown[]) => Promise<void>;
  readonly fill: (to: string, count: number, bytes: number) => Promise<unknown>;
  readonly allow: (what: string) => Promise<void>;
  readonly nothing: () => Promise<void>;
}
export type CasterDefinition = WorkerDefinition<typeof tables, CasterCalls>;

const other = (to: string) => workerRef<CasterDefinition>(to);
const count = (context: Context, id: string): number =>
  context.tables.counters.updateCounter(id, 'count', 1, { default: { id, count: 0 } });
/** Whether a handler that fails or kills is to succeed from now on. */
const isAllowed = ({ tables: { counters } }: Context, what: string): boolean => counters.member(`allowed ${what}`);

function note(context: Context, from: string, number: number, text: string = ''): number {
  failpoint('worker.handler:change');
  const sequence = count(context, 'arrived');
  context.tables.arrived.insert({ sequence, from, number, text });
  return sequence;
}

export default defineWorker({
  tables,
  init: ({ tables: { counters }, remote, restarted, worker }) => {
    if (restarted || !worker.name.startsWith('eager')) return;
    counters.insert({ id: 'started', count: 1 });
    remote(other('receiver')).cast.note(worker.name, 1, 'from init');
  },
  calls: {
    note,
    /** Casts so many numbered notes, and counts them in the same batch. */
    send(context: Context, to: string, first: number, howMany: number, text: string = ''): number {
      const { cast } = context.remote(other(to));
      for (let number = first; number < first + howMany; number++) {
        cast.note(context.worker.name, number, text);
        failpoint('worker.handler:change');
      }
      return context.tables.sent.updateCounter(to, 'count', howMany, { default: { id: to, count: 0 } });
    },
    /** Changes nothing. */
    sendOnly({ remote, worker }: Context, to: string, first: number, howMany: number): void {
      for (let number = first; number < first + howMany; number++) remote(other(to)).cast.note(worker.name, number);
    },
    sendThenThrow({ remote, worker }: Context, to: string, number: number): void {
      remote(other(to)).cast.note(worker.name, number);
      throw new RangeError('after the cast');
    },
    /** What was cast is cast on. */
    relay(context: Context, to: string, from: string, number: number): void {
      note(context, from, number);
      context.remote(other(to)).cast.note(from, number);
    },
    fail(context: Context, number: number): void {
      note(context, 'fail', number);
      if (!isAllowed(context, 'fail')) throw new RangeError(`no ${number}`);
    },
    die(context: Context, number: number): void {
      note(context, 'die', number);
      if (!isAllowed(context, 'die')) process.kill(process.pid, 'SIGKILL');
    },
    /** Casts to itself. */
    countDown(context: Context, left: number): void {
      note(context, context.worker.name, left);
      if (left > 0) context.remote(other(context.worker.name)).cast.countDown(left - 1);
    },
    castTo({ remote }: Context, to: string, name: string, args: readonly unknown[]): void {
      const cast = remote(other(to)).cast as unknown as Readonly<Record<string, (...args: readonly unknown[]) => void>>;
      cast[name]?.(...args);
    },
    /** Casts until it is refused; returns how many there were, and the code. */
    fill({ remote, worker }: Context, to: string, howMany: number, bytes: number): unknown {
      const text = 'x'.repeat(bytes);
      for (let number = 0; number < howMany; number++) {
        try {
          remote(other(to)).cast.note(worker.name, number, text);
        } catch (error) {
          return { made: number, code: (error as { code?: unknown }).code, name: (error as Error).name };
        }
      }
      return { made: howMany };
    },
    allow({ tables: { counters } }: Context, what: string): void {
      counters.insert({ id: `allowed ${what}`, count: 1 });
    },
    nothing(): void {},
  },
}) satisfies CasterDefinition;
