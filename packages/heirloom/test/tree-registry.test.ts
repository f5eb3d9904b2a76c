/**
 * The registry of the tree looks at one worker when it is about one worker.
 *
 * Mutations that make this fail, each tried: the end of a worker walks all workers; the place of a worker that is gone is kept; a
 * supervisor's end does not reach the workers below it.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { EventHub } from '../src/events.js';
import { supervisor, worker } from '../src/reference.js';
import { Router } from '../src/router.js';
import { TreeRegistry } from '../src/tree-registry.js';

const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger };
const ports = { processes: { spawn: () => expect.fail() }, faults: () => [], killWaitMs: undefined, drainTimeoutMs: 1 };
const limits = {
  waitingMax: 1,
  waitingBytesMax: 1,
  sentMax: 1,
  sentBytesMax: 1,
  triesMax: 1,
  suspectWindow: 1,
};
const module = new URL('file:///a.worker.js');

function registry(count: number) {
  const workers = Array.from({ length: count }, (_, n) => worker(`w${n}`, module));
  const inner = supervisor({ strategy: 'one_for_one', id: 'inner' }, [worker('below', module)]);
  const root = supervisor({ strategy: 'one_for_one', id: 'root' }, [...workers, inner]);
  const tree = new TreeRegistry(new Router('/nowhere', ports, logger, new EventHub(() => {})), limits);
  tree.admit(root, ['top']);
  return { tree, workers, inner };
}

afterEach(() => vi.restoreAllMocks());

test('finds what is at a place, and takes note of its end, without a look at the others', () => {
  const { tree, workers } = registry(1_000);
  const walk = vi.spyOn(tree, 'workers', 'get');
  expect(tree.referenceAt(['top', 'root', 'w500'])).toBe(workers[500]);
  tree.ended(['top', 'root', 'w500'], false);
  expect(walk).not.toHaveBeenCalled();
  vi.restoreAllMocks();
  const finished = tree.workers.filter(({ slot }) => slot.isFinished).map(({ reference }) => reference.name);
  expect(finished).toEqual(['w500']);
});

test('reaches everything below a supervisor that has ended, and forgets the places of what was deleted', () => {
  const { tree, inner } = registry(2);
  const path = ['top', 'root', 'inner'];
  expect(tree.referenceAt(path)).toBe(inner);
  tree.ended(path, false);
  expect(tree.worker('below')?.slot.isFinished).toBe(true);
  tree.deleted(path);
  expect(tree.referenceAt(path)).toBeUndefined();
  expect(tree.referenceAt([...path, 'below'])).toBeUndefined();
  tree.deleted(['top', 'root', 'w0']);
  expect(tree.referenceAt(['top', 'root', 'w0'])).toBeUndefined();
  expect(tree.referenceAt(['top', 'root', 'w1'])).toBeDefined();
});
