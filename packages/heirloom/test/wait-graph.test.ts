/**
 * Mutations that make this fail, each tried: the edge is made before the circle is looked for; only the direct neighbour is looked
 * at; an edge goes with the first of several questions.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitGraph } from '../src/wait-graph.js';

describe('who waits for whom (G9)', () => {
  it('has no edge that closes a circle, and says which workers were on it', () => {
    const graph = new WaitGraph();
    expect(graph.wait('a', 'a')).toEqual(['a', 'a']);
    expect(graph.wait('a', 'b')).toBeUndefined();
    expect(graph.wait('b', 'c')).toBeUndefined();
    expect(graph.wait('b', 'a')).toEqual(['b', 'a', 'b']);
    expect(graph.wait('c', 'a')).toEqual(['c', 'a', 'b', 'c']);
    graph.done('a', 'b');
    expect(graph.wait('c', 'a')).toBeUndefined();
    expect(graph.size).toBe(2);
  });

  it('counts the questions that wait for one worker', () => {
    const graph = new WaitGraph();
    graph.wait('a', 'b');
    graph.wait('a', 'b');
    graph.done('a', 'b');
    expect(graph.wait('b', 'a')).toEqual(['b', 'a', 'b']);
    graph.done('a', 'b');
    expect(graph.wait('b', 'a')).toBeUndefined();
    expect(() => graph.done('a', 'b')).toThrow('does not wait');
  });

  it('refuses an edge if and only if it would close a circle, and tells a real one', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const step = fc.record({ from: name, to: name, isDone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const graph = new WaitGraph();
        const edges: { from: string; to: string }[] = [];
        /** By trying every edge as often as there are edges. */
        const reaches = (from: string, to: string): boolean => {
          const reached = new Set([from]);
          for (const _round of edges) for (const edge of edges) if (reached.has(edge.from)) reached.add(edge.to);
          return reached.has(to);
        };
        for (const { from, to, isDone } of steps) {
          const known = edges.findIndex((edge) => edge.from === from && edge.to === to);
          if (isDone && known >= 0) {
            graph.done(from, to);
            edges.splice(known, 1);
          } else if (!isDone) {
            const circle = graph.wait(from, to);
            expect(circle !== undefined).toBe(reaches(to, from));
            if (circle === undefined) edges.push({ from, to });
            else {
              expect([circle[0], circle[1], circle.at(-1)]).toEqual([from, to, from]);
              for (const [index, worker] of circle.slice(1, -1).entries()) {
                expect(edges).toContainEqual({ from: worker, to: circle[index + 2] });
              }
            }
          }
          expect(graph.size).toBe(edges.length);
        }
      }),
    );
  });
});
