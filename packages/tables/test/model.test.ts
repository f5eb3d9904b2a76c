/**
 * Any commands give on a table what they give on a list of rows, for every type, in and out of transactions, while it loads,
 * and after any crash: what a new incarnation finds is what was committed, down to the order of bags and their sequences.
 *
 * Mutations that made it fail: a rollback that keeps appended rows, keeps the sequence counter, or does not undo a clear; a
 * commit without its clear, without deletions between other rows of a key, or that takes a replaced list of rows for the old
 * one; a background load over keys that are known; a key loaded twice; a chunk that cuts the rows of a key; a bag that takes
 * a list in order, a duplicate bag that does not; an iteration that sees rows that come, or loses its place as rows go; a
 * removal that spares a row; an ordered set that keeps the old key, or iterates from a stale place; text sorted by units;
 * identities of -0; of several segments, earlier ones not looked at; bags that keep a row that became equal to another; a fold
 * from the wrong end; pages that lose their direction, or what is left of a key; keys that are looked up in the wrong direction.
 *
 * A failure prints its seed and the commands' path; run it again with `{ seed, path, replayPath }` beside `numRuns`.
 */
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { TableType } from '@heirloom/tables';
import type * as LargeMapModule from '../src/large-map.js';
import { Table } from '../src/table.js';
import { modelCommands } from './model-commands.js';
import { Model } from './model.js';
import { World, modelDefinition, seenOf, seenOfModel } from './model-world.js';
import type { MakeTable } from './model-world.js';

const EVERY_TYPE = ['set', 'ordered_set', 'bag', 'duplicate_bag'] as const;

function runModel(type: TableType, make: MakeTable, numRuns: number): void {
  const commands = fc.commands(modelCommands, { maxCommands: 60, size: 'max' });
  fc.assert(
    fc.property(commands, (chosen) => {
      const model = new Model(type);
      const world = new World(type, make);
      fc.modelRun(() => ({ model, real: world }), chosen);
      if (world.isBegun) world.commit();
      model.commit();
      expect(seenOf(world.table, type)).toEqual(seenOfModel(model));
      world.crash(0);
      expect(seenOf(world.table, type)).toEqual(seenOfModel(model));
      expect(world.store.sequences()).toEqual(model.sequences());
    }),
    { numRuns },
  );
}

describe('a table is its model', { timeout: 60_000 }, () => {
  it.each(EVERY_TYPE)('after any commands: %s (G2, G3)', (type) => {
    runModel(type, (of) => new Table(modelDefinition(of)), 150);
  });
});

describe('a table of many segments is its model', { timeout: 60_000 }, () => {
  it.each(['set', 'bag', 'duplicate_bag'] as const)('after any commands: %s', async (type) => {
    vi.resetModules();
    vi.doMock('../src/large-map.js', async (importOriginal) => {
      const { LargeMap } = await importOriginal<typeof LargeMapModule>();
      return {
        LargeMap: class<Key, Value extends object | true> extends LargeMap<Key, Value> {
          constructor() {
            super(3);
          }
        },
      };
    });
    const segmented = await import('../src/table.js');
    expect(segmented.Table).not.toBe(Table);
    runModel(type, (of) => new segmented.Table(modelDefinition(of)), 80);
  });
});
