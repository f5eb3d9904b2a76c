/**
 * What was written is read back exactly: type, key, every value, and the order of rows, in the memory of a block.
 *
 * Mutations that make this fail, each tried: shapes are not written with the block; a section may only be as long as the longest row;
 * the name is left out of the loaded table; rows of a block are loaded in reverse; `survives` of the header is not used.
 */
import * as fc from 'fast-check';
import { file2tab, readTabfile, tab2file, tabfileInfo } from '@heirloom/tabfile';
import { row, Table, table, TableError } from '@heirloom/tables';
import type { AnyTableDefinition, TableType } from '@heirloom/tables';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arbitraryValue, isSame } from '../../wire/test/arbitrary-value.js';
import { testDirectory } from './directory.js';
import type { TestDirectory } from './directory.js';

const TYPES = ['set', 'ordered_set', 'bag', 'duplicate_bag'] as const;
const RUNS_PER_TYPE = 150;

let directory: TestDirectory;
beforeAll(async () => {
  directory = await testDirectory();
});
afterAll(() => directory[Symbol.asyncDispose]());

const scalarKey = fc.oneof(
  fc.constantFrom(null, true, false, 0, -0, 1, 1n, -1, 'a', '', 'é', '😀', 2 ** 53, 2n ** 70n, Infinity),
  fc.integer({ min: 0, max: 5 }),
  fc.string({ maxLength: 3 }),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 3 }),
);
const key = fc.oneof(scalarKey, fc.array(scalarKey, { maxLength: 3 }));
const fields = fc.dictionary(fc.constantFrom('v', 'w', '__proto__', '0', 'é'), arbitraryValue, { maxKeys: 3 });

/** Definitions with every kind of key, and rows for each. */
const contents = fc.oneof(
  fc.record({
    key: fc.constant('id' as const),
    rows: fc.array(fc.tuple(key, fields).map(([id, rest]) => ({ ...rest, id }))),
  }),
  fc.record({
    key: fc.constant(['tenant', 'id'] as const),
    rows: fc.array(fc.tuple(key, key, fields).map(([tenant, id, rest]) => ({ tenant, ...rest, id }))),
  }),
  fc.record({
    key: fc.constantFrom(0 as const, [1, 0] as const),
    rows: fc.array(fc.tuple(key, key, arbitraryValue).map(([first, second, third]) => [first, second, third])),
  }),
);

/** A definition whose key is known only at run time. */
function definitionOf(type: TableType, keySpec: unknown): AnyTableDefinition {
  return table({ row: row<unknown>(), key: keySpec as never, type, access: 'public', survives: 'runtime_crash' });
}

/** A table of the rows that a table takes. */
function tableOf(definition: AnyTableDefinition, rows: readonly unknown[]): Table<AnyTableDefinition> {
  const made = new Table(definition, { name: 'some' });
  for (const each of rows) {
    try {
      made.insert(each as never);
    } catch (error) {
      if (!(error instanceof TableError)) throw error;
    }
  }
  return made;
}

async function listOf<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const each of rows) list.push(each);
  return list;
}

describe.each(TYPES)('a table of type %s', (type) => {
  it('is the same table after a round trip, whatever its keys and values', async () => {
    const path = directory.file(`${type}.tab`);
    await fc.assert(
      fc.asyncProperty(
        contents,
        fc.subarray(['objectCount', 'md5sum', 'sha256sum'] as const),
        fc.boolean(),
        async (content, extendedInfo, verify) => {
          const written = tableOf(definitionOf(type, content.key), content.rows);
          const { objectCount } = await tab2file(written, path, { extendedInfo });
          expect(objectCount).toBe(written.size);
          const loaded = await file2tab(path, { verify });
          expect(loaded.info()).toEqual(written.info());
          // Bags have their rows in order of insertion, also across keys, as rows are inserted in the order of the file.
          expect(isSame([...loaded], [...written])).toBe(true);
          expect(isSame(await listOf(readTabfile(path, { verify })), [...written])).toBe(true);
          expect(await tabfileInfo(path)).toEqual({ ...written.info(), extendedInfo, formatVersion: 1 });
        },
      ),
      { numRuns: RUNS_PER_TYPE },
    );
  });
});

describe('a round trip', () => {
  it('keeps the rows of each key of a bag in order, across blocks', async () => {
    const path = directory.file('bag');
    const definition = table({ row: row<{ id: number; n: number; text: string }>(), type: 'duplicate_bag', key: 'id' });
    const bag = new Table(definition);
    for (let n = 0; n < 20_000; n++) bag.insert({ id: n % 7, n, text: 'x'.repeat(n % 50) });
    const { bytes } = await tab2file(bag, path);
    expect(bytes).toBeGreaterThan(3 * 128 * 1024);
    const loaded = await file2tab(path, { definition });
    for (let id = 0; id < 7; id++) expect(loaded.lookup(id)).toEqual(bag.lookup(id));
    expect(loaded.tab2list()).toEqual(bag.tab2list());
  });

  it('takes more kinds of rows than there are shapes, also when they come late', async () => {
    const path = directory.file('shapes');
    const definition = table({ row: row<{ id: number }>(), type: 'ordered_set', key: 'id' });
    const many = new Table(definition);
    for (let id = 0; id < 600; id++) {
      many.insert({ id, [`field${id}`]: 'x'.repeat(1_000), inner: { [`inner${id}`]: id } } as { id: number });
    }
    await tab2file(many, path, { extendedInfo: ['sha256sum'] });
    expect((await file2tab(path, { verify: true })).tab2list()).toEqual(many.tab2list());
  });

  it('takes an empty table, and rows as long as a table takes them', async () => {
    const path = directory.file('long');
    const definition = table({ row: row<{ id: number; text: string }>(), type: 'ordered_set', key: 'id' });
    const long = new Table(definition);
    await tab2file(long, path, { extendedInfo: ['objectCount', 'md5sum'] });
    expect((await file2tab(path, { definition, verify: true })).size).toBe(0);
    for (let id = 0; id < 3; id++) {
      // Nearly a block, so that the section holds more than the longest row.
      long.insert({ id: id * 2, text: 'x'.repeat(120_000) });
      long.insert({ id: id * 2 + 1, text: 'x'.repeat(16 * 1024 * 1024 - 100) });
    }
    await tab2file(long, path, { extendedInfo: ['objectCount', 'md5sum'] });
    const loaded = await file2tab(path, { definition, verify: true });
    for (const { id, text } of loaded) expect(text === long.lookup(id)?.text).toBe(true);
    expect(loaded.size).toBe(6);
  });

  it('gives each reader rows of its own', async () => {
    const path = directory.file('own');
    const definition = table({ row: row<{ id: number; tags: string[] }>(), key: 'id' });
    const source = new Table(definition);
    source.insert({ id: 1, tags: ['a'] });
    await tab2file(source, path);
    const rows = readTabfile(path, { definition });
    for await (const each of rows) each.tags.push('b');
    expect(await listOf(rows)).toEqual([{ id: 1, tags: ['a'] }]);
  });
});
