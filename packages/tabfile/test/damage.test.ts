/**
 * Whatever the bytes of a file: the rows that were written, or a TabfileError that says what is wrong. Never other rows, another
 * error, or no end.
 *
 * Mutations that make this fail, each tried: the check does not go on from section to section (a block can be left out); the check
 * of a section's head is not compared; the end of the file is not compared with the end of the footer; a promised digest may be
 * missing; counts and digests are compared without `verify`, or not with it; a row may begin behind the end of a block; the keys of
 * rows are not looked at; the size in the header is compared although a count was promised.
 *
 * HEIRLOOM_SEED replays a run.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { file2tab, readTabfile, tab2file, tabfileInfo, TabfileError } from '@heirloom/tabfile';
import { row, Table, table } from '@heirloom/tables';
import { encodeValue } from '@heirloom/wire';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isSame } from '../../wire/test/arbitrary-value.js';
import { mutate, randomFrom, runSeed } from '../../wire/test/mutate.js';
import { testDirectory } from './directory.js';
import type { TestDirectory } from './directory.js';
import { block, boundaries, footer, forge, header, MAGIC, sectionsOf } from './forge.js';
import type { Section } from './forge.js';

const seed = runSeed();
const MUTATIONS = 800;
/** Thousands of files are written and read, on a machine that may do other things. */
vi.setConfig({ testTimeout: 120_000 });

let directory: TestDirectory;
/** A file with several blocks, and its rows. */
let several: Buffer;
let severalRows: readonly unknown[];
/** A small file with both digests, and its rows. */
let small: Buffer;
let smallRows: readonly unknown[];

beforeAll(async () => {
  directory = await testDirectory();
  const definition = table({
    row: row<{ id: number; text: string; more?: unknown }>(),
    type: 'duplicate_bag',
    key: 'id',
  });
  const bag = new Table(definition);
  for (let id = 0; id < 9; id++) bag.insert({ id, text: 'x'.repeat(50_000) });
  await tab2file(bag, directory.file('written'));
  [several, severalRows] = [await readFile(directory.file('written')), bag.tab2list()];
  bag.deleteAllObjects();
  bag.insert({ id: 1, text: 'one', more: [new Set([1, 'a']), new Map([['k', 2n ** 70n]]), /a+/g] });
  bag.insert({ id: 2, text: 'two', more: { at: new Date(5), bytes: new Uint8Array([1, 2]) } });
  await tab2file(bag, directory.file('written'), { extendedInfo: ['objectCount', 'md5sum', 'sha256sum'] });
  [small, smallRows] = [await readFile(directory.file('written')), bag.tab2list()];
});
afterAll(() => directory[Symbol.asyncDispose]());

/** The rows of a file with these bytes, or the code of the error; any other error is this test's. */
async function outcome(bytes: Uint8Array, options: { verify?: boolean } = {}): Promise<readonly unknown[] | string> {
  const path = directory.file('damaged');
  await writeFile(path, bytes);
  try {
    return (await file2tab(path, options)).tab2list();
  } catch (error) {
    if (error instanceof TabfileError) return error.code;
    throw new Error(`HEIRLOOM_SEED=${seed}: not a TabfileError`, { cause: error });
  }
}

/** How many rows `readTabfile` gives of the file that was looked at last, or the code of its error. */
async function readOutcome(): Promise<number | string> {
  let rows = 0;
  try {
    for await (const _ of readTabfile(directory.file('damaged'))) rows++;
    return rows;
  } catch (error) {
    if (error instanceof TabfileError) return error.code;
    throw error;
  }
}

function isExact(found: readonly unknown[] | string, rows: readonly unknown[]): boolean {
  return typeof found !== 'string' && isSame(found, rows);
}

describe('a damaged file', () => {
  it('is the whole one as it was written, so that the tests below say something', async () => {
    for (const verify of [true, false]) {
      expect(isExact(await outcome(small, { verify }), smallRows)).toBe(true);
      expect(isExact(await outcome(several, { verify }), severalRows)).toBe(true);
    }
    expect(sectionsOf(several).map(({ kind }) => kind)).toEqual(['H', 'B', 'B', 'B', 'F']);
    expect(forge(sectionsOf(several)).equals(several)).toBe(true);
  });

  it('is called truncated at every length', async () => {
    for (let length = 0; length < small.length; length++) {
      expect([length, await outcome(small.subarray(0, length))]).toEqual([length, 'ERR_TABFILE_TRUNCATED']);
    }
    for (const boundary of boundaries(several).slice(0, -1)) {
      for (const length of [boundary, boundary + 1, boundary + 9, boundary + 20]) {
        expect(await outcome(several.subarray(0, length))).toBe('ERR_TABFILE_TRUNCATED');
      }
    }
  });

  it('is refused for each byte that is another one', async () => {
    const codes = new Set<string>();
    for (let at = 0; at < small.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const bytes = Buffer.from(small);
        bytes.writeUInt8(bytes.readUInt8(at) ^ flip, at);
        codes.add(String(await outcome(bytes, { verify: at % 2 === 0 })));
      }
    }
    expect(codes).toEqual(new Set(['ERR_TABFILE_CHECKSUM', 'ERR_TABFILE_NOT_TABFILE', 'ERR_TABFILE_VERSION']));
  });

  it('is refused when whole blocks are missing, moved, doubled or from another file', async () => {
    const [start, first, second, third, end, length] = boundaries(several) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]; // Its three blocks are tested above.
    const part = (from: number, to: number): Buffer => several.subarray(from, to);
    const [head, a, b, c, tail] = [
      part(0, first),
      part(first, second),
      part(second, third),
      part(third, end),
      part(end, length),
    ];
    expect(start).toBe(10);
    for (const parts of [
      [head, a, c, tail],
      [head, b, c, tail],
      [head, a, b, tail],
      [head, b, a, c, tail],
      [head, a, a, b, c, tail],
      [head, tail],
    ]) {
      expect(await outcome(Buffer.concat(parts))).toBe('ERR_TABFILE_CHECKSUM');
    }
    // A block of a file that differs only before it.
    const twin = forge([header({ name: 'twin' }), ...sectionsOf(several).slice(1)]);
    const [, , twinSecond = 0, twinThird = 0] = boundaries(twin);
    expect(await outcome(Buffer.concat([head, a, twin.subarray(twinSecond, twinThird), c, tail]))).toBe(
      'ERR_TABFILE_CHECKSUM',
    );
    expect(await outcome(Buffer.concat([several, Buffer.alloc(1)]))).toBe('ERR_TABFILE_FORMAT');
    expect(await outcome(Buffer.concat([several, several]))).toBe('ERR_TABFILE_FORMAT');
  });

  it('gives its rows exactly, or none, whatever is done to its bytes', async () => {
    const random = randomFrom(seed);
    for (let run = 0; run < MUTATIONS; run++) {
      const bytes = mutate(small, random);
      const found = await outcome(bytes, { verify: run % 2 === 0 });
      if (typeof found === 'string') continue;
      if (!isExact(found, smallRows) || !small.equals(bytes))
        throw new Error(`HEIRLOOM_SEED=${seed}: run ${run} gave ${found.length} rows`);
    }
  });

  it('tells its info as long as its header is right', async () => {
    const path = directory.file('header');
    const [, end = 0] = boundaries(small);
    await writeFile(path, small.subarray(0, end));
    expect(await tabfileInfo(path)).toMatchObject({ type: 'duplicate_bag', key: 'id', size: 2 });
    await writeFile(path, small.subarray(0, end - 1));
    await expect(tabfileInfo(path)).rejects.toMatchObject({ code: 'ERR_TABFILE_TRUNCATED' });
  });
});

describe('verify', () => {
  const rowBytes = encodeValue({ id: 1 });
  const promises = (...extendedInfo: string[]): Section => header({ extendedInfo });

  it('compares the number of rows with the one that was promised, else with the size at the start', async () => {
    const counted = forge([promises('objectCount'), block([rowBytes]), footer({ objectCount: 2, digests: {} })]);
    expect(await outcome(counted, { verify: true })).toBe('ERR_TABFILE_OBJECT_COUNT');
    expect(await outcome(counted)).toEqual([{ id: 1 }]);
    const grown = (extendedInfo: string[]): Buffer =>
      forge([header({ extendedInfo, size: 7 }), block([rowBytes]), footer({ objectCount: 1, digests: {} })]);
    expect(await outcome(grown([]), { verify: true })).toBe('ERR_TABFILE_OBJECT_COUNT');
    expect(await outcome(grown([]))).toEqual([{ id: 1 }]);
    expect(await outcome(grown(['objectCount']), { verify: true })).toEqual([{ id: 1 }]);
  });

  it.each(['md5sum', 'sha256sum'])('compares the %s, over header and rows', async (kind) => {
    const digests = { [kind]: new Uint8Array(16) };
    const forged = forge([promises(kind), block([rowBytes]), footer({ objectCount: 1, digests })]);
    expect(await outcome(forged, { verify: true })).toBe('ERR_TABFILE_DIGEST');
    expect(await outcome(forged)).toEqual([{ id: 1 }]);
    // Who changes a row and makes all checks right again is found by the digest only.
    const [head, rows, end] = sectionsOf(small) as [Section, Section, Section]; // It is one block, as its size says.
    const changed = Buffer.from(rows.body);
    changed.write('One', changed.indexOf('one'));
    expect(await outcome(forge([head, { ...rows, body: changed }, end]), { verify: true })).toBe('ERR_TABFILE_DIGEST');
    expect((await outcome(forge([head, { ...rows, body: changed }, end]))).length).toBe(2);
  });

  it('reads the whole file before readTabfile gives its first row', async () => {
    const path = directory.file('late');
    const damaged = Buffer.from(several);
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
    await writeFile(path, damaged);
    const seen = { plain: 0, verified: 0 };
    await expect(async () => {
      for await (const _ of readTabfile(path)) seen.plain++;
    }).rejects.toMatchObject({ code: 'ERR_TABFILE_CHECKSUM' });
    await expect(async () => {
      for await (const _ of readTabfile(path, { verify: true })) seen.verified++;
    }).rejects.toMatchObject({ code: 'ERR_TABFILE_CHECKSUM' });
    expect(seen).toEqual({ plain: 9, verified: 0 });
  });
});

describe('a file of somebody who knows the format', () => {
  const rowBytes = encodeValue({ id: 1 });
  const wrong: readonly (readonly [string, readonly Section[], string])[] = [
    ['has no header', [block([rowBytes]), footer()], 'ERR_TABFILE_FORMAT'],
    ['has two headers', [header(), header(), block([rowBytes]), footer()], 'ERR_TABFILE_FORMAT'],
    [
      'has a section of another kind',
      [header(), { kind: 'X', body: block([rowBytes]).body }, footer()],
      'ERR_TABFILE_FORMAT',
    ],
    ['goes on behind its footer', [header(), block([rowBytes]), footer(), block([rowBytes])], 'ERR_TABFILE_FORMAT'],
    ['has no footer', [header(), block([rowBytes])], 'ERR_TABFILE_TRUNCATED'],
    ['has a header that is no value', [{ kind: 'H', body: Buffer.from([0xff]) }, footer()], 'ERR_TABFILE_FORMAT'],
    ['has a header with more fields', [header({ owner: 'x' }), footer()], 'ERR_TABFILE_FORMAT'],
    ['has a type that there is not', [header({ type: 'queue' }), footer()], 'ERR_TABFILE_FORMAT'],
    ['has an empty key', [header({ key: [] }), footer()], 'ERR_TABFILE_FORMAT'],
    ['has a mixed key', [header({ key: ['id', 0] }), footer()], 'ERR_TABFILE_FORMAT'],
    ['has version 0 of its rows', [header({ version: 0 }), footer()], 'ERR_TABFILE_FORMAT'],
    ['promises what there is not', [header({ extendedInfo: ['crc'] }), footer()], 'ERR_TABFILE_FORMAT'],
    ['has no promised digest', [header({ extendedInfo: ['md5sum'] }), footer()], 'ERR_TABFILE_FORMAT'],
    ['has a footer of other fields', [header(), footer({ objectCount: 0 })], 'ERR_TABFILE_FORMAT'],
    ['has a negative count', [header(), footer({ objectCount: -1, digests: {} })], 'ERR_TABFILE_FORMAT'],
    ['has a block without rows', [header(), block([]), footer()], 'ERR_TABFILE_FORMAT'],
    ['counts too many rows', [header(), block([rowBytes], { count: 2 ** 50 }), footer()], 'ERR_TABFILE_FORMAT'],
    ['counts too few rows', [header(), block([rowBytes, rowBytes], { count: 1 }), footer()], 'ERR_TABFILE_FORMAT'],
    [
      'has shapes that are none',
      [header(), block([rowBytes], { shapes: [[0, 'id']] }), footer()],
      'ERR_TABFILE_FORMAT',
    ],
    [
      'has a shape of a wrong number',
      [header(), block([rowBytes], { shapes: [[256, ['id']]] }), footer()],
      'ERR_TABFILE_FORMAT',
    ],
    [
      'has a shape twice',
      [
        header(),
        block([rowBytes], {
          shapes: [
            [0, ['a']],
            [0, ['b']],
          ],
        }),
        footer(),
      ],
      'ERR_TABFILE_FORMAT',
    ],
    ['uses a shape that it lacks', [header(), block([Buffer.from([0xd5, 3])]), footer()], 'ERR_TABFILE_FORMAT'],
    [
      'fills a block and goes on',
      [header(), block([encodeValue({ id: 'x'.repeat(140_000) }), rowBytes]), footer()],
      'ERR_TABFILE_FORMAT',
    ],
    ['has a row that is a number', [header(), block([encodeValue(7)]), footer()], 'ERR_TABFILE_ROW'],
    ['has a tuple for an object', [header(), block([encodeValue([1])]), footer()], 'ERR_TABFILE_ROW'],
    ['has an object for a tuple', [header({ key: 0 }), block([rowBytes]), footer()], 'ERR_TABFILE_ROW'],
    ['has a row without its key', [header({ key: 'name' }), block([rowBytes]), footer()], 'ERR_TABFILE_ROW'],
    ['has a key that is inherited', [header({ key: 'toString' }), block([rowBytes]), footer()], 'ERR_TABFILE_ROW'],
    ['has a key that is none', [header(), block([encodeValue({ id: {} })]), footer()], 'ERR_TABFILE_ROW'],
    [
      'has a key that is too long',
      [header(), block([encodeValue({ id: 'x'.repeat(2_000) })]), footer()],
      'ERR_TABFILE_ROW',
    ],
    [
      'has a row that is nested too deep',
      [header(), block([encodeValue({ id: 1, deep: nested(100) })]), footer()],
      'ERR_TABFILE_ROW',
    ],
  ];

  it.each(wrong)('is refused when it %s', async (what, sections, code) => {
    expect(await outcome(forge(sections))).toBe(code);
    expect(await outcome(forge(sections), { verify: true })).toBe(code);
    // Rows that are read one by one meet no table that would refuse them; only how deep they are is left to it.
    const isRead = code === 'ERR_TABFILE_ROW' && what.includes('deep');
    expect(await readOutcome()).toBe(isRead ? 1 : code);
  });

  it('is refused for another version, and for what only looks like a length', async () => {
    for (const version of [0, 2, 0xffff]) {
      expect(await outcome(forge([header(), footer()], version))).toBe('ERR_TABFILE_VERSION');
    }
    // The head is right, and says that four gigabytes follow.
    const huge = forge([header(), { kind: 'B', body: rowBytes }]);
    const [, start = 0] = boundaries(huge);
    const length = Buffer.from([0x42, 0xff, 0xff, 0xff, 0xff]);
    const chain = checkAfter(huge.subarray(0, start), length);
    expect(await outcome(Buffer.concat([huge.subarray(0, start), length, chain, Buffer.alloc(40)]))).toBe(
      'ERR_TABFILE_FORMAT',
    );
    for (const bytes of [Buffer.from('id,name\n1,a\n'), Buffer.alloc(100), Buffer.from(MAGIC.toString('utf8'))]) {
      expect(await outcome(bytes)).toBe('ERR_TABFILE_NOT_TABFILE');
    }
  });

  it('gives rows or a TabfileError, whatever is in sections whose checks are right', async () => {
    const random = randomFrom(seed);
    const sections = sectionsOf(small);
    let rows = 0;
    for (let run = 0; run < MUTATIONS; run++) {
      const index = random(sections.length);
      const damaged = sections.map(({ kind, body }, at) => ({
        kind,
        body: at === index ? mutate(body, random) : body,
      }));
      const found = await outcome(forge(damaged), { verify: run % 2 === 0 });
      if (typeof found !== 'string') rows++;
    }
    expect(rows).toBeGreaterThan(MUTATIONS / 100);
    expect(rows).toBeLessThan(MUTATIONS / 2);
  });
});

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

/** The check behind a section's start, at the end of a file of whole sections. */
function checkAfter(file: Buffer, start: Buffer): Buffer {
  const content = sectionsOf(file).flatMap(({ kind, body }) => {
    const head = Buffer.alloc(5);
    head.write(kind, 0, 'latin1');
    head.writeUInt32BE(body.length, 1);
    return [head, body];
  });
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(Buffer.concat([file.subarray(0, 10), ...content, start])));
  return bytes;
}
