/**
 * Mutations that make this fail, each tried: a link is kept for one end only; a life that ends keeps its links; a life is linked to
 * itself.
 */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Links } from '../src/links.js';

it('links are of both, told once, and gone with a life: as in a list of pairs', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const step = fc.record({ type: fc.constantFrom('link', 'link', 'unlink', 'ended'), one: name, other: name });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1_000, size: 'max' }), (steps) => {
      const links = new Links();
      let model: (readonly [string, string])[] = [];
      const isBetween = (one: string, other: string) => (pair: readonly [string, string]) =>
        pair.includes(one) && pair.includes(other);
      for (const { type, one, other } of steps) {
        if (type === 'link') {
          links.link(one, other);
          if (one !== other && !model.some(isBetween(one, other))) model.push([one, other]);
        } else if (type === 'unlink') {
          links.unlink(one, other);
          if (one !== other) model = model.filter((pair) => !isBetween(one, other)(pair));
        } else {
          const peers = model
            .filter((pair) => pair.includes(one))
            .flatMap((pair) => pair.filter((each) => each !== one));
          expect(links.ended(one)).toEqual(peers);
          model = model.filter((pair) => !pair.includes(one));
        }
        expect(links.size).toBe(model.length);
      }
      for (const worker of ['a', 'b', 'c', 'd', 'e']) links.ended(worker);
      expect(links.size).toBe(0);
    }),
    { numRuns: 50 },
  );
});

it('are as many after a thousand deaths as after one', () => {
  const links = new Links();
  for (let death = 0; death < 1_000; death++) {
    links.link('a', 'b');
    links.link('c', 'a');
    links.link('a', 'a');
    expect(links.size).toBe(2);
    expect(links.ended('a')).toEqual(['b', 'c']);
    expect(links.size).toBe(0);
  }
});
