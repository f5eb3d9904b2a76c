/**
 * A registry of names against a list of entries, under random operations.
 *
 * Mutations that make this fail, each tried: a life that ends keeps an entry; the count or the bytes are not taken back; `1` and `1n` are
 * one key; unregistering takes out the entries of others; an update is not counted in bytes.
 */
import { isEqual } from '@heirloom/tables';
import type { TableKey } from '@heirloom/tables';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NameRegistry, REGISTRY_ENTRIES_MAX, REGISTRY_VALUE_BYTES_MAX } from '../src/name-registry.js';
import type { RegistryKind } from '../src/name-registry.js';

const WORKERS = ['a', 'b', 'c'];
const key: fc.Arbitrary<TableKey> = fc.constantFrom<TableKey>(1, 1n, 'one', ['one', 1], null);
const worker = fc.constantFrom(...WORKERS);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('register' as const), worker, key, value: fc.jsonValue() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('unregister' as const), worker, key }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('update' as const), worker, key, value: fc.jsonValue() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('ended' as const), worker }) },
);

interface Named {
  readonly worker: string;
  readonly key: TableKey;
  value: unknown;
}

describe.each<RegistryKind>(['unique', 'duplicate'])('a registry of %s keys', (kind) => {
  it('holds what lives have entered, and nothing of lives that are over', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const registry = new NameRegistry('names', kind);
        let model: Named[] = [];
        const isOf = (one: string, other: TableKey) => (each: Named) => each.worker === one && isEqual(each.key, other);
        for (const each of steps) {
          if (each.type === 'ended') {
            registry.ended(each.worker);
            model = model.filter((named) => named.worker !== each.worker);
          } else if (each.type === 'unregister') {
            expect(registry.unregister(each.worker, each.key)).toBe(model.some(isOf(each.worker, each.key)));
            model = model.filter((named) => !isOf(each.worker, each.key)(named));
          } else if (each.type === 'register') {
            const holder = model.find((named) => isEqual(named.key, each.key));
            if (kind === 'unique' && holder !== undefined) {
              const taken = { code: 'ERR_WORKER_REGISTERED', details: { registry: 'names', worker: holder.worker } };
              expect(() => registry.register(each.worker, each.key, each.value)).toThrow(
                expect.objectContaining({ code: taken.code }) as Error,
              );
            } else {
              registry.register(each.worker, each.key, each.value);
              model.push({ worker: each.worker, key: each.key, value: each.value });
            }
          } else if (kind === 'unique') {
            const own = model.find(isOf(each.worker, each.key));
            expect(registry.updateValue(each.worker, each.key, each.value)).toBe(own !== undefined);
            if (own !== undefined) own.value = each.value;
          }
          expect(registry.count).toBe(model.length);
        }
        for (const one of [1, 1n, 'one', ['one', 1], null]) {
          const entries = model.filter((named) => isEqual(named.key, one));
          expect(registry.lookup(one)).toEqual(entries.map(({ worker: name, value }) => ({ worker: name, value })));
        }
        for (const name of WORKERS) {
          expect(registry.keys(name)).toEqual(model.filter((each) => each.worker === name).map((each) => each.key));
          expect(registry.select({ where: { worker: name } })).toHaveLength(registry.keys(name).length);
        }
        for (const name of WORKERS) registry.ended(name);
        expect([registry.count, registry.bytes, registry.select()]).toEqual([0, 0, []]);
      }),
      { numRuns: 60 },
    );
  });

  it('is as small after a thousand deaths as before', () => {
    const registry = new NameRegistry('names', kind);
    for (let death = 0; death < 1_000; death++) {
      registry.register('a', death, 'x');
      registry.register('a', 'again', death);
      registry.ended('a');
    }
    expect([registry.count, registry.bytes]).toEqual([0, 0]);
  });

  it('is bounded, and refuses without changing anything (G9)', () => {
    const registry = new NameRegistry('names', kind);
    const limit = expect.objectContaining({ code: 'ERR_WORKER_LIMIT' }) as Error;
    expect(() => registry.register('a', 'large', 'x'.repeat(REGISTRY_VALUE_BYTES_MAX))).toThrow(limit);
    for (let entry = 0; entry < REGISTRY_ENTRIES_MAX; entry++) registry.register('a', entry, undefined);
    expect(() => registry.register('a', 'more', undefined)).toThrow(limit);
    expect(registry.count).toBe(REGISTRY_ENTRIES_MAX);
    registry.ended('a');
    const large = 'x'.repeat(REGISTRY_VALUE_BYTES_MAX - 100);
    let entries = 0;
    try {
      for (; entries < 2_000; entries++) registry.register('b', entries, large);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_WORKER_LIMIT' });
    }
    expect(entries).toBe(registry.count);
    expect(entries).toBeGreaterThan(1_000);
    expect(entries).toBeLessThan(1_100);
  });
});
