/**
 * Mutations that make this fail, each tried: what a life that ends has asked for is kept; a watch is given out twice; a number is used
 * again; the limit is that of all watchers.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MONITORS_MAX, Monitors } from '../src/monitors.js';

describe('who monitors whom', () => {
  it('is told once, in order, and only of lives of others', () => {
    const monitors = new Monitors();
    const watches = [monitors.add('a', 'c'), monitors.add('b', 'c'), monitors.add('a', 'c'), monitors.add('c', 'c')];
    expect(monitors.ended('c')).toEqual(watches.slice(0, 3));
    expect(monitors.ended('c')).toEqual([]);
    expect(monitors.size).toBe(0);
  });

  it('takes back what is its own', () => {
    const monitors = new Monitors();
    const watch = monitors.add('a', 'c');
    expect(monitors.remove('b', watch?.number ?? 0)).toBe(false);
    expect(monitors.remove('a', watch?.number ?? 0)).toBe(true);
    expect(monitors.remove('a', watch?.number ?? 0)).toBe(false);
    expect([monitors.ended('c'), monitors.size]).toEqual([[], 0]);
  });

  it('is bounded for each watcher (G9)', () => {
    const monitors = new Monitors();
    for (let count = 0; count < MONITORS_MAX; count++) monitors.add('a', `w${count}`);
    expect(monitors.add('a', 'x')).toBeUndefined();
    expect(monitors.add('b', 'x')).toBeDefined();
    monitors.ended('w7');
    expect(monitors.add('a', 'x')).toBeDefined();
  });

  it('keeps nothing of lives that are over, and agrees with a list of watches', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ type: fc.constant('add' as const), watcher: name, target: name }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('remove' as const), watcher: name, which: fc.nat(20) }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('ended' as const), worker: name }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1_000, size: 'max' }), (steps) => {
        const monitors = new Monitors();
        let model: { watcher: string; target: string; number: number }[] = [];
        const numbers = new Set<number>();
        for (const each of steps) {
          if (each.type === 'add') {
            const watch = monitors.add(each.watcher, each.target);
            if (watch === undefined) throw new Error('a watch was refused');
            expect(numbers.has(watch.number)).toBe(false);
            numbers.add(watch.number);
            model.push({ watcher: each.watcher, target: each.target, number: watch.number });
          } else if (each.type === 'remove') {
            const number = model[each.which]?.number ?? each.which;
            const isThere = model.some((watch) => watch.number === number && watch.watcher === each.watcher);
            expect(monitors.remove(each.watcher, number)).toBe(isThere);
            if (isThere) model = model.filter((watch) => watch.number !== number);
          } else {
            const { worker } = each;
            expect(monitors.ended(worker)).toEqual(
              model.filter(({ watcher, target }) => target === worker && watcher !== worker),
            );
            model = model.filter(({ watcher, target }) => target !== worker && watcher !== worker);
          }
          expect(monitors.size).toBe(model.length);
        }
        for (const worker of ['a', 'b', 'c', 'd']) monitors.ended(worker);
        expect(monitors.size).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('holds as much after a thousand deaths as after one', () => {
    const monitors = new Monitors();
    for (let death = 0; death < 1_000; death++) {
      monitors.add('a', 'b');
      monitors.add('b', 'a');
      monitors.add('b', 'nobody');
      monitors.ended(death % 2 === 0 ? 'b' : 'a');
      // What watches one that never ends goes with its watcher.
      expect(monitors.size).toBeLessThanOrEqual(2);
    }
  });
});
