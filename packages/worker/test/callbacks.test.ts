/**
 * The order in which an incarnation runs what nobody has called: `migrate`, `init`, `handleContinue`, `terminate` (G2).
 *
 * Mutations that make this fail: what a former life has left runs before what `init` asks for; a call runs before what is pending;
 * `terminate` runs before what is pending, or before the gate is open, or twice.
 */
import { row, table } from '@heirloom/tables';
import { describe, expect, test } from 'vitest';
import { defineWorker } from '../src/definition.js';
import type { ContinueWith } from '../src/handler-context.js';
import { LIFE_TABLE_NAME } from '../src/life-table.js';
import { Harness, settled } from './incarnation-harness.js';
import { StoredTables } from './stored-tables.js';

interface Script {
  readonly order: unknown[];
  version: number;
  onContinue: (argument: unknown, continueWith: ContinueWith) => void | Promise<void>;
  onTerminate: () => void | Promise<void>;
}

function scripted(script: Script) {
  const { order } = script;
  return defineWorker({
    tables: { notes: table({ row: row<{ id: string; n: number }>(), key: 'id' }) },
    version: script.version,
    onError: 'crash',
    migrate({ tables }, from) {
      order.push(`migrate ${from}`);
      tables.notes.insert({ id: 'migrated', n: from });
    },
    init({ continueWith }) {
      order.push('init');
      continueWith('init');
    },
    handleContinue({ continueWith }, argument) {
      order.push(`continue ${String(argument)}`);
      return script.onContinue(argument, continueWith);
    },
    terminate({ tables }, reason) {
      order.push(`terminate ${String(reason)}`);
      tables.notes.insert({ id: 'end', n: 1 });
      return script.onTerminate();
    },
    calls: {
      open({ continueWith }, argument: string) {
        order.push(`open ${argument}`);
        continueWith(argument);
      },
      fail() {
        throw new RangeError('no');
      },
    },
  });
}

class Lives {
  readonly script: Script = { order: [], version: 1, onContinue: () => undefined, onTerminate: () => undefined };
  readonly store = new StoredTables(['notes', LIFE_TABLE_NAME]);
  harness: Harness;
  #stored = 0;
  #epoch = 0;

  constructor() {
    this.harness = this.begin();
  }

  begin(): Harness {
    this.#stored = 0;
    this.script.order.length = 0;
    this.harness = new Harness(scripted(this.script), this.store.reader);
    this.harness.activate(this.store.isInitialized, this.store.grants, ++this.#epoch);
    return this.harness;
  }

  /** What is in the journal is stored and released, until nothing more comes. */
  async release(): Promise<void> {
    for (;;) {
      await settled();
      const batches = this.harness.journal.slice(this.#stored);
      if (batches.length === 0) return;
      for (const batch of batches) this.store.commit(batch);
      this.#stored = this.harness.journal.length;
      this.harness.releaseAll();
    }
  }

  async keep(count: number): Promise<void> {
    await settled();
    for (const batch of this.harness.journal.slice(this.#stored, this.#stored + count)) this.store.commit(batch);
  }
}

describe('what is continued with', () => {
  test('runs behind init, and before calls; the router is told of both ends', async () => {
    const lives = new Lives();
    await lives.release();
    expect(lives.script.order).toEqual(['init', 'continue init']);
    const told = lives.harness.events.filter((event) => event.includes('contin') || event === 'active');
    expect(told).toEqual(['active, continuing', 'continued']);
    lives.harness.call('open', 'a');
    lives.harness.call('open', 'b');
    await lives.release();
    expect(lives.script.order.slice(2)).toEqual(['open a', 'continue a', 'open b', 'continue b']);
  });

  test('goes on as long as it asks for more, and throws for a second one', async () => {
    const lives = new Lives();
    lives.script.onContinue = (argument, continueWith) => {
      if (argument !== 'a') return;
      continueWith('b');
      expect(() => continueWith('c')).toThrow(expect.objectContaining({ code: 'ERR_WORKER_CONTINUE' }));
    };
    await lives.release();
    lives.harness.call('open', 'a');
    lives.harness.call('open', 'z');
    await lives.release();
    expect(lives.script.order.slice(2)).toEqual(['open a', 'continue a', 'continue b', 'open z', 'continue z']);
  });

  test('is left to the next life, behind what its init asks for, when the process dies between the two batches', async () => {
    const lives = new Lives();
    await lives.release();
    lives.harness.call('open', 'a');
    // The batch of the call is stored, that of what it continues with is not.
    await lives.keep(1);
    lives.begin();
    await lives.release();
    expect(lives.script.order).toEqual(['init', 'continue init', 'continue a']);
    lives.begin();
    await lives.release();
    expect(lives.script.order).toEqual(['init', 'continue init']);
  });

  test('crashes the worker when it throws, and is tried again in the next life', async () => {
    const lives = new Lives();
    await lives.release();
    lives.script.onContinue = async (argument) => {
      await Promise.resolve();
      if (argument === 'a') throw new RangeError('no');
    };
    lives.harness.call('open', 'a');
    await lives.release();
    expect(lives.harness.events.at(-1)).toBe('crash 0 RangeError: no');
    lives.script.onContinue = () => undefined;
    lives.begin();
    await lives.release();
    expect(lives.script.order).toEqual(['init', 'continue init', 'continue a']);
  });
});

describe('terminate', () => {
  test('runs once behind everything that has arrived, and the end is told when its batch is released', async () => {
    const lives = new Lives();
    await lives.release();
    lives.harness.call('open', 'a');
    lives.harness.incarnation.stop();
    await settled();
    expect(lives.script.order.slice(2)).toEqual(['open a', 'continue a']);
    lives.harness.releaseAll();
    await settled();
    expect(lives.script.order.at(-1)).toBe('terminate shutdown');
    expect(lives.harness.events).not.toContain('stopped');
    await lives.release();
    expect(lives.harness.events.at(-1)).toBe('stopped');
    expect(lives.script.order.filter((entry) => String(entry).startsWith('terminate')).length).toBe(1);
  });

  test('runs with the error of a handler that crashes the worker; the error goes its way also if it throws', async () => {
    const lives = new Lives();
    lives.script.onTerminate = () => {
      throw new TypeError('badly');
    };
    await lives.release();
    const call = lives.harness.call('fail');
    await lives.release();
    expect(lives.script.order.at(-1)).toBe('terminate RangeError: no');
    expect(lives.harness.events.at(-1)).toBe(`crash ${call} RangeError: no`);
    expect(lives.harness.outcome(call)?.error).toBeInstanceOf(RangeError);
    expect(lives.harness.journal.flatMap(({ tables }) => tables).filter(({ tableId }) => tableId === 1)).toEqual([]);
  });

  test('waits for what is pending while the router does not read', async () => {
    const lives = new Lives();
    lives.script.onContinue = (argument, continueWith) => {
      if (argument !== 'a') return;
      continueWith('b');
      lives.harness.isCongested = true;
    };
    await lives.release();
    lives.harness.call('open', 'a');
    lives.harness.incarnation.stop();
    await lives.release();
    expect(lives.script.order.at(-1)).toBe('continue a');
    lives.harness.isCongested = false;
    lives.harness.incarnation.resume();
    await lives.release();
    expect(lives.script.order.slice(-2)).toEqual(['continue b', 'terminate shutdown']);
  });

  test('does not run in a standby that is stopped', async () => {
    const script: Script = { order: [], version: 1, onContinue: () => undefined, onTerminate: () => undefined };
    const harness = new Harness(scripted(script));
    harness.incarnation.stop();
    await settled();
    expect(harness.events).toEqual(['stopped']);
    expect(script.order).toEqual([]);
  });
});

describe('the version', () => {
  test('is migrated once, before init, in a batch of its own', async () => {
    const lives = new Lives();
    await lives.release();
    lives.script.version = 2;
    lives.begin();
    // Not stored: the next life does it again.
    await settled();
    expect(lives.script.order).toEqual(['migrate 1', 'init']);
    lives.begin();
    // Its batch is stored, that of init is not.
    await lives.keep(1);
    lives.begin();
    await lives.release();
    expect(lives.script.order).toEqual(['init', 'continue init']);
    lives.script.version = 3;
    lives.begin();
    await lives.release();
    expect(lives.script.order).toEqual(['migrate 2', 'init', 'continue init']);
    lives.begin();
    await lives.release();
    expect(lives.script.order).toEqual(['init', 'continue init']);
    lives.script.version = 1;
    lives.begin();
    await settled();
    expect(lives.script.order).toEqual([]);
    expect(lives.harness.events.at(-1)).toMatch(
      /^initFailed WorkerError: .*stored with version 3, but declared with 1/,
    );
  });
});
