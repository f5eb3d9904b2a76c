/** A worker that does to its own process, and gives its callers, what user code should not; in HOSTILE, how it starts. */
import { closeSync, writeSync } from 'node:fs';
import { defineWorker, row, table } from 'heirloom/worker';

const LIFELINE_DESCRIPTOR = 3;
const hostile = process.env['HOSTILE'];
if (hostile === 'never_loads') await new Promise(() => {});
if (hostile === 'exits') process.exit(0);
if (hostile === 'closes_its_lifeline') closeSync(LIFELINE_DESCRIPTOR);

const items = () => table({ row: row<{ id: string; count: number }>(), key: 'id', access: 'public' });

// oxlint-disable-next-line unicorn/no-thenable -- what looks like a promise and is none is the point.
const THEN = 'then';

function raise(error: unknown): never {
  throw error;
}

/** What handlers return or throw in `misbehave`. */
const OUTCOMES: Readonly<Record<string, () => unknown>> = {
  thenThrows: () => ({ [THEN]: () => raise(new Error('thrown by then')) }),
  thenGetter: () => Object.defineProperty({}, THEN, { get: () => raise(new Error('thrown by a getter')) }),
  throwNull: () => raise(null),
  throwProxy() {
    const trap = (): never => raise(new Error('trapped'));
    return raise(new Proxy({}, { get: trap, getPrototypeOf: trap }));
  },
  throwCycle() {
    const error = new Error('its own cause');
    error.cause = error;
    throw error;
  },
  returnFunction: () => () => {},
  returnProxy: () => new Proxy({}, { ownKeys: () => raise(new Error('trapped')) }),
  returnCycle() {
    const list: unknown[] = [];
    list.push(list);
    return list;
  },
  returnTooMuch: () => new Uint8Array(40_000_000),
};

/** What becomes of the process in `sabotage`. */
const SABOTAGE: Readonly<Record<string, () => void>> = {
  closeLifeline: () => closeSync(LIFELINE_DESCRIPTOR),
  garbageOnLifeline: () => void writeSync(LIFELINE_DESCRIPTOR, `{"overrun":1}\n${'x'.repeat(50_000)}`),
  hangWhileExiting() {
    process.on('exit', () => {
      for (;;);
    });
    setImmediate(() => {
      throw new Error('thrown outside of a handler');
    });
  },
  neverExit() {
    process.exit = (() => {}) as () => never;
    setImmediate(() => {
      throw new Error('thrown outside of a handler');
    });
  },
  removeListeners() {
    process.title = 'not what it was';
    process.removeAllListeners();
    setImmediate(() => {
      throw new Error('thrown outside of a handler');
    });
  },
  flood() {
    for (let i = 0; i < 32; i++) process.stdout.write('x'.repeat(1_048_576));
  },
};

export default defineWorker({
  handlerTimeoutMs: 5_000,
  tables: { items: items(), constructor: items(), hasOwnProperty: items() },
  init() {
    if (hostile === 'init_never_settles') return new Promise(() => {});
    if (hostile === 'init_throws_null') raise(null);
    return undefined;
  },
  calls: {
    increment({ tables }) {
      return tables.items.updateCounter('n', 'count', 1, { default: { id: 'n', count: 0 } });
    },
    constructor() {
      return 'a call like others';
    },
    echo(_context, value: unknown) {
      return value;
    },
    misbehave({ tables }, how: string): unknown {
      tables.items.insert({ id: 'misbehaved', count: 1 });
      return OUTCOMES[how]?.();
    },
    sabotage(_context, how: string): void {
      SABOTAGE[how]?.();
    },
    directory() {
      return process.cwd();
    },
  },
});
