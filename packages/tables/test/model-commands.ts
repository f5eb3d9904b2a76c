/** All commands of the model tests: reads, writes, transactions, and what happens to the table's process and store. */
import * as fc from 'fast-check';
import type { Model } from './model.js';
import { command, none } from './model-operation.js';
import { queries } from './model-queries.js';
import { changesWhileIterating, reads, removesWhileIterating } from './model-reads.js';
import { writes } from './model-writes.js';
import { seenOf, seenOfModel } from './model-world.js';
import type { World } from './model-world.js';

const transactions = [
  command({
    name: 'begin',
    args: none,
    expected: (model) => model.begin(),
    actual: (world) => (world.isBegun ? undefined : world.begin()),
  }),
  command({
    name: 'commit',
    args: none,
    expected: (model) => model.commit(),
    actual: (world) => (world.isBegun ? world.commit() : undefined),
  }),
  command({
    name: 'rollback',
    args: none,
    expected: (model) => model.rollback(),
    actual: (world) => (world.isBegun ? world.rollback() : undefined),
  }),
];

const incarnations = [
  command({
    name: 'the store shows a commit',
    args: none,
    expected: () => undefined,
    actual: (world) => world.store.settle(1),
  }),
  command({
    name: 'hydrate',
    args: fc.integer({ min: 1, max: 30 }),
    expected: () => undefined,
    actual: (world, rows) => void world.table.hydrate(rows),
  }),
  command({
    name: 'crash',
    args: fc.integer({ min: 0, max: 20 }),
    expected: (model) => {
      model.rollback();
      return seenOfModel(model);
    },
    actual: (world, loadedRows) => {
      world.crash(loadedRows);
      return seenOf(world.open(), world.type);
    },
  }),
];

/** Every command, writes and reads in about the numbers that find most. */
export const modelCommands: fc.Arbitrary<fc.Command<Model, World>>[] = [
  ...writes,
  ...writes,
  ...reads,
  ...queries,
  changesWhileIterating,
  removesWhileIterating,
  ...transactions,
  ...incarnations,
  ...incarnations,
];
