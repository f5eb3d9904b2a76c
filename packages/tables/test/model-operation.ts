/**
 * An operation in the model tests: once as the model says it and once on the real table, as a command of fast-check.
 *
 * A result is something that can be compared; what a type leaves open, such as the order of a hash type's keys, is put in
 * order on both sides. A refusal is the error's code, and then nothing may have changed.
 */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { TableType } from '@heirloom/tables';
import { POOL, keyClass, modelRow, plainRow } from './model.js';
import type { Model, ModelRow, PoolKey } from './model.js';
import type { World } from './model-world.js';

/** One operation, with what it takes. */
interface Operation<Args> {
  readonly name: string;
  readonly args: fc.Arbitrary<Args>;
  readonly types?: readonly TableType[];
  readonly expected: (model: Model, args: Args) => unknown;
  readonly actual: (world: World, args: Args) => unknown;
}

class TableCommand<Args> implements fc.Command<Model, World> {
  readonly #operation: Operation<Args>;
  readonly #args: Args;

  constructor(operation: Operation<Args>, args: Args) {
    this.#operation = operation;
    this.#args = args;
  }

  check(model: Readonly<Model>): boolean {
    return this.#operation.types?.includes(model.type) ?? true;
  }

  run(model: Model, world: World): void {
    const wanted = this.#operation.expected(model, this.#args);
    expect(codeOr(() => this.#operation.actual(world, this.#args))).toEqual(wanted);
    expect([world.table.size, world.table.info().size]).toEqual([model.entries.length, model.entries.length]);
    expect(world.table.nextSequence).toBe(model.nextSequence);
  }

  toString(): string {
    return `${this.#operation.name}(${fc.stringify(this.#args)})`;
  }
}

/** What a function returns, or the code of the error that it throws. */
function codeOr(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== 'string' || code === 'ERR_INVARIANT') throw error;
    return code;
  }
}

export const some = fc.oneof(
  fc.constantFrom(...POOL),
  // Often the same few, so that keys meet.
  fc.constantFrom(
    ...POOL.filter(({ name }) => ['null', '1', '1n', '2n', 'n11', 'a', 'array-a', '2^53'].includes(name)),
  ),
);
export interface SomeRow {
  readonly pool: PoolKey;
  readonly v: number;
  readonly w: ModelRow['w'];
}
export const someRow: fc.Arbitrary<SomeRow> = fc.record({
  pool: some,
  v: fc.integer({ min: 0, max: 2 }),
  w: fc.constantFrom<ModelRow['w'][]>('x', 'y', [1], [1, 2]),
});
export const someRows = fc.array(someRow, { maxLength: 5 });
export const rowOf = ({ pool, v, w }: SomeRow): ModelRow => modelRow(pool, v, w);
export const found = (result: unknown): readonly string[] =>
  // A row or undefined in sets, rows in bags.
  result === undefined ? [] : Array.isArray(result) ? result.map(plainRow) : [plainRow(result as ModelRow)];
export const rowsIn = (model: Model): readonly ModelRow[] => model.sorted().map(({ row }) => row);

export function inRange(model: Model, from: PoolKey, below: PoolKey | undefined): readonly ModelRow[] {
  const bounds = [from, ...(below === undefined ? [] : [below])];
  return model
    .sorted()
    .filter(({ pool }) => bounds.every(({ key }) => keyClass(key) === keyClass(pool.key)))
    .filter(({ pool }) => pool.rank >= from.rank && (below === undefined || pool.rank < below.rank))
    .map(({ row }) => row);
}

/** Makes commands of an operation. */
export function command<Args>(operation: Operation<Args>): fc.Arbitrary<fc.Command<Model, World>> {
  return operation.args.map((args) => new TableCommand(operation, args));
}

export const none = fc.constant(undefined);
